"""llama-index: its two OpenAI models, its agent, structures and embeddings."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from .conftest import HELLO, PERSON, RULES, SUNNY, person_by

pytest.importorskip("llama_index.llms.openai", reason="llama-index is not installed: scripts/clients installs it")
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}"


@pytest.fixture
def rules():
    return [*RULES, person_by("Person")]


@pytest.fixture(params=[OpenAI, OpenAIResponses], ids=["chat", "responses"])
def model(request, mock):
    # It takes the address from OPENAI_API_BASE, not from OPENAI_BASE_URL.
    return request.param(model="gpt-4o", api_base=mock.url, max_retries=0)


def test_stream_equals_whole_reply(model):
    *_, last = model.stream_complete("Hello")
    assert last.text == model.complete("Hello").text == HELLO


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
def test_tool_loop_ends(model, streaming):
    async def run():
        agent = FunctionAgent(tools=[get_weather], llm=model, streaming=streaming)
        return str(await agent.run("What is the weather?", max_iterations=4))

    assert asyncio.run(run()) == SUNNY


def test_structured_output_parses(model):
    assert model.as_structured_llm(Person).complete("Who is Jane?").raw == Person(**PERSON)


def test_embeddings_have_one_vector_for_each_text(mock):
    model = OpenAIEmbedding(model="text-embedding-3-small", dimensions=16, api_base=mock.url)
    vectors = model.get_text_embedding_batch(["one", "two"])
    assert [len(each) for each in vectors] == [16, 16]
    assert model.get_query_embedding("one") == pytest.approx(vectors[0], abs=1e-6)
