"""The JSON Schema agrees with the loader as far as it can, and the docs have every key."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from docutils.core import publish_doctree

from openaimock.config import keys, settings
from openaimock.config.kinds import AnyOf, Kind, ListOf, MapOf, Shape, Struct
from openaimock.config.load import load
from openaimock.config.messages import snake
from openaimock.config.schema import camel, document, json_schema, refresh
from openaimock.errors import ConfigError

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
PAGE = Path(__file__).parents[2] / "docs" / "configuration.rst"

GOOD = """\
apiKey: [a, 12]
port: ${PORT:-0}
templates: {anything: [at, all]}
models: [gpt-4o]
unmatched: {status: 404, body: {a: [1, null]}}
lint: off
seed: abc
clock: 2026-01-31T12:00:00Z
latency: {uniform: [1, 2]}
pace: {tps: 20, chunk: 3}
journal: {size: 1, bodyLimit: 2}
cors: false
max_body: 64MB
responses:
  - when: {}
    reply: ""
  - id: 7
    messages:
      - {role: system, content: a, matcher: fuzzy, threshold: 0.5, caseSensitive: no, invert: yes}
      - {role: user, content: [{type: text, text: a}, {type: image_url, image_url: {url: x}}], parts: image_url}
      - {role: assistant, content: null, tool_calls: [{id: a, type: function, function: {name: f, arguments: "{}"}}]}
      - {role: tool, toolCallId: a, matcher: any}
      - {role: assistant, content: {a: 1}, finish_reason: stop, usage: null}
    turns: last
    times: 2
    priority: -1.5
  - when:
      user: {contains: a, threshold: 1}
      model: gpt-4*
      endpoint: [chat, responses]
      tools: f
      stream: true
      turn: 0
      header: {x: {any: true}}
      body: {a: 1, b: {contains: x}, c: [null]}
      all: [{any: [{not: {system: x}}]}]
    replies:
      - text
      - {error: 429}
      - {error: rate_limit_exceeded}
      - {error: {status: 500, retryAfter: 1, param: null}}
      - {blocks: [{text: a}, {tool_call: {name: f, arguments: {a: 1}}}, {item: {type: x}}]}
      - {status: 204, headers: {retry-after: 5}}
      - {pace: {chunks: [a, b]}, latency: {lognormal: [1, 0]}, content: a}
    then: cycle
  - matcher: {type: contains, messages: [{role: user, content: a}]}
    response:
      id: x
      object: chat.completion
      choices: [{index: 0, message: {role: assistant, content: a, refusal: null}, finish_reason: stop, logprobs: null}]
"""


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


def test_a_good_file_is_good_to_both() -> None:
    assert load(GOOD, environ={}).rules
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(GOOD.replace("2026-01-31T12:00:00Z", "real")))] == []


@pytest.mark.parametrize(
    "text",
    [
        "[]", "hello", "reponses: []", "responses: hello", "responses: [hello]", "responses: [{}]",
        "responses: [{reply: a}]", "responses: [{when: {}, messages: [{role: user, content: a}], reply: a}]",
        "responses: [{when: {}, reply: 5}]", "responses: [{when: {}, replies: []}]",
        "responses: [{when: {}, reply: a, times: 0}]",
        "responses: [{when: {}, reply: a, then: stop}]", "responses: [{when: {user: {fuzy: a}}, reply: a}]",
        "responses: [{when: {user: {}}, reply: a}]", "responses: [{when: {user: {exact: a, any: true}}, reply: a}]",
        "responses: [{when: {user: {fuzzy: a, threshold: 2}}, reply: a}]", "responses: [{when: {any: true}, reply: a}]",
        "responses: [{when: {endpoint: chats}, reply: a}]", "responses: [{when: {turn: -1}, reply: a}]",
        "responses: [{when: {stream: maybe}, reply: a}]", "responses: [{messages: [], reply: a}]",
        "responses: [{messages: [{role: usr, content: a}], reply: a}]", "responses: [{messages: [{content: a}], reply: a}]",
        "responses: [{messages: [{role: user, content: a, matcher: fuzy}], reply: a}]",
        "responses: [{when: {}, reply: {status: 99}}]", "responses: [{when: {}, reply: {content: 5}}]",
        "responses: [{when: {}, reply: {tool_calls: [{}]}}]",
        "responses: [{when: {}, reply: {tool_calls: [{name: a, custom: {name: b}}]}}]",
        "responses: [{when: {}, reply: {tool_calls: [{function: {}}]}}]", "responses: [{when: {}, reply: {blocks: []}}]",
        "responses: [{when: {}, reply: {blocks: [{text: a, refusal: b}]}}]", "responses: [{when: {}, reply: {latency: -1}}]",
        "responses: [{when: {}, reply: {latency: {normal: [1]}}}]",
        "responses: [{when: {}, reply: {latency: {normal: [1, 2, 3]}}}]",
        "responses: [{when: {}, reply: {pace: {tps: 0}}}]", "responses: [{when: {}, reply: {pace: {chunk: words}}}]",
        "responses: [{when: {}, response: {}}]", "responses: [{when: {}, response: {choices: []}}]",
        "responses: [{matcher: {}, reply: a}]", "unmatched: 5", "unmatched: {x: 1}", "{unmatched: echo, port: 70000}",
        "{unmatched: echo, port: abc}", "{unmatched: echo, lint: loud}", "{unmatched: echo, api_key: ''}",
        "{unmatched: echo, api_key: []}", "{unmatched: echo, api_key: {a: b}}", "{unmatched: echo, journal: {size: 1.5}}",
        "{unmatched: echo, models: gpt-4o}", "{unmatched: echo, host: null}",
    ],
)  # fmt: skip
def test_a_bad_file_is_bad_to_both(text: str) -> None:
    with pytest.raises(ConfigError):
        load(text + "\n", environ={})
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def objects(kind: Kind, visited: set[int]) -> Iterator[Struct]:
    """All mappings of the schema."""
    if id(kind) in visited:
        return
    visited.add(id(kind))
    inner: list[Kind] = []
    match kind:
        case Struct():
            yield kind
            inner = [field.kind for field in kind.fields]
        case AnyOf():
            inner = list(kind.options)
        case ListOf():
            inner = [kind.item]
        case MapOf():
            inner = [kind.value]
        case Shape():
            inner = [kind.kind]
    for each in inner:
        yield from objects(each, visited)


OBJECTS = list(objects(settings.SETTINGS, set()))


def test_every_named_kind_is_used() -> None:
    used: set[int] = set()
    list(objects(settings.SETTINGS, used))
    assert [name for name, kind in keys.SHAPES.items() if id(kind) not in used] == []


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.label)
def test_every_key_has_one_spelling_of_each_style_and_one_sentence(kind: Struct) -> None:
    assert len(kind.by_name) == len(kind.fields)
    for field in kind.fields:
        assert snake(camel(field.name)) == snake(field.name) == field.name
        assert field.doc.endswith(".")
    assert set(kind.one_of) <= kind.by_name.keys()


def test_the_docs_have_the_tables_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert refresh(page) == page, "run scripts/keys"


def blocks(language: str, options: str = "") -> list[str]:
    """The code blocks of the page in a language."""
    blocks_found = re.findall(rf"\.\. code-block:: {language}\n{options}\n((?:    .*\n|\n)+)", PAGE.read_text(encoding="utf-8"))
    return [textwrap.dedent(block) for block in blocks_found]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_files_of_the_docs_load(text: str) -> None:
    assert load(text, environ={}).rules
    assert VALIDATOR.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", blocks("python"))
def test_the_python_of_the_docs_runs(text: str) -> None:
    exec(compile(text, str(PAGE), "exec"), {})


def test_the_mistakes_of_the_docs_are_said_as_the_docs_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = blocks("yaml", "    :class: wrong\n")
    monkeypatch.chdir(tmp_path)
    messages = []
    for content in (text, text.replace("It is sunny, at {{ usr }}", '"It is sunny, at {{ usr }}"')):
        Path("mock.yaml").write_text(content, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load("mock.yaml")
        messages += str(caught.value).splitlines()
    assert messages == re.findall(r"^    (mock\.yaml:.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_tables_are_restructuredtext() -> None:
    tree = publish_doctree(document(), settings_overrides={"report_level": 5, "halt_level": 5})
    assert not list(tree.findall(lambda node: node.tagname == "system_message"))
    cells = tree.astext()
    for field in (*settings.SETTINGS.fields, *keys.WHEN.fields, *keys.ANSWER):
        assert field.later or field.name in cells


def test_what_is_not_there_yet_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.SETTINGS.by_name["seed"], "later", True)
    assert "seed" not in json_schema()["properties"]
    assert "``seed``" not in document()
    with pytest.raises(ConfigError, match="'seed' is not available yet"):
        load({"unmatched": "echo", "seed": 1})


def test_an_editor_is_offered_one_spelling_of_each_key():
    def names(schema):
        if isinstance(schema, dict):
            yield from schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else ()
            for value in schema.values():
                yield from names(value)
        elif isinstance(schema, list):
            for value in schema:
                yield from names(value)

    offered = set(names(json_schema()))
    assert "api_key" in offered
    assert not any(re.search("[A-Z]", name) for name in offered)


def test_every_key_has_a_text_to_show():
    for name, schema in json_schema()["properties"].items():
        assert len(schema["description"]) > 10, name
