"""The command line as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from ..support.commands import CONFIG, READY, ROOT, environment, run
from ..support.wire import user

# Serving


def test_the_ready_line_comes_first_and_names_url_and_rules(start, good):
    running = start(good, "--port", "0")
    assert running.rules == 1
    assert running.ask().json()["choices"][0]["message"]["content"] == "Hi!"


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_config_as_an_option(start, good, option):
    assert start(option, good, "-p", "0").ask().status_code == 200


def test_several_files_are_one_mock(start, good, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("responses:\n  - {id: bye, when: {user: Bye}, reply: See you.}\n")
    running = start(good, str(other), "-p", "0")
    assert running.rules == 2
    assert running.ask("Bye").status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that can close standard input")
@pytest.mark.parametrize("arguments", [["-"], ["check", "-"], ["explain", "CONFIG", "-"]])
def test_a_standard_input_that_is_closed_is_told(good, arguments):
    command = [sys.executable, "-m", "openaimock", *(good if word == "CONFIG" else word for word in arguments)]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command], capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr.startswith("<stdin>: there is no standard input to read\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", [[], ["-"]])
def test_standard_input(start, name):
    assert start(*name, "--port", "0", text=CONFIG).ask().status_code == 200


def test_flag_goes_before_environment_goes_before_file(start, tmp_path):
    ports = []
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    path = tmp_path / "mock.yaml"
    path.write_text(f"port: {ports[0]}\n{CONFIG}")
    assert start(str(path)).port == ports[0]
    assert start(str(path), OPENAIMOCK_PORT=str(ports[1])).port == ports[1]
    assert start(str(path), "-p", str(ports[2]), OPENAIMOCK_PORT=str(ports[1])).port == ports[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_quietly(start, good, number, code):
    running = start(good, "-p", "0")
    running.ask()
    assert running.stop(number) == (code, "")


def test_a_running_response_ends_whole_before_the_server_does(start):
    text = "responses:\n  - {when: {user: Hello}, reply: {content: one two three four five six, pace: {tps: 10}}}\n"
    running = start("-p", "0", text=text)
    with (
        httpx.Client(trust_env=False) as http,
        http.stream("POST", running.url + "/chat/completions", json=user("Hello", stream=True)) as response,
    ):
        pieces = response.iter_text()
        first = next(pieces)
        running.process.send_signal(signal.SIGTERM)
        rest = "".join(pieces)
    assert (first + rest).endswith("data: [DONE]\n\n")
    assert running.process.wait(timeout=30) == 0


def test_verbose_logs_each_exchange_on_standard_error(start, good):
    running = start(good, "-p", "0", "-v")
    running.ask()
    _, errors = running.stop()
    assert re.search(r"INFO POST /v1/chat/completions 200 rule rule-1 \d+\.\d ms", errors)


def test_a_logged_exchange_shows_the_beginnings_of_question_and_answer(start):
    running = start("-p", "0", "-v", text="responses:\n  - {when: {}, reply: '{{ user }}'}\n")
    running.ask("a question\nof two lines " + "x" * 100 + " sk-" + "s" * 40)
    _, errors = running.stop()
    start_of_text = "a question of two lines " + "x" * 33 + "..."
    assert f'"{start_of_text}" -> "{start_of_text}"' in errors


def test_the_second_line_is_the_address_of_the_inspector(start, good):
    running = start(good, "-p", "0")
    assert running.inspector == f"inspector: http://127.0.0.1:{running.port}/__openaimock/\n"
    running.stop()


def test_without_admin_there_is_one_ready_line():
    command = [sys.executable, "-m", "openaimock", "-", "-p", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        process.stdin.write("admin: false\nunmatched: echo\n")
        process.stdin.close()
        assert READY.fullmatch(process.stdout.readline())
        process.terminate()
        assert process.stdout.read() == ""


def test_a_results_file_that_cannot_be_written_is_refused_at_the_start(good, tmp_path):
    result = run(good, "-p", "0", "--coverage-xml", str(tmp_path / "none" / "coverage.xml"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "coverage.xml: No such file or directory" in result.stderr


def test_a_miss_is_logged_with_its_explanation(start, good):
    running = start(good, "-p", "0")
    running.ask("Hullo")
    _, errors = running.stop()
    assert "expected exactly 'Hello', got 'Hullo'" in errors


def test_log_file_in_json(start, good, tmp_path):
    log = tmp_path / "mock.log"
    running = start(good, "-p", "0", "--log-file", str(log), "--log-format", "json")
    request_id = running.ask().headers["x-request-id"]
    running.ask("Hullo", headers={"x-openaimock-namespace": "other"})
    running.stop()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["level"], "200" in line["message"]) for line in lines[:1]] == [("info", True)]
    assert (lines[0]["request_id"], lines[0]["namespace"], lines[0]["status"]) == (request_id, "default", 200)
    assert [line["namespace"] for line in lines[1:]] == ["other", "other"]
    assert len({line["request_id"] for line in lines}) == 2


def test_no_key_is_ever_logged(start, tmp_path):
    log = tmp_path / "mock.log"
    running = start("-p", "0", "-v", "-l", str(log), text="api_key: sk-the-secret-one\n" + CONFIG)
    running.ask(headers={"authorization": "Bearer sk-the-secret-one"})
    running.ask(headers={"authorization": "Bearer sk-the-wrong-secret"})
    _, errors = running.stop()
    assert "sk-the" not in errors + log.read_text()


def test_unmatched_and_seed_can_be_told(start, good):
    first, second = (start(good, "-p", "0", "--unmatched", "echo", "--seed", "5") for _ in range(2))
    ids = [running.ask("anything").json()["id"] for running in (first, second)]
    assert ids[0] == ids[1]
    assert first.ask("What I said").json()["choices"][0]["message"]["content"] == "What I said"


def test_workers_share_the_port(start, good):
    running = start(good, "-p", "0", "--workers", "2")
    assert all(running.ask().status_code == 200 for _ in range(8))
    code, errors = running.stop()
    assert code == 0
    assert errors == "openaimock: 2 workers share their state\n"


def test_messages_about_the_server_are_records_in_the_json_format(start):
    running = start("-p", "0", "--workers", "2", "--log-format", "json", text="responses: []\n")
    code, errors = running.stop()
    lines = [json.loads(line) for line in errors.splitlines()]
    assert code == 0
    assert {line["level"] for line in lines} == {"warning"}
    assert "there are no rules" in lines[0]["message"]
    assert lines[1]["message"] == "2 workers share their state"


def test_workers_end_when_interrupted(start, good):
    running = start(good, "-p", "0", "--workers", "2")
    code, _ = running.stop(signal.SIGINT)
    assert code == 130


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_workers_end_when_nobody_reads_the_output(good):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "openaimock", good, "-p", "0", "--workers", "2"]
    with os.fdopen(writer, "wb") as output:
        # The workers have the same standard error: its end is read when the last of them has ended.
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT, timeout=60)
    assert "Traceback" not in done.stderr


def test_workers_without_fork_are_refused_with_the_reason(good):
    program = (
        f"import os, sys\ndel os.fork\nfrom openaimock.cli import main\nsys.exit(main([{good!r}, '-p', '0', '--workers', '2']))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=60
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "openaimock: cannot start: --workers needs a system that can fork; run without it\n"


# What is wrong


def test_a_wrong_file_is_told_all_its_mistakes_and_not_served(tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text("prot: 1\nresponses:\n  - messages:\n      - {role: user, content: x, matcher: fuzy}\n")
    done = run(str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}:1:1: 'prot' is not a setting; did you mean 'port'?" in done.stderr
    assert "'fuzy' is not a matcher; did you mean 'fuzzy'? (exact, fuzzy, regex, contains, any)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_named(tmp_path):
    done = run(str(tmp_path / "nothing.yaml"))
    assert done.returncode == 1
    assert "nothing.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(good):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = run(good, "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is already in use" in done.stderr


def test_a_host_that_is_not_ours_is_named(good):
    done = run(good, "--port", "0", "--host", "192.0.2.1")
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--port", "x"], ["--port", "65536"], ["--workers", "0"], ["--seed", "x"], ["--nonsense"], ["--unmatched", "x"]]
)
def test_bad_arguments_exit_with_2(good, arguments):
    done = run(good, *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_port_in_the_environment_is_named(good):
    done = run(good, OPENAIMOCK_PORT="many")
    assert done.returncode == 1
    assert "OPENAIMOCK_PORT" in done.stderr


def test_a_log_file_that_cannot_be_written_is_named(good, tmp_path):
    done = run(good, "-p", "0", "--log-file", str(tmp_path / "no" / "mock.log"))
    assert done.returncode == 1
    assert "mock.log" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_piped_in_is_a_wrong_configuration():
    done = run(text="")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


# Checking


def test_check_sums_up_a_good_file(good):
    done = run("check", good)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{good}: good: 1 rule, unmatched requests get an error that explains\n"


def test_check_prints_every_problem_with_its_place(tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text("responses:\n  - {when: {user: {regex: '('}}, reply: x}\n  - {when: {usr: x}, reply: x}\n")
    done = run("check", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == [f"{path}:2:27", f"{path}:3:13"]
    assert lines[-1] == "2 problems"


def test_help_and_version():
    assert run("--help").stdout.startswith("usage: openaimock")
    assert re.fullmatch(r"openaimock \d+\.\d+\.\d+\n", run("--version").stdout)


def test_a_reader_that_has_had_enough_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "openaimock", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), errors) == (0, "")
