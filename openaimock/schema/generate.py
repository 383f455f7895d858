"""Generate values that fit a JSON Schema from a random source: the same seed gives the same value."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import zip_longest
from random import Random
from typing import Any, NamedTuple

from .scalars import key, number, text
from .validate import check, is_named, resolve
from .values import TAKES, frozen, kind, regex

#: The most schemas that are visited for one value (about half a second), and the number after which values are minimal.
STEPS, FULL_STEPS = 20_000, 2_000
#: Levels of nesting: from ``MINIMAL_DEPTH`` on values are minimal, and ``MAX_DEPTH`` ends an endless schema.
MINIMAL_DEPTH, MAX_DEPTH = 12, 60
#: How often one reference may contain itself before values are minimal.
MAX_RECURSION = 2
#: Attempts at keywords that can only be checked on a finished value.
ATTEMPTS = 12
_CHECKED_WORDS = {"not", "if", "oneOf", "anyOf", "allOf", "contains", "enum", "dependentSchemas", "propertyNames"}
#: The most items that are generated, even if the schema requires more.
MAX_ITEMS = 1_000
#: The type of a schema without ``type``, by the first of these keywords in it.
_TYPES: dict[str, str] = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties", "minProperties"), "object"),
    **dict.fromkeys(("maxProperties", "propertyNames", "dependentRequired", "dependentSchemas"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems"), "array"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
#: The types, smallest values first.
_BY_SIZE = ("null", "boolean", "integer", "number", "string", "array", "object")


def make(schema: Any, random: Random) -> Any:
    """A JSON value that fits the schema.

    ``not``, ``if`` and look-around in patterns are best effort (several attempts). For a schema that no value fits, or that
    requires an enormous value, the result only comes close. The time is bounded.
    """
    maker = _Maker(schema, random)
    try:
        first = value = maker.value(schema, "", _Route())
        for _ in range(ATTEMPTS):
            if check(schema, value) is None:
                return value
            value = maker.value(schema, "", _Route())
    except RecursionError:
        return None
    return first


class _Route(NamedTuple):
    """The route to a schema: the depth in the value, the references that were followed, and the number of failed attempts."""

    depth: int = 0
    refs: tuple[str, ...] = ()
    tries: int = 0

    def down(self) -> _Route:
        return self._replace(depth=self.depth + 1)


class _Maker:
    """The state of generating one value: the document that references point into, and the remaining budget."""

    def __init__(self, root: Any, random: Random) -> None:
        self.root = root
        self.random = random
        self.budget = STEPS
        self.cache: dict[tuple[int, int], bool] = {}

    def value(self, schema: Any, name: str, way: _Route) -> Any:
        """A value for one schema; ``name`` is the property it is for."""
        value = None
        for tries in range(way.tries, way.tries + ATTEMPTS):
            self.budget -= 1
            if self.budget < 0 or way.depth > MAX_DEPTH:
                return value
            flat, inner = self.flat(schema, way._replace(tries=tries))
            value = self.plain(flat, name, inner)
            if not isinstance(schema, dict) or _CHECKED_WORDS.isdisjoint(schema.keys() | flat.keys()):
                break
            if check(schema, value, root=self.root) is None:
                break
        return value

    def minimal(self, way: _Route) -> bool:
        """Whether values are minimal from here on: only required members and items."""
        return (
            way.depth >= MINIMAL_DEPTH
            or self.budget < STEPS - FULL_STEPS
            or any(way.refs.count(ref) > MAX_RECURSION for ref in set(way.refs))
        )

    # One plain schema out of references, combinations and conditions.

    def flat(self, schema: Any, way: _Route, here: frozenset[str] = frozenset()) -> tuple[dict[str, Any], _Route]:
        """The schema with its references resolved, its branches chosen, and all parts merged into one."""
        if not isinstance(schema, dict):
            return ({"not": {}} if schema is False else {}), way
        plain = _valid_keywords(schema)
        parts: list[Any] = []
        ref = plain.pop("$ref", None)
        if ref is not None and ref not in here:
            here, way = here | {ref}, way._replace(refs=(*way.refs, ref))
            parts.append(self.target(ref))
        parts += plain.pop("allOf", [])
        for word in ("anyOf", "oneOf"):
            if branches := plain.pop(word, []):
                parts.append(self.branch(branches, plain.get("type"), way))
        condition, then, other = (plain.pop(word, True) for word in ("if", "then", "else"))
        if "if" in schema:
            parts += [condition, then] if self.random.random() < 0.5 else [{"not": condition}, other]
        for part in parts:
            self.budget -= 1
            if self.budget < 0:
                break
            more, way = self.flat(part, way, here)
            plain = merged(plain, more)
        return plain, way

    def target(self, ref: str) -> Any:
        try:
            return resolve(self.root, ref)
        except LookupError:
            return False

    def branch(self, branches: list[Any], types: Any, way: _Route) -> Any:
        """One of several alternatives: seldom null; the one with the smallest depth when values are minimal."""
        if self.minimal(way):
            ends = [next((at for at in range(9) if self.ends(branch, at)), 9) for branch in branches]
            return self.random.choice([branch for branch, end in zip(branches, ends, strict=True) if end == min(ends)])
        named = types if isinstance(types, list) else [types]
        able = [one for one in branches if one is not False and (types is None or _type_of(one) in (None, *named))]
        some = [one for one in able if _type_of(one) != "null"]
        return self.random.choice(able or branches) if not some or self.random.random() < 0.2 else self.random.choice(some)

    def ends(self, schema: Any, levels: int, here: frozenset[str] = frozenset()) -> bool:
        """Whether some value of the schema has at most this many levels."""
        if not isinstance(schema, dict):
            return schema is not False
        self.budget -= 1
        if levels < 0 or self.budget < 0:
            return False
        cache_key = (id(schema), levels)
        if here:  # the result depends on the references on the route
            return self.finishes(schema, levels, here)
        if cache_key not in self.cache:
            self.cache[cache_key] = self.finishes(schema, levels, here)
        return self.cache[cache_key]

    def finishes(self, schema: dict[str, Any], levels: int, here: frozenset[str]) -> bool:
        plain = _valid_keywords(schema)
        if (ref := plain.get("$ref")) is not None and (ref in here or not self.ends(self.target(ref), levels, here | {ref})):
            return False
        for word, test in (("allOf", all), ("anyOf", any), ("oneOf", any)):
            if word in plain and not test(self.ends(branch, levels, here) for branch in plain[word]):
                return False
        names = _types(plain)
        if "const" in plain or "enum" in plain or not names or set(map(str, names)) - {"array", "object"}:
            return True
        if "object" in names:
            needed = [member(plain, name) for name in _strings(plain.get("required"))]
        else:
            least, prefix = plain.get("minItems", 0), plain.get("prefixItems", [])
            needed = [*prefix[: math.ceil(least)], *([plain.get("items", True)] if least > len(prefix) else [])]
        return all(self.ends(one, levels - 1) for one in needed)

    # Values for a plain schema.

    def plain(self, flat: dict[str, Any], name: str, way: _Route) -> Any:
        if "const" in flat:
            return copy.deepcopy(flat["const"])
        if enum := flat.get("enum"):
            rest = {word: want for word, want in flat.items() if word != "enum"}
            able = [item for item in enum if check(rest, item, root=self.root) is None]
            return copy.deepcopy(self.random.choice(able or enum))
        names = [name for name in _types(flat) if name in _BY_SIZE]
        if not names:
            names = list(_BY_SIZE) if "not" in flat else [] if "type" in flat else ["string"]
        elif self.minimal(way) and way.tries < ATTEMPTS // 2:
            names = [min(names, key=_BY_SIZE.index)]
        elif len(names) > 1 and self.random.random() >= 0.2:
            names = [name for name in names if name != "null"]
        return self.typed(self.random.choice(names or ["null"]), flat, name, way)

    def typed(self, of: str, flat: dict[str, Any], name: str, way: _Route) -> Any:
        if of == "object":
            return self.object(flat, way)
        if of == "array":
            return self.array(flat, name, way)
        if of == "boolean":
            return self.random.random() < 0.5
        if of == "string":
            return text(flat, name, self.random, rare=way.tries > 2)
        return None if of == "null" else number(flat, self.random, whole=of == "integer", size=10_000 if way.tries > 2 else 100)

    def object(self, flat: dict[str, Any], way: _Route) -> dict[str, Any]:
        required = dict.fromkeys(_strings(flat.get("required")))
        names = [name for name in flat.get("properties", {}) if name in required or self.includes(flat, name, way)]
        names = [*names, *(name for name in required if name not in names)]
        for name, needs in flat.get("dependentRequired", {}).items():
            if name in names:
                names += [need for need in _strings(needs) if need not in names]
        for name, more in flat.get("dependentSchemas", {}).items():
            if name in names:
                flat = merged(flat, self.flat(more, way)[0])
                names += [need for need in _strings(flat.get("required")) if need not in names]
        while len(names) > max(flat.get("maxProperties", math.inf), len(required)):
            names.remove(next(name for name in reversed(names) if name not in required))
        members = {name: self.value(member(flat, name), name, way.down()) for name in names}
        open_ended = isinstance(flat.get("additionalProperties"), dict) or "patternProperties" in flat
        least = 2 if open_ended and not names and not self.minimal(way) else 0
        least = min(max(least, flat.get("minProperties", 0)), flat.get("maxProperties", math.inf), MAX_ITEMS)
        for _ in range(4 * math.ceil(least)):
            if len(members) >= least:
                break
            name = key(flat, self.random, len(members))
            if name not in members and (inner := member(flat, name)) is not False:
                members[name] = self.value(inner, name, way.down())
        return members

    def includes(self, flat: dict[str, Any], name: str, way: _Route) -> bool:
        """Whether an optional property is generated: unless values are minimal; at random after failed attempts."""
        room = not self.minimal(way) and member(flat, name) is not False
        return room and (way.tries < ATTEMPTS // 4 or self.random.random() < 0.5)

    def array(self, flat: dict[str, Any], name: str, way: _Route) -> list[Any]:
        prefix, rest = flat.get("prefixItems", []), flat.get("items", True)
        if isinstance(rest, list):
            prefix, rest = rest, True
        least, most = math.ceil(flat.get("minItems", 0)), flat.get("maxItems", math.inf)
        most = min(most, len(prefix)) if rest is False else most
        size = least
        if not self.minimal(way):
            size = max(least, min(most, len(prefix) or 1))
            size = max(size, min(most, size + (self.random.randrange(3) if "items" in flat else 0)))
        items: list[Any] = []
        for at in range(min(math.floor(size), MAX_ITEMS)):
            self.add(items, prefix[at] if at < len(prefix) else rest, flat, name, way)
        if "contains" in flat:
            least = math.ceil(flat.get("minContains", 1))
            matching = [self.value({"allOf": [rest, flat["contains"]]}, name, way.down()) for _ in range(min(least, MAX_ITEMS))]
            items = items[: max(0, math.floor(min(most, MAX_ITEMS)) - len(matching))] + matching
        return items

    def add(self, items: list[Any], schema: Any, flat: dict[str, Any], name: str, way: _Route) -> None:
        """Append an item; where items must be unique, a new one if possible."""
        existing = set(map(frozen, items)) if flat.get("uniqueItems") else ()
        for tries in range(4 * ATTEMPTS):
            item = self.value(schema, name, way.down()._replace(tries=way.tries + tries // 4))
            if frozen(item) not in existing:
                items.append(item)
                return
        if len(items) < flat.get("minItems", 0):
            items.append(item)


def _valid_keywords(schema: dict[str, Any]) -> dict[str, Any]:
    """The known keywords of a schema whose values have the right type and are finite."""
    keywords = {word: want for word, want in schema.items() if kind(want) in TAKES.get(word, ())}
    return {word: want for word, want in keywords.items() if not isinstance(want, float) or math.isfinite(want)}


def member(schema: dict[str, Any], name: str) -> Any:
    """The schema of one property of an object schema: by its name, by patterns, or that of additional properties."""
    if not is_named(schema, name):
        return schema.get("additionalProperties", True)
    patterned = schema.get("patternProperties", {})
    parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    parts += [inner for pattern, inner in patterned.items() if (compiled := regex(pattern)) and compiled.search(name)]
    return parts[0] if len(parts) == 1 else {"allOf": parts}


def merged(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """A schema that accepts the values that both schemas accept."""
    both = {**two, **one}
    for word in one.keys() & two.keys():
        if word in _MERGE:
            both[word] = _MERGE[word](one[word], two[word])
    if "properties" in both:
        names = {**one.get("properties", {}), **two.get("properties", {})}
        both["properties"] = {name: _both(member(one, name), member(two, name)) for name in names}
    if "prefixItems" in both:
        ours, theirs = (part.get("prefixItems", []) for part in (one, two))
        pairs = zip_longest(ours, theirs)
        both["prefixItems"] = [
            _both(a if at < len(ours) else one.get("items", True), b if at < len(theirs) else two.get("items", True))
            for at, (a, b) in enumerate(pairs)
        ]
    return both


def _both(one: Any, two: Any) -> Any:
    if one is False or two is False:
        return False
    if one is True or two is True:
        return two if one is True else one
    return {"allOf": [one, two]}


def _narrowed(one: Any, two: Any) -> list[Any]:
    ours, theirs = (want if isinstance(want, list) else [want] for want in (one, two))
    narrow = [name for name in ours if name in theirs or (name == "integer" and "number" in theirs)]
    return narrow + (["integer"] if "number" in ours and "integer" in theirs and "integer" not in ours else [])


_MERGE: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"), min),
    **dict.fromkeys(("additionalProperties", "items", "contains", "propertyNames"), _both),
    **dict.fromkeys(("patternProperties", "dependentRequired", "dependentSchemas"), lambda one, two: {**two, **one}),
    "required": lambda one, two: [*one, *two],
    "type": _narrowed,
    "enum": lambda one, two: [item for item in one if frozen(item) in set(map(frozen, two))],
    "uniqueItems": lambda one, two: one or two,
    "multipleOf": lambda one, two: math.lcm(one, two) if isinstance(one, int) and isinstance(two, int) else max(one, two),
    "not": lambda one, two: {"anyOf": [one, two]},
}


def _types(schema: dict[str, Any]) -> list[Any]:
    """The types of a plain schema, or the type that its keywords imply."""
    named = schema.get("type")
    if named is not None:
        return named if isinstance(named, list) else [named]
    return next(([_TYPES[word]] for word in schema if word in _TYPES), [])


def _type_of(schema: Any) -> Any:
    if isinstance(schema, dict) and "const" in schema:
        return kind(schema["const"])
    return schema.get("type") if isinstance(schema, dict) and isinstance(schema.get("type"), str) else None


def _strings(want: Any) -> list[str]:
    return [name for name in want if isinstance(name, str)] if isinstance(want, list) else []
