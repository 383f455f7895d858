"""Status line: how far long work is, on one line of a terminal that is replaced in place."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from typing import TextIO


class StatusLine:
    """The last line of a terminal. What is written to this object, such as a log, stands above the line.

    A stream that is no terminal gets what is written, and no line.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        #: Whether there is a line: the stream is a terminal.
        self.live = stream.isatty()
        self._text = ""
        self._lock = threading.Lock()

    def show(self, text: str) -> None:
        """Replace the line. A text that is too long for the terminal is cut, because a second line would stay."""
        if self.live:
            with self._lock:
                self._text = text
                self._draw()

    def clear(self) -> None:
        """Remove the line."""
        if self.live:
            with self._lock:
                self._text = ""
                self._draw()

    def write(self, text: str) -> int:
        """Write above the line."""
        with self._lock:
            self._stream.write(f"\r\x1b[K{text}" if self._text else text)
            if text.endswith("\n") and self._text:
                self._draw()
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def _draw(self) -> None:
        # A terminal that is gone must not stop the work.
        with suppress(OSError, ValueError):
            self._stream.write(f"\r\x1b[K{self._text[: shutil.get_terminal_size().columns - 1]}")
            self._stream.flush()
