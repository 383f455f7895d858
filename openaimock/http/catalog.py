"""The catalog of the API's errors, by status and by code, with the API's own wording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from ..errors import APIError


class Row(NamedTuple):
    """One error of the API. ``message`` may contain ``{facts}``; ``facts`` has their defaults.

    ``coded`` is false where the API sends ``code: null``; the name in the table is then only for rules. ``sends`` is the API's
    code where the name in the table is another one.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    coded: bool = True
    sends: str | None = None
    facts: Mapping[str, Any] = {}
    more: Mapping[str, Any] = {}


_KEYS = "https://platform.openai.com/account/api-keys"
_TOO_FAST = (
    "Rate limit reached for {model} in organization {organization} on {per}: Limit {limit}, Used {used}, Requested {requested}. "
    "Please try again in {wait}. Visit https://platform.openai.com/account/rate-limits to learn more."
)
_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. "
    "The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how "
    "to fix this, please contact us through our help center at help.openai.com.)"
)
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. "
    "Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API from your "
    f"browser and are prompted for a username and password. You can obtain an API key from {_KEYS}."
)
_NO_SCOPE = (
    "You have insufficient permissions for this operation. Missing scopes: {scopes}. Check that you have the correct role in "
    "your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a restricted API key, that it "
    "has the necessary scopes."
)
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt "
    "and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
_FILTER = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual")}
_FILTER["violence"] = {"filtered": True, "severity": "medium"}
_NO_IMAGE = "You uploaded an unsupported image. Please make sure your image "
_BUSY = "service_unavailable_error"

#: The error of each code when a rule gives only the code.
CODES: dict[str, Row] = {
    # 400: the request.
    "bad_request": Row(
        400, "Your request was malformed or missing some required parameters, such as a token or an input.", coded=False
    ),
    "invalid_json": Row(400, _NOT_JSON, coded=False),
    "context_length_exceeded": Row(
        400,
        "This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens. "
        "Please reduce the length of the messages.",
        param="messages",
        facts={"limit": 128000, "used": 128001},
    ),
    "invalid_type": Row(400, "Invalid type for '{param}': expected {expected}, but got {got} instead.", param="messages"),
    "invalid_value": Row(400, "Invalid value: '{value}'.", param="messages"),
    "missing_required_parameter": Row(400, "Missing required parameter: '{param}'.", param="messages"),
    "unknown_parameter": Row(400, "Unknown parameter: '{param}'.", param="messages"),
    "unsupported_parameter": Row(400, "Unsupported parameter: '{param}' is not supported with this model.", param="max_tokens"),
    "unsupported_value": Row(400, "Unsupported value: '{param}' does not support {value} with this model.", param="temperature"),
    "string_above_max_length": Row(
        400,
        "Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        "but got a string with length {used} instead.",
        param="messages[0].content",
        facts={"limit": 1048576, "used": 1048577},
    ),
    "array_above_max_length": Row(
        400,
        "Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        "but got an array with length {used} instead.",
        param="tools",
        facts={"limit": 128, "used": 129},
    ),
    "previous_response_not_found": Row(400, "Previous response with id '{id}' not found.", param="previous_response_id"),
    "invalid_prompt": Row(
        400,
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different "
        "prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting",
    ),
    "content_policy_violation": Row(
        400,
        "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our "
        "safety system.",
    ),
    "moderation_blocked": Row(
        400,
        "Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and "
        "include the request ID {request_id}.",
        "image_generation_user_error",
    ),
    # Azure's wording and members: OpenAI has content_filter only as a finish_reason.
    "content_filter": Row(
        400,
        _FILTERED,
        param="prompt",
        more={"status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _FILTER}},
    ),
    "invalid_image": Row(400, _NO_IMAGE + "is valid."),
    "image_parse_error": Row(400, _NO_IMAGE + "is valid."),
    "invalid_image_format": Row(400, _NO_IMAGE + "has of one the following formats: ['png', 'jpeg', 'gif', 'webp']."),
    "invalid_image_url": Row(400, "Error while downloading {url}."),
    "billing_hard_limit_reached": Row(400, "Billing hard limit has been reached"),
    # 401 and 403: the caller.
    "missing_api_key": Row(401, _NO_KEY, coded=False),
    "invalid_api_key": Row(401, f"Incorrect API key provided: {{key}}. You can find your API key at {_KEYS}."),
    "account_deactivated": Row(
        401,
        "The OpenAI account associated with this API key has been deactivated. If you are the account owner and would like to "
        "request a data export, please reach out to us through our help center at help.openai.com.",
    ),
    "invalid_organization": Row(401, "No such organization: {organization}."),
    "unsupported_country_region_territory": Row(403, "Country, region, or territory not supported", "request_forbidden"),
    "insufficient_permissions": Row(403, _NO_SCOPE, coded=False),
    # 404 to 422: path, method and content.
    "model_not_found": Row(404, "The {model} does not exist or you do not have access to it."),
    "model_deprecated": Row(
        404,
        "The {model} has been deprecated, learn more here: https://platform.openai.com/docs/deprecations",
        sends="model_not_found",
    ),
    "unknown_url": Row(
        404,
        "Unknown request URL: {method} {path}. Please check the URL for typos, or see the docs at "
        "https://platform.openai.com/docs/api-reference/.",
    ),
    "method_not_allowed": Row(
        405, "Not allowed to {method} on {path} (HINT: Perhaps you meant to use a different HTTP method?)", coded=False
    ),
    "timeout": Row(408, "Request timed out.", "server_error", coded=False),
    "conflict": Row(409, "The resource was updated by another request.", coded=False),
    "conversation_locked": Row(
        409, "Another process is currently operating on this conversation. Please retry in a few seconds."
    ),
    "content_too_large": Row(
        413,
        "Maximum content size limit ({limit}) exceeded ({used} bytes read)",
        "server_error",
        coded=False,
        facts={"limit": 26214400, "used": 26214401},
    ),
    "unsupported_content_type": Row(
        415,
        "Unsupported content type: '{content_type}'. This API method only accepts '{accepted}' requests, but you specified the "
        "header 'Content-Type: {content_type}'. Please try again with a supported content type.",
    ),
    "unprocessable": Row(422, "Unable to process the request despite the format being correct.", coded=False),
    # 429: limits. Two rows share a code and differ in the type.
    "rate_limit_exceeded": Row(
        429, _TOO_FAST, "requests", facts={"per": "requests per min (RPM)", "limit": 500, "used": 500, "requested": 1}
    ),
    "tokens": Row(
        429,
        _TOO_FAST,
        "tokens",
        sends="rate_limit_exceeded",
        facts={"per": "tokens per min (TPM)", "limit": 30000, "used": 29500, "requested": 1000},
    ),
    "insufficient_quota": Row(
        429,
        "You exceeded your current quota, please check your plan and billing details. For more information on this error, read "
        "the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "insufficient_quota",
    ),
    "billing_not_active": Row(
        429, "Your account is not active, please check your billing details on our website.", "billing_not_active"
    ),
    # 500 and above: the server.
    "server_error": Row(
        500, "The server had an error while processing your request. Sorry about that!", "server_error", coded=False
    ),
    "bad_gateway": Row(502, "Bad gateway.", "cf_bad_gateway", coded=False),
    "server_is_overloaded": Row(503, "Our servers are currently overloaded. Please try again later.", _BUSY),
    "slow_down": Row(
        503,
        "A sudden increase in your request rate is impacting service reliability. Please reduce your request rate to its "
        "original level, maintain a consistent rate for at least 15 minutes, and then gradually increase it.",
        _BUSY,
    ),
    "gateway_timeout": Row(504, "Gateway timeout.", "cf_gateway_timeout", coded=False),
}

#: Errors that an endpoint sends with another status, wording or param than the others.
ENDPOINT_CODES: dict[tuple[str, str], Row] = {
    ("model_not_found", "responses"): Row(400, "The requested model '{name}' does not exist.", param="model"),
    ("model_not_found", "models"): Row(404, "The model '{name}' does not exist", param="model"),
    **dict.fromkeys(
        [("model_not_found", f"images.{name}") for name in ("generations", "edits", "variations")],
        Row(400, "The model '{name}' does not exist.", "image_generation_user_error", param="model", sends="invalid_value"),
    ),
    ("context_length_exceeded", "responses"): Row(
        400, "Your input exceeds the context window of this model. Please adjust your input and try again.", param="input"
    ),
    ("context_length_exceeded", "completions"): Row(
        400,
        "This model's maximum context length is {limit} tokens, however you requested {used} tokens ({used} in your prompt; 0 "
        "for the completion). Please reduce your prompt; or completion length.",
        coded=False,
        facts={"limit": 4097, "used": 4098},
    ),
}

#: The row for a status without a code. Other statuses get HTTP's phrase.
STATUSES: dict[int, str] = {
    400: "bad_request",
    401: "missing_api_key",
    403: "unsupported_country_region_territory",
    404: "model_not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "content_too_large",
    415: "unsupported_content_type",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    500: "server_error",
    502: "bad_gateway",
    503: "server_is_overloaded",
    504: "gateway_timeout",
}

#: The status of an error with only a type.
TYPES: dict[str, int] = {
    "invalid_request_error": 400,
    "image_generation_user_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "request_forbidden": 403,
    "not_found_error": 404,
    "requests": 429,
    "tokens": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "billing_not_active": 429,
    "server_error": 500,
    "cf_bad_gateway": 502,
    "service_unavailable_error": 503,
    "cf_gateway_timeout": 504,
}

#: Defaults of the facts in messages.
_FACTS = {
    "accepted": "application/json", "content_type": "text/plain", "expected": "a string", "got": "an object", "method": "POST",
    "id": "resp_unknown", "organization": "org-openaimock", "path": "/v1", "request_id": "in the x-request-id header",
    "name": "model", "scopes": "model.request", "url": "the image", "value": "this value", "wait": "120ms",
}  # fmt: skip
_MAX_LENGTH = 200


def api_error(
    status: int | None = None,
    code: str | None = None,
    *,
    type: str | None = None,
    message: str | None = None,
    param: str | None = None,
    retry_after: float | None = None,
    endpoint: str = "",
    more: Mapping[str, Any] | None = None,
    **facts: Any,
) -> APIError:
    """The API's error for a status, code or type; each further argument replaces a part of it.

    ``endpoint`` selects the wording of an endpoint that differs from the others, when only a code is given.

    ``facts`` fill the message: ``model``, ``key`` (masked here), ``limit``, ``used``, ``requested``, ``method``, ``path``,
    ``id``, ``organization``, ``url``... ``retry_after``, in seconds, sets the headers that SDKs obey.
    """
    name = _name(status, code, type)
    row = CODES.get(name) or _unnamed(status or 400)
    own_row = ENDPOINT_CODES.get((name, endpoint))
    if own_row is not None and status in (None, own_row.status):
        row = own_row
    logged = None
    if message is None:
        facts = {"param": param or row.param, "retry_after": retry_after, **facts}
        message = row.message.format_map(_facts(row, facts))
        if facts.get("key"):
            logged = row.message.format_map(_facts(row, {**facts, "key": "*" * len(facts["key"])}))
    if code is None and row.coded:
        code = name
    if code == name:
        code = row.sends or (name if row.coded else None)
    return APIError(
        row.status if status is None else status,
        message,
        type=type or row.type,
        param=param or row.param,
        code=code,
        logged=logged,
        headers=retry(retry_after),
        more={**row.more, **(more or {})},
    )


def _name(status: int | None, code: str | None, type: str | None) -> str:
    """The key in CODES: the code, else a type that identifies the error, else that of the status."""
    if type == "tokens" and code in (None, "rate_limit_exceeded"):
        return "tokens"
    if code is not None and code in CODES:
        return code
    if type is not None and type in CODES and status in (None, CODES[type].status):
        return type
    return STATUSES.get(TYPES.get(type or "", 400) if status is None else status, "")


def _unnamed(status: int) -> Row:
    """A row for a status without one of its own."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else f"Status {status}"
    return Row(status, f"{phrase}.", "server_error" if status >= 500 else "invalid_request_error", coded=False)


def _facts(row: Row, override: Mapping[str, Any]) -> dict[str, str]:
    """What fills a message: the facts given, then the row's own, then the usual ones, all fit to be shown."""
    facts = {**_FACTS, **row.facts, **{name: fact for name, fact in override.items() if fact is not None}}
    facts["key"] = mask(str(facts.get("key") or ""))
    if "retry_after" in facts:
        facts["wait"] = duration(facts["retry_after"])
    model = facts.get("model")
    facts["name"] = model or facts["name"]
    if row.message is _TOO_FAST:
        facts["model"] = model or row.type
    else:
        facts["model"] = f"model `{model}`" if model else "model"
    return {name: printable(str(fact)) for name, fact in facts.items()}


def not_json(detail: str = "") -> APIError:
    """The error for a body that is not valid JSON; ``detail`` is a sentence that describes the problem."""
    return APIError(400, f"{_NOT_JSON} {printable(detail)}" if detail else _NOT_JSON)


def wrong_content_type(content_type: str, accepted: str = "application/json") -> APIError:
    """The error for a body of an unsupported content type."""
    return api_error(415, content_type=content_type, accepted=accepted)


def retry(seconds: float | None) -> dict[str, str]:
    """The headers that tell a client when to retry: whole seconds, rounded up, and milliseconds."""
    if seconds is None or not 0 <= seconds < math.inf:
        return {}
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(round(seconds * 1000, 3)))}


def duration(seconds: float) -> str:
    """Seconds as the API writes them: ``84ms``, ``1.146s``, ``20s``, ``6m0s``, ``1h2m3s``."""
    milliseconds = math.ceil(round(seconds * 1000, 3)) if 0 < seconds < math.inf else 0
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{hours}h{minutes}m{tail}" if hours else f"{minutes}m{tail}" if minutes else tail


def mask(key: str) -> str:
    """A key as the API's error has it: up to 12 characters in clear, else the first 8, stars, and the last 4.

    This is for the caller only: logs and the journal have stars throughout.
    """
    key = printable(key, 400)
    return key if len(key) <= 12 else key[:8] + "*" * (len(key) - 12) + key[-4:]


def printable(text: str, longest: int = _MAX_LENGTH) -> str:
    """Text for use in a message: on one line, valid in any Unicode encoding, and no longer than ``longest`` characters."""
    if len(text) > longest:
        text = text[: longest - 3] + "..."
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
