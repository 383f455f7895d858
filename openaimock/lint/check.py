"""Checks and findings: one row of the table of what the API would refuse, and one thing that was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import APIError
from ..types.ask import Ask

#: So many findings of one request or reply are told; a request may be wrong in a million ways.
MOST = 20


class Finding(NamedTuple):
    """What the API would say of a request, or, where ``about`` is ``reply``, what is wrong with the rule that answers it."""

    check: str
    message: str
    param: str | None = None
    code: str | None = None
    about: str = "request"

    def error(self) -> APIError:
        """The error as the API sends it."""
        return APIError(400, self.message, param=self.param, code=self.code)


#: What is found in one request, in the order in which the API would say it.
Find = Callable[[Ask], Iterator[Finding]]


class Check(NamedTuple):
    """One row of the table. Rows may share a ``find``, which then tells their findings apart by name.

    ``keys`` are the members of the body that make it worth looking: a request with none of them has no such finding. A row
    without a ``find`` is refused at every level of lint, where the request is read. ``refused`` is a request that shows the
    check and ``accepted`` the same one put right; what they leave out is usual.
    """

    name: str
    doc: str
    endpoints: tuple[str, ...]
    refused: Mapping[str, Any]
    accepted: Mapping[str, Any]
    find: Find | None = None
    keys: tuple[str, ...] = ()
