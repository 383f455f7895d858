"""The log of a served mock: text or JSON lines, to stderr or a file."""

from __future__ import annotations

import logging
import os

from ..errors import ConfigError, Problem
from ..http.json import dump

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def logger(verbose: bool, log_file: str | os.PathLike[str] | None, format: str = "text", always: bool = False) -> logging.Logger:
    """A logger of one server's own, whose lines also reach whoever listens to ``openaimock``.

    ``verbose`` writes every exchange to standard error, ``always`` at least what went wrong; ``format`` is ``text`` or ``json``.
    """
    parent = logging.getLogger("openaimock")
    if not verbose and not always and log_file is None:
        return parent
    # The lowest level that anyone reads: a record nobody wants costs a tenth of a request.
    own = logging.Logger("openaimock", logging.INFO if verbose or log_file is not None else logging.WARNING)
    own.parent = parent
    handlers: list[logging.Handler] = []
    if verbose or always:
        handlers.append(logging.StreamHandler())
        handlers[0].setLevel(logging.INFO if verbose else logging.WARNING)
    if log_file is not None:
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
            # It could be opened; it opens again with its first line, so that a mock that is never started leaves nothing open.
            handlers[-1].close()
        except OSError as error:
            raise ConfigError([Problem("", "log_file", f"cannot write {str(log_file)!r}: {error.strerror}")]) from None
    for handler in handlers:
        handler.setFormatter(_JSONLines() if format == "json" else logging.Formatter(_FORMAT))
        own.addHandler(handler)
    return own


class _JSONLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return dump(line)
