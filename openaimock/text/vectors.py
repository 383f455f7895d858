"""Vectors: embeddings made of a text's own words and n-grams, so that like texts get like vectors, the same on every machine.

Each word and n-gram stands for a direction drawn from its hash, and a text for the sum of them, of length 1 (feature hashing
by random projection): texts that share n-grams point the same way, texts that share none are at right angles, but for chance.
"""

from __future__ import annotations

import binascii
import hashlib
import heapq
import math
import re
import sys
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

#: So many features make a vector; of a long text with more, a sample is taken that its near-duplicates share.
_MOST = 4095
_WORD = re.compile(r"\w+")
#: Words up to this length ("the", "and", "is") stand only for themselves: their letters say too little about a text.
_SHORT = 3
#: From here on the Unicode blocks of Chinese, Japanese and Korean, where a sign says what elsewhere a word says.
_DENSE = "\u2e80"
#: How many low bits of a product are left out.
_SPARE = 64
#: The two digits of a number in base 2 as the numbers they are.
_BIT = bytes(byte & 1 for byte in range(256))


class Vector(NamedTuple):
    """A vector of length 1, whose component ``i`` is ``levels[steps[i]]``: few different numbers, however long it is."""

    steps: Sequence[int]
    levels: dict[int, float]

    def floats(self) -> list[float]:
        """The components, in as many digits as a 4-byte float has."""
        levels = self.levels
        return [levels[step] for step in self.steps]

    def json(self) -> str:
        """The components as JSON: each number is spelled once, so this takes a tenth of the time of an encoder."""
        spelled = {step: repr(level) for step, level in self.levels.items()}
        return f"[{','.join([spelled[step] for step in self.steps])}]"


def of_text(text: str, dimensions: int, key: str) -> Vector:
    """The vector of a text. Texts compare under one ``key`` only; a shorter vector is the longer one's beginning, rescaled."""
    return _vector(_features(text), text, dimensions, key)


def of_tokens(ids: Sequence[int], dimensions: int, key: str) -> Vector:
    """The vector of a text of which only the token ids are known: like lists get like vectors."""
    named = list(map(str, ids))
    pairs = [f"{one} {other}" for one, other in pairwise(named)]
    return _vector(dict.fromkeys([*named, *pairs]), " ".join(named), dimensions, f"{key}\x1ftokens")


def base64(components: Iterable[float]) -> str:
    """Numbers as little-endian 4-byte floats in base64: what ``encoding_format: base64`` asks for."""
    packed = array("f", components)
    if sys.byteorder == "big":
        packed.byteswap()
    return binascii.b2a_base64(packed, newline=False).decode()


def _features(text: str) -> dict[str, None]:
    """The words of a text, whatever their case, and the n-grams of those that are not short."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    words = list(dict.fromkeys(_WORD.findall(plain.casefold()))) or [text.strip() or " "]
    found = dict.fromkeys(words)
    for word in [word for word in words if len(word) > _SHORT or max(word) >= _DENSE] or words:
        shortest, framed = (1, word) if max(word) >= _DENSE else (3, f" {word} ")
        for size in (shortest, shortest + 1):
            for at in range(len(framed) - size + 1):
                found[framed[at : at + size]] = None
    return found


def _vector(features: dict[str, None], whole: str, dimensions: int, key: str) -> Vector:
    chosen = list(features)
    if len(chosen) > _MOST - 2:
        chosen = heapq.nsmallest(_MOST - 2, chosen, key=lambda feature: zlib.crc32(_bytes(feature)))
    # The text itself tells texts of the same words apart. Of an odd number of directions no component is ever zero.
    chosen.append(f"\x00{whole}")
    if len(chosen) % 2 == 0:
        chosen.append(f"\x01{whole}")
    steps = _counts(_planes(_directions(chosen, key, (dimensions + 7) // 8)), dimensions)
    different = set(steps)
    many = len(chosen)
    length = math.sqrt(sum((2 * step - many) ** 2 * steps.count(step) for step in different))
    return Vector(steps, {step: float(f"{(2 * step - many) / length:.8g}") for step in different})


def _bytes(feature: str) -> bytes:
    return feature.encode("utf-8", "surrogatepass")


def _directions(features: Iterable[str], key: str, size: int) -> list[int]:
    """The direction of each feature: a number whose ``8 * size`` bits are its components, 1 up and 0 down.

    It is the feature's checksum times one long random number, which costs a tenth of a hash of that length and is as good: any
    two directions agree in half of their bits. The lowest bits of a product are not random enough, so they go. Asking for
    more bits leaves the lower ones as they are.
    """
    factor = int.from_bytes(hashlib.shake_128(_bytes(key)).digest(size + _SPARE // 8), "little")
    mask = (1 << 8 * size) - 1
    return [((zlib.crc32(_bytes(feature)) | 1 << 32) * factor >> _SPARE) & mask for feature in features]


def _planes(numbers: list[int]) -> list[int]:
    """How many of the numbers have each bit: plane ``p`` has bit ``p`` of all these counts, side by side.

    As an adder in hardware does it: of three bits of one weight come one of that weight and one of twice that.
    """
    planes = []
    while numbers:
        doubles = []
        while len(numbers) > 2:
            one, two, three = numbers.pop(), numbers.pop(), numbers.pop()
            odd = one ^ two
            numbers.append(odd ^ three)
            doubles.append(one & two | odd & three)
        if len(numbers) == 2:
            one, two = numbers
            numbers = [one ^ two]
            doubles.append(one & two)
        planes.append(numbers[0])
        numbers = doubles
    return planes


def _counts(planes: Sequence[int], dimensions: int) -> Sequence[int]:
    """The count of each component, from the planes of their bits."""
    low = _bytewise(planes[:8], dimensions)
    if len(planes) <= 8:
        return low
    return [count + 256 * more for count, more in zip(low, _bytewise(planes[8:], dimensions), strict=True)]


def _bytewise(planes: Sequence[int], dimensions: int) -> bytes:
    """Up to eight planes as one byte for each component: bits spread to bytes, then all bytes added at once."""
    size = (dimensions + 7) // 8 * 8
    total = 0
    for at, plane in enumerate(planes):
        spread = format(plane, f"0{size}b").encode().translate(_BIT)
        total += int.from_bytes(spread, "big") << at
    return total.to_bytes(size, "little")[:dimensions]
