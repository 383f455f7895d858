"""Parameters that the API does not know, that a model refuses, and that exclude each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..http.catalog import printable
from ..params.models import Model
from ..types.ask import Ask
from .check import Check, Finding

# Unknown parameters

#: The largest edit distance of a suggestion.
_MAX_DISTANCE = 2
#: Parameters of Azure only, and an undocumented one that the Codex CLI sends.
_AZURE = frozenset(["data_sources", "enhancements", "user_security_context"])
_UNDOCUMENTED = frozenset(["client_metadata"])
#: Endpoints that report an unknown parameter in the newer way for every model.
_NEWER = frozenset(["responses", "images.generations", "images.edits", "images.variations"])


def unknown(ask: Ask, model: Model, names: Iterable[str], listed_names: Iterable[str]) -> Iterator[Finding]:
    """The errors for unknown members of the body that are not null; ``listed_names`` are those that it may have."""
    accepted = _UNDOCUMENTED | _AZURE if "deployment" in ask.params else _UNDOCUMENTED
    unknown_names = [name for name in names if ask.body[name] is not None and name not in accepted]
    if not unknown_names:
        return
    if ask.endpoint not in _NEWER and not model.modern:
        several = "s" if len(unknown_names) > 1 else ""
        listed = ", ".join(sorted(map(printable, unknown_names)))
        yield Finding("unknown_parameter", f"Unrecognized request argument{several} supplied: {printable(listed, 400)}")
        return
    for name in unknown_names:
        quoted = printable(name)
        message = f"Unknown parameter: '{quoted}'.{_suggestion(name, [other for other in listed_names if other not in ask.body])}"
        yield Finding("unknown_parameter", message, quoted, "unknown_parameter")


def _suggestion(name: str, others: Iterable[str]) -> str:
    """The similar names, nearest first, as the API suggests them."""
    distances = {other: _distance(name, other) for other in others if abs(len(other) - len(name)) <= _MAX_DISTANCE}
    near = sorted((count, other) for other, count in distances.items() if count <= _MAX_DISTANCE)
    quoted = [f"'{other}'" for _, other in near]
    if not quoted:
        return ""
    listed = " or ".join(quoted) if len(quoted) < 3 else f"{', '.join(quoted[:-1])}, or {quoted[-1]}"
    return f" Did you mean {listed}?"


def _distance(one: str, two: str) -> int:
    """The edit distance between two names."""
    row = list(range(len(two) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, other in enumerate(two, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
    return row[-1]


def nested(paths: Iterable[str]) -> Iterator[Finding]:
    """The errors for unknown members inside other members, by their paths."""
    for path in paths:
        yield Finding("unknown_parameter", f"Unknown parameter: '{path}'.", path, "unknown_parameter")


# What a model refuses

_PENALTIES = ("presence_penalty", "frequency_penalty")
_NEVER = ("stop", "logit_bias", "prediction")
_NO_LOGPROBS = "logprobs are not supported with reasoning models."


def _unsupported(check: str, name: str, code: str | None = "unsupported_parameter", more: str = "") -> Finding:
    return Finding(check, f"Unsupported parameter: '{name}' is not supported with this model.{more}", name, code)


def _is_other(value: Any, usual: float) -> bool:
    return value is not None and value != usual


def _effort(body: Mapping[str, Any], model: Model) -> str:
    """The effort with which a model reasons about a request; "" when it does not reason or when that is not known."""
    if not model.reasons:
        return ""
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort") or model.effort
    return "" if effort == "none" else str(effort)


def _chat_model(ask: Ask, model: Model) -> Iterator[Finding]:
    """What a chat model refuses: parameters first, then values, in the API's order."""
    body = ask.body
    if model.reasons:
        if body.get("max_tokens") is not None:
            yield _unsupported("reasoning_max_tokens", "max_tokens", more=" Use 'max_completion_tokens' instead.")
        if model.no_stop:
            yield from (_unsupported("reasoning_stop", name) for name in _NEVER if body.get(name))
        if model.no_parallel and body.get("parallel_tool_calls") is not None:
            yield _unsupported("reasoning_parallel", "parallel_tool_calls")
        if _effort(body, model):
            yield from _while_reasoning(ask, model)
    elif model.reasons is False and body.get("reasoning_effort") is not None:
        yield Finding("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort")


def _while_reasoning(ask: Ask, model: Model) -> Iterator[Finding]:
    """What is refused only while a model reasons."""
    body = ask.body
    temperature = body.get("temperature")
    if _is_other(temperature, 1):
        message = f"Unsupported value: 'temperature' does not support {temperature} with this model."
        one = Finding(
            "reasoning_temperature", f"{message} Only the default (1) value is supported.", "temperature", "unsupported_value"
        )
        yield _unsupported("reasoning_temperature", "temperature") if model.no_temperature else one
    if _is_other(body.get("top_p"), 1):
        yield _unsupported("reasoning_sampling", "top_p")
    yield from (_unsupported("reasoning_sampling", name) for name in _PENALTIES if _is_other(body.get(name), 0))
    if body.get("logprobs"):
        yield _unsupported("reasoning_sampling", "logprobs")
    if model.no_tools and any(tool.get("type") == "function" for tool in body.get("tools") or ()):
        message = f"Function tools with reasoning_effort are not supported for {printable(ask.model)} in /v1/chat/completions."
        yield Finding("reasoning_tools", f"{message} {model.no_tools}", "reasoning_effort")


def _responses_model(ask: Ask, model: Model) -> Iterator[Finding]:
    """What a model refuses of a Responses request."""
    body = ask.body
    include = body.get("include") or ()
    if model.reasons is False:
        if (body.get("reasoning") or {}).get("effort") is not None:
            yield _unsupported("reasoning_effort", "reasoning.effort")
        if "reasoning.encrypted_content" in include:
            yield Finding("reasoning_encrypted", "Encrypted content is not supported with this model.", "include")
    elif _effort(body, model):
        if _is_other(body.get("temperature"), 1):
            yield _unsupported("reasoning_sampling", "temperature", None)
        if body.get("top_p") is not None:
            yield _unsupported("reasoning_sampling", "top_p", None)
        yield from (_unsupported("reasoning_sampling", name, None) for name in _PENALTIES if _is_other(body.get(name), 0))
        if "message.output_text.logprobs" in include:
            yield Finding("reasoning_logprobs", _NO_LOGPROBS, "include", "unsupported_parameter")
        if body.get("top_logprobs"):
            yield Finding("reasoning_logprobs", _NO_LOGPROBS, "top_logprobs", "unsupported_parameter")


# Parameters that exclude each other


def _combinations(ask: Ask, model: Model) -> Iterator[Finding]:
    body = ask.body
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        yield Finding("two_token_limits", message, "max_tokens", "invalid_parameter_combination")
    if body.get("stream_options") is not None and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        yield Finding("stream_options_without_stream", message, "stream_options")


_REASONING = {"model": "gpt-5"}
_HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def _sampling(name: str, refused: Any, usual: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return {**_REASONING, name: refused}, {**_REASONING, name: usual}


_CHAT_KEYS = (
    "max_tokens", *_NEVER, "parallel_tool_calls", "temperature", "top_p", *_PENALTIES, "logprobs", "tools", "reasoning_effort",
)  # fmt: skip
_RESPONSES_KEYS = ("temperature", "top_p", *_PENALTIES, "top_logprobs", "include", "reasoning")
_TOOL = {"type": "function", "function": {"name": "now"}}


def _chat(name: str, doc: str, refused: Mapping[str, Any], accepted: Mapping[str, Any]) -> Check:
    return Check(name, doc, ("chat",), refused, accepted, _chat_model, _CHAT_KEYS)


def _responses(name: str, doc: str, refused: Mapping[str, Any], accepted: Mapping[str, Any]) -> Check:
    return Check(name, doc, ("responses",), refused, accepted, _responses_model, _RESPONSES_KEYS)


#: The Linter itself reports these, by the shapes of the endpoint.
UNKNOWN = (
    Check("unknown_parameter", "A parameter that the endpoint does not know, as older models report it.", ("chat",),
          {"temprature": 1}, {"temperature": 1}),
    Check("unknown_parameter", "The same, as newer models report it.", ("chat",),
          {**_REASONING, "stor": True}, {**_REASONING, "store": True}),
    Check("unknown_parameter", "The same, for every model.", ("completions", "embeddings", "moderations"), {"foo": 1}, {}),
    Check("unknown_parameter", "A parameter of another endpoint.", ("responses",), {"n": 2}, {}),
    Check("unknown_parameter", "An unknown member of a parameter.", ("responses",),
          {"stream": True, "stream_options": {"include_usage": True}},
          {"stream": True, "stream_options": {"include_obfuscation": False}}),
)  # fmt: skip
PARAMETERS = (
    _chat("reasoning_max_tokens", "Reasoning models take ``max_completion_tokens``.",
          {**_REASONING, "max_tokens": 100}, {**_REASONING, "max_completion_tokens": 100}),
    _chat("reasoning_stop", "Most reasoning models refuse ``stop``, ``logit_bias`` and ``prediction``.",
          {**_REASONING, "stop": ["END"]}, {"stop": ["END"]}),
    _chat("reasoning_parallel", "o1 and o3-mini refuse ``parallel_tool_calls``.",
          {"model": "o3-mini", "tools": [_TOOL], "parallel_tool_calls": False}, {"model": "o3-mini", "tools": [_TOOL]}),
    _chat("reasoning_effort", "Models that do not reason take no effort.",
          {"reasoning_effort": "low"}, {**_REASONING, "reasoning_effort": "low"}),
    _chat("reasoning_temperature", "A model that reasons has a fixed temperature.", *_sampling("temperature", 0.5, 1)),
    _chat("reasoning_sampling", "A model that reasons refuses ``top_p``, penalties and ``logprobs``.",
          *_sampling("top_p", 0.5, 1)),
    _chat("reasoning_tools", "The newest models take functions in chat only when they do not reason.",
          {"model": "gpt-5.6-sol", "tools": [_TOOL]},
          {"model": "gpt-5.6-sol", "tools": [_TOOL], "reasoning_effort": "none"}),
    _responses("reasoning_effort", "Models that do not reason take no effort.",
               {"reasoning": {"effort": "low"}}, {**_REASONING, "reasoning": {"effort": "low"}}),
    _responses("reasoning_encrypted", "Encrypted reasoning of a model that does not reason.",
               {"include": ["reasoning.encrypted_content"]}, {**_REASONING, "include": ["reasoning.encrypted_content"]}),
    _responses("reasoning_sampling", "A model that reasons refuses ``temperature``, ``top_p`` and penalties.",
               *_sampling("temperature", 0.5, 1)),
    _responses("reasoning_logprobs", "A model that reasons has no log probabilities.",
               {**_REASONING, "top_logprobs": 2}, {"top_logprobs": 2}),
    Check("two_token_limits", "Two names of the same limit.", ("chat",),
          {"max_tokens": 5, "max_completion_tokens": 5}, {"max_completion_tokens": 5}, _combinations, ("max_tokens",)),
    Check("stream_options_without_stream", "``stream_options`` without ``stream``.",
          ("chat", "responses", "completions"),
          {"stream_options": {"include_obfuscation": False}},
          {"stream": True, "stream_options": {"include_obfuscation": False}}, _combinations, ("stream_options",)),
)  # fmt: skip
