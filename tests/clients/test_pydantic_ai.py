"""pydantic-ai: agents over both APIs, whole and streamed, with tools and typed output."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from .conftest import HELLO, PERSON, RULES, SUNNY, person_by

pydantic_ai = pytest.importorskip("pydantic_ai", reason="pydantic-ai is not installed: scripts/clients installs it")
from pydantic_ai import Agent, NativeOutput  # noqa: E402
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel  # noqa: E402


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}"


@pytest.fixture
def rules():
    return [*RULES, person_by("final_result")]


@pytest.fixture(params=[OpenAIChatModel, OpenAIResponsesModel], ids=["chat", "responses"])
def model(request, mock):
    return request.param("gpt-4o")


async def streamed(agent, prompt):
    async with agent.run_stream(prompt) as result:
        return await result.get_output()


def test_stream_equals_whole_reply(model):
    async def both():
        agent = Agent(model)
        return await streamed(agent, "Hello"), (await agent.run("Hello")).output

    assert asyncio.run(both()) == (HELLO, HELLO)


def test_tool_loop_ends(model):
    async def both():
        agent = Agent(model, tools=[get_weather])
        return await streamed(agent, "What is the weather?"), (await agent.run("What is the weather?")).output

    assert asyncio.run(both()) == (SUNNY, SUNNY)


@pytest.mark.parametrize("output", [Person, NativeOutput(Person)], ids=["tool", "native"])
def test_structured_output_parses(model, output):
    async def both():
        agent = Agent(model, output_type=output)
        return await streamed(agent, "Who is Jane?"), (await agent.run("Who is Jane?")).output

    assert asyncio.run(both()) == (Person(**PERSON), Person(**PERSON))


def test_embeddings_have_one_vector_for_each_text(mock):
    async def embed():
        embedder = pydantic_ai.Embedder("openai:text-embedding-3-small")
        return (await embedder.embed_documents(["one", "two"])).embeddings

    assert [len(each) for each in asyncio.run(embed())] == [1536, 1536]
