import json
import math

import pytest

from openaimock.errors import APIError
from openaimock.http import catalog
from openaimock.http.catalog import (
    CODES,
    STATUSES,
    TYPES,
    api_error,
    duration,
    mask,
    not_json,
    printable,
    retry,
    wrong_content_type,
)


def said(error: APIError) -> tuple[int, str, str, str | None, str | None]:
    return error.status, error.message, error.type, error.param, error.code


@pytest.mark.parametrize(
    ("facts", "status", "begins", "type", "param", "code"),
    [
        ({"status": 400}, 400, "Your request was malformed", "invalid_request_error", None, None),
        ({"status": 401}, 401, "You didn't provide an API key. You need", "invalid_request_error", None, None),
        ({"status": 403}, 403, "Country, region, or", "request_forbidden", None, "unsupported_country_region_territory"),
        ({"status": 404}, 404, "The model does not exist", "invalid_request_error", None, "model_not_found"),
        ({"status": 405}, 405, "Not allowed to POST on", "invalid_request_error", None, None),
        ({"status": 408}, 408, "Request timed out", "server_error", None, None),
        ({"status": 409}, 409, "The resource was updated", "invalid_request_error", None, None),
        ({"status": 413}, 413, "Maximum content size limit (26214400)", "server_error", None, None),
        ({"status": 415}, 415, "Unsupported content type: ", "invalid_request_error", None, "unsupported_content_type"),
        ({"status": 422}, 422, "Unable to process", "invalid_request_error", None, None),
        ({"status": 429}, 429, "Rate limit reached for ", "requests", None, "rate_limit_exceeded"),
        ({"status": 500}, 500, "The server had an error while", "server_error", None, None),
        ({"status": 503}, 503, "Our servers are currently", "service_unavailable_error", None, "server_is_overloaded"),
        ({"code": "slow_down"}, 503, "A sudden increase", "service_unavailable_error", None, "slow_down"),
        ({"code": "insufficient_quota"}, 429, "You exceeded your current", "insufficient_quota", None, "insufficient_quota"),
        ({"code": "content_filter"}, 400, "The response was filtered", "invalid_request_error", "prompt", "content_filter"),
        ({"code": "invalid_image"}, 400, "You uploaded an unsupported", "invalid_request_error", None, "invalid_image"),
        (
            {"code": "context_length_exceeded"},
            400,
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 128001 tokens.",
            "invalid_request_error",
            "messages",
            "context_length_exceeded",
        ),
        (
            {"code": "previous_response_not_found", "id": "resp_1"},
            400,
            "Previous response with id 'resp_1' not found.",
            "invalid_request_error",
            "previous_response_id",
            "previous_response_not_found",
        ),
        (
            {"code": "string_above_max_length", "param": "user", "limit": 64, "used": 70},
            400,
            "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 70 instead.",
            "invalid_request_error",
            "user",
            "string_above_max_length",
        ),
    ],
)
def test_the_apis_own_words(facts, status, begins, type, param, code):
    error = api_error(**facts)
    assert (error.status, error.type, error.param, error.code) == (status, type, param, code)
    assert error.message.startswith(begins)


def test_what_is_said_overrides():
    error = api_error(418, "teapot", type="kettle", message="short and stout", param="spout")
    assert said(error) == (418, "short and stout", "kettle", "spout", "teapot")


def test_a_status_overrides_the_codes_own():
    assert api_error(500, "rate_limit_exceeded").status == 500


def test_a_code_nobody_knows_keeps_the_words_of_the_status():
    error = api_error(429, "too_keen")
    assert error.code == "too_keen"
    assert error.message.startswith("Rate limit reached")


@pytest.mark.parametrize(("type", "status"), TYPES.items())
def test_a_type_alone_says_the_status(type, status):
    error = api_error(type=type)
    assert (error.status, error.type) == (status, type)


def test_a_message_alone_is_a_bad_request():
    assert said(api_error(message="no")) == (400, "no", "invalid_request_error", None, None)


def test_a_status_without_words_of_its_own_gets_http_s():
    assert api_error(418).message == "I'm a Teapot."
    assert api_error(507).type == "server_error"
    assert api_error(799).message == "Status 799."


def test_rate_limits_on_requests():
    error = api_error(429, retry_after=20, model="gpt-4o", limit=3, used=3, requested=1, organization="org-x")
    assert error.message == (
        "Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. "
        "Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more."
    )
    assert error.headers == {"retry-after": "20", "retry-after-ms": "20000"}


def test_rate_limits_on_tokens():
    error = api_error(
        429, "rate_limit_exceeded", type="tokens", model="gpt-4o", limit=1000, used=900, requested=200, retry_after=6
    )
    assert "on tokens per min (TPM): Limit 1000, Used 900, Requested 200. Please try again in 6s." in error.message
    assert (error.type, error.code) == ("tokens", "rate_limit_exceeded")


def test_no_retry_after_means_no_header():
    assert api_error(429).headers == {}


def test_a_model_that_is_not_there_is_named():
    error = api_error(404, "model_not_found", model="gpt-9")
    assert error.message == "The model `gpt-9` does not exist or you do not have access to it."


def test_an_unknown_url_is_named():
    message = api_error(404, "unknown_url", method="GET", path="/v1/ddmodels").message
    assert message.startswith("Unknown request URL: GET /v1/ddmodels. Please check the URL for typos")


def test_a_wrong_method_is_named():
    message = api_error(405, method="GET", path="/v1/chat/completions").message
    assert message == "Not allowed to GET on /v1/chat/completions (HINT: Perhaps you meant to use a different HTTP method?)"


def test_azures_filter_says_what_was_filtered():
    error = api_error(code="content_filter").body()["error"]
    assert error["innererror"]["content_filter_result"]["violence"]["filtered"] is True


def test_errors_do_not_share_what_they_carry():
    first = api_error(code="content_filter")
    first.more["nearest"] = []
    assert "nearest" not in api_error(code="content_filter").more


@pytest.mark.parametrize("name", CODES)
def test_every_known_error_can_be_said(name):
    error = api_error(code=name)
    assert 400 <= error.status < 600
    assert "{" not in error.message
    assert json.dumps(error.body())


def test_every_status_means_a_row_of_that_status():
    assert all(CODES[name].status == status for status, name in STATUSES.items())


def test_facts_are_never_templates():
    assert "`{key}{0.__class__}`" in api_error(code="model_not_found", model="{key}{0.__class__}").message


def test_bad_json_gets_the_apis_hint_and_then_ours():
    assert not_json("It ends early.").message.endswith("at help.openai.com.) It ends early.")
    assert said(not_json()) == (400, catalog.CODES["invalid_json"].message, "invalid_request_error", None, None)


def test_a_wrong_content_type_is_said_with_its_header():
    assert said(wrong_content_type("text/plain")) == (
        415,
        "Unsupported content type: 'text/plain'. This API method only accepts 'application/json' requests, but you specified the "
        "header 'Content-Type: text/plain'. Please try again with a supported content type.",
        "invalid_request_error",
        None,
        "unsupported_content_type",
    )


def test_the_accepted_content_type_can_be_another():
    assert "only accepts 'multipart/form-data' requests" in wrong_content_type("a/b", "multipart/form-data").message


def test_a_wrong_key_is_shown_masked():
    key = "sk-proj-" + "abcdefghij" * 4 + "wxyz"
    message = api_error(401, "invalid_api_key", key=key).message
    assert message == (
        f"Incorrect API key provided: sk-proj-{'*' * 40}wxyz. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        ("", ""),
        ("x", "x"),
        ("wrong-key", "wrong-key"),
        ("sk-short-secret", "sk-short***cret"),
        ("sk-" + "s" * 16 + "last", "sk-sssss" + "*" * 11 + "last"),
        ("s" * 500, "s" * 8 + "*" * 388 + "s..."),
    ],
)
def test_masks(key, masked):
    assert mask(key) == masked


def test_the_log_has_stars_only():
    error = api_error(401, "invalid_api_key", key="sk-0123456789")
    assert "sk-01234*6789." in error.message
    assert "*************." in error.logged
    assert "01234" not in error.record()["message"]


@pytest.mark.parametrize(
    ("code", "endpoint", "status", "message", "param", "sent"),
    [
        ("model_not_found", "responses", 400, "The requested model 'x' does not exist.", "model", "model_not_found"),
        ("model_not_found", "models", 404, "The model 'x' does not exist", "model", "model_not_found"),
        ("model_not_found", "", 404, "The model `x` does not exist or you do not have access to it.", None, "model_not_found"),
        (
            "model_deprecated", "chat", 404,
            "The model `x` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations", None,
            "model_not_found",
        ),
        (
            "context_length_exceeded", "responses", 400,
            "Your input exceeds the context window of this model. Please adjust your input and try again.", "input",
            "context_length_exceeded",
        ),
    ],
)  # fmt: skip
def test_an_endpoint_may_have_its_own_wording(code, endpoint, status, message, param, sent):
    error = api_error(None, code, endpoint=endpoint, model="x")
    assert (error.status, error.message, error.param, error.code) == (status, message, param, sent)


@pytest.mark.parametrize(
    ("seconds", "masked"),
    [
        (0, "0ms"), (0.0841, "85ms"), (0.12, "120ms"), (1, "1s"), (1.146, "1.146s"), (20, "20s"), (360, "6m0s"),
        (59.9999, "1m0s"), (432.5, "7m12.5s"), (3723, "1h2m3s"), (-1, "0ms"), (math.nan, "0ms"), (math.inf, "0ms"),
    ],
)  # fmt: skip
def test_durations_are_gos(seconds, masked):
    assert duration(seconds) == masked


@pytest.mark.parametrize(
    ("seconds", "headers"),
    [
        (None, {}),
        (-1, {}),
        (math.nan, {}),
        (math.inf, {}),
        (0, {"retry-after": "0", "retry-after-ms": "0"}),
        (1.2, {"retry-after": "2", "retry-after-ms": "1200"}),
    ],
)
def test_retry_headers(seconds, headers):
    assert retry(seconds) == headers


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("plain", "plain"),
        ("naïve 日本", "naïve 日本"),
        ("a\nb\0", "a\\nb\\x00"),
        ("\ud800", "\\ud800"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_text_is_fit_to_be_shown(text, masked):
    assert printable(text) == masked


def test_nothing_given_can_break_the_line_of_a_message():
    message = api_error(404, "unknown_url", method="GET", path="/a\r\nb\ud800").message
    assert "\n" not in message
    assert message.encode()
