"""Vectors: embeddings from a text's words and n-grams, so that similar texts get similar vectors, the same on every machine.

Each word and n-gram has a direction derived from its checksum, and a text is the sum of them, scaled to length 1 (feature hashing
by random projection): texts that share words or parts of words have similar vectors, texts that share none are nearly orthogonal.

No step has a loop over components. A vector that grows is one long integer with 16 bits for each component, so that one addition
adds all components; the finished vector has one byte for each, and tables translate these bytes to floats.
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
from functools import lru_cache
from itertools import pairwise
from struct import Struct
from typing import NamedTuple

#: The most pieces of a text and directions of a piece. More are sampled by checksum, so that near-duplicates share their sample.
#: Twice their product must be less than 2 ** 15, half of what a component has room for while a vector grows.
MAX_PIECES, MAX_DIRECTIONS = 512, 31
#: The longest piece and vector that are cached, and how many pieces are: up to 12 MB.
CACHED_LENGTH, CACHED_SIZE, CACHED = 64, 3072, 4096
#: The most components of a vector.
LONGEST = 16384
_WORD = re.compile(r"\w+")
#: Words up to this length ("the", "and", "is") have no n-grams, because their letters carry little information.
_SHORT = 3
#: The first Unicode block of Chinese, Japanese and Korean, where one character carries as much as a word elsewhere.
_DENSE = "\u2e80"
#: The number of characters of Unicode.
_CHARACTERS = 0x110000
#: The number of different directions.
_OFFSETS = 1 << 16
#: The middle of a component while a vector grows.
_MIDDLE = 1 << 15
#: The two digits of a number in base 2 as the numbers they are.
_BIT = bytes(byte & 1 for byte in range(256))
#: A component is proportional to the odd number ``2 * step - 255``: no component is zero.
_ODD = [float(odd) for odd in range(-255, 256, 2)]
#: Half of these numbers as little-endian 4-byte floats, and the last byte of such a float with the sign set.
_FLOATS, _NEGATIVE = Struct("<128f").pack, bytes(byte | 0x80 for byte in range(256))
#: The two bytes of the squares.
_LOW_SQUARE, _HIGH_SQUARE = (bytes(odd * odd >> shift & 255 for odd in range(-255, 256, 2)) for shift in (0, 8))
#: The bytes of an ASCII text as those of its words: small letters, digits and the underscore, and spaces for others.
_WORD_BYTES = bytes(ord(chr(code).lower()) if code < 128 and (chr(code).isalnum() or code == 95) else 32 for code in range(256))
#: The highest byte: how many directions one byte for each component has room for.
_BYTE = 255


class Vector(NamedTuple):
    """A vector of length 1: component ``i`` is ``(2 * steps[i] - 255) / length``, with the precision of a 4-byte float."""

    steps: bytes
    length: float

    def floats(self) -> list[float]:
        """The components, as ``json`` writes them."""
        numbers = {step: float(text) for step, text in self._spelled().items()}
        return [numbers[step] for step in self.steps]

    def json(self) -> str:
        """The components as JSON: each different number is formatted once."""
        spelled = self._spelled()
        return f"[{','.join([spelled[step] for step in self.steps])}]"

    def base64(self) -> str:
        """The components as little-endian 4-byte floats in base64, the form of ``encoding_format: base64``."""
        # The numbers of the steps from 128 on; those of the others are the same with the other sign.
        floats = _FLOATS(*[odd / self.length for odd in _ODD[128:]])
        packed = bytearray(4 * len(self.steps))
        for at in range(4):
            upper = floats[at::4]
            lower = upper[::-1] if at < 3 else upper[::-1].translate(_NEGATIVE)
            packed[at::4] = self.steps.translate(lower + upper)
        return binascii.b2a_base64(packed, newline=False).decode()

    def _levels(self) -> array[float]:
        """The number of each step."""
        length = self.length
        return array("f", [odd / length for odd in _ODD])

    def _spelled(self) -> dict[int, str]:
        """The text of the number of each step that occurs. Nine digits tell all 4-byte floats apart."""
        levels = self._levels()
        return {step: f"{levels[step]:.9g}" for step in set(self.steps)}


def of_text(text: str, dimensions: int, key: str, longest: int = 0) -> Vector:
    """The vector of a text. Only vectors of one ``key`` are comparable.

    A shorter vector is the longer one's start, rescaled. That is exact up to ``longest``, the length that a model's vectors have
    without a limit; beyond it components may differ by a rounding.
    """
    return _vector(_words(text), text, dimensions, key, longest)


def of_tokens(ids: Sequence[int], dimensions: int, key: str, longest: int = 0) -> Vector:
    """The vector of a text given as token ids: similar lists get similar vectors."""
    # Each id stands as a character, so that ids are taken like the characters of a dense script.
    text = "".join([chr(number % _CHARACTERS) for number in ids])
    return _vector(dict.fromkeys(_dense(text)), text, dimensions, f"{key}\x1ftokens", longest)


def base64(components: Iterable[float]) -> str:
    """Numbers as little-endian 4-byte floats in base64."""
    return binascii.b2a_base64(_little_endian(array("f", components)), newline=False).decode()


def _little_endian(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _words(text: str) -> dict[str, None]:
    """The pieces of a text, each once: its words, case-folded; of dense scripts characters and pairs of characters."""
    if text.isascii():
        # The same words in a fifth of the time.
        return dict.fromkeys(text.encode().translate(_WORD_BYTES).decode().split() or [text.strip() or " "])
    words = dict.fromkeys(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()) or [text.strip() or " "])
    return dict.fromkeys(piece for word in words for piece in (_dense(word) if max(word) >= _DENSE else (word,)))


def _dense(text: str) -> list[str]:
    return [*text, *(one + other for one, other in pairwise(text))]


def _vector(pieces: dict[str, None], whole: str, dimensions: int, key: str, longest: int) -> Vector:
    chosen: Iterable[str] = pieces
    if len(pieces) > MAX_PIECES:
        chosen = heapq.nsmallest(MAX_PIECES, pieces, key=_checksum)
    size = max(dimensions, longest)
    # Bytes are added while a byte has room: that takes half of the time.
    even = odd = part = weight = used = 0
    for piece in chosen:
        is_cached = len(piece) <= CACHED_LENGTH and size <= CACHED_SIZE
        components, directions = (_piece if is_cached else _piece.__wrapped__)(piece, key, size)
        if used + directions > _BYTE:
            even, odd = even + _even(part, size), odd + _even(part >> 8, size - 1)
            part = used = 0
        part += components
        used += directions
        weight += directions
    even, odd = even + _even(part, size), odd + _even(part >> 8, size - 1)
    # The text itself distinguishes texts of the same words. An odd number of directions leaves no component zero.
    whole_direction = int.from_bytes(_direction(f"\x00{whole}", _table(key), size), "little")
    even, odd = 2 * even + _even(whole_direction, size), 2 * odd + _even(whole_direction >> 8, size - 1)
    steps = _steps(even, odd, 2 * weight + 1, size)[:dimensions]
    return Vector(steps, _length(steps))


@lru_cache(maxsize=CACHED)
def _piece(piece: str, key: str, size: int) -> tuple[int, int]:
    """How many of the directions of a piece go up, in one byte for each component, and the number of the directions."""
    features = list(dict.fromkeys([piece, *_ngrams(piece)]))
    if len(features) > MAX_DIRECTIONS:
        features = heapq.nsmallest(MAX_DIRECTIONS, features, key=_checksum)
    table = _table(key)
    return sum([int.from_bytes(_direction(feature, table, size), "little") for feature in features]), len(features)


def _ngrams(word: str) -> list[str]:
    """The n-grams of a word that is not short, with its beginning and its end marked."""
    if len(word) <= _SHORT:
        return []
    framed = f" {word} "
    return [framed[at : at + size] for size in (3, 4) for at in range(len(framed) - size + 1)]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _checksum(text: str) -> int:
    return zlib.crc32(_bytes(text))


@lru_cache(maxsize=16)
def _table(key: str) -> bytes:
    """Random bytes 0 and 1, whose parts are the directions."""
    size = _OFFSETS + LONGEST
    bits = int.from_bytes(hashlib.shake_128(_bytes(key)).digest(size // 8), "little")
    return format(bits, f"0{size}b").encode().translate(_BIT)


def _direction(feature: str, table: bytes, size: int) -> bytes:
    """The direction of a feature: 1 for each component where it goes up, 0 where it goes down.

    It is the part of the table at the place that the checksum names. Two parts agree in about half of their components.
    """
    at = _checksum(feature) % _OFFSETS
    return table[at : at + size]


def _even(components: int, size: int) -> int:
    """Every second one of ``size`` components with a byte each, from the first on, with 16 bits each."""
    return components & _mask(size)


@lru_cache(maxsize=32)
def _mask(size: int) -> int:
    return _ones(size) * _BYTE


@lru_cache(maxsize=32)
def _ones(size: int) -> int:
    """The integer in which every second one of ``size`` components, from the first on, is 1."""
    return int.from_bytes(b"\x01\x00" * ((size + 1) // 2), "little")


@lru_cache(maxsize=32)
def _shifts(size: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """All components in the middle; for each shift, what is added to them and the bits that show whether they are in range."""
    ones = _ones(size)
    return ones * _MIDDLE, tuple((ones * (128 << shift), ones * (0x10000 - (256 << shift))) for shift in range(8))


def _steps(even: int, odd: int, weight: int, size: int) -> bytes:
    """The components as bytes, from how many of ``weight`` directions, an odd number, go up.

    As many go up as down at the middle between 127 and 128. Where a component is too far from it for a byte, all components lose
    their lowest bits.
    """
    middle = _MIDDLE - (weight + 1) // 2
    halves = [(even + _ones(size) * middle, size), (odd + _ones(size - 1) * middle, size - 1)]
    shift = max(_shift(*half) for half in halves)
    steps = bytearray(size)
    for at, (total, length) in enumerate(halves):
        added = _shifts(length)[1][shift][0]
        steps[at::2] = (total + added >> shift).to_bytes(length + 1, "little")[:length:2]
    return bytes(steps)


def _shift(total: int, size: int) -> int:
    """By how many bits components are shifted so that all distances from the middle are between 0 and 255."""
    middle, shifts = _shifts(size)
    for shift, (added, outside) in enumerate(shifts):  # noqa: B007 - used after the loop
        if total + added & outside == middle:
            break
    return shift


def _length(steps: bytes) -> float:
    """The length of a vector before it is scaled, from the sum of the squares."""
    return math.sqrt(_sum(steps.translate(_LOW_SQUARE)) + 256 * _sum(steps.translate(_HIGH_SQUARE)))


def _sum(numbers: bytes) -> int:
    """The sum of bytes, in a tenth of the time of ``sum``: the lower half of Adler-32 is 1 + the sum modulo 65,521."""
    return sum([(zlib.adler32(numbers[at : at + 256]) & 0xFFFF) - 1 for at in range(0, len(numbers), 256)])
