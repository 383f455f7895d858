"""Warnings: rules that load without a problem and can never work."""

from __future__ import annotations

import pytest

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
