"""Keys: every key of the configuration, declared as data."""

from __future__ import annotations

from ..rules import matchers
from ..text.moderation import CATEGORIES
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
from .names import ENDPOINTS

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
MILLISECONDS = Numeric(low=0)
NAME = Text(empty=False, numbers=True)

# Matchers

_TUNING = (
    Field("threshold", SHARE, "How alike ``fuzzy`` texts must be, 0 to 1.", default=matchers.THRESHOLD),
    Field("case_sensitive", Flag(), "Whether case counts: it does for ``exact``, else not."),
    Field("invert", Flag(), "Fit what would not fit.", default=False),
)
SHAPES["matcher"] = AnyOf((
    Text(),
    Struct("a matcher", (
        Field("exact", Text(), "The whole text, white space around it apart."),
        Field("contains", Text(), "A part of the text."),
        Field("regex", Text(), "A Python regular expression, searched for anywhere in the text."),
        Field("fuzzy", Text(), "A text that is alike, by ``difflib``'s ratio."),
        Field("any", Flag(), "``true`` fits every text."),
        *_TUNING,
    ), doc="Text alone is matched as ``exact``; anything else is a mapping.", one_of=(*matchers.NAMES,)),
))  # fmt: skip
SHAPES["model"] = SHAPES["matcher"]
SHAPES["body_value"] = AnyValue()

# Conditions


def _text_field(name: str, doc: str) -> Field:
    return Field(name, shape("matcher"), doc)


WHEN = Struct("a condition", (
    _text_field("user", "The last user message."),
    _text_field("system", "All system and developer text."),
    _text_field("assistant", "The last assistant message."),
    _text_field("tool", "The last tool result."),
    _text_field("message", "Any message, whatever its role."),
    _text_field("text", "The endpoint's main text: the last user message, an input, a prompt."),
    Field("model", shape("model"), "The model: a pattern such as ``gpt-4*``, or a matcher."),
    Field("endpoint", ListOf(Choice(ENDPOINTS, "an endpoint"), least=1, single=True), "The endpoint's name, or a list of names."),
    Field("stream", Flag(), "Whether the answer is to be streamed."),
    Field("tools", ListOf(Text(empty=False), least=1, single=True), "Tools that must all be offered."),
    _text_field("tool_choice", "What the request says under ``tool_choice``, or the name of the tool it forces."),
    _text_field("response_format", "The type of the response format, or the name of its schema."),
    Field("turn", COUNT, "How many assistant messages there are so far."),
    Field("step", COUNT, "The rounds of tool results since the last user message; 0 before the first call's result."),
    Field("has_tool_result", Flag(), "Whether a tool answered after the last user message."),
    _text_field("tool_call_id", "The id of a call that a tool result since the last assistant message answers."),
    Field("header", MapOf(shape("matcher"), "a header"), "Request headers, each with a matcher."),
    Field("body", MapOf(shape("body_value"), "a path"),
          "Paths into the request (``tools.0.type``), each with a matcher or a value."),
    _text_field("namespace", "The namespace of the request."),
    Field("state", MapOf(Text(numbers=True), "a scenario"), "Scenarios and the state each must be in."),
    Field("all", ListOf(shape("when"), least=1), "Conditions that must all hold."),
    Field("any", ListOf(shape("when"), least=1), "Conditions of which one must hold; to fit every request write ``when: {}``."),
    Field("not", shape("when"), "A condition that must not hold."),
), doc="What must hold of a request for a rule to answer it: every key that is given.", hints={
    "header" + "s": "write 'header'",
    "content": "say whose text it is: 'user', 'system', 'message' ... (or 'text')",
    "messages": "'messages' belongs to the rule itself, in the place of 'when'",
    "role": "say whose text it is: 'user', 'system', 'assistant' or 'tool'",
    **{name: f"say what '{name}' is about, such as 'user: {{{name}: ...}}'" for name in ("exact", "contains", "regex", "fuzzy")},
})  # fmt: skip

SHAPES["when"] = WHEN

# Time and trouble

_PAIR = ListOf(MILLISECONDS, least=2, most=2)
SHAPES["latency"] = AnyOf((
    MILLISECONDS,
    Struct("a latency", (
        Field("uniform", _PAIR, "Anything from the first number to the second."),
        Field("normal", _PAIR, "A mean and a standard deviation."),
        Field("lognormal", _PAIR, "A median and the sigma of its logarithm."),
    ), doc="Milliseconds: a number, or a mapping that says how to draw one.", one_of=("uniform", "normal", "lognormal")),
))  # fmt: skip
SHAPES["pace"] = Struct("a pace", (
    Field("ttft", MILLISECONDS, "Milliseconds to the first token.", default=0),
    Field("tps", Numeric(low=0, above=True), "Tokens a second.", default="as fast as possible"),
    Field("jitter", SHARE, "How uneven the gaps are, 0 to 1.", default=0),
    Field("chunk", AnyOf((Choice(("token", "word", "char"), "a chunk"), Numeric(low=1, whole=True))),
          "What one chunk holds: a ``token``, a ``word``, a ``char``, or a number of characters.", default="token"),
    Field("chunks", ListOf(Text(), least=1), "The very chunks of the content."),
    Field("gaps", ListOf(MILLISECONDS, least=1), "Milliseconds before each chunk, as in a recording; instead of ``ttft`` and ``tps``."),
), doc="How a stream is spoken. Without one it goes as fast as possible.")  # fmt: skip
FAULT_KIND = Choice(FAULTS, "a fault")
SHAPES["fault"] = AnyOf((
    FAULT_KIND,
    Struct("a fault", (
        Field("kind", FAULT_KIND, "What goes wrong.", required=True),
        Field("after", COUNT, "Events (of a stream) or bytes (of a whole reply) that are sent before.", default=0),
        Field("error", shape("error"), "The error that ``error_event`` sends. Default: a server error of the API."),
    ), doc="How a reply goes wrong: a kind of fault, or a mapping."),
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
        Field("param", Text(), "The parameter it is about.", explicit_null=True),
        Field("retry_after", Numeric(low=0), "Seconds for the ``retry-after`` header.", null=True),
    ), doc="An error of the API: a status number or a code is enough, and gets the API's own words; or a mapping, "
           "whose further keys are sent as they are.", extensible=True),
))  # fmt: skip
SHAPES["fail"] = Struct("a failure", (
    Field("times", Numeric(low=1, whole=True), "How many attempts fail before the reply comes.", default=1),
    Field("error", shape("error"), "What they get.", required=True),
), doc="The first attempts fail, then the reply comes.")  # fmt: skip
TIMING = (
    Field("latency", shape("latency"), "Milliseconds before anything is sent."),
    Field("pace", shape("pace"), "How a stream is spoken."),
    Field("fault", shape("fault"), "How the reply goes wrong."),
    Field("fail", shape("fail"), "How the first attempts fail."),
)

# Replies

DATA = MapOf(AnyValue(), "a key")
CONTENT = AnyOf((Text(), ListOf(AnyValue()), DATA))
_CALL_ID = Field("id", Text(numbers=True), "The call's id; one is made when there is none.", null=True)
SHAPES["tool_call"] = Struct("a tool call", (
    Field("name", NAME, "The tool's name."),
    Field("arguments", AnyOf((Text(), DATA)), "The arguments: a mapping, or text that is sent as it is.", default="{}"),
    Field("input", Text(), "The input of a custom tool: free text."),
    _CALL_ID,
    Field("type", Choice(("function", "custom"), "a type of tool call"), "As the API has it."),
    Field("function", Struct("a function call", (
        Field("name", NAME, "The function's name.", required=True),
        Field("arguments", AnyOf((Text(), DATA)), "The arguments.", default="{}"),
    )), "The API's form of a call of a function."),
    Field("custom", Struct("a custom call", (
        Field("name", NAME, "The tool's name.", required=True),
        Field("input", Text(), "The input.", default=""),
    )), "The API's form of a call of a custom tool."),
    Field("index", COUNT, "As in a recorded stream; calls go out in the order of the list."),
), doc="A call of a tool.", one_of=("name", "function", "custom"))  # fmt: skip
SHAPES["block"] = Struct("a block", (
    Field("text", Text(), "Some of the content."),
    Field("tool_call", shape("tool_call"), "A tool call."),
    Field("reasoning", Text(), "Some reasoning."),
    Field("refusal", Text(), "A refusal."),
    Field("item", DATA, "A whole output item of the Responses API."),
), doc="One piece of a reply.", one_of=("text", "tool_call", "reasoning", "refusal", "item"))  # fmt: skip
_CONTENT = Field("content", CONTENT, "Text; a mapping or list is sent as its JSON text.", explicit_null=True)
SAID = (
    Field("tool_calls", ListOf(shape("tool_call")), "Tool calls, in the API's form or as ``{name, arguments, id}``.", null=True),
    Field("refusal", Text(), "The text of a refusal.", null=True),
    Field("reasoning", Text(), "The reasoning: summaries and reasoning tokens come from it.", null=True),
    Field("annotations", ListOf(DATA), "Annotations as the API has them.", null=True),
    Field("audio", DATA, "Audio as the API has it.", null=True),
    Field("logprobs", AnyOf((ListOf(AnyValue()), DATA)), "Log probabilities as the API has them.", null=True),
    Field("blocks", ListOf(shape("block"), least=1), "Text, tool calls, reasoning and refusals where their order matters."),
)
OVERRIDES = (
    Field("usage", DATA, "The usage, instead of a count, in the words of either API.", explicit_null=True),
    Field("id", Text(), "The response's id.", explicit_null=True),
    Field("created", COUNT, "Its time, in seconds since 1970.", explicit_null=True),
    Field("model", Text(), "The model it names.", explicit_null=True),
    Field("system_fingerprint", Text(), "Its system fingerprint.", explicit_null=True),
    Field("service_tier", Text(), "Its service tier.", explicit_null=True),
)
_FINISH = Field("finish_reason", Text(), "Why it ended: any text, or null.", explicit_null=True)
HEADERS = MapOf(Text(numbers=True), "a header")
PAYLOADS = (
    Field("embedding", ListOf(Numeric()), "The vector of an embedding."),
    Field("image", shape("file"), "An image.", later=True),
    Field("speech", shape("speech"), "Audio of speech.", later=True),
    Field("moderation", Struct("a moderation", (
        Field("flagged", Flag(), "Whether the input is flagged."),
        Field("categories", Struct("the categories", tuple(
            Field(name, Flag(), f"Whether the input is flagged for {name}.") for name in CATEGORIES
        )), "Categories, each true or false."),
        Field("category_scores", Struct("the scores", tuple(
            Field(name, SHARE, f"The score for {name}.") for name in CATEGORIES
        )), "Categories, each with a score."),
    )), "The result of a moderation."),
)  # fmt: skip
_FILE = (
    Field("file", Text(empty=False), "A file, relative to the configuration."),
    Field("b64", Text(), "The bytes in base64."),
)
SHAPES["file"] = Struct("a file", _FILE)
SHAPES["speech"] = Struct("speech", (*_FILE, Field("format", Text(empty=False), "The audio's format, such as ``mp3``.")))
ANSWER = (
    *SAID,
    _FINISH,
    *OVERRIDES,
    Field("auto", Flag(), "Make content and arguments that are valid for the request."),
    Field("error", shape("error"), "An error: a status, a code, or the whole error."),
    Field("status", STATUS, "The HTTP status."),
    Field("headers", HEADERS, "Response headers."),
    Field("body", AnyValue(bytes=True), "The very body: text, or a value that is sent as JSON."),
    *PAYLOADS,
    *TIMING,
    Field("set_state", MapOf(Text(numbers=True), "a scenario"), "Scenarios to put into a state after answering."),
    Field(
        "extra",
        DATA,
        "Members to add to the answer, by name or path: ``citations``, ``choices.0.native_finish_reason``, "
        "``message.reasoning_content``.",
    ),
    Field("template", Flag(), "Whether ``{{ }}`` in the reply is filled in.", default=True),
    Field("hold", AnyValue(), "A name under which the reply waits until it is released.", later=True),
)
SHAPES["reply"] = AnyOf((Text(), Struct("a reply", (_CONTENT, *ANSWER), doc="Text alone is the content."), Function()))

# Rules

_MATCHER_NAME = Choice(matchers.NAMES, "a matcher")
_PARTS = AnyOf((Text(), ListOf(AnyOf((Text(), DATA)))))
SHAPES["message"] = Struct("a message", (
    Field("role", Choice(ROLES, "a role"), "Who speaks.", required=True),
    Field("content", CONTENT, "What to expect; of an assistant message, what to answer.", null=True),
    Field("matcher", _MATCHER_NAME, "How to compare the content.", default="exact"),
    *_TUNING,
    Field("parts", ListOf(Text(empty=False), least=1, single=True), "Kinds of parts that must be there, such as ``image_url``."),
    Field("tool_call_id", Text(empty=False, numbers=True), "The call that a tool message answers."),
    Field("name", Text(), "The speaker's name, as the API has it; it is not compared.", null=True),
    Field("function_call", DATA, "Only null, as in older recordings: calls stand under ``tool_calls``.", null=True),
    *ANSWER,
), doc="One message of a conversation. Those of the assistant are what to answer, and take every key of a reply; the others are "
       "what to expect, and take the keys that compare.")  # fmt: skip
SHAPES["old_matcher"] = Struct("a matcher", (
    Field("type", _MATCHER_NAME, "The matcher of every message that has none.", default="exact"),
    *_TUNING,
    Field("messages", ListOf(shape("message"), least=1), "The messages to expect.", required=True),
), doc="The older form of a rule: the messages to expect, and how to compare all of them.",
   hints={"value": "the texts to compare stand under 'messages'"})  # fmt: skip
SHAPES["response"] = Struct("a recorded answer", (
    Field("object", Text(), "``chat.completion`` or ``response``."),
    Field("choices", ListOf(DATA, least=1), "The choices of a chat completion; the first is the answer."),
    Field("output", ListOf(DATA), "The output items of a Response."),
), doc="A whole chat completion or Response, as the API gives it. It is sent as written, with every key.", extensible=True,
   one_of=("choices", "output"), hints=dict.fromkeys(
    ("content", "error", "tool_calls", "refusal", "body", "status", "message"),
    "'response' is a whole chat completion or Response; a reply with 'content' and its like stands under 'reply'",
))  # fmt: skip
SHAPES["rule"] = Struct("a rule", (
    Field("id", NAME, "The rule's name, in messages, the journal and coverage.", default="rule-1, rule-2 ..."),
    Field("messages", ListOf(shape("message"), least=1), "A conversation to follow."),
    Field("when", shape("when"), "What to answer."),
    Field("matcher", shape("old_matcher"), "A conversation to answer with ``response``."),
    Field("reply", shape("reply"), "The answer."),
    Field("replies", ListOf(shape("reply"), least=1), "Answers to give in turn."),
    Field("response", shape("response"), "The answer as a whole chat completion."),
    Field("then", Choice(("last", "cycle", "error"), "a way to go on"), "What follows the last of ``replies``.", default="last"),
    Field("times", Numeric(low=1, whole=True), "How often the rule answers before it retires.", default="always"),
    Field("priority", Numeric(), "Higher goes first.", default=0),
    Field("turns", TURNS, "Which assistant message of ``messages`` answers.", default="the file's"),
    Field("expect", AnyValue(), "How often the rule should answer.", later=True),
    *TIMING,
), doc="One entry of ``responses``: what it answers, and with what.", one_of=("messages", "when", "matcher"),
   without="; 'when: {}' answers every request", hints={
    **{each.name: f"'{each.name}' belongs under 'reply'" for each in (_CONTENT, *ANSWER)},
    **{each.name: f"'{each.name}' belongs under 'when'" for each in WHEN.fields if each.name not in ("model", "not")},
})  # fmt: skip

# Settings

UNMATCHED = Choice(("error", "echo", "auto"), "a word for 'unmatched'", later=("proxy",))
SHAPES["unmatched"] = AnyOf((UNMATCHED, shape("reply")))
_PORT = Numeric(low=0, high=65535, whole=True)
SETTINGS = Struct("a setting", (
    Field("api_key", ListOf(Text(numbers=True, empty=False, secret=True, noun="a key"), least=1, single=True),
          "The key, or a list of keys, that requests must have; without one every request is accepted."),
    Field("host", Text(empty=False), "The address to listen on.", default="127.0.0.1"),
    Field("port", _PORT, "The port to listen on; 0 takes a free one.", default=3000),
    Field("responses", AnyOf((ListOf(shape("rule")), MapOf(shape("rule"), "a rule's id"))),
          "The rules: a list, or a mapping of id to rule.", null=True),
    Field("include", ListOf(Text(empty=False), least=1, single=True),
          "Files, or patterns of files, relative to this one, whose ``responses`` are appended."),
    Field("templates", AnyValue(unread=True), "A place for YAML anchors; nothing in it is read."),
    Field("models", ListOf(NAME), "The ids that ``GET /v1/models`` lists.", default="a current list"),
    Field("unmatched", shape("unmatched"),
          "What a request gets that no rule matches: ``error``, ``echo``, ``auto`` or a reply.", default="error"),
    Field("turns", TURNS,
          "Which assistant message of a conversation answers: the ``next`` one or always the ``last``.", default="next"),
    Field("match", Choice(("best", "first"), "a way to match"), "Whether the ``best`` or the ``first`` matching rule answers.",
          default="best"),
    Field("lint", Choice(("off", "warn", "error"), "a lint level"),
          "What a request gets that the API itself would refuse.", default="warn"),
    Field("seed", AnyOf((Numeric(whole=True, high=1e18), Text())), "What all ids and random numbers come from.", default=0),
    Field("clock", Text(empty=False), "``real``, or the ISO time at which the clock stands.", default="real"),
    Field("latency", shape("latency"), "The latency of every rule that has none."),
    Field("pace", shape("pace"), "The pace of every rule that has none."),
    Field("journal", Struct("a journal setting", (
        Field("size", COUNT, "How many exchanges are kept.", default=1000),
        Field("body_limit", COUNT, "How many bytes of each body are kept.", default=65536),
    ), doc="What the journal keeps."), "What the journal keeps."),
    Field("cors", AnyOf((Flag(), ListOf(Text(empty=False), least=1, single=True))),
          "The origin, or a list of origins, that browsers may call from; ``false`` for none.", default="*"),
    Field("max_body", AnyOf((Numeric(low=1, whole=True), Text())),
          "The largest request body: bytes, or ``64MB``.", default="64MB"),
    Field("store", Text(empty=False), "Where state is kept.", default="memory"),
    Field("scenarios", MapOf(Text(numbers=True), "a scenario"), "The state in which each scenario starts."),
    Field("overrides", Flag(), "Whether a request may ask for a fault or a latency by header.", default=True),
    Field("chaos", Struct("a chaos setting", (
        Field("rate", SHARE, "The share of requests that go wrong.", required=True),
        Field("faults", ListOf(shape("fault"), least=1), "What may go wrong.", required=True),
    )), "Faults at random, drawn from the seed."),
    Field("retries", Choice(("next",), "a word for 'retries'", later=("same",)), "What a retry gets: the ``next`` reply.",
          default="next"),
    Field("prompt_cache", AnyValue(), "Whether ``cached_tokens`` are counted.", later=True),
    Field("limits", Struct("a limit", (
        Field("rpm", Numeric(low=1, whole=True), "Requests a minute."),
        Field("tpm", Numeric(low=1, whole=True), "Tokens a minute."),
        Field("rpd", Numeric(low=1, whole=True), "Requests a day."),
    )), "Rate limits for each key and model."),
    Field("isolate", ListOf(Choice(("path", "header", "key"), "a source of namespaces")), "Where namespaces come from.",
          default="[path, header, key]"),
    Field("upstream", Struct("an upstream setting", (
        Field("url", Text(empty=False), "The base URL.", required=True),
        Field("key", Text(empty=False), "The environment variable that has its key."),
    )), "Where to proxy to and record from.", later=True),
    Field("admin", Flag(), "Whether ``/__openaimock`` is there.", default=True),
    Field("admin_key", Text(numbers=True, empty=False, secret=True, noun="a key"),
          "The key for ``/__openaimock``; without one it answers this machine only."),
), doc="The keys of the file itself.", hints=dict.fromkeys(
    ("rules", "messages", "when", "reply", "matcher", "response"), "rules stand under 'responses'",
))  # fmt: skip
SHAPES["settings"] = SETTINGS
#: What rules that are added to a running mock may be wrapped in.
RULES = Struct("rules", tuple(field for field in SETTINGS.fields if field.name in ("responses", "templates")))
