"""Count the tokens of tools and schemas, written out as the API shows them to a model.

Functions become a TypeScript namespace, the schema of an answer compact JSON. Counts are remembered by content: the same tools
come with every request of an agent.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..types.parts import PARTS
from . import tokens

JSON = Any

#: Tokens of a hosted tool in a prompt, by its type: for models that do not reason, and for those that do.
HOSTED = {
    "web_search": (294, 4200),
    "file_search": (300, 300),
    "code_interpreter": (700, 700),
    "image_generation": (500, 500),
    "mcp": (380, 600),
    "tool_search": (125, 125),
    "computer": (500, 500),
}
#: A hosted tool that is not in the table.
OTHER = 300
#: A function that is only found by search: beside its name and description.
DEFERRED = 8

_HEAD, _END = "# Tools\n\n## functions\n\nnamespace functions {\n\n", "} // namespace functions"
#: Levels of a schema, and schemas in all, that are written out; what is beyond is ``any``.
_DEPTH, _SCHEMAS = 32, 5_000


class Count(NamedTuple):
    """Tokens of tools: of those that the client runs, and of those that OpenAI hosts."""

    own: int
    hosted: int = 0


#: Counts by kind, vocabulary, way to count, length and hash. The hash stands for the content, which does not stay in memory.
_counts: dict[tuple[str, str, str, int, int], Count] = {}


def _remembered(kind: str, value: JSON, encoding: str, count: Callable[[JSON], Count]) -> Count:
    """The count of a value, worked out once for the same content."""
    kinds = (kind, encoding, tokens.tokenizer(encoding).name)
    part = PARTS.of(value)
    return _by_content(kinds, value, count) if part is None else part.fact(kinds, count)


def _by_content(kinds: tuple[str, str, str], value: JSON, count: Callable[[JSON], Count]) -> Count:
    try:
        raw = marshal.dumps(value, 2)
    except ValueError:  # deeper than marshal goes, or not plain JSON
        return count(value)
    key = (*kinds, len(raw), hash(raw))
    counted = _counts.get(key)
    if counted is None:
        counted = count(value)
        if len(_counts) >= 1024:
            _counts.clear()
        _counts[key] = counted
    return counted


def dump(value: JSON) -> str:
    """Compact JSON; "" for what nests deeper than Python does."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        return ""


# Tools


def count_tools(tools: Sequence[Mapping[str, JSON]], encoding: str, *, thinking: bool) -> Count:
    """Tokens of the tools of chat or of the Responses API; ``thinking`` if the model reasons."""

    def count(tools: Sequence[Mapping[str, JSON]]) -> Count:
        texts: list[str] = []
        hosted = 0
        for tool in _flat(tools):
            kind = str(tool.get("type") or "function")
            inner = tool.get(kind)
            about = inner if isinstance(inner, dict) else tool
            if about.get("defer_loading"):
                hosted += DEFERRED + tokens.count_encoded(f"{about.get('name')}: {about.get('description') or ''}", encoding)
            elif kind == "custom":
                texts.append(_custom(about))
            elif "parameters" in about or "name" in about or kind == "function":
                texts.append(_function({"name": kind, **about}))
            else:
                hosted += next((cost[thinking] for name, cost in HOSTED.items() if kind.startswith(name)), OTHER)
        own = tokens.count_encoded(f"{_HEAD}{''.join(texts)}{_END}", encoding) if texts else 0
        return Count(own, hosted)

    return _remembered(f"tools {thinking}", tools, encoding, count)


def _flat(tools: Iterable[Mapping[str, JSON]]) -> Iterator[Mapping[str, JSON]]:
    """The tools with those in namespaces, one level deep as the API has them."""
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from (inner for inner in tool.get("tools") or () if isinstance(inner, dict))
        else:
            yield tool


def _custom(tool: Mapping[str, JSON]) -> str:
    """A tool that takes any text, or one that a grammar allows."""
    format = tool.get("format")
    grammar = (format.get("grammar") or format) if isinstance(format, dict) else {}
    definition = grammar.get("definition") if isinstance(grammar, dict) else None
    return f"{_comment(tool.get('description'))}type {tool.get('name')} = (FREEFORM) => any;\n\n{definition or ''}"


def _function(function: Mapping[str, JSON]) -> str:
    """A function as a TypeScript type."""
    parameters = function.get("parameters")
    opening = f"{_comment(function.get('description'))}type {function['name']} = ("
    if not isinstance(parameters, dict) or not isinstance(parameters.get("properties"), dict) or not parameters["properties"]:
        return opening + ") => any;\n\n"
    comments = _comments(parameters)
    written = _Writer(parameters).properties(parameters, 0)
    return f"{opening}_: {comments and chr(10) + comments}{written}) => any;\n\n"


def _comment(text: JSON) -> str:
    return f"// {text.strip()}\n" if isinstance(text, str) and text else ""


def _comments(schema: Mapping[str, JSON]) -> str:
    if "title" in schema:
        return _comment(schema["title"]) + _comment(schema.get("description"))
    return _comment(schema.get("description"))


#: Keywords of schemas whose type is not what ``type`` says.
_SPECIAL = frozenset(["$ref", "anyOf", "oneOf", "allOf", "const", "enum"])


class _Writer:
    """Writes the schemas of one function as TypeScript types; ``left`` bounds how many, because references can multiply."""

    def __init__(self, root: Mapping[str, JSON]) -> None:
        self.root = root
        self.left = _SCHEMAS

    def properties(self, schema: Mapping[str, JSON], depth: int) -> str:
        """An object's members: in one line, or a line each where one has a comment."""
        needed = schema.get("required")
        needed = needed if isinstance(needed, list) else []
        lines: list[tuple[str, str]] = []
        plain = True
        for name, about in schema["properties"].items():
            about = about if isinstance(about, dict) else {}
            comments = _comments(about)
            default = about.get("default")
            after = "" if default is None else f" // default: {default if isinstance(default, str) else dump(default)}"
            kind = self.type(about, depth + 1)
            plain = plain and not comments and not after and "\n" not in kind
            lines.append((comments, f"{name}{'' if name in needed else '?'}: {kind},{after}"))
        if plain:
            return f"{{ {' '.join(line for _, line in lines)[:-1]} }}"
        return "{\n" + "".join(f"{comments}{line}\n" for comments, line in lines) + "}"

    def type(self, schema: JSON, depth: int) -> str:
        """The type of one schema."""
        self.left -= 1
        if not isinstance(schema, dict) or depth > _DEPTH or self.left < 0:
            return "any"
        if _SPECIAL.isdisjoint(schema) and schema.get("type").__class__ is not list:
            return self._plain(schema.get("type"), schema, depth)
        if "$ref" in schema:
            return self.type(self._target(str(schema["$ref"])), depth + 1)
        for key in ("anyOf", "oneOf", "allOf"):
            if isinstance(schema.get(key), list):
                return " | ".join(self.type(choice, depth + 1) for choice in schema[key])
        if "const" in schema:
            return dump(schema["const"])
        if isinstance(schema.get("enum"), list):
            return " | ".join(dump(choice) for choice in schema["enum"])
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return " | ".join(self._plain(kind, schema, depth) for kind in kinds)
        return self._plain(kinds, schema, depth)

    def _plain(self, kind: JSON, schema: Mapping[str, JSON], depth: int) -> str:
        if kind == "integer":
            return "number"
        if kind == "array":
            return (self.type(schema["items"], depth + 1) if schema.get("items") else "any") + "[]"
        if isinstance(schema.get("properties"), dict) and schema["properties"] and kind in ("object", None):
            return self.properties(schema, depth)
        return kind if isinstance(kind, str) else "any"

    def _target(self, reference: str) -> JSON:
        """What a reference names; None when there is no such definition."""
        for key in ("$defs", "definitions"):
            definitions = self.root.get(key)
            if isinstance(definitions, dict) and (target := definitions.get(reference.rpartition("/")[2])) is not None:
                return target
        return self.root if reference == "#" else None


# Schemas of answers


def count_schema(format: Mapping[str, JSON], encoding: str) -> int:
    """Tokens of a ``json_schema`` format: an object with ``name``, ``description`` and ``schema``."""

    def count(format: Mapping[str, JSON]) -> Count:
        heading = f"# Response Formats\n\n## {format.get('name') or ''}\n\n{_comment(format.get('description'))}"
        return Count(tokens.count_encoded(heading + dump(_bare(format.get("schema"), 0)), encoding))

    return _remembered("schema", format, encoding, count).own


#: What strict schemas say of every object: the model is not shown it.
_LEFT_OUT = frozenset(["additionalProperties", "required"])
#: Members under shorter names of as many tokens: the estimate cuts long words.
_SHORT = {"description": "desc", "properties": "props"}
#: Members that hold schemas by names of the user's.
_NAMED = frozenset(["properties", "$defs", "definitions", "patternProperties"])


def _bare(schema: JSON, depth: int) -> JSON:
    """A schema without what is the same in every strict one."""
    if depth > 4 * _DEPTH:
        return None
    if isinstance(schema, list):
        return [_bare(each, depth + 1) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        _SHORT.get(key, key): {name: _bare(inner, depth + 1) for name, inner in value.items()}
        if key in _NAMED and isinstance(value, dict)
        else _bare(value, depth + 1)
        for key, value in schema.items()
        if key not in _LEFT_OUT
    }
