"""Completion scripts, run by the shells that they are for."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ..support.commands import run


@pytest.fixture(scope="module")
def script():
    def print_script(shell):
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        result = run("completion", shell)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return print_script


def shell(name, *arguments, text, cwd):
    done = subprocess.run([name, *arguments], input=text, capture_output=True, text=True, timeout=60, cwd=cwd)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ch"], ["check"]),
        (["mock"], ["mock.yaml"]),
        (["check", "--str"], ["--strict"]),
        (["mock.yaml", "--work"], ["--workers"]),
        (["serve", "--log-format", ""], ["text", "json"]),
        (["serve", "--unmatched", "e"], ["error", "echo"]),
        (["mock.yaml", "--unmatched", "e"], ["error", "echo"]),
        (["completion", "--he"], ["--help"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes_commands_options_values_and_files(script, tmp_path, words, expected):
    (tmp_path / "mock.yaml").touch()
    quoted = " ".join(f"'{word}'" for word in ["openaimock", *words])
    lines = f'COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _openaimock; echo "${{COMPREPLY[@]}}"\n'
    assert shell("bash", "--norc", text=script("bash") + lines, cwd=tmp_path) == expected


def test_fish_completes_commands_and_options(script, tmp_path):
    text = (
        script("fish")
        + "complete -C 'openaimock ch'\ncomplete -C 'openaimock check --str'\ncomplete -C 'openaimock x.yaml --work'\n"
        + "complete -C 'openaimock completion '\n"
    )
    words = shell("fish", "--no-config", text=text, cwd=tmp_path)
    assert {"check", "--strict", "--workers", "bash", "zsh", "fish"} <= set(words)


def test_zsh_reads_the_script(script, tmp_path):
    text = "compdef() { echo $1 $2 }\n" + script("zsh")
    assert shell("zsh", "-f", text=text, cwd=tmp_path) == ["_openaimock", "openaimock"]


def test_an_unknown_shell_is_refused():
    result = run("completion", "tcsh")
    assert result.returncode == 2
    assert "invalid choice: 'tcsh'" in result.stderr
