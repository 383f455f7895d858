"""JSON Schema (draft 2020-12): check a value against a schema and report the first mismatch."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .values import FORMATS, NOUNS, TAKES, fits_format, frozen, is_multiple, is_type, kind, regex

#: The most schemas that one check applies (a second or two): a real request needs a few thousand.
WORK = 100_000
_CLIP = 60

Path = tuple[str | int, ...]
#: A mismatch during a check: its path (as parts, so that alternatives can be compared by depth) and its reason.
Miss = tuple[Path, str]


class Mismatch(NamedTuple):
    """The path of the first mismatch (``items[2].city``, "" for the whole value), and the reason in the user's terms."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


def check(schema: Any, value: Any, *, root: Any = None) -> Mismatch | None:
    """The first mismatch of a JSON value against a schema, None when it fits. References point into ``root``.

    Unknown or malformed keywords are ignored, as are patterns that Python cannot compile (JavaScript's own),
    ``unevaluatedItems``, ``unevaluatedProperties``, and references to other documents' ids and anchors. Patterns run in
    Python's ``re``, which has no time limit.
    """
    try:
        miss = _Check(schema if root is None else root).visit(schema, value, ())
    except RecursionError:
        return Mismatch("", "too deeply nested to be checked")
    return None if miss is None else Mismatch(_encodable(written(miss[0])), _encodable(miss[1]))


def written(path: Path) -> str:
    """A path as users write it: ``items[2].city``; other names than plain words are quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[^\W\d][\w-]*", part):
            text += f".{part}" if text else part
        else:
            text += f"[{_quoted(part)}]"
    return text


def resolve(root: Any, ref: str) -> Any:
    """The target of a reference inside one document (``#``, ``#/$defs/City``); LookupError when it does not exist."""
    if "%" in ref:
        from urllib.parse import unquote  # imported here because it costs more than the rest of this file and is rarely needed

        ref = unquote(ref)
    if ref != "#" and not ref.startswith("#/"):
        raise LookupError(ref)
    node = root
    for part in ref[2:].split("/") if ref != "#" else ():
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            raise LookupError(ref)
    if not isinstance(node, (dict, bool)):
        raise LookupError(ref)
    return node


def _describe(value: Any) -> str:
    """A value in a sentence: ``the number 3``, ``the text "abc"``, ``an array``."""
    if kind(value) in ("array", "object"):
        return NOUNS[kind(value)]
    return {"string": "the text ", "number": "the number "}.get(kind(value), "") + _quoted(value)


def _quoted(value: Any) -> str:
    """A value as JSON, truncated."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _CLIP else f"{text[:_CLIP]}..."


def _encodable(text: str) -> str:
    """A text with lone surrogates escaped: a value may contain them, a message cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def _join_or(words: Iterable[str]) -> str:
    *most, last = dict.fromkeys(words)
    return f"{', '.join(most)} or {last}" if most else last


# Keywords that depend on the value alone. The functions return what was expected, "" when the value fits.


def _type(want: Any, value: Any) -> str:
    names = want if isinstance(want, list) else [want]
    if not names or any(is_type(value, name) for name in names):
        return ""
    return _join_or(NOUNS[name] for name in names)


def _enum(want: list[Any], value: Any) -> str:
    if frozen(value) in map(frozen, want):
        return ""
    return f"one of {', '.join(map(_quoted, want[:8]))}{', ...' if len(want) > 8 else ''}"


def _const(want: Any, value: Any) -> str:
    return "" if frozen(want) == frozen(value) else _quoted(want)


def _multiple(want: float, value: float) -> str:
    return "" if want <= 0 or is_multiple(value, want) else f"a multiple of {want}"


def _pattern(want: str, value: str) -> str:
    compiled = regex(want)
    return "" if compiled is None or compiled.search(value) else f"text that matches {want}"


def _format(want: str, value: str) -> str:
    return "" if fits_format(want, value) else FORMATS[want][0]


#: keyword -> the kind of value it applies to ("" any), and the test.
_SIMPLE: dict[str, tuple[str, Callable[[Any, Any], str]]] = {
    "enum": ("", _enum),
    "const": ("", _const),
    "multipleOf": ("number", _multiple),
    "pattern": ("string", _pattern),
    "format": ("string", _format),
}
#: keyword -> the kind it applies to, the comparison with the bound, its words, and the counted unit ("": the value itself).
_BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool], str, str]] = {
    "minimum": ("number", operator.ge, "at least", ""),
    "maximum": ("number", operator.le, "at most", ""),
    "exclusiveMinimum": ("number", operator.gt, "more than", ""),
    "exclusiveMaximum": ("number", operator.lt, "less than", ""),
    "minLength": ("string", operator.ge, "at least", "character"),
    "maxLength": ("string", operator.le, "at most", "character"),
    "minItems": ("array", operator.ge, "at least", "item"),
    "maxItems": ("array", operator.le, "at most", "item"),
    "minProperties": ("object", operator.ge, "at least", "key"),
    "maxProperties": ("object", operator.le, "at most", "key"),
}


class _Here(NamedTuple):
    """The position of a check: the path into the value, the references followed at this path, and the current schema."""

    path: Path
    refs: frozenset[str]
    schema: dict[str, Any]

    def miss(self, reason: str) -> Miss:
        return self.path, reason


class _Check:
    """The state of one check: the document that references point into, and the remaining budget."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.budget = WORK
        #: Results by reference and path: without them alternatives that share references would double the work each time.
        self.cache: dict[tuple[str, Path], Miss | None] = {}

    def visit(self, schema: Any, value: Any, path: Path, refs: frozenset[str] = frozenset()) -> Miss | None:
        """The first mismatch of a value; ``refs`` are the references that were followed at the same path."""
        self.budget -= 1
        if self.budget < 0:
            raise RecursionError("more work than any real schema needs")
        if not isinstance(schema, dict):
            return (path, "nothing is allowed here") if schema is False else None
        if value is None and schema.get("nullable") is True:
            return None
        if "type" in schema and (expected := _type(schema["type"], value)):
            return path, f"expected {expected}, got {_describe(value)}"
        value_kind, here = kind(value), _Here(path, refs, schema)
        for keyword, want in schema.items():
            if kind(want) not in TAKES.get(keyword, ()):
                continue
            if keyword in _BOUNDS:
                of, compare, words, unit = _BOUNDS[keyword]
                if of == value_kind and not compare(size := len(value) if unit else value, want):
                    return path, f"expected {words} {want}{unit and f' {unit}' + 's' * (want != 1)}, got {size}"
            elif keyword in _SIMPLE:
                of, test = _SIMPLE[keyword]
                if of in ("", value_kind) and (expected := test(want, value)):
                    return path, f"expected {expected}, got {_describe(value)}"
            elif keyword in _NESTED:
                of, visit = _NESTED[keyword]
                if of in ("", value_kind) and (miss := visit(self, want, value, here)):
                    return miss
        return None

    def ref(self, want: str, value: Any, here: _Here) -> Miss | None:
        if want in here.refs:
            return here.miss(f"the schema's $ref {want} leads back to itself without end")
        try:
            target = resolve(self.root, want)
        except LookupError:
            return here.miss(f"the schema's $ref {want} points nowhere")
        if (want, here.path) not in self.cache:
            self.cache[want, here.path] = self.visit(target, value, here.path, here.refs | {want})
        return self.cache[want, here.path]

    def all_of(self, want: list[Any], value: Any, here: _Here) -> Miss | None:
        return _first(self.visit(branch, value, here.path, here.refs) for branch in want)

    def any_of(self, want: list[Any], value: Any, here: _Here) -> Miss | None:
        misses = []
        for branch in want:
            miss = self.visit(branch, value, here.path, here.refs)
            if miss is None:
                return None
            misses.append(miss)
        return _none(misses, value, here)

    def one_of(self, want: list[Any], value: Any, here: _Here) -> Miss | None:
        results = [self.visit(branch, value, here.path, here.refs) for branch in want]
        fit = [at for at, miss in enumerate(results) if miss is None]
        if len(fit) > 1:
            return here.miss(f"fits alternatives {fit[0]} and {fit[1]}, where only one may fit")
        return None if fit else _none([miss for miss in results if miss], value, here)

    def negated(self, want: Any, value: Any, here: _Here) -> Miss | None:
        fits = self.visit(want, value, here.path, here.refs) is None
        return here.miss(f"{_describe(value)} is what the schema's not rules out") if fits else None

    def condition(self, want: Any, value: Any, here: _Here) -> Miss | None:
        way = "then" if self.visit(want, value, here.path, here.refs) is None else "else"
        return self.visit(here.schema.get(way), value, here.path, here.refs)

    def required(self, want: list[Any], value: Any, here: _Here) -> Miss | None:
        missing = (name for name in want if isinstance(name, str) and name not in value)
        return _first(here.miss(f"the property {_quoted(name)} is missing") for name in missing)

    def dependent(self, want: dict[str, Any], value: Any, here: _Here) -> Miss | None:
        present = (needs for name, needs in want.items() if name in value)
        return _first(
            self.required(needs, value, here) if isinstance(needs, list) else self.visit(needs, value, here.path, here.refs)
            for needs in present
        )

    def properties(self, want: dict[str, Any], value: Any, here: _Here) -> Miss | None:
        return _first(self.visit(inner, value[name], (*here.path, name)) for name, inner in want.items() if name in value)

    def matching(self, want: dict[str, Any], value: Any, here: _Here) -> Miss | None:
        tests = ((compiled, inner) for pattern, inner in want.items() if (compiled := regex(pattern)))
        return _first(
            self.visit(inner, value[name], (*here.path, name))
            for compiled, inner in tests
            for name in value
            if compiled.search(name)
        )

    def additional(self, want: Any, value: Any, here: _Here) -> Miss | None:
        others = (name for name in value if not is_named(here.schema, name))
        if want is False:
            return _first(here.miss(f"the property {_quoted(name)} is not in the schema") for name in others)
        return _first(self.visit(want, value[name], (*here.path, name)) for name in others)

    def names(self, want: Any, value: Any, here: _Here) -> Miss | None:
        misses = ((name, miss) for name in value if (miss := self.visit(want, name, here.path)))
        return _first(here.miss(f"the property name {_quoted(name)} does not fit: {miss[1]}") for name, miss in misses)

    def prefix(self, want: list[Any], value: Any, here: _Here) -> Miss | None:
        return _first(self.visit(inner, value[at], (*here.path, at)) for at, inner in enumerate(want[: len(value)]))

    def items(self, want: Any, value: Any, here: _Here) -> Miss | None:
        if isinstance(want, list):
            return self.prefix(want, value, here)
        prefix = here.schema.get("prefixItems")
        start = len(prefix) if isinstance(prefix, list) else 0
        if want is False and len(value) > start:
            return here.miss(f"expected at most {start} item{'s' * (start != 1)}, got {len(value)}")
        return _first(self.visit(want, value[at], (*here.path, at)) for at in range(start, len(value)))

    def contains(self, want: Any, value: Any, here: _Here) -> Miss | None:
        fit = sum(self.visit(want, item, here.path) is None for item in value)
        least, most = here.schema.get("minContains", 1), here.schema.get("maxContains", fit)
        if (kind(least) == "number" and fit < least) or (kind(most) == "number" and fit > most):
            return here.miss(f"{fit} of {len(value)} items are of the kind that the schema's contains asks for")
        return None

    def unique(self, want: bool, value: Any, here: _Here) -> Miss | None:
        positions: dict[Any, int] = {}
        for at, item in enumerate(value if want else ()):
            if (other := positions.setdefault(frozen(item), at)) != at:
                return here.miss(f"items {other} and {at} are the same")
        return None


#: keyword -> the kind of value it applies to ("" any), and the method.
_NESTED: dict[str, tuple[str, Callable[[_Check, Any, Any, _Here], Miss | None]]] = {
    "$ref": ("", _Check.ref),
    "allOf": ("", _Check.all_of),
    "anyOf": ("", _Check.any_of),
    "oneOf": ("", _Check.one_of),
    "not": ("", _Check.negated),
    "if": ("", _Check.condition),
    "required": ("object", _Check.required),
    "properties": ("object", _Check.properties),
    "patternProperties": ("object", _Check.matching),
    "additionalProperties": ("object", _Check.additional),
    "propertyNames": ("object", _Check.names),
    "dependentRequired": ("object", _Check.dependent),
    "dependentSchemas": ("object", _Check.dependent),
    "prefixItems": ("array", _Check.prefix),
    "items": ("array", _Check.items),
    "contains": ("array", _Check.contains),
    "uniqueItems": ("array", _Check.unique),
}


def is_named(schema: dict[str, Any], name: str) -> bool:
    """Whether an object schema has this property, by name or by pattern; ``additionalProperties`` applies to the others."""
    named, patterns = schema.get("properties"), schema.get("patternProperties")
    if isinstance(named, dict) and name in named:
        return True
    compiled = map(regex, patterns) if isinstance(patterns, dict) else ()
    return any(pattern is not None and pattern.search(name) for pattern in compiled)


def _none(misses: list[Miss], value: Any, here: _Here) -> Miss:
    """Why none of some alternatives fits: of the one that was followed furthest into the value, for that one was meant."""
    deepest = max(misses, key=lambda miss: len(miss[0]), default=here.miss("there is no alternative that could fit"))
    tail = f", got {_describe(value)}"
    reasons = list(dict.fromkeys(reason for _, reason in misses))
    special = [reason for reason in reasons if not (reason.startswith("expected ") and reason.endswith(tail))]
    if len(deepest[0]) > len(here.path) or not reasons:
        return deepest
    if not special:
        return here.miss(f"expected {_join_or(reason[9 : -len(tail)] for reason in reasons)}{tail}")
    # Of an object or null, say what is wrong with the object.
    return here.miss(special[0] if len(special) == 1 else f"fits none of {len(misses)} alternatives: {'; '.join(special[:5])}")


def _first(misses: Iterable[Miss | None]) -> Miss | None:
    return next((miss for miss in misses if miss), None)
