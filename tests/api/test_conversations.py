"""Conversations and their items, through the official client and extended by responses."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList

from ..support.answers import ask, refused, respond
from ..support.wire import post, strictly

RULES = [
    {"when": {"user": "Hello"}, "reply": {"reasoning": "Hm.", "content": "Hi there!"}},
    {"when": {"user": "weather"}, "reply": {"tool_calls": [{"name": "f", "arguments": {}}]}},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def message(content, role="user"):
    return {"type": "message", "role": role, "content": content}


def test_create(mock):
    conversation = post(mock, {"metadata": {"topic": "demo"}}, "/conversations").json()
    strictly(Conversation, conversation)
    assert (conversation["id"][:5], conversation["object"], conversation["metadata"]) == (
        "conv_",
        "conversation",
        {"topic": "demo"},
    )


def test_create_without_a_body(mock):
    answer = httpx.post(f"{mock.url}/conversations", trust_env=False)
    assert answer.json()["metadata"] == {}


def test_create_with_items(sdk):
    conversation = sdk.conversations.create(items=[message("one"), message("two", "assistant")])
    items = sdk.conversations.items.list(conversation.id, order="asc").data
    assert [(item.role, item.content[0].type, item.content[0].text) for item in items] == [
        ("user", "input_text", "one"),
        ("assistant", "output_text", "two"),
    ]


def test_retrieve_update_and_delete(mock, sdk):
    conversation = sdk.conversations.create(metadata={"a": "1"})
    assert sdk.conversations.retrieve(conversation.id) == conversation
    assert sdk.conversations.update(conversation.id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert sdk.conversations.retrieve(conversation.id).metadata == {"b": "2"}
    answer = httpx.delete(f"{mock.url}/conversations/{conversation.id}", trust_env=False).json()
    strictly(ConversationDeletedResource, answer)
    assert answer == {"id": conversation.id, "object": "conversation.deleted", "deleted": True}
    with pytest.raises(openai.NotFoundError, match=f"Conversation with id '{conversation.id}' not found."):
        sdk.conversations.retrieve(conversation.id)


def test_items(mock, sdk):
    conversation = sdk.conversations.create()
    added = sdk.conversations.items.create(conversation.id, items=[message("one"), message("two")])
    assert [item.status for item in added.data] == ["completed", "completed"]
    assert (added.first_id, added.last_id) == (added.data[0].id, added.data[1].id)
    assert sdk.conversations.items.retrieve(added.first_id, conversation_id=conversation.id) == added.data[0]
    assert sdk.conversations.items.delete(added.first_id, conversation_id=conversation.id) == conversation
    assert [item.id for item in sdk.conversations.items.list(conversation.id)] == [added.last_id]
    with pytest.raises(openai.NotFoundError):
        sdk.conversations.items.retrieve(added.first_id, conversation_id=conversation.id)


def test_items_in_pages(sdk):
    conversation = sdk.conversations.create(items=[message(str(number)) for number in range(5)])
    page = sdk.conversations.items.list(conversation.id, limit=2)
    assert (len(page.data), page.has_more) == (2, True)
    assert [item.content[0].text for item in page] == ["4", "3", "2", "1", "0"]


def test_lists_fit_the_type_of_the_sdk(mock, sdk):
    conversation = sdk.conversations.create()
    empty = httpx.get(f"{mock.url}/conversations/{conversation.id}/items", trust_env=False).json()
    strictly(ConversationItemList, empty)
    respond(mock, ask("Hello", conversation=conversation.id))
    respond(mock, ask("weather", conversation=conversation.id))
    sdk.conversations.items.create(conversation.id, items=[{"type": "function_call_output", "call_id": "c", "output": "x"}])
    strictly(ConversationItemList, httpx.get(f"{mock.url}/conversations/{conversation.id}/items", trust_env=False).json())


def test_responses_add_to_it(mock, sdk):
    conversation = sdk.conversations.create(items=[message("Be kind.", "developer")])
    response = respond(mock, ask("Hello", conversation=conversation.id))
    items = sdk.conversations.items.list(conversation.id, order="asc").data
    assert [getattr(item, "role", item.type) for item in items] == ["developer", "user", "reasoning", "assistant"]
    assert [item.id for item in items[2:]] == [item["id"] for item in response["output"]]


def test_responses_that_are_not_stored_add_to_it_too(mock, sdk):
    conversation = sdk.conversations.create()
    respond(mock, ask("Hello", conversation=conversation.id, store=False))
    assert len(sdk.conversations.items.list(conversation.id).data) == 3


def test_a_response_in_the_background_adds_to_it_when_it_has_ended(mock, sdk):
    conversation = sdk.conversations.create()
    response = respond(mock, ask("Hello", conversation=conversation.id, background=True))
    assert sdk.conversations.items.list(conversation.id).data == []
    sdk.responses.retrieve(response["id"])
    assert sdk.responses.retrieve(response["id"]).status == "completed"
    assert len(sdk.conversations.items.list(conversation.id).data) == 3


def test_deleting_a_response_leaves_the_conversation(mock, sdk):
    conversation = sdk.conversations.create()
    response = respond(mock, ask("Hello", conversation=conversation.id))
    sdk.responses.delete(response["id"])
    assert len(sdk.conversations.items.list(conversation.id).data) == 3


def test_input_items_hold_the_conversation(mock, sdk):
    conversation = sdk.conversations.create(items=[message("before")])
    response = respond(mock, ask("Hello", conversation=conversation.id))
    sdk.conversations.items.create(conversation.id, items=[message("after")])
    items = sdk.responses.input_items.list(response["id"], order="asc").data
    assert [item.content[0].text for item in items] == ["before", "Hello"]


def test_an_unknown_conversation(mock):
    message = "Conversation with id 'conv_x' not found."
    assert refused(mock, ask("Hello", conversation="conv_x")) == (404, None, None, message)
    assert refused(mock, {"items": []}, "/conversations/conv_x/items") == (404, None, None, message)


@pytest.mark.parametrize(
    ("body", "path", "param", "code"),
    [
        ({"items": [message("x")] * 21}, "", "items", "array_above_max_length"),
        ({"items": [{"type": "bogus"}]}, "", "items[0]", "invalid_value"),
        ({"metadata": {"a": 1}}, "", "metadata.a", "invalid_type"),
        ({"metadata": {str(number): "" for number in range(17)}}, "", "metadata", "object_above_max_properties"),
        ({}, "/{id}/items", "items", "missing_required_parameter"),
        ({"items": "x"}, "/{id}/items", "items", "invalid_type"),
        ({}, "/{id}", "metadata", "missing_required_parameter"),
    ],
)
def test_refusals(mock, sdk, body, path, param, code):
    id = sdk.conversations.create().id
    assert refused(mock, body, "/conversations" + path.format(id=id))[:3] == (400, param, code)


def test_nulls_are_absent(mock):
    assert post(mock, {"items": None, "metadata": None}, "/conversations").json()["metadata"] == {}


def test_a_rule_may_still_answer(serve):
    mock = serve([{"when": {"endpoint": "conversations"}, "reply": {"error": 429}}])
    assert post(mock, {}, "/conversations").status_code == 429


def test_rules_for_what_users_say_are_not_used_up(serve, client):
    mock = serve([{"when": {"message": "Hello"}, "reply": "Hi", "times": 1}])
    sdk = client(mock)
    conversation = sdk.conversations.create(items=[message("Hello")])
    sdk.conversations.items.create(conversation.id, items=[message("Hello")])
    assert sdk.responses.create(**ask("Hello")).output_text == "Hi"
