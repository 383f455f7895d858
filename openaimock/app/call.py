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
from .prepared import Prepared
from .sources import Selection

if TYPE_CHECKING:
    from .chosen import Chosen
    from .retries import Retry

StartResponse = Callable[..., Any]


@dataclass(eq=False)
class Call:
    """One request and the results of its stages. Fields without a default are set by the stage that their comment names."""

    # Without slots, a default that no stage changes is an attribute of the class, and costs a request nothing.

    request: Request
    start_response: StartResponse
    context: Context
    exchange: Exchange
    #: The time of arrival, by ``types.clock.monotonic()``.
    started: float
    #: Whether the journal, the metrics and the log get it.
    recorded: bool = True
    #: Whether it runs where blocking is allowed.
    in_pool: bool = field(default=False, init=False)
    #: Ends what the call waits for when the client leaves; only where another server answers.
    cancellation: Cancellation | None = field(default=None, init=False)
    #: Set by ``route``; ``path`` is that of the operation, "" for an unknown one.
    route: Route = field(init=False)
    path: str = field(default="", init=False)
    #: Fault and latency (seconds) that the request's headers ask for; set by ``override``.
    fault: Fault | None = field(default=None, init=False)
    latency: float | None = field(default=None, init=False)
    #: The rule or reply that the headers choose; set by ``override``.
    chosen: Chosen | None = field(default=None, init=False)
    #: Set by ``read``.
    ask: Ask = field(init=False)
    #: Makes another reply from that of the rule, and whether that is not used up; set by ``inject``.
    change: Callable[[Ask, Reply], Reply] | None = field(default=None, init=False)
    spares: bool = field(default=False, init=False)
    #: Only with ``retries: same``; set by ``recognize``.
    retry: Retry | None = field(default=None, init=False)
    #: The attempt before this one got the same reply; an attempt after this one gets the same reply.
    repeats: bool = field(default=False, init=False)
    remembered: bool = field(default=False, init=False)
    #: Its place among the requests that are answered at once; set by ``admit``.
    place: Place | None = field(default=None, init=False)
    #: Additional response headers; set by ``limit``.
    headers: tuple[tuple[str, str], ...] = field(default=(), init=False)
    #: An Ask for each input of a request with several, else empty, and the match of each or of the one. Set by ``match``.
    parts: Sequence[Ask] = field(default=(), init=False)
    matches: Sequence[Match | None] = field(default=(), init=False)
    #: What answers the request, or each of its inputs; set by ``claim``.
    selection: Selection = field(init=False)
    selections: Sequence[Selection] = field(default=(), init=False)
    #: The answer of an earlier request like this one, so that no stage but the sender is left; set by ``claim``.
    prepared: Prepared | None = field(default=None, init=False)
    #: None for the operation's own answer; set by ``reply``.
    reply: Reply | None = field(default=None, init=False)
    #: Set by ``write``.
    payload: Any = field(init=False)
