"""litellm: chat, Responses and embeddings through its translation."""

from __future__ import annotations

import json
import os

import pytest
from pydantic import BaseModel

from .conftest import HELLO, PERSON, SUNNY

# Read when it is imported: without it a list of prices is fetched.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
litellm = pytest.importorskip("litellm", reason="litellm is not installed: scripts/clients installs it")
MODEL = "openai/gpt-4o"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "get_weather", "description": "The weather of a city.", "parameters": PARAMETERS}


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def said(text):
    return [{"role": "user", "content": text}]


def test_stream_equals_whole_reply(mock):
    whole = litellm.completion(model=MODEL, messages=said("Hello"))
    chunks = litellm.completion(model=MODEL, messages=said("Hello"), stream=True, stream_options={"include_usage": True})
    built = litellm.stream_chunk_builder(list(chunks))
    assert built.choices[0].message.content == whole.choices[0].message.content == HELLO
    assert built.usage.total_tokens == whole.usage.total_tokens


def whole(messages):
    return litellm.completion(model=MODEL, messages=messages, tools=[{"type": "function", "function": TOOL}])


def streamed(messages):
    tools = [{"type": "function", "function": TOOL}]
    return litellm.stream_chunk_builder(list(litellm.completion(model=MODEL, messages=messages, tools=tools, stream=True)))


@pytest.mark.parametrize("ask", [whole, streamed])
def test_tool_loop_ends(mock, ask):
    messages = said("What is the weather?")
    for _ in range(5):
        choice = ask(messages).choices[0]
        messages.append(choice.message.model_dump())
        if choice.finish_reason != "tool_calls":
            break
        for call in choice.message.tool_calls:
            assert json.loads(call.function.arguments) == {"city": "Paris"}
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "21 degrees"})
    assert [each["role"] for each in messages] == ["user", "assistant", "tool", "assistant"]
    assert messages[-1]["content"] == SUNNY


def test_responses_stream_equals_whole_reply(mock):
    whole = litellm.responses(model=MODEL, input="Hello")
    *_, last = litellm.responses(model=MODEL, input="Hello", stream=True)
    assert whole.output[0].content[0].text == last.response.output[0].content[0].text == HELLO


def test_responses_tool_loop_ends(mock):
    first = litellm.responses(model=MODEL, input="What is the weather?", tools=[{"type": "function", **TOOL}])
    (call,) = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    second = litellm.responses(model=MODEL, input=[result], previous_response_id=first.id)
    assert second.output[0].content[0].text == SUNNY


def test_structured_output_parses(mock):
    answer = litellm.completion(model=MODEL, messages=said("Who is Jane?"), response_format=Person)
    assert Person.model_validate_json(answer.choices[0].message.content) == Person(**PERSON)


def test_embeddings_have_one_vector_for_each_text(mock):
    found = litellm.embedding(model="openai/text-embedding-3-small", input=["one", "two"], dimensions=16)
    assert [len(each["embedding"]) for each in found.data] == [16, 16]


def test_errors_are_its_own_kind(mock):
    with pytest.raises(litellm.BadRequestError, match="No matching response found"):
        litellm.completion(model=MODEL, messages=said("nobody knows this"), num_retries=0)
