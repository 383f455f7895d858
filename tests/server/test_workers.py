"""Workers: how processes that share a socket share the work."""

from __future__ import annotations

from openaimock.server.workers import SharedBalance


def test_who_has_fewest_connections_takes_the_next():
    counts = memoryview(bytearray(12)).cast("I")
    one, two, three = (SharedBalance(counts, number) for number in range(3))
    assert one.fair()
    one.report(1)
    assert not one.fair()
    assert two.fair()
    two.report(1)
    three.report(1)
    assert one.fair()
    assert three.fair()
    one.report(0)
    assert not three.fair()
