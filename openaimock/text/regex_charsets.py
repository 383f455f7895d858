"""Sets of characters as bits of an integer, for the analysis of regular expressions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_ASCII = 128
_LAST = 0x110000
#: An interval of more characters is taken to hold every kind of character.
_LOOKED_AT = 512
#: Python folds these beside upper and lower case. The bits of A to Z and a to z lie 32 apart.
_UPPER = sum(1 << code for code in range(65, 91))
_LOWER = _UPPER << 32
#: The kinds into which an interval beyond ASCII is split.
_KINDS: tuple[Callable[[str], bool], ...] = (
    str.isdecimal,
    lambda character: character.isalnum() and not character.isdecimal(),
    str.isspace,
    lambda character: not character.isalnum() and not character.isspace(),
)


def _ascii(test: Callable[[str], bool]) -> int:
    return sum(1 << code for code in range(_ASCII) if test(chr(code)))


#: The classes of characters: their ASCII characters, and their kinds beyond it.
_CLASSES = {
    "DIGIT": (_ascii(str.isdecimal), 0b0001),
    "WORD": (_ascii(lambda character: character.isalnum() or character == "_"), 0b0011),
    "SPACE": (_ascii(str.isspace), 0b0100),
}


class Alphabet:
    """The sets that one pattern can tell apart: each ASCII character, and beyond it each interval that the pattern names.

    An interval has four bits, for its digits, its other word characters, its white space and the rest.
    """

    def __init__(self, tree: Iterable[tuple[Any, Any]]) -> None:
        bounds = {_ASCII, _LAST}
        for low, high in _ranges(tree):
            for code in (low, high):
                for cased in _cases(code):
                    bounds |= {cased, cased + 1}
        self._bounds = sorted(bound for bound in bounds if bound >= _ASCII)
        self._present = [_kinds(*pair) for pair in zip(self._bounds, self._bounds[1:], strict=False)]
        self.all = self.between(0, _LAST - 1)
        self._classes = {name: self._class(ascii_bits, kinds) for name, (ascii_bits, kinds) in _CLASSES.items()}
        self.newline = 1 << 10
        self.digits = self._classes["DIGIT"]
        self.blank = self._classes["SPACE"]

    def between(self, low: int, high: int) -> int:
        """The set of the characters from ``low`` to ``high``."""
        low_ascii, high_ascii = min(low, _ASCII), min(high + 1, _ASCII)
        bits = (1 << high_ascii) - (1 << low_ascii)
        if high >= _ASCII:
            first = bisect_left(self._bounds, max(low, _ASCII))
            for index in range(first, bisect_left(self._bounds, high + 1)):
                bits |= self._present[index] << (_ASCII + 4 * index)
        return bits

    def category(self, name: str, flags: int) -> int:
        """The set of ``\\d``, ``\\W`` and so on by the parser's name."""
        short = name.removeprefix("CATEGORY_")
        bits = self._classes.get(short.removeprefix("NOT_"), 0)
        if flags & re.ASCII:
            bits &= (1 << _ASCII) - 1
        return self.all & ~bits if short.startswith("NOT_") else bits

    def literal(self, code: int, flags: int) -> int:
        """The set of one character, in both cases where case is ignored."""
        return self._range(code, code, flags)

    def members(self, items: Iterable[tuple[Any, Any]], flags: int) -> int:
        """The set of what stands in square brackets."""
        bits, negated = 0, False
        for operation, argument in items:
            name = operation.name
            if name == "NEGATE":
                negated = True
            elif name == "LITERAL":
                bits |= self.literal(argument, flags)
            elif name == "RANGE":
                bits |= self._range(argument[0], argument[1], flags)
            elif name == "CATEGORY":
                bits |= self.category(argument.name, flags)
        return self.all & ~bits if negated else bits

    def _range(self, low: int, high: int, flags: int) -> int:
        bits = self.between(low, high)
        if flags & re.IGNORECASE:
            bits |= (bits & _UPPER) << 32 | (bits & _LOWER) >> 32
            if high >= _ASCII:
                for cased_low, cased_high in zip(_cases(max(low, _ASCII)), _cases(high), strict=True):
                    bits |= self.between(cased_low, cased_high) if cased_low <= cased_high else 0
        return bits

    def _class(self, bits: int, kinds: int) -> int:
        for index, present in enumerate(self._present):
            bits |= (present & kinds) << (_ASCII + 4 * index)
        return bits


def _kinds(low: int, high: int) -> int:
    """The kinds of characters in an interval, as four bits."""
    if high - low > _LOOKED_AT:
        return 15
    return sum(1 << kind for kind, test in enumerate(_KINDS) if any(test(chr(code)) for code in range(low, high)))


def _cases(code: int) -> tuple[int, int, int]:
    """A character, and the same in lower and in upper case where that is one character."""
    lower, upper = chr(code).lower(), chr(code).upper()
    return code, ord(lower) if len(lower) == 1 else code, ord(upper) if len(upper) == 1 else code


def _ranges(items: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Every character and range beyond ASCII that a parse tree names."""
    waiting: list[Any] = [items]
    while waiting:
        for node in waiting.pop():
            if not isinstance(node, tuple) or len(node) != 2 or not hasattr(node[0], "name"):
                if node is not None and not isinstance(node, (int, str)):
                    waiting.append(node)
                continue
            name, argument = node[0].name, node[1]
            if name in ("LITERAL", "NOT_LITERAL"):
                if argument >= _ASCII:
                    yield argument, argument
            elif name == "RANGE":
                if argument[1] >= _ASCII:
                    yield max(argument[0], _ASCII), argument[1]
            elif name not in ("CATEGORY", "NEGATE", "ANY", "AT", "GROUPREF", "FAILURE"):
                waiting.append([argument] if not isinstance(argument, (tuple, list)) else argument)
