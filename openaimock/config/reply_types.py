"""The parts of rules as TypedDicts: matchers, conditions, replies, their timing and their failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from ..types.ask import Ask

MatcherName = Literal["exact", "fuzzy", "regex", "contains", "any"]
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
FaultKind = Literal[
    "disconnect", "reset", "empty", "stall", "truncate", "garble", "duplicate", "no_done", "error_event", "split_utf8",
    "slow_headers",
]  # fmt: skip
#: The errors that the API has wording for.
ErrorCode = Literal[
    "bad_request",
    "invalid_json",
    "context_length_exceeded",
    "invalid_type",
    "invalid_value",
    "missing_required_parameter",
    "unknown_parameter",
    "unsupported_parameter",
    "unsupported_value",
    "string_above_max_length",
    "array_above_max_length",
    "previous_response_not_found",
    "invalid_prompt",
    "content_policy_violation",
    "moderation_blocked",
    "content_filter",
    "invalid_image",
    "image_parse_error",
    "invalid_image_format",
    "invalid_image_url",
    "billing_hard_limit_reached",
    "missing_api_key",
    "invalid_api_key",
    "account_deactivated",
    "invalid_organization",
    "unsupported_country_region_territory",
    "insufficient_permissions",
    "model_not_found",
    "model_deprecated",
    "unknown_url",
    "method_not_allowed",
    "timeout",
    "conflict",
    "conversation_locked",
    "content_too_large",
    "unsupported_content_type",
    "unprocessable",
    "rate_limit_exceeded",
    "tokens",
    "insufficient_quota",
    "billing_not_active",
    "server_error",
    "bad_gateway",
    "server_is_overloaded",
    "slow_down",
    "gateway_timeout",
]


class MatcherConfig(TypedDict, total=False):
    """One of the five matchers, and its options."""

    exact: str
    contains: str
    regex: str
    fuzzy: str
    any: bool
    threshold: float
    case_sensitive: bool
    invert: bool
    unsafe: bool


Match = str | MatcherConfig
#: Written as a call, because ``not`` is a keyword of Python.
When = TypedDict(
    "When",
    {
        "user": Match,
        "system": Match,
        "assistant": Match,
        "tool": Match,
        "message": Match,
        "text": Match,
        "model": Match,
        "endpoint": str | Sequence[str],
        "stream": bool,
        "tools": str | Sequence[str],
        "tool_choice": Match,
        "response_format": Match,
        "turn": int,
        "step": int,
        "attempt": int,
        "has_tool_result": bool,
        "tool_call_id": Match,
        "header": Mapping[str, Match],
        "body": Mapping[str, Any],
        "path": Match,
        "namespace": Match,
        "state": Mapping[str, str],
        "all": Sequence["When"],
        "any": Sequence["When"],
        "not": "When",
    },
    total=False,
)


class Latency(TypedDict, total=False):
    """Milliseconds to wait, or tokens a second, drawn from one of these distributions."""

    uniform: Sequence[float]
    normal: Sequence[float]
    lognormal: Sequence[float]


class PaceConfig(TypedDict, total=False):
    """The timing of a stream."""

    ttft: float | Latency
    tps: float | Latency
    jitter: float
    chunk: Literal["token", "word", "char"] | int
    chunks: Sequence[str]
    gaps: Sequence[float]


class ErrorDetails(TypedDict, total=False):
    """The parts of an error beside its status; missing parts are filled with the API's own values."""

    type: str | None
    code: str | int | None
    message: str | None
    param: str | None
    retry_after: float | None


class Error(ErrorDetails, total=False):
    """An error. Further keys, which a TypedDict cannot declare, are sent as they are."""

    status: int


class FaultConfig(TypedDict, total=False):
    """A failure of the transport."""

    kind: FaultKind
    after: int
    error: int | ErrorCode | Error


class FailConfig(TypedDict, total=False):
    """The failure of the first attempts."""

    times: int
    error: int | ErrorCode | Error


class HoldConfig(TypedDict, total=False):
    """The place where a reply waits until it is released."""

    name: str
    after: int


class ToolCallConfig(TypedDict, total=False):
    """A tool call, in the API's form or the short one."""

    name: str
    arguments: str | Mapping[str, Any]
    input: str
    id: str | None
    type: Literal["function", "custom"]
    function: Mapping[str, Any]
    custom: Mapping[str, Any]
    index: int


class BlockConfig(TypedDict, total=False):
    """One part of a reply where the order matters."""

    text: str
    tool_call: ToolCallConfig
    reasoning: str
    refusal: str
    item: Mapping[str, Any]


class ModerationConfig(TypedDict, total=False):
    """The result of a moderation; categories that are left out are not flagged."""

    flagged: bool
    categories: Mapping[str, bool]
    category_scores: Mapping[str, float]


class Timing(TypedDict, total=False):
    """The time and the failures of a reply."""

    latency: float | Latency
    pace: PaceConfig
    fault: FaultKind | FaultConfig
    fail: FailConfig
    hold: str | HoldConfig


class MockImage(TypedDict, total=False):
    """A picture: a file, its bytes in base64, or an address."""

    file: str
    b64: str
    url: str
    revised_prompt: str


class MockSpeech(TypedDict, total=False):
    """The audio of speech: a file, or its bytes in base64."""

    file: str
    b64: str
    format: str


class MockReply(Timing, total=False):
    """The reply to send."""

    content: Any
    tool_calls: Sequence[ToolCallConfig] | None
    refusal: str | None
    reasoning: str | None
    annotations: Sequence[Mapping[str, Any]] | None
    audio: Mapping[str, Any] | None
    logprobs: Any
    blocks: Sequence[BlockConfig]
    finish_reason: str | None
    usage: Mapping[str, Any] | None
    id: str | None
    created: int | None
    model: str | None
    system_fingerprint: str | None
    service_tier: str | None
    auto: bool
    proxy: bool
    error: int | ErrorCode | Error
    status: int
    headers: Mapping[str, str]
    body: Any
    extra: Mapping[str, Any]
    template: bool
    embedding: Sequence[float]
    image: MockImage | Sequence[MockImage]
    speech: MockSpeech
    moderation: ModerationConfig
    set_state: Mapping[str, str]


Reply = str | MockReply | Callable[[Ask], Any]
