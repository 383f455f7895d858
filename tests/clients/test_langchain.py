"""langchain-openai: chat models over both APIs, its agents' loop by hand, structures, embeddings, Azure."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from .conftest import HELLO, PERSON, SUNNY

langchain = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed: scripts/clients installs it")
from langchain_core.messages import HumanMessage, ToolMessage  # noqa: E402
from langchain_core.tools import tool  # noqa: E402


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}"


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def model(request, mock):
    return langchain.ChatOpenAI(model="gpt-4o", use_responses_api=request.param, stream_usage=True, max_retries=0)


def test_stream_equals_whole_reply(model):
    whole = model.invoke("Hello")
    chunks = list(model.stream("Hello"))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    assert total.text == whole.text == HELLO
    assert total.usage_metadata == whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] > 0


def loop(ask):
    messages = [HumanMessage("What is the weather in Paris?")]
    for _ in range(5):
        messages.append(ask(messages))
        if not messages[-1].tool_calls:
            return messages
        messages += [get_weather.invoke(call) for call in messages[-1].tool_calls]
    raise AssertionError("the tool loop did not end")


def streamed(model):
    def ask(messages):
        first, *rest = model.stream(messages)
        for chunk in rest:
            first += chunk
        return first

    return ask


@pytest.mark.parametrize("way", [lambda model: model.invoke, streamed], ids=["whole", "streamed"])
def test_tool_loop_ends(model, way):
    messages = loop(way(model.bind_tools([get_weather])))
    assert messages[-1].text == SUNNY
    assert [each.content for each in messages if isinstance(each, ToolMessage)] == ["21 degrees in Paris"]


def test_responses_chain_by_previous_response_id(mock):
    model = langchain.ChatOpenAI(model="gpt-4o", use_responses_api=True, use_previous_response_id=True, max_retries=0)
    assert loop(model.bind_tools([get_weather]).invoke)[-1].text == SUNNY


@pytest.mark.parametrize("strict", [None, True])
def test_structured_output_parses(model, strict):
    assert model.with_structured_output(Person, strict=strict).invoke("Who is Jane?") == Person(**PERSON)


def test_embeddings_have_one_vector_for_each_text(mock):
    # With the check of lengths it would count tokens with tiktoken, which loads its vocabulary from the network.
    model = langchain.OpenAIEmbeddings(model="text-embedding-3-small", dimensions=16, check_embedding_ctx_length=False)
    vectors = model.embed_documents(["one", "two"])
    assert [len(each) for each in vectors] == [16, 16]
    assert model.embed_query("one") == pytest.approx(vectors[0])


def test_azure_by_its_deployment(mock):
    model = langchain.AzureChatOpenAI(
        azure_endpoint=mock.url.removesuffix("/v1"), azure_deployment="mine", api_version="2024-10-21", api_key="test-key"
    )
    assert model.invoke("Hello").text == HELLO
    assert "".join(chunk.text for chunk in model.stream("Hello")) == HELLO
