"""The Codex CLI: turns without a person, over the provider it brings and over one of the user's own."""

from __future__ import annotations

import json

import pytest

from .conftest import HELLO, NODE, RULES, SUNNY, environment, from_npm, run

pytestmark = from_npm("@openai/codex")


@pytest.fixture
def rules():
    echo = {"tool_calls": [{"name": "exec_command", "arguments": {"cmd": "echo 21 degrees"}}]}
    # Codex offers a shell, not a tool for the weather.
    return [*RULES, {"id": "asks-codex", "priority": 1, "when": RULES[2]["when"] | {"tools": ["exec_command"]}, "reply": echo}]


@pytest.fixture(params=["own", "openai"])
def codex(request, mock, tmp_path):
    """Runs a turn in an empty folder; gives the events that Codex prints."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    address = {
        "own": 'model_provider = "mock"',
        # Tries a WebSocket first; a refusal with 426 sends it to POST at once.
        "openai": f'openai_base_url = "{mock.url}"',
    }
    (home / "config.toml").write_text(f"""\
model = "gpt-5.1-codex"
check_for_update_on_startup = false
{address[request.param]}
[analytics]
enabled = false
[model_providers.mock]
name = "mock"
base_url = "{mock.url}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
""")
    command = [str(NODE / "node_modules/.bin/codex"), "exec", "--skip-git-repo-check", "--json"]

    def turn(prompt, *options):
        env = environment(CODEX_HOME=str(home), CODEX_API_KEY="test-key")
        return [json.loads(line) for line in run([*command, *options, prompt], cwd=work, env=env).splitlines()]

    return turn


def items(events, kind):
    return [event["item"] for event in events if event["type"] == "item.completed" and event["item"]["type"] == kind]


def test_turn_ends_with_the_reply_and_its_usage(codex):
    events = codex("Hello")
    assert [item["text"] for item in items(events, "agent_message")] == [HELLO]
    assert events[-1]["type"] == "turn.completed"
    assert events[-1]["usage"]["output_tokens"] > 0


def test_tool_loop_ends(codex):
    # The command is the mock's own; Codex's sandbox does not work inside every container.
    events = codex("What is the weather?", "--dangerously-bypass-approvals-and-sandbox")
    (command,) = items(events, "command_execution")
    assert command["aggregated_output"].strip() == "21 degrees"
    assert [item["text"] for item in items(events, "agent_message")] == [SUNNY]
