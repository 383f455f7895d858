"""Parameters: those that the API does not know, that a model does not take, and that do not go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..http.catalog import printable
from ..types.ask import Ask
from .check import Check, Finding
from .families import effort, family

# Unknown parameters

#: How many slips a name may have and still be taken for another.
_SLIPS = 2
#: Names that only Azure knows, and one of the Codex CLI's that the API takes and does not tell of.
_AZURE = frozenset(["data_sources", "enhancements", "user_security_context"])
_UNTOLD = frozenset(["client_metadata"])
#: Endpoints that name an unknown parameter in the older way, whatever the model.
_OLDER = frozenset(["completions", "embeddings", "moderations"])


def unknown(ask: Ask, names: Iterable[str], names_known: Iterable[str]) -> Iterator[Finding]:
    """What is said of members of the body that nobody knows; null ones are passed over."""
    accepted = _UNTOLD | _AZURE if "deployment" in ask.params else _UNTOLD
    unknown_names = [name for name in names if ask.body[name] is not None and name not in accepted]
    if not unknown_names:
        return
    if ask.endpoint in _OLDER or (ask.endpoint == "chat" and not family(ask.model).modern):
        several = "s" if len(unknown_names) > 1 else ""
        listed = ", ".join(sorted(map(printable, unknown_names)))
        yield Finding("unknown_parameter", f"Unrecognized request argument{several} supplied: {printable(listed, 400)}")
        return
    for name in unknown_names:
        quoted = printable(name)
        message = f"Unknown parameter: '{quoted}'.{_meant(name, [other for other in names_known if other not in ask.body])}"
        yield Finding("unknown_parameter", message, quoted, "unknown_parameter")


def _meant(name: str, others: Iterable[str]) -> str:
    """The names that somebody may have meant, nearest first, as the API asks for them."""
    slips = {other: _distance(name, other) for other in others if abs(len(other) - len(name)) <= _SLIPS}
    near = sorted((count, other) for other, count in slips.items() if count <= _SLIPS)
    quoted = [f"'{other}'" for _, other in near]
    if not quoted:
        return ""
    listed = " or ".join(quoted) if len(quoted) < 3 else f"{', '.join(quoted[:-1])}, or {quoted[-1]}"
    return f" Did you mean {listed}?"


def _distance(one: str, two: str) -> int:
    """How many letters must be put in, taken out or changed to get from one name to the other."""
    row = list(range(len(two) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, other in enumerate(two, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
    return row[-1]


def nested(paths: Iterable[str]) -> Iterator[Finding]:
    """What is said of members further inside, by their paths."""
    for path in paths:
        yield Finding("unknown_parameter", f"Unknown parameter: '{path}'.", path, "unknown_parameter")


# What a model does not take

_PENALTIES = ("presence_penalty", "frequency_penalty")
_NEVER = ("stop", "logit_bias", "prediction")
_NO_LOGPROBS = "logprobs are not supported with reasoning models."


def _unsupported(check: str, name: str, code: str | None = "unsupported_parameter", more: str = "") -> Finding:
    return Finding(check, f"Unsupported parameter: '{name}' is not supported with this model.{more}", name, code)


def _is_other(value: Any, usual: float) -> bool:
    return value is not None and value != usual


def _chat_model(ask: Ask) -> Iterator[Finding]:
    """What a chat model refuses: parameters first, then values, as the API goes about it."""
    body, kind = ask.body, family(ask.model)
    if kind.effort:
        if body.get("max_tokens") is not None:
            yield _unsupported("reasoning_max_tokens", "max_tokens", more=" Use 'max_completion_tokens' instead.")
        if kind.no_stop:
            yield from (_unsupported("reasoning_stop", name) for name in _NEVER if body.get(name))
        if kind.no_parallel and body.get("parallel_tool_calls") is not None:
            yield _unsupported("reasoning_parallel", "parallel_tool_calls")
        if effort(body, ask.model):
            yield from _thinking(ask)
    elif kind.effort == "" and body.get("reasoning_effort") is not None:
        yield Finding("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort")


def _thinking(ask: Ask) -> Iterator[Finding]:
    """What is refused only while a model thinks."""
    body, kind = ask.body, family(ask.model)
    temperature = body.get("temperature")
    if _is_other(temperature, 1):
        message = f"Unsupported value: 'temperature' does not support {temperature} with this model."
        one = Finding(
            "reasoning_temperature", f"{message} Only the default (1) value is supported.", "temperature", "unsupported_value"
        )
        yield _unsupported("reasoning_temperature", "temperature") if kind.no_temperature else one
    if _is_other(body.get("top_p"), 1):
        yield _unsupported("reasoning_sampling", "top_p")
    yield from (_unsupported("reasoning_sampling", name) for name in _PENALTIES if _is_other(body.get(name), 0))
    if body.get("logprobs"):
        yield _unsupported("reasoning_sampling", "logprobs")
    if kind.no_tools and any(tool.get("type") == "function" for tool in body.get("tools") or ()):
        message = f"Function tools with reasoning_effort are not supported for {printable(ask.model)} in /v1/chat/completions."
        yield Finding("reasoning_tools", f"{message} {kind.no_tools}", "reasoning_effort")


def _responses_model(ask: Ask) -> Iterator[Finding]:
    """What a model refuses of a Responses request."""
    body, kind = ask.body, family(ask.model)
    include = body.get("include") or ()
    if kind.effort == "":
        if (body.get("reasoning") or {}).get("effort") is not None:
            yield _unsupported("reasoning_effort", "reasoning.effort")
        if "reasoning.encrypted_content" in include:
            yield Finding("reasoning_encrypted", "Encrypted content is not supported with this model.", "include")
    elif effort(body, ask.model):
        if _is_other(body.get("temperature"), 1):
            yield _unsupported("reasoning_sampling", "temperature", None)
        if body.get("top_p") is not None:
            yield _unsupported("reasoning_sampling", "top_p", None)
        yield from (_unsupported("reasoning_sampling", name, None) for name in _PENALTIES if _is_other(body.get(name), 0))
        if "message.output_text.logprobs" in include:
            yield Finding("reasoning_logprobs", _NO_LOGPROBS, "include", "unsupported_parameter")
        if body.get("top_logprobs"):
            yield Finding("reasoning_logprobs", _NO_LOGPROBS, "top_logprobs", "unsupported_parameter")


# What does not go together


def _together(ask: Ask) -> Iterator[Finding]:
    body = ask.body
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        yield Finding("two_token_limits", message, "max_tokens", "invalid_parameter_combination")
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        yield Finding("stream_options_without_stream", message, "stream_options")


_THINKS = {"model": "gpt-5"}
_HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def _sampling(name: str, refused: Any, usual: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return {**_THINKS, name: refused}, {**_THINKS, name: usual}


_CHAT_KEYS = (
    "max_tokens", *_NEVER, "parallel_tool_calls", "temperature", "top_p", *_PENALTIES, "logprobs", "tools", "reasoning_effort",
)  # fmt: skip
_RESPONSES_KEYS = ("temperature", "top_p", *_PENALTIES, "top_logprobs", "include", "reasoning")
_TOOL = {"type": "function", "function": {"name": "now"}}


def _chat(name: str, doc: str, refused: Mapping[str, Any], accepted: Mapping[str, Any]) -> Check:
    return Check(name, doc, ("chat",), refused, accepted, _chat_model, _CHAT_KEYS)


def _responses(name: str, doc: str, refused: Mapping[str, Any], accepted: Mapping[str, Any]) -> Check:
    return Check(name, doc, ("responses",), refused, accepted, _responses_model, _RESPONSES_KEYS)


#: Found by the Linter itself, which knows what an endpoint takes.
UNKNOWN = (
    Check("unknown_parameter", "A parameter that the endpoint does not know; older models name it so.", ("chat",),
          {"temprature": 1}, {"temperature": 1}),
    Check("unknown_parameter", "The same, as newer models name it.", ("chat",),
          {**_THINKS, "stor": True}, {**_THINKS, "store": True}),
    Check("unknown_parameter", "The same, whatever the model.", ("completions", "embeddings", "moderations"), {"foo": 1}, {}),
    Check("unknown_parameter", "A parameter of another endpoint.", ("responses",), {"n": 2}, {}),
    Check("unknown_parameter", "A member further inside.", ("responses",),
          {"stream": True, "stream_options": {"include_usage": True}},
          {"stream": True, "stream_options": {"include_obfuscation": False}}),
)  # fmt: skip
PARAMETERS = (
    _chat("reasoning_max_tokens", "Reasoning models have another name for the limit.",
          {**_THINKS, "max_tokens": 100}, {**_THINKS, "max_completion_tokens": 100}),
    _chat("reasoning_stop", "``stop``, ``logit_bias`` and ``prediction`` are not for most reasoning models.",
          {**_THINKS, "stop": ["END"]}, {"stop": ["END"]}),
    _chat("reasoning_parallel", "``parallel_tool_calls`` is not for o1 and o3-mini.",
          {"model": "o3-mini", "tools": [_TOOL], "parallel_tool_calls": False}, {"model": "o3-mini", "tools": [_TOOL]}),
    _chat("reasoning_effort", "An effort is only for models that reason.",
          {"reasoning_effort": "low"}, {**_THINKS, "reasoning_effort": "low"}),
    _chat("reasoning_temperature", "A model that reasons has one temperature.", *_sampling("temperature", 0.5, 1)),
    _chat("reasoning_sampling", "``top_p``, penalties and ``logprobs`` are not for a model that reasons.",
          *_sampling("top_p", 0.5, 1)),
    _chat("reasoning_tools", "The newest models call functions by chat only when they do not reason.",
          {"model": "gpt-5.6-sol", "tools": [_TOOL]},
          {"model": "gpt-5.6-sol", "tools": [_TOOL], "reasoning_effort": "none"}),
    _responses("reasoning_effort", "An effort is only for models that reason.",
               {"reasoning": {"effort": "low"}}, {**_THINKS, "reasoning": {"effort": "low"}}),
    _responses("reasoning_encrypted", "Only models that reason have reasoning to encrypt.",
               {"include": ["reasoning.encrypted_content"]}, {**_THINKS, "include": ["reasoning.encrypted_content"]}),
    _responses("reasoning_sampling", "``temperature``, ``top_p`` and penalties are not for a model that reasons.",
               *_sampling("temperature", 0.5, 1)),
    _responses("reasoning_logprobs", "Nor are log probabilities.",
               {**_THINKS, "top_logprobs": 2}, {"top_logprobs": 2}),
    Check("two_token_limits", "The limit may be given under one of its names.", ("chat",),
          {"max_tokens": 5, "max_completion_tokens": 5}, {"max_completion_tokens": 5}, _together, ("max_tokens",)),
    Check("stream_options_without_stream", "Options for a stream that was not asked for.",
          ("chat", "responses", "completions"),
          {"stream_options": {"include_obfuscation": False}},
          {"stream": True, "stream_options": {"include_obfuscation": False}}, _together, ("stream_options",)),
)  # fmt: skip
