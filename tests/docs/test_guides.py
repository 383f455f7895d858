"""docs/python.rst and docs/commands.rst: what they show is so."""

from __future__ import annotations

import doctest
import shlex
import unittest

import pytest
from docutils.nodes import literal_block

from ..support.commands import run
from .test_replies import tree


def blocks(name):
    return [(block, block["classes"][-1], block.astext()) for block in tree(name).findall(literal_block)]


def named(name):
    return next(text for block, _, text in blocks("python.rst") if name in block["names"])


def test_the_session_in_python_goes_as_shown():
    session = "\n".join(text for _, _, text in blocks("python.rst") if text.startswith(">>>"))
    example = doctest.DocTestParser().get_doctest(session, {}, "python.rst", None, 0)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert not said, "".join(said)


def test_the_pytest_example_passes(tmp_path):
    import subprocess
    import sys

    from ..support.commands import environment
    from ..test_pytest_plugin import PLUGIN

    (tmp_path / "test_example.py").write_text(named("pytest-example"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=60)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_unittest_example_passes():
    given: dict = {"__name__": "example"}
    exec(named("unittest-example"), given)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(given["GreetingTest"]).run(result)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


def test_the_commands_print_what_is_shown(tmp_path):
    shown = blocks("commands.rst")
    (tmp_path / "mock.yaml").write_text(next(text for _, language, text in shown if language == "yaml"))
    (tmp_path / "request.json").write_text(next(text for _, language, text in shown if language == "json"))
    sessions = [text.partition("\n") for _, language, text in shown if language == "console"]
    told = [(command, output) for command, _, output in sessions if not output.startswith("$")]
    assert len(told) == 3
    for command, output in told:
        _, _, *arguments = shlex.split(command)
        assert run(*arguments, cwd=tmp_path).stdout.rstrip("\n") == output


@pytest.mark.parametrize(
    "option", ["--port", "--host", "--log-file", "--verbose", "--log-format", "--workers", "--watch", "--seed"]
)
def test_every_option_is_told(option):
    assert option in tree("commands.rst").astext()
