"""Whatever a user writes gives a Config whose rules can be built, or one ConfigError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from openaimock.config import keys
from openaimock.config import settings as settings_keys
from openaimock.config.kinds import AnyOf, Choice, Flag, Function, Kind, ListOf, MapOf, Numeric, Shape, Struct, Text
from openaimock.config.load import Config, load, load_reply, load_rules
from openaimock.config.schema import camel, json_schema
from openaimock.errors import ConfigError, Problem
from openaimock.rules import rule as rules

WORDS = [
    "",
    "a",
    "call_1",
    "{{ user }}",
    "{{ x }}",
    "{{ match.1 }}",
    "(",
    "(a)",
    "gpt-4*",
    "${X:-1}",
    "yes",
    "real",
    "*",
    "64MB",
    "é\n",
]
GOOD = ["a", "call_1", "{{ user }}", "{{ body.a }}", "(a)", "gpt-4*", "é"]
#: What makes sense of the mappings beyond the keys they must have.
ALWAYS = {"a message": ("content",), "a rule": ("reply",)}
SCALARS = st.sampled_from([*WORDS, None, True, False, 0, 1, -1, 7.5, 1e300, 429, float("nan"), float("inf"), 10**400])
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "any", "exact", "role", "id", "content"]), inner)
    ),
    max_leaves=6,
)


def values(kind: Kind, flaws: bool = True, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values for a kind; with ``flaws`` some are not right at all."""
    right = st.deferred(lambda: likely(kind, flaws, depth + 1)) if depth < 8 else SCALARS
    return st.integers(0, 29).flatmap(lambda ids: JUNK if ids == 29 else right) if flaws else right


def likely(kind: Kind, flaws: bool, depth: int) -> st.SearchStrategy[Any]:
    match kind:
        case Text():
            return st.sampled_from(WORDS if flaws else GOOD)
        case Numeric():
            low = kind.low or 0
            return st.sampled_from([low if not kind.above else 1, min(low + 1, kind.high)])
        case Flag():
            return st.booleans() if flaws else st.just(True)
        case Choice():
            return st.sampled_from(kind.values)
        case ListOf():
            return st.lists(values(kind.item, flaws, depth), min_size=kind.least, max_size=kind.most or kind.least + 1)
        case MapOf():
            return st.dictionaries(st.sampled_from(["a", "b.0", "X-Y"]), values(kind.value, flaws, depth), max_size=2)
        case AnyOf():
            options = [option for option in kind.options if not isinstance(option, Function)]
            return st.sampled_from(options).flatmap(lambda option: values(option, flaws, depth))
        case Shape():
            return values(kind.kind, flaws, depth)
        case Struct():
            return mappings(kind, flaws, depth)
    return JUNK if flaws else st.sampled_from(GOOD)


def mappings(kind: Struct, flaws: bool, depth: int) -> st.SearchStrategy[Any]:
    """Some of the keys of a mapping, all that are required, and one of those that exclude each other."""
    fields = {field.name: field for field in kind.fields if field.name != "include" and (flaws or not field.later)}
    always = [*kind.required, *ALWAYS.get(kind.label, ())]
    optional = [name for name in fields if name not in (*kind.one_of, *always)]

    def build(names: list[str], one: str | None, camels: bool) -> st.SearchStrategy[Any]:
        chosen = dict.fromkeys([*always, *names, *([one] if one else [])])
        spelled = camel if camels else str
        return st.fixed_dictionaries({spelled(name): values(fields[name].kind, flaws, depth) for name in chosen})

    return st.tuples(
        st.lists(st.sampled_from(optional), max_size=3 if flaws else 1) if optional else st.just([]),
        st.sampled_from(kind.one_of) if kind.one_of else st.none(),
        st.booleans(),
    ).flatmap(lambda drawn: build(*drawn))


def problems_of(call: Callable[[], Any]) -> list[Problem]:
    """What a call says is wrong; nothing when it succeeds."""
    try:
        call()
    except ConfigError as error:
        return error.problems or [Problem("", "", "an error without problems")]
    return []


def outcome(source: Any) -> Config | list[Problem]:
    """The Config, whose rules can all be built, or what is wrong."""
    problems = problems_of(lambda: load(source, environ={}))
    assert not any("BAD" in str(problem) or not problem.message or str(problem) == problem.place for problem in problems)
    if problems:
        return problems
    config = load(source, environ={})
    for number, rule in enumerate(config.rules):
        rules.build(rule, number)
    return config


SCHEMA = jsonschema.Draft202012Validator(json_schema())
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@QUIET
@given(values(settings_keys.SETTINGS))
def test_any_mapping_loads_or_says_why(source: Any) -> None:
    if isinstance(source, (dict, list)):
        outcome(source)


RULES = st.booleans().flatmap(lambda flaws: st.lists(values(keys.shape("rule"), flaws), min_size=1, max_size=2))


@QUIET
@given(RULES)
def test_rules_are_the_same_in_a_file_to_the_schema_and_when_added(given_rules: list[Any]) -> None:
    outcomes = outcome({"responses": given_rules})
    if isinstance(outcomes, Config):
        assert SCHEMA.is_valid({"responses": given_rules})
    # Variables are filled as in a file: rules that a client adds do not have them.
    assert len(problems_of(lambda: load_rules(given_rules, environ={}))) == (0 if isinstance(outcomes, Config) else len(outcomes))


@QUIET
@given(values(keys.shape("reply")))
def test_any_reply_loads_or_says_why(reply: Any) -> None:
    assert all(problem.path.startswith("reply") for problem in problems_of(lambda: load_reply(reply)))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(RULES)
def test_a_mapping_and_its_yaml_say_the_same(given_rules: list[Any]) -> None:
    source = {"responses": given_rules}
    as_python = outcome(source)
    # Everything in quotes, as a variable that stands without quotes may become a number.
    as_yaml = outcome("# the same\n" + yaml.safe_dump(source, allow_unicode=True, default_style='"'))
    if isinstance(as_python, Config):
        assert isinstance(as_yaml, Config)
        assert [{**rule, "place": ""} for rule in as_python.rules] == [{**rule, "place": ""} for rule in as_yaml.rules]
    else:
        assert not isinstance(as_yaml, Config)
        assert {problem.path for problem in as_python} >= {problem.path for problem in as_yaml}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
@example("-")
def test_any_text_loads_or_says_why(text: str) -> None:
    outcome(text)
    outcome(text + "\n")
