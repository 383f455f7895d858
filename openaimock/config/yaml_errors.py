"""Syntax errors: the line, the column and a plain message for an invalid YAML text."""

from __future__ import annotations

import re
from typing import Any

#: (words of PyYAML's messages, our message, whether it points at the start of the open block). The two parsers' words differ.
_WORDS = (
    (
        ("mapping values are not allowed",),
        "a ': ' is not allowed here; put text with ': ' in it in quotes, or check the indentation",
        False,
    ),
    (
        ("unknown escape character",),
        "in double quotes a backslash begins an escape such as \\n; put a regex in single quotes, or write \\\\",
        False,
    ),
    (
        ("Unicode character escape", "escape sequence of"),
        "a \\x, \\u or \\U escape is not a character; write the character itself",
        False,
    ),
    (("sequence entries are not allowed",), "a list item ('- ') cannot begin here; give it a line of its own", False),
    (("cannot start any token",), "text that begins with {char} needs quotes", False),
    (("tab character",), "a tab is used to indent; YAML wants spaces", False),
    (("end of stream", "document separator"), "the quoted text {since} does not end; a quote is missing", True),
    (("expected ',' or ']'",), "the list {since} is not closed by ']', or something in it needs quotes", False),
    (("expected ',' or '}'",), "the mapping {since} is not closed by '}}', or something in it needs quotes", False),
    (("could not find expected ':'",), "expected ': ' and a value after this", True),
    (("scanning a directive",), "a line that begins with '%' needs quotes", True),
    (("alphabetic or numeric",), "text that begins with '*' or '&' needs quotes", True),
    (("undefined tag handle", "expected URI", "expected '!'"), "text that begins with '!' needs quotes", True),
    (
        ("chomping or indentation", "comment or a line break", "comment or line break"),
        "after '|' or '>' the text begins on the next line",
        False,
    ),
    (
        ("expected key", "expected '-' indicator", "expected <block end>"),
        "this does not fit the block {since}: check the indentation and the quotes",
        False,
    ),
    (("node content",), "expected a value", False),
    (("<document start>",), "this does not belong to what is above: check the indentation", False),
)


def explain(error: Any, text: str) -> tuple[int, int, str]:
    """Line, column and message for a syntax error of either of PyYAML's parsers."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    problem, context = error.problem or "", error.context or ""
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text)
    written = lines[line] if line < len(lines) else ""
    indent = written[: len(written) - len(written.lstrip(" \t"))]
    if "\t" in indent:
        return line + 1, indent.index("\t") + 1, "a tab is used to indent; YAML wants spaces"
    message_text = f"{context} {problem}"
    since = f"that begins on line {start.line + 1}" if start else "here"
    for words, message, at_start in _WORDS:
        if any(word in message_text for word in words):
            if at_start and start:
                line, column = start.line, start.column
            char = written[column : column + 1]
            return line + 1, column + 1, message.format(since=since, char=char) + _hint(written, context)
    return line + 1, column + 1, message_text.strip()


def _hint(written: str, context: str) -> str:
    if "${" in written and "flow" in context:
        return "; inside { } and [ ] a ${NAME} needs quotes"
    if "{{" in written and "flow" in context:
        return "; inside { } and [ ] text with '{{' in it needs quotes"
    if re.search(r"(^|[:\-]\s+)\{\{", written):
        return "; text that begins with '{{' needs quotes"
    return ""
