"""Cost: an estimate of how long a match takes, so that a long one runs in the thread pool."""

from __future__ import annotations

from ..rule import Rule, expectations

# Seconds, measured on a slow machine. An order of magnitude is enough.
_FOLD = 1e-7
_SEARCH = 3e-8
_COMPARE = 2e-6
#: The share of fuzzy rules that the index does not exclude, so that they are compared in full.
_SURVIVORS = 1e-4
#: A shorter time counts as 0.
_SLIGHT = 1e-3


class Cost:
    """The time that the matchers of the rules take, by the length of a text."""

    def __init__(self) -> None:
        self._searches = 0
        self._compared = 0
        #: Longer texts are not compared in full.
        self._reach = 0.0
        #: Texts up to this length cost nothing worth counting; computed on demand.
        self._quick: int | None = None

    def add(self, rule: Rule, always: bool) -> None:
        """Add the cost of a rule; ``always``: it has no prefilter."""
        for matcher in expectations(rule):
            if matcher.kind == "regex":
                self._searches += always
            elif matcher.kind == "fuzzy":
                self._compared += 1
                self._reach = max(self._reach, len(matcher.value) * (2 / max(matcher.threshold, 0.01) - 1))
        self._quick = None

    def of(self, length: int) -> float:
        """Estimated seconds for a text of this length; 0 where they are negligible."""
        quick = self._quick
        if quick is None:
            quick = self._quick = next((1 << power for power in range(24, 3, -1) if self._estimate(1 << power) < _SLIGHT), 0)
        return 0.0 if length <= quick else self._estimate(length)

    def _estimate(self, length: int) -> float:
        linear = length * (_FOLD + self._searches * _SEARCH)
        compared = min(length, self._reach) * _COMPARE
        return linear + compared * (min(1, self._compared) + self._compared * _SURVIVORS)
