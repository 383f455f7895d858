"""The official SDK as its users use it: streams, helpers, tool loops, raw answers, retries, Azure."""

from __future__ import annotations

import asyncio
import json

import httpx
import openai
import pytest
from openai import AsyncAzureOpenAI, AzureOpenAI, pydantic_function_tool
from pydantic import BaseModel

MODEL = "gpt-4o"
HELLO = "Hi there! How can I help you today?"
SAYS_HELLO = [{"role": "user", "content": "Hello"}]
ASKS_WEATHER = [{"role": "user", "content": "weather in Paris?"}]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


class get_weather(BaseModel):
    """The weather of a city."""

    city: str


CHAT_TOOL = pydantic_function_tool(get_weather)
TOOL = openai.pydantic_function_tool(get_weather)["function"] | {"type": "function"}
RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": HELLO},
    {"id": "person", "when": {"user": {"contains": "Jane"}}, "reply": {"content": {"name": "Jane", "age": 54}}},
    {"id": "refused", "when": {"user": "bad"}, "reply": {"refusal": "I cannot help with that."}},
    {
        "id": "asks",
        "when": {"user": {"contains": "weather"}, "has_tool_result": False},
        "reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]},
    },
    {"id": "tells", "when": {"tool": {"contains": "21"}, "has_tool_result": True}, "reply": "It is 21 degrees in Paris."},
    {"id": "busy", "when": {"user": "busy"}, "reply": {"content": "At last.", "fail": {"times": 2, "error": 429}}},
    {"id": "broken", "when": {"user": "broken"}, "reply": {"content": "At last.", "fail": {"times": 1, "error": 500}}},
    {"id": "down", "when": {"user": "down"}, "reply": {"error": 500}},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


@pytest.fixture
def patient(mock, client, monkeypatch):
    """A client that retries twice, as the SDK does by default, but does not wait."""
    monkeypatch.setattr(openai.OpenAI, "_calculate_retry_timeout", lambda *_, **__: 0)
    return client(mock, max_retries=2)


@pytest.fixture
def azure(mock):
    with AzureOpenAI(
        azure_endpoint=mock.url.removesuffix("/v1"), api_key="test-key", api_version="2024-10-21", max_retries=0
    ) as answer:
        yield answer


# Chat completions.


def test_chat_stream_gives_the_whole_reply(sdk):
    whole = sdk.chat.completions.create(model=MODEL, messages=SAYS_HELLO)
    chunks = sdk.chat.completions.create(model=MODEL, messages=SAYS_HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content == HELLO


def test_chat_stream_helper_ends_in_the_whole_completion(sdk):
    whole = sdk.chat.completions.create(model=MODEL, messages=SAYS_HELLO)
    with sdk.chat.completions.stream(model=MODEL, messages=SAYS_HELLO, stream_options={"include_usage": True}) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert kinds.count("content.done") == 1
    assert final.choices[0].message.content == HELLO
    assert final.choices[0].finish_reason == "stop"
    assert final.usage == whole.usage


def test_chat_stream_helper_gathers_tool_calls(sdk):
    with sdk.chat.completions.stream(model=MODEL, messages=ASKS_WEATHER, tools=[CHAT_TOOL]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    assert [event.name for event in done] == ["get_weather"]
    assert call.function.parsed_arguments == get_weather(city="Paris")


def test_chat_stream_helper_parses_the_content(sdk):
    messages = [{"role": "user", "content": "Who is Jane?"}]
    with sdk.chat.completions.stream(model=MODEL, messages=messages, response_format=Person) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.parsed == Person(name="Jane", age=54)


def test_chat_parse_gives_the_model(sdk):
    messages = [{"role": "user", "content": "Who is Jane?"}]
    message = sdk.chat.completions.parse(model=MODEL, messages=messages, response_format=Person).choices[0].message
    assert message.parsed == Person(name="Jane", age=54)


def test_chat_parse_gives_a_refusal(sdk):
    messages = [{"role": "user", "content": "bad"}]
    message = sdk.chat.completions.parse(model=MODEL, messages=messages, response_format=Person).choices[0].message
    assert (message.parsed, message.refusal) == (None, "I cannot help with that.")


def chat_loop(complete) -> list[str]:
    """The loop everybody writes: call tools until there are no more calls. What was called, then what was said."""
    messages, log = list(ASKS_WEATHER), []
    for _ in range(5):
        choice = complete(messages).choices[0]
        if choice.finish_reason != "tool_calls":
            return [*log, choice.message.content]
        messages.append(choice.message)
        for call in choice.message.tool_calls:
            log.append(call.function.name + json.loads(call.function.arguments)["city"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "21"})
    raise AssertionError("the tool loop did not end")


def test_chat_tool_loop_ends(sdk):
    text = chat_loop(lambda messages: sdk.chat.completions.create(model=MODEL, messages=messages, tools=[CHAT_TOOL]))
    assert text == ["get_weatherParis", "It is 21 degrees in Paris."]


def test_chat_tool_loop_over_the_stream_helper_ends(sdk):
    def complete(messages):
        # A parsed message goes back as the mapping it was sent as.
        plain = [each if isinstance(each, dict) else each.to_dict() for each in messages]
        with sdk.chat.completions.stream(model=MODEL, messages=plain, tools=[CHAT_TOOL]) as stream:
            return stream.get_final_completion()

    assert chat_loop(complete) == ["get_weatherParis", "It is 21 degrees in Paris."]


# Responses.


def test_responses_stream_helper_ends_in_the_whole_response(sdk):
    whole = sdk.responses.create(model=MODEL, input="Hello")
    with sdk.responses.stream(model=MODEL, input="Hello") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == whole.output_text == HELLO
    assert final.usage == whole.usage


def test_responses_stream_helper_parses(sdk):
    with sdk.responses.stream(model=MODEL, input="Who is Jane?", text_format=Person) as stream:
        stream.until_done()
        assert stream.get_final_response().output_parsed == Person(name="Jane", age=54)


def test_responses_parse_gives_the_model(sdk):
    assert sdk.responses.parse(model=MODEL, input="Who is Jane?", text_format=Person).output_parsed == Person(name="Jane", age=54)


def responses_loop(respond, chained: bool) -> list[str]:
    """The tool loop over Responses: the history is sent back, or named by ``previous_response_id``."""
    params, previous, log = list(ASKS_WEATHER), openai.omit, []
    for _ in range(5):
        response = respond(params, previous)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return [*log, response.output_text]
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": "21"} for call in calls]
        log += [call.name + json.loads(call.arguments)["city"] for call in calls]
        params = results if chained else [*params, *response.output, *results]
        previous = response.id if chained else openai.omit
    raise AssertionError("the tool loop did not end")


@pytest.mark.parametrize("chained", [False, True], ids=["history", "previous_response_id"])
def test_responses_tool_loop_ends(sdk, chained):
    def respond(params, previous):
        return sdk.responses.create(model=MODEL, input=params, tools=[TOOL], previous_response_id=previous)

    assert responses_loop(respond, chained) == ["get_weatherParis", "It is 21 degrees in Paris."]


@pytest.mark.parametrize("chained", [False, True], ids=["history", "previous_response_id"])
def test_responses_tool_loop_over_a_stream_ends(sdk, chained):
    def respond(params, previous):
        stream = sdk.responses.create(model=MODEL, input=params, tools=[TOOL], previous_response_id=previous, stream=True)
        (final,) = [event.response for event in stream if event.type == "response.completed"]
        return final

    assert responses_loop(respond, chained) == ["get_weatherParis", "It is 21 degrees in Paris."]


# Embeddings.


def test_embeddings_are_the_same_in_base64_and_floats(sdk):
    # Without an encoding_format the SDK asks for base64 and decodes it.
    decoded = sdk.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=8)
    floats = sdk.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=8, encoding_format="float")
    assert [len(each.embedding) for each in decoded.data] == [8, 8]
    for one, other in zip(decoded.data, floats.data, strict=True):
        # What was base64 has the precision of four bytes.
        assert one.embedding == pytest.approx(other.embedding, abs=1e-7)


# The asynchronous client.


def test_async_client_does_all_the_same(mock, async_client):
    async def everything():
        async with async_client(mock) as sdk:
            whole = await sdk.chat.completions.create(model=MODEL, messages=SAYS_HELLO)
            assert whole.choices[0].message.content == HELLO
            chunks = await sdk.chat.completions.create(model=MODEL, messages=SAYS_HELLO, stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in chunks]) == HELLO
            async with sdk.chat.completions.stream(model=MODEL, messages=SAYS_HELLO) as stream:
                assert (await stream.get_final_completion()).choices[0].message.content == HELLO
            async with sdk.responses.stream(model=MODEL, input="Who is Jane?", text_format=Person) as stream:
                assert (await stream.get_final_response()).output_parsed == Person(name="Jane", age=54)
            assert len((await sdk.embeddings.create(model="text-embedding-3-small", input="a")).data[0].embedding) == 1536

    asyncio.run(everything())


def test_async_client_asks_many_things_at_once(mock, async_client):
    async def everything():
        async with async_client(mock) as sdk:
            messages = [sdk.responses.create(model=MODEL, input="Hello") for _ in range(20)]
            return {each.output_text for each in await asyncio.gather(*messages)}

    assert asyncio.run(everything()) == {HELLO}


# Raw answers.


def test_raw_response_has_headers_and_parses(sdk):
    raw = sdk.chat.completions.with_raw_response.create(model=MODEL, messages=SAYS_HELLO)
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.headers["content-type"] == "application/json"
    assert int(raw.headers["openai-processing-ms"]) >= 0
    assert raw.parse().choices[0].message.content == HELLO


def test_streaming_response_gives_the_lines(sdk):
    with sdk.chat.completions.with_streaming_response.create(model=MODEL, messages=SAYS_HELLO, stream=True) as raw:
        lines = list(filter(None, raw.iter_lines()))
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


def test_request_id_is_on_the_reply(sdk):
    assert sdk.responses.create(model=MODEL, input="Hello")._request_id.startswith("req_")


# Retries.


def statuses(mock) -> list[int]:
    """How each request was answered, as the journal has it."""
    with httpx.Client(trust_env=False, verify=False) as http:
        models = http.get(mock.url.removesuffix("/v1") + "/__openaimock/exchanges").json()["exchanges"]
    return [exchange["status"] for exchange in models]


@pytest.mark.parametrize(("text", "failures"), [("busy", [429, 429]), ("broken", [500])])
def test_retries_end_in_the_reply(mock, patient, text, failures):
    messages = [{"role": "user", "content": text}]
    raw = patient.chat.completions.with_raw_response.create(model=MODEL, messages=messages)
    assert raw.parse().choices[0].message.content == "At last."
    assert raw.retries_taken == len(failures)
    assert statuses(mock) == [*failures, 200]


def test_retries_of_a_stream_end_in_the_reply(patient):
    chunks = patient.responses.create(model=MODEL, input="busy", stream=True)
    assert "".join(event.delta for event in chunks if event.type == "response.output_text.delta") == "At last."


def test_retries_give_up_after_two(mock, patient):
    with pytest.raises(openai.InternalServerError):
        patient.responses.create(model=MODEL, input="down")
    assert statuses(mock) == [500, 500, 500]


def test_a_miss_is_not_retried(mock, patient):
    with pytest.raises(openai.BadRequestError, match="No matching response found") as caught:
        patient.responses.create(model=MODEL, input="nobody knows this")
    assert caught.value.code == "no_match"
    assert statuses(mock) == [400]


# Azure.


def test_azure_chat_whole_and_streamed(azure):
    whole = azure.chat.completions.create(model="my-deployment", messages=SAYS_HELLO)
    assert (whole.choices[0].message.content, whole.model) == (HELLO, "my-deployment")
    chunks = azure.chat.completions.create(model="my-deployment", messages=SAYS_HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == HELLO


def test_azure_tool_loop_ends(azure):
    text = chat_loop(lambda messages: azure.chat.completions.create(model="mine", messages=messages, tools=[CHAT_TOOL]))
    assert text == ["get_weatherParis", "It is 21 degrees in Paris."]


def test_azure_embeddings(azure):
    assert len(azure.embeddings.create(model="text-embedding-3-small", input="a", dimensions=4).data[0].embedding) == 4


def test_azure_responses(azure):
    assert azure.responses.create(model="my-deployment", input="Hello").output_text == HELLO


def test_azure_async_client(mock):
    async def answer():
        where = {"azure_endpoint": mock.url.removesuffix("/v1"), "api_key": "test-key", "api_version": "2024-10-21"}
        async with AsyncAzureOpenAI(**where) as azure:
            return await azure.chat.completions.create(model="my-deployment", messages=SAYS_HELLO)

    assert asyncio.run(answer()).choices[0].message.content == HELLO


def test_azure_key_goes_in_its_own_header(serve):
    mock = serve({"api_key": "azure-key", "responses": RULES})
    where = {"azure_endpoint": mock.url.removesuffix("/v1"), "api_version": "2024-10-21", "max_retries": 0}
    with AzureOpenAI(api_key="azure-key", **where) as right, AzureOpenAI(api_key="other", **where) as wrong:
        assert right.chat.completions.create(model="mine", messages=SAYS_HELLO).choices[0].message.content == HELLO
        with pytest.raises(openai.AuthenticationError):
            wrong.chat.completions.create(model="mine", messages=SAYS_HELLO)
