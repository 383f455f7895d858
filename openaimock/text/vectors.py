"""Vectors: embeddings from a text's words and n-grams, so that similar texts get similar vectors, the same on every machine.

Each word and n-gram has a direction derived from its hash, and a text is the normalized sum of them (feature hashing by
random projection): texts that share n-grams have similar vectors, texts that share none are nearly orthogonal.
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

#: The most features of a vector; a long text with more is sampled by hash, so that near-duplicates share their sample.
_MAX_FEATURES = 4095
_WORD = re.compile(r"\w+")
#: Words up to this length ("the", "and", "is") have no n-grams, because their letters carry little information.
_SHORT = 3
#: The first Unicode block of Chinese, Japanese and Korean, where one character carries as much as a word elsewhere.
_DENSE = "\u2e80"
#: The number of low bits of a product that are dropped.
_DROPPED_BITS = 64
#: The two digits of a number in base 2 as the numbers they are.
_BIT = bytes(byte & 1 for byte in range(256))


class Vector(NamedTuple):
    """A vector of length 1, whose component ``i`` is ``levels[steps[i]]``: it has few different numbers."""

    steps: Sequence[int]
    levels: dict[int, float]

    def floats(self) -> list[float]:
        """The components, with the precision of a 4-byte float."""
        levels = self.levels
        return [levels[step] for step in self.steps]

    def json(self) -> str:
        """The components as JSON: each different number is formatted once, so this takes a tenth of the time of an encoder."""
        spelled = {step: repr(level) for step, level in self.levels.items()}
        return f"[{','.join([spelled[step] for step in self.steps])}]"


def of_text(text: str, dimensions: int, key: str) -> Vector:
    """The vector of a text. Only vectors of one ``key`` are comparable; a shorter vector is the longer one's start, rescaled."""
    return _vector(_features(text), text, dimensions, key)


def of_tokens(ids: Sequence[int], dimensions: int, key: str) -> Vector:
    """The vector of a text given as token ids: similar lists get similar vectors."""
    named = list(map(str, ids))
    pairs = [f"{one} {other}" for one, other in pairwise(named)]
    return _vector(dict.fromkeys([*named, *pairs]), " ".join(named), dimensions, f"{key}\x1ftokens")


def base64(components: Iterable[float]) -> str:
    """Numbers as little-endian 4-byte floats in base64, the form of ``encoding_format: base64``."""
    packed = array("f", components)
    if sys.byteorder == "big":
        packed.byteswap()
    return binascii.b2a_base64(packed, newline=False).decode()


def _features(text: str) -> dict[str, None]:
    """The words of a text, case-folded, and the n-grams of those that are not short."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    words = list(dict.fromkeys(_WORD.findall(plain.casefold()))) or [text.strip() or " "]
    features = dict.fromkeys(words)
    for word in [word for word in words if len(word) > _SHORT or max(word) >= _DENSE] or words:
        shortest, framed = (1, word) if max(word) >= _DENSE else (3, f" {word} ")
        for size in (shortest, shortest + 1):
            for at in range(len(framed) - size + 1):
                features[framed[at : at + size]] = None
    return features


def _vector(features: dict[str, None], whole: str, dimensions: int, key: str) -> Vector:
    chosen = list(features)
    if len(chosen) > _MAX_FEATURES - 2:
        chosen = heapq.nsmallest(_MAX_FEATURES - 2, chosen, key=lambda feature: zlib.crc32(_bytes(feature)))
    # The text itself distinguishes texts of the same words. With an odd number of directions no component is zero.
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
    two directions agree in half of their bits. The lowest bits of a product are not random enough, so they are dropped. A
    larger ``size`` does not change the lower bits.
    """
    factor = int.from_bytes(hashlib.shake_128(_bytes(key)).digest(size + _DROPPED_BITS // 8), "little")
    mask = (1 << 8 * size) - 1
    return [((zlib.crc32(_bytes(feature)) | 1 << 32) * factor >> _DROPPED_BITS) & mask for feature in features]


def _planes(numbers: list[int]) -> list[int]:
    """Count for each bit how many of the numbers have it: plane ``p`` has bit ``p`` of all these counts.

    This is a carry-save adder: three bits of one weight become one bit of that weight and one of twice that weight.
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
    """Up to eight planes as one byte for each component: bits are spread to bytes, then all bytes are added at once."""

    size = (dimensions + 7) // 8 * 8
    total = 0
    for at, plane in enumerate(planes):
        spread = format(plane, f"0{size}b").encode().translate(_BIT)
        total += int.from_bytes(spread, "big") << at
    return total.to_bytes(size, "little")[:dimensions]
