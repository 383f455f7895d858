"""Ids and random numbers, all derived from the mock's seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: A translation table from any byte to one of 62 characters (256 is no multiple of 62; ids need no even distribution).
_CHARACTERS = bytes(_ALPHABET[byte % 62].encode()[0] for byte in range(256))


def digest(*parts: object, size: int = 32) -> bytes:
    """A hash of the parts, ``size`` bytes: the same in every process and on every machine."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=size).digest()


class Ids:
    """The ids and random numbers of one exchange, derived from the seed, the namespace and the exchange's number in it."""

    __slots__ = ("_ids", "_random", "source")

    def __init__(self, seed: object, namespace: str, number: int) -> None:
        self.source = f"{seed}\x1f{namespace}\x1f{number}"
        self._ids = 0
        self._random: random.Random | None = None

    @property
    def place(self) -> list[Any]:
        """Where the next id is drawn, as plain data: ``resume`` goes on there."""
        return [self.source, self._ids]

    @classmethod
    def resume(cls, place: Sequence[Any]) -> Ids:
        """The ids that would have been drawn next at a ``place``."""
        ids = cls.__new__(cls)
        ids.source, ids._ids = place
        ids._random = None
        return ids

    def _bytes(self, size: int) -> bytes:
        self._ids += 1
        return hashlib.blake2b(f"{self.source}\x1f{self._ids}".encode("utf-8", "replace"), digest_size=size).digest()

    def id(self, prefix: str, length: int = 24) -> str:
        """A new id: the prefix and ``length`` (up to 64) letters and digits."""
        return prefix + self._bytes(length).translate(_CHARACTERS).decode()

    def hex(self, prefix: str, length: int = 32) -> str:
        """A new id in hexadecimal, of an even ``length`` (up to 128), as in ``x-request-id`` and the Responses API."""
        return prefix + self._bytes(length // 2).hex()

    @property
    def random(self) -> random.Random:
        """The exchange's own random number generator."""
        if self._random is None:
            self._random = random.Random(self.source)
        return self._random
