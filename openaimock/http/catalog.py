"""Wording: the API's own errors, by status and by code, in the API's own words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from ..errors import APIError


class Known(NamedTuple):
    """One error of the API. ``message`` may hold ``{facts}``; ``facts`` has those that nobody needs to give.

    ``coded`` is false where the API sends ``code: null``: the name in the table is then only ours.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    coded: bool = True
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

#: What each code means when a rule says no more than the code.
CODES: dict[str, Known] = {
    # 400: what was asked.
    "bad_request": Known(
        400, "Your request was malformed or missing some required parameters, such as a token or an input.", coded=False
    ),
    "invalid_json": Known(400, _NOT_JSON, coded=False),
    "context_length_exceeded": Known(
        400,
        "This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens. "
        "Please reduce the length of the messages.",
        param="messages",
        facts={"limit": 128000, "used": 128001},
    ),
    "invalid_type": Known(400, "Invalid type for '{param}': expected {expected}, but got {got} instead.", param="messages"),
    "invalid_value": Known(400, "Invalid value: '{value}'.", param="messages"),
    "missing_required_parameter": Known(400, "Missing required parameter: '{param}'.", param="messages"),
    "unknown_parameter": Known(400, "Unknown parameter: '{param}'.", param="messages"),
    "unsupported_parameter": Known(400, "Unsupported parameter: '{param}' is not supported with this model.", param="max_tokens"),
    "unsupported_value": Known(
        400, "Unsupported value: '{param}' does not support {value} with this model.", param="temperature"
    ),
    "string_above_max_length": Known(
        400,
        "Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        "but got a string with length {used} instead.",
        param="messages[0].content",
        facts={"limit": 1048576, "used": 1048577},
    ),
    "array_above_max_length": Known(
        400,
        "Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        "but got an array with length {used} instead.",
        param="tools",
        facts={"limit": 128, "used": 129},
    ),
    "previous_response_not_found": Known(400, "Previous response with id '{id}' not found.", param="previous_response_id"),
    "invalid_prompt": Known(
        400,
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different "
        "prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting",
    ),
    "content_policy_violation": Known(
        400,
        "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our "
        "safety system.",
    ),
    "moderation_blocked": Known(
        400,
        "Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and "
        "include the request ID {request_id}.",
        "image_generation_user_error",
    ),
    # Azure's wording and fields: OpenAI itself says content_filter only as a finish_reason.
    "content_filter": Known(
        400,
        _FILTERED,
        param="prompt",
        more={"status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _FILTER}},
    ),
    "invalid_image": Known(400, _NO_IMAGE + "is valid."),
    "image_parse_error": Known(400, _NO_IMAGE + "is valid."),
    "invalid_image_format": Known(400, _NO_IMAGE + "has of one the following formats: ['png', 'jpeg', 'gif', 'webp']."),
    "invalid_image_url": Known(400, "Error while downloading {url}."),
    "billing_hard_limit_reached": Known(400, "Billing hard limit has been reached"),
    # 401 and 403: who asks.
    "missing_api_key": Known(401, _NO_KEY, coded=False),
    "invalid_api_key": Known(401, f"Incorrect API key provided: {{key}}. You can find your API key at {_KEYS}."),
    "account_deactivated": Known(
        401,
        "The OpenAI account associated with this API key has been deactivated. If you are the account owner and would like to "
        "request a data export, please reach out to us through our help center at help.openai.com.",
    ),
    "invalid_organization": Known(401, "No such organization: {organization}."),
    "unsupported_country_region_territory": Known(403, "Country, region, or territory not supported", "request_forbidden"),
    "insufficient_permissions": Known(403, _NO_SCOPE, coded=False),
    # 404 to 422: where and how.
    "model_not_found": Known(404, "The {model} does not exist or you do not have access to it."),
    "unknown_url": Known(
        404,
        "Unknown request URL: {method} {path}. Please check the URL for typos, or see the docs at "
        "https://platform.openai.com/docs/api-reference/.",
    ),
    "method_not_allowed": Known(
        405, "Not allowed to {method} on {path} (HINT: Perhaps you meant to use a different HTTP method?)", coded=False
    ),
    "timeout": Known(408, "Request timed out.", "server_error", coded=False),
    "conflict": Known(409, "The resource was updated by another request.", coded=False),
    "conversation_locked": Known(
        409, "Another process is currently operating on this conversation. Please retry in a few seconds."
    ),
    "content_too_large": Known(
        413,
        "Maximum content size limit ({limit}) exceeded ({used} bytes read)",
        "server_error",
        coded=False,
        facts={"limit": 26214400, "used": 26214401},
    ),
    "unsupported_content_type": Known(
        415,
        "Unsupported content type: '{content_type}'. This API method only accepts '{accepted}' requests, but you specified the "
        "header 'Content-Type: {content_type}'. Please try again with a supported content type.",
    ),
    "unprocessable": Known(422, "Unable to process the request despite the format being correct.", coded=False),
    # 429: how often and how much. Two rows share a code; the type tells them apart.
    "rate_limit_exceeded": Known(
        429, _TOO_FAST, "requests", facts={"per": "requests per min (RPM)", "limit": 500, "used": 500, "requested": 1}
    ),
    "tokens": Known(
        429, _TOO_FAST, "tokens", facts={"per": "tokens per min (TPM)", "limit": 30000, "used": 29500, "requested": 1000}
    ),
    "insufficient_quota": Known(
        429,
        "You exceeded your current quota, please check your plan and billing details. For more information on this error, read "
        "the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "insufficient_quota",
    ),
    "billing_not_active": Known(
        429, "Your account is not active, please check your billing details on our website.", "billing_not_active"
    ),
    # 500 and up: the server.
    "server_error": Known(
        500, "The server had an error while processing your request. Sorry about that!", "server_error", coded=False
    ),
    "bad_gateway": Known(502, "Bad gateway.", "cf_bad_gateway", coded=False),
    "server_is_overloaded": Known(503, "Our servers are currently overloaded. Please try again later.", _BUSY),
    "slow_down": Known(
        503,
        "A sudden increase in your request rate is impacting service reliability. Please reduce your request rate to its "
        "original level, maintain a consistent rate for at least 15 minutes, and then gradually increase it.",
        _BUSY,
    ),
    "gateway_timeout": Known(504, "Gateway timeout.", "cf_gateway_timeout", coded=False),
}

#: The row a bare status means. Statuses not listed get HTTP's phrase.
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

#: The status of an error of which only the type is said.
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

#: What the messages say of facts nobody gave.
_FACTS = {
    "accepted": "application/json", "content_type": "text/plain", "expected": "a string", "got": "an object", "method": "POST",
    "id": "resp_unknown", "organization": "org-openaimock", "path": "/v1", "request_id": "in the x-request-id header",
    "scopes": "model.request", "url": "the image", "value": "this value", "wait": "120ms",
}  # fmt: skip
_LONGEST = 200


def api_error(
    status: int | None = None,
    code: str | None = None,
    *,
    type: str | None = None,
    message: str | None = None,
    param: str | None = None,
    retry_after: float | None = None,
    **facts: Any,
) -> APIError:
    """The API's own error for what little is said of it; whatever is said overrides.

    ``facts`` fill the message: ``model``, ``key`` (masked here), ``limit``, ``used``, ``requested``, ``method``, ``path``,
    ``id``, ``organization``, ``url``... ``retry_after``, in seconds, sets the headers that SDKs obey.
    """
    name = _name(status, code, type)
    row = CODES.get(name) or _unnamed(status or 400)
    if message is None:
        message = row.message.format_map(_facts(row, {"param": param or row.param, "retry_after": retry_after, **facts}))
    if code is None and row.coded:
        code = "rate_limit_exceeded" if name == "tokens" else name
    return APIError(
        row.status if status is None else status,
        message,
        type=type or row.type,
        param=param or row.param,
        code=code,
        headers=retry(retry_after),
        more=dict(row.more),
    )


def _name(status: int | None, code: str | None, type: str | None) -> str:
    """The row of CODES that is meant: by code, else by a type that says all, else by status."""
    if type == "tokens" and code in (None, "rate_limit_exceeded"):
        return "tokens"
    if code is not None and code in CODES:
        return code
    if type is not None and type in CODES and status in (None, CODES[type].status):
        return type
    return STATUSES.get(TYPES.get(type or "", 400) if status is None else status, "")


def _unnamed(status: int) -> Known:
    """A row for a status that the API has no set words for."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else f"Status {status}"
    return Known(status, f"{phrase}.", "server_error" if status >= 500 else "invalid_request_error", coded=False)


def _facts(row: Known, override: Mapping[str, Any]) -> dict[str, str]:
    """What fills a message: the facts given, then the row's own, then the usual ones, all fit to be shown."""
    facts = {**_FACTS, **row.facts, **{name: fact for name, fact in override.items() if fact is not None}}
    facts["key"] = mask(str(facts.get("key") or ""))
    if "retry_after" in facts:
        facts["wait"] = duration(facts["retry_after"])
    model = facts.get("model")
    if row.message is _TOO_FAST:
        facts["model"] = model or row.type
    else:
        facts["model"] = f"model `{model}`" if model else "model"
    return {name: printable(str(fact)) for name, fact in facts.items()}


def not_json(detail: str = "") -> APIError:
    """What the API says of a body that is not the JSON it wants; ``detail`` is a sentence saying what is wrong with it."""
    return APIError(400, f"{_NOT_JSON} {printable(detail)}" if detail else _NOT_JSON)


def wrong_content_type(content_type: str, accepted: str = "application/json") -> APIError:
    """What the API says of a body in a type it does not read."""
    return api_error(415, content_type=content_type, accepted=accepted)


def retry(seconds: float | None) -> dict[str, str]:
    """The headers that tell SDKs when to come again: whole seconds, rounded up, and milliseconds for those who read them."""
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
    """A key as an error may show it: stars, but for a few characters that tell its owner which one it was.

    The API shows the first eight and the last four; this shows less: what all keys begin with (``sk-``, ``sk-proj-``) and, of
    long keys, the last four. Of a short one, which may be somebody's password, two characters.
    """
    key = printable(key, 400)
    opening = next((opening for opening in ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-") if key.startswith(opening)), key[:2])
    hidden = key[len(opening) :]
    if len(hidden) < 20:
        return opening + "*" * len(hidden)
    return opening + "*" * min(len(hidden) - 4, 32) + hidden[-4:]


def printable(text: str, longest: int = _LONGEST) -> str:
    """Text as a message may show it: on one line, sendable in any encoding of Unicode, and no longer than ``longest``."""
    if len(text) > longest:
        text = text[: longest - 3] + "..."
    return text if text.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
