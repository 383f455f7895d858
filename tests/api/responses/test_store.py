"""Responses over several requests: matching, stored responses and their operations."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai.types.responses import (
    CompactedResponse,
    InputTokenCountResponse,
    ResponseItemList,
)

from openaimock.api.responses import store

from ...support.answers import ask, checked, kinds, listed, refused, respond, stream
from ...support.wire import post, strictly

FLOW = {
    "id": "weather",
    "messages": [
        {"role": "user", "content": "weather", "matcher": "contains"},
        {"role": "assistant", "tool_calls": [{"id": "call_abc", "name": "get_weather", "arguments": {"city": "SF"}}]},
        {"role": "tool", "tool_call_id": "call_abc", "matcher": "any"},
        {"role": "assistant", "content": "It is sunny."},
        {"role": "user", "content": "thanks"},
        {"role": "assistant", "content": "You are welcome."},
    ],
}
RULES = [FLOW, {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi there! How are you?"}]
RESULT = {"type": "function_call_output", "call_id": "call_abc", "output": "18 degrees"}


@pytest.fixture
def mock(serve):
    return serve(RULES)


def text(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def get(mock, path):
    return httpx.get(mock.url + path, trust_env=False)


# What rules see


def test_a_conversation_by_previous_response_id(mock):
    first = respond(mock, ask("the weather?"))
    second = respond(mock, ask([RESULT], previous_response_id=first["id"]))
    third = respond(mock, ask("thanks", previous_response_id=second["id"]))
    assert (first["output"][0]["call_id"], text(second), text(third)) == ("call_abc", "It is sunny.", "You are welcome.")
    assert third["previous_response_id"] == second["id"]


def test_a_conversation_sent_back_whole(mock):
    items = [{"role": "user", "content": "the weather?"}]
    items += [*respond(mock, ask(items))["output"], RESULT]
    items += [*respond(mock, ask(items))["output"], {"role": "user", "content": "thanks"}]
    assert text(respond(mock, ask(items, store=False))) == "You are welcome."


def test_a_conversation_by_item_reference(mock):
    first = respond(mock, ask("the weather?"))
    items = [{"role": "user", "content": "the weather?"}, {"type": "item_reference", "id": first["output"][0]["id"]}, RESULT]
    assert text(respond(mock, ask(items))) == "It is sunny."
    items[1] = {"id": first["output"][0]["id"]}
    assert text(respond(mock, ask(items))) == "It is sunny."


def test_an_unknown_item_reference(mock):
    status, param, code, message = refused(mock, ask([{"type": "item_reference", "id": "rs_x"}]))
    assert (status, param, code) == (404, "input", None)
    assert message.startswith("Item with id 'rs_x' not found. Items are not persisted when `store` is set to false.")


def test_a_conversation_by_conversation(mock, client):
    conversation = client(mock).conversations.create()
    respond(mock, ask("the weather?", conversation=conversation.id))
    second = respond(mock, ask([RESULT], conversation={"id": conversation.id}))
    assert (text(second), second["conversation"]) == ("It is sunny.", {"id": conversation.id})


def last_ask(mock):
    """The Ask of the last request."""
    return list(mock.app.api.namespaces["default"].exchanges())[-1].ask


def test_instructions_lead_as_a_system_message(mock):
    respond(mock, ask("Hello", instructions="Be kind."))
    assert [(message.role, message.text) for message in last_ask(mock).messages] == [("system", "Be kind."), ("user", "Hello")]


def test_instructions_are_not_carried_over(mock):
    first = respond(mock, ask("Hello", instructions="Be kind."))
    respond(mock, ask("Hello", previous_response_id=first["id"]))
    assert [message.role for message in last_ask(mock).messages] == ["user", "assistant", "user"]


def test_text_and_calls_of_one_turn_are_one_message(mock):
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    items = [
        {"role": "user", "content": "Hello"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hm."}],
        },
        call,
        {**call, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
        {"role": "user", "content": "Hello"},
    ]
    respond(mock, ask(items))
    messages = last_ask(mock).messages
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert (messages[1].text, [call.id for call in messages[1].tool_calls]) == ("Hm.", ["c1", "c2"])
    assert [(message.tool_call_id, message.text) for message in messages[2:4]] == [("c1", "one"), ("c2", "two")]


def test_parts_have_the_names_they_have_in_chat(mock):
    parts = [
        {"type": "input_text", "text": "Hello"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA"},
        {"type": "input_file", "file_id": "file-1"},
    ]
    respond(mock, ask([{"role": "user", "content": parts}]))
    assert last_ask(mock).messages[0].parts == ("text", "image_url", "file")


@pytest.mark.parametrize(
    ("item", "role", "call_id", "content"),
    [
        ({"type": "custom_tool_call_output", "call_id": "c", "output": "x"}, "tool", "c", "x"),
        (
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [{"stdout": "a", "stderr": "b", "outcome": {"type": "timeout"}}],
            },
            "tool",
            "c",
            "a\nb",
        ),
        ({"type": "local_shell_call_output", "id": "c", "output": "x"}, "tool", "c", "x"),
        ({"type": "apply_patch_call_output", "call_id": "c", "status": "failed"}, "tool", "c", "failed"),
        ({"type": "mcp_approval_response", "approval_request_id": "c", "approve": True}, "tool", "c", "true"),
        (
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "data:"}},
            "tool",
            "c",
            "",
        ),
        ({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"}, "assistant", None, ""),
        ({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}, "assistant", None, ""),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_items_are_messages(mock, item, role, call_id, content):
    respond(mock, ask([item, {"role": "user", "content": "Hello"}]))
    message = last_ask(mock).messages[0]
    assert (message.role, message.tool_call_id, message.text) == (role, call_id, content)


def test_the_text_is_the_last_user_message_of_the_chain(mock):
    first = respond(mock, ask("the weather?"))
    respond(mock, ask([RESULT], previous_response_id=first["id"]))
    assert (last_ask(mock).text, last_ask(mock).has_tool_result, last_ask(mock).tool_call_id) == (
        "the weather?",
        True,
        "call_abc",
    )


def test_what_else_rules_may_ask_about(mock):
    tools = [
        {"type": "function", "name": "f"},
        {"type": "web_search"},
        {"type": "namespace", "name": "n", "description": "", "tools": [{"type": "custom", "name": "g"}]},
    ]
    format = {"type": "json_schema", "name": "City", "schema": {}}
    respond(mock, ask("Hello", tools=tools, tool_choice={"type": "function", "name": "f"}, text={"format": format}))
    asked = last_ask(mock)
    assert (asked.tools, asked.tool_choice) == (("f", "web_search", "n", "g"), "f")
    assert (asked.response_format, asked.schema_name) == ("json_schema", "City")


# What is stored


def test_retrieve(mock, client):
    response = client(mock).responses.create(**ask("Hello"))
    assert client(mock).responses.retrieve(response.id) == response


def test_what_is_not_stored_is_not_found(mock):
    response = respond(mock, ask("Hello", store=False))
    answer = get(mock, f"/responses/{response['id']}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"Response with id '{response['id']}' not found."
    message = f"Previous response with id '{response['id']}' not found."
    assert refused(mock, ask("Hello", previous_response_id=response["id"])) == (
        400,
        "previous_response_id",
        "previous_response_not_found",
        message,
    )


def test_delete(mock, client):
    response = client(mock).responses.create(**ask("Hello"))
    assert client(mock).responses.delete(response.id) is None
    with pytest.raises(openai.NotFoundError):
        client(mock).responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError):
        client(mock).responses.delete(response.id)


def test_beta_twins_are_the_same_operations(mock):
    response = post(mock, ask("Hello"), "/responses?beta=true").json()
    assert get(mock, f"/responses/{response['id']}?beta=true").json() == response


@pytest.mark.parametrize("question", ["Hello", "the weather?"])
def test_retrieve_as_a_stream_gives_the_same_events(mock, question):
    whole = post(mock, ask(question, stream=True), "/responses").text
    id = checked(whole)[-1]["response"]["id"]
    assert get(mock, f"/responses/{id}?stream=true").text == whole
    rest = checked(get(mock, f"/responses/{id}?stream=true&starting_after=4").text)
    assert rest == checked(whole)[5:]


def test_a_second_stream_has_the_same_deltas(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "one two three", "pace": {"chunk": "word"}}}])
    whole = post(mock, ask("x", stream=True), "/responses").text
    assert get(mock, f"/responses/{checked(whole)[-1]['response']['id']}?stream=true").text == whole


def test_wrong_queries_are_refused(mock):
    response = respond(mock, ask("Hello"))
    for query in ("stream=maybe", "starting_after=x", "include=bogus"):
        assert get(mock, f"/responses/{response['id']}?{query}").status_code == 400


def test_the_oldest_response_is_deleted_past_the_limit(serve, monkeypatch):
    monkeypatch.setattr(store, "MAX_STORED", 3)
    mock = serve(RULES)
    response = [respond(mock, ask("Hello"))["id"] for _ in range(5)]
    assert [get(mock, f"/responses/{id}").status_code for id in response[:2]] == [404, 404]
    assert get(mock, f"/responses/{response[-1]}").status_code == 200


# Input items


def test_input_items(mock):
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    items = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "input_text", "text": "Hello"}, image]},
        {"role": "assistant", "content": "Hm."},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}", "id": None, "status": None},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"role": "user", "content": "Hello"},
    ]
    response = respond(mock, ask(items))
    page = get(mock, f"/responses/{response['id']}/input_items?order=asc").json()
    strictly(ResponseItemList, listed(page))
    assert [item.get("role", item["type"]) for item in page["data"]] == [
        "developer", "user", "assistant", "function_call", "function_call_output", "user",
    ]  # fmt: skip
    assert (page["first_id"], page["last_id"], page["has_more"]) == (page["data"][0]["id"], page["data"][-1]["id"], False)
    assert page["data"][1]["content"][1]["detail"] == "auto"


def test_input_items_hold_what_came_before(mock, client):
    first = respond(mock, ask("the weather?"))
    second = respond(mock, ask([RESULT], previous_response_id=first["id"]))
    items = client(mock).responses.input_items.list(second["id"], order="asc").data
    assert [item.type for item in items] == ["message", "function_call", "function_call_output"]


def test_input_items_in_pages(mock, client):
    response = respond(
        mock, ask([{"role": "user", "content": str(number)} for number in range(4)] + [{"role": "user", "content": "Hello"}])
    )
    page = client(mock).responses.input_items.list(response["id"], limit=2)
    assert [item.content[0].text for item in page.data] == ["Hello", "3"]
    assert [item.content[0].text for item in page] == ["Hello", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("limit=0", "limit", "integer_below_min_value"),
        ("limit=101", "limit", "integer_above_max_value"),
        ("limit=x", "limit", "invalid_type"),
        ("order=up", "order", "invalid_value"),
        ("after=msg_x", "after", None),
    ],
)
def test_wrong_pages_are_refused(mock, query, param, code):
    response = respond(mock, ask("Hello"))
    error = get(mock, f"/responses/{response['id']}/input_items?{query}").json()["error"]
    assert (error["param"], error["code"]) == (param, code)


# In the background


def test_polling_returns_every_state(mock, client):
    sdk = client(mock)
    response = sdk.responses.create(**ask("Hello", background=True))
    states = [response.status, *(sdk.responses.retrieve(response.id).status for _ in range(3))]
    assert states == ["queued", "in_progress", "completed", "completed"]


def test_a_response_in_the_background_has_no_output_yet(mock):
    response = respond(mock, ask("Hello", background=True))
    assert (response["background"], response["output"], response["usage"], response["completed_at"]) == (True, [], None, None)
    get(mock, f"/responses/{response['id']}")
    done = get(mock, f"/responses/{response['id']}").json()
    assert text(done) == "Hi there! How are you?"
    assert done["completed_at"] is not None


def test_a_stream_in_the_background(mock):
    received = stream(mock, ask("Hello", background=True))
    assert kinds(received)[:4] == ["created", "queued", "in_progress", "output_item.added"]
    assert [event["response"]["status"] for event in received[:3]] == ["queued", "queued", "in_progress"]
    id = received[-1]["response"]["id"]
    assert get(mock, f"/responses/{id}").json() == {**received[-1]["response"], "billing": {"payer": "developer"}}
    assert checked(get(mock, f"/responses/{id}?stream=true&starting_after=2").text) == received[3:]


def test_streaming_a_response_that_is_queued_completes_it(mock):
    response = respond(mock, ask("Hello", background=True))
    received = checked(get(mock, f"/responses/{response['id']}?stream=true").text)
    assert received[-1]["type"] == "response.completed"
    assert get(mock, f"/responses/{response['id']}").json()["status"] == "completed"


def test_cancel(mock, client):
    sdk = client(mock)
    response = sdk.responses.create(**ask("Hello", background=True))
    assert sdk.responses.cancel(response.id).status == "cancelled"
    again = sdk.responses.cancel(response.id)
    assert (again.status, again.output) == ("cancelled", [])
    assert sdk.responses.retrieve(response.id) == again


def test_cancel_in_progress(mock, client):
    sdk = client(mock)
    response = sdk.responses.create(**ask("Hello", background=True))
    assert sdk.responses.retrieve(response.id).status == "in_progress"
    assert sdk.responses.cancel(response.id).status == "cancelled"


def test_what_cannot_be_cancelled(mock):
    response = respond(mock, ask("Hello"))
    path = f"/responses/{response['id']}/cancel"
    assert refused(mock, {}, path) == (400, "response_id", None, "Cannot cancel a synchronous response.")
    done = stream(mock, ask("Hello", background=True))[-1]["response"]["id"]
    assert refused(mock, {}, f"/responses/{done}/cancel")[3] == "Cannot cancel a completed response."
    assert refused(mock, {}, "/responses/resp_x/cancel")[0] == 404


def test_a_stream_that_is_cancelled_ends(serve, client):
    paced = {"content": "one two three four five", "pace": {"chunk": "word", "tps": 5}}
    mock = serve([{"when": {"user": "x"}, "reply": paced}])
    sdk = client(mock)
    received = []
    for event in sdk.responses.create(**ask("x"), background=True, stream=True):
        received.append(event)
        if event.type == "response.output_text.delta":
            sdk.responses.cancel(received[0].response.id)
    assert (received[-1].type, received[-1].response.status) == ("response.failed", "cancelled")
    assert [event.sequence_number for event in received] == list(range(len(received)))
    assert sum(event.type == "response.output_text.delta" for event in received) < 5


def test_failing_in_the_background(serve, client):
    mock = serve([{"when": {"user": "x"}, "reply": {"blocks": [{"item": {"type": "error", "message": "Oh no."}}]}}])
    sdk = client(mock)
    response = sdk.responses.create(**ask("x", background=True))
    states = [sdk.responses.retrieve(response.id).status for _ in range(2)]
    assert (response.status, states) == ("queued", ["in_progress", "failed"])
    assert sdk.responses.retrieve(response.id).error.message == "Oh no."


def test_the_background_needs_no_store(mock):
    response = respond(mock, ask("Hello", background=True, store=False))
    assert get(mock, f"/responses/{response['id']}").json()["status"] == "in_progress"


# Counting and compacting


def test_input_tokens_equal_those_of_usage(mock):
    body = ask("Hello", instructions="Be kind.", tools=[{"type": "function", "name": "f", "parameters": {}}])
    counted = post(mock, body, "/responses/input_tokens").json()
    strictly(InputTokenCountResponse, counted)
    assert counted["input_tokens"] == respond(mock, body)["usage"]["input_tokens"]


def test_counting_uses_up_no_rule(serve, client):
    mock = serve([{"when": {"user": "Hello"}, "reply": "Hi", "times": 1}])
    sdk = client(mock)
    assert sdk.responses.input_tokens.count(**ask("Hello")).input_tokens > 0
    assert sdk.responses.create(**ask("Hello")).output_text == "Hi"


def test_counting_a_chain(mock):
    first = respond(mock, ask("Hello"))
    alone = post(mock, ask("Hello"), "/responses/input_tokens").json()["input_tokens"]
    after = post(mock, ask("Hello", previous_response_id=first["id"]), "/responses/input_tokens").json()["input_tokens"]
    assert after > alone


def test_compact(mock):
    items = [{"role": "user", "content": "the weather?"}, *respond(mock, ask("the weather?"))["output"]]
    compacted = post(mock, ask(items), "/responses/compact").json()
    # The SDK's type has no user messages here; the API sends them.
    strictly(CompactedResponse, {**compacted, "output": compacted["output"][1:]})
    assert [item["type"] for item in compacted["output"]] == ["message", "compaction"]
    assert compacted["output"][0]["content"] == [{"type": "input_text", "text": "the weather?"}]
    assert text(respond(mock, ask([*compacted["output"], RESULT]))) == "It is sunny."


def test_compact_a_chain(mock):
    first = respond(mock, ask("the weather?"))
    compacted = post(mock, {"model": "gpt-4o", "previous_response_id": first["id"]}, "/responses/compact").json()
    second = post(mock, ask(compacted["output"]), "/responses/compact").json()
    assert [item["type"] for item in second["output"]] == ["message", "compaction"]
    assert text(respond(mock, ask([*second["output"], RESULT]))) == "It is sunny."


@pytest.mark.parametrize("content", ["", "gAAAAABnonsense", "gAAAAABeJwzNAQAAJQAYw==", "ü"])
def test_a_foreign_compaction_has_no_messages(mock, content):
    body = ask([{"type": "compaction", "encrypted_content": content}, {"role": "user", "content": "Hello"}])
    assert text(respond(mock, body)) == "Hi there! How are you?"


def test_compact_wants_a_model_and_something_to_compact(mock):
    assert refused(mock, {"input": "x"}, "/responses/compact")[1] == "model"
    assert refused(mock, {"model": "m"}, "/responses/compact")[2] == "missing_required_parameter"
