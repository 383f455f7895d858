from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.config.load import load
from openaimock.config.write import literal, write_rules

CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff")
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.text(st.sampled_from(" \n\t-#:'\"|>ab{}[]$%&*!@`,\r\x85\u2028\x7f\ufeff"), max_size=30),
    st.sampled_from(
        ["NO", "on", "12:30", "1_000", "0x1F", "01234", "~", "null", "2026-01-01", "${HOME}", "$${A}", "a: b", "- x"]
    ),
)
CONTENT = TEXTS.filter(lambda text: "{{" not in text)
NUMBERS = st.one_of(st.integers(-(10**11), 10**11), st.floats(-1e11, 1e11))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, CONTENT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(CONTENT, inner, max_size=4)),
    max_leaves=12,
)
RULES = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "messages": st.tuples(
                    st.fixed_dictionaries({"role": st.just("user"), "content": CONTENT}),
                    st.fixed_dictionaries({"role": st.just("assistant"), "content": CONTENT}),
                )
            }
        ),
        st.fixed_dictionaries(
            {
                "when": st.fixed_dictionaries({"user": CONTENT, "body": st.dictionaries(CONTENT, CONTENT, max_size=2)}),
                "reply": st.fixed_dictionaries({"status": st.just(200), "body": JSON}),
            }
        ),
        st.fixed_dictionaries(
            {
                "when": st.just({"endpoint": "embeddings"}),
                "reply": st.fixed_dictionaries({"embedding": st.lists(NUMBERS, min_size=1, max_size=60)}),
            }
        ),
    ),
    min_size=1,
    max_size=4,
)


def normal(source: object) -> list[dict[str, object]]:
    return [{**rule, "place": ""} for rule in load(source, environ={}).rules]


@given(RULES)
@settings(deadline=None, max_examples=400)
def test_rules_read_back_as_they_were(rules: list[dict[str, object]]) -> None:
    from openaimock.config.load import load_rules

    given_rules = [{**rule, "place": ""} for rule in load_rules(rules)]
    assert normal(write_rules(rules)) == given_rules


def test_long_and_multi_line_texts_are_literal_blocks() -> None:
    rule = {"when": {"user": "hi"}, "reply": "one\ntwo\n"}
    assert write_rules([rule]) == "responses:\n- when:\n    user: hi\n  reply: |\n    one\n    two\n"


def test_keys_stand_in_one_order() -> None:
    rules = [{"reply": {"status": 200, "content": "x"}, "when": {"user": "a", "model": "m"}, "id": "r"}]
    assert write_rules(rules) == (
        "responses:\n- id: r\n  when:\n    model: m\n    user: a\n  reply:\n    content: x\n    status: 200\n"
    )


@pytest.mark.parametrize(
    "word", ["NO", "on", "y", "12:30", "1_000", "0x1F", "01234", "null", "~", "1e3", ".5", "=", "2026-01-01"]
)
def test_surprises_of_yaml_are_quoted(word: str) -> None:
    assert f'reply: "{word}"' in write_rules([{"when": {}, "reply": word}])


def test_a_reply_that_is_sent_as_it_is_says_so() -> None:
    assert literal({"content": "{{ user }}"}) == {"content": "{{ user }}", "template": False}
    assert literal({"content": "plain"}) == {"content": "plain"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes", object()])
def test_what_yaml_cannot_hold_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"number|character|base64|place"):
        write_rules([{"when": {}, "reply": {"status": 200, "body": value}}])
