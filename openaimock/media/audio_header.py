"""What reading an audio file's headers results in."""

from __future__ import annotations

from typing import NamedTuple


class AudioInfo(NamedTuple):
    """A readable file: ``format``, duration in ``seconds``, ``rate`` in Hz and ``channels``; None for what is unknown."""

    format: str
    seconds: float | None
    rate: int | None
    channels: int | None


class BrokenAudio(NamedTuple):
    """A file with the signature of ``format`` whose headers are wrong; ``reason`` is a clause about "it" for an error message."""

    format: str
    reason: str
