"""Similarity: difflib's ratio of two texts, in a fraction of difflib's time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heappush

#: Above this many characters texts are compared word by word: the time grows with more than the length.
LONG = 2000
#: After this many checked places where a block may begin, the rest is compared without regard to order. Only long texts that
#: repeat themselves reach this number, in about a second.
WORK = 1_000_000
#: The number of characters that are compared where texts are only sorted by similarity.
SAMPLE = 2000
#: Shorter blocks are found by their slices, longer ones by a piece in their middle.
_BLOCK = 32
#: The cost of extending a block to its ends, in checked places.
_EXPANSION = 8
#: Texts whose places may differ by more than this are compared without the check of order first.
_MAX_STRAY = 20_000
#: The least number of tokens between two checks whether the threshold can still be reached.
_STRETCH = 64
#: Up to this length it is faster to compare the sets of tokens than their order.
_BRIEF = 500
#: Texts with up to this many pairs of tokens are compared by trying pieces of growing length.
_SMALL = 100_000
#: The character for words that only the second text has.
_OTHER = "\U0010ffff"


def fold(text: str, case_sensitive: bool = False) -> str:
    """A text as fuzzy compares it: trimmed, white space folded to single blanks, lower case unless case counts."""
    folded = " ".join(text.split())
    return folded if case_sensitive else folded.lower()


#: The same with a small cache, for a text that many rules compare one after another.
fold_cached = lru_cache(4)(fold)


@lru_cache(32)
def ratio(left: str, right: str, longest: int = LONG) -> float:
    """difflib's ratio of two folded texts, without its junk heuristics (with them, long texts 92% similar score 0.07).

    Texts longer than ``longest`` are compared word by word. Cached, because the explanation of a miss uses the same ratio often.
    """
    one, other = _tokens(left, right, longest)
    total = len(one) + len(other)
    return 2.0 * _matched(one, other) / total if total else 1.0


@lru_cache(32)
def reaches(left: str, right: str, threshold: float) -> bool:
    """Whether the ratio of two folded texts reaches the threshold. It is calculated only as far as necessary.

    Cached, because the explanation of a miss repeats the comparisons of matching.
    """
    if left == right:
        return True
    if len(left) > LONG or len(right) > LONG:
        if not _may_reach(left, right, threshold):
            return False
        one, other = _tokens(left, right, LONG)
    else:
        one, other = left, right
    least = needed(threshold, len(one) + len(other))
    if min(len(one), len(other)) < least:
        return False
    ends = _ends(one, other)
    if max(ends) >= least or (sum(ends) >= least and _ends_match(one, other, max(ends))):
        return True
    # Texts that differ in one place are compared at once; most others are ruled out by their tokens or by the order of these.
    likely = sum(ends) >= least or (_enough_shared(one, other, least) and _in_order(one, other, least, len(one), len(other)))
    return likely and _matched(one, other, least) >= least


def _may_reach(left: str, right: str, threshold: float) -> bool:
    """Whether two long texts may reach the threshold, by their beginnings: numbering all their words takes longer."""
    size, length = _count(left), _count(right)
    least = needed(threshold, size + length)
    stray = max(size, length) - least
    if min(size, length) < least:
        return False
    # A power of two, so that one cached prefix serves many rules.
    looked = 1 << (2 * stray + _STRETCH).bit_length()
    if looked > length:
        return True
    one, letters = _prefix(left, 2 * looked)
    other = "".join([letters.get(word, _OTHER) for word in right.split(" ", looked)[:looked]])
    return _in_order(one, other, least, size, length)


@lru_cache(2)
def _prefix(text: str, words: int) -> tuple[str, dict[str, str]]:
    """The first words of a text as characters, and the character of each word."""
    return _numbered(text.split(" ", words)[:words])


def _count(text: str) -> int:
    """The number of words of a folded text."""
    return text.count(" ") + 1 if text else 0


def _ends_match(one: str, other: str, size: int) -> bool:
    """Whether difflib certainly matches both common ends; ``size`` is the length of the longer one.

    Every block of that size contains the middle of ``one`` if it is longer than half of ``one``. If ``other`` has this middle
    only once, the longest block is that end, and difflib matches the other end in the remaining texts.
    """
    middle = one[len(one) - size : size]
    return bool(middle) and other.find(middle) == other.rfind(middle)


def needed(threshold: float, total: int) -> int:
    """The number of shared tokens that a ratio of ``threshold`` needs, by the same floating-point division as difflib's."""
    least = max(0, int(threshold * total / 2 - 0.001))
    while total and 2.0 * least / total < threshold:
        least += 1
    return least


def trigrams(text: str, longest: int = SAMPLE) -> frozenset[str]:
    """The pieces of three characters of a folded text's beginning, with a blank added at both ends."""
    return _trigrams(text[:longest])


@lru_cache(32)
def _trigrams(text: str) -> frozenset[str]:
    folded = f" {fold(text)} "
    return frozenset([folded[at : at + 3] for at in range(max(1, len(folded) - 2))])


def _tokens(left: str, right: str, longest: int) -> tuple[str, str]:
    """The compared texts: the texts themselves, or texts with one character for each word if either is long."""
    if len(left) <= longest and len(right) <= longest:
        return left, right
    one, letters = _numbered(left.split())
    return one, "".join([letters.get(word, _OTHER) for word in right.split()])


def _numbered(words: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Words as characters, one for each different word, and the character of each word."""
    # The modulo is necessary because there are no more characters.
    letters = {word: chr(number % 0x10FFFF) for number, word in enumerate(dict.fromkeys(words))}
    return "".join([letters[word] for word in words]), letters


def _shared(one: str, other: str) -> int:
    """The number of tokens that both have in any order: an upper bound of every comparison."""
    counts = Counter(other)
    return sum(min(count, counts[token]) for token, count in Counter(one).items())


def _enough_shared(one: str, other: str, least: int) -> bool:
    """Whether short texts have ``least`` tokens in common; true for long ones, where checking the order is as fast."""
    return len(one) > _BRIEF or sum([min(one.count(token), other.count(token)) for token in set(one)]) >= least


def _in_order(one: str, other: str, least: int, size: int, length: int) -> bool:
    """Whether two texts may have ``least`` tokens in the same order, which is an upper bound of every comparison.

    ``size`` and ``length`` are those of the whole texts; ``one`` and ``other`` may be their beginnings. This is the longest
    common subsequence with bit-parallel rows for a window of ``one`` (Hyyro 2004): a zero in ``row`` is a matched token. A
    token can match no further away than the number of tokens that may remain unmatched.
    """
    ahead, behind = size - least, length - least
    if ahead + behind > _MAX_STRAY:
        return _shared(one, other) + length - len(other) >= least
    stretch = max(_STRETCH, (ahead + behind) // 8)
    places: dict[str, int] = {}
    row = low = high = placed = 0
    for start in range(0, len(other), stretch):
        end = min(start + stretch, len(other))
        # Tokens behind the window are final.
        gone = min(max(0, start - behind), high) - low
        if gone:
            placed += gone - (row & (1 << gone) - 1).bit_count()
            low, row = low + gone, row >> gone
            places = {token: left for token, bits in places.items() if (left := bits >> gone)}
        # Add the places that come into reach of these tokens.
        upto = min(end + ahead, len(one))
        for token, bits in _places(one[high:upto]).items():
            places[token] = places.get(token, 0) | bits << high - low
        row |= (1 << upto - low) - (1 << high - low)
        high, every = upto, (1 << upto - low) - 1
        for token in other[start:end]:
            if token in places:
                bits = row & places[token]
                row = (row + bits | row - bits) & every
        # The tokens in order so far, and those that may still follow.
        upto = min(max(0, end + size - length), high) - low
        if placed + upto - (row & (1 << upto) - 1).bit_count() + length - end < least:
            return False
    return True


def _places(text: str) -> dict[str, int]:
    """The positions of each token, as bits."""
    places: dict[str, int] = {}
    bit = 1
    for token in text:
        places[token] = places.get(token, 0) | bit
        bit <<= 1
    return places


def _matched(one: str, other: str, enough: int | None = None) -> int:
    """The number of tokens in difflib's matching blocks; it may be lower once ``enough`` is reached or cannot be reached.

    difflib takes the longest block that both texts have, and repeats this with the texts before it and after it.
    """
    matched, possible = 0, min(len(one), len(other))
    work = _Work()
    # The widest parts first, because they decide soonest. The last item is the greatest possible length of a block.
    pending = [(-possible, one, other, possible)]
    while pending and (enough is None or matched < enough <= matched + possible):
        width, one, other, longest = heappop(pending)
        possible += width
        if work.done > WORK:
            matched += _shared(one, other)
            continue
        if len(one) * len(other) <= _SMALL:
            at, there, size = _longest_of_short(one, other, min(longest, -width))
        else:
            at, there, size = _longest(one, other, work)
        if not size:
            continue
        matched += size
        for left, right in ((one[:at], other[:there]), (one[at + size :], other[there + size :])):
            most = min(len(left), len(right))
            if most == 1:
                matched += left in right or right in left
            elif most:
                possible += most
                heappush(pending, (-most, left, right, size))
    return matched


def common_ends(one: str, other: str) -> int:
    """How many characters of two texts are in their common beginning or their common end."""
    return min(sum(_ends(one, other)), len(one), len(other))


def _ends(one: str, other: str) -> tuple[int, int]:
    """The lengths of the common beginning and of the common end of two texts."""
    if not (one.isascii() and other.isascii()):
        return _run(one, other, 0, 0), _run(one[::-1], other[::-1], 0, 0)
    # As two numbers, where the lowest bit that differs shows the place: a third of the time.
    most = min(len(one), len(other))
    if not most:
        return 0, 0
    start = int.from_bytes(one[:most].encode(), "little") ^ int.from_bytes(other[:most].encode(), "little")
    end = int.from_bytes(one[-most:].encode(), "big") ^ int.from_bytes(other[-most:].encode(), "big")
    return _lowest(start, most), _lowest(end, most)


def _lowest(differing: int, most: int) -> int:
    """The number of bytes below the lowest one that is not 0."""
    return (differing & -differing).bit_length() - 1 >> 3 if differing else most


def may_reach_after(left: str, right: str, threshold: float, changes: int) -> bool:
    """Whether the ratio of two folded texts may reach the threshold once so many letters of one are removed or added.

    The blocks of difflib are a common subsequence, and each change makes the longest one longer by at most one letter.
    """
    least = max(0, needed(threshold, len(left) + len(right)) - changes - 1)
    return min(len(left), len(right)) >= least and _in_order(left, right, least, len(left), len(right))


def longest_piece(one: str, other: str) -> int:
    """The length of the longest common piece of two texts; ``one`` is short."""
    return _longest_of_short(one, other, len(one))[2]


def _longest_of_short(one: str, other: str, longest: int) -> tuple[int, int, int]:
    """The longest block of two texts, of at most ``longest``, for a short first text: try a longer piece at every place."""
    start = at = size = 0
    last = len(one)
    end = 1
    while end <= last:
        if one[start:end] in other:
            at, size = start, end - start
            if size == longest:
                break
            end += 1
        else:
            start += 1
            end += 1
    return at, other.find(one[at : at + size]), size


class _Work:
    """The number of places that were checked so far."""

    done = 0


def _longest(one: str, other: str, work: _Work) -> tuple[int, int, int]:
    """The longest common block: its start in each text (the first in ``one``, then in ``other``), and its size."""
    size = max(_ends(one, other))
    if size < _BLOCK:
        work.done += len(one) + len(other)
        if _place(one, other, _BLOCK) is None:
            return _by_slices(one, other, size)
        size = _BLOCK
    # A block of at least this size contains one whole aligned piece of half its size, wherever it begins.
    blocks = _blocks(one, other, (size + 1) // 2, work)
    return min(blocks, key=lambda block: (-block[2], block[0], block[1]))


def _blocks(one: str, other: str, half: int, work: _Work) -> Iterator[tuple[int, int, int]]:
    """The blocks that contain a whole piece of ``one``, which is cut into pieces of size ``half``."""
    ends: dict[int, int] = {}
    eno, rehto = one[::-1], other[::-1]
    for start in range(0, len(one) - half + 1, half):
        piece = one[start : start + half]
        at = other.find(piece)
        while at >= 0:
            work.done += 1
            # Blocks of one diagonal follow each other: places inside the last one are skipped.
            if ends.get(at - start, -1) < start:
                work.done += _EXPANSION
                before = _run(eno, rehto, len(one) - start, len(other) - at)
                after = _run(one, other, start, at)
                ends[at - start] = start + after - 1
                yield start - before, at - before, before + after
            at = other.find(piece, at + 1)


def _by_slices(one: str, other: str, least: int) -> tuple[int, int, int]:
    """The longest block when it is short: a binary search for the largest size of a common slice."""
    most = min(_BLOCK, len(one) + 1, len(other) + 1)
    while most - least > 1:
        size = (least + most) // 2
        if _place(one, other, size) is None:
            most = size
        else:
            least = size
    at = _place(one, other, least) if least else None
    return (0, 0, 0) if at is None else (at, other.find(one[at : at + least]), least)


def _place(one: str, other: str, size: int) -> int | None:
    """The first place in ``one`` of a slice that ``other`` also has."""
    slices = {other[at : at + size] for at in range(len(other) - size + 1)}
    return next((at for at in range(len(one) - size + 1) if one[at : at + size] in slices), None)


def _run(one: str, other: str, at: int, there: int) -> int:
    """The number of equal characters from two places on."""
    most = min(len(one) - at, len(other) - there)
    size, step = 0, 8
    growing = True
    while step:
        end = min(size + step, most)
        if one[at + size : at + end] == other[there + size : there + end]:
            size = end
            if size == most:
                break
        else:
            growing = False
        step = step * 2 if growing else step // 2
    return size
