"""Moderation: what the API says of one input, category by category, made of what a rule says of it, if any does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..seed import digest

#: The categories in the API's order, and whether the API looks for them in images too (else in text only).
CATEGORIES = {
    "harassment": False,
    "harassment/threatening": False,
    "sexual": True,
    "hate": False,
    "hate/threatening": False,
    "illicit": False,
    "illicit/violent": False,
    "self-harm/intent": True,
    "self-harm/instructions": True,
    "self-harm": True,
    "sexual/minors": False,
    "violence": True,
    "violence/graphic": True,
}
#: What is flagged when a rule says no more than that something is: the API looks for it in text and in images.
USUAL = "violence"
#: From this score on an input is flagged, unless the rule says otherwise. The API has not published its own thresholds.
FLAGGED = 0.5


def result(kinds: Sequence[str], key: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One member of ``results`` (SDK type Moderation).

    ``kinds`` is ``text``, ``image`` or both, ``key`` what the made-up scores depend on, ``said`` a reply's ``moderation``:
    categories follow from scores and scores from categories, and ``flagged`` from either.
    """
    given = said or {}
    scores: Mapping[str, float] = given.get("category_scores") or {}
    categories = _categories(given, scores)
    made = digest("moderation", key, size=2 * len(CATEGORIES))
    parts = [int.from_bytes(made[at : at + 2], "big") / 65536 for at in range(0, len(made), 2)]
    return {
        "flagged": given.get("flagged", any(categories.values())),
        "categories": categories,
        "category_scores": {
            name: scores.get(name, _likely(part) if categories[name] else _unlikely(part))
            for name, part in zip(CATEGORIES, parts, strict=True)
        },
        "category_applied_input_types": {
            name: [kind for kind in kinds if kind == "text" or seen] for name, seen in CATEGORIES.items()
        },
    }


def _categories(given: Mapping[str, Any], scores: Mapping[str, float]) -> dict[str, bool]:
    said: Mapping[str, bool] = given.get("categories") or {}
    flagged = given.get("flagged")
    reached = {name: flagged is not False and scores.get(name, 0.0) >= FLAGGED for name in CATEGORIES}
    found = {**reached, **{name: bool(value) for name, value in said.items()}}
    if flagged and not any(found.values()):
        # Something must have been found: the likeliest of what the rule speaks of, else the usual.
        unsaid = [name for name in (*sorted(scores, key=lambda name: -scores[name]), USUAL) if name not in said]
        found |= dict.fromkeys(unsaid[:1], True)
    return found


def _likely(part: float) -> float:
    """A score for what is flagged, from 0.9 to 0.99."""
    return round(0.9 + 0.09 * part, 6)


def _unlikely(part: float) -> float:
    """A score for what is not: most are nearly nothing, none reaches a ten-thousandth."""
    return round(1e-7 + 9e-5 * part * part * part, 10)
