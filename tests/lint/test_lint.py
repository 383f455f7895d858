"""Lint: each row of the table shows what it finds and only that, at each level and in the API's words."""

from __future__ import annotations

import logging
from itertools import combinations

import openai
import pytest

from openaimock.api import FILES, operations_of
from openaimock.api.chat.completions import message
from openaimock.api.chat.params import CHAT
from openaimock.app.stages import linter_of
from openaimock.lint import CHECKS, Linter, header
from openaimock.lint.check import MAX_FINDINGS, Finding
from openaimock.lint.parameters import _effort
from openaimock.params.models import family
from openaimock.types.ask import Ask

from ..support import lint_table
from ..support.lint_table import client as wsgi
from ..support.lint_table import send, whole
from ..support.wire import post, user

ENDPOINTS = {endpoint.path: endpoint for segment in FILES for endpoint in operations_of(segment) if endpoint.params is not None}
LINTED = {endpoint.name for endpoint in ENDPOINTS.values()}
ROWS = [
    pytest.param(check, endpoint, id=f"{check.name}-{endpoint}-{at}")
    for at, check in enumerate(CHECKS)
    for endpoint in check.endpoints
    if endpoint in LINTED
]
ALWAYS = [row for row in ROWS if row.values[0].find is None and row.values[0].name != "unknown_parameter"]
FOUND = [row for row in ROWS if row not in ALWAYS]


@pytest.fixture(scope="module")
def off():
    with wsgi("off") as http:
        yield http


@pytest.fixture(scope="module")
def warn():
    with wsgi("warn") as http:
        yield http


@pytest.fixture(scope="module")
def error():
    with wsgi("error") as http:
        yield http


# The table


@pytest.mark.parametrize(("check", "endpoint"), FOUND)
def test_a_row_finds_exactly_its_example(check, endpoint, warn):
    response = send(warn, endpoint, check.refused)
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, check.name)


@pytest.mark.parametrize(("check", "endpoint"), FOUND)
def test_a_row_is_the_apis_error_at_the_level_error(check, endpoint, error):
    response = send(error, endpoint, check.refused)
    statuses = {"wrong_model": (403, 404), "unknown_file": (400, 404), "unknown_vector_store": (404,)}
    assert response.status_code in statuses.get(check.name, (400,))
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.headers["x-openaimock-lint"] == check.name


@pytest.mark.parametrize(("check", "endpoint"), FOUND)
def test_a_row_is_nothing_when_lint_is_off(check, endpoint, off):
    response = send(off, endpoint, check.refused)
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, None)


@pytest.mark.parametrize(("check", "endpoint"), ROWS)
def test_a_corrected_example_is_nothing(check, endpoint, error):
    response = send(error, endpoint, check.accepted)
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, None), response.text


@pytest.mark.parametrize(("check", "endpoint"), ALWAYS)
def test_what_is_always_refused_is_so_when_lint_is_off(check, endpoint, off):
    response = send(off, endpoint, check.refused)
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (400, None)


def test_every_row_is_of_endpoints_that_are_linted():
    assert {endpoint for check in CHECKS for endpoint in check.endpoints} <= LINTED


def test_the_docs_have_the_table():
    assert lint_table.DOCS.read_text(encoding="utf-8") == lint_table.text(), "run python -m tests.support.lint_table"


@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_no_two_mistakes_together_break_it(endpoint, warn):
    rows = [check.refused for check in CHECKS if endpoint in check.endpoints]
    for one, two in combinations(rows, 2):
        assert send(warn, endpoint, {**one, **two}).status_code in (200, 400)


# The API's words, as they were recorded


def said(http, endpoint, **body):
    findings = send(http, endpoint, body).json()["error"]
    return findings["message"], findings["param"], findings["code"]


def test_unknown_parameters_are_named_together_by_older_models(error):
    assert said(error, "chat", thinking=1, chat_template_kwargs={}) == (
        "Unrecognized request arguments supplied: chat_template_kwargs, thinking",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("sto", " Did you mean 'store'?"),
        ("st", ""),
        ("stre", " Did you mean 'store' or 'stream'?"),
        ("strem", " Did you mean 'stream' or 'store'?"),
        ("tool", " Did you mean 'tools'?"),
        ("usr", " Did you mean 'user'?"),
        ("inclde", " Did you mean 'include'?"),
        ("inpu", ""),
        ("modell", ""),
        ("seed", ""),
    ],
)
def test_unknown_parameters_of_responses_are_asked_back(name, suggested, error):
    assert said(error, "responses", **{name: 1}) == (f"Unknown parameter: '{name}'.{suggested}", name, "unknown_parameter")


def test_an_unknown_parameter_is_told_before_what_a_model_refuses(error):
    message, *_ = said(error, "chat", model="gpt-5", max_tokens=5, zzz_unknown=1)
    assert message == "Unknown parameter: 'zzz_unknown'."


def test_a_refused_parameter_is_told_before_a_refused_value(error):
    message, *_ = said(error, "chat", model="gpt-5", temperature=0.5, stop=["ZZ"])
    assert message == "Unsupported parameter: 'stop' is not supported with this model."


def test_an_unanswered_call_at_the_end_names_the_messages(error):
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call, {**call, "id": "call_b"}]}]
    message, param, code = said(error, "chat", messages=messages)
    assert message.endswith("The following tool_call_ids did not have response messages: call_a, call_b")
    assert (param, code) == ("messages", None)


def test_one_id_for_two_calls_of_a_message(error):
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "call_a", "content": "1"}
    message, *_ = said(error, "chat", messages=[{"role": "assistant", "tool_calls": [call, call]}, result])
    assert message == "Invalid parameter: Duplicate value for 'tool_call_id' of 'call_a', in messages[0]."


def test_o3_mini_has_no_temperature_at_all(error):
    message = "Unsupported parameter: 'temperature' is not supported with this model."
    assert said(error, "chat", model="o3-mini", temperature=0.2) == (message, "temperature", "unsupported_parameter")


@pytest.mark.parametrize("name", ["presence_penalty", "frequency_penalty", "top_p"])
def test_responses_refuse_sampling_without_a_code(name, error):
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    assert said(error, "responses", model="gpt-5.6-terra", **{name: 0.5}) == (message, name, None)


def test_custom_tools_have_words_of_their_own(error):
    call = {"type": "custom_tool_call", "call_id": "call_1", "name": "shell", "input": "ls"}
    assert said(error, "responses", input=[call])[0] == "No tool output found for custom tool call call_1."
    output = {"type": "custom_tool_call_output", "call_id": "call_2", "output": "x"}
    assert said(error, "responses", input=[output])[0] == "No tool call found for custom tool call output with call_id call_2."


def test_a_newer_model_names_a_missing_choice_in_the_older_way(error):
    tool = {"type": "function", "function": {"name": "f"}}
    choice = {"type": "function", "function": {"name": "never_declared"}}
    message = "Invalid value for 'function_call': no function named 'never_declared' was specified in the 'functions' parameter."
    assert said(error, "chat", model="gpt-5.1", tools=[tool], tool_choice=choice) == (message, "function_call", None)


# Models


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        *[(model, "medium") for model in ("o1", "o3", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano-2025-08-07", "gpt-5-codex")],
        *[(model, "medium") for model in ("gpt-5.1-codex-max", "gpt-5.2-pro", "gpt-5.5", "gpt-5.6-sol", "gpt-6.2-astra")],
        *[
            (model, "")
            for model in ("gpt-5.1", "gpt-5.2-2025-12-11", "gpt-5.4-mini", "gpt-4o", "gpt-4.1-nano", "gpt-5-chat-latest")
        ],
        *[(model, "") for model in ("gpt-3.5-turbo", "chatgpt-4o-latest", "llama-3", "my-gpt-5", "")],
        ("ft:gpt-4o-mini-2024-07-18:acme::abc123", ""),
        ("ft:o4-mini-2025-04-16:acme::abc123", "medium"),
    ],
)
def test_default_effort_by_model(model, effort):
    assert _effort({}, family(model)) == effort


def test_effort_decides_what_a_model_refuses(error):
    assert send(error, "chat", {"model": "gpt-5.1", "temperature": 0.2}).status_code == 200
    assert send(error, "chat", {"model": "gpt-5.1", "temperature": 0.2, "reasoning_effort": "low"}).status_code == 400
    assert send(error, "chat", {"model": "gpt-5.6-sol", "top_p": 0.2, "reasoning_effort": "none"}).status_code == 200


def test_unknown_models_have_no_findings(error):
    body = {"model": "mistral-large", "max_tokens": 5, "temperature": 0.1, "reasoning_effort": "high", "stop": "x"}
    assert send(error, "chat", body).status_code == 200


# The levels, through the door


def test_the_sdk_raises_what_the_api_would(serve, client):
    sdk = client(serve({"unmatched": "echo", "lint": "error"}))
    with pytest.raises(openai.BadRequestError) as raised:
        sdk.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Hello"}], temperature=0.5)
    assert (raised.value.code, raised.value.param) == ("unsupported_value", "temperature")
    assert "Only the default (1) value is supported." in raised.value.message


def test_an_error_keeps_the_rule_from_being_used_up(serve, client):
    mock = serve({"responses": [{"id": "once", "when": {}, "reply": "Hi", "times": 1}], "lint": "error"})
    sdk = client(mock)
    with pytest.raises(openai.BadRequestError):
        sdk.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Hello"}], max_tokens=5)
    assert (
        sdk.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Hello"}]).choices[0].message.content
        == "Hi"
    )


def test_a_warning_is_in_the_journal_the_log_and_the_header(serve, caplog):
    mock = serve({"responses": [{"id": "hello", "when": {}, "reply": "Hi"}]})
    with caplog.at_level(logging.WARNING):
        response = post(mock, user("Hello", foo=1, tool_choice="auto"))
    assert response.headers["x-openaimock-lint"] == "unknown_parameter, tool_choice_without_tools"
    findings = mock.app.api.namespaces["default"].exchanges()[-1].lint
    assert [finding.check for finding in findings] == ["unknown_parameter", "tool_choice_without_tools"]
    assert findings[0].message == "Unrecognized request argument supplied: foo"


def test_warnings_are_logged(caplog):
    log = logging.getLogger("a-mock-with-lint")
    with caplog.at_level(logging.WARNING, logger=log.name), wsgi("warn", log) as http:
        send(http, "chat", {"foo": 1})
    assert "lint: request unknown_parameter: Unrecognized request argument supplied: foo" in caplog.messages


def test_a_miss_has_its_findings_too(serve):
    mock = serve([{"id": "never", "when": {"user": "never"}, "reply": "x"}])
    response = post(mock, user("Hello", foo=1))
    assert (response.status_code, response.headers["x-openaimock-lint"]) == (400, "unknown_parameter")
    assert response.json()["error"]["code"] == "no_match"


def test_a_stream_has_the_header(serve):
    response = post(serve({"unmatched": "echo"}), user("Hello", foo=1, stream=True))
    assert response.headers["x-openaimock-lint"] == "unknown_parameter"
    assert response.text.endswith("data: [DONE]\n\n")


# What it costs


def test_plain_requests_have_nothing_looked_for(monkeypatch):
    def looked(*body):
        raise AssertionError("a plain request costs a look-up for each member")

    monkeypatch.setattr(Linter, "_findings", looked)
    talk = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    body = {"model": "gpt-4o", "stream": True, "n": 1, "user": "me", "seed": 7}
    assert (
        linter_of(ENDPOINTS["/chat/completions"])(Ask("chat", {"messages": talk, **body}, model="gpt-4o"), family("gpt-4o")) == ()
    )
    assert (
        linter_of(ENDPOINTS["/responses"])(
            Ask("responses", {"model": "gpt-4o", "input": "Hello", "store": False}), family("gpt-4o")
        )
        == ()
    )
    assert linter_of(ENDPOINTS["/responses"])(Ask("responses", {"model": "gpt-4o", "input": talk}), family("gpt-4o")) == ()


def test_findings_are_bounded():
    body = whole("chat", {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": "x"}] * 5000})
    ask = Ask("chat", body, [message(each) for each in body["messages"]], model="gpt-4o")
    assert len(linter_of(ENDPOINTS["/chat/completions"])(ask, family("gpt-4o"))) == MAX_FINDINGS


def test_the_header_names_each_check_once_in_ascii():
    findings = [Finding("a", "x"), Finding("b", "y"), Finding("a", "ü")]
    assert header(findings) == "a, b"
    assert all(check.name.isascii() and check.name.replace("_", "").isalnum() for check in CHECKS)


def test_every_member_that_a_check_looks_at_is_a_parameter():
    keys = {key for check in CHECKS if check.endpoints == ("chat",) for key in check.keys}
    assert keys <= CHAT.shape.keys.keys()


# Models


@pytest.mark.parametrize(
    ("endpoint", "body", "param"),
    [
        ("chat", {"model": "gpt-4", "messages": [{"role": "user", "content": "word " * 9000}]}, "messages"),
        ("responses", {"model": "gpt-4", "input": "word " * 9000}, "input"),
    ],
)
def test_a_prompt_longer_than_the_context_window(error, endpoint, body, param):
    refusal = send(error, endpoint, body).json()["error"]
    assert (refusal["code"], refusal["param"]) == ("context_length_exceeded", param)
    assert send(error, endpoint, {**body, "model": "gpt-4o"}).status_code == 200


def test_the_windows_of_a_chat_model_and_its_prompt_are_in_the_error(error):
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "word " * 9000}]}
    message = send(error, "chat", body).json()["error"]["message"]
    assert message.startswith("This model's maximum context length is 8192 tokens. However, your messages resulted in 900")


def test_roles_come_before_values(error):
    body = {
        "model": "o1-mini",
        "temperature": 0,
        "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}],
    }
    assert send(error, "chat", body).json()["error"]["param"] == "messages[0].role"


@pytest.mark.parametrize("model", ["my-model", "llama-3", "gpt-4o"])
@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_models_that_an_endpoint_serves(error, endpoint, model):
    assert send(error, endpoint, {"model": model}).status_code == 200


@pytest.mark.parametrize(
    ("path", "model", "status"),
    [
        ("/openai/deployments/gpt-4o/completions", "ignored", 404),
        ("/openai/deployments/gpt-4o/embeddings", "ignored", 403),
        ("/openai/deployments/mine/completions", "gpt-4o", 200),
        ("/v1/completions", "ft:gpt-4o-mini-2024-07-18:acme::abc123", 404),
        ("/v1/embeddings", "openai/gpt-4o", 403),
    ],
)
def test_the_model_of_a_path_or_of_a_longer_name_counts(error, path, model, status):
    text = {"input": "x"} if path.endswith("embeddings") else {"prompt": "x"}
    assert error.post(path, json={"model": model, **text}).status_code == status


def test_a_call_that_a_client_sends_back_may_have_its_index(error):
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    response = send(error, "chat", {"messages": messages})
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, None)
