"""The command verify: rules compared with the models, parameters and answers of the API."""

from __future__ import annotations

from typing import get_args

import pytest
from openai.types import ChatModel
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.responses import Response

from openaimock.cli import main
from openaimock.config.entries import read_entries
from openaimock.errors import ConfigError
from openaimock.verify import findings, replies

#: 2026-11-29.
NOW = 1_795_900_000.0


def verify(text: str, now: float = NOW) -> list[str]:
    """The findings about YAML text, each as a line; those about what still works begin with a question mark."""
    return [f"{'?' if finding.works else ''}{finding.problem}" for finding in findings(read_entries(text, {}), now)]


def messages(rule: dict, now: float = NOW, **settings) -> list[str]:
    """The messages about one rule, without their places."""
    answer = {} if rule.keys() & {"messages", "response", "replies"} else {"reply": "x"}
    entries = read_entries({"responses": [{**answer, **rule}], **settings}, {})
    return [("?" if finding.works else "") + finding.problem.message for finding in findings(entries, now)]


def test_each_finding_has_its_place_and_path():
    text = """
responses:
  - id: one
    when:
      all:
        - model: gpt-3.5-turbo
        - body: {tols: 1}
    replies:
      - fine
      - {content: x, finish_reason: done}
  - messages:
      - {role: user, content: x}
      - {role: assistant, content: y, service_tier: fats}
"""
    assert verify(text) == [
        "<text>:6:11: responses[0].when.all[0].model: the API shut the model 'gpt-3.5-turbo' down on 2026-10-23; "
        "use 'gpt-6.2-astra'",
        "<text>:7:18: responses[0].when.all[1].body.tols: no endpoint has a parameter 'tols'; did you mean 'tools'?",
        "<text>:10:22: responses[0].replies[1].finish_reason: no answer has the finish_reason 'done'",
        "<text>:13:39: responses[1].messages[1].service_tier: no answer has the service_tier 'fats'; did you mean 'fast'?",
    ]


# Models


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("gpt-6.2-astra", None),
        ("gpt-4*", None),
        ({"contains": "embedding"}, None),
        ({"regex": "^x"}, None),
        ({"exact": "gtp-5.5", "invert": True}, None),
        ("ft:gpt-6.2-astra:org::id", None),
        ("gpt-4-32k", "the API shut the model 'gpt-4-32k' down on 2025-06-06; use 'gpt-6.2-astra'"),
        ("ft:davinci-002:org::id", "the API shut the model 'davinci-002' down on 2026-09-28"),
        ("gpt-4.1-nano", "the API shut the model 'gpt-4.1-nano' down on 2026-10-23; use 'gpt-"),
        (
            "text-moderation-latest",
            "the API shut the model 'text-moderation-latest' down on 2025-10-27; use 'omni-moderation-latest'",
        ),
        ("dall-e-3", "the API shut the model 'dall-e-3' down on 2026-05-12; use 'gpt-image-2.6-sunburst'"),
        ("gpt-4o", "?the API shuts the model 'gpt-4o' down on 2027-01-14; use 'gpt-6.2-astra'"),
        ("gtp-5.5", "no model of the API has the name 'gtp-5.5'; did you mean 'gpt-5.5'?"),
        ("llama-99", "no model of the API has the name 'llama-99'"),
        ("gpt-5.4-mni", "no model of the API has the name 'gpt-5.4-mni'; did you mean 'gpt-5.4-mini'?"),
        ("openai/gpt-5.5", None),
        ("gpt-6.2-astra-2027-01-31", None),
        ("zzz*", "no model has a name like 'zzz*' (a deployment or a model of another provider belongs under 'models')"),
        ("gpt-4-32k*", "all models like 'gpt-4-32k*' are shut down; use 'gpt-6.2-astra'"),
        ({"contains": "davinci"}, "all models like 'davinci' are shut down"),
    ],
)
def test_models_in_conditions(model, message):
    lines = messages({"when": {"model": model}})
    assert lines == [] if message is None else lines[0].startswith(message)
    assert len(lines) == (message is not None)


def test_every_model_name_of_the_sdk_is_known():
    names = get_args(ChatModel)
    assert len(names) > 50
    lines = messages({"when": {"any": [{"model": name} for name in names]}})
    assert [line for line in lines if line.startswith("no model")] == []


def test_models_in_replies_and_the_users_own():
    assert messages({"when": {}, "reply": {"content": "x", "model": "gtp-5.5"}})[0].startswith("no model of the API")
    assert messages({"when": {}, "reply": {"content": "x", "model": "{{ model }}"}}) == []
    own = {"models": ["llama-99", {"id": "gpt-4-32k", "owned_by": "me"}]}
    assert messages({"when": {"model": "llama-99"}}, **own) == []
    assert messages({"when": {"model": "gpt-4-32k"}}, **own) == []


def test_a_rule_that_answers_with_errors_may_be_about_what_does_not_exist():
    when = {"model": "gpt-99*", "body": {"tols": 1}}
    assert messages({"when": when, "reply": {"error": "model_not_found"}}) == []
    assert len(messages({"when": when, "replies": [{"error": 404}, "x"]})) == 2


def test_a_model_is_gone_from_its_day_on():
    rule = {"when": {"model": "gpt-4o"}}
    assert messages(rule)[0].startswith("?the API shuts")
    assert messages(rule, now=NOW + 90 * 86400)[0].startswith("the API shut ")


# Parameters


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"body": {"messages.0.content": "hi", "input.0.content": "hi"}}, None),
        ({"body": {"messages.-1.content.0.text": "hi", "metadata.any": "x", "tools.0.function.parameters.x.y": 1}}, None),
        ({"body": {"logit_bias.50256": -100, "temperature": 0.5, "n": "2", "response_format.type": "json_schema"}}, None),
        ({"body": {"temperature": {"regex": "x"}, "n": {"contains": "x"}}}, None),
        ({"endpoint": "models.*", "body": {"anything": 1}}, None),
        ({"endpoint": "responses", "body": {"messages": 1}}, "responses.create has no parameter 'messages'; write 'input'"),
        (
            {"endpoint": "responses", "body": {"max_tokens": 5}},
            "responses.create has no parameter 'max_tokens'; write 'max_output_tokens'",
        ),
        (
            {"endpoint": "responses", "body": {"response_format.type": "x"}},
            "responses.create has no parameter 'response_format'; write 'text.format'",
        ),
        (
            {"endpoint": "chat", "body": {"reasoning.effort": "low"}},
            "chat.completions.create has no parameter 'reasoning'; write 'reasoning_effort'",
        ),
        (
            {"endpoint": ["chat", "embeddings"], "body": {"messagse": 1}},
            "chat.completions.create and embeddings.create has no parameter 'messagse'; did you mean 'messages'?",
        ),
        (
            {"endpoint": "responses", "body": {"reasoning.efort": "low"}},
            "responses.create has no field 'efort' in 'reasoning'; did you mean 'effort'?",
        ),
        ({"endpoint": "chat", "body": {"tools.first.type": "x"}}, "chat.completions.create has no field 'first' in 'tools'"),
        ({"endpoint": "chat", "body": {"temperature.x": 1}}, "chat.completions.create has no field 'x' in 'temperature'"),
        ({"body": {"messages.0.contnet": "x"}}, "no endpoint has a field 'contnet' in 'messages.0'; did you mean 'content'?"),
        ({"body": {"user": "me"}}, "?the parameter 'user' is deprecated; write 'safety_identifier'"),
        ({"body": {"functions.0.name": "f"}}, "?the parameter 'functions' is deprecated; write 'tools'"),
        ({"body": {"service_tier": "cheap"}}, "'service_tier' cannot be \"cheap\": expected one of"),
        ({"body": {"temperature": [1]}}, "'temperature' cannot be [1]: expected a decimal, but got an array instead."),
        ({"not": {"body": {"tols": 1}}}, "no endpoint has a parameter 'tols'; did you mean 'tools'?"),
        ({"endpoint": "embeddings", "stream": True}, "embeddings.create has no parameter 'stream'"),
        ({"endpoint": "embeddings", "stream": False}, None),
        ({"endpoint": "embeddings", "any": [{"step": 1}]}, "a request to embeddings.create has no 'step'"),
        ({"endpoint": "responses", "tools": ["a"], "stream": True}, None),
    ],
)
def test_conditions_on_parameters(when, message):
    lines = messages({"when": when})
    assert len(lines) == (message is not None), lines
    assert message is None or lines[0].startswith(message), lines


def test_the_old_role_of_results():
    flow = [{"role": "user", "content": "x"}, {"role": "function", "content": "y"}, {"role": "assistant", "content": "z"}]
    assert messages({"messages": flow}) == ["?the role 'function' is the API's old form; write 'tool'"]
    rule = "responses: [{matcher: {messages: [{role: function, content: a}]}, response: {choices: [{message: {content: b}}]}}]"
    assert verify(rule) == [
        "?<text>:1:36: responses[0].matcher.messages[0].role: the role 'function' is the API's old form; write 'tool'"
    ]


# Replies


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"content": "x", "finish_reason": "length", "service_tier": "flex", "usage": {"prompt_tokens": 1}}, None),
        ({"content": "x", "finish_reason": None}, None),
        (lambda ask: "x", None),
        ({"content": "x", "finish_reason": "lenght"}, "no answer has the finish_reason 'lenght'; did you mean 'length'?"),
        ({"content": "x", "finish_reason": "tool_calls"}, "the finish_reason 'tool_calls' needs a tool call"),
        ({"blocks": [{"tool_call": {"name": "f"}}], "finish_reason": "tool_calls"}, None),
        ({"content": "x", "refusal": "No."}, "a refusal comes alone, not with 'content'"),
        ({"tool_calls": [{"name": "f"}], "refusal": "No."}, "a refusal comes alone, not with 'tool_calls'"),
        ({"tool_calls": [{"name": "a b"}]}, "a tool cannot have the name 'a b'"),
        ({"tool_calls": [{"name": "f", "arguments": "{"}]}, "the arguments of a function are the JSON text of an object"),
        ({"tool_calls": [{"name": "f", "arguments": "{{ user }}"}, {"name": "g", "input": "{"}]}, None),
        ({"tool_calls": [{"name": "f", "id": "a"}, {"name": "g", "id": "a"}]}, "two calls have the id 'a'"),
        ({"content": "x", "annotations": [{"type": "url"}]}, "no annotation has the type 'url'"),
        ({"error": 418}, "no error of the API has the status 418"),
        ({"error": {"status": 429, "message": "x"}}, None),
        ({"content": "x", "usage": {"tokens": 1}}, "'usage' has no member 'tokens'"),
        (
            {"content": "x", "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 4}},
            "'total_tokens' is 4, but 'input_tokens' and 'output_tokens' make 3",
        ),
    ],
)
def test_replies_that_the_api_would_not_send(reply, expected):
    lines = messages({"when": {}, "reply": reply})
    assert len(lines) == (expected is not None), lines
    assert expected is None or lines[0].startswith(expected), lines


def test_recorded_answers():
    choice = {"message": {"role": "assistant", "content": "x", "reasoning_content": "y"}, "stop_reason": 1}
    assert messages({"when": {}, "response": {"choices": [choice], "provider": "x"}}) == [
        "a chat completion of the API has no member 'provider'",
        "a choice of the API has no member 'stop_reason'; did you mean 'finish_reason'?",
        "a message of the API has no member 'reasoning_content'",
    ]
    old = {"message": {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}}
    assert messages({"when": {}, "response": {"choices": [old]}}) == [
        "?'function_call' is the API's old form; write 'tool_calls'"
    ]
    assert messages({"when": {}, "response": {"output": [], "choises": 1}}) == ["a Response of the API has no member 'choises'"]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ({"object": "text", "choices": [{"message": {"content": "x"}}]},
         "a chat completion of the API does not have the object 'text', but 'chat.completion'"),
        ({"choices": [{"message": {"role": "bot", "content": "x"}}]},
         "the message of an answer of the API does not have the role 'bot', but 'assistant'"),
        ({"object": "chat.completion", "output": []}, "a Response of the API does not have the object 'chat.completion'"),
        ({"output": [{"type": "massage"}]}, "an output item of the API does not have the type 'massage'; did you mean '"),
        ({"object": "response", "output": [{"type": "message", "content": []}, {"type": "reasoning", "summary": []}]}, None),
    ],
)  # fmt: skip
def test_recorded_answers_with_other_types(response, message):
    lines = messages({"when": {}, "response": response})
    assert len(lines) == (message is not None), lines
    assert message is None or lines[0].startswith(message), lines


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (ChatCompletion, replies._COMPLETION),
        (Choice, replies._CHOICE),
        (ChatCompletionMessage, replies._MESSAGE),
        (Response, replies._RESPONSE),
    ],
)
def test_every_member_of_the_sdk_s_types_may_be_in_an_answer(kind, names):
    assert set(kind.model_fields) <= set(names)


# The command


def test_the_command_prints_findings_and_exits_like_check(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mock.yaml"
    path.write_text("responses:\n  - {when: {model: gpt-4-32k, body: {user: me}}, reply: x}\n")
    assert main(["verify", "mock.yaml"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "mock.yaml:2:13: responses[0].when.model: the API shut the model 'gpt-4-32k' down on 2025-06-06; use 'gpt-6.2-astra'",
        "warning: mock.yaml:2:38: responses[0].when.body.user: the parameter 'user' is deprecated; write 'safety_identifier'",
        "1 problem",
    ]
    path.write_text("responses:\n  - {when: {body: {user: me}}, reply: x}\n")
    assert main(["verify", "mock.yaml"]) == 0
    assert capsys.readouterr().out == "1 rule as the API is today, 1 warning\n"
    assert main(["verify", "--strict", "mock.yaml"]) == 1
    path.write_text("responses: {a: {when: {}, reply: x}}\n")
    capsys.readouterr()
    assert main(["verify", "--strict", "mock.yaml"]) == 0
    assert capsys.readouterr().out == "1 rule as the API is today\n"


def test_a_wrong_configuration_is_reported_as_by_check(tmp_path, capsys):
    path = tmp_path / "mock.yaml"
    path.write_text("responses: [{when: {}, rply: x}]\n")
    assert main(["verify", str(path)]) == 1
    assert "'rply' is not a key of a rule; did you mean 'reply'?" in capsys.readouterr().err
    with pytest.raises(ConfigError):
        verify("responses: [1]")
