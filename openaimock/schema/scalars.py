"""Generate scalars for a JSON Schema: numbers within bounds, texts of a format, pattern or length, and property names."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

from .regex import MAX_LENGTH
from .regex import text as matching_text
from .values import fits_format, regex

#: The most characters of a text, even if the schema requires more.
MAX_CHARACTERS = 100_000
#: The values of ``stretch`` that are tried in this order until the text also has the required length.
_STRETCHES = (3, 3, 1, 8, 0, 20)

_WORDS = [
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper", "kelp", "linen"),
    *("maple", "nova", "opal", "pearl", "quartz", "reed", "sage", "tulip"),
]
_PEOPLE = ("Ada Lovelace", "Alan Turing", "Barbara Liskov", "Donald Knuth", "Edsger Dijkstra", "Grace Hopper")
_CITIES = ("Kyoto", "Lima", "Lisbon", "Nairobi", "Oslo", "Vienna")


def _sentence(random: Random) -> str:
    return f"{' '.join(random.sample(_WORDS, random.randint(4, 7))).capitalize()}."


def _date(random: Random) -> str:
    return f"{random.randint(2020, 2029)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def _time(random: Random) -> str:
    return f"{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}Z"


def _email(random: Random) -> str:
    return f"{random.choice(_PEOPLE).split()[0].lower()}@example.com"


def _uri(random: Random) -> str:
    return f"https://example.com/{random.choice(_WORDS)}/{random.choice(_WORDS)}"


def _uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{random.choice('89ab')}{digits[17:20]}-{digits[20:]}"


#: format -> a text of it, from names and addresses that are reserved for examples.
_FORMATS: dict[str, Callable[[Random], str]] = {
    "date-time": lambda random: f"{_date(random)}T{_time(random)}",
    "date": _date,
    "time": _time,
    "duration": lambda random: random.choice(["P{}D", "PT{}H", "PT{}M", "P1DT{}H"]).format(random.randint(1, 12)),
    "email": _email,
    "hostname": lambda random: f"{random.choice(_WORDS)}.example.com",
    "ipv4": lambda random: f"192.0.2.{random.randint(1, 254)}",
    "ipv6": lambda random: f"2001:db8::{random.randint(1, 0xFFFF):x}",
    "uuid": _uuid,
    "uri": _uri,
}
#: The end of a property's name -> a plausible text.
_NAMED: dict[str, Callable[[Random], str]] = {
    **{"email": _email, "url": _uri, "uri": _uri, "link": _uri, "date": _date},
    **dict.fromkeys(("description", "summary", "reason", "text", "content", "message", "explanation"), _sentence),
    "city": lambda random: random.choice(_CITIES),
    "name": lambda random: random.choice(_PEOPLE),
}


def text(schema: dict[str, Any], name: str, random: Random, *, rare: bool = False) -> str:
    """A text for a plain string schema; without a format or pattern it is chosen by the property's name, or is ``rare``."""
    least, most = math.ceil(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
    least = min(least, MAX_CHARACTERS)
    of, pattern = schema.get("format", ""), schema.get("pattern")
    if pattern is not None and (compiled := regex(pattern)):
        value, written = "", 0
        for stretch in (*_STRETCHES, *([min(least, most, MAX_LENGTH)] * 40)):
            value = matching_text(pattern, random, stretch=math.floor(stretch)) or ""
            written += len(value)
            if (compiled.search(value) and least <= len(value) <= most and fits_format(of, value)) or written > 5 * MAX_LENGTH:
                break
        return value
    if of in _FORMATS:
        return _FORMATS[of](random)
    value = next((suited for ending, suited in _NAMED.items() if name.lower().endswith(ending)), _word)(random)
    if rare:
        value = f"{value} {random.randrange(10_000)}"
    if len(value) < least:
        value = " ".join([value] * (least // len(value) + 1))[:least]
    return value[: math.floor(min(most, MAX_CHARACTERS))]


def _word(random: Random) -> str:
    return random.choice(_WORDS)


def key(schema: dict[str, Any], random: Random, number: int) -> str:
    """A name for one more property of an object schema: the ``number``-th, so that there is always a new one."""
    patterned = list(schema.get("patternProperties", {}))
    names = schema.get("propertyNames")
    if isinstance(names, dict):
        if isinstance(names.get("enum"), list):
            return str(random.choice(names["enum"]))
        if isinstance(names.get("pattern"), str):
            patterned = [names["pattern"]]
    if patterned:
        return matching_text(random.choice(patterned), random) or ""
    word = random.choice(_WORDS)
    return word if number < len(_WORDS) // 2 else f"{word}_{number}"


def number(schema: dict[str, Any], random: Random, *, whole: bool, size: int = 100) -> float:
    """A number within a plain schema's bounds; without a bound at most ``size`` from 0 or from the other bound."""
    bounds: dict[str, float] = {
        word: schema[word] for word in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if word in schema
    }
    step = schema.get("multipleOf", 0)
    if whole or step > 0 or any(abs(bound) > 1e300 for bound in bounds.values()):
        return _stepped(bounds, random, step if step > 0 else 1, whole, size)
    above, below = ([bounds[word] for word in bounds if word.endswith(end)] for end in ("inimum", "aximum"))
    low, high = _span(max(above, default=None), min(below, default=None), size)
    for digits in (2, 6, 300):
        share = random.random()
        value: float = round(low * (1 - share) + high * share, digits)
        if low <= value <= high and value not in (bounds.get("exclusiveMinimum"), bounds.get("exclusiveMaximum")):
            break
    return value


def _stepped(bounds: dict[str, float], random: Random, step: float, whole: bool, size: int) -> float:
    """A multiple of a step within the bounds, calculated in exact fractions."""
    from fractions import Fraction

    unit = Fraction(repr(step))
    unit = Fraction(unit.numerator) if whole else unit
    steps = {word: Fraction(repr(bound)) / unit for word, bound in bounds.items()}
    above = [math.ceil(steps["minimum"])] if "minimum" in steps else []
    above += [math.floor(steps["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in steps else []
    below = [math.floor(steps["maximum"])] if "maximum" in steps else []
    below += [math.ceil(steps["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in steps else []
    low, high = _span(max(above, default=None), min(below, default=None), max(3, math.floor(size / unit)))
    value = random.randint(low, max(low, high)) * unit
    try:
        return int(value) if value.denominator == 1 else float(value)
    except OverflowError:
        return int(value)


def _span(low: Any, high: Any, size: Any) -> tuple[Any, Any]:
    """The range to draw from: between the bounds, or up to ``size`` from the only bound or from 0."""
    if low is None and high is None:
        return 0, size
    if low is None:
        return (0, min(high, size)) if high > 0 else (high - size, high)
    return (low, low + size) if high is None else (low, high)
