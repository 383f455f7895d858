"""Conditions: each key of ``when`` as a test of one property of an Ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..http.json import dump
from ..replies import templates
from ..types import operations
from ..types.ask import Ask
from . import matchers
from .matchers import Matcher

#: The keys of ``when`` whose matcher reads a text; their scores decide between rules.
TEXTS = ("user", "system", "assistant", "tool", "message", "text")
#: The keys whose result depends only on the operation, the model, the messages, and whether a stream is requested.
_PROMPT_KEYS = frozenset({*TEXTS, "model", "endpoint", "stream", "turn", "step", "has_tool_result", "tool_call_id"})
#: The keys whose result depends only on the request's body and its path.
_BODY_KEYS = _PROMPT_KEYS | {"tools", "tool_choice", "response_format", "path"}


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One requirement: ``fits(ask)`` tests it, ``reason(ask)`` describes why it does not hold.

    A condition on one value has ``matcher`` and ``value``, so that it can be indexed and explained. ``worth`` lists the scores
    that it adds to its rule. All ``parts`` must hold; one of ``branches`` must hold, and the best of them gives the score.
    """

    key: str
    fits: Callable[[Ask], bool]
    reason: Callable[[Ask], str]
    worth: tuple[float, ...] = ()
    value: Callable[[Ask], Any] | None = None
    matcher: Matcher | None = None
    #: Instead of ``matcher``: one of ``texts`` must fit it.
    within: Matcher | None = None
    texts: Callable[[Ask], Sequence[str]] | None = None
    parts: tuple[Condition, ...] = ()
    branches: tuple[Condition, ...] = ()
    #: What is expected, where no matcher describes it.
    expected: str = ""

    def check(self, ask: Ask) -> str:
        """Why the condition does not hold; "" when it holds."""
        return "" if self.fits(ask) else self.reason(ask)


def compile(when: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The Conditions of a validated ``when``, in its order."""
    return tuple((_CONDITIONS.get(key) or _text)(key, value) for key, value in when.items())


def scores(condition: Condition, ask: Ask) -> tuple[float, ...]:
    """The scores that a fulfilled condition adds to its rule."""
    if condition.branches:
        fitting = [scores(branch, ask) for branch in condition.branches if branch.fits(ask)]
        return max(fitting, key=lambda values: sum(values) / len(values) if values else 0.0, default=())
    if condition.parts:
        return tuple(score for part in condition.parts for score in scores(part, ask))
    return condition.worth


def leaves(condition: Condition) -> list[Condition]:
    """The condition itself, or the simple conditions that a combinator consists of."""
    inner = condition.parts + condition.branches
    return [leaf for part in inner for leaf in leaves(part)] if inner else [condition]


def describe(leaf: Condition) -> str:
    """A simple condition as a text: its key, and what is expected."""
    matcher = leaf.matcher or leaf.within
    expected = matcher.describe() if matcher else leaf.expected
    return f"{leaf.key}: {expected}" if expected else leaf.key


def depends_on_body_only(condition: Condition) -> bool:
    """Whether a condition always gives the same result for the same request body."""
    return all(leaf.key in _BODY_KEYS or leaf.key.startswith("body.") for leaf in leaves(condition))


def depends_on_prompt_only(condition: Condition) -> bool:
    """Whether a condition always gives the same result for the same operation, model and messages, streamed or not."""
    return all(leaf.key in _PROMPT_KEYS for leaf in leaves(condition))


def groups(condition: Condition, ask: Ask) -> dict[str, str]:
    """The regex groups that a condition captures from an Ask."""
    groups_found: dict[str, str] = {}
    for leaf in leaves(condition):
        if leaf.matcher and leaf.value:
            groups_found |= leaf.matcher.groups(leaf.value(ask))
        elif leaf.within and leaf.texts:
            texts = [text for text in leaf.texts(ask) if leaf.within.fits(text)]
            groups_found |= leaf.within.groups(texts[0]) if texts else {}
    return groups_found


# Conditions on one value


def _on_value(key: str, value: Callable[[Ask], Any], expected: Mapping[str, Any]) -> Condition:
    matcher = matchers.compile(expected)
    fits, check = matcher.fits, matcher.check
    return Condition(key, lambda ask: fits(value(ask)), lambda ask: check(value(ask)), value=value, matcher=matcher)


def _text(key: str, expected: Mapping[str, Any]) -> Condition:
    """A condition on a text attribute of the Ask."""
    condition = _on_value(key, lambda ask: getattr(ask, key), expected)
    return replace(condition, worth=_text_score(key, expected))


def _text_score(key: str, expected: Mapping[str, Any]) -> tuple[float, ...]:
    if key not in TEXTS:
        return ()
    return (matchers.SCORES["any" if expected.get("invert") else expected["kind"]],)


def _message(key: str, expected: Mapping[str, Any]) -> Condition:
    """A condition that at least one message of any role fulfils (inverted: that none fulfils)."""
    matcher = matchers.compile({**expected, "invert": False})
    invert, fits = bool(expected.get("invert")), matcher.fits
    description = f"expected {'no' if invert else 'some'} message with {matcher.describe()}"
    return Condition(
        key,
        lambda ask: any(fits(message.text) for message in ask.messages) is not invert,
        lambda ask: f"{description}, got {len(ask.messages)} messages",
        _text_score(key, expected),
        within=None if invert else matcher,
        texts=lambda ask: [message.text for message in ask.messages],
    )


def _tool_call_id(key: str, expected: Mapping[str, Any]) -> Condition:
    """A condition on the calls that the latest tool results answer; parallel results may come in any order."""
    matcher = matchers.compile({**expected, "invert": False})
    invert, fits = bool(expected.get("invert")), matcher.fits
    description = f"expected {'no' if invert else 'the'} result of a call with the id {matcher.describe()}"
    return Condition(
        key,
        lambda ask: any(map(fits, ask.tool_call_ids)) is not invert,
        lambda ask: f"{description}, got {', '.join(map(matchers.show, ask.tool_call_ids)) or 'no result'}",
        within=None if invert else matcher,
        texts=lambda ask: ask.tool_call_ids,
    )


def _header(key: str, expected: Mapping[str, Mapping[str, Any]]) -> Condition:
    def reader(name: str) -> Callable[[Ask], Any]:
        return lambda ask: ask.headers.get(name)

    return _all(key, tuple(_on_value(f"header.{name}", reader(name), matcher) for name, matcher in expected.items()))


def _body(key: str, expected: Mapping[str, Mapping[str, Any]]) -> Condition:
    def reader(path: str) -> Callable[[Ask], Any]:
        return lambda ask: templates.reach(ask.body, path)

    def text_reader(path: str) -> Callable[[Ask], Any]:
        def read(ask: Ask) -> Any:
            content = templates.reach(ask.body, path)
            return content if content is None or isinstance(content, str) else dump(content)

        return read

    parts = []
    for path, matcher in expected.items():
        read = reader(path) if matcher["kind"] == "equals" else text_reader(path)
        parts.append(_on_value(f"body.{path}", read, matcher))
    return _all(key, tuple(parts))


# Conditions of other kinds


def _same(key: str, expected: Any) -> Condition:
    """A condition that an attribute of the Ask equals a value."""
    return Condition(
        key,
        lambda ask: bool(getattr(ask, key) == expected),
        lambda ask: f"expected {_show(expected)}, got {_show(getattr(ask, key))}",
        expected=_show(expected),
    )


def _attempt(key: str, expected: int) -> Condition:
    return Condition(
        key,
        lambda ask: ask.attempt + 1 == expected,
        lambda ask: f"expected {expected}, got {ask.attempt + 1}",
        expected=str(expected),
    )


def _endpoint(key: str, names: Sequence[str]) -> Condition:
    ids = operations.select_all(names)

    def operation(ask: Ask) -> str:
        return ask.operation or operations.ANSWERING.get(ask.endpoint, ask.endpoint)

    return Condition(
        key,
        lambda ask: operation(ask) in ids,
        lambda ask: f"expected {' or '.join(names)}, got {ask.endpoint if ask.answers_prompt else operation(ask)}",
        expected=" or ".join(names),
    )


def _tools(key: str, names: Sequence[str]) -> Condition:
    def reason(ask: Ask) -> str:
        missing = [name for name in names if name not in ask.tools]
        return f"tool {missing[0]!r} is not offered ({', '.join(ask.tools) or 'none is'})"

    return Condition(key, lambda ask: all(name in ask.tools for name in names), reason, expected=", ".join(names))


def _response_format(key: str, expected: Mapping[str, Any]) -> Condition:
    """A condition on the format's type or its schema's name; inverted, neither may fit."""
    matcher = matchers.compile(expected)
    fits, holds = matcher.fits, all if matcher.invert else any
    return Condition(
        key,
        lambda ask: holds(fits(name) for name in {ask.response_format, ask.schema_name or ask.response_format}),
        lambda ask: f"expected {matcher.describe()}, got {matchers.show(ask.schema_name or ask.response_format or None)}",
        expected=matcher.describe(),
    )


def _state(key: str, expected: Mapping[str, str]) -> Condition:
    def reason(ask: Ask) -> str:
        # The state may have changed since the test; then every expected state is listed.
        wrong = {name: value for name, value in expected.items() if ask.state.get(name) != value} or expected
        return "; ".join(
            f"expected scenario {name!r} in state {value!r}, got {ask.state.get(name)!r}" for name, value in wrong.items()
        )

    return Condition(
        key,
        lambda ask: all(ask.state.get(name) == value for name, value in expected.items()),
        reason,
        expected=", ".join(f"{name} is {value}" for name, value in expected.items()),
    )


# Combinators


def _all_of(key: str, whens: Sequence[Mapping[str, Any]]) -> Condition:
    return _all(key, tuple(_all(f"{key}[{at}]", compile(when)) for at, when in enumerate(whens)))


def _all(key: str, parts: tuple[Condition, ...]) -> Condition:
    def reason(ask: Ask) -> str:
        part = next((part for part in parts if not part.fits(ask)), parts[-1])
        return f"{part.key}: {part.reason(ask)}"

    return Condition(key, lambda ask: all(part.fits(ask) for part in parts), reason, parts=parts)


def _any_of(key: str, whens: Sequence[Mapping[str, Any]]) -> Condition:
    branches = tuple(_all(f"{key}[{at}]", compile(when)) for at, when in enumerate(whens))
    return Condition(
        key,
        lambda ask: any(branch.fits(ask) for branch in branches),
        lambda ask: "none of these holds: " + "; ".join(branch.reason(ask) for branch in branches),
        branches=branches,
    )


def _none_of(key: str, when: Mapping[str, Any]) -> Condition:
    inner = _all(key, compile(when))
    worth = (matchers.SCORES["any"],)
    expected = " and ".join(map(describe, leaves(inner)))
    return Condition(
        key, lambda ask: not inner.fits(ask), lambda ask: "the condition under 'not' holds", worth, expected=expected
    )


#: The constructor for each key of ``when``; other keys are text attributes of the Ask.
_CONDITIONS: dict[str, Callable[[str, Any], Condition]] = {
    "message": _message,
    "endpoint": _endpoint,
    "stream": _same,
    "tools": _tools,
    "response_format": _response_format,
    "turn": _same,
    "step": _same,
    "attempt": _attempt,
    "has_tool_result": _same,
    "tool_call_id": _tool_call_id,
    "header": _header,
    "body": _body,
    "state": _state,
    "all": _all_of,
    "any": _any_of,
    "not": _none_of,
}


def _show(value: Any) -> str:
    return dump(value) if isinstance(value, bool) else str(value)
