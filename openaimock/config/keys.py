"""Keys: every key of the configuration, declared as data."""

from __future__ import annotations

from ..rules import matchers
from ..text.moderation import CATEGORIES
from ..types.operations import ENDPOINTS, OPERATIONS
from .kinds import (
    AnyOf,
    AnyValue,
    Choice,
    Field,
    Flag,
    Function,
    Kind,
    ListOf,
    MapOf,
    Numeric,
    Shape,
    Struct,
    Text,
)
from .names import ENDPOINT_HINTS

#: Every named kind. ``Shape(name, SHAPES)`` refers to one before it is declared.
SHAPES: dict[str, Kind] = {}


def shape(name: str) -> Shape:
    """A reference to a named kind."""
    return Shape(name, SHAPES)


FAULTS = (
    "disconnect", "reset", "empty", "stall", "truncate", "garble", "duplicate", "no_done", "error_event", "split_utf8",
    "slow_headers",
)  # fmt: skip
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
TURNS = Choice(("next", "last"), "a way to take turns")
COUNT = Numeric(low=0, whole=True)
SHARE = Numeric(low=0, high=1)
MILLISECONDS = Numeric(low=0, unit="milliseconds")
NAME = Text(empty=False, numbers=True)
SHAPES["size"] = AnyOf((Numeric(low=0, whole=True), Text()))
#: Words of other tools for the matchers.
_MATCHER_HINTS = {
    **dict.fromkeys(("startswith", "starts_with", "prefix"), "write a regex: '^...'"),
    **dict.fromkeys(("endswith", "ends_with", "suffix"), "write a regex: '...$'"),
    **dict.fromkeys(("equals", "equal", "is", "eq"), "write 'exact'"),
    **dict.fromkeys(("matches", "pattern", "re"), "write 'regex'"),
    **dict.fromkeys(("includes", "substring", "has"), "write 'contains'"),
    **dict.fromkeys(("like", "similar"), "write 'fuzzy'"),
    **dict.fromkeys(("not_contains", "not_exact", "not_regex", "not"), "write the matcher with 'invert: true'"),
    **dict.fromkeys(("ignore_case", "case_insensitive"), "write 'case_sensitive: false'"),
}

# Matchers

_TUNING = (
    Field("threshold", SHARE, "The least similarity of ``fuzzy`` texts, 0 to 1.", default=matchers.THRESHOLD),
    Field("case_sensitive", Flag(), "Whether upper and lower case differ. Default: true for ``exact``, else false."),
    Field("invert", Flag(), "Match only when the matcher does not match.", default=False),
    Field(
        "unsafe",
        Flag(),
        "Accept a ``regex`` that may take exponential time; a helper process searches for at most a second.",
        default=False,
    ),
)
SHAPES["matcher"] = AnyOf((
    Text(),
    Struct("a matcher", (
        Field("exact", Text(), "The whole text, without leading and trailing white space."),
        Field("contains", Text(), "A part of the text."),
        Field("regex", Text(), "A Python regular expression, searched for anywhere in the text."),
        Field("fuzzy", Text(), "A similar text, by ``difflib``'s ratio."),
        Field("any", Flag(), "``true`` matches every text."),
        *_TUNING,
    ), doc="A plain text means ``exact``; every other matcher is a mapping.", one_of=(*matchers.NAMES,), hints=_MATCHER_HINTS),
))  # fmt: skip
SHAPES["model"] = SHAPES["matcher"]
SHAPES["body_value"] = AnyValue()

# Conditions


def _text_field(name: str, doc: str) -> Field:
    return Field(name, shape("matcher"), doc)


ENDPOINT = Choice(ENDPOINTS, "an endpoint", tuple(OPERATIONS), hints=ENDPOINT_HINTS)
WHEN = Struct("a condition", (
    _text_field("user", "The last user message."),
    _text_field("system", "All system and developer text."),
    _text_field("assistant", "The last assistant message."),
    _text_field("tool", "The last tool result."),
    _text_field("message", "Any message, whatever its role."),
    _text_field("text", "The endpoint's main text: the last user message, an input, a prompt."),
    Field("model", shape("model"), "The model: a pattern such as ``gpt-4*``, or a matcher."),
    Field("endpoint", ListOf(ENDPOINT, least=1, single=True),
          "The endpoint's name, an operation's id such as ``chat.completions.create``, a pattern of ids, or a list of these."),
    Field("stream", Flag(), "Whether the request asks for a stream."),
    Field("tools", ListOf(Text(empty=False), least=1, single=True), "Tools that the request must offer, all of them."),
    _text_field("tool_choice", "The request's ``tool_choice``, or the name of the tool that it forces."),
    _text_field("response_format", "The type of the response format, or the name of its schema."),
    Field("turn", COUNT, "The number of assistant messages so far."),
    Field("step", COUNT, "The rounds of tool results since the last user message; 0 before the first call's result."),
    Field("attempt", Numeric(low=1, whole=True), "The number of the attempt: 1 is the first, 2 the first retry of an SDK."),
    Field("has_tool_result", Flag(), "Whether a tool result follows the last user message."),
    _text_field("tool_call_id", "The id of a call that a tool result since the last assistant message answers."),
    Field("header", MapOf(shape("matcher"), "a header"), "Request headers by name, with a matcher for each."),
    Field("body", MapOf(shape("body_value"), "a path"),
          "Paths into the request body (``tools.0.type``), with a matcher or a value for each."),
    _text_field("path", "The path of the request after ``/v1``, such as ``/files/file-abc``."),
    _text_field("namespace", "The namespace of the request."),
    Field("state", MapOf(Text(numbers=True), "a scenario"), "Scenarios and the state that they must be in."),
    Field("all", ListOf(shape("when"), least=1), "Conditions that must all be true."),
    Field("any", ListOf(shape("when"), least=1),
          "Conditions of which at least one must be true; to match every request write ``when: {}``."),
    Field("not", shape("when"), "A condition that must be false."),
), doc="What a request must be for the rule to answer it. All keys must match.",
   not_text="name the text to compare, such as 'user: ...'", hints={
    "header" + "s": "write 'header'",
    "content": "name the text to compare: 'user', 'system', 'message' ... (or 'text')",
    "messages": "'messages' belongs to the rule itself, instead of 'when'",
    "role": "name the text to compare: 'user', 'system', 'assistant' or 'tool'",
    **dict.fromkeys(("prompt", "input"), "write 'text'"),
    **{name: f"write 'body: {{{name}: ...}}'" for name in ("temperature", "max_tokens", "top_p", "seed", "metadata")},
    **{name: f"name the text that '{name}' compares, such as 'user: {{{name}: ...}}'"
       for name in ("exact", "contains", "regex", "fuzzy")},
})  # fmt: skip

SHAPES["when"] = WHEN

# Time and trouble

_PAIR = ListOf(MILLISECONDS, least=2, most=2)
_RATES = ListOf(Numeric(low=0), least=2, most=2)


def _distribution(label: str, pair: Kind, doc: str) -> Struct:
    return Struct(label, (
        Field("uniform", pair, "A number between the two, all equally likely."),
        Field("normal", pair, "The mean and the standard deviation."),
        Field("lognormal", pair, "The median, and the standard deviation of the logarithm."),
    ), doc=doc, one_of=("uniform", "normal", "lognormal"))  # fmt: skip


SHAPES["latency"] = AnyOf((MILLISECONDS, _distribution("a latency", _PAIR, "Milliseconds: a number, or a random distribution.")))
SHAPES["ttft"] = SHAPES["latency"]
SHAPES["rate"] = AnyOf(
    (Numeric(low=0, above=True), _distribution("a rate", _RATES, "Tokens a second: a number, or a random distribution."))
)
SHAPES["pace"] = Struct("a pace", (
    Field("ttft", shape("ttft"), "Milliseconds to the first token.", default=0),
    Field("tps", shape("rate"), "Tokens a second.", default="as fast as possible"),
    Field("jitter", SHARE, "The random variation of the gaps, 0 to 1.", default=0),
    Field("chunk", AnyOf((Choice(("token", "word", "char"), "a chunk"), Numeric(low=1, whole=True))),
          "What one chunk holds: a ``token``, a ``word``, a ``char``, or a number of characters.", default="token"),
    Field("chunks", ListOf(Text(), least=1), "The exact chunks of the content."),
    Field("gaps", ListOf(MILLISECONDS, least=1), "Milliseconds before each chunk, as in a recording; instead of ``tps``."),
), doc="The timing of a stream. Without a pace it is sent as fast as possible.")  # fmt: skip
FAULT_KIND = Choice(FAULTS, "a fault")
SHAPES["fault"] = AnyOf((
    FAULT_KIND,
    Struct("a fault", (
        Field("kind", FAULT_KIND, "What goes wrong.", required=True),
        Field("after", COUNT, "Events (of a stream) or bytes (of a whole reply) that are sent before the fault.", default=0),
        Field("error", shape("error"), "The error that ``error_event`` sends. Default: a server error of the API."),
    ), doc="A failure of the transport: a kind of fault, or a mapping.",
       hints=dict.fromkeys(("type", "name", "fault"), "write 'kind'")),
))  # fmt: skip
STATUS = Numeric(low=200, high=599, whole=True)
SHAPES["error"] = AnyOf((
    STATUS,
    Text(empty=False),
    Struct("an error", (
        Field("status", STATUS, "The HTTP status."),
        Field("type", Text(), "The error's type.", explicit_null=True),
        Field("code", AnyOf((Text(), Numeric())), "The error's code.", explicit_null=True),
        Field("message", Text(), "The error's message.", explicit_null=True),
        Field("param", Text(), "The parameter that the error names.", explicit_null=True),
        Field("retry_after", Numeric(low=0, unit="seconds"), "Seconds for the ``retry-after`` header.", null=True),
    ), doc="An error of the API: a status number, a code (both get the API's own message), or a mapping, "
           "whose further keys are sent as they are.", extensible=True),
))  # fmt: skip
SHAPES["fail"] = Struct("a failure", (
    Field("times", Numeric(low=1, whole=True), "The number of attempts that fail before the reply is sent.", default=1),
    Field("error", shape("error"), "The error that they get.", required=True),
), doc="The first attempts fail, then the reply is sent.")  # fmt: skip
SHAPES["hold"] = AnyOf((
    NAME,
    Struct("a hold", (
        Field("name", NAME, "The name by which the reply is released.", required=True),
        Field("after", COUNT, "Events of a stream that are sent before it waits. A whole reply waits wholly.", default=0),
    ), doc="The reply waits until ``mock.release(name)`` or the admin releases it: a name, or a mapping."),
))  # fmt: skip
TIMING = (
    Field("latency", shape("latency"), "Milliseconds before anything is sent."),
    Field("pace", shape("pace"), "The timing of a stream."),
    Field("fault", shape("fault"), "A failure of the transport."),
    Field("fail", shape("fail"), "The failure of the first attempts."),
    Field("hold", shape("hold"), "The hold at which the reply waits until it is released."),
)

# Replies

DATA = MapOf(AnyValue(), "a key")
CONTENT = AnyOf((Text(), ListOf(AnyValue()), DATA))
_CALL_ID = Field("id", Text(numbers=True), "The call's id. Default: a generated one.", null=True)
_CALL_HINTS = {
    **dict.fromkeys(("args", "parameters", "params", "kwargs"), "write 'arguments'"),
    **dict.fromkeys(("tool", "tool_name", "function_name"), "write 'name'"),
    **dict.fromkeys(("call_id", "tool_call_id"), "write 'id'"),
}
SHAPES["tool_call"] = Struct("a tool call", (
    Field("name", NAME, "The tool's name."),
    Field("arguments", AnyOf((Text(), DATA)), "The arguments: a mapping, or text that is sent unchanged.", default="{}"),
    Field("input", Text(), "The input of a custom tool: free text."),
    _CALL_ID,
    Field("type", Choice(("function", "custom"), "a type of tool call"), "The type, as in the API."),
    Field("function", Struct("a function call", (
        Field("name", NAME, "The function's name.", required=True),
        Field("arguments", AnyOf((Text(), DATA)), "The arguments.", default="{}"),
    ), hints=_CALL_HINTS), "The API's form of a call of a function."),
    Field("custom", Struct("a custom call", (
        Field("name", NAME, "The tool's name.", required=True),
        Field("input", Text(), "The input.", default=""),
    )), "The API's form of a call of a custom tool."),
    Field("index", COUNT, "As in a recorded stream; it has no effect, because calls are sent in the order of the list."),
), doc="A call of a tool.", one_of=("name", "function", "custom"), hints=_CALL_HINTS)  # fmt: skip
SHAPES["block"] = Struct("a block", (
    Field("text", Text(), "A part of the content."),
    Field("tool_call", shape("tool_call"), "A tool call."),
    Field("reasoning", Text(), "A part of the reasoning."),
    Field("refusal", Text(), "A refusal."),
    Field("item", DATA, "A whole output item of the Responses API."),
), doc="One part of a reply.", one_of=("text", "tool_call", "reasoning", "refusal", "item"))  # fmt: skip
_CONTENT = Field("content", CONTENT, "Text; a mapping or list is sent as its JSON text.", explicit_null=True)
MESSAGE_FIELDS = (
    Field("tool_calls", ListOf(shape("tool_call")), "Tool calls, in the API's form or as ``{name, arguments, id}``.", null=True),
    Field("refusal", Text(), "The text of a refusal.", null=True),
    Field("reasoning", Text(), "The reasoning, from which summaries and the count of reasoning tokens are made.", null=True),
    Field("annotations", ListOf(DATA), "Annotations, in the API's form.", null=True),
    Field("audio", DATA, "Audio, in the API's form.", null=True),
    Field("logprobs", AnyOf((ListOf(AnyValue()), DATA)), "Log probabilities, in the API's form.", null=True),
    Field("blocks", ListOf(shape("block"), least=1), "Text, tool calls, reasoning and refusals where their order matters."),
)
OVERRIDES = (
    Field("usage", DATA, "The usage, in the words of either API, instead of counted tokens.", explicit_null=True),
    Field("id", Text(), "The response's id.", explicit_null=True),
    Field("created", COUNT, "The time of creation, in seconds since 1970.", explicit_null=True),
    Field("model", Text(), "The response's model.", explicit_null=True),
    Field("system_fingerprint", Text(), "The response's system fingerprint.", explicit_null=True),
    Field("service_tier", Text(), "The response's service tier.", explicit_null=True),
)
_FINISH = Field("finish_reason", Text(), "The finish reason: any text, or null.", explicit_null=True)
HEADERS = MapOf(Text(numbers=True), "a header")
PAYLOADS = (
    Field("embedding", ListOf(Numeric()), "The vector of an embedding."),
    Field("image", ListOf(shape("image"), least=1, single=True),
          "The picture of an image endpoint, or a list of pictures, one for each that the request asks for."),
    Field("speech", shape("speech"), "The audio of speech."),
    Field("moderation", Struct("a moderation", (
        Field("flagged", Flag(), "Whether the input is flagged."),
        Field("categories", Struct("the categories", tuple(
            Field(name, Flag(), f"Whether the input is flagged for {name}.") for name in CATEGORIES
        )), "Categories by name: true or false."),
        Field("category_scores", Struct("the scores", tuple(
            Field(name, SHARE, f"The score for {name}.") for name in CATEGORIES
        )), "Categories by name, with their scores."),
    )), "The result of a moderation."),
)  # fmt: skip
_FILE = (
    Field("file", Text(empty=False), "A file, relative to the configuration."),
    Field("b64", Text(empty=False), "The bytes in base64."),
)
SHAPES["image"] = Struct("an image", (
    *_FILE,
    Field("url", Text(empty=False), "The address of the picture, which is sent unchanged."),
    Field("revised_prompt", Text(), "The prompt that the model made of the request's."),
), one_of=("file", "b64", "url"))  # fmt: skip
SHAPES["speech"] = Struct("speech", (
    *_FILE, Field("format", Text(empty=False), "The audio's format, such as ``mp3``. Default: that of the file."),
), one_of=("file", "b64"))  # fmt: skip
ANSWER = (
    *MESSAGE_FIELDS,
    _FINISH,
    *OVERRIDES,
    Field("auto", Flag(), "Generate content and arguments that are valid for the request."),
    Field("proxy", Flag(), "Send the request to ``upstream``."),
    Field("error", shape("error"), "An error: a status, a code, or the whole error."),
    Field("status", STATUS, "The HTTP status."),
    Field("headers", HEADERS, "Response headers."),
    Field("body", AnyValue(bytes=True), "The exact body: text, or a value that is sent as JSON."),
    *PAYLOADS,
    *TIMING,
    Field("set_state", MapOf(Text(numbers=True), "a scenario"), "Scenarios and the state that they have after this reply."),
    Field(
        "extra",
        DATA,
        "Members to add to the answer, by name or path: ``citations``, ``choices.0.native_finish_reason``, "
        "``message.reasoning_content``.",
    ),
    Field("template", Flag(), "Whether ``{{ }}`` in the reply is filled in.", default=True),
)
SHAPES["reply"] = AnyOf(
    (
        Text(),
        Struct(
            "a reply",
            (_CONTENT, *ANSWER),
            doc="A plain text is the content.",
            hints={
                **dict.fromkeys(("text", "message", "messages", "answer", "output"), "the text of a reply is its 'content'"),
                **dict.fromkeys(("delay", "sleep", "wait"), "write 'latency' (milliseconds)"),
                **dict.fromkeys(("code", "type", "retry_after"), "it belongs under 'error'"),
                **dict.fromkeys(("functions", "calls", "tools", "tool_call"), "write 'tool_calls'"),
                "arguments": "it belongs to a call under 'tool_calls'",
            },
        ),
        Function(),
    )
)

# Rules

_MATCHER_NAME = Choice(matchers.NAMES, "a matcher", hints=_MATCHER_HINTS)
_ROLE_HINTS = {
    **dict.fromkeys(("ai", "bot", "model", "gpt", "llm", "agent"), "write 'assistant'"),
    "human": "write 'user'",
    "tool_result": "write 'tool'",
}
_PARTS = AnyOf((Text(), ListOf(AnyOf((Text(), DATA)))))
SHAPES["message"] = Struct("a message", (
    Field("role", Choice(ROLES, "a role", hints=_ROLE_HINTS), "The author of the message.", required=True),
    Field("content", CONTENT, "The text to match; in an assistant message, the text to answer.", null=True),
    Field("matcher", _MATCHER_NAME, "How to compare the content.", default="exact"),
    *_TUNING,
    Field("parts", ListOf(Text(empty=False), least=1, single=True),
          "Kinds of content parts that the message must have, such as ``image_url``."),
    Field("tool_call_id", Text(empty=False, numbers=True), "The call that a tool message answers."),
    Field("name", Text(), "The author's name, as in the API; it is not compared.", null=True),
    Field("function_call", DATA, "Only null, as in older recordings; calls belong under ``tool_calls``.", null=True),
    *ANSWER,
), doc="One message of a conversation. An assistant message is an answer and takes every key of a reply; any other message is "
       "matched against the request and takes the keys of a matcher.")  # fmt: skip
SHAPES["old_matcher"] = Struct("a matcher", (
    Field("type", _MATCHER_NAME, "The matcher of messages without one.", default="exact"),
    *_TUNING,
    Field("messages", ListOf(shape("message"), least=1), "The messages to match.", required=True),
), doc="The older form of a rule: the messages to match, and the matcher of all of them.",
   hints={"value": "the texts to compare belong under 'messages'"})  # fmt: skip
SHAPES["response"] = Struct("a recorded answer", (
    Field("object", Text(), "``chat.completion`` or ``response``."),
    Field("choices", ListOf(DATA, least=1), "The choices of a chat completion; the first is the answer."),
    Field("output", ListOf(DATA), "The output items of a Response."),
), doc="A whole chat completion or Response, as the API sends it. It is sent as written, with every key.", extensible=True,
   one_of=("choices", "output"), not_text="a text belongs under 'reply'", hints=dict.fromkeys(
    ("content", "error", "tool_calls", "refusal", "body", "status", "message"),
    "'response' is a whole chat completion or Response; a reply with 'content' and similar keys belongs under 'reply'",
))  # fmt: skip
SHAPES["expect"] = AnyOf((
    COUNT,
    Struct("an expectation", (
        Field("min", COUNT, "The least number of answers.", default=0),
        Field("max", COUNT, "The largest number of answers.", default="any number"),
    ), doc="How often a rule should answer: a number, or a range."),
))  # fmt: skip
SHAPES["rule"] = Struct("a rule", (
    Field("id", NAME, "The rule's name, in messages, the journal and coverage.", default="rule-1, rule-2 ..."),
    Field("messages", ListOf(shape("message"), least=1), "A conversation: the messages to match, and the assistant's answers."),
    Field("when", shape("when"), "A condition on the request."),
    Field("matcher", shape("old_matcher"), "A conversation to answer with ``response``."),
    Field("reply", shape("reply"), "The answer."),
    Field("replies", ListOf(shape("reply"), least=1), "Answers that are used one after another."),
    Field("response", shape("response"), "The answer as a whole chat completion or Response."),
    Field("then", Choice(("last", "cycle", "error"), "a way to go on"),
          "What follows after the last of ``replies``.", default="last"),
    Field("times", Numeric(low=1, whole=True), "How often the rule answers; then it matches no more.", default="always"),
    Field("expect", shape("expect"), "How often the rule should answer; ``mock.verify()`` reports a difference."),
    Field("priority", Numeric(), "A rule with a higher priority is preferred.", default=0),
    Field("turns", TURNS, "The assistant message of ``messages`` that answers.", default="the file's"),
    *TIMING,
), doc="One entry of ``responses``: the requests it matches and the answer.", one_of=("messages", "when", "matcher"),
   without="; 'when: {}' answers every request", hints={
    **{each.name: f"'{each.name}' belongs under 'reply'" for each in (_CONTENT, *ANSWER)},
    **{each.name: f"'{each.name}' belongs under 'when'" for each in WHEN.fields if each.name not in ("model", "not")},
    **dict.fromkeys(("match", "request", "condition", "conditions", "if"), "write 'when'"),
    **dict.fromkeys(("prompt", "question", "input"), "write 'when: {user: ...}'"),
    **dict.fromkeys(("answer", "output", "return", "respond"), "write 'reply'"),
    **dict.fromkeys(("delay", "sleep"), "write 'latency' (milliseconds)"),
    "name": "write 'id'",
    "model": "'model' belongs under 'when' (the request's) or 'reply' (the answer's)",
})  # fmt: skip
