"""YAML and JSON texts: the trees they make, and what is said about texts that are neither."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.config import yaml as yaml_text
from openaimock.config.tree import BAD, MAX_ALIASED, Node, Reading
from openaimock.errors import Problem


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here runs with both of PyYAML's parsers."""
    if request.param == "pure Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML was built without libyaml")


def read(text: str, environ: dict[str, str] | None = None) -> tuple[Node | None, list[str]]:
    problems: list[Problem] = []
    tree = yaml_text.parse(text, Reading("f", problems, environ))
    return tree, [str(problem) for problem in problems]


def plain(node: Node | None) -> Any:
    assert node is not None
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def value(text: str, environ: dict[str, str] | None = None) -> Any:
    tree, problems = read(text, environ)
    assert problems == []
    return plain(tree)


def problems_in(text: str, environ: dict[str, str] | None = None) -> list[str]:
    return read(text, environ)[1]


def walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node.value, (dict, list)):
        for item in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from walk(item)


# What scalars mean


@pytest.mark.parametrize(
    "text",
    [
        "1", "-1", "+1",  "0", "007", "0x1F", "0b11", "1_000", "12:30", "1.5", "-.5", "1e3", "1.0e+3", ".inf", "-.INF", "yes",
       "No",         "on", "OFF", "true", "~", "null", "''", "'1'", '"yes"', "text", "a b", "1.2.3",
        "!!str 1", "!!int 7", "!!float 1.5",
        "!!bool yes", "!!null ~", "|\n a\n b", ">\n a\n b", '"\\u00e9\\x41\\n"', "'it''s'", "v", "y", "N",
    ],
)  # fmt: skip
def test_scalars_are_what_the_safe_loader_makes_of_them(text: str) -> None:
    actual, expected = value(f"a: {text}\n")["a"], yaml.safe_load(f"a: {text}\n")["a"]
    assert actual == expected
    assert type(actual) is type(expected)


def test_nan_is_nan() -> None:
    assert value("a: .nan\n")["a"] != value("a: .nan\n")["a"]


def test_dates_stay_text() -> None:
    assert value("a: 2026-01-31\nb: 2026-01-31T12:00:00Z\nc: !!timestamp 2026-01-31\n") == {
        "a": "2026-01-31",
        "b": "2026-01-31T12:00:00Z",
        "c": "2026-01-31",
    }


def test_a_number_of_too_many_digits_is_a_text() -> None:
    digits = "9" * 5000
    assert value(f"a: {digits}\n") == {"a": digits}


def test_keys_are_texts_as_they_are_written() -> None:
    assert value("1: a\nyes: b\n~: c\n1.50: d\n'q': e\n? long\n: f\n") == {
        "1": "a",
        "yes": "b",
        "~": "c",
        "1.50": "d",
        "q": "e",
        "long": "f",
    }


def test_an_application_that_teaches_safeloader_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from openaimock.config.tree import resolve

    resolve.cache_clear()
    taught = dict(yaml.SafeLoader.yaml_implicit_resolvers)
    monkeypatch.setattr(yaml.SafeLoader, "yaml_implicit_resolvers", taught)
    yaml.add_implicit_resolver("!money", __import__("re").compile(r"^\$\d+$"), ["$"], yaml.SafeLoader)
    assert value("a: $5\n") == {"a": "$5"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def ordinary(loaded: Any) -> bool:
    """No halves of surrogate pairs, and none of the line breaks that the two parsers fold in ways of their own."""
    return not any("\ud800" <= char <= "\udfff" or char in "\x85\u2028\u2029" for char in json.dumps(loaded, ensure_ascii=False))


@settings(max_examples=40, deadline=None)
@given(json_values.filter(ordinary))
def test_what_yaml_writes_is_read_back(tree: Any) -> None:
    # Empty keys and odd characters included; the text is whatever PyYAML's own emitter makes of it.
    assert value(yaml.safe_dump(tree, allow_unicode=True)) == tree


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=4).filter(ordinary), st.booleans())
def test_what_json_writes_is_read_back(tree: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(tree, ensure_ascii=ascii_only, indent="\t")
    control = {chr(code) for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r\x85"} | {"\ufffe", "\uffff"}
    if control.isdisjoint(text):
        assert value(text) == tree


# Places


def test_every_value_and_key_knows_where_it_stands() -> None:
    tree, _ = read("a: 1\nb:\n  - x\n  - {c: 'é', d: y}\n")
    assert tree is not None
    assert [(node.line, node.column) for node in walk(tree)] == [(1, 1), (1, 4), (3, 3), (3, 5), (4, 5), (4, 9), (4, 17)]
    inner = tree.value["b"].value[1]
    assert (inner.place, inner.place_of("d")) == ("f:4:5", "f:4:14")


def test_json_knows_its_places_too() -> None:
    tree, _ = read('{\n\t"a": [1, {"b": "\\ud83d\\ude00", "c": null}]\n}\n')
    assert tree is not None
    assert plain(tree) == {"a": [1, {"b": "\U0001f600", "c": None}]}
    assert [(node.line, node.column) for node in walk(tree)] == [(1, 1), (2, 7), (2, 8), (2, 11), (2, 17), (2, 38)]
    assert tree.place_of("a") == "f:2:2"


def test_a_carriage_return_is_no_line_of_its_own() -> None:
    tree, _ = read("a: 1\r\nb: 2\r\n")
    assert tree is not None
    assert tree.place_of("b") == "f:2:1"


def test_a_byte_order_mark_takes_no_column() -> None:
    tree, problems = read("\ufeffa: 1\n")
    assert (plain(tree), problems) == ({"a": 1}, [])
    assert tree is not None and tree.place_of("a") == "f:1:1"


# Anchors, aliases, merges


def test_aliases_share_what_they_name() -> None:
    assert value("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n") == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}]}


def test_an_anchor_may_be_set_again() -> None:
    assert value("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_an_alias_can_be_a_key() -> None:
    assert value("a: &x b\n*x : c\n") == {"a": "b", "b": "c"}


def test_merged_keys_come_first_and_give_way() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\nd: {<<: *b, '<<': q}\n"
    tree = value(text)
    assert tree["c"] == {"x": 3, "y": 1, "z": 2}
    assert tree["d"] == {"y": 2, "z": 2, "<<": "q"}
    assert tree == yaml.safe_load(text) | {"d": tree["d"]}


def test_a_merged_key_keeps_its_own_place() -> None:
    tree, _ = read("a: &a\n  x: 1\nb:\n  <<: *a\n")
    assert tree is not None
    assert tree.value["b"].place_of("x") == "f:2:3"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: *b\n", ["f:1:4: *b is not defined above (with &b); text that begins with '*' needs quotes"]),
        ("abc: &abc 1\nd: *abd\n", ["f:2:4: *abd is not defined above; did you mean *abc?"]),
        ("a: &x [*x]\n", ["f:1:8: *x is inside the value that it names, which would never end"]),
        ("a: &x {b: {c: *x}}\n", ["f:1:15: *x is inside the value that it names, which would never end"]),
        ("a: {<<: 1}\n", ["f:1:5: '<<' takes a mapping, or a list of mappings, such as *name"]),
        ("a: {<<: [1]}\n", ["f:1:5: '<<' takes a mapping, or a list of mappings, such as *name"]),
    ],
)
def test_what_is_wrong_with_an_alias(text: str, lines: list[str]) -> None:
    assert problems_in(text) == lines


def test_a_billion_laughs_are_stopped() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (line,) = problems_in("\n".join(lines) + "\n")
    assert line.endswith(f"with its aliases expanded, this file has more than {MAX_ALIASED:,} values")


def test_a_long_text_laughs_no_louder() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 5000)}]\n"
    assert [line.split(": ", 1)[1][:25] for line in problems_in(text)] == ["with its aliases expanded"]


def test_ten_thousand_uses_of_one_anchor_are_fine() -> None:
    assert len(value("a: &a {b: [1, 2, 3]}\nc:\n" + "  - *a\n" * 10_000)["c"]) == 10_000


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 5000, "- " * 200 + "a\n", "[" * 100 + "]" * 100, '{"a":' * 100 + "1" + "}" * 100]
)
def test_depth_is_bounded(text: str) -> None:
    problems = problems_in(text)
    assert [line.split(": ", 1)[1] for line in problems] == ["nested more than 64 levels deep"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[" * 5000, "1:65"),
        ("a: " + "[" * 5000, "1:67"),
        ("a:\n  - é\n  - " + "[{" * 3000, "3:67"),
        ("{" * 3000, "1:65"),
        ("- " * 60 + "[" * 1100 + "]" * 1100, "1:125"),
        ("[\n" * 5000, "65:1"),
        ("? " * 3000, "1:129"),
        ("- " * 3000 + "a\n", "1:129"),
        ("".join(" " * level + "a:\n" for level in range(1500)), "65:65"),
        ("'" + "[" * 60 + "': " + "[" * 2000, "1:128"),
    ],
)
def test_the_place_where_it_is_too_deep_is_ours_whatever_limit_the_parser_has(text: str, place: str) -> None:
    assert problems_in(text) == [f"f:{place}: nested more than 64 levels deep"]


def test_brackets_that_do_not_nest_are_no_depth() -> None:
    problems = problems_in("a: ['" + "[" * 200 + "', @]\n")
    assert len(problems) == 1
    assert "levels" not in problems[0]


@pytest.mark.parametrize("text", ["[" * 64 + "]" * 64 + " #", "#\n" + "- " * 64 + "a\n", "#\n" + "{a: " * 64 + "}" * 64])
def test_the_deepest_that_is_allowed_is_read(text: str) -> None:
    assert problems_in(text) == []


def test_depth_through_aliases_is_bounded() -> None:
    text = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100))
    assert problems_in(text) == ["f:64:12: with its aliases expanded, this is nested more than 64 levels deep"]


# The environment


def test_variables_are_filled_inside_scalars() -> None:
    environ = {"A": "1", "EMPTY": "", "WORD": "true"}
    text = """\
int: ${A}
text: "${A}"
in: a${A}b
default: ${NONE:-7}
empty: ${EMPTY:-x}
set: "${EMPTY}"
nothing: ${NONE:-}
bool: ${WORD}
escaped: $${A}
block: |
  say ${A}
other: $A ${a.b} ${} ${-}
two: ${A}${A}
${A}: key
"""
    assert value(text, environ) == {
        "int": "1",
        "text": "1",
        "in": "a1b",
        "default": "7",
        "empty": "x",
        "set": "",
        "nothing": "",
        "bool": "true",
        "escaped": "${A}",
        "block": "say 1\n",
        "other": "$A ${a.b} ${} ${-}",
        "two": "11",
        "${A}": "key",
    }


def test_variables_are_filled_in_json() -> None:
    assert value('{"a": "${A} $${A}", "${A}": 1}', {"A": "x"}) == {"a": "x ${A}", "${A}": 1}


def test_a_value_of_the_environment_is_data_not_yaml() -> None:
    assert value("a: ${X}\n", {"X": "{b: [1]}"}) == {"a": "{b: [1]}"}
    assert value("a: ${X}\n", {"X": "${X}"}) == {"a": "${X}"}


def test_a_variable_that_is_not_set_is_named() -> None:
    text = "a:\n  - b: x ${NOPE} ${NOPE2:-ok}\n"
    message = "the environment variable NOPE is not set (with a default: ${NOPE:-default}; for the text itself: $${NOPE})"
    tree, problems = read(text, {})
    assert problems == [f"f:2:8: {message}"]
    assert tree is not None and tree.value["a"].value[0].value["b"].value is BAD


def test_nothing_is_filled_where_there_is_no_environment() -> None:
    assert value("a: ${HOME} $${b}\n") == {"a": "${HOME} $${b}"}
    assert os.environ is not None


# Texts that are not YAML


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "a: b: c\n",
            "1:5: not valid YAML: a ': ' is not allowed here; put text with ': ' in it in quotes, or check the indentation",
        ),
        ("a:\n\tb: 1\n", "2:1: not valid YAML: a tab is used to indent; YAML wants spaces"),
        ("a:\n  - x\n\t- y\n", "3:1: not valid YAML: a tab is used to indent; YAML wants spaces"),
        ("a:\n  b: 'x\nc: 1\n", "2:6: not valid YAML: the quoted text that begins on line 2 does not end; a quote is missing"),
        (
            "a: [1, 2\nb: 3\n",
            "2:2: not valid YAML: the list that begins on line 1 is not closed by ']', or something in it needs quotes",
        ),
        (
            "a: {b: ${X:-1}}\n",
            "1:9: not valid YAML: the mapping that begins on line 1 is not closed by '}', or something in it needs quotes; "
            "inside { } and [ ] a ${NAME} needs quotes",
        ),
        ("a: @x\n", "1:4: not valid YAML: text that begins with @ needs quotes"),
        ("a: `x`\n", "1:4: not valid YAML: text that begins with ` needs quotes"),
        ("a: *bold* x\n", "1:4: not valid YAML: text that begins with '*' or '&' needs quotes"),
        ("a: !x!y z\n", "1:4: not valid YAML: text that begins with '!' needs quotes"),
        ("%x: 1\n", "1:1: not valid YAML: a line that begins with '%' needs quotes"),
        (
            "a:\n  b: 1\n c: 2\n",
            "3:2: not valid YAML: this does not fit the block that begins on line 1: check the indentation and the quotes",
        ),
        ("a: - b\n", "1:4: not valid YAML: a list item ('- ') cannot begin here; give it a line of its own"),
        ("a:\n- x\nb\n", "3:1: not valid YAML: expected ': ' and a value after this"),
        (
            "a: 'x' y\n",
            "1:8: not valid YAML: this does not fit the block that begins on line 1: check the indentation and the quotes",
        ),
        ("a: ]\n", "1:4: not valid YAML: expected a value"),
        ("a: |x\n  b\n", "1:5: not valid YAML: after '|' or '>' the text begins on the next line"),
        ("a: !foo x\n", "1:4: the tag !foo is not allowed; only plain data is read (text that begins with '!' needs quotes)"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "1:4: the tag !!python/object/apply:os.system is not allowed; "
            "only plain data is read (text that begins with '!' needs quotes)",
        ),
        (
            "a: !!set {b, c}\n",
            "1:4: the tag !!set is not allowed; only plain data is read (text that begins with '!' needs quotes)",
        ),
        ("a: !!int x\n", "1:4: the tag !!int does not fit this value"),
        ("a: !!float yes\n", "1:4: the tag !!float does not fit this value"),
        ("a: {{ user }}\n", "1:5: a key must be a text, not a mapping or list (text that begins with '{{' needs quotes)"),
        ("? [a]\n: b\n", "1:3: a key must be a text, not a mapping or list (text that begins with '{{' needs quotes)"),
        ("a: 1\n---\nb: 1\n", "2:1: a second document begins here ('---'); a configuration is one document"),
        ("a: 1\na: 2\n", "2:1: 'a' is written twice; the first is at f:1:1"),
        ("é: 1\né: 2\n", "2:1: 'é' is written twice; the first is at f:1:1"),
        ('{"a": 1,\n "a": 2}', "2:2: 'a' is written twice; the first is at f:1:2"),
        ("a: x\n b: \x07\n", "2:5: the character U+0007 cannot stand in a YAML file; is this a text file?"),
        ("a: \ud800\n", "1:4: the character U+D800 cannot stand in a YAML file; is this a text file?"),
        ('{"a": "\\ud800"}', "1:7: half of a surrogate pair (\\ud800 to \\udfff) is not a character"),
        ('{"\\ud800": 1}', "1:2: half of a surrogate pair (\\ud800 to \\udfff) is not a character"),
    ],
)
def test_what_is_not_yaml_is_explained(text: str, line: str) -> None:
    assert problems_in(text) == [f"f:{line}"]


def test_a_regex_in_double_quotes_is_explained() -> None:
    # The two parsers point at the backslash, or at the letter after it.
    (line,) = problems_in('a: "\\d+"\n')
    assert line[:6] in ("f:1:5:", "f:1:6:")
    assert line[6:] == (
        " not valid YAML: in double quotes a backslash begins an escape such as \\n; put a regex in single quotes, or write \\\\"
    )


def test_half_of_a_surrogate_pair_in_yaml_is_refused() -> None:
    (line,) = problems_in('a: "\\ud800"\n')
    assert "surrogate" in line or "escape is not a character" in line


def test_the_mistakes_around_a_bad_value_are_found_too() -> None:
    assert len(problems_in("a: *x\nb: !y z\nc: ${D}\nc: 1\n", {})) == 4


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab:-?,[]{}#&*!|>'\"%@`$ \n\t01~=<.\\u{\ufeff\x85é"), max_size=40))
def test_any_text_at_all_gives_a_tree_or_a_problem(text: str) -> None:
    tree, problems = read(text, {})
    assert tree is not None or problems


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_characters_at_all_give_a_tree_or_a_problem(text: str) -> None:
    tree, problems = read(text, {})
    assert tree is not None or problems
