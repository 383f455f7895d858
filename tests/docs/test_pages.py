"""The examples of the pages that are made of sessions, test files and commands run as written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from openaimock.config.load import load

from ..support.commands import environment
from .page import blocks, check_commands, check_pytest, check_session, files, session

NAMES = ("tutorial", "recipes", "python", "pytest", "unittest", "prove", "verdict", "migration", "security")
PAGES = [f"{name}.rst" for name in NAMES]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run(page, tmp_path, start, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [path.name for path in files(page, tmp_path)]
    port = start("mock.yaml", "--port", "0", cwd=tmp_path).port if "mock.yaml" in names else 3000
    if session(page):
        check_session(page, port)
    check_commands(page, tmp_path)
    if any(name.startswith("test_") for name in names):
        check_pytest(page, tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_other_python_blocks_compile(page):
    for block in blocks(page):
        if block.language == "python" and not block.text.startswith(">>>"):
            compile(block.text, page, "exec")


CONFIGURATIONS = [
    pytest.param(block.text, id=f"{name} {number}")
    for name in ("trouble", "recording", "clients", "scale", "prove")
    for number, block in enumerate(blocks(f"{name}.rst"))
    if block.language == "yaml"
]


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_the_configurations_of_guides_are_valid(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load(config)


def test_the_tutorial_shows_the_ready_lines(tmp_path, start):
    files("tutorial.rst", tmp_path)
    mock = start("mock.yaml", "--port", "0", cwd=tmp_path)
    lines = next(block.text for block in blocks("tutorial.rst") if "listening" in block.text).split("\n", 1)[1]
    assert (mock.ready + mock.inspector).replace(f":{mock.port}/", ":3000/") == lines + "\n"


def test_the_test_of_the_recording_page_replays_a_file(tmp_path):
    files("recording.rst", tmp_path)
    (tmp_path / "recorded.yaml").write_text("responses: []\n")
    check_pytest("recording.rst", tmp_path)


def test_the_unittest_examples_pass_without_pytest(tmp_path):
    files("unittest.rst", tmp_path)
    command = [sys.executable, "-m", "unittest"]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=300)
    assert "Ran 2 tests" in completed.stderr, completed.stderr
    assert completed.stderr.rstrip().endswith("OK"), completed.stderr
