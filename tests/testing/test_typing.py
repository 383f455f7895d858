"""The types of the public names: a type checker accepts right calls and finds wrong ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from openaimock.config import types
from openaimock.config.keys import FAULTS, SHAPES, WHEN
from openaimock.config.kinds import Struct
from openaimock.config.settings import SETTINGS
from openaimock.http.catalog import CODES

from ..support.commands import ROOT, environment

IMPORTS = """from pathlib import Path

from openaimock import MockConfig, MockResponse, create_app, create_mock_server, start_mock_server
from openaimock.types.ask import Ask

mock = create_mock_server()
"""
RIGHT = """
rule: MockResponse = {"id": "hi", "when": {"user": {"contains": "hi"}}, "reply": {"content": "hello", "pace": {"tps": 50}}}
config: MockConfig = {"api_key": ["a", "b"], "responses": [rule], "limits": {"rpm": 3}, "unmatched": "echo"}
create_app(config)
create_app("mock.yaml")
create_app(Path("mock.yaml"))
create_app([Path("mock.yaml"), {"lint": "error"}])
start_mock_server({"responses": [{"when": {"not": {"stream": True}}, "reply": "x"}]}, port=0).stop()


def answer(ask: Ask) -> str:
    return ask.text


mock.when(user="hi", model="gpt-4*", turn=1).reply("hello", times=2)
mock.when({"user": {"regex": "a", "case_sensitive": True}}).reply(answer)
mock.when(tools=["a"]).reply({"tool_calls": [{"name": "a", "arguments": {"b": 1}}]})
mock.when(user="x").replies("one", {"error": 429}, answer, then="cycle")
mock.when(user="x").error(429, retry_after=0.01)
mock.assert_called(user={"contains": "hi"}, times=1, rule="hi")
mock.assert_tool_called("a", {"b": 1})
mock.assert_order([{"user": "a"}, "hi"])
print(mock.url + "/chat", mock.port + 1, mock.exchanges[-1].status)
"""
WRONG = """
create_app(5)
create_app({"responsess": []})
create_app({"responses": [{"wen": {"user": "a"}, "reply": "x"}]})
create_app({"responses": [{"messages": [{"role": "ai", "content": "x"}]}]})
create_app({"lint": "warning"})
start_mock_server({"unmatched": {"eror": 500}})
start_mock_server({"limits": {"rmp": 3}})
start_mock_server({"journal": {"sizes": 3}})
start_mock_server({"chaos": {"rate": "often"}})
start_mock_server("mock.yaml", port="3000")
create_mock_server(config={"api_key": 5})
mock.when(usr="hi")
mock.when(user={"contain": "hi"})
mock.when(user=5)
mock.when(turn="first")
mock.when({"uesr": "hi"})
mock.when(user="hi").reply(5)
mock.when(user="hi").reply({"contents": "x"})
mock.when(user="hi").reply({"tool_calls": [{"nam": "f"}]})
mock.when(user="hi").reply({"fault": "disconect"})
mock.when(user="hi").reply({"pace": {"speed": 5}})
mock.when(user="hi").reply({"latency": "2s"})
mock.when(user="hi").reply({"error": "rate_limit"})
mock.when(user="hi").reply("x", times="2")
mock.when(user="hi").replies("a", then="loop")
mock.when(user="hi").error("429")
mock.when(user="hi").error(429, mesage="x")
mock.assert_called(usr="hi")
mock.assert_called(user="hi", times="1")
mock.assert_not_called(rule=5)
mock.assert_tool_called(["f"])
mock.assert_order("hello", "there")
mock.url()
mock.exchanges[-1].rul
"""


def lines_with_errors(command: list[str | Path], path: Path) -> set[int]:
    done = subprocess.run([*command, path], capture_output=True, text=True, timeout=300, env=environment(), cwd=path.parent)
    if done.returncode not in (0, 1):
        pytest.skip(f"the type checker does not run here: {done.stderr[-500:]}")
    return {int(number) for number in re.findall(rf"{re.escape(path.name)}:(\d+)(?::\d+)?(?: -|:) error", done.stdout)}


def mypy(tmp_path: Path) -> list[str | Path]:
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\nfollow_imports_for_stubs = True\n")
    cache = ROOT / ".mypy_cache"
    return [sys.executable, "-m", "mypy", "--config-file", tmp_path / "mypy.ini", "--cache-dir", cache]


def pyright(tmp_path: Path) -> list[str | Path]:
    pytest.importorskip("pyright", reason="pyright is not installed")
    return [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_right_calls_are_accepted_and_every_wrong_one_is_found(tmp_path, checker):
    path = tmp_path / "calls.py"
    right = IMPORTS + RIGHT
    path.write_text(right + WRONG)
    first = right.count("\n") + 2
    expected = set(range(first, first + WRONG.strip().count("\n") + 1))
    assert lines_with_errors(checker(tmp_path), path) == expected


def struct(kind) -> Struct:
    return kind if isinstance(kind, Struct) else next(option for option in kind.options if isinstance(option, Struct))


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (types.MockConfig, SETTINGS),
        (types.When, WHEN),
        (types.MockResponse, SHAPES["rule"]),
        (types.MockMessage, SHAPES["message"]),
        (types.MockReply, SHAPES["reply"]),
        (types.MatcherConfig, SHAPES["matcher"]),
        (types.Error, SHAPES["error"]),
        (types.FaultConfig, SHAPES["fault"]),
        (types.PaceConfig, SHAPES["pace"]),
        (types.ToolCallConfig, SHAPES["tool_call"]),
        (types.BlockConfig, SHAPES["block"]),
        (types.FailConfig, SHAPES["fail"]),
        (types.OldMatcher, SHAPES["old_matcher"]),
        (types.MockSpeech, SHAPES["speech"]),
    ],
)
def test_a_typed_dict_has_the_keys_of_the_configuration(declared, kind):
    assert set(declared.__annotations__) == {field.name for field in struct(kind).fields}


def test_the_words_of_types_are_those_of_the_configuration():
    assert get_args(types.FaultKind) == FAULTS
    assert set(get_args(types.ErrorCode)) == set(CODES)
