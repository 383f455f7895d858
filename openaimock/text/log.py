"""Log records without control characters and secrets, whatever the handler and its format."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from typing import Any

from . import redaction

#: The logger that applications configure.
ROOT = logging.getLogger("openaimock")
#: Control characters (C0, DEL, C1), line and paragraph separators, and the marks that change the direction of text.
_CONTROL = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
} | {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
#: The same for texts of several lines: a continuation line is indented, so that it cannot pass for a record of its own.
_CONTROL_IN_LINES = {**_CONTROL, ord("\n"): "\n    ", ord("\t"): "\t"}
#: Pass as ``extra`` when the newlines of a message are the program's own.
LINES = {"has_lines": True}


class SafeLogger(logging.Logger):
    """The logger of one mock. It escapes control characters and masks secrets before any handler sees a record.

    Its records also reach the handlers of the logger ``openaimock``. Without a level of its own it has the one of that logger.
    """

    def __init__(self, level: int = logging.NOTSET, secrets: Iterable[str] = ()) -> None:
        super().__init__(ROOT.name, level)
        self.parent = ROOT
        self.secrets: tuple[str, ...] = tuple(secrets)

    def isEnabledFor(self, level: int) -> bool:
        """Whether a record of this level is handled. The inherited method would cache the answer of the other logger."""
        return super().isEnabledFor(level) if self.level else ROOT.isEnabledFor(level)

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Mask these texts too."""
        self.secrets = tuple(dict.fromkeys((*self.secrets, *secrets)))

    def handle(self, record: logging.LogRecord) -> None:
        """Clean a record and pass it to the handlers."""
        table = _CONTROL_IN_LINES if getattr(record, "has_lines", False) else _CONTROL
        record.msg = redaction.text(_message(record), self.secrets).translate(table)
        record.args = None
        facts: dict[str, Any] = getattr(record, "facts", {})
        if facts:
            record.facts = {
                name: redaction.text(fact, self.secrets) if isinstance(fact, str) else fact for name, fact in facts.items()
            }
        if record.exc_info and record.exc_info[0] is not None:
            lines = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            record.exc_text = redaction.text(lines, self.secrets).translate({**_CONTROL_IN_LINES, ord("\n"): "\n"})
        super().handle(record)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # a wrong format string must not end a request
        return f"{record.msg!r} {record.args!r} ({error!r})"


def safe(log: logging.Logger, secrets: Iterable[str]) -> logging.Logger:
    """A logger that also masks these secrets: the same one, or for the logger ``openaimock`` one in front of it."""
    if log is ROOT:
        return SafeLogger(secrets=secrets)
    if isinstance(log, SafeLogger):
        log.add_secrets(secrets)
    return log


def json_line(record: logging.LogRecord, time: str) -> dict[str, Any]:
    """The members of a record in the JSON format: what ``extra`` has as ``facts`` are members of their own."""
    line = {"time": time, "level": record.levelname.lower(), "message": record.getMessage()}
    line |= getattr(record, "facts", {})
    if record.exc_text:
        line["exception"] = record.exc_text
    return line
