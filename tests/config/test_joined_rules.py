"""Rules of several processes with one question, in one file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from openaimock.config.append import append_rules


def append(path: Path, **rule) -> None:
    append_rules(path, [{"id": "new", "when": {"user": "Hi"}, **rule}], unique=True)


def listed(path: Path):
    return yaml.safe_load(path.read_text("utf-8"))["responses"]


def test_an_answer_that_is_in_the_sequence_of_a_rule_is_not_added(tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    for reply in ("one", "two", "one", {"content": "two"}):
        append(path, reply=reply)
    (rule,) = listed(path)
    assert [reply["content"] for reply in rule["replies"]] == ["one", "two"]


def test_the_higher_priority_of_joined_rules_stays(tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    append(path, reply="one", priority=3)
    append(path, reply="two", priority=1)
    assert [rule["priority"] for rule in listed(path)] == [3]


@pytest.mark.parametrize(
    "old",
    [
        "{id: a, when: {user: Hi}, reply: one, times: 1}",
        '{id: a, when: {user: Hi}, reply: "${NAME:-one}"}',
        "{id: a, when: {user: Hi}, reply: one, priority: high}",
        "{id: a, when: {user: Hi}}",
        "{id: a, messages: [{role: user, content: Hi}, {role: assistant, content: x}, {role: user, content: Hi}]}",
        "{id: a, messages: []}",
        "{id: a, messages: [text]}",
        "{id: a, messages: text, reply: one}",
        "{when: {user: Hi}, reply: one}",
        "text",
    ],
)
def test_a_rule_that_does_more_than_answer_is_not_joined(old: str, tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    path.write_text(f"responses:\n  - {old}  # mine\n", "utf-8")
    append(path, reply="two")
    assert path.read_text("utf-8").startswith(f"responses:\n  - {old}  # mine\n")
    assert listed(path)[1]["reply"] == "two"


def test_a_rule_that_was_edited_while_it_was_recorded_stays(tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    path.write_text("responses:\n  - id: a\n    when: {user: Hi}\n    reply: edited\n", "utf-8")
    written = {"id": "a", "when": {"user": "Hi"}, "response": {"choices": []}}
    append_rules(path, [{"id": "b", "when": {"user": "Ho"}, "reply": "new"}], replacing={"a": written}, unique=True)
    assert [rule["id"] for rule in listed(path)] == ["a", "b"]
