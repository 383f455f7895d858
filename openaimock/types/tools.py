"""Offers: the tools a request offers and the form it wants its answer in, the same for every endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .ask import JSON, Ask


class Tool(NamedTuple):
    """A tool that the model may call. ``path`` is where the request has its schema: ``tools[0].function.parameters``.

    ``kind`` is ``function``, ``custom``, or the type of a tool that the API runs itself. ``parameters`` is None for a function
    that has none; a custom tool may have a ``grammar``.
    """

    name: str
    kind: str
    path: str
    parameters: JSON = None
    strict: bool = False
    grammar: Mapping[str, Any] | None = None


class Form(NamedTuple):
    """What the text of an answer has to be: ``kind`` is ``text``, ``json_object`` or ``json_schema``."""

    kind: str = "text"
    name: str = ""
    schema: JSON = None
    strict: bool = False


class Choice(NamedTuple):
    """What ``tool_choice`` says: ``mode`` is ``none``, ``auto`` or ``required``; ``names`` has the tools it is about, if any."""

    mode: str
    names: tuple[str, ...] | None = None


#: Items of a Responses input that bring tools with them.
_BRINGING = ("additional_tools", "tool_search_output")
_AS_IT_LIKES = Choice("auto")
_PLAIN = Form()


def tools(ask: Ask) -> list[Tool]:
    """Every tool the request offers, in order."""
    found = listed(ask.endpoint == "chat", ask.body.get("tools"), ask.body.get("functions"))
    for at, item in enumerate(getattr(ask, "items", ())):
        if item.get("type") in _BRINGING:
            found += _tools(False, item.get("tools") or (), f"input[{at}].tools")
    return found


def listed(
    nested: bool, tools: Iterable[Mapping[str, Any]] | None, functions: Sequence[Mapping[str, Any]] | None = None
) -> list[Tool]:
    """The tools of a list, and the functions of one in the older form.

    Chat has what a tool is ``nested`` under its type, Responses has it beside.
    """
    found = list(_tools(nested, tools or (), "tools"))
    return found + [_function(function, f"functions[{at}].parameters") for at, function in enumerate(functions or ())]


def _tools(nested: bool, given: Iterable[Mapping[str, Any]], path: str) -> Iterator[Tool]:
    for at, tool in enumerate(given):
        kind = tool.get("type") or "function"
        holder, here = (tool.get(kind) or {}, f"{path}[{at}].{kind}") if nested else (tool, f"{path}[{at}]")
        if kind == "function":
            yield _function(holder, f"{here}.parameters")
        elif kind == "namespace":
            yield from _tools(nested, tool.get("tools") or (), f"{here}.tools")
        elif kind == "custom":
            yield Tool(holder.get("name") or "", kind, here, grammar=_grammar(holder.get("format")))
        else:
            yield Tool(tool.get("name") or kind, kind, here)


def _function(function: Mapping[str, Any], path: str) -> Tool:
    return Tool(function.get("name") or "", "function", path, function.get("parameters"), function.get("strict") is True)


def _grammar(format: Any) -> Mapping[str, Any] | None:
    if not isinstance(format, dict) or format.get("type") != "grammar":
        return None
    return format.get("grammar") or format


def form(ask: Ask) -> Form:
    """The form that the answer's text has to have."""
    body = ask.body
    given = body.get("response_format") or (body.get("text") or {}).get("format") or {}
    kind = given.get("type") or "text"
    if kind == "text":
        return _PLAIN
    inner = given.get("json_schema") or given
    return Form(kind, inner.get("name") or "", inner.get("schema"), inner.get("strict") is True)


def choice(ask: Ask) -> Choice:
    """Whether a tool must, may or must not be called, and which."""
    given = ask.body.get("tool_choice") or ask.body.get("function_call")
    if given is None:
        return _AS_IT_LIKES
    if isinstance(given, str):
        return Choice(given)
    if given.get("type") == "allowed_tools":
        allowed = given.get("allowed_tools") or given
        return Choice(allowed.get("mode") or "auto", tuple(map(_called, allowed.get("tools") or ())))
    return Choice("required", (_called(given),))


def _called(reference: Mapping[str, Any]) -> str:
    """The name of the tool that is meant, or its type where it has no name."""
    kind = reference.get("type") or ""
    inner = reference.get(kind)
    return (inner if isinstance(inner, dict) else reference).get("name") or kind
