"""Warnings: rules that load without a problem and can never work."""

from __future__ import annotations

import pytest

from openaimock.cli import main
from openaimock.config.load import load


def warnings(text: str) -> list[str]:
    return [str(warning) for warning in load(text, environ={}).warnings]


def test_a_good_configuration_has_none() -> None:
    assert (
        warnings("""
responses:
  - {when: {user: a, state: {s: start}}, reply: {content: "{{ user }}", set_state: {s: b}}}
  - {when: {user: a, state: {s: b}}, reply: x, times: 1}
  - {when: {user: a, state: {s: b}}, reply: y}
  - {when: {user: {fuzzy: a, threshold: 0.5}}, reply: {error: {status: 429, retry_after: 0.01}}}
  - {when: {}, reply: z, priority: -1}
  - {when: {}, reply: z}
scenarios: {s: start}
""")
        == []
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("responses: []\n", ["there are no rules; every request gets an error"]),
        ("port: 1\n", ["there are no rules; every request gets an error"]),
        ("unmatched: echo\n", []),
        (
            "responses: [{when: {state: {s: b}}, reply: x}]\n",
            ["<text>:1:13: rule 'rule-1': no reply sets the scenario 's' to 'b', and 'scenarios' does not start there"],
        ),
        (
            "responses: [{when: {all: [{user: a}, {state: {s: b}}]}, reply: x}]\n",
            ["<text>:1:13: rule 'rule-1': no reply sets the scenario 's' to 'b', and 'scenarios' does not start there"],
        ),
        (
            "responses:\n- messages: [{role: user, content: a}, {role: assistant, content: b}, {role: user, content: c}]\n",
            ["<text>:2:3: rule 'rule-1': the last message (user) has no answer; add an assistant message after it"],
        ),
        (
            "responses:\n- {id: a, when: {user: x}, reply: x}\n- {id: b, when: {user: x}, reply: y}\n",
            ["<text>:3:3: rule 'b' never answers: 'a' (<text>:2:3) is preferred"],
        ),
        (
            "match: first\nresponses:\n- {id: a, when: {}, reply: x}\n- {id: b, when: {user: x}, reply: y}\n",
            ["<text>:4:3: rule 'b' never answers: 'a' (<text>:3:3) is preferred"],
        ),
        (
            "match: first\nresponses:\n- {when: {user: {contains: Hell}}, reply: x}\n- {when: {user: ' hello'}, reply: y}\n",
            ["<text>:4:3: rule 'rule-2' never answers: 'rule-1' (<text>:3:3) is preferred"],
        ),
        (
            "responses:\n- {when: {user: {any: true}}, reply: x, priority: 1}\n- {when: {user: a, model: m}, reply: y}\n",
            ["<text>:3:3: rule 'rule-2' never answers: 'rule-1' (<text>:2:3) is preferred"],
        ),
        (
            "responses:\n- {messages: [{role: user, content: a}, {role: assistant, content: b}]}\n"
            "- {messages: [{role: user, content: a}, {role: assistant, content: c}]}\n",
            ["<text>:3:3: rule 'rule-2' never answers: 'rule-1' (<text>:2:3) is preferred"],
        ),
        (
            "responses: [{when: {user: {contains: x, threshold: 0.5}}, reply: x}]\n",
            ["<text>:1:41: responses[0].when.user: 'threshold' has no effect on 'contains'; only 'fuzzy' has one"],
        ),
        (
            "responses: [{messages: [{role: user, content: x, matcher: contains, threshold: 0.5}], reply: y}]\n",
            ["<text>:1:69: responses[0].messages[0]: 'threshold' has no effect on 'contains'; only 'fuzzy' has one"],
        ),
        (
            "responses: [{when: {}, reply: {error: {status: 429, retry_after: 0}}}]\n",
            ["<text>:1:66: responses[0].reply.error.retry_after: the SDK ignores 'retry_after: 0'"],
        ),
        (
            "responses:\n- {when: {}, reply: 'price: ${PRICE'}\n",
            ["<text>:2:21: a '${' is not closed by '}', so no variable is filled; for the text write '$${'"],
        ),
        (
            "responses:\n- {when: {}, reply: 'hi {{ user }'}\n",
            ["<text>:2:21: responses[0].reply: a '{{' is not closed by '}}', so it is sent as it is written"],
        ),
    ],
)
def test_what_can_never_work(text: str, expected: list[str]) -> None:
    found = warnings(text)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    "rules",
    [
        # The score decides, and the second rule scores higher.
        "[{when: {user: {contains: a}}, reply: x}, {when: {user: a}, reply: y}]",
        "[{when: {user: {contains: a}}, reply: x, priority: 1, times: 1}, {when: {user: a}, reply: y}]",
        "[{when: {user: {contains: a, case_sensitive: true}}, reply: x, priority: 1}, {when: {user: A}, reply: y}]",
        "[{when: {user: {contains: a, invert: true}}, reply: x, priority: 1}, {when: {user: b}, reply: y}]",
        "[{when: {user: {contains: a}}, reply: x, priority: 1}, {when: {user: {contains: b}}, reply: y}]",
        "[{when: {user: {contains: a}}, reply: x, priority: 1}, {when: {user: {contains: ab, invert: true}}, reply: y}]",
        "[{when: {user: {contains: a}}, reply: x, priority: 1}, {when: {system: a}, reply: y}]",
        # Without an endpoint a rule is not for files.
        "[{when: {}, reply: x, priority: 1}, {when: {endpoint: files}, reply: y}]",
        "[{when: {user: {any: true}}, reply: x, priority: 1}, {messages: [{role: user, content: a}], reply: y}]",
        "[{messages: [{role: user, content: a}], reply: y}, {messages: [{role: system, content: a}], reply: y}]",
    ],
)
def test_a_rule_that_can_answer_is_not_shadowed(rules: str) -> None:
    assert warnings(f"responses: {rules}\n") == []


def test_equal_warnings_are_folded(tmp_path, capsys) -> None:
    file = tmp_path / "mock.yaml"
    file.write_text("responses:\n" + "- {when: {state: {s: b}}, reply: x, times: 1}\n" * 30)
    assert main(["check", str(file)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[-1] == f"warning: {file}:31:3: the last of 20 more mistakes of this kind"
