"""The files by which others use the project: the container, the action, the hook, and the pages that describe them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from openaimock.config.load import load

from ..support.commands import ROOT, run


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_container_has_what_the_package_needs():
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", read("Dockerfile"), re.MULTILINE) for word in line.split()}
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_the_container_does_not_run_as_root():
    assert re.search(r"^USER 10001$", read("Dockerfile"), re.MULTILINE)


HADOLINT = shutil.which("hadolint") or Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not Path(HADOLINT).exists(), reason="hadolint is not installed")
def test_the_linter_finds_nothing_in_the_dockerfile():
    done = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_page_lists_the_inputs_of_the_action():
    action = yaml.safe_load(read("action.yml"))
    page = read("docs/ci.rst")
    for name in (*action["inputs"], *action["outputs"]):
        assert f"``{name}``" in page
    used = set(re.findall(r"inputs\.(\w+)", read("action.yml")))
    assert used == set(action["inputs"])


def test_the_examples_of_the_page_are_yaml():
    blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", read("docs/ci.rst"), re.MULTILINE)
    assert len(blocks) == 3
    for block in blocks:
        assert isinstance(yaml.safe_load(block), dict)


def test_the_hook_reports_mistakes_and_warnings(tmp_path):
    (hook,) = yaml.safe_load(read(".pre-commit-hooks.yaml"))
    name, *arguments = hook["entry"].split()
    assert name == "openaimock"
    good, doubtful = tmp_path / "mock.yaml", tmp_path / "mock-two.yaml"
    good.write_text("responses:\n  - {when: {user: a}, reply: x}\n")
    doubtful.write_text("responses:\n  - {when: {user: a}, reply: x}\n  - {when: {user: a}, reply: y}\n")
    assert all(re.search(hook["files"], path.name) for path in (good, doubtful))
    assert run(*arguments, str(good)).returncode == 0
    assert run(*arguments, str(doubtful)).returncode == 1


def test_the_release_script_refuses_a_version_that_the_package_does_not_have():
    done = subprocess.run([ROOT / "scripts" / "release", "99.0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("release: ")


def test_the_schema_line_of_the_page_is_a_valid_configuration():
    assert load(re.findall(r"\.\. code-block:: yaml\n\n((?:    .*\n)+)", read("docs/install.rst"))[0]).rules == ()
