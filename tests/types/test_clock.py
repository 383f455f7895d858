"""The clock of a mock."""

from __future__ import annotations

import pytest

from openaimock.types.clock import Clock


def test_a_frozen_clock_moves_only_when_it_is_advanced():
    clock = Clock.parse("2026-01-01T00:00:00Z")
    assert clock.now() == clock.now() == 1767225600.0
    clock.advance(90)
    assert clock.now() == 1767225690.0


def test_a_time_after_the_year_9999_is_refused_and_changes_nothing():
    clock = Clock.parse("9999-12-31T23:59:00Z")
    with pytest.raises(ValueError, match="year 9999"):
        clock.advance(60)
    clock.advance(59)
    assert clock.now() == 253_402_300_799.0
