"""Connections: requests in order, clients that are slow, and clients that leave."""

from __future__ import annotations

import math
import socket
import struct
import threading

import pytest

from openaimock.server import http, loop, transport
from openaimock.server.poller import SelectorPoller


def hello(environ, start_response):
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]


class Source:
    """Timed items that remember how far they were read and whether they were closed."""

    def __init__(self, items):
        self.items = iter(items)
        self.sent = 0
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        delay, data = next(self.items)
        self.sent += len(data)
        return delay, data

    def close(self):
        self.closed += 1


def timed(source):
    """An application that answers with the source's items; with its path on /plain."""

    def app(environ, start_response):
        if environ["PATH_INFO"] != "/":
            return hello(environ, start_response)
        start_response("200 OK", [])
        return environ["openaimock.timed"](source)

    return app


def forever(delay, data):
    while True:
        yield delay, data


def test_pipelined_requests_are_answered_in_order(serve, wire):
    connection = wire(serve(hello))
    connection.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(100)))
    assert [connection.answer()[2] for _ in range(100)] == [b"/%d" % number for number in range(100)]


def test_a_system_without_epoll_serves_as_well(serve, wire, monkeypatch):
    monkeypatch.setattr(loop, "make_poller", SelectorPoller)
    large = b"x" * 4_000_000

    def app(environ, start_response):
        start_response("200 OK", [])
        return [large if environ["PATH_INFO"] == "/large" else environ["wsgi.input"].read()]

    connection = wire(serve(app))
    connection.ask("/", b"small", method="POST")
    assert connection.answer()[2] == b"small"
    connection.ask("/large")
    assert connection.answer()[2] == large
    connection.ask("/", large, method="POST")
    assert connection.answer()[2] == large


def test_a_request_behind_a_timed_reply_waits_for_its_end(serve, wire):
    connection = wire(serve(timed([(0.05, b"one "), (0.05, b"two")])))
    connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.answer()[2] == b"one two"
    assert connection.answer()[2] == b"/next"


def test_more_requests_than_are_read_ahead_are_answered_after_a_timed_reply(serve, wire):
    connection = wire(serve(timed([(0.05, b"slow")])))
    connection.ask()
    for number in range(3 * http.AHEAD):
        connection.ask(f"/{number}")
    assert connection.answer()[2] == b"slow"
    for number in range(3 * http.AHEAD):
        assert connection.answer()[2] == b"/%d" % number


def test_a_request_may_come_byte_by_byte(serve, wire):
    connection = wire(serve(hello))
    for byte in b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":
        connection.send(bytes([byte]))
    assert connection.answer()[2] == b"/slow"


def test_a_client_that_waits_is_told_to_continue(serve, wire):
    def echo(environ, start_response):
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    connection = wire(serve(echo))
    for body in (b"first", b"second"):
        connection.ask(method="POST", headers=f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n")
        assert connection.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert connection.answer()[2] == body


def test_it_is_told_so_after_the_answers_before(serve, wire):
    connection = wire(serve(timed([(0.05, b"slow")])))
    connection.ask()
    connection.ask("/next", method="POST", headers="Content-Length: 2\r\nExpect: 100-continue\r\n")
    assert connection.answer()[2] == b"slow"
    assert connection.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(b"ok")
    assert connection.answer()[2] == b"/next"


def test_a_body_that_is_too_large_is_refused_without_asking_for_it(serve, wire):
    connection = wire(serve(hello, max_body=10))
    connection.ask(method="POST", headers="Content-Length: 11\r\nExpect: 100-continue\r\n")
    assert connection.head()[0].startswith("HTTP/1.1 413 ")


def test_what_follows_a_bad_request_is_not_answered(serve, wire):
    connection = wire(serve(timed([(0.05, b"slow")])))
    connection.ask()
    connection.send(b"nonsense\r\n\r\n")
    connection.ask("/never")
    assert connection.answer()[2] == b"slow"
    assert connection.answer()[0].startswith("HTTP/1.1 400 ")
    assert connection.rest() == b""


def test_a_client_that_closed_its_side_gets_its_answer(serve, wire):
    connection = wire(serve(hello))
    connection.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.answer()[2] == b"/a"
    assert connection.answer()[2] == b"/b"
    assert connection.rest() == b""


@pytest.mark.parametrize("head", [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"])
def test_a_body_that_ends_too_early_is_refused_after_the_requests_before_it(serve, wire, head):
    connection = wire(serve(hello))
    connection.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\n" + head)
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.answer()[2] == b"/a"
    status, _, body = connection.answer()
    assert status.startswith("HTTP/1.1 400 ")
    assert b"the body ends before the request does" in body
    assert connection.rest() == b""


def test_a_head_that_ends_too_early_gets_no_answer(serve, wire):
    connection = wire(serve(hello))
    connection.send(b"POST /b HTTP/1.1\r\nHost: x\r\n")
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.rest() == b""


def test_a_client_that_closed_its_side_gets_a_timed_reply(serve, wire):
    source = Source([(0.05, b"a")] * 10)
    connection = wire(serve(timed(source)))
    connection.ask()
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.answer()[2] == b"a" * 10
    assert connection.rest() == b""
    assert source.closed == 1


def test_a_large_reply_survives_a_slow_reader(serve, wire):
    body = bytes(range(256)) * 65536

    def app(environ, start_response):
        start_response("200 OK", [])
        return [body]

    connection = wire(serve(app))
    connection.ask()
    assert connection.answer()[2] == body


@pytest.mark.parametrize("delay", [0.0, 0.0001])
def test_a_reader_that_stops_does_not_fill_the_memory(serve, wire, eventually, delay):
    source = Source(forever(delay, b"x" * 10_000))
    server = serve(timed(source))
    connection = wire(server)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.ask()
    eventually(lambda: any(each.paused for each in server._transports))
    (held,) = server._transports
    assert held.unsent <= transport.HIGH + 2 * 65536
    before = source.sent
    connection.take(10_000_000)  # it goes on when the reader does
    assert source.sent > before
    assert held.unsent <= transport.HIGH + 2 * 65536


def test_a_plain_iterator_waits_for_its_reader_too(serve, wire, eventually):
    closed = threading.Event()

    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 10_000
        finally:
            closed.set()

    server = serve(app)
    connection = wire(server)
    connection.ask()
    eventually(lambda: any(each.paused for each in server._transports))
    assert all(each.unsent <= transport.HIGH + 20_000 for each in server._transports)
    connection.close()
    assert closed.wait(20)


def test_answers_to_a_client_that_only_asks_do_not_fill_the_memory(serve, wire, eventually):
    body = b"x" * 100_000

    def app(environ, start_response):
        start_response("200 OK", [])
        return [body]

    server = serve(app)
    connection = wire(server)
    for _ in range(200):
        connection.ask()
    eventually(lambda: any(each.paused for each in server._transports))
    assert all(each.unsent <= transport.HIGH + 200_000 for each in server._transports)
    for _ in range(200):
        assert connection.answer()[2] == body


def test_a_client_that_leaves_a_stalled_reply_is_noticed(serve, wire, eventually):
    source = Source([(0.0, b"some"), (math.inf, b"never")])
    server = serve(timed(source))
    connection = wire(server)
    connection.ask()
    connection.until(b"some\r\n")
    connection.close()
    eventually(lambda: source.closed)
    eventually(lambda: not server._transports)
    assert source.closed == 1


def test_a_client_that_leaves_a_running_reply_is_noticed(serve, wire, eventually):
    source = Source(forever(0.02, b"some"))
    server = serve(timed(source))
    connection = wire(server)
    connection.ask()
    connection.until(b"some\r\n")
    connection.close()
    eventually(lambda: not server._transports)
    assert source.closed == 1


def test_a_client_that_leaves_long_before_the_next_piece_is_noticed(serve, wire, eventually):
    source = Source([(0.0, b"some"), (3600.0, b"late")])
    server = serve(timed(source))
    connection = wire(server)
    connection.ask()
    connection.until(b"some\r\n")
    connection.close()
    eventually(lambda: not server._transports)
    assert source.closed == 1


def test_a_reset_is_noticed_at_once(serve, wire, eventually):
    source = Source([(0.0, b"some"), (0.5, b""), (math.inf, b"")])
    connection = wire(serve(timed(source)))
    connection.ask()
    connection.until(b"some\r\n")
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    eventually(lambda: source.closed)


def test_a_client_that_leaves_while_nothing_fits_is_noticed(serve, wire, eventually):
    source = Source(forever(0.0, b"x" * 10_000))
    server = serve(timed(source))
    connection = wire(server)
    connection.ask()
    eventually(lambda: any(each.paused for each in server._transports))
    connection.close()
    eventually(lambda: not server._transports)
    assert source.closed == 1


def test_a_client_that_leaves_in_the_middle_of_a_request_is_forgotten(serve, wire, eventually):
    server = serve(hello)
    connection = wire(server)
    connection.send(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nsome")
    eventually(lambda: server._transports)
    connection.close()
    eventually(lambda: not server._transports)


def test_an_idle_connection_is_closed_after_a_while(serve, wire):
    connection = wire(serve(hello, idle=0.1))
    connection.ask("/x")
    assert connection.answer()[2] == b"/x"
    assert connection.rest() == b""


def test_a_timed_reply_is_never_idle(serve, wire):
    connection = wire(serve(timed([(0.8, b"late")]), idle=0.1))
    connection.ask()
    assert connection.answer()[2] == b"late"
