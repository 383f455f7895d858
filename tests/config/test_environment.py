"""Variables of the environment: numbers and flags at any depth, text everywhere else."""

from __future__ import annotations

from typing import Any

import pytest

from openaimock.config.load import Config, load
from openaimock.errors import ConfigError

ENVIRON = {"N": "5", "F": "true", "TEXT": "007", "SHARE": "0.25", "STATUS": "503", "WORD": "soon"}


def config(text: str) -> Config:
    return load(text, environ=ENVIRON)


def reply(text: str) -> dict[str, Any]:
    (rule,) = config(f"responses: [{{when: {{}}, reply: {text}}}]\n").rules
    return dict(rule["replies"][0])


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_number_may_be_quoted(quote: str) -> None:
    assert config(f"responses: []\nport: {quote}${{N}}{quote}\n").port == 5
    assert config(f"responses: []\nport: {quote}${{PORT:-3000}}{quote}\n").port == 3000
    assert config(f"responses: []\nport: {quote}30${{N}}{quote}\n").port == 305


def test_numbers_and_flags_in_flow_style() -> None:
    assert reply('{content: x, latency: "${N}"}')["latency"]["a"] == 5
    assert reply('{content: x, latency: {uniform: ["${N}", 9]}}')["latency"] == {"kind": "uniform", "a": 5, "b": 9}
    assert reply('{content: x, pace: {tps: "${N}", jitter: "${SHARE}", chunk: "${N}"}}')["pace"] == {
        "tps": 5,
        "jitter": 0.25,
        "chunk": 5,
    }
    assert reply('{error: "${STATUS}"}')["error"]["status"] == 503
    assert reply('{auto: "${F}"}')["auto"] is True
    assert config("responses: [{when: {stream: '${F}', turn: '${N}'}, reply: x}]").rules[0]["when"] == {"stream": True, "turn": 5}


def test_python_and_json_sources() -> None:
    assert load({"responses": [], "port": "${N}", "admin": "${OFF:-no}"}, environ=ENVIRON).port == 5
    assert load({"responses": [], "admin": "${OFF:-no}"}, environ=ENVIRON).admin is False
    assert load('{"responses": [], "port": "${N}"}', environ=ENVIRON).port == 5


def test_text_stays_text() -> None:
    assert config("responses: []\napi_key: ${TEXT}\n").api_keys == ("007",)
    assert reply('"${TEXT}"')["content"] == "007"
    assert (
        reply('{tool_calls: [{name: f, arguments: {n: "${N}", f: "${F}"}}]}')["tool_calls"][0]["arguments"]
        == '{"n":"5","f":"true"}'
    )


def test_lint_and_seed_take_the_word_or_number() -> None:
    loaded = load("responses: []\nlint: ${LINT}\nseed: ${N}\n", environ={**ENVIRON, "LINT": "off"})
    assert (loaded.lint, loaded.seed) == ("off", 5)


def test_text_for_a_number_is_a_problem() -> None:
    with pytest.raises(ConfigError, match=r"^<text>:2:7: port: expected a whole number, got the text 'soon'$"):
        config("responses: []\nport: ${WORD}\n")


def test_a_dollar_sign_before_a_brace_is_escaped_by_another() -> None:
    assert reply('"$${N} ${N}"')["content"] == "${N} 5"
