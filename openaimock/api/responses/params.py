"""Responses parameters: all parameters of the Responses API, in the order in which the API checks them.

(API reference: Responses; SDK types ResponseCreateParams, InputTokenCountParams and ResponseCompactParams.)
"""

from __future__ import annotations

from typing import Any

from ...errors import APIError
from ...params.common import METADATA
from ...params.errors import missing
from ...params.shapes import Anything
from ...params.table import Also, Array, Boolean, Either, Integer, Map, Number, Object, OneOf, String, Union, plain, table
from ..chat.params import MODERATION, REASONING_EFFORT, SCHEMA, SERVICE_TIER, VERBOSITY
from ..lists import PAGE
from .item_params import INPUT_ITEM, TOOLS

_LONG = String(max_length=10485760)
INPUT = Either(_LONG, Array(INPUT_ITEM, repeats=True), called="one of a string or array of input items")
INCLUDE = Array(
    OneOf(
        [
            "file_search_call.results",
            "web_search_call.results",
            "web_search_call.action.sources",
            "message.input_image.image_url",
            "computer_call_output.output.image_url",
            "code_interpreter_call.outputs",
            "reasoning.encrypted_content",
            "message.output_text.logprobs",
        ]
    )
)
_CONVERSATION = Either(String(), Object({"id": String()}, required=["id"]))
_PROMPT = Object({"id": String(), "version": String(), "variables": Map(Anything())}, required=["id"])
_BY_NAME = Object({"name": String()}, required=["name"])
_ANY = Object({}, open=True)
_CHOICE = Either(
    OneOf(["none", "auto", "required"]),
    Union(
        "type",
        {
            "function": _BY_NAME,
            "custom": _BY_NAME,
            "allowed_tools": Object({"mode": OneOf(["auto", "required"]), "tools": Array(SCHEMA)}, required=["mode", "tools"]),
            "mcp": Object({"server_label": String(), "name": String()}, required=["server_label"]),
            **dict.fromkeys(
                [
                    "apply_patch", "code_interpreter", "computer", "computer_use", "computer_use_preview", "file_search",
                    "image_generation", "local_shell", "programmatic_tool_calling", "shell", "web_search",
                    "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
                ],
                _ANY,
            ),
        },
    ),
    called="one of an object or 'none', 'auto', or 'required'",
)  # fmt: skip
_FORMAT_NAME = String(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")
#: A format without a type means text: some clients send an empty one.
_FORMAT = Union(
    "type",
    {
        "json_object": Object({}),
        "text": Object({}),
        "json_schema": Object(
            {"name": _FORMAT_NAME, "schema": SCHEMA, "description": String(), "strict": Boolean()}, required=["name", "schema"]
        ),
    },
    default="text",
)
TEXT = Object({"format": _FORMAT, "verbosity": VERBOSITY})
_SUMMARY = OneOf(["concise", "detailed", "auto"])
REASONING = Object(
    {
        "effort": REASONING_EFFORT,
        "summary": _SUMMARY,
        "generate_summary": _SUMMARY,
        "mode": String(),
        "context": OneOf(["auto", "current_turn", "all_turns"]),
    }
)
_CACHE = Object(
    {
        "mode": OneOf(["implicit", "explicit"]),
        "ttl": OneOf(["30m", "12h"]),
        "comparison_response_id": String(),
        "prewarm": Boolean(),
    }
)
_RETENTION = OneOf(["in_memory", "24h"])
_COMPACTION = Object({"type": OneOf(["compaction"]), "compact_threshold": Integer(min=1000)}, required=["type"])
_IMAGE = Object({"context_compression": OneOf(["auto", "enabled", "disabled"])})
_TRUNCATION = OneOf(["auto", "disabled"])
_PENALTY = Number(min=-2, max=2)


def _check_name(model: str) -> None:
    if not model:
        raise plain("The requested model '' does not exist.", code="model_not_found")


_MODEL = Also(String(), _check_name)

RESPONSES = table(
    {
        "model": _MODEL,
        "input": INPUT,
        "previous_response_id": String(),
        "conversation": _CONVERSATION,
        "prompt": _PROMPT,
        "moderation": MODERATION,
        "include": INCLUDE,
        "tools": TOOLS,
        "tool_choice": _CHOICE,
        "metadata": METADATA,
        "text": TEXT,
        "temperature": Number(min=0, max=2),
        "top_p": Number(min=0, max=1),
        "presence_penalty": _PENALTY,
        "frequency_penalty": _PENALTY,
        "parallel_tool_calls": Boolean(),
        "stream": Boolean(),
        "stream_options": Object({"include_obfuscation": Boolean()}),
        "background": Boolean(),
        "background_options": _ANY,
        "max_output_tokens": Integer(min=16),
        "max_tool_calls": Integer(min=1),
        "reasoning": REASONING,
        "user": String(),
        "safety_identifier": String(max_length=128),
        "prompt_cache_options": _CACHE,
        "prompt_cache_key": String(),
        "prompt_cache_retention": _RETENTION,
        "truncation": _TRUNCATION,
        "instructions": String(),
        "store": Boolean(),
        "service_tier": SERVICE_TIER,
        "top_logprobs": Integer(min=0, max=20),
        "context_management": Array(_COMPACTION, min=1),
        "access_programs": _ANY,
        "image": _IMAGE,
    }
)
INPUT_TOKENS = table(
    {
        "model": String(),
        "input": INPUT,
        "previous_response_id": String(),
        "conversation": _CONVERSATION,
        "tools": TOOLS,
        "tool_choice": _CHOICE,
        "text": TEXT,
        "parallel_tool_calls": Boolean(),
        "reasoning": REASONING,
        "truncation": _TRUNCATION,
        "instructions": String(),
        "personality": String(),
    }
)
COMPACT = table(
    {
        "model": _MODEL,
        "input": INPUT,
        "previous_response_id": String(),
        "instructions": String(),
        "prompt_cache_key": String(),
        "prompt_cache_options": _CACHE,
        "prompt_cache_retention": _RETENTION,
        "service_tier": SERVICE_TIER,
        "image": _IMAGE,
    },
    required=["model"],
    absent={"model": lambda: missing("model")},
)
#: Query parameters of lists and retrievals.
LISTING = table({**PAGE, "include": INCLUDE})
RETRIEVING = table({"stream": Boolean(), "starting_after": Integer(), "include_obfuscation": Boolean(), "include": INCLUDE})
CONVERSATION = table({"items": Array(INPUT_ITEM, max=20), "metadata": METADATA})
CONVERSATION_ITEMS = table({"items": Array(INPUT_ITEM, max=20)}, required=["items"], absent={"items": lambda: missing("items")})
CONVERSATION_UPDATE = table({"metadata": METADATA})

_EMPTY = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided."
_USE_INPUT = (
    "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. Try again with the new "
    "parameter. See the API documentation for more information: "
    "https://platform.openai.com/docs/api-reference/responses/create."
)


def check_create(body: dict[str, Any]) -> None:
    """Raise the API's error for a request to create a response; stored objects are not checked here."""
    if body.get("prompt") is None:
        _required(body, "model")
        if body.get("conversation") is None and "messages" not in body:
            _required(body, "input")
    if "messages" in body:
        raise APIError(400, _USE_INPUT, code="unsupported_parameter")
    RESPONSES.check(body)
    if body.get("previous_response_id") and body.get("conversation"):
        message = "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'pre..._id' or 'conversation'."
        raise APIError(400, message, code="mutually_exclusive_parameters")


def check_not_empty(body: dict[str, Any]) -> None:
    """Raise the API's error for an empty input without a conversation before it."""
    if not body.get("input") and not any(body.get(name) for name in ("previous_response_id", "prompt", "conversation")):
        raise APIError(400, _EMPTY, code="missing_required_parameter")


def check_update(body: dict[str, Any]) -> None:
    """Raise the API's error for an update of a conversation; null removes the metadata."""
    if "metadata" not in body:
        raise missing("metadata").error()
    CONVERSATION_UPDATE.check(body)


def _required(body: dict[str, Any], name: str) -> None:
    if body.get(name) is None:
        raise missing(name).error()
