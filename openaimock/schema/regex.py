"""Generate texts that match a regular expression by walking the tree of Python's own parser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from string import ascii_letters, ascii_lowercase, digits
from typing import Any

from ..text.regex import ERRORS, parse

#: The most characters of one text, because nested repeats multiply.
MAX_LENGTH = 10_000
_WORDS = ascii_letters + digits + "_"
#: The characters for a negated set, readable ones first.
_COMMON = ascii_lowercase + digits + ascii_letters[26:] + " -_.,:;!?/@#$%&*+=()[]{}<>'\"\\|~^`\n\t" + "äéñ中"
_CLASSES = {
    "CATEGORY_DIGIT": digits,
    "CATEGORY_WORD": _WORDS,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": ascii_letters,
    "CATEGORY_NOT_WORD": " -.,",
    "CATEGORY_NOT_SPACE": _WORDS,
}
#: Tests whether a character belongs to the class.
_MEMBERS: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_WORD": lambda sign: sign.isalnum() or sign == "_",
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_NOT_DIGIT": lambda sign: not sign.isdecimal(),
    "CATEGORY_NOT_WORD": lambda sign: not (sign.isalnum() or sign == "_"),
    "CATEGORY_NOT_SPACE": lambda sign: not sign.isspace(),
}


def text(pattern: str, random: Random, *, stretch: int = 3) -> str | None:
    """A text that the pattern matches; None when Python cannot read the pattern.

    A repeat without an upper bound exceeds its lower bound by at most ``stretch``. Look-around and word boundaries are
    ignored: check the result, and try again.
    """
    try:
        tree = parse(pattern)
    except ERRORS:
        return None
    writer = _Writer(random, stretch)
    try:
        writer.all(tree)
    except RecursionError:
        return None
    return "".join(writer.pieces)


class _Writer:
    """One text that is being written, and the texts of its groups."""

    def __init__(self, random: Random, stretch: int) -> None:
        self.random = random
        self.stretch = stretch
        self.pieces: list[str] = []
        self.length = 0
        self.groups: dict[int, str] = {}

    def write(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)

    def all(self, tree: Iterable[tuple[Any, Any]]) -> None:
        """Write a sequence of the parser's (operation, argument) pairs."""
        for operation, argument in tree:
            if self.length > MAX_LENGTH:
                return
            name = operation.name
            if name == "LITERAL":
                self.write(chr(argument))
            elif name == "ANY":
                self.write(self.random.choice(_WORDS))
            elif name == "NOT_LITERAL":
                self.write(self.random.choice([sign for sign in _COMMON if sign != chr(argument)]))
            elif name == "IN":
                self.write(self.one(argument))
            elif name == "BRANCH":
                self.all(self.random.choice(argument[1]))
            elif name == "ATOMIC_GROUP":
                self.all(argument)
            elif name == "SUBPATTERN":
                self.group(argument[0], argument[-1])
            elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                self.repeat(*argument)
            elif name == "GROUPREF":
                self.write(self.groups.get(argument, ""))
            elif name == "GROUPREF_EXISTS":
                number, yes, no = argument
                self.all(yes if number in self.groups else no or ())

    def group(self, number: int | None, tree: Any) -> None:
        start = len(self.pieces)
        self.all(tree)
        if number is not None:
            self.groups[number] = "".join(self.pieces[start:])

    def repeat(self, least: int, most: Any, tree: Any) -> None:
        times = self.random.randint(least, max(least, min(int(most), least + self.stretch)))
        for _ in range(times):
            before = self.length
            self.all(tree)
            if self.length == before or self.length > MAX_LENGTH:
                return

    def one(self, members: Sequence[tuple[Any, Any]]) -> str:
        """A character of a set such as ``[a-z0-9_]`` or ``[^"]``."""
        if members[0][0].name == "NEGATE":
            allowed = [sign for sign in _COMMON if not any(_holds(name.name, of, sign) for name, of in members[1:])]
            return self.random.choice(allowed or ["?"])
        operation, argument = self.random.choice(members)
        if operation.name == "LITERAL":
            return chr(argument)
        if operation.name == "RANGE":
            low, high = argument
            code = self.random.randint(low, high)
            # Half of a surrogate pair cannot be sent; such a range also contains other characters.
            return chr(code if not 0xD800 <= code <= 0xDFFF else low if low < 0xD800 else high)
        return self.random.choice(_CLASSES.get(argument.name, _WORDS))


def _holds(name: str, argument: Any, sign: str) -> bool:
    if name == "LITERAL":
        return chr(argument) == sign
    if name == "RANGE":
        return bool(argument[0] <= ord(sign) <= argument[1])
    return _MEMBERS[argument.name](sign)
