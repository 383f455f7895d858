"""Lint of replies: what a rule says is held against the schema and the tools of the request."""

from __future__ import annotations

import json
import logging

import pytest

from openaimock.lint import header

from ..support.lint_table import client as wsgi
from ..support.lint_table import send
from ..support.wire import post, user

PLACE = {
    "type": "object",
    "properties": {"stops": {"type": "array", "items": {"type": "object", "properties": {"city": {"type": "string"}}}}},
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "trip", "schema": PLACE}}
OFFERED = [
    {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {**PLACE["properties"]["stops"]["items"], "required": ["city"]}},
    }
]


def reply_findings(serve, reply, level="warn", **more):
    mock = serve({"responses": [{"id": "rule", "when": {}, "reply": reply}], "lint": level})
    response = post(mock, user("Hello", **more))
    assert response.status_code == 200
    findings = mock.app.api.namespaces["default"].exchanges()[-1].lint
    assert response.headers.get("x-openaimock-lint", "") == header(findings)
    return [(finding.check, finding.message, finding.param) for finding in findings]


def test_content_that_does_not_fit_the_schema_is_told_with_its_path(serve):
    findings = reply_findings(serve, {"content": {"stops": [{"city": "Oslo"}, {"city": 7}]}}, response_format=FORMAT)
    message = "the content does not fit the schema 'trip': stops[1].city: expected a string, got the number 7"
    assert findings == [("reply_schema", message, "stops[1].city")]


def test_content_that_is_no_json(serve):
    findings = reply_findings(serve, "Sorry, no.", response_format=FORMAT)
    message = "the request asks for JSON, but the content is not JSON: Expecting value at line 1, column 1"
    assert findings == [("reply_schema", message, None)]


def test_json_mode_wants_an_object(serve):
    findings = reply_findings(
        serve, "[1]", response_format={"type": "json_object"}, messages=[{"role": "user", "content": "json"}]
    )
    assert [check for check, *_ in findings] == ["reply_schema"]


@pytest.mark.parametrize("reply", [{"content": {"stops": []}}, {"refusal": "No."}, {"content": "{", "finish_reason": "length"}])
def test_what_fits_or_ends_early_is_no_finding(serve, reply):
    assert reply_findings(serve, reply, response_format=FORMAT) == []


def test_a_call_of_a_tool_that_is_not_offered(serve):
    findings = reply_findings(serve, {"tool_calls": [{"name": "get_time", "arguments": {}}]}, tools=OFFERED)
    message = "the reply calls 'get_time', which the request does not offer (it offers: get_weather)"
    assert findings == [("reply_tool", message, None)]


def test_arguments_that_do_not_fit(serve):
    findings = reply_findings(serve, {"tool_calls": [{"name": "get_weather", "arguments": {}}]}, tools=OFFERED)
    message = "the arguments of 'get_weather' do not fit its parameters: the property \"city\" is missing"
    assert findings == [("reply_arguments", message, "")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"name": "get_weather", "input": "Oslo"}, "'get_weather' is a function tool: a call of it has 'arguments', not 'input'"),
        ({"name": "sql", "arguments": {}}, "'sql' is a custom tool: a call of it has 'input', not 'arguments'"),
    ],
)
def test_a_call_of_another_kind_than_its_tool(call, message, serve):
    tools = [*OFFERED, {"type": "custom", "custom": {"name": "sql"}}]
    assert reply_findings(serve, {"tool_calls": [call]}, tools=tools) == [("reply_tool", message, None)]


@pytest.mark.parametrize(("arguments", "problem"), [("{", "are not JSON"), ("[]", "are not an object")])
def test_arguments_that_are_none(serve, arguments, problem):
    findings = reply_findings(serve, {"tool_calls": [{"name": "get_weather", "arguments": arguments}]}, tools=OFFERED)
    assert [(check, problem in message) for check, message, _ in findings] == [("reply_arguments", True)]


def test_a_custom_tools_input_is_free(serve):
    tools = [{"type": "custom", "custom": {"name": "shell"}}]
    assert reply_findings(serve, {"tool_calls": [{"name": "shell", "input": "ls"}]}, tools=tools) == []


def test_replies_of_responses_are_held_against_their_own_form(serve):
    mock = serve({"responses": [{"id": "rule", "when": {}, "reply": {"content": {"city": 7}}}]})
    format = {"type": "json_schema", "name": "place", "schema": {"properties": {"city": {"type": "string"}}}}
    response = post(mock, {"model": "gpt-4o", "input": "Hello", "text": {"format": format}}, "/responses")
    assert response.headers["x-openaimock-lint"] == "reply_schema"


def test_a_replys_fault_is_a_warning_at_the_level_error_too(serve):
    assert [check for check, *_ in reply_findings(serve, "none", "error", response_format=FORMAT)] == ["reply_schema"]


def test_a_replys_fault_is_nothing_when_lint_is_off(serve):
    assert reply_findings(serve, "none", "off", response_format=FORMAT) == []


def test_the_log_names_the_rule(caplog):
    log = logging.getLogger("another-mock-with-lint")
    rules = [{"id": "odd-one", "when": {}, "reply": "none"}]
    with caplog.at_level(logging.WARNING, logger=log.name), wsgi("warn", log, responses=rules) as http:
        send(http, "chat", {"response_format": FORMAT})
    assert [line for line in caplog.messages if line.startswith("lint: rule odd-one reply_schema: ")]


def test_what_is_echoed_is_no_rules_fault():
    with wsgi("warn") as http:
        response = send(http, "chat", {"response_format": FORMAT})
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, None)
    assert json.loads(response.text)["choices"][0]["message"]["content"] == "Hello"


def calling(*names):
    return {"tool_calls": [{"name": name} for name in names]}


def flat(name):
    return {"type": "function", "name": name}


TWO = [{"type": "function", "function": {"name": name}} for name in ("one", "two")]
ALLOWED = {"mode": "required", "tools": [{"type": "function", "function": {"name": "one"}}]}


@pytest.mark.parametrize(
    ("choice", "reply", "message"),
    [
        ("none", calling("one"), "the request has tool_choice: none, but the reply calls 'one'"),
        ("none", "Hi!", None),
        ("auto", "Hi!", None),
        ("auto", calling("one", "two"), None),
        ("required", "Hi!", "the tool_choice of the request requires a call of a tool, but the reply makes none"),
        ("required", {"refusal": "No."}, None),
        ("required", {"content": "Hi", "finish_reason": "length"}, None),
        ("required", calling("two"), None),
        (TWO[0], "Hi!", "the tool_choice of the request requires a call of 'one', but the reply makes none"),
        (TWO[0], calling("two"), "the reply calls 'two', but the tool_choice of the request allows only 'one'"),
        (TWO[0], calling("one"), None),
        ({"type": "allowed_tools", "allowed_tools": ALLOWED}, calling("two"),
         "the reply calls 'two', but the tool_choice of the request allows only 'one'"),
        ({"type": "allowed_tools", "allowed_tools": {**ALLOWED, "mode": "auto"}}, "Hi!", None),
    ],
)  # fmt: skip
def test_replies_are_compared_with_the_tool_choice(serve, choice, reply, message):
    findings = reply_findings(serve, reply, tools=TWO, tool_choice=choice)
    assert findings == ([] if message is None else [("reply_tool_choice", message, None)])


def test_a_forced_function_of_the_older_form(serve):
    functions = [{"name": "one"}, {"name": "two"}]
    findings = reply_findings(serve, calling("two"), functions=functions, function_call={"name": "one"})
    assert [check for check, *_ in findings] == ["reply_tool_choice"]


@pytest.mark.parametrize(
    ("reply", "check"),
    [
        ("Hi!", "reply_tool_choice"),
        ({"blocks": [{"item": {"type": "reasoning", "id": "rs_1", "summary": []}}, {"text": "x"}]}, "reply_tool_choice"),
        ({"blocks": [{"item": {"type": "function_call", "call_id": "c", "name": "one", "arguments": "{}"}}]}, None),
        (calling("two"), "reply_tool_choice"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_responses_are_compared_with_the_tool_choice_too(serve, reply, check, stream):
    mock = serve([{"when": {}, "reply": reply}])
    tools = {"tools": [flat("one"), flat("two")], "tool_choice": flat("one")}
    answer = post(mock, {"model": "gpt-4o", "input": "Hello", "stream": stream, **tools}, "/responses")
    assert answer.headers.get("x-openaimock-lint") == check


@pytest.mark.parametrize(("parallel", "found"), [(False, True), (True, False), (None, False)])
def test_calls_at_once_are_compared_with_parallel_tool_calls(serve, parallel, found):
    findings = reply_findings(serve, calling("one", "two"), tools=TWO, parallel_tool_calls=parallel)
    message = "the request has parallel_tool_calls: false, but the reply makes 2 calls"
    assert findings == ([("reply_parallel_calls", message, None)] if found else [])
    assert reply_findings(serve, calling("one"), tools=TWO, parallel_tool_calls=parallel) == []
