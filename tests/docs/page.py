"""Runs the examples of a page: named blocks are files, blocks with ``>>>`` one session, ``$`` starts a command and its output."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from docutils.core import publish_doctree
from docutils.nodes import doctest_block, literal_block
from openai import OpenAI

from openaimock import MockServer

from ..support.commands import environment, run
from ..test_pytest_plugin import PLUGIN

DOCS = Path(__file__).parents[2] / "docs"
#: The address in the pages; a test puts its own in the place.
ADDRESS = "127.0.0.1:3000"


class Block(NamedTuple):
    """A literal block of a page: its language ("" for output), its name (a file's, perhaps), and its text."""

    language: str
    name: str
    text: str


def tree(name):
    """A page as docutils reads it; any warning is an error."""
    return publish_doctree((DOCS / name).read_text(encoding="utf-8"), settings_overrides={"report_level": 2, "halt_level": 2})


def blocks(page):
    nodes = tree(page).findall(lambda node: isinstance(node, literal_block | doctest_block))
    return [Block((["", *node["classes"]])[-1], "".join(node["names"]), node.astext()) for node in nodes]


def files(page, folder):
    """Write the named blocks that have the name of a file into a folder. Their paths."""
    paths = [(folder / block.name, block.text) for block in blocks(page) if "." in block.name]
    for path, text in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return [path for path, _ in paths]


def session(page):
    """The blocks of a Python session as one text."""
    return "\n".join(block.text for block in blocks(page) if block.text.startswith(">>>"))


def check_session(page, port=3000):
    """Run the session of a page; AssertionError with every difference of its output."""
    text = session(page).replace(ADDRESS, f"127.0.0.1:{port}")
    example = doctest.DocTestParser().get_doctest(text, {}, page, None, 0)
    failures: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=failures.append, clear_globs=False)
    for value in example.globs.values():
        if isinstance(value, OpenAI):
            value.close()
        elif isinstance(value, MockServer):
            value.stop()
    assert not failures, "".join(failures)


def commands(page):
    """The commands of the console blocks that can run in a test, each with the output that the page shows under it."""
    for block in blocks(page):
        if block.language == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                words = shlex.split(line, comments=True)
                if words[0] == "openaimock" and not words[1].endswith(".yaml") and words[1] != "record":
                    yield words[1:], output.rstrip()


def check_commands(page, folder):
    """Run the commands of a page in a folder and compare the output, where the page shows it."""
    for words, output in commands(page):
        completed = run(*words, cwd=folder)
        assert completed.returncode == 0, completed.stderr
        if output:
            assert completed.stdout + completed.stderr == output + "\n"


def check_pytest(page, folder):
    """Run the test files of a page by pytest: every test passes."""
    tests = sum(len(re.findall(r"^ *(?:async )?def test_", block.text, re.MULTILINE)) for block in blocks(page) if block.name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment(), timeout=300)
    results = sum(int(number) for number in re.findall(r"(\d+) (?:passed|xfailed)", completed.stdout))
    assert completed.returncode == 0 and results >= tests, completed.stdout + completed.stderr
