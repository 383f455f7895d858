"""Reply: what to send, when, and how it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .ask import JSON, ToolCall

#: The length of a text in the repr of a reply, in characters.
_SHOWN = 60
#: One mapping for the replies of very many rules.
_NOTHING: Mapping[str, str] = {}


class Block(NamedTuple):
    """One part of a reply; blocks are sent in order.

    ``kind`` is ``text``, ``reasoning``, ``refusal`` (all in ``text``), ``tool_call`` (in ``call``) or ``item`` (a whole output
    item of the Responses API, in ``data``).
    """

    kind: str
    text: str = ""
    call: ToolCall | None = None
    data: JSON = None


class Delay(NamedTuple):
    """Milliseconds to wait, or another amount that is drawn.

    ``kind`` is ``fixed`` (a), ``uniform`` (a to b), ``normal`` (mean a, deviation b) or ``lognormal`` (median a, sigma b).
    """

    kind: str
    a: float
    b: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of a stream. ``ttft`` in milliseconds, ``tps`` in tokens a second (None: no delay), ``jitter`` 0 to 1.

    ``chunk`` is ``token``, ``word``, ``char`` or a number of characters; ``chunks`` lists the exact pieces. ``gaps`` has the
    milliseconds before each piece, instead of ``tps``. ``random_ttft`` and ``random_tps`` are the distributions from which each
    reply draws its ``ttft`` and ``tps``.
    """

    ttft: float = 0.0
    tps: float | None = None
    jitter: float = 0.0
    chunk: str | int = "token"
    chunks: tuple[str, ...] = ()
    gaps: tuple[float, ...] = ()
    random_ttft: Delay | None = None
    random_tps: Delay | None = None

    @property
    def is_random(self) -> bool:
        """Whether each reply draws numbers of its own."""
        return self.random_ttft is not None or self.random_tps is not None


@dataclass(frozen=True, slots=True)
class Fault:
    """How a reply goes wrong: ``kind`` after ``after`` events (of a stream) or bytes (of a whole reply) are sent."""

    kind: str
    after: int = 0
    #: The members of the error that ``error_event`` sends, instead of the API's own.
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The first ``times`` attempts get ``error`` instead of the reply."""

    times: int
    error: Mapping[str, Any]


class Hold(NamedTuple):
    """A reply waits at the hold ``name`` after ``after`` events of its stream, a whole one wholly, until it is released."""

    name: str
    after: int = 0


class Extra(NamedTuple):
    """Members that an answer gets in addition, or that override those that the endpoint makes.

    ``top`` are those of the answer, ``choices`` those of its choices by index (None: of all), ``messages`` those of their
    messages. The call of a ``legacy`` choice is sent as ``function_call``, the older form.
    """

    top: Mapping[str, JSON] = {}
    choices: Mapping[int | None, Mapping[str, JSON]] = {}
    messages: Mapping[int, Mapping[str, JSON]] = {}
    legacy: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reply:
    """Everything an endpoint needs to answer; None means that the endpoint makes the value."""

    blocks: tuple[Block, ...] = ()
    annotations: list[JSON] | None = None
    audio: JSON = None
    logprobs: JSON = None
    finish_reason: str | None = None
    usage: Mapping[str, JSON] | None = None
    id: str | None = None
    created: int | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    auto: bool = False
    #: Send the request to the upstream.
    proxy: bool = False
    #: The configured members of an error; the API's own wording fills the others.
    error: Mapping[str, Any] | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    #: With ``raw`` sent unchanged: text, bytes, or a value that is sent as JSON.
    body: JSON = None
    raw: bool = False
    embedding: JSON = None
    image: JSON = None
    speech: JSON = None
    moderation: JSON = None
    latency: Delay | None = None
    pace: Pace | None = None
    fault: Fault | None = None
    fail: Fail | None = None
    hold: Hold | None = None
    set_state: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    extra: Extra | None = None
    #: A recorded answer, sent as it is written by the endpoint that it is of.
    response: Mapping[str, JSON] | None = None
    #: The reply is one text and nothing else, so that a faster path can send it.
    plain: bool = False
    #: Further choices of a chat completion under ``response:``; the reply itself is the first.
    others: tuple[Reply, ...] = ()
    #: The replies for each input of a request with several; None: the endpoint's own answer.
    inputs: tuple[Reply | None, ...] = ()

    def __repr__(self) -> str:
        return f"<Reply {', '.join(self._parts()) or 'without content'}>"

    def _parts(self) -> Iterator[str]:
        """What is in it, in a few words."""
        if self.error is not None:
            yield f"error {self.error.get('status') or self.error.get('code')}"
        if self.raw:
            yield f"status {self.status or 200} with a body of its own"
        for block in self.blocks:
            if block.call is not None:
                yield f"calls {block.call.name}"
            elif block.text is not None:
                yield f"{block.kind} {_start(block.text)!r}"
        for name in ("proxy", "auto"):
            if getattr(self, name):
                yield name

    @property
    def text(self) -> str | None:
        """All text blocks joined, None when there is none."""
        texts = [block.text for block in self.blocks if block.kind == "text"]
        return "".join(texts) if texts else None

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls, in order."""
        return [block.call for block in self.blocks if block.call is not None]

    def joined(self, kind: str) -> str | None:
        """The joined text of one kind of block (``reasoning``, ``refusal``)."""
        texts = [block.text for block in self.blocks if block.kind == kind]
        return "".join(texts) if texts else None


def _start(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
