"""The hooks' app_iters where somebody else reads them."""

from __future__ import annotations

import time

from openaimock.http.extensions import Deferred, TimedBody


def test_timed_items_can_be_read_as_an_iterable_that_sleeps():
    start = time.monotonic()
    assert list(TimedBody([(0.05, b"a"), (0.05, b"b")])) == [b"a", b"b"]
    assert time.monotonic() - start >= 0.1


def test_closing_a_timed_body_closes_its_items():
    closed = []

    def items():
        try:
            yield 0.0, b"a"
        finally:
            closed.append(True)

    body = TimedBody(items())
    next(iter(body))
    body.close()
    assert closed == [True]


def test_a_deferred_body_can_be_read_as_an_iterable():
    calls = []
    body = Deferred(lambda: calls.append(True) or [b"a", b"b"])
    assert calls == []
    assert list(body) == [b"a", b"b"]


def test_a_deferred_body_closes_what_the_function_returned():
    closed = []

    def pieces():
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    reading = iter(Deferred(pieces))
    assert next(reading) == b"a"
    reading.close()
    assert closed == [True]
