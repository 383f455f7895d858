"""Chat parameters: everything POST /chat/completions accepts, in the order in which the API checks it.

(API reference: Create chat completion; SDK type CompletionCreateParams.) Other tables use the named parts.
"""

from __future__ import annotations

from typing import Any

from ...http.catalog import printable
from ...params.common import METADATA
from ...params.table import (
    Also,
    Anything,
    Array,
    Boolean,
    Either,
    Integer,
    Map,
    Number,
    Object,
    OneOf,
    ParamError,
    String,
    Union,
    plain,
    table,
)

#: Names of functions, tools and schemas.
NAME = String(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")
#: Names of participants.
PARTICIPANT = String(max_length=64, pattern=r"^[^\s<|\\/>]+$")
#: JSON Schema; lint checks its contents.
SCHEMA = Object({}, open=True)
CALL_ID = String(max_length=40)
KEY = String(max_length=64)

_BREAKPOINT = Object({"mode": OneOf(["explicit"]), "ttl": OneOf(["30m", "12h"])}, required=["mode"])
PROMPT_CACHE_OPTIONS = Object({"mode": OneOf(["implicit", "explicit"]), "ttl": OneOf(["30m", "12h"])})
_POLICY = Object({"mode": OneOf(["score", "block"])}, required=["mode"])
MODERATION = Object({"model": String(), "policy": Object({"input": _POLICY, "output": _POLICY})}, required=["model"])
SERVICE_TIER = OneOf(["auto", "default", "fast", "flex", "priority"], also=["scale"])
VERBOSITY = OneOf(["low", "medium", "high"])
REASONING_EFFORT = OneOf(["none", "minimal", "low", "medium", "high", "xhigh", "max"])

TEXT_PART = Object({"text": String(), "prompt_cache_breakpoint": _BREAKPOINT}, required=["text"])
_IMAGE_URL = Object({"url": String(), "detail": OneOf(["auto", "low", "high", "original"])}, required=["url"])
_AUDIO_DATA = Object({"data": String(), "format": OneOf(["wav", "mp3"])}, required=["data", "format"])
_FILE = Object({"file_data": String(), "file_id": String(), "filename": String()})
#: The API lists the same parts for every role, and checks the role later.
PART = Union(
    "type",
    {
        "text": TEXT_PART,
        "image_url": Object({"image_url": _IMAGE_URL, "prompt_cache_breakpoint": _BREAKPOINT}, required=["image_url"]),
        "input_audio": Object({"input_audio": _AUDIO_DATA, "prompt_cache_breakpoint": _BREAKPOINT}, required=["input_audio"]),
        "refusal": Object({"refusal": String()}, required=["refusal"]),
        "audio": Object({"audio": Anything()}, open=True),
        "file": Object({"file": _FILE, "prompt_cache_breakpoint": _BREAKPOINT}, required=["file"]),
    },
)
CONTENT = Either(String(), Array(PART))

_FUNCTION_CALL = Object({"name": NAME, "arguments": String()}, required=["name", "arguments"])
_CUSTOM_CALL = Object({"name": NAME, "input": String()}, required=["name", "input"])
TOOL_CALL = Union(
    "type",
    {
        "function": Object({"id": CALL_ID, "function": _FUNCTION_CALL}, required=["id", "function"]),
        "custom": Object({"id": CALL_ID, "custom": _CUSTOM_CALL}, required=["id", "custom"]),
    },
)
_ASSISTANT = Object(
    {
        "content": CONTENT,
        "refusal": String(),
        "name": PARTICIPANT,
        "audio": Object({"id": String()}, required=["id"]),
        "tool_calls": Array(TOOL_CALL, min=1, max=128),
        "function_call": _FUNCTION_CALL,
    }
)
#: The API checks ``content`` last, with a message of its own: ``_conversation``.
MESSAGE = Union(
    "role",
    {
        "system": Object({"content": CONTENT, "name": PARTICIPANT}),
        "assistant": _ASSISTANT,
        "user": Object({"content": CONTENT, "name": PARTICIPANT}),
        "function": Object({"content": String(), "name": String()}, required=["name"]),
        "tool": Object({"content": CONTENT, "tool_call_id": CALL_ID, "name": String()}, required=["tool_call_id"]),
        "developer": Object({"content": CONTENT, "name": PARTICIPANT}, required=["content"]),
    },
)

#: From an error message of the API; the limit was 1,024 before.
_DESCRIPTION = String(max_length=1048576)
FUNCTION = Object({"name": NAME, "description": _DESCRIPTION, "parameters": SCHEMA, "strict": Boolean()}, required=["name"])
_GRAMMAR = Object({"definition": String(), "syntax": OneOf(["lark", "regex"])}, required=["definition", "syntax"])
_FORMAT = Union("type", {"text": Object({}), "grammar": Object({"grammar": _GRAMMAR}, required=["grammar"])})
_CUSTOM = Object({"name": NAME, "description": _DESCRIPTION, "format": _FORMAT}, required=["name"])
TOOL = Union(
    "type",
    {
        "function": Object({"function": FUNCTION}, required=["function"]),
        "custom": Object({"custom": _CUSTOM}, required=["custom"]),
    },
)
_NAMED = Object({"name": NAME}, required=["name"])
_ALLOWED = Object({"mode": OneOf(["auto", "required"]), "tools": Array(SCHEMA)}, required=["mode", "tools"])
_NAMED_FUNCTION = Object({"function": _NAMED}, required=["function"])
TOOL_CHOICE = Either(
    OneOf(["none", "auto", "required"]),
    Union(
        "type",
        {
            "function": _NAMED_FUNCTION,
            "custom": Object({"custom": _NAMED}, required=["custom"]),
            "allowed_tools": Object({"allowed_tools": _ALLOWED}, required=["allowed_tools"]),
        },
        other=_NAMED_FUNCTION,
    ),
)
_JSON_SCHEMA = Object({"name": NAME, "description": String(), "schema": SCHEMA, "strict": Boolean()}, required=["name"])
RESPONSE_FORMAT = Union(
    "type",
    {
        "json_object": Object({}),
        "json_schema": Object({"json_schema": _JSON_SCHEMA}, required=["json_schema"]),
        "text": Object({}),
    },
)
STOP = Either(String(), Array(String(), max=4))
_PLACE = Object({"city": String(), "country": String(), "region": String(), "timezone": String()})
_LOCATION = Object({"type": OneOf(["approximate"]), "approximate": _PLACE}, required=["type", "approximate"])
_VOICE = Either(String(), Object({"id": String()}, required=["id"]))
_SOUND = OneOf(["wav", "aac", "mp3", "flac", "opus", "pcm16"])
_PREDICTION = Object({"type": OneOf(["content"]), "content": Either(String(), Array(PART))}, required=["type", "content"])


def no_model() -> ParamError:
    """The error for an absent or empty model, which names no parameter."""
    return plain("you must provide a model parameter", param=lambda names: None)


def _check_model(model: str) -> None:
    if not model.strip():
        raise no_model()


#: A model's name. Tables with it have ``absent={"model": no_model}``.
MODEL = Also(String(), _check_model)


def _retention(retention: str) -> None:
    if retention not in ("in_memory", "24h"):
        raise plain("Invalid prompt_cache_retention argument")


def _check_top_logprobs(top_logprobs: int) -> None:
    if top_logprobs > 20:
        raise plain("Invalid value for 'top_logprobs': must be less than or equal to 20.")


def _token_ids(logit_bias: dict[str, Any]) -> None:
    for key in logit_bias:
        if not (key.isascii() and key.isdigit()):
            raise plain(f"Invalid key in 'logit_bias': {printable(key)}. You should only be submitting non-negative integers.")


LOGIT_BIAS = Also(Map(Integer(min=-100, max=100)), _token_ids)


def _logprobs(body: dict[str, Any]) -> None:
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        raise plain("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs")


def _sound(body: dict[str, Any]) -> None:
    """A stream of audio has one format."""
    if body.get("modalities") and body.get("stream") and "audio" in body["modalities"]:
        format = (body.get("audio") or {}).get("format", "pcm16")
        if format != "pcm16":
            problem = f"'audio.format' does not support '{format}' when stream=true. Supported values are: 'pcm16'."
            raise plain(f"Unsupported value: {problem}", "audio", "format", code="unsupported_value")


def _conversation(body: dict[str, Any]) -> None:
    """The content that a message needs, and the images that its role must not have."""
    for at, message in enumerate(body["messages"]):
        content = message.get("content")
        if content is None:
            if not _may_lack_content(message):
                message_text = "Invalid value for 'content': expected a string, got null."
                # With the dot: the API builds this one path in another way.
                raise plain(message_text, param=lambda names, at=at: f"messages.[{at}].content")  # type: ignore[misc]
        elif content.__class__ is list and message["role"] != "user" and any(part["type"] == "image_url" for part in content):
            message_text = f"this message with role '{message['role']}' contains an image URL."
            raise plain(
                f"Invalid 'messages[{at}]'. Image URLs are only allowed for messages with role 'user', but {message_text}",
                "messages",
                at,
                code="invalid_value",
            )


def _may_lack_content(message: dict[str, Any]) -> bool:
    """Whether a message needs no content: an assistant's with another member in its place, or a function's with null."""
    if message["role"] == "assistant":
        return any(message.get(name) is not None for name in ("tool_calls", "function_call", "refusal", "audio"))
    return message["role"] == "function" and "content" in message


CHAT = table(
    {
        "model": MODEL,
        "messages": Array(MESSAGE, min=1, repeats=True),
        "functions": Array(FUNCTION, min=1, max=128, called="an array of function definitions"),
        "function_call": Either(OneOf(["none", "auto"]), _NAMED),
        "tools": Array(TOOL, min=1, max=128, repeats=True),
        "tool_choice": TOOL_CHOICE,
        "parallel_tool_calls": Boolean(),
        "max_completion_tokens": Integer(min=1),
        "n": Integer(min=1, max=128),
        "temperature": Number(min=0, max=2),
        "top_p": Number(min=0, max=1),
        "presence_penalty": Number(min=-2, max=2),
        "frequency_penalty": Number(min=-2, max=2),
        "logprobs": Boolean(),
        "top_logprobs": Also(Integer(min=0), _check_top_logprobs),
        "user": KEY,
        "seed": Integer(min=-(2**63), max=2**63 - 1),
        "moderation": MODERATION,
        "safety_identifier": String(max_length=128),
        "prompt_cache_options": PROMPT_CACHE_OPTIONS,
        "prompt_cache_key": KEY,
        "prompt_cache_retention": Also(String(called="one of 'in_memory' or '24h'"), _retention),
        "response_format": RESPONSE_FORMAT,
        "service_tier": SERVICE_TIER,
        "max_tokens": Integer(min=1),
        "reasoning_effort": REASONING_EFFORT,
        "logit_bias": LOGIT_BIAS,
        "stop": STOP,
        "stream": Boolean(),
        "stream_options": Object({"include_usage": Boolean(), "include_obfuscation": Boolean()}),
        "store": Boolean(),
        "metadata": METADATA,
        "prediction": _PREDICTION,
        "verbosity": VERBOSITY,
        "modalities": Array(OneOf(["text", "audio"])),
        "audio": Object({"voice": _VOICE, "format": _SOUND}, required=["voice", "format"]),
        "web_search_options": Object({"search_context_size": OneOf(["low", "medium", "high"]), "user_location": _LOCATION}),
    },
    required=["model", "messages"],
    absent={"model": no_model},
    rules=[_logprobs, _sound, _conversation],
)
