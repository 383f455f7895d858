"""The command line: warnings, misspelt commands, exchanged arguments, and variables set by Kubernetes."""

from __future__ import annotations

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
