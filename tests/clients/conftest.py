"""What the tests of real clients share: the mock that they find in their environment, and no other host to call.

Each test runs three times: on a mock with rules, on a mock that records what the first one answers, and on a mock that has only
the recording, while the others are stopped.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HELLO = "Hi there! How can I help you today?"
SUNNY = "It is 21 degrees in Paris."
PERSON = {"name": "Jane", "age": 54}
RULES: list[dict[str, Any]] = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": HELLO},
    {"id": "person", "when": {"user": {"contains": "Jane"}}, "reply": {"content": PERSON}},
    {
        "id": "asks",
        "when": {"user": {"contains": "weather"}, "has_tool_result": False},
        "reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]},
    },
    {"id": "tells", "when": {"tool": {"contains": "21"}, "has_tool_result": True}, "reply": SUNNY},
]
#: What keeps clients from calling home, and from reading what the user has set.
SWITCHES = {
    "OPENAI_API_KEY": "test-key",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LANGSMITH_TRACING": "false",
    "PYDANTIC_AI_NO_UPDATE_CHECK": "1",
    "AI_SDK_LOG_WARNINGS": "false",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
NODE = Path(__file__).resolve().parents[2] / ".cache" / "clients" / "node"


def person_by(tool: str) -> dict[str, Any]:
    """A rule for clients that ask for a structure by making a tool of it."""
    return {
        "id": f"person-by-{tool}",
        "priority": 1,
        "when": {"user": {"contains": "Jane"}, "tools": [tool]},
        "reply": {"tool_calls": [{"name": tool, "arguments": PERSON}]},
    }


@pytest.fixture
def rules() -> list[dict[str, Any]]:
    """The rules of the mock; a file with rules of its own overrides this."""
    return RULES


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> Path:
    """The folder of the recordings of all tests."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(params=["rules", "recording", "replay"], autouse=True)
def mock(request, serve, rules, recordings, monkeypatch, tmp_path):
    """The mock, found by the environment, as in a user's own tests."""
    # The replay follows the recording of the same test with the same other parameters.
    others = [part for part in request.node.callspec.id.split("-") if part != request.param]
    file = recordings / f"{'-'.join([request.path.stem, request.node.originalname, *others])}.yaml"
    # What the real API would refuse, the mock refuses here; a finding about what a real client sends is an error of the mock's.
    strict = {"lint": "error"}
    if request.param == "replay" and not file.exists():
        pytest.skip("the recording of this test failed, or did not run")
    mock = serve({**strict, "record": {"file": str(file)}} if request.param == "replay" else {**strict, "responses": rules})
    upstream = mock
    if request.param == "recording":
        # Prompts of Codex name the folder in which it runs, and the results of its shell a number and a time.
        patterns = [re.escape(str(tmp_path)), r"(?<=Chunk ID: )\w+", r"(?<=Wall time: )[\d.]+"]
        record = {"file": str(file), "redact": [{"regex": pattern} for pattern in patterns]}
        mock = serve({**strict, "upstream": {"url": upstream.url}, "record": record})
    monkeypatch.setenv("OPENAI_BASE_URL", mock.url)
    for variable, value in SWITCHES.items():
        monkeypatch.setenv(variable, value)
    yield mock
    # A client that works well shows nothing that the verdict reports.
    upstream.assert_resilient()
    if request.param == "recording":
        recorder = mock.app.api.upstream.recorder
        assert (recorder.recorded > 0, recorder.skipped) == (True, 0)


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch):
    """Fails a test whose client looks for any other host: a mock is of no use to a client that calls home."""
    strangers, really = [], socket.getaddrinfo

    def lookup(host, *args, **kwargs):
        if host not in ("127.0.0.1", b"127.0.0.1", "localhost", None):
            strangers.append(host)
            raise socket.gaierror(f"tests of clients have no network, {host!r} was asked for")
        return really(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield
    assert not strangers, f"the client looked for {strangers}"


def run(command: list[str], timeout: float = 60, **options: Any) -> str:
    """What a command prints; when it fails or hangs, the test does, with all it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def node(source: str) -> str:
    """What an ES module prints that is run beside the packages from npm."""
    return run(["node", "--input-type=module", "--eval", source], cwd=NODE)


def from_npm(package: str) -> pytest.MarkDecorator:
    """Skips tests whose client from npm is not installed."""
    missing = shutil.which("node") is None or not (NODE / "node_modules" / package).is_dir()
    return pytest.mark.skipif(missing, reason=f"{package} is not installed: scripts/clients installs it")


def beside_python(command: str) -> str:
    """The path of a command that came with a package."""
    return str(Path(sys.executable).parent / command)


def environment(**more: str) -> dict[str, str]:
    """This process's environment, and more."""
    return {**os.environ, **more}
