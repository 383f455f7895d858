"""The table of docs/verdict.rst is the one in the code."""

from __future__ import annotations

from docutils.nodes import entry, row

from openaimock.verdict import CODES

from .page import tree


def test_the_table_is_that_of_the_code():
    rows = [[cell.astext() for cell in line.findall(entry)] for line in tree("verdict.rst").findall(row)]
    table = [cells for cells in rows if len(cells) == 3][1:]
    plain = [[text.replace("``", "") for text in (code.name, code.doc, code.remedy)] for code in CODES]
    assert table == plain
