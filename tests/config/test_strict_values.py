"""Values that YAML 1.1 changes, sizes, model entries, anchors, pipes, and what is not available yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError


def problems(source: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(source, environ={})
    return [str(problem) for problem in caught.value.problems]


def reply(text: str) -> str:
    return f"responses: [{{when: {{}}, reply: {text}}}]\n"


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("NO", "false"), ("on", "true"), ("12:30", "the number 750"), ("1_000", "the number 1000"),
        ("0x1F", "the number 31"), ("01234", "the number 668"), ("0b11", "the number 3"), ("1:30.5", "the number 90.5"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [
        "{tool_calls: [{name: f, arguments: {a: %s}}]}", "{content: {a: [%s]}}", "{body: {a: %s}}", "{usage: {a: %s}}",
        "x}, {when: {body: {a.b: %s}}, reply: x",
    ],
)  # fmt: skip
def test_a_word_that_yaml_changes_needs_quotes(text: str, word: str, meaning: str) -> None:
    (problem,) = problems(reply(text % word))
    assert problem.endswith(f": YAML reads {word} as {meaning}; for the text put it in quotes")
    assert load(reply(text % f"'{word}'")).rules


@pytest.mark.parametrize(
    "value", ["1", "-1", "+2", "1.5", "1.5e+3", "true", "False", "null", "~", "2026-01-31", ".5", "1.", "0", "yesterday"]
)
def test_a_plain_value_needs_none(value: str) -> None:
    assert load(reply(f"{{content: {{a: {value}}}}}")).rules


def test_python_values_are_never_changed() -> None:
    assert load({"responses": [{"when": {}, "reply": {"content": {"a": [True, 1_000, 0x1F, 1e300, 1e-9]}}}]}).rules


@pytest.mark.parametrize(("text", "size"), [("64MB", 64 << 20), ("1k", 1024), ("2 GiB", 2 << 30), ("'7'", 7), ("100", 100)])
def test_sizes(text: str, size: int) -> None:
    config = load(f"responses: []\nmax_body: {text}\njournal: {{memory: {text}, body_limit: {text}}}\n", environ={})
    assert (config.max_body, config.journal_memory, config.body_limit) == (size, size, size)


def test_a_size_that_is_none() -> None:
    assert problems("responses: []\njournal: {memory: lots}\nmax_body: 0\n") == [
        "<text>:2:19: journal.memory: expected a number of bytes, or a size such as 64MB, got the text 'lots'",
        "<text>:3:11: max_body: expected at least 1 byte",
    ]


def test_models_are_ids_or_mappings() -> None:
    text = "models: [gpt-4o, {id: mine, contextWindow: 5, snapshot: gpt-4o, owned_by: me, pricing: {input: 1}}]\nresponses: []\n"
    assert load(text).models == (
        "gpt-4o",
        {"id": "mine", "context_window": 5, "snapshot": "gpt-4o", "owned_by": "me", "pricing": {"input": 1}},
    )
    assert load(text).model_table.family("mine").context_window == 5
    assert problems("models: [{context_window: 0}]\nresponses: []\n") == [
        "<text>:1:10: models[0]: 'id' is missing",
        "<text>:1:27: models[0].context_window: expected a whole number 1 or more, got 0",
    ]


def test_anchors_belong_under_templates_or_x_keys() -> None:
    text = "%s: &a {role: assistant, content: hi}\nresponses: [{messages: [{role: user, content: x}, *a]}]\n"
    assert load(text % "templates").rules
    assert load(text % "x-speakers").rules
    assert load(text.replace("&a {", "{a: &a {").replace("hi}", "hi}}") % "x-speakers").rules
    (problem,) = problems(text % "speaker")
    assert problem == (
        "<text>:1:1: 'speaker' is not a setting; "
        "a mapping with anchors belongs under 'templates' or under a key that begins with 'x-'"
    )


def test_an_included_pipe_or_device_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "mock.yaml").write_text("include: [pipe.yaml, /dev/zero]\n")
    assert [line.split(": ", 2)[2] for line in problems(tmp_path / "mock.yaml")] == [
        f"'{tmp_path}/pipe.yaml' is a pipe or a device; name a regular file",
        "'/dev/zero' is a pipe or a device; name a regular file",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{when: {user: {startswith: a}}, reply: x}", "'startswith' is not a key of a matcher; write a regex: '^...'"),
        ("{messages: [{role: user, content: a, matcher: startsWith}, {role: assistant, content: x}]}",
         "'startsWith' is not a matcher; write a regex: '^...'"),
        ("{when: {}, reply: {tool_calls: [{name: f, args: {}}]}}", "'args' is not a key of a tool call; write 'arguments'"),
        ("{messages: [{role: human, content: a}, {role: assistant, content: x}]}", "'human' is not a role; write 'user'"),
        ("{messages: [{role: user, content: a}, {role: ai, content: x}]}", "'ai' is not a role; write 'assistant'"),
        ("{when: {}, reply: {latency: 2s}}", "expected a number or a mapping, got the text '2s'; write 2000 (milliseconds)"),
        ("{when: {}, reply: {error: rate_limit}}",
         "'rate_limit' is not an error code of the API; did you mean 'rate_limit_exceeded'?"),
        ("{when: {}, reply: {content: x, status: 101}}", "expected a whole number from 200 to 599, got 101"),
        ("{when: {}, reply: {error: 100}}", "expected a whole number from 200 to 599, got 100"),
    ],
)  # fmt: skip
def test_a_mistake_from_another_tool_is_explained(text: str, message: str) -> None:
    assert any(message in problem for problem in problems(f"responses: [{text}]\n"))


def test_a_file_of_another_tool_is_named() -> None:
    assert (
        "'fixtures' is not a setting; this is a file of aimock; 'openaimock convert FILE' writes its rules"
        in problems('{"fixtures": []}')[0]
    )
