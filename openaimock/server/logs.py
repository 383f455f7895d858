"""The log of a served mock: text or JSON lines, to stderr or a file."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import Any

from ..errors import ConfigError, Problem
from ..http.json import dump
from ..text.log import SafeLogger, json_line

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def logger(verbose: bool, log_file: str | os.PathLike[str] | None, format: str = "text", always: bool = False) -> SafeLogger:
    """The logger of one server; its records also reach the handlers of the logger ``openaimock``.

    ``verbose`` writes every exchange to standard error, ``always`` at least warnings; ``format`` is ``text`` or ``json``.
    ConfigError when the file cannot be written.
    """
    if not verbose and not always and log_file is None:
        return SafeLogger()
    # The lowest level that a handler uses: a record that is discarded costs a tenth of a request.
    log = SafeLogger(logging.INFO if verbose or log_file is not None else logging.WARNING)
    handlers: list[logging.Handler] = []
    if verbose or always:
        handlers.append(_StderrHandler())
        handlers[0].setLevel(logging.INFO if verbose else logging.WARNING)
    if log_file is not None:
        try:
            handlers.append(_file_handler(log_file))
        except OSError as error:
            raise ConfigError([Problem("", "log_file", f"cannot write {str(log_file)!r}: {error.strerror}")]) from None
    for handler in handlers:
        handler.setFormatter(_JSONLines() if format == "json" else logging.Formatter(_FORMAT))
        log.addHandler(handler)
    return log


def _file_handler(path: str | os.PathLike[str]) -> logging.Handler:
    """A handler that opens the file again when it is rotated, and reports a failing disk in one line. OSError."""
    from logging.handlers import WatchedFileHandler  # it imports sockets, pickles and queues

    class FileHandler(WatchedFileHandler):
        #: Why the last record could not be written.
        failure = ""

        def emit(self, record: logging.LogRecord) -> None:
            before, self.failure = self.failure, ""
            try:
                super().emit(record)
            except OSError:  # the file cannot be opened again
                self.handleError(record)
            if self.failure and not before:
                _print(f"openaimock: cannot write the log {self.baseFilename}: {self.failure}")

        def handleError(self, record: logging.LogRecord) -> None:
            """Note the failure, instead of a traceback for each record."""
            error = sys.exc_info()[1]
            self.failure = getattr(error, "strerror", None) or str(error) or "unknown error"
            # What the stream still buffers would fail again with every record.
            stream: Any = self.stream
            self.stream = None
            with suppress(Exception):
                stream.close()

    handler = FileHandler(path, encoding="utf-8")
    # It can be opened. It opens again with its first line, so that a mock that is never started leaves nothing open.
    handler.close()
    return handler


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    def handleError(self, record: logging.LogRecord) -> None:
        """Standard error is closed or full: there is nowhere to report it."""


def _print(line: str) -> None:
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


class _JSONLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return dump(json_line(record, self.formatTime(record)))
