"""Settings: the top-level keys of a configuration, declared as data."""

from __future__ import annotations

from .keys import COUNT, MILLISECONDS, NAME, SHAPES, SHARE, TURNS, shape
from .kinds import AnyOf, AnyValue, Choice, Field, Flag, ListOf, MapOf, Numeric, Struct, Text
from .recording_keys import RECORD, UPSTREAM
from .webhooks import WEBHOOKS

UNMATCHED = Choice(("error", "echo", "auto", "proxy"), "a word for 'unmatched'")
SHAPES["unmatched"] = AnyOf((UNMATCHED, shape("reply")))
_PORT = Numeric(low=0, high=65535, whole=True)
SHAPES["model_entry"] = Struct(
    "a model",
    (
        Field("id", NAME, "The id.", required=True),
        Field("snapshot", NAME, "The model's name in answers, such as ``gpt-4o-2024-08-06`` for ``gpt-4o``."),
        Field("context_window", Numeric(low=1, whole=True), "The most tokens of prompt and answer together."),
        Field("max_output_tokens", Numeric(low=1, whole=True), "The most tokens of an answer."),
        Field("owned_by", Text(), "The owner, as the list of models shows it.", default="system"),
        Field("created", COUNT, "The time of creation, in seconds since 1970."),
    ),
    doc="One model; further keys are sent as they are.",
    extensible=True,
)
SETTINGS = Struct("a setting", (
    Field("api_key", ListOf(Text(numbers=True, empty=False, secret=True, noun="a key"), least=1, single=True),
          "The key, or a list of keys, that requests must have; without one every request is accepted."),
    Field("host", Text(empty=False), "The address to listen on.", default="127.0.0.1"),
    Field("port", _PORT, "The port to listen on; 0 takes a free one.", default=3000),
    Field("responses", AnyOf((ListOf(shape("rule")), MapOf(shape("rule"), "a rule's id"))),
          "The rules: a list, or a mapping of id to rule.", null=True),
    Field("include", ListOf(Text(empty=False), least=1, single=True),
          "Files, or patterns of files, relative to this one, whose ``responses`` are appended."),
    Field("templates", AnyValue(unread=True), "A place for YAML anchors; its content is ignored."),
    Field("models", ListOf(AnyOf((NAME, shape("model_entry")))),
          "The models that ``GET /v1/models`` lists: ids, or mappings with more facts.", default="a current list"),
    Field("unmatched", shape("unmatched"),
          "The answer to a request that no rule matches: ``error``, ``echo``, ``auto``, ``proxy`` or a reply.", default="error"),
    Field("turns", TURNS,
          "The assistant message of a conversation that answers: the ``next`` one or always the ``last``.", default="next"),
    Field("match", Choice(("best", "first"), "a way to match"), "Whether the ``best`` or the ``first`` matching rule answers.",
          default="best"),
    Field("lint", Choice(("off", "warn", "error"), "a lint level"),
          "What happens to a request that the API itself would refuse.", default="warn"),
    Field("seed", AnyOf((Numeric(whole=True, high=1e18), Text())), "The seed of all ids and random numbers.", default=0),
    Field("clock", Text(empty=False), "``real``, or the ISO time at which the clock is frozen.", default="real"),
    Field("latency", shape("latency"), "The latency of rules without one."),
    Field("pace", shape("pace"), "The pace of rules without one."),
    Field("journal", Struct("a journal setting", (
        Field("size", COUNT, "The number of exchanges that are kept.", default=1000),
        Field("body_limit", shape("size"), "The bytes that are kept of each body.", default=65536),
        Field("memory", shape("size"), "The bytes that are kept in all namespaces together.", default="64MB"),
    ), doc="The limits of the journal."), "The limits of the journal."),
    Field("cors", AnyOf((Flag(), ListOf(Text(empty=False), least=1, single=True))),
          "The origin, or a list of origins, that browsers may call from; ``false`` for none.", default="*"),
    Field("max_body", shape("size"), "The largest request body: bytes, or a size such as ``64MB``.", default="64MB"),
    Field("retries", Choice(("next", "same"), "a way to answer retries"),
          "The answer to a retry: ``next`` answers it like any other request, ``same`` sends the last reply that "
          "was not an error once more.", default="next"),
    Field("prompt_cache", Flag(), "Whether ``cached_tokens`` are those of the longest prefix seen before.", default=False),
    Field("store", Text(empty=False),
          "Where the mock's state is stored: ``memory``, a file that the processes of a machine share "
          "(``sqlite:///file.db``), or a server that many machines share (``redis://host:port/db``).", default="memory"),
    Field("scenarios", MapOf(Text(numbers=True), "a scenario"), "The first state of each scenario."),
    Field("overrides", Flag(), "Whether request headers may set a fault or a latency, or choose the rule or reply.",
          default=True),
    Field("chaos", Struct("a chaos setting", (
        Field("rate", SHARE, "The share of requests that get a fault, 0 to 1.", required=True),
        Field("faults", ListOf(shape("fault"), least=1), "The faults to choose from.", required=True),
    )), "Random faults, derived from the seed."),
    Field("limits", Struct("a limit", (
        Field("rpm", Numeric(low=1, whole=True), "Requests a minute."),
        Field("tpm", Numeric(low=1, whole=True), "Tokens a minute."),
        Field("rpd", Numeric(low=1, whole=True), "Requests a day."),
    )), "Rate limits for each key and model."),
    Field("load", Struct("a load setting", (
        Field("max_active", Numeric(low=1, whole=True), "The number of requests that are answered at once; more are refused."),
        Field("status", Numeric(low=429, high=503, whole=True), "The status of a refusal: 429 or 503.", default=503),
        Field("latency_per_active", MILLISECONDS,
              "Milliseconds that each request being answered adds to the latency of a new one."),
    ), doc="What happens as more requests are answered at once."), "What happens as more requests are answered at once."),
    Field("isolate", ListOf(Choice(("path", "header", "key"), "a source of namespaces")),
          "The parts of a request that may name its namespace.",
          default="[path, header, key]"),
    Field("upstream", UPSTREAM, "The server that ``unmatched: proxy``, ``proxy: true`` and recording send requests to."),
    Field("record", RECORD, "Record exchanges with ``upstream`` as rules; implies ``unmatched: proxy``."),
    Field("webhooks", WEBHOOKS, "Where events about batches and background responses are delivered."),
    Field("admin", Flag(), "Whether ``/__openaimock`` exists.", default=True),
    Field("admin_key", Text(numbers=True, empty=False, secret=True, noun="a key"),
          "The key for ``/__openaimock``; without one it answers only requests from this machine."),
), doc="The top-level keys of a file. Keys that begin with ``x-`` are ignored.", ignored="x-", hints=dict.fromkeys(
    ("rules", "messages", "when", "reply", "matcher", "response"), "rules belong under 'responses'",
) | {
    "fixtures": "this is a file of aimock; 'openaimock convert FILE' writes its rules",
})  # fmt: skip
SHAPES["settings"] = SETTINGS
#: The mapping that rules added to a running mock may be wrapped in.
RULES = Struct("rules", tuple(field for field in SETTINGS.fields if field.name in ("responses", "templates")), ignored="x-")
