"""The tools, tool choice and response format of a request, read once and the same for every endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .ask import JSON, Ask
from .parts import once


class Tool(NamedTuple):
    """A tool that the model may call. ``path`` is the place of its schema in the request: ``tools[0].function.parameters``.

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
    """The response format: ``kind`` is ``text``, ``json_object`` or ``json_schema``.

    ``param`` is the request's parameter that has it, ``response_format`` or ``text.format``; "" when the request has none.
    """

    kind: str = "text"
    name: str = ""
    schema: JSON = None
    strict: bool = False
    param: str = ""


class Choice(NamedTuple):
    """The ``tool_choice``: ``mode`` is ``none``, ``auto`` or ``required``; ``names`` limits the tools."""

    mode: str
    names: tuple[str, ...] | None = None


#: Types of Responses input items that contain tools.
_ITEMS_WITH_TOOLS = ("additional_tools", "tool_search_output")
#: The members that say these things, for each endpoint that has them. Elsewhere members of these names can be of any type.
_MEMBERS = {
    "chat": ("tools", "functions", "tool_choice", "function_call", "response_format"),
    "responses": ("tools", "tool_choice", "text"),
}
_AUTO = Choice("auto")
_TEXT = Form()


def _members(ask: Ask) -> Mapping[str, Any]:
    names = _MEMBERS.get(ask.endpoint, ())
    return {name: ask.body[name] for name in names if name in ask.body}


def describe(ask: Ask) -> None:
    """Set what matchers read: the names of the tools, the tool choice, the response format and the name of its schema."""
    body = _members(ask)
    if not body:
        return
    offered, functions = body.get("tools") or (), body.get("functions") or ()
    if offered or functions:
        ask.tools = once(offered, "names", _tool_names) + tuple(function["name"] for function in functions)
    choice = body.get("tool_choice") or body.get("function_call")
    if choice:
        ask.tool_choice = choice if isinstance(choice, str) else _choice_name(choice)
    form = response_form(ask)
    if form.param:
        ask.response_format, ask.schema_name = form.kind, form.name


def _tool_names(tools: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(_names(tools))


def _names(tools: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for tool in tools:
        yield _definition(tool).get("name") or tool["type"]
        if tool["type"] == "namespace":
            yield from _names(tool["tools"])


def _choice_name(choice: Mapping[str, Any]) -> str:
    """The name of the tool that must be called, else the mode, else the type."""
    inner = _definition(choice)
    return str(inner.get("name") or inner.get("mode") or choice.get("type") or "")


def _definition(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of a tool or of a reference to one: chat nests them under the type, Responses does not."""
    inner = tool.get(tool.get("type") or "")
    return inner if isinstance(inner, dict) else tool


def tools(ask: Ask) -> list[Tool]:
    """Every tool the request offers, in order."""
    offered = listed(_members(ask).get("tools"), _members(ask).get("functions"))
    for at, item in enumerate(getattr(ask, "items", ())):
        if item.get("type") in _ITEMS_WITH_TOOLS:
            offered += _tools(item.get("tools") or (), f"input[{at}].tools")
    return offered


def listed(tools: Iterable[Mapping[str, Any]] | None, functions: Sequence[Mapping[str, Any]] | None = None) -> list[Tool]:
    """The tools of a list, and the functions of the older ``functions``."""
    older = [_function(function, f"functions[{at}].parameters") for at, function in enumerate(functions or ())]
    return [*_tools(tools or (), "tools"), *older]


def _tools(tools: Iterable[Mapping[str, Any]], path: str) -> Iterator[Tool]:
    for at, tool in enumerate(tools):
        kind = tool.get("type") or "function"
        definition = _definition(tool)
        place = f"{path}[{at}]" if definition is tool else f"{path}[{at}].{kind}"
        if kind == "function":
            yield _function(definition, f"{place}.parameters")
        elif kind == "namespace":
            yield from _tools(tool.get("tools") or (), f"{place}.tools")
        elif kind == "custom":
            yield Tool(definition.get("name") or "", kind, place, grammar=_grammar(definition.get("format")))
        else:
            yield Tool(tool.get("name") or kind, kind, place)


def _function(function: Mapping[str, Any], path: str) -> Tool:
    return Tool(function.get("name") or "", "function", path, function.get("parameters"), function.get("strict") is True)


def _grammar(format: Any) -> Mapping[str, Any] | None:
    if not isinstance(format, dict) or format.get("type") != "grammar":
        return None
    return format.get("grammar") or format


def response_form(ask: Ask) -> Form:
    """The form that the text of the answer must have."""
    body = _members(ask)
    format, param = body.get("response_format"), "response_format"
    if isinstance(format, str):
        # The name of a format of images or audio.
        return _TEXT
    if not format:
        format, param = (body.get("text") or {}).get("format") or {}, "text.format"
    kind = format.get("type")
    if not kind:
        return _TEXT
    if kind != "json_schema":
        return Form(kind, param=param)
    inner = format.get("json_schema") or format
    return Form(kind, inner.get("name") or "", inner.get("schema"), inner.get("strict") is True, param)


def choice(ask: Ask) -> Choice:
    """Whether a tool must, may or must not be called, and which."""
    body = _members(ask)
    value = body.get("tool_choice") or body.get("function_call")
    if value is None:
        return _AUTO
    if isinstance(value, str):
        return Choice(value)
    if value.get("type") == "allowed_tools":
        allowed = value.get("allowed_tools") or value
        return Choice(allowed.get("mode") or "auto", tuple(map(_reference, allowed.get("tools") or ())))
    return Choice("required", (_reference(value),))


def _reference(reference: Mapping[str, Any]) -> str:
    """The name of the tool in a reference, or its type where it has no name."""
    return _definition(reference).get("name") or reference.get("type") or ""
