"""The ``llm`` command: prompts, streams, tools, schemas and embeddings from the shell."""

from __future__ import annotations

import json

import pytest

from .conftest import HELLO, PERSON, SUNNY, beside_python, environment, run

pytest.importorskip("llm", reason="llm is not installed: scripts/clients installs it")
WEATHER = "def get_weather(city: str) -> str:\n    'The weather of a city.'\n    return '21 degrees in ' + city"


@pytest.fixture
def llm(mock, tmp_path):
    """Runs the command with a folder of its own for keys and logs."""
    return lambda *arguments: run([beside_python("llm"), *arguments], env=environment(LLM_USER_PATH=str(tmp_path)), cwd=tmp_path)


def test_stream_equals_whole_reply(llm):
    streamed = llm("-m", "gpt-4o", "Hello")
    assert streamed == llm("-m", "gpt-4o", "--no-stream", "Hello") == HELLO + "\n"


@pytest.mark.parametrize("way", [(), ("--no-stream",)], ids=["streamed", "whole"])
def test_tool_loop_ends(llm, way):
    assert llm("-m", "gpt-4o", "--functions", WEATHER, *way, "What is the weather?").strip() == SUNNY


@pytest.mark.parametrize("way", [(), ("--no-stream",)], ids=["streamed", "whole"])
def test_structured_output_parses(llm, way):
    assert json.loads(llm("-m", "gpt-4o", "--schema", "name, age int", *way, "Who is Jane?")) == PERSON


def test_embedding_is_a_vector(llm):
    assert len(json.loads(llm("embed", "-m", "3-small", "-c", "some text"))) == 1536
