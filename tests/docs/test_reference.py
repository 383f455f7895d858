"""docs/reference.rst: the attributes that its tables name exist, and every public name is on the page."""

from __future__ import annotations

import re

import pytest

import openaimock
from openaimock import errors
from openaimock.rules.rule import Rule
from openaimock.types.ask import Ask
from openaimock.types.exchange import Exchange

from .page import DOCS

PAGE = (DOCS / "reference.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [Exchange, Ask, Rule])
def test_the_attributes_exist(kind):
    table = re.search(rf"Attributes of an? {kind.__name__}\n(.*?)\n\w", PAGE, re.DOTALL)[1]
    names = [name for cell in re.findall(r"^ +\* - (.+)$", table, re.MULTILINE) for name in re.findall(r"``(\w+)``", cell)]
    assert len(names) > 4
    attributes = {*kind.__dataclass_fields__, *dir(kind), *vars(kind)}
    assert [name for name in names if name not in attributes] == []


def test_every_public_name_is_on_the_page():
    documented_errors = (errors.ConfigError, errors.Problem, errors.PortInUseError)
    names = [f"openaimock.{name}" for name in openaimock.__all__]
    for name in [*names, *(f"{kind.__module__}.{kind.__name__}" for kind in documented_errors)]:
        assert re.search(rf"auto\w+:: {re.escape(name)}\b", PAGE), name
