"""Pages about endpoints: every file in them is served, and what they show is what the official client gets."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import pytest
from docutils.nodes import doctest_block, literal_block, section

from .page import tree


def cases() -> Iterator[tuple[str, str]]:
    for page in ("endpoints.rst", "images.rst", "audio.rst", "files.rst", "webhooks.rst"):
        for part in tree(page).findall(section):
            for block in part.findall(literal_block):
                if block["classes"][-1] == "yaml" and block.parent is part:
                    shown = "\n".join(node.astext() for node in part.findall(doctest_block))
                    yield pytest.param(block.astext(), shown, id=f"{page} {part['names'][0]}")


@pytest.mark.parametrize(("config", "shown"), list(cases()))
def test_what_the_page_shows_is_so(config, shown, serve, client):
    test = doctest.DocTestParser().get_doctest(shown, {"client": client(serve(config))}, "docs", None, 0)
    assert test.examples
    told: list[str] = []
    doctest.DocTestRunner().run(test, out=told.append)
    assert not told, "".join(told)
