"""The five nouns of openaimock: Ask, Rule, Match, Reply and Exchange, and the small pieces they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from .errors import APIError

#: What JSON can say. ``Any`` inside, because requests are checked by tables, not by types.
JSON = Any


T = TypeVar("T")


class lazy(Generic[T]):
    """A property worked out once, when first asked for. (Before Python 3.12 functools' own takes a lock each time.)"""

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self._name = work_out.__name__
        self.__doc__ = work_out.__doc__

    def __get__(self, owner: Any, kind: type) -> T:
        value = owner.__dict__[self._name] = self._work_out(owner)
        return value


class _Nothing(Mapping[str, Any]):
    """An empty mapping that all may share."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0


NOTHING: Mapping[str, Any] = _Nothing()


class ToolCall(NamedTuple):
    """One call of a tool, asked for by the model: ``arguments`` is JSON text for a function, free text for a custom tool."""

    name: str
    arguments: str
    id: str = ""
    kind: str = "function"


class Message(NamedTuple):
    """One message of a conversation, the same for every endpoint (a Responses item becomes one too).

    ``text`` joins the text parts by newlines; ``parts`` lists the kinds of all parts in order (``text``, ``image_url``, ...).
    """

    role: str
    text: str
    parts: tuple[str, ...] = ("text",)
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


@dataclass(eq=False)
class Ask:
    """What a client asked, in words matchers understand. Made once a request by the endpoint's ``read``; never changed after.

    Not frozen: a frozen dataclass costs six times as much to make, and one is made for every request.
    """

    endpoint: str
    body: dict[str, JSON] = field(default_factory=dict)
    messages: Sequence[Message] = ()
    text: str = ""
    model: str = ""
    stream: bool = False
    tools: tuple[str, ...] = ()
    tool_choice: str = ""
    response_format: str = ""
    #: The schema's name when ``response_format`` is ``json_schema``.
    schema_name: str = ""
    method: str = "POST"
    path: str = ""
    #: Values taken from the path, such as ``{"model": "gpt-4o"}`` for ``/models/<model>``.
    params: Mapping[str, str] = NOTHING
    query: Mapping[str, Any] = NOTHING
    headers: Mapping[str, str] = NOTHING
    #: Uploaded files of a multipart request: name -> (file name, content type, bytes).
    files: Mapping[str, Any] = NOTHING
    namespace: str = "default"
    #: The scenarios of the namespace and the state each is in.
    state: Mapping[str, str] = NOTHING
    #: A name for who asks, safe to keep: never the key itself.
    caller: str = ""
    #: Tokens of the prompt, where the endpoint counts them.
    prompt_tokens: int = 0
    #: What lint found, once it has looked.
    findings: Sequence[Any] | None = None
    #: The rule that answered a request with this very body before, and the edition of the rulebook that found it.
    answer: tuple[object, Match] | None = field(default=None, repr=False, compare=False)
    #: 0 for a first attempt; SDKs number their retries (``x-stainless-retry-count``).
    attempt: int = 0

    def again(self) -> Ask:
        """Another Ask that says the same, with what has been worked out of it already."""
        twin: Ask = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def last(self, *roles: str) -> Message | None:
        """The last message in one of these roles."""
        for message in reversed(self.messages):
            if message.role in roles:
                return message
        return None

    @lazy
    def size(self) -> int:
        """Characters of all texts that rules may look at."""
        return len(self.text) + sum(len(message.text) for message in self.messages)

    @lazy
    def user(self) -> str | None:
        """The last user message's text, None when there is none."""
        message = self.last("user")
        return None if message is None else message.text

    @lazy
    def assistant(self) -> str | None:
        """The last assistant message's text."""
        message = self.last("assistant")
        return None if message is None else message.text

    @lazy
    def tool(self) -> str | None:
        """The last tool result's text."""
        message = self.last("tool", "function")
        return None if message is None else message.text

    @lazy
    def system(self) -> str | None:
        """All system and developer text, joined by newlines."""
        texts = [m.text for m in self.messages if m.role in ("system", "developer")]
        return "\n".join(texts) if texts else None

    @lazy
    def turn(self) -> int:
        """How many assistant messages the conversation has so far."""
        return sum(message.role == "assistant" for message in self.messages)

    @lazy
    def has_tool_result(self) -> bool:
        """Whether a tool answered after the last user message."""
        for message in reversed(self.messages):
            if message.role in ("tool", "function"):
                return True
            if message.role == "user":
                return False
        return False

    @lazy
    def tool_call_id(self) -> str | None:
        """The call that the last tool result answers."""
        message = self.last("tool")
        return None if message is None else message.tool_call_id

    @lazy
    def opening(self) -> Sequence[Message]:
        """The messages without the system and developer messages that lead them."""
        for at, message in enumerate(self.messages):
            if message.role not in ("system", "developer"):
                return self.messages[at:] if at else self.messages
        return ()


class Block(NamedTuple):
    """One piece of a reply, in the order it is said.

    ``kind`` is ``text``, ``reasoning``, ``refusal`` (all in ``text``), ``tool_call`` (in ``call``) or ``item`` (a whole output
    item of the Responses API, in ``data``).
    """

    kind: str
    text: str = ""
    call: ToolCall | None = None
    data: JSON = None


class Delay(NamedTuple):
    """Milliseconds to wait.

    ``kind`` is ``fixed`` (a), ``uniform`` (a to b), ``normal`` (mean a, deviation b) or ``lognormal`` (median a, sigma b).
    """

    kind: str
    a: float
    b: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream is spoken. ``ttft`` in milliseconds, ``tps`` in tokens a second (None: at once), ``jitter`` 0 to 1.

    ``chunk`` is ``token``, ``word``, ``char`` or a number of characters; ``chunks`` gives the very pieces.
    """

    ttft: float = 0.0
    tps: float | None = None
    jitter: float = 0.0
    chunk: str | int = "token"
    chunks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """How a reply goes wrong: ``kind`` after ``after`` events (of a stream) or bytes (of a whole reply) have left."""

    kind: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class Fail:
    """The first ``times`` attempts get ``error`` instead of the reply."""

    times: int
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to send, when, and how it goes wrong. Everything an endpoint needs to answer; None means "make it"."""

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
    #: What is said of an error; the rest is the API's own wording.
    error: Mapping[str, Any] | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Sent exactly as it is when ``raw``: text, bytes, or something to send as JSON.
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
    set_state: Mapping[str, str] = field(default_factory=dict)
    #: One text and nothing else, as most replies are: it can be sent by a shorter way.
    plain: bool = False
    #: Further choices of a whole chat completion given as ``response:``; the reply itself is the first.
    others: tuple[Reply, ...] = ()
    #: What each input of a request with several inputs gets; None: the endpoint's own answer.
    inputs: tuple[Reply | None, ...] = ()

    @property
    def text(self) -> str | None:
        """All text blocks joined, None when there is none."""
        texts = [block.text for block in self.blocks if block.kind == "text"]
        return "".join(texts) if texts else None

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls, in order."""
        return [block.call for block in self.blocks if block.call is not None]

    def said(self, kind: str) -> str | None:
        """The joined text of one kind of block (``reasoning``, ``refusal``)."""
        texts = [block.text for block in self.blocks if block.kind == kind]
        return "".join(texts) if texts else None


#: A user's own reply in Python: gets the Ask, gives what a YAML ``reply:`` may hold.
ReplyFunction = Callable[[Ask], Any]


class Match(NamedTuple):
    """The rule that answers an Ask, how well it fits, and which of its answers is next.

    ``answer`` is the index of the flow's assistant message, or -1 for a rule with replies of its own.
    """

    rule: Any
    score: float
    answer: int = -1


@dataclass(slots=True, eq=False)
class Exchange:
    """One line of the journal: who asked what, which rule answered, what was sent, and how it ended. Filled along the way.

    ``at`` is seconds since the epoch, ``duration`` seconds until the last byte was handed over; ``chunks`` has the seconds after
    ``at`` at which each event of a timed reply was due. ``ended`` is ``whole``, ``left`` (the client did) or ``fault``.
    """

    number: int
    at: float
    namespace: str
    method: str
    path: str
    endpoint: str = ""
    id: str = ""
    ask: Ask | None = None
    match: Match | None = None
    reply: Reply | None = None
    status: int = 0
    error: APIError | None = None
    fault: Fault | None = None
    lint: list[Any] = field(default_factory=list)
    chunks: list[float] = field(default_factory=list)
    duration: float = 0.0
    ended: str = "running"
    #: Its place among all exchanges of the mock, whatever their namespaces.
    order: int = 0

    @property
    def rule(self) -> str | None:
        """The id of the rule that answered."""
        return None if self.match is None else self.match.rule.id

    @property
    def matched(self) -> bool:
        """Whether a rule answered."""
        return self.match is not None

    @property
    def unmatched(self) -> bool:
        """Whether a rule should have answered and none did; what ``unmatched:`` sent instead may be an answer all the same."""
        if self.match is not None:
            return False
        return self.reply is not None or (self.error is not None and self.error.code == "no_match")
