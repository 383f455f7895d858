"""Functions in threads: they do not start for nobody, and short calls do not wait behind those that block."""

from __future__ import annotations

import threading

import pytest

from openaimock.http.extensions import Deferred
from openaimock.server import Server


@pytest.fixture
def blocked(serve):
    """A server whose two threads are busy until ``go`` is set; on /urgent it answers by an urgent call."""
    go, begun, started = threading.Event(), threading.Semaphore(0), []

    def app(environ, start_response):
        def function():
            started.append(environ["PATH_INFO"])
            begun.release()
            if environ["PATH_INFO"].startswith("/block"):
                assert go.wait(60)
            start_response("200 OK", [])
            return [environ["PATH_INFO"].encode()]

        return Deferred(function, urgent=environ["PATH_INFO"] == "/urgent")

    server = serve(app, threads=2)
    server.go, server.started = go, started

    def block(wire):
        connections = [wire(server) for _ in range(2)]
        for number, connection in enumerate(connections):
            connection.ask(f"/block{number}")
            assert begun.acquire(timeout=20)
        return connections

    server.block = block
    yield server
    go.set()


def test_an_urgent_call_does_not_wait_behind_functions_that_block(blocked, wire):
    blocked.block(wire)
    connection = wire(blocked)
    connection.ask("/urgent")
    assert connection.answer()[2] == b"/urgent"


def test_a_queued_call_is_dropped_when_its_client_leaves(blocked, wire, eventually):
    connections = blocked.block(wire)
    abandoned = [wire(blocked) for _ in range(20)]
    for connection in abandoned:
        connection.ask("/abandoned")
    patient = wire(blocked)
    patient.ask("/patient")
    eventually(lambda: len(blocked._transports) == 23)
    for connection in abandoned:
        connection.close()
    eventually(lambda: len(blocked._transports) == 3)
    blocked.go.set()
    assert [connection.answer()[2] for connection in (*connections, patient)] == [b"/block0", b"/block1", b"/patient"]
    assert "/abandoned" not in blocked.started


def test_no_queued_call_starts_after_stop(blocked, wire, eventually):
    connections = blocked.block(wire)
    queued = wire(blocked)
    queued.ask("/queued")
    eventually(lambda: sum(transport.protocol.busy for transport in list(blocked._transports)) == 3)
    stopping = threading.Thread(target=blocked.stop)
    stopping.start()
    assert queued.rest() == b""
    blocked.go.set()
    assert [connection.answer()[2] for connection in connections] == [b"/block0", b"/block1"]
    stopping.join(30)
    assert sorted(blocked.started) == ["/block0", "/block1"]


def test_a_deferred_call_of_a_server_that_stops_is_not_started(serve, wire):
    server = serve(lambda environ, start_response: [b""])
    assert isinstance(server, Server)
    server.stop()
    assert not server.running
