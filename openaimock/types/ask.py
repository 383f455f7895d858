"""Ask: a request in the terms that matchers read, with its messages and tool calls, and the Match of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

#: A JSON value. ``Any``, because requests are checked by tables, not by types.
JSON = Any


T = TypeVar("T")


class lazy(Generic[T]):
    """A property computed on first use and cached. (Before Python 3.12 ``functools.cached_property`` takes a lock.)"""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, owner: Any, kind: type) -> T:
        value = owner.__dict__[self._name] = self._compute(owner)
        return value


class _Nothing(Mapping[str, Any]):
    """An empty mapping that can be shared."""

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
    """One tool call of the model: ``arguments`` is JSON text for a function, free text for a custom tool."""

    name: str
    arguments: str
    id: str = ""
    kind: str = "function"


class Message(NamedTuple):
    """One message of a conversation, the same for every endpoint; a Responses item becomes one too.

    ``text`` joins the text parts by newlines; ``parts`` lists the kinds of all parts in order (``text``, ``image_url``, ...).
    """

    role: str
    text: str
    parts: tuple[str, ...] = ("text",)
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


@dataclass(init=False, eq=False, repr=False)
class Ask:
    """A request in the terms that matchers read, the same for every endpoint. It does not change after it was read."""

    # Not frozen, because every request makes one and a frozen dataclass takes six times as long to make.

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
    #: Uploaded files of a form by name: an ``http.forms.UploadedFile``, or a list of them for ``name[]``.
    files: Mapping[str, Any] = NOTHING
    namespace: str = "default"
    #: The scenarios of the namespace and the state each is in.
    state: Mapping[str, str] = NOTHING
    #: A name for the client that is safe to store: never the key itself.
    caller: str = ""
    #: Tokens of the prompt, where the endpoint counts them.
    prompt_tokens: int = 0
    #: The parts of the prompt whose content is a stored file, once its tokens are counted.
    stored_parts: ClassVar[Sequence[JSON]] = ()
    #: The findings of lint, once it has run.
    findings: Sequence[Any] | None = None
    #: A cached match for an equal body, and the edition of the RuleSet that it belongs to.
    answer: tuple[object, Match] | None = field(default=None, repr=False, compare=False)
    #: The id of the operation, and whether it answers a prompt: rules without ``endpoint`` do not apply to others.
    operation: str = ""
    answers_prompt: bool = True
    #: 0 for a first attempt; SDKs number their retries (``x-stainless-retry-count``).
    attempt: int = 0
    #: Keys of the body that are repeated in one object. A class variable, so that other requests pay nothing for it.
    repeated_keys: ClassVar[tuple[str, ...]] = ()
    #: What was computed for an equal body, or one that differs only in its last text (``app.variants``); None: nothing is kept.
    same: dict[str, Any] | None = None
    #: The answers that are prepared for requests like this one, by the identity of their plan (``app.prepared``).
    prepared: dict[int, Any] | None = None
    #: The address of the mock as the client sees it, set by operations whose answers have addresses.
    base_url: str = ""

    def __init__(
        self,
        endpoint: str,
        body: dict[str, JSON] | None = None,
        messages: Sequence[Message] = (),
        text: str = "",
        model: str = "",
        stream: bool = False,
        **others: Any,
    ) -> None:
        # Every request makes one. A member that is not passed is that of the class, which costs nothing.
        self.endpoint, self.body, self.messages = endpoint, {} if body is None else body, messages
        self.text, self.model, self.stream = text, model, stream
        if others:
            if not others.keys() <= self.__dataclass_fields__.keys():
                raise TypeError(f"an Ask has no {', '.join(sorted(others.keys() - self.__dataclass_fields__.keys()))}")
            self.__dict__.update(others)

    def __repr__(self) -> str:
        streamed = ", streamed" if self.stream else ""
        count = len(self.messages)
        return f"<Ask {self.endpoint} {self.model}{streamed}, {count} message{'' if count == 1 else 's'}>"

    def copy(self) -> Ask:
        """A copy that shares the values computed so far."""
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
        """Characters of all texts that rules may read."""
        return len(self.text) + sum([len(message.text) for message in self.messages])

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
    def has_file(self) -> bool:
        """Whether a message has a file."""
        for message in self.messages:  # noqa: SIM110 (a generator would take three times as long)
            if "file" in message.parts:
                return True
        return False

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
    def step(self) -> int:
        """How many rounds of tool results follow the last user message; parallel results are one round."""
        rounds, in_round = 0, False
        for message in reversed(self.messages):
            if message.role == "user":
                break
            is_result = message.role in ("tool", "function")
            rounds += is_result and not in_round
            in_round = is_result
        return rounds

    @lazy
    def tool_call_id(self) -> str | None:
        """The id of the call that the last tool result answers."""
        message = self.last("tool")
        return None if message is None else message.tool_call_id

    @lazy
    def tool_call_ids(self) -> tuple[str, ...]:
        """The ids of the calls that the tool results since the last assistant message answer."""
        ids: list[str] = []
        for message in reversed(self.messages):
            if message.role == "assistant":
                break
            if message.role == "tool" and message.tool_call_id is not None:
                ids.append(message.tool_call_id)
        return tuple(reversed(ids))

    @lazy
    def opening(self) -> Sequence[Message]:
        """The messages without the system and developer messages that lead them."""
        for at, message in enumerate(self.messages):
            if message.role not in ("system", "developer"):
                return self.messages[at:] if at else self.messages
        return ()


#: A reply written in Python: takes the Ask and returns any value of a YAML ``reply:``.
ReplyFunction = Callable[[Ask], Any]


class Match(NamedTuple):
    """The rule that answers an Ask, its score, and which of its replies is next.

    ``answer`` is the index of the flow's assistant message, or -1 for a rule with replies of its own.
    """

    rule: Any
    score: float
    answer: int = -1
