"""Verify: rules compared with the models, the parameters and the answers of the API that this version knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..config.entries import Entries
from ..config.problems import position
from . import models, parameters, replies
from .finding import Finding

__all__ = ["CHECKS", "Check", "Finding", "findings"]


class Check(NamedTuple):
    """One row of CHECKS: what is compared, and the function that yields the findings about a configuration at a time."""

    about: str
    run: Callable[[Entries, float], Iterator[Finding]]


#: What is compared, in the order of the docs.
CHECKS = (
    Check("models", models.findings),
    Check("parameters", parameters.findings),
    Check("replies", replies.findings),
)


def findings(entries: Entries, now: float) -> list[Finding]:
    """What differs from the API at a time (seconds since the epoch), in the order of the places."""
    differing = [finding for check in CHECKS for finding in check.run(entries, now)]
    return sorted(differing, key=lambda finding: position(finding.problem))
