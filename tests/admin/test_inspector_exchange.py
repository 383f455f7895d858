"""The inspector in a real browser: one exchange with its conversation, answer, timeline and actions."""

from __future__ import annotations

import contextlib
import io
import threading

import httpx
import pytest
import yaml

from ..support.browser import all_of, button, detail, rows, show, text_of, turn_to, until
from ..support.wire import post, user

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "weather", "when": {"tool": {"contains": "21"}}, "reply": "It is sunny."},
    {"id": "paced", "when": {"user": "paced"}, "reply": {"content": "one two", "pace": {"gaps": [1, 30, 1]}}},
    {
        "id": "cut",
        "when": {"user": "cut"},
        "reply": {"content": "one two three four", "fault": {"kind": "disconnect", "after": 3}},
    },
    {"id": "call", "when": {"user": "call"}, "reply": {"tool_calls": [{"name": "look", "arguments": {"at": "sea"}}]}},
    {"id": "limit", "when": {"user": "limit"}, "reply": {"error": {"code": "rate_limit_exceeded"}}},
    {"id": "held", "when": {"user": "wait"}, "reply": {"content": "done", "hold": "gate"}},
]
LOOP = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"degrees": 21}'},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def bubbles(browser):
    return browser.execute_script("return [...document.querySelectorAll('.bubble')].map((node) => node.innerText)")


def last_bubble(browser, mock, place="id=1"):
    detail(browser, mock, place)
    return bubbles(browser)[-1]


def test_a_tool_loop_is_a_conversation_with_the_system_message_folded(page, mock):
    post(mock, {"model": "gpt-4o", "messages": LOOP})
    detail(page, mock, "id=1")
    system, question, call, result, reply = bubbles(page)
    assert "Be brief." in system
    assert not page.find_element("css selector", ".bubble.system").get_attribute("open")
    assert "Weather?" in question
    assert "calls get_weather" in call and '"city": "Paris"' in call
    assert "result of get_weather" in result and '"degrees": 21' in result
    assert "It is sunny." in reply


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "member"), [("/chat/completions", "messages"), ("/responses", "input")])
def test_the_reply_is_the_one_that_was_received(page, mock, path, member, stream):
    for text in ("Hello", "call"):
        body = {"model": "gpt-4o", member: text if member == "input" else [{"role": "user", "content": text}]}
        post(mock, {**body, "stream": stream}, path)
    assert "Hi!" in last_bubble(page, mock, "id=1")
    reply = last_bubble(page, mock, "id=2")
    assert "calls look" in reply and '"at": "sea"' in reply


def test_a_cut_stream_shows_what_arrived_and_the_fault_by_its_name(page, mock):
    with contextlib.suppress(httpx.RemoteProtocolError):
        post(mock, user("cut", stream=True))
    assert last_bubble(page, mock).split("\n")[-1] == "one two"
    assert "fault: disconnect after 3" in text_of(page, "#detail .facts")
    assert "fault: disconnect" in rows(page)[0]


def test_the_header_line_names_attempt_stream_and_tokens(page, mock):
    body = user("Hello", stream=True, stream_options={"include_usage": True})
    post(mock, body, headers={"x-stainless-retry-count": "1"})
    detail(page, mock, "id=1")
    facts = text_of(page, "#detail .facts").split("\n")
    assert {"status 200", "rule hello", "model gpt-4o", "stream", "attempt 2", "tokens 8 in, 2 out"} <= set(facts)


def test_an_error_is_shown_with_its_code(page, mock):
    post(mock, user("limit"))
    assert "rate_limit_exceeded" in last_bubble(page, mock)
    assert "rate_limit_exceeded" in rows(page)[0]


def test_the_keys_of_the_timeline_show_each_piece(page, mock):
    from selenium.webdriver import Keys

    post(mock, user("paced", stream=True))
    detail(page, mock, "id=1")
    assert "longest gap" in text_of(page, ".timeline")
    chart = page.find_element("css selector", ".chart")
    chart.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert text_of(page, ".piece").startswith("piece 3 at ") and text_of(page, ".piece").endswith("two")
    assert chart.get_attribute("aria-valuenow") == "3"


def test_the_pointer_shows_the_piece_under_it(page, mock):
    from selenium.webdriver import ActionChains

    post(mock, user("paced", stream=True))
    detail(page, mock, "id=1")
    ActionChains(page).move_to_element(page.find_element("css selector", ".chart")).perform()
    assert text_of(page, ".piece").startswith("piece ")


def test_the_events_are_shown_as_sent(page, mock):
    sent = post(mock, user("Hello", stream=True)).text
    detail(page, mock, "id=1")
    page.execute_script("document.querySelectorAll('#detail details').forEach((node) => { node.open = true; })")
    texts = page.execute_script("return [...document.querySelectorAll('.events code')].map((node) => node.textContent)")
    assert texts == sent.strip().split("\n\n")


def test_a_miss_becomes_a_rule_that_answers_the_replay(page, mock):
    post(mock, user('New: "quoted"\nline'))
    detail(page, mock, "id=1")
    button(page, "Make a rule").click()
    button(page, "Add to the mock").click()
    until(page, lambda: "Added:" in text_of(page, "#editor"))
    button(page, "Replay").click()
    until(page, lambda: "#2" in text_of(page, "#detail h2"))
    assert "status 200" in text_of(page, "#detail .facts") and "Hello!" in bubbles(page)[-1]


def test_a_wrong_rule_is_refused_with_the_reason(page, mock):
    post(mock, user("new"))
    detail(page, mock, "id=1")
    button(page, "Make a rule").click()
    page.find_element("css selector", "#editor textarea").send_keys("nonsense: [")
    button(page, "Add to the mock").click()
    until(page, lambda: text_of(page, "#editor .bad"))
    # The answer 400 is in the console.
    page.get_log("browser")


def test_an_exchange_is_saved_as_a_rule(page, mock):
    post(mock, user("Hello"))
    detail(page, mock, "id=1")
    button(page, "Save as rule").click()
    until(page, lambda: all_of(page, "#editor textarea"))
    [rule] = yaml.safe_load(page.find_element("css selector", "#editor textarea").get_property("value"))["responses"]
    assert "Hello" in str(rule) and "Hi!" in str(rule)


def test_an_exchange_is_opened_in_try(page, mock):
    post(mock, user("Hello"))
    detail(page, mock, "id=1")
    button(page, "Open in Try").click()
    assert '"Hello"' in page.find_element("id", "body").get_property("value")
    page.find_element("id", "explain").click()
    until(page, lambda: "hello answers" in text_of(page, "#outcome"))


AZURE, MINE = "/openai/deployments/gpt-4o/chat/completions", "/t/mine/v1/chat/completions"


@pytest.mark.parametrize(
    ("path", "options"),
    [("/v1/chat/completions", {}), ("/v1/chat/completions", {"stream": True, "temprature": 1}), (AZURE, {}), (MINE, {"x-y": 1})],
)
def test_the_copied_program_runs(page, mock, path, options):
    with httpx.Client(trust_env=False) as http:
        assert http.post(mock.url.removesuffix("/v1") + path, json=user("Hello", **options)).is_success
    detail(page, mock, "id=1")
    script = "const done = arguments[0]; api('GET', 'exchanges/1?answer=true').then((exchange) => done(program(exchange)))"
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(page.execute_async_script(script), {})
    assert "'Hi" in output.getvalue()
    both = [exchange for namespace in mock.app.api.namespaces for exchange in namespace.exchanges()]
    assert len({exchange.namespace for exchange in both}) == 1 and len(both) == 2


def test_the_copied_command_repeats_the_request(page, mock):
    import subprocess

    post(mock, user('It\'s "this"'))
    detail(page, mock, "id=1")
    script = "const done = arguments[0]; api('GET', 'exchanges/1').then((exchange) => done(curl(exchange)))"
    command = page.execute_async_script(script)
    subprocess.run(["sh", "-c", command + " --silent --noproxy '*'"], check=True, capture_output=True, timeout=30)
    assert len(mock.app.api.namespaces["default"].exchanges()) == 2
    assert mock.app.api.namespaces["default"].exchanges()[1].ask.user == 'It\'s "this"'


def test_pictures_and_sounds_are_shown(page, mock):
    post(mock, {"model": "gpt-image-1", "prompt": "a cat"}, "/images/generations")
    post(mock, {"model": "tts-1", "input": "Hi", "voice": "alloy"}, "/audio/speech")
    detail(page, mock, "id=1")
    until(page, lambda: page.execute_script("return document.querySelector('#detail img')?.naturalWidth > 0"))
    detail(page, mock, "id=2")
    assert "audio/mpeg" in text_of(page, "#detail figcaption")
    assert all_of(page, "#detail audio")


def test_every_kind_of_exchange_can_be_opened(page, mock):
    post(mock, {"model": "text-embedding-3-small", "input": ["a", "b"]}, "/embeddings")
    post(mock, {"model": "omni-moderation-latest", "input": "a"}, "/moderations")
    post(mock, {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}, "/completions")
    with httpx.Client(trust_env=False) as http:
        http.get(mock.url + "/models")
        http.get(mock.url + "/nowhere")
        http.post(mock.url + "/chat/completions", content=b"{")
        http.post(mock.url + "/files", files={"file": ("a.txt", b"text")}, data={"purpose": "assistants"})
        http.get(mock.url + "/files")
    show(page, mock)
    for order in range(1, 9):
        detail_text = turn_to(page, order)
        assert f"#{order}" in detail_text
        assert "[object" not in detail_text and "undefined" not in detail_text


ODD = [
    *([], "text", None, 1, {}),
    {"choices": [None, {}, {"message": "x"}, {"message": {"content": [{"text": "x"}], "tool_calls": [1, {}]}}]},
    {"output": [None, {"type": "message", "content": "x"}, {"type": 3}, {"name": {}}], "usage": [1]},
    {"error": "x", "usage": {"a": {"b": {}}}},
    {"error": {"message": {"a": 1}, "code": {}}},
    {"data": [None, {"embedding": "x"}], "object": "list"},
    {"results": [{"flagged": True}]},
    {"text": {}},
]
EVENTS = [
    {"choices": [{"delta": None}, {"delta": {"content": {}}, "index": "x"}]},
    {"type": "response.output_text.delta"},
    {"type": 5},
    [],
]


def test_answers_of_any_shape_can_be_opened(page, serve):
    import json

    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in EVENTS) + "data: {broken\n\nnothing"
    plain = [{"status": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)} for body in ODD]
    streamed = {"status": 200, "headers": {"content-type": "text/event-stream"}, "body": stream}
    mock = serve([{"when": {"user": "odd"}, "replies": [*plain, streamed, {"body": "\u0000\u0001"}, {"body": ""}]}])
    for _ in range(len(ODD) + 3):
        post(mock, user("odd"))
    show(page, mock)
    for order in range(1, len(ODD) + 4):
        detail_text = turn_to(page, order)
        assert f"#{order}" in detail_text and "[object" not in detail_text


def test_an_unknown_exchange_is_reported(page, mock):
    show(page, mock, "id=99")
    until(page, lambda: "no exchange '99'" in text_of(page, "#detail"))
    # The answer 404 is in the console.
    page.get_log("browser")


def test_a_held_request_is_released(page, mock):
    thread = threading.Thread(target=post, args=(mock, user("wait")))
    thread.start()
    show(page, mock, "view=holds")
    until(page, lambda: "1 request waiting at 1 hold" in text_of(page, "#holds"))
    button(page, "Release").click()
    thread.join(30)
    until(page, lambda: "No request waits" in text_of(page, "#holds"))
