"""Records are what ``dataclasses`` makes of the same classes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from openaimock import records


def classes(module: Any) -> dict[str, Any]:
    """The same classes, made by the module."""

    @module.dataclass(frozen=True, slots=True)
    class Point:
        """Comments stay."""

        x: int
        y: int = 2

        @property
        def sum(self) -> int:
            return self.x + self.y

    @module.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
    class Options:
        names: list[str] = module.field(default_factory=lambda: ["a"])
        secret: str = module.field(default="s", repr=False)
        size: int

    @module.dataclass
    class Call:
        COUNT: ClassVar[int] = 3
        path: str
        ready: bool = module.field(default=False, init=False)
        place: int = module.field(init=False)
        more: list[int] = module.field(default_factory=list, repr=False)

    @module.dataclass(init=False, eq=False, repr=False)
    class Ask:
        text: str = "t"
        model: str = module.field(default="m", repr=False)

        def __init__(self, text: str = "") -> None:
            self.text = text

        def __repr__(self) -> str:
            return "<Ask>"

    return {"Point": Point, "Options": Options, "Call": Call, "Ask": Ask}


BOTH = [classes(dataclasses), classes(records)]
USES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "text": lambda made: repr(made["Point"](1)).rpartition(".")[2],
    "text without a secret": lambda made: repr(made["Options"](size=1)).rpartition(".")[2],
    "own text": lambda made: repr(made["Ask"]()),
    "equal": lambda made: (made["Point"](1) == made["Point"](1, 2), made["Point"](1) == made["Point"](2), made["Point"](1) == 1),
    "hash": lambda made: hash(made["Point"](1)),
    "no comparison": lambda made: made["Options"](size=1) == made["Options"](size=1),
    "not hashable": lambda made: hash(made["Call"]("a")),
    "a name that is missing": lambda made: made["Point"](),
    "an unknown name": lambda made: made["Point"](z=1),
    "by position": lambda made: made["Options"](["a"], "b", 1),
    "a field without init": lambda made: made["Call"]("a", ready=True),
    "a field that is not set": lambda made: made["Call"]("a").place,
    "a default of the class": lambda made: (
        made["Call"]("a").ready,
        made["Call"].ready,
        made["Call"].COUNT,
        vars(made["Call"]("a")),
    ),
    "own constructor": lambda made: (made["Ask"]("x").text, made["Ask"].model, vars(made["Ask"]())),
    "a list of its own": lambda made: made["Call"]("a").more is made["Call"]("a").more,
    "set": lambda made: setattr(made["Point"](1), "x", 2),
    "delete": lambda made: delattr(made["Point"](1), "x"),
    "another attribute": lambda made: vars(made["Point"](1)),
    "names": lambda made: (
        made["Point"].__name__,
        made["Point"].__doc__,
        made["Point"].__match_args__,
        made["Options"].__match_args__,
    ),
    "a property": lambda made: made["Point"](3).sum,
    "copies": lambda made: (copy.copy(made["Point"](5)).x, copy.deepcopy(made["Options"](size=4)).size),
    "replaced": lambda made: _replaced(made),
}


def _replaced(made: dict[str, Any]) -> Any:
    module = dataclasses if made is BOTH[0] else records
    new = module.replace(made["Options"](size=4, names=[]), size=5)
    return new.size, new.names, new.secret


def result(use: Callable[[dict[str, Any]], Any], made: dict[str, Any]) -> Any:
    try:
        return use(made)
    except (TypeError, AttributeError) as error:
        return issubclass(type(error), AttributeError) or type(error)


@pytest.mark.parametrize("use", USES)
def test_a_record_is_the_same_as_a_dataclass(use: str) -> None:
    expected, found = (result(USES[use], made) for made in BOTH)
    assert found == expected


@records.dataclass(frozen=True, slots=True)
class Kept:
    text: str


def test_a_record_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Kept("a"))) == Kept("a")


def test_the_fields_have_names() -> None:
    assert records.field_names(Kept) == records.field_names(Kept("a")) == ("text",)
    assert records.field_names("a") == ()
