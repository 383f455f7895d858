"""A test of the agent. ``openaimock storm -- pytest -q examples/agent`` repeats it with every fault at every point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from openai import OpenAI

sys.path.insert(0, str(Path(__file__).parent))
import agent


@pytest.mark.openai_mock("mock.yaml")
def test_the_agent_answers_with_the_tool():
    with OpenAI(timeout=1.0, max_retries=2) as client:
        assert agent.answer(client, "What is the weather in Paris?") == "It is 21 degrees in Paris."
