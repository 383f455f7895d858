"""The tools, tool choice and response format of a request, in one form for every endpoint."""

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
    """The required form of an answer's text: ``kind`` is ``text``, ``json_object`` or ``json_schema``."""

    kind: str = "text"
    name: str = ""
    schema: JSON = None
    strict: bool = False


class Choice(NamedTuple):
    """The ``tool_choice``: ``mode`` is ``none``, ``auto`` or ``required``; ``names`` has the allowed tools, None for all."""

    mode: str
    names: tuple[str, ...] | None = None


#: Items of a Responses input that contain tools.
_TOOL_ITEMS = ("additional_tools", "tool_search_output")
#: The endpoints whose requests have tools and a format. Elsewhere members of these names are unknown and of any type.
_WITH_TOOLS = ("chat", "responses")
_AUTO = Choice("auto")
_TEXT_FORM = Form()


def tools(ask: Ask) -> list[Tool]:
    """Every tool the request offers, in order."""
    if ask.endpoint not in _WITH_TOOLS:
        return []
    is_chat = ask.endpoint == "chat"
    offered = listed(is_chat, ask.body.get("tools"), ask.body.get("functions") if is_chat else None)
    for at, item in enumerate(getattr(ask, "items", ())):
        if item.get("type") in _TOOL_ITEMS:
            offered += _tools(False, item.get("tools") or (), f"input[{at}].tools")
    return offered


def listed(
    nested: bool, tools: Iterable[Mapping[str, Any]] | None, functions: Sequence[Mapping[str, Any]] | None = None
) -> list[Tool]:
    """The tools of a ``tools`` list and of a ``functions`` list, the older form.

    Chat has the definition of a tool ``nested`` under its type, Responses has it at the top level.
    """
    offered = list(_tools(nested, tools or (), "tools"))
    return offered + [_function(function, f"functions[{at}].parameters") for at, function in enumerate(functions or ())]


def _tools(nested: bool, entries: Iterable[Mapping[str, Any]], path: str) -> Iterator[Tool]:
    for at, tool in enumerate(entries):
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
    """The required form of the answer's text."""
    if ask.endpoint not in _WITH_TOOLS:
        return _TEXT_FORM
    body = ask.body
    format = (body.get("response_format") if ask.endpoint == "chat" else (body.get("text") or {}).get("format")) or {}
    kind = format.get("type") or "text"
    if kind == "text":
        return _TEXT_FORM
    inner = format.get("json_schema") or format
    return Form(kind, inner.get("name") or "", inner.get("schema"), inner.get("strict") is True)


def choice(ask: Ask) -> Choice:
    """Whether a tool must, may or must not be called, and which."""
    value = ask.body.get("tool_choice") or (ask.body.get("function_call") if ask.endpoint == "chat" else None)
    if value is None or ask.endpoint not in _WITH_TOOLS:
        return _AUTO
    if isinstance(value, str):
        return Choice(value)
    if value.get("type") == "allowed_tools":
        allowed = value.get("allowed_tools") or value
        return Choice(allowed.get("mode") or "auto", tuple(map(_tool_name, allowed.get("tools") or ())))
    return Choice("required", (_tool_name(value),))


def _tool_name(reference: Mapping[str, Any]) -> str:
    """The name of the referenced tool, or its type where it has no name."""
    kind = reference.get("type") or ""
    inner = reference.get(kind)
    return (inner if isinstance(inner, dict) else reference).get("name") or kind
