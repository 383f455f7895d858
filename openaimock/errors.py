"""What goes wrong, in the API's words for clients and in the user's own terms for configuration."""

from __future__ import annotations

import errno
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


class APIError(Exception):
    """An error as the API sends it: a status and ``{"error": {message, type, param, code}}``.

    ``more`` is added to the error object (``nearest`` on a miss), ``beside`` to the members beside it, ``headers`` to the
    response. ``logged`` is the message for the log and the journal, where it must be another one.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
        logged: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = headers or {}
        self.more = more or {}
        self.beside: dict[str, Any] = {}
        self.logged = message if logged is None else logged

    def body(self) -> dict[str, Any]:
        """The response's JSON."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code, **self.more}
        return {"error": error, **self.beside}

    def record(self) -> dict[str, Any]:
        """The error for the log and the journal."""
        return {**self.body()["error"], "message": self.logged}


#: The number of problems that differ only in their place and are shown one by one.
_EQUAL_PROBLEMS = 10
_NUMBER = r"\d+"
#: What belongs to one place only: the ids of rules, and the value that is wrong.
_OWN = r"^rule '[^']*'|'[^']*' \([^)]*\) is preferred$|(?<=, got )the text '[^']*'"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration: ``place`` is ``file:line:column`` (or ""), ``path`` is like ``responses[3].id``."""

    place: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.path, self.message)))


class ConfigError(ValueError):
    """A configuration that cannot be served; ``problems`` has all its mistakes, ``str()`` a line for each.

    Of many equal mistakes ``str()`` has the first ones, and how many others there are.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(lines(problems)))
        self.problems = problems


def lines(problems: Sequence[Problem]) -> Iterator[str]:
    """A line for each problem, in order; of more than a few equal ones at several places the first ones and the last."""
    kinds = [(re.sub(_NUMBER, "", problem.path), re.sub(_OWN, "", problem.message)) for problem in problems]
    totals, counts = Counter(kinds), Counter[tuple[str, str]]()
    for kind, problem in zip(kinds, problems, strict=True):
        counts[kind] += 1
        if counts[kind] <= _EQUAL_PROBLEMS:
            yield str(problem)
        elif counts[kind] == totals[kind]:
            yield f"{problem.place or problem.path}: the last of {totals[kind] - _EQUAL_PROBLEMS} more mistakes of this kind"


class PortInUseError(OSError):
    """The address to listen on is taken; names host and port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"EADDRINUSE: port {port} on {host} is already in use")
        self.host = host
        self.port = port


class Hangup(Exception):
    """Raised by a reply's iterator to end the connection there, as a dropped line does: no last chunk, no farewell.

    ``reset`` asks for a TCP reset instead of an orderly end. Our server does what it says; in another WSGI host an
    exception from the iterator ends the connection in that host's own way.
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("reset" if reset else "disconnect")
        self.reset = reset
