"""Write: rules, as plain data in the words of a configuration, become YAML that reads back as the same rules."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .tree import DEPTH, resolve

#: The order of the keys of each kind of mapping; other keys follow in the order in which they are given.
ORDER: dict[str, tuple[str, ...]] = {
    "rule": (
        "id", "when", "matcher", "messages", "reply", "replies", "response", "then", "times", "expect", "priority", "turns",
        "latency", "pace", "fault", "fail", "hold",
    ),
    "message": (
        "role", "reasoning", "content", "refusal", "tool_calls", "blocks", "tool_call_id", "parts", "matcher", "threshold",
        "case_sensitive", "invert",
    ),
    "reply": ("reasoning", "content", "refusal", "tool_calls", "blocks", "error", "status", "headers", "body"),
    "when": ("endpoint", "model", "system", "user", "assistant", "tool", "message", "text", "turn", "step", "stream"),
    "tool_call": ("id", "type", "name", "arguments", "input", "function"),
    "error": ("status", "type", "code", "message", "param", "retry_after"),
}  # fmt: skip
#: What the values of a key are, by the kind of the mapping in which the key stands.
_INSIDE: dict[tuple[str, str], str] = {
    ("rule", "messages"): "message",
    ("rule", "when"): "when",
    ("rule", "reply"): "reply",
    ("rule", "replies"): "reply",
    **{(kind, "tool_calls"): "tool_call" for kind in ("message", "reply")},
    **{(kind, "error"): "error" for kind in ("message", "reply")},
    **{("when", name): "when" for name in ("all", "any", "not")},
}
#: Text that needs no quotes: it begins with a letter and holds no sign that YAML gives a meaning there.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./()+@%$^~<>=;'?!*&-]*")
#: Words that some YAML reader takes for something else than text.
_WORDS = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|none|nan|inf|infinity")
#: What a literal block cannot carry: control characters, other line breaks, what is not a character.
_NOT_LITERAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: A text of one line that is longer than this is written below its key.
_LONG = 100
#: How wide lines of short items may be.
_WIDTH = 120
#: YAML reads a longer key only after a question mark.
_LONG_KEY = 500


def write_rules(rules: Iterable[Mapping[str, Any]]) -> str:
    """A configuration with these rules. ValueError for what YAML or a configuration cannot hold (NaN, half a character)."""
    items = write_items(rules, 0)
    return f"responses:\n{items}" if items else "responses: []\n"


def write_items(rules: Iterable[Mapping[str, Any]], indent: int) -> str:
    """The rules as items of a list whose dashes stand after ``indent`` blanks."""
    lines: list[str] = []
    for rule in rules:
        lines += _item(ordered("rule", rule), indent, 3)
    return "".join(f"{line}\n" for line in lines)


def literal(reply: Mapping[str, Any]) -> dict[str, Any]:
    """A reply that is sent as it is: ``template: false`` where a text in it holds ``{{``."""
    return {**reply, "template": False} if "template" not in reply and _has_holes(reply) else dict(reply)


def _has_holes(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, Mapping):
        return any(_has_holes(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_has_holes(item) for item in value)


def ordered(kind: str, value: Any) -> Any:
    """The value with the keys of all mappings of known kinds in their order."""
    if isinstance(value, (list, tuple)):
        return [ordered(kind, item) for item in value]
    if not isinstance(value, Mapping) or kind not in ORDER:
        return value
    first = [name for name in ORDER[kind] if name in value]
    names = [*first, *(name for name in value if name not in first)]
    return {name: ordered(_INSIDE.get((kind, name), ""), value[name]) for name in names}


# Values, line by line


def _mapping(value: Mapping[str, Any], indent: int, depth: int) -> Iterator[str]:
    """The lines of a mapping that is not empty."""
    if depth > DEPTH:
        raise ValueError(f"nested more than {DEPTH} levels deep")
    for key, item in value.items():
        name = _key(str(key))
        if len(name) > _LONG_KEY:
            yield f"{' ' * indent}? {name}"
            yield from _after(f"{' ' * indent}:", item, indent, depth)
        else:
            yield from _after(f"{' ' * indent}{name}:", item, indent, depth)


def _after(opening: str, value: Any, indent: int, depth: int) -> Iterator[str]:
    """A key's line, and those of its value when it does not fit beside it."""
    if isinstance(value, Mapping) and value:
        yield opening
        yield from _mapping(value, indent + 2, depth + 1)
    elif isinstance(value, (list, tuple)) and value:
        flow = _flow(value, indent + 2)
        if flow is None:
            yield opening
            for item in value:
                yield from _item(item, indent + 2, depth + 1)
        else:
            yield f"{opening} {flow[0]}"
            yield from flow[1:]
    else:
        first, *rest = _scalar(value, indent + 2)
        yield f"{opening} {first}"
        yield from rest


def _item(value: Any, indent: int, depth: int) -> list[str]:
    """The lines of an item of a block list."""
    if isinstance(value, Mapping) and value:
        lines = list(_mapping(value, indent + 2, depth + 1))
        return [f"{' ' * indent}- {lines[0][indent + 2 :]}", *lines[1:]]
    return list(_after(f"{' ' * indent}-", value, indent, depth))


def _flow(items: Sequence[Any], indent: int) -> list[str] | None:
    """A list of numbers or short texts in brackets, on as many lines as it takes; None for any other list."""
    if not all(item is None or isinstance(item, (bool, int, float)) or _is_short(item) for item in items):
        return None
    pieces = [_number(item) if isinstance(item, (bool, int, float)) else _short(item) for item in items]
    one = f"[{', '.join(pieces)}]"
    if len(one) + indent <= _WIDTH:
        return [one]
    lines, line = ["["], " " * indent
    for piece in pieces:
        if len(line) + len(piece) + 1 > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * indent
        line += f"{piece}, "
    return [*lines, line.rstrip(), f"{' ' * (indent - 2)}]"]


def _is_short(item: Any) -> bool:
    return isinstance(item, str) and len(item) <= _LONG


def _short(item: str | None) -> str:
    """A text inside brackets: commas and brackets are never without quotes."""
    return "null" if item is None else _text(item)


# Scalars


def _scalar(value: Any, indent: int) -> list[str]:
    """The lines of a scalar or of an empty list or mapping: the first stands beside the key."""
    if value is None:
        return ["null"]
    if isinstance(value, (bool, int, float)):
        return [_number(value)]
    if isinstance(value, str):
        return _literal(value, indent) if "\n" in value or len(value) > _LONG else [_text(value)]
    if isinstance(value, (Mapping, list, tuple)):
        return ["{}" if isinstance(value, Mapping) else "[]"]
    if isinstance(value, (bytes, bytearray)):
        raise ValueError("bytes have no place in a YAML configuration; write them as base64")
    raise ValueError(f"a Python {type(value).__name__} has no place in a configuration")


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number that JSON knows")
    text = repr(value)
    mantissa, sign, exponent = text.partition("e")
    # YAML 1.1 takes a number with an exponent and no point for a text.
    return text if not sign or "." in mantissa else f"{mantissa}.0e{exponent}"


def _literal(text: str, indent: int) -> list[str]:
    """A text as a literal block, in quotes where a block cannot carry it exactly."""
    lines = text.split("\n")
    if _NOT_LITERAL.search(text) or not text.strip(" \n\t"):
        return [_quoted(text)]
    ending = len(text) - len(text.rstrip("\n"))
    if ending:
        lines = lines[:-1]
    chomping = {0: "-", 1: ""}.get(ending, "+")
    # A first line that is empty or begins with a blank would hide how far the block is indented.
    digit = "2" if lines[0][:1] in ("", " ", "\t") else ""
    return [f"|{digit}{chomping}", *(f"{' ' * indent}{_escape(line)}" if line else "" for line in lines)]


def _text(text: str) -> str:
    """A text of one line, without quotes where no reader of YAML can take it for anything else."""
    if _PLAIN.fullmatch(text) and text[-1] != " " and "${" not in text and not _WORDS.fullmatch(text):
        return text if isinstance(resolve(text), str) else _quoted(text)
    return _quoted(text)


def _key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text[-1] != " " and not _WORDS.fullmatch(text) else _quoted(text, variables=False)


def _quoted(text: str, variables: bool = True) -> str:
    if _SURROGATE.search(text):
        raise ValueError("half of a surrogate pair (\\ud800 to \\udfff) is not a character")
    quoted = json.dumps(_escape(text) if variables else text, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def _escape(text: str) -> str:
    """The text so that nothing in it is filled from the environment."""
    return text.replace("${", "$${")
