"""Where configurations come from: files, includes, standard input, YAML text and Python data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.wsgi import create_app

RULE = "{when: {}, reply: hi}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def ids(source: Any, **options: Any) -> list[str]:
    return [rule["id"] for rule in load(source, environ={}, **options).rules]


def problems_in(source: Any, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(source, environ={}, **options)
    return str(caught.value).splitlines()


# One source


def test_a_file_is_named_by_a_path_or_a_text() -> None:
    path = write("a.yaml", f"responses: {{a: {RULE}}}")
    assert ids(path) == ids("a.yaml") == ids(str(path.absolute())) == ["a"]


def test_a_text_with_a_line_break_is_yaml() -> None:
    assert ids(f"responses:\n  a: {RULE}\n") == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "responses: {a: {when: {}, reply: hi}}",
        '{"responses": {"a": {"when": {}, "reply": "hi"}}}',
        " responses: {a: {when: {}, reply: b}}",
    ],
)
def test_a_text_on_one_line_may_be_yaml(text: str) -> None:
    assert ids(text) == ["a"]


def test_a_file_whose_name_looks_like_yaml_is_a_file() -> None:
    write("a: b", f"responses: {{a: {RULE}}}")
    assert ids("a: b") == ["a"]


def test_a_mapping_is_a_configuration() -> None:
    assert ids({"responses": [{"id": "a", "when": {}, "reply": "hi"}]}) == ["a"]


def test_tuples_and_other_mappings_will_do() -> None:
    from types import MappingProxyType

    assert ids(MappingProxyType({"responses": ({"id": "a", "when": {}, "reply": "hi"},)})) == ["a"]


def test_a_json_file_is_read() -> None:
    write("a.json", '{\n\t"responses": [{"id": "a", "when": {}, "reply": {"content": "\\ud83d\\ude00"}}]\n}\n')
    config = load("a.json", environ={})
    assert config.rules[0]["replies"] == [{"content": "\U0001f600"}]


def test_standard_input_is_a_dash() -> None:
    assert ids("-", stdin=io.StringIO(f"responses: {{a: {RULE}}}")) == ["a"]
    assert ids("-", stdin=io.BytesIO(f"responses: {{é: {RULE}}}".encode())) == ["é"]
    assert ids("-", stdin=io.TextIOWrapper(io.BytesIO(f"responses: {{é: {RULE}}}".encode()), encoding="latin-1")) == ["é"]


@pytest.mark.parametrize("source", ["-", ["-"]])
def test_only_a_caller_who_gives_standard_input_has_it_read(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.StringIO(f"responses: {{a: {RULE}}}")
    monkeypatch.setattr("sys.stdin", stdin)
    message = "-: only the command line reads standard input; give a path, YAML text or a mapping (./- is a file)"
    assert problems_in(source) == [message]
    with pytest.raises(ConfigError, match="only the command line reads standard input"):
        create_app(source)
    assert stdin.tell() == 0


def test_a_file_may_be_called_a_dash() -> None:
    write("-", f"responses: {{a: {RULE}}}")
    assert ids("./-") == ids(Path("-")) == ["a"]


def test_problems_of_standard_input_have_its_name() -> None:
    assert problems_in("-", stdin=io.StringIO("port: x\nresponses: {a: 1}\n")) == [
        "<stdin>:1:7: port: expected a whole number, got the text 'x'",
        "<stdin>:2:16: responses.a: expected a mapping, got the number 1",
    ]


def test_files_are_utf_8_with_or_without_a_mark() -> None:
    text = f"responses: {{é: {RULE}}}"
    write("a.yaml", text.encode("utf-8-sig"))
    write("b.yaml", text.encode("utf-16"))
    assert ids("a.yaml") == ids("b.yaml") == ["é"]


# What cannot be read


def test_a_missing_file_is_named_and_its_neighbour_suggested() -> None:
    write("mock.yaml", "")
    assert problems_in("mok.yaml") == ["mok.yaml: there is no such file; did you mean 'mock.yaml'?"]
    assert problems_in(Path("nowhere/mock.yml")) == ["nowhere/mock.yml: there is no such file"]


def test_a_folder_is_no_file() -> None:
    Path("rules").mkdir()
    assert problems_in("rules") == ["rules: this is a directory; name a file in it"]


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    write("mock.yaml", "")
    monkeypatch.setattr("builtins.open", refuse)
    assert problems_in("mock.yaml") == ["mock.yaml: cannot be read: Permission denied"]


def test_bytes_that_are_no_text_have_a_place() -> None:
    write("mock.yaml", b"port: 1\nhost: caf\xe9\n")
    assert problems_in("mock.yaml") == ["mock.yaml:2:10: the byte 0xe9 is not UTF-8; save the file as UTF-8"]


def test_a_name_with_a_null_character_is_no_file() -> None:
    assert problems_in("a\0b") == ["a\0b: cannot be read: embedded null byte"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (5, "a configuration is a path, YAML text, a mapping, or a list of these, not a int"),
        (None, "a configuration is a path, YAML text, a mapping, or a list of these, not a NoneType"),
        ([], "there is no configuration: the list of sources is empty"),
    ],
)
def test_what_is_no_configuration(source: Any, line: str) -> None:
    assert problems_in(source) == [line]


# Several sources


def test_rules_of_several_sources_are_appended_in_order() -> None:
    write("a.yaml", f"responses: {{a: {RULE}}}")
    config = load(["a.yaml", {"port": 0, "responses": {"b": {"when": {}, "reply": "x"}}}, "host: ::1\n"], environ={})
    assert [rule["id"] for rule in config.rules] == ["a", "b"]
    assert (config.port, config.host) == (0, "::1")


def test_rules_without_an_id_are_numbered_through() -> None:
    source = f"responses: [{RULE}, {RULE}]\n"
    assert ids([source, source]) == ["rule-1", "rule-2", "rule-3", "rule-4"]


def test_a_number_that_is_taken_is_passed_over() -> None:
    assert ids(f"responses: [{{id: rule-2, when: {{}}, reply: a}}, {RULE}]\n") == ["rule-2", "rule-2-2"]


def test_the_same_setting_twice_is_fine_when_it_is_the_same() -> None:
    assert load(["port: 1\n", f"port: 1\nresponses: [{RULE}]\n"], environ={}).port == 1


def test_two_values_of_a_setting_are_a_problem() -> None:
    write("a.yaml", "port: 1\n")
    write("b.yaml", f"responses: [{RULE}]\nport: 2\n")
    assert problems_in(["a.yaml", "b.yaml"]) == ["b.yaml:2:7: port: a.yaml:1:7 has another value for 'port'; set it once"]


def test_the_same_id_in_two_files_is_a_problem() -> None:
    write("a.yaml", f"responses: {{a: {RULE}}}")
    write("b.yaml", f"responses: {{a: {RULE}}}")
    assert problems_in(["a.yaml", "b.yaml"]) == ["b.yaml:1:16: responses.a: the id 'a' is already used at a.yaml:1:16"]


def test_one_good_source_does_not_hide_a_bad_one() -> None:
    write("a.yaml", f"responses: {{a: {RULE}}}")
    assert problems_in(["a.yaml", "b.yaml"]) == ["b.yaml: there is no such file; did you mean 'a.yaml'?"]


# Includes


def test_included_rules_follow_the_file_s_own() -> None:
    write("conf/mock.yaml", f"include: [rules/*.yaml, ../last.yaml]\nresponses: {{own: {RULE}}}")
    write("conf/rules/b.yaml", f"responses: {{b: {RULE}}}")
    write("conf/rules/a.yaml", f"include: deep/c.yaml\nresponses: {{a: {RULE}}}")
    write("conf/rules/deep/c.yaml", f"responses: {{c: {RULE}}}")
    write("last.yaml", f"responses: {{last: {RULE}}}")
    config = load("conf/mock.yaml", environ={})
    assert [rule["id"] for rule in config.rules] == ["own", "a", "c", "b", "last"]
    assert [file.name for file in config.files] == ["mock.yaml", "a.yaml", "c.yaml", "b.yaml", "last.yaml"]
    assert config.base == Path("conf")


def test_a_file_may_consist_of_includes() -> None:
    write("a.yaml", f"responses: {{a: {RULE}}}")
    assert ids("include: a.yaml\n") == ["a"]


def test_every_file_is_read_once() -> None:
    write("a.yaml", f"include: ['*.yaml', a.yaml]\nresponses: {{a: {RULE}}}")
    write("b.yaml", f"include: a.yaml\nresponses: {{b: {RULE}}}")
    assert ids("a.yaml") == ["a", "b"]


def test_includes_are_filled_from_the_environment() -> None:
    write("a.yaml", f"responses: {{a: {RULE}}}")
    config = load("include: ${WHICH}.yaml\n", environ={"WHICH": "a"})
    assert [rule["id"] for rule in config.rules] == ["a"]


def test_a_missing_include_is_a_problem_where_it_is_named() -> None:
    write("mock.yaml", f"responses: [{RULE}]\ninclude:\n  - nope.yaml\n  - no*.yaml\n  - 3\n  - moc.yaml\n")
    assert problems_in("mock.yaml") == [
        "mock.yaml:3:5: include[0]: there is no file 'nope.yaml'",
        "mock.yaml:4:5: include[1]: no file matches 'no*.yaml'",
        "mock.yaml:5:5: include[2]: expected text, got the number 3; put it in quotes",
        "mock.yaml:6:5: include[3]: there is no file 'moc.yaml'; did you mean 'mock.yaml'?",
    ]


def test_a_mapping_includes_from_where_we_are() -> None:
    write("a.yaml", f"responses: {{a: {RULE}}}")
    assert ids({"include": "a.yaml"}) == ["a"]
    assert problems_in({"include": ["b.yaml"]}) == ["include: include[0]: there is no file 'b.yaml'; did you mean 'a.yaml'?"]


def test_problems_of_an_included_file_have_its_name() -> None:
    write("mock.yaml", "include: a/b.yaml\nport: x\n")
    write("a/b.yaml", "responses: {a: {}}\n")
    assert problems_in("mock.yaml") == [
        "mock.yaml:2:7: port: expected a whole number, got the text 'x'",
        "a/b.yaml:1:16: responses.a: a rule needs one of messages, when, matcher; 'when: {}' answers every request",
    ]


# Places of rules


def test_a_rule_knows_its_place() -> None:
    write("a.yaml", f"responses:\n  - {RULE}\n")
    assert load("a.yaml", environ={}).rules[0]["place"] == "a.yaml:2:5"
    assert load({"responses": [{"when": {}, "reply": "x"}]}, environ={}).rules[0]["place"] == "responses[0]"
