"""Alike: how much two texts have in common, as difflib measures it, in a fraction of its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from heapq import heappop, heappush

#: Above this many characters texts are compared word by word: the time grows with more than the length.
LONG = 2000
#: After this many looks at places where a block may begin, the order of what is left is no longer regarded. It takes about a
#: second to get there, and only long texts that say the same over and over do.
WORK = 1_000_000
#: So much of a text is looked at where texts are only put in order.
SAMPLE = 2000
#: Blocks shorter than this are found by their slices, longer ones by what stands in the middle of them.
_BLOCK = 32
#: To follow a block to its ends takes as long as so many looks.
_EXPANSION = 8
#: Beyond so many tokens, where each stands would take too much room.
_ORDERED = 20_000
#: So often on the way through a text it is asked whether there is still hope.
_STOPS = 16
#: Up to so many pairs of equal tokens difflib itself is quicker.
_SMALL = 2000


def fold(text: str, case_sensitive: bool = False) -> str:
    """A text as fuzzy compares it: trimmed, white space folded to single blanks, lower case unless case counts."""
    folded = " ".join(text.split())
    return folded if case_sensitive else folded.lower()


def likeness(left: str, right: str, longest: int = LONG) -> float:
    """difflib's ratio of two folded texts, without its junk heuristics (with them, long texts 92% alike score 0.07).

    Texts longer than ``longest`` are compared word by word.
    """
    one, other = _tokens(left, right, longest)
    total = len(one) + len(other)
    return 2.0 * _matched(one, other) / total if total else 1.0


def alike_enough(left: str, right: str, threshold: float) -> bool:
    """Whether the ratio reaches the threshold. It is worked out no further than it takes to know."""
    if left == right:
        return True
    one, other = _tokens(left, right, LONG)
    least = needed(threshold, len(one) + len(other))
    if min(len(one), len(other)) < least:
        return False
    ends = _run(one, other, 0, 0), _run(one[::-1], other[::-1], 0, 0)
    if max(ends) >= least or (sum(ends) >= least and _ends_match(one, other, max(ends))):
        return True
    # Texts that differ in one place go on to be compared; others seldom survive a look at the order of their tokens.
    likely = sum(ends) >= least or (_shared(one, other) >= least and _in_order(one, other, least))
    return likely and _matched(one, other, least) >= least


def _ends_match(one: str, other: str, size: int) -> bool:
    """Whether difflib surely matches both ends, of which ``size`` is the longer.

    Every block of that size holds the middle of ``one`` when it is more than half of it. When ``other`` has this middle once
    only, the longest block is that end, and what is left of the texts ends alike at the other end.
    """
    middle = one[len(one) - size : size]
    return bool(middle) and other.find(middle) == other.rfind(middle)


def needed(threshold: float, total: int) -> int:
    """How much two texts of a total length must share for a ratio of ``threshold``, by the very division that difflib makes."""
    least = max(0, int(threshold * total / 2 - 0.001))
    while total and 2.0 * least / total < threshold:
        least += 1
    return least


def trigrams(text: str) -> frozenset[str]:
    """The pieces of three characters of a folded text's beginning, its ends counting as blanks."""
    return _trigrams(text[:SAMPLE])


@lru_cache(32)
def _trigrams(text: str) -> frozenset[str]:
    folded = f" {fold(text)} "
    return frozenset([folded[at : at + 3] for at in range(max(1, len(folded) - 2))])


def _tokens(left: str, right: str, longest: int) -> tuple[str, str]:
    """What is compared: the texts themselves, or texts with a character for every word where either is long."""
    if len(left) <= longest and len(right) <= longest:
        return left, right
    numbers: dict[str, int] = {}
    one, other = ("".join([chr(numbers.setdefault(word, len(numbers))) for word in text.split()]) for text in (left, right))
    return one, other


def _shared(one: str, other: str) -> int:
    """How many tokens both have, in whatever order: no comparison finds more."""
    counts = Counter(other)
    return sum(min(count, counts[token]) for token, count in Counter(one).items())


def _in_order(one: str, other: str, least: int) -> bool:
    """Whether both have ``least`` tokens in the same order: no fewer are in all blocks of any comparison.

    The longest common subsequence, bit by bit for the whole of ``one`` at once (Hyyro 2004): a zero in ``row`` is a token that
    found its place.
    """
    if len(one) > _ORDERED:
        return True
    places: dict[str, int] = {}
    for at, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << at
    row = every = (1 << len(one)) - 1
    stretch = len(other) // _STOPS + 1
    for start in range(0, len(other), stretch):
        for token in other[start : start + stretch]:
            if token in places:
                found = row & places[token]
                row = (row + found | row - found) & every
        # What is in order so far, and what may still come.
        if len(one) - row.bit_count() + max(0, len(other) - start - stretch) < least:
            return False
    return True


def _pairs(one: str, other: str) -> int:
    """How many tokens of one equal a token of the other, each with each."""
    counts = Counter(other)
    return sum(count * counts[token] for token, count in Counter(one).items())


def _matched(one: str, other: str, enough: int | None = None) -> int:
    """How many tokens difflib's matching blocks have; perhaps fewer once they are ``enough``, or cannot come to it any more.

    difflib takes the longest block that both texts have, and does the same with what is left of it and what is right of it.
    """
    matched, possible = 0, min(len(one), len(other))
    work = _Work()
    # The widest parts first: they decide soonest.
    pending = [(-possible, one, other)]
    while pending and (enough is None or matched < enough <= matched + possible):
        most, one, other = heappop(pending)
        possible += most
        if work.done > WORK:
            matched += _shared(one, other)
            continue
        if _pairs(one, other) <= _SMALL:
            matched += sum(block.size for block in SequenceMatcher(None, one, other, False).get_matching_blocks())
            continue
        at, there, size = _longest(one, other, work)
        matched += size
        for left, right in ((one[:at], other[:there]), (one[at + size :], other[there + size :])):
            if size and left and right:
                most = min(len(left), len(right))
                possible += most
                heappush(pending, (-most, left, right))
    return matched


class _Work:
    """How many places were looked at so far."""

    done = 0


def _longest(one: str, other: str, work: _Work) -> tuple[int, int, int]:
    """The longest block of both: where it begins in each (the first such place in ``one``, then in ``other``), and its size."""
    size = max(_run(one, other, 0, 0), _run(one[::-1], other[::-1], 0, 0))
    if size < _BLOCK:
        work.done += len(one) + len(other)
        if _place(one, other, _BLOCK) is None:
            return _by_slices(one, other, size)
        size = _BLOCK
    # A block of at least this size has, wherever it begins, one whole piece of half its size in it.
    blocks = _blocks(one, other, (size + 1) // 2, work)
    return min(blocks, key=lambda block: (-block[2], block[0], block[1]))


def _blocks(one: str, other: str, half: int, work: _Work) -> Iterator[tuple[int, int, int]]:
    """The blocks that hold a whole piece of ``one``, cut in pieces of this size."""
    ends: dict[int, int] = {}
    eno, rehto = one[::-1], other[::-1]
    for start in range(0, len(one) - half + 1, half):
        piece = one[start : start + half]
        found = other.find(piece)
        while found >= 0:
            work.done += 1
            # Blocks of one diagonal follow each other: what the last one covers needs no second look.
            if ends.get(found - start, -1) < start:
                work.done += _EXPANSION
                before = _run(eno, rehto, len(one) - start, len(other) - found)
                after = _run(one, other, start, found)
                ends[found - start] = start + after - 1
                yield start - before, found - before, before + after
            found = other.find(piece, found + 1)


def _by_slices(one: str, other: str, least: int) -> tuple[int, int, int]:
    """The longest block when it is short: a search for the largest size of which both have a slice."""
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
    """The first place in ``one`` of a slice that ``other`` has too."""
    slices = {other[at : at + size] for at in range(len(other) - size + 1)}
    return next((at for at in range(len(one) - size + 1) if one[at : at + size] in slices), None)


def _run(one: str, other: str, at: int, there: int) -> int:
    """How many characters are the same from two places on."""
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
