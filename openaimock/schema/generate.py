"""Values made to fit a JSON Schema, drawn from a source of randomness: the same seed gives the same value."""

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

#: The most schemas one value may take (about half a second), and from where on only what must be there is made.
STEPS, ENOUGH = 20_000, 2_000
#: Levels of nesting: from ``DEEP`` on only what must be there is made, at ``BOTTOM`` a schema without end is given up.
DEEP, BOTTOM = 12, 60
#: How often one reference may lie inside itself before its value looks for the end.
ROUNDS = 2
#: Tries at words that are only known to be met when the value is there.
TRIES = 12
_TRIED = {"not", "if", "oneOf", "anyOf", "allOf", "contains", "enum", "dependentSchemas", "propertyNames"}
#: How many items are made, whatever the schema asks for.
MOST_ITEMS = 1_000
#: What is made for a schema without a type, by the first of these words in it.
_TYPES: dict[str, str] = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties", "minProperties"), "object"),
    **dict.fromkeys(("maxProperties", "propertyNames", "dependentRequired", "dependentSchemas"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems"), "array"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
}
#: How soon a value of a type is done.
_SOONEST = ("null", "boolean", "integer", "number", "string", "array", "object")


def make(schema: Any, random: Random) -> Any:
    """A value that fits the schema, as JSON can say it.

    Best effort for ``not``, ``if`` and look-around in patterns (drawn again, then given up), and for schemas that nothing fits
    or that ask for the enormous: then the value is one that comes near. It always ends, and soon.
    """
    maker = _Maker(schema, random)
    try:
        first = made = maker.value(schema, "", _Way())
        for _ in range(TRIES):
            if check(schema, made) is None:
                return made
            made = maker.value(schema, "", _Way())
    except RecursionError:
        return None
    return first


class _Way(NamedTuple):
    """How a schema was reached: the depth in the value, the references that were followed, and how many tries failed."""

    depth: int = 0
    refs: tuple[str, ...] = ()
    tries: int = 0

    def down(self) -> _Way:
        return self._replace(depth=self.depth + 1)


class _Maker:
    """One value in the making: the document that references point into, and the work that is left."""

    def __init__(self, root: Any, random: Random) -> None:
        self.root = root
        self.random = random
        self.left = STEPS
        self.known: dict[tuple[int, int], bool] = {}

    def value(self, schema: Any, name: str, way: _Way) -> Any:
        """A value for one schema; ``name`` is the property it is for."""
        made = None
        for tries in range(way.tries, way.tries + TRIES):
            self.left -= 1
            if self.left < 0 or way.depth > BOTTOM:
                return made
            flat, inner = self.flat(schema, way._replace(tries=tries))
            made = self.plain(flat, name, inner)
            if not isinstance(schema, dict) or _TRIED.isdisjoint(schema.keys() | flat.keys()):
                break
            if check(schema, made, root=self.root) is None:
                break
        return made

    def spare(self, way: _Way) -> bool:
        """Whether only what must be there is made from here on."""
        return way.depth >= DEEP or self.left < STEPS - ENOUGH or any(way.refs.count(ref) > ROUNDS for ref in set(way.refs))

    # One plain schema out of references, combinations and conditions.

    def flat(self, schema: Any, way: _Way, here: frozenset[str] = frozenset()) -> tuple[dict[str, Any], _Way]:
        """The schema with its references followed, its branches chosen, and all merged into one."""
        if not isinstance(schema, dict):
            return ({"not": {}} if schema is False else {}), way
        plain = _sound(schema)
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
            self.left -= 1
            if self.left < 0:
                break
            more, way = self.flat(part, way, here)
            plain = merged(plain, more)
        return plain, way

    def target(self, ref: str) -> Any:
        try:
            return resolve(self.root, ref)
        except LookupError:
            return False

    def branch(self, branches: list[Any], types: Any, way: _Way) -> Any:
        """One of some alternatives: seldom null while there is room, one that ends soonest when there is not."""
        if self.spare(way):
            ends = [next((at for at in range(9) if self.ends(branch, at)), 9) for branch in branches]
            return self.random.choice([branch for branch, end in zip(branches, ends, strict=True) if end == min(ends)])
        named = types if isinstance(types, list) else [types]
        able = [one for one in branches if one is not False and (types is None or _type_of(one) in (None, *named))]
        some = [one for one in able if _type_of(one) != "null"]
        return self.random.choice(able or branches) if not some or self.random.random() < 0.2 else self.random.choice(some)

    def ends(self, schema: Any, levels: int, here: frozenset[str] = frozenset()) -> bool:
        """Whether some value of the schema is done within so many levels."""
        if not isinstance(schema, dict):
            return schema is not False
        self.left -= 1
        if levels < 0 or self.left < 0:
            return False
        known = (id(schema), levels)
        if here:  # what comes out depends on the references on the way
            return self.finishes(schema, levels, here)
        if known not in self.known:
            self.known[known] = self.finishes(schema, levels, here)
        return self.known[known]

    def finishes(self, schema: dict[str, Any], levels: int, here: frozenset[str]) -> bool:
        plain = _sound(schema)
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

    def plain(self, flat: dict[str, Any], name: str, way: _Way) -> Any:
        if "const" in flat:
            return copy.deepcopy(flat["const"])
        if enum := flat.get("enum"):
            rest = {word: want for word, want in flat.items() if word != "enum"}
            able = [item for item in enum if check(rest, item, root=self.root) is None]
            return copy.deepcopy(self.random.choice(able or enum))
        names = [name for name in _types(flat) if name in _SOONEST]
        if not names:
            names = list(_SOONEST) if "not" in flat else [] if "type" in flat else ["string"]
        elif self.spare(way) and way.tries < TRIES // 2:
            names = [min(names, key=_SOONEST.index)]
        elif len(names) > 1 and self.random.random() >= 0.2:
            names = [name for name in names if name != "null"]
        return self.typed(self.random.choice(names or ["null"]), flat, name, way)

    def typed(self, of: str, flat: dict[str, Any], name: str, way: _Way) -> Any:
        if of == "object":
            return self.object(flat, way)
        if of == "array":
            return self.array(flat, name, way)
        if of == "boolean":
            return self.random.random() < 0.5
        if of == "string":
            return text(flat, name, self.random, rare=way.tries > 2)
        return None if of == "null" else number(flat, self.random, whole=of == "integer", size=10_000 if way.tries > 2 else 100)

    def object(self, flat: dict[str, Any], way: _Way) -> dict[str, Any]:
        required = dict.fromkeys(_strings(flat.get("required")))
        names = [name for name in flat.get("properties", {}) if name in required or self.wanted(flat, name, way)]
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
        made = {name: self.value(member(flat, name), name, way.down()) for name in names}
        open_ended = isinstance(flat.get("additionalProperties"), dict) or "patternProperties" in flat
        least = 2 if open_ended and not names and not self.spare(way) else 0
        least = min(max(least, flat.get("minProperties", 0)), flat.get("maxProperties", math.inf), MOST_ITEMS)
        for _ in range(4 * math.ceil(least)):
            if len(made) >= least:
                break
            name = key(flat, self.random, len(made))
            if name not in made and (inner := member(flat, name)) is not False:
                made[name] = self.value(inner, name, way.down())
        return made

    def wanted(self, flat: dict[str, Any], name: str, way: _Way) -> bool:
        """Whether an optional property is made: while there is room, and by chance once that did not fit."""
        room = not self.spare(way) and member(flat, name) is not False
        return room and (way.tries < TRIES // 4 or self.random.random() < 0.5)

    def array(self, flat: dict[str, Any], name: str, way: _Way) -> list[Any]:
        prefix, rest = flat.get("prefixItems", []), flat.get("items", True)
        if isinstance(rest, list):
            prefix, rest = rest, True
        least, most = math.ceil(flat.get("minItems", 0)), flat.get("maxItems", math.inf)
        most = min(most, len(prefix)) if rest is False else most
        size = least
        if not self.spare(way):
            size = max(least, min(most, len(prefix) or 1))
            size = max(size, min(most, size + (self.random.randrange(3) if "items" in flat else 0)))
        made: list[Any] = []
        for at in range(min(math.floor(size), MOST_ITEMS)):
            self.add(made, prefix[at] if at < len(prefix) else rest, flat, name, way)
        if "contains" in flat:
            least = math.ceil(flat.get("minContains", 1))
            found = [self.value({"allOf": [rest, flat["contains"]]}, name, way.down()) for _ in range(min(least, MOST_ITEMS))]
            made = made[: max(0, math.floor(min(most, MOST_ITEMS)) - len(found))] + found
        return made

    def add(self, made: list[Any], schema: Any, flat: dict[str, Any], name: str, way: _Way) -> None:
        """One more item; where no two may be the same, one that is new, if there is any."""
        seen = set(map(frozen, made)) if flat.get("uniqueItems") else ()
        for tries in range(4 * TRIES):
            item = self.value(schema, name, way.down()._replace(tries=way.tries + tries // 4))
            if frozen(item) not in seen:
                made.append(item)
                return
        if len(made) < flat.get("minItems", 0):
            made.append(item)


def _sound(schema: dict[str, Any]) -> dict[str, Any]:
    """The keywords that mean something: known ones, with values as they must be, and finite."""
    known = {word: want for word, want in schema.items() if kind(want) in TAKES.get(word, ())}
    return {word: want for word, want in known.items() if not isinstance(want, float) or math.isfinite(want)}


def member(schema: dict[str, Any], name: str) -> Any:
    """What an object schema says of one property, by its name, by patterns, or of all others."""
    if not is_named(schema, name):
        return schema.get("additionalProperties", True)
    patterned = schema.get("patternProperties", {})
    parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    parts += [inner for pattern, inner in patterned.items() if (found := regex(pattern)) and found.search(name)]
    return parts[0] if len(parts) == 1 else {"allOf": parts}


def merged(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    """One schema for what fits both."""
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
    """The types a plain schema names or, when it names none, is about."""
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
