"""Stored chat completions through the official client: kept when asked for, found, changed and deleted."""

from __future__ import annotations

import asyncio

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionDeleted, ChatCompletionStoreMessage

from ...support.wire import post, strictly, user

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi there!"},
    {"id": "calls", "when": {"user": "calls"}, "reply": {"tool_calls": [{"name": "f"}, {"name": "g", "arguments": {"a": 1}}]}},
    {"id": "sound", "when": {"user": "sound"}, "reply": {"content": "la", "audio": {"data": "AAAA"}}},
    {
        "id": "breaks",
        "when": {"user": "breaks"},
        "reply": {"content": "one two three", "fault": {"kind": "disconnect", "after": 2}},
    },
    {"id": "paced", "when": {"user": "paced"}, "reply": {"content": "one two three", "pace": {"tps": 10_000_000}}},
]
#: What a stored completion says of its request; the SDK's type does not list it, the API reference's examples do.
OF_THE_REQUEST = {
    "tool_choice", "seed", "top_p", "temperature", "presence_penalty", "frequency_penalty", "input_user", "tools",
    "response_format",
}  # fmt: skip


@pytest.fixture
def mock(serve):
    return serve({"responses": RULES, "lint": "off"})


@pytest.fixture
def sdk(mock, client):
    return client(mock).chat.completions


def kept(sdk, text="Hello", **more):
    return sdk.create(**user(text, store=True, **more))


def get(mock, path):
    with httpx.Client(trust_env=False) as http:
        return http.get(f"{mock.url}/chat/completions{path}")


def ids(page):
    return [entry.id for entry in page.data]


# Keeping


def test_a_stored_completion_is_what_was_answered(mock):
    answer = post(mock, user("Hello", store=True)).json()
    listed = get(mock, f"/{answer['id']}").json()
    same = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
    assert {name: listed[name] for name in same} == {name: answer[name] for name in same}
    assert listed.keys() - answer.keys() == OF_THE_REQUEST | {"metadata", "request_id"}
    strictly(ChatCompletion, {name: value for name, value in listed.items() if name not in OF_THE_REQUEST | {"request_id"}})


def test_a_stored_completion_has_the_form_of_the_list(mock):
    response = post(mock, user("Hello", store=True))
    listed = get(mock, f"/{response.json()['id']}").json()
    message = {"role": "assistant", "content": response.json()["choices"][0]["message"]["content"]}
    assert listed["choices"][0]["message"] == {**message, "tool_calls": None, "function_call": None}
    assert listed["usage"].keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert listed["request_id"] == response.headers["x-request-id"]
    assert isinstance(listed["seed"], int)


def test_an_alias_selects_the_completions_of_its_snapshot(sdk):
    completion = kept(sdk)
    assert ids(sdk.list(model="gpt-4o")) == ids(sdk.list(model="gpt-4o-2024-08-06")) == [completion.id]
    assert ids(sdk.list(model="gpt-4o-mini")) == []


def test_a_stored_completion_says_what_was_asked(sdk):
    tools = [{"type": "function", "function": {"name": "f"}}]
    completion = kept(sdk, temperature=0.5, seed=7, user="me", tools=tools, tool_choice="none", metadata={"a": "b"})
    listed = sdk.retrieve(completion.id).to_dict()
    assert (listed["temperature"], listed["top_p"], listed["seed"], listed["input_user"]) == (0.5, 1.0, 7, "me")
    assert (listed["tools"], listed["tool_choice"], listed["metadata"]) == (tools, "none", {"a": "b"})


@pytest.mark.parametrize("store", [False, None])
def test_others_are_not_kept(sdk, store):
    completion = sdk.create(**user("Hello", store=store))
    assert ids(sdk.list()) == []
    with pytest.raises(openai.NotFoundError, match=f"Completion {completion.id} not found"):
        sdk.retrieve(completion.id)


@pytest.mark.parametrize("text", ["Hello", "calls", "paced", "sound"])
def test_a_stream_is_kept_as_it_was_said(sdk, text):
    with sdk.stream(**user(text, store=True, logprobs=True, top_logprobs=2, n=2)) as streamed:
        final = streamed.get_final_completion()
    listed = sdk.retrieve(final.id)
    assert listed.object == "chat.completion"
    for choice, stored in zip(final.choices, listed.choices, strict=True):
        assert choice.finish_reason == stored.finish_reason
        assert (choice.message.content or None) == (stored.message.content if text != "sound" else "la")
        assert [call.id for call in choice.message.tool_calls or ()] == [call.id for call in stored.message.tool_calls or ()]
        assert (choice.logprobs and choice.logprobs.content) == (stored.logprobs and stored.logprobs.content)
    assert listed.usage.completion_tokens > 0


def test_a_stream_that_breaks_off_is_not_kept(mock, sdk):
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        post(mock, user("breaks", store=True, stream=True))
    assert ids(sdk.list()) == []


def test_a_refused_request_is_not_kept(sdk):
    with pytest.raises(openai.BadRequestError):
        kept(sdk, "nobody answers")
    assert ids(sdk.list()) == []


# Listing


def test_the_list_begins_with_the_oldest(sdk):
    completion = [kept(sdk).id for _ in range(3)]
    page = sdk.list()
    assert (ids(page), page.has_more) == (completion, False)


def test_newest_first(sdk):
    completion = [kept(sdk).id for _ in range(3)]
    assert ids(sdk.list(order="desc")) == completion[::-1]


def test_pages(sdk):
    completion = [kept(sdk).id for _ in range(5)]
    page = sdk.list(limit=2)
    assert (ids(page), page.has_more) == (completion[:2], True)
    assert ids(sdk.list(limit=2, after=completion[1])) == completion[2:4]
    assert [entry.id for entry in sdk.list(limit=2)] == completion


def test_a_page_has_twenty_unless_it_is_told_otherwise(sdk):
    for _ in range(21):
        kept(sdk)
    page = sdk.list()
    assert (len(page.data), page.has_more) == (20, True)


def test_the_list_object(mock):
    completion = post(mock, user("Hello", store=True)).json()["id"]
    page = get(mock, "").json()
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", completion, completion, False)


def test_an_empty_list_object(mock):
    assert get(mock, "").json() == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


def test_filters(sdk):
    one = kept(sdk, metadata={"a": "1", "b": "2"}).id
    two = kept(sdk, metadata={"a": "1"}).id
    three = sdk.create(**{**user("Hello", store=True), "model": "gpt-5"}).id
    assert ids(sdk.list(metadata={"a": "1"})) == [one, two]
    assert ids(sdk.list(metadata={"a": "1", "b": "2"})) == [one]
    assert ids(sdk.list(metadata={"a": "2"})) == []
    assert ids(sdk.list(model="gpt-5")) == [three]
    assert ids(sdk.list(metadata={"a": "1"}, after=one)) == [two]


@pytest.mark.parametrize(
    ("query", "param"), [("?after=nobody", "after"), ("?limit=0", "limit"), ("?limit=many", "limit"), ("?metadata=a", "metadata")]
)
def test_lists_that_the_api_would_not_give(mock, query, param):
    response = get(mock, query)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_namespaces_keep_their_own(mock, client):
    one, other = (client(mock, base_url=mock.url.replace("/v1", f"/t/{name}/v1")).chat.completions for name in ("one", "other"))
    kept(one)
    assert len(one.list().data) == 1
    assert ids(other.list()) == []


# Changing


def test_metadata_is_replaced(sdk):
    completion = kept(sdk, metadata={"a": "1"}).id
    assert sdk.update(completion, metadata={"b": "2"}).metadata == {"b": "2"}
    assert sdk.retrieve(completion).metadata == {"b": "2"}
    assert ids(sdk.list(metadata={"a": "1"})) == []


def test_null_takes_metadata_away(sdk):
    completion = kept(sdk, metadata={"a": "1"}).id
    assert sdk.update(completion, metadata=None).metadata == {}


def test_an_update_needs_metadata(mock, sdk):
    completion = kept(sdk).id
    error = post(mock, {}, f"/chat/completions/{completion}").json()["error"]
    assert (error["message"], error["param"]) == ("Missing required parameter: 'metadata'.", "metadata")


def test_deleting(mock, sdk):
    completion = kept(sdk).id
    with httpx.Client(trust_env=False) as http:
        answer = http.delete(f"{mock.url}/chat/completions/{completion}").json()
    strictly(ChatCompletionDeleted, answer)
    assert answer == {"object": "chat.completion.deleted", "id": completion, "deleted": True}
    with pytest.raises(openai.NotFoundError):
        sdk.delete(completion)


@pytest.mark.parametrize("operation", ["retrieve", "update", "delete", "messages"])
def test_what_is_not_there(sdk, operation):
    operations = {
        "retrieve": lambda: sdk.retrieve("nobody"),
        "update": lambda: sdk.update("nobody", metadata={}),
        "delete": lambda: sdk.delete("nobody"),
        "messages": lambda: sdk.messages.list("nobody"),
    }
    with pytest.raises(openai.NotFoundError, match="Completion nobody not found"):
        operations[operation]()


# Messages


def test_messages_of_a_stored_completion(sdk):
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be kind.", "name": "boss"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "user", "content": "Hello"},
    ]
    completion = sdk.create(model="gpt-4o", messages=messages, store=True).id
    listed = [entry.to_dict() for entry in sdk.messages.list(completion)]
    for entry in listed:
        # The type is that of the model's own messages, so it knows no other role.
        strictly(ChatCompletionStoreMessage, {
            name: value for name, value in {**entry, "role": "assistant", "refusal": None}.items()
            if name not in ("name", "tool_call_id")
        })  # fmt: skip
    assert [entry["id"] for entry in listed] == [f"{completion}-{at}" for at in range(5)]
    assert [entry["role"] for entry in listed] == ["system", "user", "assistant", "tool", "user"]
    assert (listed[0]["content"], listed[0]["name"], listed[0]["content_parts"]) == ("Be kind.", "boss", None)
    assert (listed[1]["content"], listed[1]["content_parts"]) == (None, parts)
    assert (listed[2]["tool_calls"], listed[3]["tool_call_id"]) == ([call], "call_1")


def test_messages_in_pages(sdk):
    messages = [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user", "content": "Hello"}]
    completion = sdk.create(model="gpt-4o", messages=messages, store=True).id
    page = sdk.messages.list(completion, limit=1, order="desc")
    assert ([entry.content for entry in page.data], page.has_more) == (["Hello"], True)
    assert [entry.content for entry in sdk.messages.list(completion, limit=1)] == ["a", "b", "Hello"]
    with pytest.raises(openai.BadRequestError, match="Item with id 'nobody' not found"):
        sdk.messages.list(completion, after="nobody")


def test_async_client(mock, async_client):
    async def through():
        async with async_client(mock) as sdk:
            completion = await sdk.chat.completions.create(**user("Hello", store=True))
            listed = [entry.id async for entry in sdk.chat.completions.list()]
            text = [entry.content async for entry in sdk.chat.completions.messages.list(completion.id)]
            return listed == [completion.id], text, (await sdk.chat.completions.delete(completion.id)).deleted

    assert asyncio.run(through()) == (True, ["Hello"], True)


# Log probabilities, which a stream deals out beside what it says


GIVEN = {
    "content": [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []} for token in ("Hi", " there", "!")],
    "refusal": None,
}


@pytest.mark.parametrize("chunk", ["token", "word", "char", 4])
def test_given_logprobs_are_streamed_beside_their_tokens(serve, client, chunk):
    reply = {"content": "Hi there!", "logprobs": GIVEN, "pace": {"chunk": chunk, "tps": 10_000_000}}
    mock = serve([{"when": {}, "reply": reply}])
    with client(mock).chat.completions.stream(**user("Hello", logprobs=True)) as streamed:
        text = streamed.get_final_completion().choices[0].logprobs.content
    assert [entry.to_dict() for entry in text] == GIVEN["content"]


def test_given_logprobs_go_on_from_block_to_block(serve, client):
    reply = {"blocks": [{"text": "Hi "}, {"text": "there!"}], "logprobs": GIVEN}
    with client(serve([{"when": {}, "reply": reply}])).chat.completions.stream(**user("Hello", logprobs=True)) as streamed:
        text = streamed.get_final_completion().choices[0].logprobs.content
    assert [entry.token for entry in text] == ["Hi", " there", "!"]
