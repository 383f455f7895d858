"""Check, a row of the table of what the API refuses, and Finding, one problem in a request or reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import APIError
from ..params.models import Model
from ..types.ask import Ask

#: The most findings that are reported for one request or reply.
MAX_FINDINGS = 20


class Finding(NamedTuple):
    """The error that the API would send for a request or, where ``about`` is ``reply``, a problem of the rule that answers.

    ``unless`` is the kind (``file``, ``vector_store``) and the id of an object: there is no problem when the namespace has it.
    """

    check: str
    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    about: str = "request"
    unless: tuple[str, str] | None = None

    def error(self) -> APIError:
        """The error as the API sends it."""
        return APIError(self.status, self.message, param=self.param, code=self.code)


#: The findings of one request to one model, in the order in which the API reports them.
Find = Callable[[Ask, Model], Iterator[Finding]]


class Check(NamedTuple):
    """One row of the table. Rows may share a ``find``; the name of the check is then in each finding.

    ``keys`` are the members of the body that can cause a finding; a request without any of them is not checked. A row
    without a ``find`` is refused at every level of lint, where the request is read. ``refused`` is an example of a refused
    request and ``accepted`` a corrected one; members that both leave out have usual values.
    """

    name: str
    doc: str
    endpoints: tuple[str, ...]
    refused: Mapping[str, Any]
    accepted: Mapping[str, Any]
    find: Find | None = None
    keys: tuple[str, ...] = ()
