"""Call: one request on its way through the stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..api import Operation
from ..http.request import Request
from ..state.namespace import Context
from ..types.ask import NOTHING, Ask
from ..types.exchange import Exchange
from ..types.reply import Fault

StartResponse = Callable[..., Any]


@dataclass(slots=True, eq=False)
class Call:
    """One request on its way: what the stages hand on to each other."""

    request: Request
    start_response: StartResponse
    endpoint: Operation
    context: Context
    exchange: Exchange
    ask: Ask
    started: float
    #: Which of its rule's replies answers.
    which: int = 0
    #: What the request's own headers ask for.
    fault: Fault | None = None
    latency: float | None = None
    #: More headers for whatever is answered.
    headers: tuple[tuple[str, str], ...] = ()
    #: The headers of the reply, which replace the mock's own.
    own_headers: Mapping[str, str] = NOTHING
