"""docs/matching.rst: every file in it is served, and the conversations below it go as shown."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from docutils.nodes import doctest_block, entry, literal_block, row, section

from openaimock.config.schema import SHAPES
from openaimock.rules import matchers

from ..support.wire import post
from .page import tree

PAGE = "matching.rst"


def cases() -> Iterator[Any]:
    for part in tree(PAGE).findall(section):
        for block in part.findall(literal_block):
            if block.parent is part:
                shown = "\n".join(node.astext() for node in part.findall(doctest_block))
                yield pytest.param(block.astext(), shown, id=part["names"][0])


def message(role: str, text: str, **more: str) -> dict[str, str]:
    return {"role": role, "content": text, **more}


@pytest.mark.parametrize(("config", "shown"), list(cases()))
def test_what_the_page_shows_is_so(config, shown, serve):
    mock = serve(config)

    def answer(*messages: Any) -> dict[str, Any]:
        sent = [message("user", each) if isinstance(each, str) else each for each in messages]
        return post(mock, {"model": "gpt-4o", "messages": sent}).json()

    def ask(*messages: Any) -> str | None:
        found = answer(*messages)
        return found["choices"][0]["message"]["content"] if "choices" in found else None

    names = {
        "ask": ask,
        "refused": lambda text: answer(text)["error"],
        **{role: partial(message, role) for role in ("system", "user", "assistant")},
        "tool": lambda text, id: message("tool", text, tool_call_id=id),
    }
    test = doctest.DocTestParser().get_doctest(shown, names, f"docs/{PAGE}", None, 0)
    assert test.examples
    told: list[str] = []
    doctest.DocTestRunner().run(test, out=told.append)
    assert not told, "".join(told)


def test_the_page_tells_what_each_matcher_is_worth():
    rows = [[cell.astext() for cell in found.findall(entry)] for found in tree(PAGE).findall(row)]
    worth = {cells[0]: float(cells[3]) for cells in rows if len(cells) == 4 and cells[0] in matchers.NAMES}
    assert worth == {name: matchers.SCORES[name] for name in matchers.NAMES}


def test_the_page_lists_every_key_of_when():
    told = {name for found in tree(PAGE).findall(row) for name in found[0].astext().split(", ")}
    assert told >= {field.name for field in SHAPES["when"].fields}
