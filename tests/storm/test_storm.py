"""The command ``storm``: its grid, its files, its exit codes, and what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from openaimock.cli import main
from openaimock.cli.storm import session

from ..support.commands import environment

CLIENT = [sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py"))]
RULES = "responses:\n  - {id: greet, when: {user: Hello}, reply: Hi there!}\n"


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mock.yaml").write_text(RULES)
    return "mock.yaml"


@pytest.fixture
def storm(config, capsys):
    """Run a storm in this process: its exit code and its output."""

    def run(*options, command=CLIENT, configs=(config,)):
        code = main(["storm", *configs, *options, *(["--", *command] if command else [])])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def test_the_grid_shows_where_the_client_recovered_failed_and_hung(storm):
    options = ["--faults", "stall,503,401", "--timeout", "6", "--jobs", "3"]
    code, output, errors = storm(*options, command=[*CLIENT, "--hang"])
    assert code == 0
    assert output.splitlines()[:9] == [
        "",
        "exchanges of the clean run:",
        "  1: POST /v1/chat/completions -> 200",
        "",
        "       1.0",
        "stall  HUNG*",
        "503    ok",
        "401    fail",
        "",
    ]
    assert "3 cells: 1 recovered, 1 failed cleanly, 1 hung; 1 with findings about the client" in output
    assert "  sent 1: POST /v1/chat/completions -> 200, fault stall, running" in output
    assert "  | wrong key" in output
    assert "1.0 401: failed with exit code 1 after " in output
    assert "  repeat: openaimock storm mock.yaml --timeout 6 --at 1.0 --faults stall -- " in output
    assert "no_timeout in 1 cell: 1.0 stall" in output
    assert "storm: 3 of 3 cells, 1 failed, 1 hung" in errors


def test_a_clean_run_that_does_not_end_is_killed(storm, monkeypatch):
    monkeypatch.setattr(session, "CLEAN_TIMEOUT", 0.2)
    code, _, errors = storm("--timeout", "0.1", command=["sleep", "60"])
    assert (code, "the clean run did not end within 0 seconds" in errors) == (1, True)


def test_a_stream_has_points_in_it(storm):
    _, output, _ = storm("--faults", "truncate,no_done", "--points", "3", command=[*CLIENT, "--stream"])
    assert "  1: POST /v1/chat/completions -> 200, 6 events" in output
    assert [line.split() for line in output.splitlines() if line.startswith(("truncate", "no_done", "  "))][1:4] == [
        ["1.0", "1.3"],
        ["truncate", "ok", "ok"],
        ["no_done", "ok"],
    ]


def test_one_cell_can_be_repeated_without_a_clean_run(storm):
    code, output, errors = storm("--at", "1.0", "--faults", "outage", "--fail-on", "failed")
    assert code == 1
    assert "1 cell: 0 recovered, 1 failed cleanly, 0 hung" in output
    assert output.count("  sent ") == 3
    assert "clean" not in errors


def test_the_line_that_repeats_a_cell_of_a_slow_command_has_its_timeout(storm, monkeypatch):
    monkeypatch.setattr(session, "FACTOR", 1e4)
    _, output, _ = storm("--faults", "401")
    timeout = re.search(r"  repeat: openaimock storm mock.yaml --timeout (\d+) --at 1.0 --faults 401 -- ", output)
    assert timeout is not None and int(timeout[1]) > 5


def test_a_run_that_does_not_reach_the_exchange_is_reported(storm):
    _, output, _ = storm("--at", "4.0", "--faults", "503")
    assert "1 cell without the fault: the run had fewer exchanges (4.0 503)" in output


@pytest.mark.parametrize(
    ("fail_on", "code"), [("hung", 0), ("failed", 1), ("hung,failed", 1), ("findings", 0), ("hung,findings", 0)]
)
def test_the_exit_code_is_as_asked(fail_on, code, storm):
    assert storm("--at", "1.0", "--faults", "401", "--fail-on", fail_on)[0] == code


def test_the_files_have_every_cell(storm, tmp_path):
    options = ["--faults", "503,401", "--fail-on", "failed", "--json", "out.json", "--xml", "out.xml", "--html", "out.html"]
    assert storm(*options)[0] == 1
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["outcomes"] == {"recovered": 1, "failed": 1, "hung": 0}
    assert data["clean"]["exchanges"] == ["1: POST /v1/chat/completions -> 200"]
    cells = {cell["fault"]: cell for cell in data["cells"]}
    assert (cells["503"]["outcome"], cells["503"]["exit_code"], cells["503"]["requests"]) == ("recovered", 0, 2)
    assert (cells["401"]["outcome"], cells["401"]["output"]) == ("failed", "wrong key\n")
    assert cells["401"]["repeat"].startswith("openaimock storm mock.yaml --at 1.0 --faults 401 -- ")
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [(case.get("name"), case.find("failure") is not None) for case in suite] == [("1.0 503", False), ("1.0 401", True)]
    assert "wrong key" in suite[1].find("system-out").text
    page = (tmp_path / "out.html").read_text()
    assert '<a class="failed" href="#c1.0-401">fail</a>' in page
    assert "<script" not in page


def test_output_with_control_characters_does_no_harm(storm, tmp_path):
    script = "import sys; exec(open(sys.argv[1]).read())"
    noisy = tmp_path / "noisy.py"
    noisy.write_text(
        "print('\\x1b[2J<b>&\\x00\\ud800'.encode('utf-8', 'surrogatepass').decode('utf-8', 'replace'))\n"
        + Path(CLIENT[-1]).read_text()
    )
    files = ["--json", "o.json", "--xml", "o.xml", "--html", "o.html"]
    _, output, _ = storm("--at", "1.0", "--faults", "401", *files, command=[sys.executable, "-c", script, str(noisy)])
    assert "\x1b" not in output
    ElementTree.parse(tmp_path / "o.xml")
    assert "&lt;b&gt;" in (tmp_path / "o.html").read_text()


@pytest.mark.parametrize(
    ("options", "command", "code", "message"),
    [
        ([], [], 2, "name the command to run behind --: openaimock storm"),
        ([], ["no-such-command"], 1, "there is no command 'no-such-command'"),
        ([], ["/"], 1, "cannot run '/': Permission denied"),
        ([], ["sh", "-c", "echo so sad; exit 3"], 1,
         "the clean run failed with exit code 3; the command must succeed without a fault\n  | so sad"),
        ([], ["true"], 1, "the command made no request to the mock. Likely causes:\n"),
        (["--faults", "no_done"], CLIENT, 1, "none of the chosen faults makes sense for the exchanges of the command"),
        (["--faults", "stal"], CLIENT, 2, "'stal' is not a fault of a storm; did you mean 'stall'?"),
        (["--fail-on", "hangs"], CLIENT, 2, "--fail-on: 'hangs' is not one of hung, failed, findings"),
        (["--at", "1.0"], CLIENT, 2, "--at needs --faults"),
        (["--at", "one", "--faults", "503"], CLIENT, 2, "'one' is not a point; expected EXCHANGE.EVENT"),
        (["--json", "no/such/folder"], CLIENT, 1, "cannot write no/such/folder: No such file or directory"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_message(options, command, code, message, storm):
    actual, output, errors = storm(*options, command=command)
    assert (actual, output) == (code, "")
    assert f"openaimock storm: {message}" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "options", [["--points", "0"], ["--points", "x"], ["--jobs", "0"], ["--jobs", "x"], ["--timeout", "x"], ["--timeout", "0"]]
)
def test_wrong_numbers_are_wrong_arguments(options, storm):
    with pytest.raises(SystemExit, match="2"):
        storm(*options)


def test_a_command_without_the_separator_gets_the_advice(config, capsys):
    assert main(["storm", config, "pytest", "-q"]) == 2
    assert "behind --" in capsys.readouterr().err


def test_a_client_that_keeps_only_the_host_of_the_url_is_recognized(storm, tmp_path):
    script = tmp_path / "host.py"
    script.write_text(Path(CLIENT[-1]).read_text().replace('f"/{prefix}/chat', '"/v1/chat'))
    _, _, errors = storm(command=[*CLIENT[:-1], str(script)])
    assert "the client keeps only the host and the port" in errors


def test_a_step_of_several_replies_is_not_lost_to_a_fault(storm, tmp_path):
    Path("mock.yaml").write_text("responses:\n  - {when: {user: Hello}, replies: [first, second], then: error}\n")
    script = tmp_path / "steps.py"
    script.write_text(Path(CLIENT[-1]).read_text().replace("print(ask())", 'assert ask() == "first", "lost"'))
    faults = ["--faults", "disconnect,truncate,503,empty_content"]
    _, output, _ = storm(*faults, "--jobs", "2", command=[*CLIENT[:-1], str(script)])
    assert "3 recovered, 1 failed cleanly" in output


OWN = """
import os, json, urllib.request
from openaimock import start_mock_server

with start_mock_server({"responses": [{"when": {"user": "Hello"}, "reply": "Hi!"}]}) as mock:
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    for attempt in range(2):
        try:
            request = urllib.request.Request(mock.url + "/chat/completions", body, {"content-type": "application/json"})
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
            break
        except urllib.error.HTTPError:
            pass
    else:
        raise SystemExit(1)
"""


def test_a_mock_that_the_command_starts_takes_part(storm, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    code, output, errors = storm("--faults", "503,outage", "--jobs", "2", command=[sys.executable, "-c", OWN], configs=())
    assert (code, "  1: POST /v1/chat/completions -> 200" in output) == (0, True), errors
    assert [line.split() for line in output.splitlines()[4:7]] == [["1.0"], ["503", "ok*"], ["outage", "fail*"]]
    assert "retry_without_backoff in 2 cells: 1.0 503, 1.0 outage" in output


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed child that nobody has waited for yet.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path(f"/proc/{pid}/status").exists() else False


def test_a_hung_run_is_killed_with_its_children(storm, monkeypatch, tmp_path):
    monkeypatch.setenv("CHILD_FILE", str(tmp_path / "children"))
    storm("--at", "1.0", "--faults", "stall", "--timeout", "5", command=[*CLIENT, "--hang", "--child"])
    (child,) = map(int, (tmp_path / "children").read_text().split())
    assert not alive(child)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_a_child_that_left_the_process_group_is_killed(storm, monkeypatch, tmp_path):
    monkeypatch.setenv("CHILD_FILE", str(tmp_path / "children"))
    storm("--at", "1.0", "--faults", "401", command=[*CLIENT, "--child", "--detached"])
    (child,) = map(int, (tmp_path / "children").read_text().split())
    assert not alive(child)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_storm_prints_the_grid_and_leaves_no_process(number, config, tmp_path):
    children = tmp_path / "children"
    options = ["--faults", "503,stall", "--timeout", "60", "--json", "out.json"]
    command = [sys.executable, "-m", "openaimock", "storm", config, *options, "--", *CLIENT, "--hang", "--child"]
    process = subprocess.Popen(
        command, env=environment(CHILD_FILE=str(children)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pause = threading.Event()
    # The clean run, and two cells; the second of them stalls. Faults are in the order of the table.
    for _ in range(3000):
        if children.exists() and len(children.read_text().split()) >= 2:
            break
        pause.wait(0.02)
    process.send_signal(number)
    # A second one must not stop the end of the runs.
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "0 of 2 cells: 0 recovered" in output
    assert "Traceback" not in errors
    assert not any(alive(int(pid)) for pid in children.read_text().split())
    assert json.loads((tmp_path / "out.json").read_text())["planned"] == 2
