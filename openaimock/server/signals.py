"""The signals that stop a server."""

from __future__ import annotations

import signal


def stopping_signals() -> frozenset[int]:
    """SIGINT, SIGTERM and SIGHUP where they exist; not SIGHUP when the process was started to ignore it (``nohup``)."""
    numbers = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
    hangup = getattr(signal, "SIGHUP", None)
    return frozenset(numbers - {hangup} if hangup and signal.getsignal(hangup) == signal.SIG_IGN else numbers)
