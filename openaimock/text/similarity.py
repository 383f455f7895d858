"""Alike: how much two texts have in common, as difflib measures it, in a fraction of its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
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
#: Of texts whose places may stray further apart than this, order is not looked at before they are compared.
_STRAY = 20_000
#: At least so many tokens are put in order between two looks at whether there is still hope.
_STRETCH = 64
#: Up to this length it is sooner seen which tokens two texts have than in which order.
_BRIEF = 500
#: Texts of up to so many pairs of tokens are compared by trying longer and longer pieces.
_SMALL = 100_000
#: What a word is told as that only the other text has.
_OTHER = "\U0010ffff"


def fold(text: str, case_sensitive: bool = False) -> str:
    """A text as fuzzy compares it: trimmed, white space folded to single blanks, lower case unless case counts."""
    folded = " ".join(text.split())
    return folded if case_sensitive else folded.lower()


#: The same, for a text that many rules look at one after the other.
fold_again = lru_cache(4)(fold)


@lru_cache(32)
def ratio(left: str, right: str, longest: int = LONG) -> float:
    """difflib's ratio of two folded texts, without its junk heuristics (with them, long texts 92% alike score 0.07).

    Texts longer than ``longest`` are compared word by word. What is told of a miss asks for the same ratio again and again.
    """
    one, other = _tokens(left, right, longest)
    total = len(one) + len(other)
    return 2.0 * _matched(one, other) / total if total else 1.0


@lru_cache(32)
def alike_enough(left: str, right: str, threshold: float) -> bool:
    """Whether the ratio of two folded texts reaches the threshold. It is worked out no further than it takes to know.

    What is told of a miss asks again what its match has asked.
    """
    if left == right:
        return True
    if len(left) > LONG or len(right) > LONG:
        if not _may_be_alike(left, right, threshold):
            return False
        one, other = _tokens(left, right, LONG)
    else:
        one, other = left, right
    least = needed(threshold, len(one) + len(other))
    if min(len(one), len(other)) < least:
        return False
    ends = _run(one, other, 0, 0), _run(one[::-1], other[::-1], 0, 0)
    if max(ends) >= least or (sum(ends) >= least and _ends_match(one, other, max(ends))):
        return True
    # Texts that differ in one place go on to be compared; others seldom survive a look at their tokens and at the order of these.
    likely = sum(ends) >= least or (_enough_shared(one, other, least) and _in_order(one, other, least, len(one), len(other)))
    return likely and _matched(one, other, least) >= least


def _may_be_alike(left: str, right: str, threshold: float) -> bool:
    """Whether the beginnings of two long texts leave hope: to tell all their words apart takes longer."""
    size, length = _count(left), _count(right)
    least = needed(threshold, size + length)
    stray = max(size, length) - least
    if min(size, length) < least:
        return False
    # Message after rule, the same beginning will do.
    looked = 1 << (2 * stray + _STRETCH).bit_length()
    if looked > length:
        return True
    one, letters = _beginning(left, 2 * looked)
    other = "".join([letters.get(word, _OTHER) for word in right.split(" ", looked)[:looked]])
    return _in_order(one, other, least, size, length)


@lru_cache(2)
def _beginning(text: str, words: int) -> tuple[str, dict[str, str]]:
    """The first words of a text as characters, and which they are."""
    return _numbered(text.split(" ", words)[:words])


def _count(text: str) -> int:
    """How many words a folded text has."""
    return text.count(" ") + 1 if text else 0


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


def trigrams(text: str, longest: int = SAMPLE) -> frozenset[str]:
    """The pieces of three characters of a folded text's beginning, its ends counting as blanks."""
    return _trigrams(text[:longest])


@lru_cache(32)
def _trigrams(text: str) -> frozenset[str]:
    folded = f" {fold(text)} "
    return frozenset([folded[at : at + 3] for at in range(max(1, len(folded) - 2))])


def _tokens(left: str, right: str, longest: int) -> tuple[str, str]:
    """What is compared: the texts themselves, or texts with a character for every word where either is long."""
    if len(left) <= longest and len(right) <= longest:
        return left, right
    one, letters = _numbered(left.split())
    return one, "".join([letters.get(word, _OTHER) for word in right.split()])


def _numbered(words: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Words as characters, the same for the same word, and which they are."""
    # (There are no more characters than that.)
    letters = {word: chr(number % 0x10FFFF) for number, word in enumerate(dict.fromkeys(words))}
    return "".join([letters[word] for word in words]), letters


def _shared(one: str, other: str) -> int:
    """How many tokens both have, in whatever order: no comparison finds more."""
    counts = Counter(other)
    return sum(min(count, counts[token]) for token, count in Counter(one).items())


def _enough_shared(one: str, other: str, least: int) -> bool:
    """Whether short texts have ``least`` tokens in common; of long ones their order tells as soon."""
    return len(one) > _BRIEF or sum([min(one.count(token), other.count(token)) for token in set(one)]) >= least


def _in_order(one: str, other: str, least: int, size: int, length: int) -> bool:
    """Whether two texts may have ``least`` tokens in the same order: no fewer are in all blocks of any comparison.

    ``size`` and ``length`` are those of the whole texts, of which these may be the beginnings. The longest common subsequence,
    bit by bit for a part of ``one`` at once (Hyyro 2004): a zero in ``row`` is a token that found its place. Where so many are
    needed, no token can find its place further away than the others may be left out.
    """
    ahead, behind = size - least, length - least
    if ahead + behind > _STRAY:
        return _shared(one, other) + length - len(other) >= least
    stretch = max(_STRETCH, (ahead + behind) // 8)
    places: dict[str, int] = {}
    row = low = high = placed = 0
    for start in range(0, len(other), stretch):
        end = min(start + stretch, len(other))
        # What is behind has found its place.
        gone = min(max(0, start - behind), high) - low
        if gone:
            placed += gone - (row & (1 << gone) - 1).bit_count()
            low, row = low + gone, row >> gone
            places = {token: left for token, found in places.items() if (left := found >> gone)}
        # The places that these tokens may find too.
        upto = min(end + ahead, len(one))
        for token, found in _places(one[high:upto]).items():
            places[token] = places.get(token, 0) | found << high - low
        row |= (1 << upto - low) - (1 << high - low)
        high, every = upto, (1 << upto - low) - 1
        for token in other[start:end]:
            if token in places:
                found = row & places[token]
                row = (row + found | row - found) & every
        # What is in order so far, and what may still come behind it.
        upto = min(max(0, end + size - length), high) - low
        if placed + upto - (row & (1 << upto) - 1).bit_count() + length - end < least:
            return False
    return True


def _places(text: str) -> dict[str, int]:
    """Where each token stands, as bits."""
    places: dict[str, int] = {}
    bit = 1
    for token in text:
        places[token] = places.get(token, 0) | bit
        bit <<= 1
    return places


def _matched(one: str, other: str, enough: int | None = None) -> int:
    """How many tokens difflib's matching blocks have; perhaps fewer once they are ``enough``, or cannot come to it any more.

    difflib takes the longest block that both texts have, and does the same with what is left of it and what is right of it.
    """
    matched, possible = 0, min(len(one), len(other))
    work = _Work()
    # The widest parts first: they decide soonest. With each, how long a block of it may be.
    pending = [(-possible, one, other, possible)]
    while pending and (enough is None or matched < enough <= matched + possible):
        width, one, other, longest = heappop(pending)
        possible += width
        if work.done > WORK:
            matched += _shared(one, other)
            continue
        if len(one) * len(other) <= _SMALL:
            at, there, size = _by_trying(one, other, min(longest, -width))
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


def longest_piece(one: str, other: str) -> int:
    """How long a piece two texts have in common, of which ``one`` is short."""
    return _by_trying(one, other, len(one))[2]


def _by_trying(one: str, other: str, longest: int) -> tuple[int, int, int]:
    """The longest block of two texts, the first of which is short and no block longer: at every place a longer piece is tried."""
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
