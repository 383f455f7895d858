"""The examples of docs/responses.rst and docs/vector_stores.rst, run as they stand there."""

from __future__ import annotations

import doctest
import textwrap
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["responses.rst", "vector_stores.rst"])
def test_examples(name, serve, client):
    text = (DOCS / name).read_text()
    indented = text.partition(".. code-block:: yaml\n")[2].partition("\nthe official client")[0]
    mock = serve(textwrap.dedent(indented))
    examples = doctest.DocTestParser().get_doctest(text, {"client": client(mock)}, name, str(DOCS / name), 0)
    report: list[str] = []
    results = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(examples, out=report.append)
    assert results.attempted > 10
    assert not results.failed, "".join(report)
