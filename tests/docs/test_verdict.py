"""docs/verdict.rst: its session runs as written, and its table is the one in the code."""

from __future__ import annotations

import doctest

from docutils.nodes import entry, literal_block, row

from openaimock.verdict import CODES

from .test_replies import tree


def test_the_session_has_the_output_of_the_page():
    blocks = [block.astext() for block in tree("verdict.rst").findall(literal_block)]
    session = "\n".join(text for text in blocks if text.startswith(">>>"))
    example = doctest.DocTestParser().get_doctest(session, {}, "verdict.rst", None, 0)
    failures: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=failures.append)
    assert not failures, "".join(failures)


def test_the_table_is_that_of_the_code():
    rows = [[cell.astext() for cell in line.findall(entry)] for line in tree("verdict.rst").findall(row)]
    table = [cells for cells in rows if len(cells) == 3][1:]
    plain = [[text.replace("``", "") for text in (code.name, code.doc, code.remedy)] for code in CODES]
    assert table == plain
