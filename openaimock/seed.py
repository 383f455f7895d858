"""One seed, one clock: every id, timestamp and random number of openaimock comes from here."""

from __future__ import annotations

import hashlib
import random

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: The alphabet's 62 signs, laid out so that any byte picks one (256 is not a multiple of 62; ids need no perfect evenness).
_SIGNS = bytes(_ALPHABET[byte % 62].encode()[0] for byte in range(256))


def digest(*parts: object, size: int = 32) -> bytes:
    """Bytes that depend on the parts alone: the same in every process and on every machine."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=size).digest()


class Ids:
    """What one exchange draws: ids and random numbers from the seed, the namespace and the exchange's number there."""

    __slots__ = ("_ids", "_random", "source")

    def __init__(self, seed: object, namespace: str, number: int) -> None:
        self.source = f"{seed}\x1f{namespace}\x1f{number}"
        self._ids = 0
        self._random: random.Random | None = None

    def _bytes(self, size: int) -> bytes:
        self._ids += 1
        return hashlib.blake2b(f"{self.source}\x1f{self._ids}".encode("utf-8", "replace"), digest_size=size).digest()

    def id(self, prefix: str, length: int = 24) -> str:
        """A new id: the prefix and ``length`` (up to 64) letters and digits."""
        return prefix + self._bytes(length).translate(_SIGNS).decode()

    def hex(self, prefix: str, length: int = 32) -> str:
        """A new id in hexadecimal, of an even ``length`` (up to 128), as ``x-request-id`` and the Responses API have them."""
        return prefix + self._bytes(length // 2).hex()

    @property
    def random(self) -> random.Random:
        """The exchange's own source of randomness."""
        if self._random is None:
            self._random = random.Random(self.source)
        return self._random
