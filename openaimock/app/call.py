"""Call: one request on its way through the stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..api.router import Route
from ..delivery.load import Place
from ..http.cancellation import Cancellation
from ..http.request import Request
from ..state.namespace import Context
from ..types.ask import Ask, Match
from ..types.exchange import Exchange
from ..types.reply import Fault, Reply
from .sources import Selection

if TYPE_CHECKING:
    from .chosen import Chosen
    from .retries import Retry

StartResponse = Callable[..., Any]


@dataclass(slots=True, eq=False)
class Call:
    """One request and the results of its stages. Fields without a default are set by the stage that their comment names."""

    request: Request
    start_response: StartResponse
    context: Context
    exchange: Exchange
    #: The time of arrival, by ``types.clock.monotonic()``.
    started: float
    #: Whether the journal, the metrics and the log get it.
    recorded: bool = True
    #: Whether it runs where blocking is allowed.
    in_pool: bool = False
    #: Ends what the call waits for when the client leaves; only where another server answers.
    cancellation: Cancellation | None = None
    #: Set by ``route``; ``path`` is that of the operation, "" for an unknown one.
    route: Route = field(init=False)
    path: str = ""
    #: Fault and latency (seconds) that the request's headers ask for; set by ``override``.
    fault: Fault | None = None
    latency: float | None = None
    #: The rule or reply that the headers choose; set by ``override``.
    chosen: Chosen | None = None
    #: Set by ``read``.
    ask: Ask = field(init=False)
    #: Makes another reply from that of the rule, and whether that is not used up; set by ``inject``.
    change: Callable[[Ask, Reply], Reply] | None = None
    spares: bool = False
    #: Only with ``retries: same``; set by ``recognize``.
    retry: Retry | None = None
    #: The attempt before this one got the same reply; an attempt after this one gets the same reply.
    repeats: bool = False
    remembered: bool = False
    #: Its place among the requests that are answered at once; set by ``admit``.
    place: Place | None = None
    #: Additional response headers; set by ``limit``.
    headers: tuple[tuple[str, str], ...] = ()
    #: An Ask for each input of a request with several, else empty, and the match of each or of the one. Set by ``match``.
    parts: Sequence[Ask] = ()
    matches: Sequence[Match | None] = ()
    #: What answers the request, or each of its inputs; set by ``claim``.
    selection: Selection = field(init=False)
    selections: Sequence[Selection] = ()
    #: None for the operation's own answer; set by ``reply``.
    reply: Reply | None = None
    #: Set by ``write``.
    payload: Any = field(init=False)
