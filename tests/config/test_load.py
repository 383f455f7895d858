"""Settings: what a Config says when a file says it, or says nothing."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from openaimock.config.load import Config, load
from openaimock.errors import ConfigError

RULE = "responses: [{when: {}, reply: hi}]\n"


def config(text: str, **environ: str) -> Config:
    return load(RULE + text, environ=environ)


def test_the_defaults() -> None:
    loaded = config("")
    assert loaded.api_keys == ()
    assert (loaded.host, loaded.port) == ("127.0.0.1", 3000)
    assert (loaded.unmatched, loaded.turns, loaded.match, loaded.lint) == ("error", "next", "best", "warn")
    assert (loaded.seed, loaded.clock, loaded.pace, loaded.latency) == (0, "real", None, None)
    assert (loaded.journal_size, loaded.body_limit, loaded.cors, loaded.max_body) == (1000, 65536, "*", 64 * 1024 * 1024)
    assert {"gpt-4o", "gpt-4.1", "o3", "text-embedding-3-small", "whisper-1"} <= set(loaded.models)
    assert len(set(loaded.models)) == len(loaded.models)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("api_key: a", "api_keys", ("a",)),
        ("apiKey: [a, b]", "api_keys", ("a", "b")),
        ("api_key: 0123", "api_keys", ("0123",)),
        ("api_key: 1e5", "api_keys", ("1e5",)),
        ("host: 0.0.0.0", "host", "0.0.0.0"),
        ("port: 0", "port", 0),
        ("models: [a, 4]", "models", ("a", "4")),
        ("models: []", "models", ()),
        ("unmatched: echo", "unmatched", "echo"),
        ("unmatched: I do not know.", "unmatched", {"reply": {"content": "I do not know."}}),
        ("unmatched: {status: 404, body: x}", "unmatched", {"reply": {"status": 404, "body": "x"}}),
        ("turns: last", "turns", "last"),
        ("match: first", "match", "first"),
        ("lint: off", "lint", "off"),
        ("lint: 'off'", "lint", "off"),
        ("lint: error", "lint", "error"),
        ("seed: 42", "seed", 42),
        ("seed: abc", "seed", "abc"),
        ("clock: 2026-01-31T12:00:00Z", "clock", "2026-01-31T12:00:00Z"),
        ("latency: 5", "latency", {"kind": "fixed", "a": 5, "b": 0.0}),
        ("pace: {tps: 10}", "pace", {"tps": 10}),
        ("journal: {size: 5}", "journal_size", 5),
        ("journal: {bodyLimit: 0}", "body_limit", 0),
        ("cors: false", "cors", None),
        ("cors: https://a.example", "cors", ("https://a.example",)),
        ("cors: [https://a.example, b]", "cors", ("https://a.example", "b")),
        ("cors: '*'", "cors", "*"),
        ("max_body: 10", "max_body", 10),
        ("maxBody: 64MB", "max_body", 64 * 1024 * 1024),
        ("max_body: 2 kib", "max_body", 2048),
        ("store: memory", "store", "memory"),
    ],
)
def test_settings(text: str, name: str, expected: Any) -> None:
    assert getattr(config(text + "\n"), name) == expected


def test_settings_from_the_environment() -> None:
    loaded = config("port: ${PORT:-3000}\napi_key: ${KEY}\nlint: ${LINT}\n", KEY="007", LINT="off", PORT="")
    assert (loaded.port, loaded.api_keys, loaded.lint) == (3000, ("007",), "off")


def test_the_process_s_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCK_TEST_PORT", "4000")
    assert load(RULE + "port: ${MOCK_TEST_PORT}\n").port == 4000


def test_no_rules_are_needed_when_unmatched_answers() -> None:
    assert load("unmatched: echo\n").rules == ()
    assert load({"unmatched": "echo", "responses": None}).rules == ()


def test_templates_may_hold_anything() -> None:
    config = load(
        "templates:\n  - &a {content: hi}\n  - {x: .nan, a: 1}\nresponses:\n  - when: {}\n    reply: {<<: *a, latency: 1}\n"
    )
    assert config.rules[0]["replies"] == [{"content": "hi", "latency": {"kind": "fixed", "a": 1, "b": 0.0}}]


def test_base_is_where_the_first_file_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    assert load(tmp_path / "a.yaml").base == tmp_path
    assert load(RULE).base == Path()


def test_the_keys_are_not_in_a_repr() -> None:
    assert "sk-secret" not in repr(config("api_key: sk-secret\n"))


def test_the_garbage_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    config("")
    with pytest.raises(ConfigError):
        load("port: x\n")
    assert gc.isenabled()
    gc.disable()
    try:
        config("")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_ten_thousand_rules_load_in_a_few_seconds() -> None:
    text = "responses:\n" + "".join(
        f"  - id: rule-{n}\n    messages:\n      - {{role: user, content: question {n}, matcher: contains}}\n"
        f"      - {{role: assistant, content: answer {n}}}\n"
        for n in range(10_000)
    )
    # Processor time, and far above the second it takes: other work on the machine must not fail it.
    begun = time.process_time()
    assert len(load(text).rules) == 10_000
    assert time.process_time() - begun < 10


def test_yaml_is_imported_only_to_read_yaml() -> None:
    program = (
        "import sys; from openaimock.config.load import load; load({'unmatched': 'echo'}); "
        "assert 'yaml' not in sys.modules; load('unmatched: echo'); assert 'yaml' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


TWO_RULES = """\
responses:
  - id: one
    when: {user: hello}
    reply: "ten"
  - id: two
    messages: [{role: user, content: "caf\\u00e9"}, {role: assistant, content: there}]
"""


def test_rules_are_the_same_with_and_without_the_nodes_that_they_were_read_from():
    from openaimock.config.entries import read_entries

    assert load(TWO_RULES).rules == tuple(entry.rule for entry in read_entries(TWO_RULES, {}).rules)


def test_rules_that_aliases_repeat_are_all_read():
    text = "x-rules: &rules\n  - when: {user: hello}\n    reply: one\nresponses: {first: {}, second: {}}\n"
    shared = "x-rule: &rule\n  when: {user: hello}\n  reply: one\nresponses:\n  first: *rule\n  second: *rule\n"
    rules = load(shared).rules
    assert [(rule["id"], rule["replies"]) for rule in rules] == [
        ("first", [{"content": "one"}]),
        ("second", [{"content": "one"}]),
    ]
    with pytest.raises(ConfigError):
        load(text)


def test_a_repeated_id_is_named_with_both_places():
    with pytest.raises(ConfigError) as error:
        load(TWO_RULES.replace("two", "one"))
    assert "5:9" in str(error.value)
    assert "is already used at" in str(error.value)
