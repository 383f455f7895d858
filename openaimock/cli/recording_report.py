"""Recording report: how many exchanges a served mock records, on a terminal as they come, and at the end."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from typing import TYPE_CHECKING

from .arguments import count
from .status_line import StatusLine

if TYPE_CHECKING:
    from ..recording.recorder import Recorder


class RecordingReport:
    """The counts of a recorder. With several worker processes it counts for all of them, and only the end is reported."""

    def __init__(self, recorder: Recorder, log: logging.Logger, workers: int) -> None:
        self._recorder = recorder
        self._line = StatusLine(sys.stderr)
        #: A byte for each exchange, appended by the processes that inherit the file.
        self._shared = tempfile.TemporaryFile("a+b", buffering=0) if workers > 1 else None  # noqa: SIM115
        recorder.on_count = self._add
        if self._shared is None:
            for handler in log.handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                    handler.setStream(self._line)

    def show(self) -> None:
        """Show the counts on a terminal."""
        self._line.show(f"{self._text(self._recorder.recorded, self._recorder.skipped)} (in {self._recorder.path})")

    def end(self) -> None:
        """Print the summary, in the place of the line."""
        recorded, skipped = self._recorder.recorded, self._recorder.skipped
        if self._shared is not None:
            self._shared.seek(0)
            marks = self._shared.read()
            self._shared.close()
            recorded, skipped = marks.count(b"r"), marks.count(b"s")
        self._line.clear()
        print(self._text(recorded, skipped), file=sys.stderr)

    def _add(self, is_recorded: bool) -> None:
        if self._shared is not None:
            os.write(self._shared.fileno(), b"r" if is_recorded else b"s")
        else:
            self.show()

    def _text(self, recorded: int, skipped: int) -> str:
        return f"openaimock: {count(recorded, 'exchange')} recorded, {skipped} left out"
