"""Operation: one row of the API, from a request to an Ask and from a Reply to a payload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..http.request import Request
from ..types.ask import Ask

if TYPE_CHECKING:
    from ..params.table import Table


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: how its requests become an Ask and a Reply becomes what is sent.

    ``name`` is what rules and the journal call it. ``path`` may hold ``<names>``. ``write(ask, reply, moment)`` gets None for the
    reply only when ``own`` is true: the endpoint then has an answer of its own when no rule matches. ``params`` is the table of
    all that its body may hold, for lint. ``split(ask)`` gives an Ask for each input of a request that has several, so that rules
    answer for each as if it had come alone (``Reply.inputs``). ``alone`` says that the Ask depends on the body alone, so that a
    body that comes again need not be read again.
    """

    name: str
    method: str
    path: str
    read: Callable[[Request], Ask]
    write: Callable[..., Any]
    own: bool = False
    params: Table | None = None
    split: Callable[[Ask], Sequence[Ask]] | None = None
    alone: bool = False
