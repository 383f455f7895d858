"""Cost: how long a match may take, estimated before it is made, so that a long one can be made elsewhere."""

from __future__ import annotations

import re

from ..rule import Rule, expectations

# Seconds, measured on a slow machine. What is looked for is an order of magnitude.
_FOLD = 1e-7
_SEARCH = 3e-8
_BACKTRACK = 5e-8
_COMPARE = 2e-6
#: The part of many fuzzy rules that the index cannot rule out, so that they are compared in full.
_SURVIVORS = 1e-4
#: What takes less is told as nothing.
_SLIGHT = 1e-3
#: Something repeated inside something repeated: what does not match is tried in every division.
_NESTED = re.compile(r"[*+}][?+]?\)+[*+{]")


class Cost:
    """What the matchers of the rules take, by the length of a text."""

    def __init__(self) -> None:
        self._searches = 0
        self._nested = 0
        self._compared = 0
        #: No text longer than this is compared in full.
        self._reach = 0.0
        #: Texts up to this length take no time to speak of; worked out when it is asked for.
        self._quick: int | None = None

    def add(self, rule: Rule, always: bool) -> None:
        """Count what a rule adds; ``always``: it is asked whatever the text says."""
        for matcher in expectations(rule):
            if matcher.kind == "regex":
                self._searches += always
                self._nested += _NESTED.search(matcher.value) is not None
            elif matcher.kind == "fuzzy":
                self._compared += 1
                self._reach = max(self._reach, len(matcher.value) * (2 / max(matcher.threshold, 0.01) - 1))
        self._quick = None

    def of(self, length: int) -> float:
        """Seconds that a match of a text so long may take; 0 where it is not worth a thought."""
        quick = self._quick
        if quick is None:
            quick = self._quick = next((1 << power for power in range(24, 3, -1) if self._estimate(1 << power) < _SLIGHT), 0)
        return 0.0 if length <= quick else self._estimate(length)

    def _estimate(self, length: int) -> float:
        linear = length * (_FOLD + self._searches * _SEARCH)
        backtracking = self._nested * length**2 * _BACKTRACK
        compared = min(length, self._reach) * _COMPARE
        return linear + backtracking + compared * (min(1, self._compared) + self._compared * _SURVIVORS)
