"""openai-agents: the runner's loop over both APIs, hand-offs, typed output, sessions kept in conversations."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from .conftest import HELLO, PERSON, RULES, SUNNY

agents = pytest.importorskip("agents", reason="openai-agents is not installed: scripts/clients installs it")
from openai import AsyncOpenAI  # noqa: E402


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@agents.function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}"


@pytest.fixture
def rules():
    to_spanish = {"tool_calls": [{"name": "transfer_to_spanish", "arguments": {}}]}
    return [
        *RULES,
        {"id": "hand-off", "when": {"user": "Hola", "tools": ["transfer_to_spanish"]}, "reply": to_spanish},
        {"id": "hola", "when": {"user": "Hola", "system": {"contains": "Spanish"}}, "reply": "¡Buenos días!"},
        {"id": "again", "when": {"user": "Again", "turn": 1}, "reply": "You said Hello."},
    ]


@pytest.fixture(params=[agents.OpenAIChatCompletionsModel, agents.OpenAIResponsesModel], ids=["chat", "responses"])
def model(request, mock):
    # The client the library makes for itself is kept for the process, with the address it had first.
    return lambda: request.param(model="gpt-4o", openai_client=AsyncOpenAI(max_retries=0))


async def streamed(agent, prompt, **options):
    result = agents.Runner.run_streamed(agent, prompt, max_turns=4, **options)
    async for _ in result.stream_events():
        pass
    return result.final_output


async def whole(agent, prompt, **options):
    return (await agents.Runner.run(agent, prompt, max_turns=4, **options)).final_output


def both(make, prompt):
    async def run():
        return await streamed(make(), prompt), await whole(make(), prompt)

    return asyncio.run(run())


def test_stream_equals_whole_reply(model):
    assert both(lambda: agents.Agent(name="helper", model=model()), "Hello") == (HELLO, HELLO)


def test_tool_loop_ends(model):
    make = lambda: agents.Agent(name="helper", model=model(), tools=[get_weather])  # noqa: E731
    assert both(make, "What is the weather?") == (SUNNY, SUNNY)


def test_structured_output_parses(model):
    make = lambda: agents.Agent(name="helper", model=model(), output_type=Person)  # noqa: E731
    assert both(make, "Who is Jane?") == (Person(**PERSON), Person(**PERSON))


def test_hand_off_ends_with_the_other_agent(model):
    def make():
        spanish = agents.Agent(name="spanish", model=model(), instructions="You speak Spanish.")
        return agents.Agent(name="helper", model=model(), handoffs=[spanish])

    assert both(make, "Hola") == ("¡Buenos días!", "¡Buenos días!")


def test_session_is_kept_in_a_conversation(mock):
    async def run():
        client = AsyncOpenAI(max_retries=0)
        agent = agents.Agent(name="helper", model=agents.OpenAIResponsesModel(model="gpt-4o", openai_client=client))
        session = agents.OpenAIConversationsSession(openai_client=client)
        said = [await whole(agent, "Hello", session=session), await whole(agent, "Again", session=session)]
        return said, len(await session.get_items())

    assert asyncio.run(run()) == ([HELLO, "You said Hello."], 4)
