"""docs/replies.rst: every file in it is served, and what it shows is what the official client gets."""

from __future__ import annotations

import doctest
import json
from collections.abc import Iterator

import openai
import pytest
from docutils.nodes import doctest_block, literal_block, section

from ..support.wire import post, user
from .page import tree


def cases() -> Iterator[tuple[str, str, str, str]]:
    for part in tree("replies.rst").findall(section):
        for block in part.findall(literal_block):
            shown = "\n".join(node.astext() for node in part.findall(doctest_block))
            language = block["classes"][-1]
            if language in ("yaml", "python") and block.parent is part:
                yield pytest.param(language, block.astext(), shown, id=part["names"][0])


@pytest.mark.parametrize(("language", "config", "shown"), list(cases()))
def test_what_the_page_shows_is_so(language, config, shown, serve, client):
    if language == "python":
        given: dict = {}
        exec(config, given)
        config = given["config"]
    mock = serve(config)
    sdk = client(mock)

    def say(text, **more):
        return sdk.chat.completions.create(**user(text, **more)).choices[0].message

    def fails(text):
        with pytest.raises(openai.APIStatusError) as raised:
            say(text)
        return raised.value.status_code, raised.value.code

    names = {"say": say, "fails": fails, "raw": lambda text: post(mock, user(text)), "json": json}
    test = doctest.DocTestParser().get_doctest(shown, names, "docs/replies.rst", None, 0)
    assert test.examples
    told: list[str] = []
    doctest.DocTestRunner().run(test, out=told.append)
    assert not told, "".join(told)


@pytest.mark.parametrize("name", ["replies.rst", "lint.rst"])
def test_the_page_is_well_formed(name):
    assert tree(name)
