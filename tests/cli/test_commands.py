"""The commands that print and end, as processes."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from ..support.commands import run
from ..support.wire import post, user

RULES = """
responses:
  - {id: greet, when: {user: Hello}, reply: Hi!}
  - {id: any-greeting, when: {user: {contains: hell}}, reply: Hi.}
  - {id: refund, when: {user: {contains: refund}}, reply: Sure.}
"""


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text(RULES)
    return str(path)


@pytest.fixture
def request_file(tmp_path):
    def write(body):
        path = tmp_path / "request.json"
        path.write_text(body if isinstance(body, str) else json.dumps(body))
        return str(path)

    return write


# Schema


def test_schema_prints_what_editors_check_by():
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    jsonschema.validate(yaml.safe_load(RULES), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"responses": [], "prot": 1}, schema)


# Explain


def test_explain_says_who_answers_and_why_the_others_do_not(rules, request_file):
    done = run("explain", rules, request_file(user("Hello")))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"greet ({rules}:3:5) answers, with score 1.",
        f"  any-greeting ({rules}:4:5): it matches, but greet scores higher, or equally and comes before it",
        f"  refund ({rules}:5:5): user: expected text containing 'refund', got 'Hello' (17% similar)",
    ]


def test_explain_a_miss(rules, request_file):
    done = run("explain", rules, request_file(user("Hallo")))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "No rule answers; the request (chat) is refused."
    assert lines[1] == f"  greet ({rules}:3:5): user: expected exactly 'Hello', got 'Hallo' (80% similar)"
    assert lines[2] == "    would match with fuzzy"


def test_explain_takes_either_from_standard_input(rules, request_file):
    assert run("explain", rules, "-", text=json.dumps(user("Hello"))).returncode == 0
    assert run("explain", "-", request_file(user("Hello")), text=RULES).returncode == 0
    assert run("explain", "-c", rules, request_file(user("Hello"))).returncode == 0


def test_explain_another_endpoint_and_what_lint_finds(rules, request_file):
    assert run("explain", rules, request_file({"model": "gpt-4o", "input": "Hello"})).returncode == 0
    body = {"model": "gpt-4o", "messages": [{"role": "tool", "tool_call_id": "x", "content": "Hello"}]}
    assert run("explain", rules, request_file({"path": "/v1/chat/completions", "body": body})).stdout.startswith("lint: ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "request.json:1:2: the request is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ([], "expected the body of a request"),
        ({"path": "/v1/nothing", "body": {}}, "Unknown request URL"),
        ({"model": "gpt-4o", "messages": 1}, "refused before matching: 400 Invalid type for 'messages'"),
    ],
)
def test_explain_a_request_that_is_none(rules, request_file, body, message):
    done = run("explain", rules, request_file(body))
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_explain_a_request_that_is_not_there(rules):
    done = run("explain", rules, "nowhere.json")
    assert done.returncode == 1
    assert "cannot read the request nowhere.json: No such file" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["mock.yaml"], ["-", "-"]])
def test_explain_needs_two_things(arguments):
    done = run("explain", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("openaimock explain: ")


def test_explain_shows_no_key(tmp_path, request_file):
    path = tmp_path / "mock.yaml"
    path.write_text("api_key: my-own-secret\n" + RULES)
    assert "my-own-secret" not in run("explain", str(path), request_file(user("my-own-secret"))).stdout


# Init


def test_init_prints_a_file_that_is_good(tmp_path):
    done = run("init")
    path = tmp_path / "mock.yaml"
    path.write_text(done.stdout)
    assert run("check", str(path)).stdout == f"{path}: good: 5 rules, unmatched requests get an error that explains\n"


def test_init_writes_and_never_overwrites(tmp_path):
    path = tmp_path / "mock.yaml"
    done = run("init", str(path))
    assert (done.returncode, done.stdout) == (0, f"{path} is written; serve it with: openaimock {path}\n")
    path.write_text("mine")
    done = run("init", str(path))
    assert (done.returncode, done.stdout, path.read_text()) == (1, "", "mine")
    assert f"{path} already exists" in done.stderr
    done = run("init", str(tmp_path / "no" / "mock.yaml"))
    assert done.returncode == 1
    assert "cannot write" in done.stderr


def test_every_rule_of_the_starter_answers(serve):
    mock = serve(run("init").stdout)
    texts = ["Hello", "a refund please", "the weather", "are you busy?", "are you busy?", "a joke", "jokes"]
    assert [post(mock, user(text)).status_code for text in texts] == [200, 200, 200, 429, 200, 200, 200]
    assert (mock.coverage()["never"], mock.coverage()["unreached"]) == ([], {"weather": [3]})


def test_explain_shows_the_nearest_rules_unless_all_are_asked_for(tmp_path, request_file):
    path = tmp_path / "many.yaml"
    path.write_text("responses:\n" + "".join(f"  - {{id: r{n}, when: {{user: text {n}}}, reply: x}}\n" for n in range(30)))
    lines = run("explain", str(path), request_file(user("text 7"))).stdout.splitlines()
    assert lines[0].startswith("r7 ")
    assert lines[-1] == "(10 more rules; --all shows every rule)"
    lines = run("explain", "--all", str(path), request_file(user("text 7"))).stdout.splitlines()
    assert sum(f"({path}:" in line for line in lines) == 30
