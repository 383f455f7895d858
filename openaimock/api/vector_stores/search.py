"""Search: the chunks of vector stores that are most similar to queries, by the mock's own embeddings."""

from __future__ import annotations

import heapq
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ...state.namespace import Context
from ...text import vectors
from . import store as stored
from .filters import fits

#: Components of a vector: enough that texts without a common word score near zero.
DIMENSIONS = 512
#: How many chunks are compared by their vectors: those with the most words of the queries, of which so many count.
CANDIDATES, WORDS = 64, 256
#: How many vectors of chunks are kept for the next search, 8 bytes for each component.
CACHED = 1024


class Result(NamedTuple):
    """A chunk with its file and its score, from 0 to 1."""

    score: float
    text: str
    entry: stored.Entry


def results(
    ids: Sequence[str],
    queries: Sequence[str],
    context: Context,
    most: int,
    filters: Mapping[str, Any] | None = None,
    ranking: Mapping[str, Any] | None = None,
) -> list[Result]:
    """The best chunks of the files that fit the filters, best first; ``ranking`` has ``ranking_options`` of a request."""
    options = ranking or {}
    words = list(dict.fromkeys(word for query in queries for word in _words(query)))[:WORDS]
    candidates = _candidates(_chunks(ids, context, filters), words)
    key = str(context.seed)
    targets = [_vector(query, key) for query in queries]
    weights = options.get("hybrid_search") or {}
    scored = [Result(_score(text, targets, words, key, weights), text, entry) for text, entry in candidates]
    threshold = options.get("score_threshold") or 0.0
    # Sorting is stable: of equal scores the earlier file comes first.
    ordered = sorted((result for result in scored if result.score >= threshold), key=lambda result: -result.score)
    return ordered[:most]


def _chunks(ids: Sequence[str], context: Context, filters: Mapping[str, Any] | None) -> Iterator[tuple[str, stored.Entry]]:
    for id in ids:
        for entry in stored.settled(context, id):
            if entry["status"] == "completed" and fits(filters, entry["attributes"]):
                for text in stored.chunks(context.store, id, entry["id"]).texts():
                    yield text, entry


def _candidates(chunks: Iterable[tuple[str, stored.Entry]], words: Sequence[str]) -> list[tuple[str, stored.Entry]]:
    """The chunks that share the most words with the queries; for a vector it takes a thousand times as long."""
    return heapq.nlargest(CANDIDATES, chunks, key=lambda chunk: _shared(chunk[0], words))


def _shared(text: str, words: Sequence[str]) -> float:
    """The share of the words that a text has."""
    folded = text.casefold()
    return sum(word in folded for word in words) / (len(words) or 1)


def _score(text: str, targets: Sequence[Sequence[float]], words: Sequence[str], key: str, weights: Mapping[str, Any]) -> float:
    vector = _vector(text, key)
    score: float = max(0.0, *(sum(map(operator.mul, vector, target)) for target in targets))
    if weights:
        by_vector, by_words = weights.get("embedding_weight") or 0.0, weights.get("text_weight") or 0.0
        total = by_vector + by_words
        score = (score * by_vector + _shared(text, words) * by_words) / total if total else score
    return round(min(1.0, score), 4)


def _vector(text: str, key: str) -> Sequence[float]:
    return _cached(text, key) if len(text) <= 16384 else vectors.of_text(text, DIMENSIONS, key).floats()


@lru_cache(maxsize=CACHED)
def _cached(text: str, key: str) -> Sequence[float]:
    return vectors.of_text(text, DIMENSIONS, key).floats()


# Queries

_WORD = re.compile(r"\w+")
#: Words that carry no meaning in a search.
_STOP = frozenset(
    [
        *["a", "about", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "describe", "did", "do", "does"],
        *["explain", "find", "for", "from", "give", "had", "has", "have", "how", "i", "in", "is", "it", "its", "me", "my"],
        *["of", "on", "or", "our", "please", "should", "show", "so", "tell", "that", "the", "their", "them", "there", "these"],
        *["they", "this", "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with"],
        *["would", "you", "your"],
    ]
)


def _words(query: str) -> list[str]:
    return _WORD.findall(query.casefold())


def rewritten(query: str) -> str:
    """A question as a query for a search: its words without those that carry no meaning."""
    words = [word for word in _WORD.findall(query) if word.casefold() not in _STOP]
    return " ".join(words) or query
