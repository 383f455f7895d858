"""Reading: the Ask of an operation that answers no prompt, from the body or the query of its request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..http.request import Request
from ..types.ask import Ask

if TYPE_CHECKING:
    from ..params.table import Table

Reader = Callable[[Request], Ask]


def no_body(endpoint: str) -> Reader:
    """A reader of requests without a body. Their Asks have no messages, so that rules about messages do not match."""
    return lambda request: Ask(endpoint, query=request.query)


def query_of(endpoint: str, table: Table) -> Reader:
    """A reader of requests whose query a table checks."""

    def read(request: Request) -> Ask:
        query = table.coerce(request.query)
        table.check(query)
        return Ask(endpoint, query=query)

    return read


def body_of(endpoint: str, table: Table, *, optional: bool = False) -> Reader:
    """A reader of requests whose JSON body a table checks; an ``optional`` body may be absent, which is an empty object."""

    def read(request: Request) -> Ask:
        body = {} if optional and not request.raw else request.object()
        table.check(body)
        return Ask(endpoint, body)

    return read
