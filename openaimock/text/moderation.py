"""Moderation: build the API's result for one input from a rule's ``moderation``, or from defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..seed import digest

#: The categories in the API's order, and whether the API also applies them to images (else to text only).
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
#: The category that is flagged when a rule only has ``flagged: true``: the API applies it to text and images.
DEFAULT_CATEGORY = "violence"
#: The score from which an input is flagged, unless the rule overrides it. The API has not published its own thresholds.
FLAG_THRESHOLD = 0.5


def result(kinds: Sequence[str], key: str, reply: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One member of ``results`` (SDK type Moderation).

    ``kinds`` is ``text``, ``image`` or both; generated scores depend on ``key``; ``reply`` is a reply's ``moderation``.
    Missing categories follow from scores, missing scores from categories, and ``flagged`` from either.
    """
    moderation = reply or {}
    scores: Mapping[str, float] = moderation.get("category_scores") or {}
    categories = _categories(moderation, scores)
    random_bytes = digest("moderation", key, size=2 * len(CATEGORIES))
    parts = [int.from_bytes(random_bytes[at : at + 2], "big") / 65536 for at in range(0, len(random_bytes), 2)]
    return {
        "flagged": moderation.get("flagged", any(categories.values())),
        "categories": categories,
        "category_scores": {
            name: scores.get(name, _high_score(part) if categories[name] else _low_score(part))
            for name, part in zip(CATEGORIES, parts, strict=True)
        },
        "category_applied_input_types": {
            name: [kind for kind in kinds if kind == "text" or seen] for name, seen in CATEGORIES.items()
        },
    }


def inline_result(model: str, text: str, seed: object, rule: Mapping[str, Any] | None) -> dict[str, Any]:
    """The moderation of one text within another answer (SDK type ModerationResult)."""
    return {"type": "moderation_result", "model": model, **result(["text"], f"{seed}\x1f{text}", rule)}


def _categories(moderation: Mapping[str, Any], scores: Mapping[str, float]) -> dict[str, bool]:
    own_flags: Mapping[str, bool] = moderation.get("categories") or {}
    flagged = moderation.get("flagged")
    reached = {name: flagged is not False and scores.get(name, 0.0) >= FLAG_THRESHOLD for name in CATEGORIES}
    flags = {**reached, **{name: bool(value) for name, value in own_flags.items()}}
    if flagged and not any(flags.values()):
        # At least one category must be flagged: the one with the highest score of the rule, else the default.
        unsaid = [name for name in (*sorted(scores, key=lambda name: -scores[name]), DEFAULT_CATEGORY) if name not in own_flags]
        flags |= dict.fromkeys(unsaid[:1], True)
    return flags


def _high_score(part: float) -> float:
    """A score for a flagged category, from 0.9 to 0.99."""
    return round(0.9 + 0.09 * part, 6)


def _low_score(part: float) -> float:
    """A score for any other category: most are near 0, all are below 0.0001."""
    return round(1e-7 + 9e-5 * part * part * part, 10)
