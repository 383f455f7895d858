"""The examples of docs/responses.rst, run as they stand there."""

from __future__ import annotations

import doctest
import textwrap
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "responses.rst"


def test_examples(serve, client):
    text = DOCS.read_text()
    indented = text.partition(".. code-block:: yaml\n")[2].partition("\nthe official client")[0]
    mock = serve(textwrap.dedent(indented))
    examples = doctest.DocTestParser().get_doctest(text, {"client": client(mock)}, "responses.rst", str(DOCS), 0)
    report: list[str] = []
    results = doctest.DocTestRunner(verbose=False).run(examples, out=report.append)
    assert results.attempted > 10
    assert not results.failed, "".join(report)
