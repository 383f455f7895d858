"""The command line: warnings, misspelt commands, exchanged arguments, and variables set by Kubernetes."""

from __future__ import annotations

import pytest

from openaimock.cli import main

from ..support.commands import CONFIG, run, start  # noqa: F401

EMPTY = "responses: []\n"
WARNING = "warning: there are no rules; every request gets an error"


def test_check_prints_warnings(tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text(EMPTY)
    done = run("check", str(path))
    assert (done.returncode, done.stderr.startswith(WARNING)) == (0, True)
    done = run("check", "--strict", str(path))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "1 warning")
    path.write_text(CONFIG)
    assert run("check", "--strict", str(path)).returncode == 0


def test_serve_prints_warnings(start, tmp_path):  # noqa: F811
    running = start("-p", "0", text=EMPTY)
    assert running.rules == 0
    assert running.stop()[1].startswith(WARNING)


def test_a_misspelt_command(tmp_path):
    done = run("chekc", "mock.yaml")
    assert (done.returncode, done.stderr) == (2, "openaimock: 'chekc' is not a command or a file; did you mean 'check'?\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["help"], "openaimock: 'help' is not a command or a file; openaimock --help lists the commands"),
        (["mock.yaml", "--prot", "1"], "openaimock: error: unrecognized arguments: --prot 1; did you mean '--port'?"),
        (["check", "-z"], "openaimock check: error: unrecognized arguments: -z"),
    ],
)
def test_what_is_no_command_and_no_option(capsys, arguments, line):
    try:
        code = main(arguments)
    except SystemExit as error:
        code = error.code
    assert (code, capsys.readouterr().err.splitlines()[-1]) == (2, line)


def test_the_request_to_explain_is_an_object(tmp_path, capsys):
    (tmp_path / "mock.yaml").write_text("responses: [{when: {user: a}, reply: b}]\n")
    (tmp_path / "list.json").write_text("[1]")
    assert main(["explain", str(tmp_path / "mock.yaml"), str(tmp_path / "list.json")]) == 1
    assert f"{tmp_path}/list.json: expected the body of a request, a JSON object" in capsys.readouterr().err


@pytest.mark.parametrize(("file", "problem"), [("no/out.yaml", "there is no folder"), ("", "is a folder; name a file")])
def test_the_file_of_recordings_is_checked_at_the_start(tmp_path, capsys, file, problem):
    assert main(["record", "--upstream", "http://127.0.0.1:9/v1", "-p", "0", "-o", str(tmp_path / file)]) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ['{"responses": []}', "responses: [{when: {user: a}, reply: b}]\n", "responses: {a: {when: {}, reply: b}}\n"]
)
def test_a_file_that_rules_cannot_be_added_to_is_refused_at_the_start(tmp_path, capsys, text):
    (tmp_path / "out.yaml").write_text(text)
    assert main(["record", "--upstream", "http://127.0.0.1:9/v1", "-p", "0", "-o", str(tmp_path / "out.yaml")]) == 1
    assert "out.yaml: record.file: rules can" in capsys.readouterr().err


def test_a_recording_cannot_answer_by_itself(tmp_path, capsys):
    arguments = ["record", "--upstream", "http://127.0.0.1:9/v1", "-p", "0", "-o", str(tmp_path / "out.yaml")]
    assert main([*arguments, "--unmatched", "echo"]) == 1
    assert "--unmatched: while exchanges are recorded" in capsys.readouterr().err


def test_serve_may_be_named(start):  # noqa: F811
    assert start("serve", "-p", "0", text=CONFIG).ask().status_code == 200


def test_exchanged_arguments_of_explain(tmp_path):
    done = run("explain", "request.json", "mock.yaml")
    assert done.returncode == 2
    assert "the request comes last, and 'mock.yaml' is a YAML file" in done.stderr


def test_the_variables_of_a_kubernetes_service_are_not_settings(start):  # noqa: F811
    running = start("-p", "0", text=CONFIG, OPENAIMOCK_PORT="tcp://10.96.0.12:3000", OPENAIMOCK_HOST="")
    assert running.ask().status_code == 200
    running = start(text=CONFIG, OPENAIMOCK_PORT="0", OPENAIMOCK_HOST="tcp://10.96.0.12")
    assert running.ask().status_code == 200


def test_an_option_for_unmatched_requests_answers_without_rules(start):  # noqa: F811
    running = start("-p", "0", "--unmatched", "echo", text=EMPTY)
    assert running.ask().status_code == 200
    assert running.stop()[1] == ""
