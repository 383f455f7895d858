"""The coverage of a session of tests: the rules of files, with what all tests together used of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .coverage_report import table
from .mock import MockServer


class SessionCoverage:
    """Adds up the coverage reports of tests. Rules that a test adds in Python are not counted."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.unmatched = 0

    def add_test(self, mock: MockServer) -> None:
        """Add what a test used of the rules of files."""
        self.add([row for row in mock.coverage()["rules"] if _is_of_file(row["place"])], len(mock.unmatched))

    def add(self, rows: Iterable[dict[str, Any]], unmatched: int) -> None:
        """Add rows of a report, and a number of requests that no rule matched."""
        self.unmatched += unmatched
        for row in rows:
            # How often a rule should answer is a matter of each test.
            row = {**row, "expect": None, "unexpected": ""}
            total = self._rows.setdefault((row["id"], row["place"]), {**row, "hits": 0})
            total["hits"] += row["hits"]
            total["unreached"] = [place for place in total["unreached"] if place in row["unreached"]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rules with the sums of all tests."""
        return list(self._rows.values())

    def table(self) -> str:
        """The rules with their hits, as the command line prints them; "" when no test had a file of rules."""
        return table({"rules": self.rows, "unexpected": {}}, self.unmatched) if self._rows else ""


def _is_of_file(place: str) -> bool:
    file, _, rest = place.partition(":")
    return bool(rest) and not file.endswith(".py")
