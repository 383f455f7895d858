"""Workers: how processes that share a socket share the work."""

from __future__ import annotations

from openaimock.server.workers import ConnectionShares


def test_who_has_fewest_connections_takes_the_next():
    counts = memoryview(bytearray(12)).cast("I")
    one, two, three = (ConnectionShares(counts, number) for number in range(3))
    assert one.fair()
    one.tell(1)
    assert not one.fair()
    assert two.fair()
    two.tell(1)
    three.tell(1)
    assert one.fair()
    assert three.fair()
    one.tell(0)
    assert not three.fair()
