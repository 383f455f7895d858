"""What a test says to a mock and asks of it, in Python."""

from __future__ import annotations

import re

import pytest

from openaimock.errors import ConfigError

from ..support.wire import post, user

ANY = {"user": {"any": True}}
TOOL = {
    "when": {"user": "weather"},
    "reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "SF", "days": 3, "at": {"hour": 9}}}]},
}


def content(answer):
    return answer.json()["choices"][0]["message"]["content"]


@pytest.fixture
def mock(serve):
    return serve([TOOL, {"id": "greet", "when": {"user": "Hello"}, "reply": "Hi!"}])


def failing(assertion, *arguments, **options):
    with pytest.raises(AssertionError) as raised:
        assertion(*arguments, **options)
    return str(raised.value)


# Rules


def test_a_rule_is_added_and_given(mock):
    rule = mock.when(user={"contains": "hi"}).reply("hello")
    assert content(post(mock, user("oh hi there"))) == "hello"
    assert mock.exchanges[-1].rule == rule.id


def test_conditions_as_a_mapping_and_by_name(mock):
    mock.when({"not": {"model": "gpt-4o"}}, user="x").reply("other")
    assert post(mock, user("x")).status_code == 400
    assert content(post(mock, {**user("x"), "model": "gpt-4.1"})) == "other"


@pytest.mark.parametrize("replies", [["one", "two"], [["one", "two"]]])
def test_replies_in_turn(mock, replies):
    mock.when(user="next").replies(*replies, then="cycle")
    assert [content(post(mock, user("next"))) for _ in range(3)] == ["one", "two", "one"]


def test_an_error_in_the_words_of_the_api_or_in_others(mock):
    mock.when(user="slow down").error(429, retry_after=2, message="Slow down.")
    mock.when(user="broken").error(503)
    slow, broken = post(mock, user("slow down")), post(mock, user("broken"))
    assert (slow.status_code, slow.headers["retry-after"], slow.json()["error"]["message"]) == (429, "2", "Slow down.")
    assert broken.status_code == 503
    assert broken.json()["error"]["message"]


def test_a_function_of_the_ask(mock):
    mock.when(user={"any": True}).reply(lambda ask: ask.user.upper())
    assert content(post(mock, user("loud"))) == "LOUD"


def test_times_and_priority_and_id(mock):
    rule = mock.when(user={"contains": "Hello"}).reply("first", times=1, priority=5, id="mine")
    assert rule.id == "mine"
    assert [content(post(mock, user("Hello"))) for _ in range(2)] == ["first", "Hi!"]


def test_a_wrong_rule_is_reported_as_in_a_file_and_not_added(mock):
    with pytest.raises(ConfigError, match="when: 'usr' is not a key of a condition; did you mean 'user'\\?"):
        mock.when(usr="x").reply("y")
    with pytest.raises(ConfigError, match="the id 'greet' is already used"):
        mock.when(user="x").reply("y", id="greet")
    assert len(mock.app.api.ruleset.rules) == 2


def test_a_miss_names_the_line_of_the_test(mock):
    mock.when(user="Goodby").reply("Bye.")
    assert re.search(r"test_assertions\.py:\d+\): user: expected exactly 'Goodby'", post(mock, user("Goodbye")).text)


# State


def test_exchanges_of_all_namespaces_in_their_order(mock):
    for name in ("b", "a", "b"):
        post(mock, user("Hello"), headers={"x-openaimock-namespace": name})
    assert [each.namespace for each in mock.exchanges] == ["b", "a", "b"]
    assert mock.exchanges[-1].ask.text == "Hello"


def test_unmatched(mock):
    post(mock, user("Hello"))
    post(mock, user("Hullo"))
    assert [each.ask.text for each in mock.unmatched] == ["Hullo"]


def test_coverage(mock):
    post(mock, user("Hello"))
    assert mock.coverage()["never"] == ["rule-1"]


def test_reset_forgets_rules_and_state(serve):
    mock = serve({"clock": "2026-01-01T00:00:00Z", "responses": [{"when": {"user": "x"}, "replies": ["one", "two"]}]})
    mock.when(user="y").reply("z")
    before = post(mock, user("x")).text
    mock.advance(60)
    mock.reset()
    assert mock.exchanges == []
    assert post(mock, user("x")).text == before
    assert post(mock, user("y")).status_code == 400


def test_advance_moves_what_is_created(serve):
    mock = serve({"clock": "2026-01-01T00:00:00Z", "unmatched": "echo"})
    first = post(mock, user("x")).json()["created"]
    mock.advance(90)
    assert post(mock, user("x")).json()["created"] == first + 90


# Assertions


def test_called(mock):
    post(mock, user("Hello", stream=True))
    mock.assert_called()
    mock.assert_called(user={"contains": "hell"}, times=1)
    mock.assert_called({"user": "Hello"}, stream=True)
    mock.assert_called(rule="greet")
    mock.assert_not_called(user="Goodbye")
    mock.assert_called(user="Goodbye", times=0)


def test_too_few_calls_list_the_nearest_and_the_difference(mock):
    post(mock, user("Hello"))
    post(mock, user("something else"))
    assert failing(mock.assert_called, user="Hallo").splitlines() == [
        "expected at least 1 request with user='Hallo', got 0 of 2.",
        "Nearest:",
        "  #1 POST /v1/chat/completions 'Hello' -> 200, rule greet: user: expected exactly 'Hallo', got 'Hello' (80% similar)",
        "  #2 POST /v1/chat/completions 'something else' -> 400, no rule: user: expected exactly 'Hallo', got 'something else'"
        " (11% similar)",
    ]


def test_called_too_often_lists_them(mock):
    post(mock, user("Hello"))
    post(mock, user("Hello"))
    message = failing(mock.assert_called, user="Hello", times=1)
    assert message.startswith("expected exactly 1 request with user='Hello', got 2 of 2.\nThey are:\n  #1 POST")
    assert "expected no request" in failing(mock.assert_not_called, user="Hello")


def test_another_rule_answered(mock):
    post(mock, user("Hello"))
    assert failing(mock.assert_called, rule="rule-1").endswith("rule greet answered")
    assert "expected at least 1 request with anything, got 0 of 0." in failing(mock_of_nothing(mock).assert_called)


def mock_of_nothing(mock):
    mock.reset()
    return mock


def test_conditions_that_are_none(mock):
    with pytest.raises(ConfigError, match=r"^when: 'usr' is not a key of a condition; did you mean 'user'\?$"):
        mock.assert_called(usr="x")


def test_a_failure_shows_no_secret(serve):
    mock = serve({"api_key": "sk-very-secret-key", "unmatched": "echo"})
    post(mock, user("my key is sk-very-secret-key"), headers={"authorization": "Bearer sk-very-secret-key"})
    message = failing(mock.assert_called, header={"authorization": "Bearer none"})
    assert "my key is" in message
    assert "very-secret" not in message


def test_tool_called(mock):
    post(mock, user("weather"))
    mock.assert_tool_called("get_weather")
    mock.assert_tool_called("get_weather", {"city": "SF"}, times=1)
    mock.assert_tool_called("get_weather", arguments={"city": {"contains": "s"}, "days": 3, "at": {"hour": 9}})
    mock.assert_tool_called("get_weather", {"at.hour": 9})
    mock.assert_tool_called("other", times=0)


def test_tool_called_with_other_arguments(mock):
    post(mock, user("weather"))
    message = failing(mock.assert_tool_called, "get_weather", arguments={"city": "LA"})
    assert message.startswith(
        "expected at least 1 call of tool 'get_weather' with arguments {'city': 'LA'}, got 0 of 1 tool call."
    )
    assert message.endswith("city: expected exactly 'LA', got 'SF'")
    assert "expected {}, got {'city'" in failing(mock.assert_tool_called, "get_weather", {})
    assert "it calls 'get_weather'" in failing(mock.assert_tool_called, "get_time")


def test_a_call_that_never_left_does_not_count(serve):
    mock = serve([{**TOOL, "reply": {**TOOL["reply"], "fail": {"times": 1, "error": 500}}}])
    assert post(mock, user("weather")).status_code == 500
    mock.assert_tool_called("get_weather", times=0)
    post(mock, user("weather"))
    mock.assert_tool_called("get_weather", times=1)


def test_calls_of_the_responses_api_count_too(mock):
    post(mock, {"model": "gpt-4o", "input": "weather"}, "/responses")
    mock.assert_tool_called("get_weather", {"days": 3})


def test_order(mock):
    for text in ("Hello", "weather", "Hello"):
        post(mock, user(text))
    mock.assert_order([{"user": "Hello"}, {"user": "weather"}, {"user": "Hello"}])
    mock.assert_order(["greet", "greet"])
    mock.assert_order([])


def test_another_order(mock):
    post(mock, user("Hello"))
    post(mock, user("weather"))
    message = failing(mock.assert_order, ["rule-1", {"user": "Hello"}])
    assert message.splitlines()[0] == "step 2 of 2: expected a request with user='Hello' after #2, got none (only before it)."
    assert message.splitlines()[-1] == "  #2 POST /v1/chat/completions 'weather' -> 200, rule rule-1"


def test_the_input_of_a_custom_tool(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"tool_calls": [{"name": "shell", "input": "ls -l"}]}}])
    post(mock, user("x"))
    mock.assert_tool_called("shell", "ls -l")
    assert "expected exactly 'ls', got 'ls -l'" in failing(mock.assert_tool_called, "shell", "ls")
