"""Count the tokens of a whole prompt or reply, with what the API wraps around messages, tools, schemas and calls.

The API does not publish its format. The constants here were fitted to usage that it has reported (``docs/tokens.rst``).
"""

# Annotations are evaluated at once: a NamedTuple would compile each of them from its text, which costs a start 1 ms.
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from ..types.content import stored_file
from ..types.parts import once, once_each
from . import tokens
from .facts import Facts

JSON = Any


class Wrapping(NamedTuple):
    """Tokens that an endpoint adds for a family of models."""

    #: The start of the answer.
    priming: int = 3
    #: A message, with its role; an assistant's message in addition.
    message: int = 4
    assistant: int = 0
    #: All tools, and a schema, beside their text: in a prompt that has a system message, and in one without.
    tools: tuple[int, int] = (0, 3)
    schema: tuple[int, int] = (4, 8)
    #: A call beside its name and arguments, the result of one beside its name and text, and calls made at once.
    call: int = 6
    result: int = 7
    parallel: int = 10
    #: In an answer: a text; a text beside tools, or to a schema; after reasoning; a single call; calls made at once, and each.
    text: int = 0
    beside_tools: int = 1
    to_schema: int = 0
    after_reasoning: int = 0
    single: int = 7
    several: tuple[int, int] = (9, 11)

    @property
    def thinking(self) -> bool:
        """Whether these are models that reason."""
        return self.assistant > 0


_CURRENT = Wrapping(tools=(-1, 3))
_THINKING = Wrapping(
    *(2, 4, 2),
    tools=(3, 3),
    schema=(0, 0),
    call=10,
    result=10,
    parallel=10,
    text=4,
    beside_tools=0,
    to_schema=4,
    after_reasoning=2,
    single=11,
    several=(20, 7),
)
#: In chat the GPT-5 models have a longer introduction of their tools.
_LATER_CHAT = _THINKING._replace(
    tools=(84, 84), schema=(4, 4), call=9, parallel=4, text=3, after_reasoning=6, single=10, several=(17, 7)
)
#: The o-series and the first GPT-5 models begin each answer in chat with reasoning, though it may be empty.
_GPT5_CHAT = _LATER_CHAT._replace(text=9, after_reasoning=0, single=16, several=(19, 7))
#: By family and endpoint. "current" are GPT-4o and GPT-4.1, "older" the models of the older vocabulary, "later" those after
#: GPT-5, "search" those that search the web for every answer.
WRAPPINGS = {
    ("search", "chat"): Wrapping(priming=0, message=0),
    ("search", "responses"): Wrapping(priming=0, message=0),
    ("older", "chat"): Wrapping(),
    ("older", "responses"): Wrapping(text=1, single=8),
    ("current", "chat"): _CURRENT,
    ("current", "responses"): _CURRENT._replace(tools=(-3, -3), schema=(1, 1), call=5, result=6, parallel=0, text=1, single=8),
    ("o", "chat"): _GPT5_CHAT._replace(tools=(4, 4)),
    ("o", "responses"): _THINKING._replace(tools=(0, 0), call=8, result=9),
    ("gpt-5", "chat"): _GPT5_CHAT,
    ("gpt-5", "responses"): _THINKING,
    ("later", "chat"): _LATER_CHAT,
    ("later", "responses"): _THINKING,
}
#: What the Responses API tells GPT-5 and later when they must not call tools at once.
ONE_AT_A_TIME = 78


def wrapping(facts: Facts, endpoint: str) -> Wrapping:
    """What ``endpoint`` (chat or responses) adds for a model."""
    return WRAPPINGS[facts.prompt, endpoint]


# Prompts


class _Counted(NamedTuple):
    """Tokens of a message or an item, without the name of the call that it answers, and what the others need to know of it."""

    tokens: int
    system: bool = False
    #: The names of its calls by id.
    calls: Sequence[tuple[str, str]] = ()
    #: The id of the call that it answers.
    answers: str | None = None
    #: One of the words below, for an item of the Responses API.
    turn: str = ""
    #: Its parts with the content of a stored file, which is not known here: they count as one of a usual size.
    files: Sequence[JSON] = ()


def _key(facts: Facts, endpoint: str) -> str:
    """What the tokens of a part depend on beside the part, as a key of its results."""
    return _joined(endpoint, facts.prompt, facts.encoding, facts.image, tokens.tokenizer(facts.encoding).name)


@lru_cache(maxsize=256)
def _joined(*dependencies: object) -> str:
    # A text, because it remembers its hash; cached, because every request needs one of a few.
    return " ".join(map(str, dependencies))


def count_chat(body: Mapping[str, JSON], facts: Facts, files: list[JSON] | None = None) -> int:
    """Prompt tokens of a chat completion request. ``files`` gets the parts whose content is a stored file."""
    wrap, encoding = wrapping(facts, "chat"), facts.encoding
    total = wrap.priming
    names: dict[str, str] = {}
    system = False
    counts = once_each(body["messages"], _key(facts, "chat"), lambda message: _count_message(message, wrap, facts))
    for number, is_system, calls, answers, _, named in counts:
        total += number
        system = system or is_system
        if named and files is not None:
            files += named
        if calls:
            names.update(calls)
        if answers is not None:
            total += tokens.count_encoded(names.get(answers, ""), encoding)
    total += _tools(body.get("tools") or body.get("functions"), wrap, encoding, system)
    if schema := body.get("response_format"):
        total += _format(schema.get("json_schema"), wrap, encoding, system)
    return total


def _count_message(message: Mapping[str, JSON], wrap: Wrapping, facts: Facts) -> _Counted:
    """What one message of a chat adds to the prompt."""
    encoding, role, content = facts.encoding, message.get("role"), message.get("content")
    total = 0
    files: Sequence[JSON] = ()
    if content.__class__ is str:
        total = tokens.count_encoded(content, encoding)
    elif content:
        total, files = _parts(content, facts, "chat"), _stored(content)
    if calls := message.get("tool_calls"):
        names: list[tuple[str, str]] = []
        total += wrap.parallel if len(calls) > 1 else 0
        for call in calls:
            inner = call.get("function") or call.get("custom") or {}
            names.append((call.get("id") or "", inner.get("name") or ""))
            total += wrap.call + _call(inner, encoding)
        return _Counted(total, calls=names)
    if message.get("function_call"):
        return _Counted(total + wrap.call + _call(message["function_call"], encoding))
    if role == "tool" or role == "function":
        name = message.get("name")
        if name:
            return _Counted(total + wrap.result + tokens.count_encoded(name, encoding))
        return _Counted(total + wrap.result, answers=message.get("tool_call_id") or "", files=files)
    total += wrap.message + (wrap.assistant if role == "assistant" else 0)
    if name := message.get("name"):
        total += 1 + tokens.count_encoded(name, encoding)
    return _Counted(total, role == "system" or role == "developer", files=files)


def count_items(
    items: Sequence[Mapping[str, JSON]], body: Mapping[str, JSON], facts: Facts, files: list[JSON] | None = None
) -> int:
    """Input tokens of a request to the Responses API that has these items in its conversation, its own and earlier ones.

    ``files`` gets the parts whose content is a stored file.
    """
    wrap, encoding = wrapping(facts, "responses"), facts.encoding
    total = wrap.priming
    instructions = body.get("instructions")
    if isinstance(instructions, str) and instructions:
        key = ("tokens", _key(facts, "responses"))
        total += wrap.message + once(instructions, key, lambda text: tokens.count_encoded(text, encoding))
    system, row, thought = bool(instructions), 0, 0
    names: dict[str, str] = {}
    # What was compacted is not shown to the model again.
    for at in range(len(items) - 1, 0, -1):
        if items[at].get("type") == "compaction":
            items = items[at:]
            break
    counts = once_each(items, _key(facts, "responses"), lambda item: _count_item(item, wrap, facts))
    for number, is_system, calls, answers, turn, named in counts:
        if named and files is not None:
            files += named
        if turn == _USER:
            # Reasoning is shown until the user speaks next.
            thought = 0
        system = system or is_system
        row = row + 1 if calls else 0
        if calls:
            names.update(calls)
            total += wrap.parallel if row == 2 else 0
        elif answers is not None:
            total += tokens.count_encoded(names.get(answers, ""), encoding)
        if turn == _THOUGHT:
            thought += number
        else:
            total += number
    total += thought + _tools(body.get("tools"), wrap, encoding, system)
    if body.get("tools") and body.get("parallel_tool_calls") is False and wrap is _THINKING:
        total += ONE_AT_A_TIME
    return total + _format((body.get("text") or {}).get("format"), wrap, encoding, system)


#: Items that decide what of the others is counted.
_USER, _THOUGHT = "user", "thought"


def _count_item(item: Mapping[str, JSON], wrap: Wrapping, facts: Facts) -> _Counted:
    """What one item of a conversation adds to the prompt."""
    encoding, kind, role = facts.encoding, item.get("type") or "message", item.get("role")
    turn = _USER if role == "user" else ""
    if kind == "message":
        total = wrap.message + (wrap.assistant if role == "assistant" else 0) + _parts(item.get("content"), facts, "responses")
        return _Counted(total, role == "system" or role == "developer", turn=turn, files=_stored(item.get("content")))
    if kind in _CALLS:
        calls = [(item.get("call_id") or "", item.get("name") or "")]
        return _Counted(wrap.call + _call(item, encoding), calls=calls, turn=turn)
    if kind.endswith("_output") and "output" in item:
        total = wrap.result + _parts(item.get("output"), facts, "responses")
        return _Counted(total, answers=item.get("call_id") or "", turn=turn, files=_stored(item["output"]))
    if kind == "reasoning":
        return _Counted(_sealed(item.get("encrypted_content")), turn=_THOUGHT)
    return _Counted(_hosted_item(kind, item, encoding), turn=turn)


_CALLS = frozenset(["function_call", "custom_tool_call"])
#: What a shell gave back.
_STREAMS = ("stdout", "stderr")


def _call(call: Mapping[str, JSON], encoding: str) -> int:
    """Tokens of a call's name and what the tool is given: a function's ``arguments``, a custom tool's ``input``."""
    text = call.get("arguments") or call.get("input") or ""
    return tokens.count_encoded(call.get("name") or "", encoding) + tokens.count_encoded(text, encoding)


def _parts(content: JSON, facts: Facts, endpoint: str) -> int:
    """Tokens of content: text, one part, a list of parts, or nothing."""
    encoding = facts.encoding
    if isinstance(content, str):
        return tokens.count_encoded(content, encoding)
    total = 0
    for part in [content] if isinstance(content, dict) else content or ():
        if not isinstance(part, dict):
            continue
        kind = part.get("type") or ""
        text = part.get("text") or part.get("refusal") or "".join(part[key] for key in _STREAMS if part.get(key))
        if isinstance(text, str) and text:
            total += tokens.count_encoded(text, encoding)
        elif "image" in kind or kind == "computer_screenshot":
            from . import images

            # Chat puts the detail beside the address, the Responses API beside the type.
            image = part.get("image_url")
            about = image if isinstance(image, dict) else part
            address = about.get("url") if isinstance(image, dict) else image
            total += images.count(address if isinstance(address, str) else "", str(about.get("detail") or ""), facts.image)
        elif kind == "file" or kind == "input_file":
            from . import files, images

            total += files.count(part, facts.encoding, images.page(facts.image) if endpoint == "chat" else 0)
        elif kind == "input_audio":
            from . import files

            total += files.count_sound(part)
    return total


def _stored(content: JSON) -> Sequence[JSON]:
    """The parts of content whose content is a stored file."""
    parts = [content] if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [part for part in parts if isinstance(part, dict) and stored_file(part)]


def _sealed(content: JSON) -> int:
    """Tokens of encrypted reasoning, from its length: the seal takes about 940 characters, a token about six."""
    return max(0, round((len(content) - 940) * 0.16)) if isinstance(content, str) else 0


#: Members of items of hosted tools that the model is shown again.
_SHOWN = ("name", "arguments", "action", "operation", "output", "code", "queries", "tools", "results")


def _hosted_item(kind: str, item: Mapping[str, JSON], encoding: str) -> int:
    """Tokens of an item that a hosted tool left in the conversation."""
    if kind == "reasoning":
        return 0
    if kind == "compaction":
        return _sealed(item.get("encrypted_content"))
    from .definitions import dump

    texts = [item[name] for name in _SHOWN if item.get(name)]
    return 6 + sum(tokens.count_encoded(text if isinstance(text, str) else dump(text), encoding) for text in texts)


def _tools(tools: Sequence[Mapping[str, JSON]] | None, wrap: Wrapping, encoding: str, system: bool) -> int:
    if not tools:
        return 0
    from . import definitions

    own, hosted = definitions.count_tools(tools, encoding, thinking=wrap.thinking)
    return own + hosted + (wrap.tools[not system] if own else 0)


def _format(schema: Mapping[str, JSON] | None, wrap: Wrapping, encoding: str, system: bool) -> int:
    if not schema or not schema.get("schema"):
        return 0
    from . import definitions

    return definitions.count_schema(schema, encoding) + wrap.schema[not system]


# Replies

#: A ``function_call`` of the old way has this much less around it.
LEGACY = 3


class ReplyParts(NamedTuple):
    """What of a reply is counted: its texts, its calls (name and arguments), its reasoning, and items of hosted tools."""

    texts: Sequence[str] = ()
    calls: Sequence[tuple[str, str]] = ()
    reasoning: str = ""
    items: Sequence[Mapping[str, JSON]] = ()


class Context(NamedTuple):
    """What of a request an answer's count depends on: whether it offers tools, or functions in the old way, or has a schema."""

    tools: bool = False
    functions: bool = False
    schema: bool = False


_PLAIN = Context()


def count_reply(parts: ReplyParts, facts: Facts, endpoint: str, context: Context = _PLAIN) -> int:
    """Completion tokens of a whole reply."""
    wrap, encoding = wrapping(facts, endpoint), facts.encoding
    texts = [parts.reasoning, *parts.texts, *chain.from_iterable(parts.calls)]
    total = sum(tokens.count_encoded(text, encoding) for text in texts if text)
    if parts.texts:
        total += wrap.text + wrap.beside_tools * context.tools + wrap.to_schema * context.schema
    if parts.reasoning or any(item.get("type") == "reasoning" for item in parts.items):
        total += wrap.after_reasoning
    calls = len(parts.calls)
    if calls:
        total += wrap.single if calls == 1 else wrap.several[0] + wrap.several[1] * calls
        total -= LEGACY if context.functions else 0
    return total + sum(_hosted_item(item.get("type") or "", item, encoding) for item in parts.items)


#: What a call of a hosted tool adds to the prompt of the request that made it: the results, and the prompt once more.
HOSTED_CALLS = {
    "web_search_call": 4200,
    "file_search_call": 700,
    "code_interpreter_call": 900,
    "image_generation_call": 1350,
    "mcp_call": 400,
    "tool_search_output": 400,
}
#: The results of a search by a model that does not reason; those of ``web_search_preview`` are free.
SEARCHED = 16_900


def count_hosted_calls(items: Iterable[Mapping[str, JSON]], tools: Iterable[Mapping[str, JSON]], facts: Facts) -> int:
    """Input tokens that the hosted calls among a reply's items add: the model reads what they found."""
    kinds = [item.get("type") for item in items]
    if "web_search_call" in kinds and not wrapping(facts, "responses").thinking:
        free = not any(tool.get("type") == "web_search" for tool in tools)
        return 0 if free else SEARCHED
    return sum(HOSTED_CALLS.get(kind, 0) for kind in kinds if isinstance(kind, str))
