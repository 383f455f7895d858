"""Conditions: the keys of ``when``, each a check of one thing about an Ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import matchers, templates
from .matchers import Matcher
from .nouns import Ask
from .sse import dump

#: The keys of ``when`` whose matcher reads a text; their scores decide between rules.
TEXTS = ("user", "system", "assistant", "tool", "message", "text")


def _worthless(ask: Ask) -> tuple[float, ...]:
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One thing that must hold: ``check(ask)`` is the reason why it does not, "" when it does.

    ``value`` and ``matcher`` are there for a condition on one text, so that it can be indexed and explained;
    ``scores`` gives what a condition that holds adds to the rule's score.
    """

    key: str
    check: Callable[[Ask], str]
    scores: Callable[[Ask], tuple[float, ...]] = _worthless
    value: Callable[[Ask], Any] | None = None
    matcher: Matcher | None = None
    parts: tuple[Condition, ...] = ()


def compile(when: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The Conditions of a checked ``when``, in its order."""
    return tuple((_CONDITIONS.get(key) or _text)(key, value) for key, value in when.items())


def _on_value(key: str, value: Callable[[Ask], Any], expected: Mapping[str, Any]) -> Condition:
    matcher = matchers.compile(expected)
    check = matcher.check
    return Condition(key, lambda ask: check(value(ask)), value=value, matcher=matcher)


def _text(key: str, expected: Mapping[str, Any]) -> Condition:
    """A condition on an attribute of the Ask that is a text."""
    condition = _on_value(key, lambda ask: getattr(ask, key), expected)
    score = (condition.matcher.score,) if condition.matcher and key in TEXTS else ()
    return replace(condition, scores=lambda ask: score)


def _message(key: str, expected: Mapping[str, Any]) -> Condition:
    """A condition that some message of any role meets (inverted: that none does)."""
    matcher = matchers.compile({**expected, "invert": False})
    invert = bool(expected.get("invert"))

    def check(ask: Ask) -> str:
        if any(not matcher.check(message.text) for message in ask.messages) is not invert:
            return ""
        return f"expected {'no' if invert else 'some'} message with {matcher.describe()}, got {len(ask.messages)} messages"

    score = (matchers.SCORES["any"] if invert else matcher.score,)
    return Condition(key, check, lambda ask: score)


def _same(key: str, expected: Any) -> Condition:
    """A condition that an attribute of the Ask is exactly this."""

    def check(ask: Ask) -> str:
        got = getattr(ask, key)
        return "" if got == expected else f"expected {_plain(expected)}, got {_plain(got)}"

    return Condition(key, check)


def _endpoint(key: str, names: Sequence[str]) -> Condition:
    return Condition(key, lambda ask: "" if ask.endpoint in names else f"expected {' or '.join(names)}, got {ask.endpoint}")


def _tools(key: str, names: Sequence[str]) -> Condition:
    def check(ask: Ask) -> str:
        missing = [name for name in names if name not in ask.tools]
        return f"tool {missing[0]!r} is not offered ({', '.join(ask.tools) or 'none is'})" if missing else ""

    return Condition(key, check)


def _response_format(key: str, expected: Mapping[str, Any]) -> Condition:
    matcher = matchers.compile(expected)

    def check(ask: Ask) -> str:
        return matcher.check(ask.response_format) and matcher.check(ask.schema_name or ask.response_format)

    return Condition(key, check)


def _header(key: str, expected: Mapping[str, Mapping[str, Any]]) -> Condition:
    def reader(name: str) -> Callable[[Ask], Any]:
        return lambda ask: ask.headers.get(name)

    return _all(key, tuple(_on_value(f"header.{name}", reader(name), matcher) for name, matcher in expected.items()))


def _body(key: str, expected: Mapping[str, Mapping[str, Any]]) -> Condition:
    def reader(path: str) -> Callable[[Ask], Any]:
        return lambda ask: templates.reach(ask.body, path)

    def text_reader(path: str) -> Callable[[Ask], Any]:
        def read(ask: Ask) -> Any:
            found = templates.reach(ask.body, path)
            return found if found is None or isinstance(found, str) else dump(found)

        return read

    parts = []
    for path, matcher in expected.items():
        read = reader(path) if matcher["kind"] == "equals" else text_reader(path)
        parts.append(_on_value(f"body.{path}", read, matcher))
    return _all(key, tuple(parts))


def _state(key: str, expected: Mapping[str, str]) -> Condition:
    def check(ask: Ask) -> str:
        for scenario, value in expected.items():
            got = ask.state.get(scenario)
            if got != value:
                return f"expected scenario {scenario!r} in state {value!r}, got {got!r}"
        return ""

    return Condition(key, check)


def _every(key: str, whens: Sequence[Mapping[str, Any]]) -> Condition:
    return _all(key, tuple(_all(f"{key}[{at}]", compile(when)) for at, when in enumerate(whens)))


def _all(key: str, parts: tuple[Condition, ...]) -> Condition:
    def check(ask: Ask) -> str:
        for part in parts:
            reason = part.check(ask)
            if reason:
                return f"{part.key}: {reason}"
        return ""

    return Condition(key, check, lambda ask: tuple(score for part in parts for score in part.scores(ask)), parts=parts)


def _some(key: str, whens: Sequence[Mapping[str, Any]]) -> Condition:
    branches = [_all(f"{key}[{at}]", compile(when)) for at, when in enumerate(whens)]

    def check(ask: Ask) -> str:
        reasons = []
        for branch in branches:
            reason = branch.check(ask)
            if not reason:
                return ""
            reasons.append(reason)
        return "none of these holds: " + "; ".join(reasons)

    def scores(ask: Ask) -> tuple[float, ...]:
        fitting = [branch.scores(ask) for branch in branches if not branch.check(ask)]
        return max(fitting, key=lambda given: sum(given) / len(given) if given else 0.0, default=())

    return Condition(key, check, scores)


def _not(key: str, when: Mapping[str, Any]) -> Condition:
    inner = _all(key, compile(when))
    score = (matchers.SCORES["any"],)
    return Condition(key, lambda ask: "" if inner.check(ask) else "what must not hold does", lambda ask: score)


#: How each key of ``when`` becomes a Condition; keys that are not here are texts of the Ask.
_CONDITIONS: dict[str, Callable[[str, Any], Condition]] = {
    "message": _message,
    "endpoint": _endpoint,
    "stream": _same,
    "tools": _tools,
    "response_format": _response_format,
    "turn": _same,
    "has_tool_result": _same,
    "header": _header,
    "body": _body,
    "state": _state,
    "all": _every,
    "any": _some,
    "not": _not,
}


def _plain(value: Any) -> str:
    return dump(value) if isinstance(value, bool) else str(value)
