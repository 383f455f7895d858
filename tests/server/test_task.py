"""Replies that take time: the hooks ``openaimock.timed`` and ``openaimock.defer``, and hang-ups."""

from __future__ import annotations

import json
import math
import threading
import time
from types import SimpleNamespace

import pytest

from openaimock.errors import Hangup
from openaimock.server import bodies, transport


def timed(items, headers=()):
    def app(environ, start_response):
        start_response("200 OK", list(headers))
        return environ["openaimock.timed"](items)

    return app


def deferred(function):
    """An application whose answer is made by ``function(environ, start_response)`` in a thread; on /now it answers at once."""

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/now":
            start_response("200 OK", [])
            return [b"now"]
        return environ["openaimock.defer"](lambda: function(environ, start_response))

    return app


def test_timed_pieces_come_when_they_are_due(serve, wire):
    connection = wire(serve(timed([(0.1, b"a"), (0.1, b"b"), (0.2, b"c")])))
    start = time.monotonic()
    connection.ask()
    moments = []
    for piece in (b"a", b"b", b"c"):
        connection.until(b"1\r\n" + piece + b"\r\n")
        moments.append(time.monotonic() - start)
    assert moments[0] >= 0.1
    assert moments[1] >= 0.2
    assert moments[2] >= 0.4


class Still:
    """A connection and its loop in one, whose clock stands: it keeps what is sent and the moments that are asked for."""

    stopping = ended = False
    unsent = 0

    def __init__(self, monkeypatch, delays):
        self.now = 100.0
        monkeypatch.setattr(bodies, "monotonic", lambda: self.now)
        self.loop, self.sent, self.dues = self, [], []
        request = SimpleNamespace(arrived=100.0)
        response = SimpleNamespace(swift=True, mute=False, begun=True)
        job = SimpleNamespace(connection=self, transport=self, request=request, response=response, send=self.take)
        self.stream = bodies.StreamedAnswer(job, None, iter([(delay, b"x") for delay in delays]), bodies.BATCH)
        self.stream.start()

    def send(self, data):
        self.sent.append(data)

    def take(self, data, last):
        self.sent.append(data)

    def at(self, due, callback):
        self.dues.append(due)

    def wake(self, context):
        """Let the stream go on at this moment."""
        self.now = context
        self.stream.pump()


def test_delays_count_from_when_the_piece_before_was_due(monkeypatch):
    still = Still(monkeypatch, [0.05] * 4)
    # Each time the loop is a little late: that does not add up.
    still.wake(100.06)
    still.wake(100.119)
    assert still.dues == pytest.approx([100.05, 100.1, 100.15])


def test_a_piece_that_is_much_too_late_moves_what_follows_it(monkeypatch):
    still = Still(monkeypatch, [0.05] * 4)
    still.wake(100.3)
    # No rush to make up for it: the gap is kept.
    assert still.dues == pytest.approx([100.05, 100.35])
    assert len(still.sent) == 1


def test_what_became_due_while_the_client_did_not_read_is_sent_at_once(monkeypatch):
    still = Still(monkeypatch, [0.05] * 4)
    still.unsent = transport.HIGH + 1
    still.wake(100.05)
    assert still.paused == still.stream.pump
    still.unsent = 0
    still.wake(100.17)
    assert still.sent == [b"1\r\nx\r\n", b"2\r\nxx\r\n"]
    # Then it keeps its gaps again.
    assert still.dues == pytest.approx([100.05, 100.2])


def test_the_first_delay_counts_from_the_requests_arrival(serve, wire, eventually):
    def app(environ, start_response):
        time.sleep(0.05)
        start_response("200 OK", [])
        return environ["openaimock.timed"]([(3600.0, b"late")])

    server = serve(app)
    wire(server).ask()
    eventually(lambda: any(each.protocol.running for each in server._transports))
    (connection,) = server._transports
    assert connection.protocol.running.due - connection.active == pytest.approx(3600.0, abs=1e-6)


def test_an_empty_piece_sends_the_head(serve, wire):
    connection = wire(serve(timed([(0.0, b""), (math.inf, b"never")])))
    connection.ask()
    status, headers = connection.head()
    assert status == "HTTP/1.1 200 OK"
    assert headers["transfer-encoding"] == "chunked"


def test_empty_pieces_do_not_end_the_body(serve, wire):
    connection = wire(serve(timed([(0.0, b""), (0.01, b""), (0.01, b"a"), (0.0, b""), (0.01, b"b")])))
    connection.ask()
    assert connection.answer()[2] == b"ab"


def test_a_timed_body_may_have_a_length(serve, wire):
    connection = wire(serve(timed([(0.05, b"whole")], [("content-length", "5")])))
    for _ in range(2):
        connection.ask()
        _, headers, body = connection.answer()
        assert (headers["content-length"], body) == ("5", b"whole")


def test_a_timed_body_without_pieces_is_empty(serve, wire):
    connection = wire(serve(timed([])))
    connection.ask()
    assert connection.answer()[2] == b""


def test_head_ends_a_timed_body(serve, wire, eventually):
    closed = []

    def items():
        try:
            yield 0.0, b"a"
            yield math.inf, b"b"
        finally:
            closed.append(True)

    connection = wire(serve(timed(items())))
    connection.ask(method="HEAD")
    connection.head()
    eventually(lambda: closed)


def test_many_pieces_that_are_due_arrive_whole(serve, wire):
    connection = wire(serve(timed([(0.0, b"%d," % number) for number in range(20_000)])))
    connection.ask()
    assert connection.answer()[2] == b"".join(b"%d," % number for number in range(20_000))


def test_many_timed_replies_run_at_once(serve, wire):
    server = serve(lambda environ, start_response: timed([(0.02, b"x")] * 20)(environ, start_response))
    connections = [wire(server) for _ in range(50)]
    for connection in connections:
        connection.ask()
    assert {connection.answer()[2] for connection in connections} == {b"x" * 20}


def test_a_request_is_answered_while_a_timed_reply_waits(serve, wire):
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/now":
            start_response("200 OK", [])
            return [b"now"]
        return timed([(0.0, b"a"), (math.inf, b"")])(environ, start_response)

    server = serve(app)
    waiting, asking = wire(server), wire(server)
    waiting.ask()
    waiting.until(b"a\r\n")
    asking.ask("/now")
    assert asking.answer()[2] == b"now"


def ending(error, *, after):
    def items():
        yield from after
        raise error

    return items()


def test_a_disconnect_is_an_orderly_end_without_the_last_chunk(serve, wire):
    connection = wire(serve(timed(ending(Hangup(), after=[(0.0, b"some"), (0.01, b"more")]))))
    connection.ask()
    connection.head()
    assert connection.rest() == b"4\r\nsome\r\n4\r\nmore\r\n"


def test_a_disconnect_within_a_promised_length_is_an_orderly_end(serve, wire):
    connection = wire(serve(timed(ending(Hangup(), after=[(0.0, b"some")]), [("content-length", "9")])))
    connection.ask()
    connection.head()
    assert connection.rest() == b"some"


def test_a_reset_is_a_reset_after_what_came_before(serve, wire):
    go = threading.Event()

    def items():
        yield 0.0, b"some"
        while not go.is_set():
            yield 0.01, b""
        raise Hangup(reset=True)

    connection = wire(serve(timed(items())))
    connection.ask()
    connection.until(b"4\r\nsome\r\n")
    go.set()
    with pytest.raises(ConnectionResetError):
        connection.rest()


@pytest.mark.parametrize("reset", [False, True])
def test_a_hangup_before_the_head_sends_nothing(serve, wire, reset):
    def app(environ, start_response):
        raise Hangup(reset=reset)

    for broken in (app, timed(ending(Hangup(reset=reset), after=[])), deferred(app)):
        connection = wire(serve(broken))
        connection.ask()
        if reset:
            with pytest.raises(ConnectionResetError):
                connection.rest()
        else:
            assert connection.rest() == b""


def test_a_hangup_waits_for_a_slow_reader(serve, wire, eventually):
    server = serve(timed(ending(Hangup(), after=[(0.0, b"x" * 20_000_000)])))
    connection = wire(server)
    connection.ask()
    eventually(lambda: any(each.unsent for each in server._transports))
    connection.head()
    assert len(connection.rest()) == 20_000_000 + len("1312d00\r\n\r\n")


def test_items_that_fail_before_the_head_are_a_500(serve, wire, caplog):
    connection = wire(serve(timed(ending(LookupError(), after=[]))))
    connection.ask()
    status, _, body = connection.answer()
    assert status == "HTTP/1.1 500 Internal Server Error"
    assert json.loads(body)["error"]["type"] == "server_error"
    assert "LookupError" in caplog.text


def test_items_that_fail_later_end_the_connection(serve, wire, caplog):
    connection = wire(serve(timed(ending(LookupError(), after=[(0.0, b"some")]))))
    connection.ask()
    connection.head()
    assert connection.rest() == b"4\r\nsome\r\n"
    assert "LookupError" in caplog.text


@pytest.mark.parametrize("end", [None, Hangup(), LookupError()])
def test_items_are_closed_once_however_they_end(serve, wire, eventually, caplog, end):
    closed = []

    class Items:
        def __iter__(self):
            yield 0.0, b"a"
            if end:
                raise end

        def close(self):
            closed.append(True)

    server = serve(timed(Items()))
    connection = wire(server)
    connection.ask(headers="Connection: close\r\n")
    connection.rest()
    connection.close()
    eventually(lambda: not server._transports)
    assert len(closed) == 1


def test_a_failing_close_is_only_logged(serve, wire, caplog):
    class Items:
        def __iter__(self):
            return iter([(0.0, b"a")])

        def close(self):
            raise LookupError

    connection = wire(serve(timed(Items())))
    connection.ask()
    assert connection.answer()[2] == b"a"
    assert "Closing a reply failed" in caplog.text


def test_a_deferred_function_runs_beside_other_requests(serve, wire):
    go = threading.Event()
    threads = []

    def slow(environ, start_response):
        threads.append(threading.current_thread().name)
        assert go.wait(20)
        start_response("200 OK", [])
        return [b"slow"]

    server = serve(deferred(slow))
    waiting, asking = wire(server), wire(server)
    waiting.ask()
    asking.ask("/now")
    assert asking.answer()[2] == b"now"
    go.set()
    assert waiting.answer()[2] == b"slow"
    waiting.ask("/now")
    assert waiting.answer()[2] == b"now"
    assert threads[0].startswith("openaimock-")


def test_more_deferred_functions_than_threads_take_turns(serve, wire):
    def slow(environ, start_response):
        time.sleep(0.01)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    server = serve(deferred(slow), threads=2)
    connections = [wire(server) for _ in range(10)]
    for number, connection in enumerate(connections):
        connection.ask(f"/{number}")
    for number, connection in enumerate(connections):
        assert connection.answer()[2] == b"/%d" % number


@pytest.mark.parametrize(
    "make",
    [
        lambda environ: [b"one", b"two"],
        lambda environ: (b"one", b"two"),
        lambda environ: iter([b"one", b"", b"two"]),
        lambda environ: environ["openaimock.timed"]([(0.01, b"one"), (0.01, b"two")]),
        lambda environ: environ["openaimock.defer"](lambda: [b"one", b"two"]),
    ],
)
def test_a_deferred_function_may_return_any_body(serve, wire, make):
    def app(environ, start_response):
        start_response("200 OK", [])
        return make(environ)

    connection = wire(serve(deferred(app)))
    for _ in range(2):
        connection.ask()
        assert connection.answer()[2] == b"onetwo"


def test_a_deferred_generator_is_read_in_its_thread_and_closed(serve, wire):
    threads_used = []

    def slow(environ, start_response):
        start_response("200 OK", [])
        try:
            for _ in range(100):
                threads_used.append(threading.get_ident())
                yield b"x" * 1000
        finally:
            threads_used.append(threading.get_ident())

    connection = wire(serve(deferred(slow)))
    connection.ask()
    assert connection.answer()[2] == b"x" * 100_000
    assert len(threads_used) == 101
    assert len(set(threads_used)) == 1


def test_a_deferred_generator_waits_for_its_reader(serve, wire, eventually):
    closed = threading.Event()
    produced = []

    def endless(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                produced.append(1)
                yield b"x" * 10_000
        finally:
            closed.set()

    server = serve(deferred(endless))
    connection = wire(server)
    connection.ask()
    eventually(lambda: any(each.paused for each in server._transports))
    assert all(each.unsent <= transport.HIGH + 200_000 for each in server._transports)
    before = len(produced)
    connection.take(10_000_000)
    assert len(produced) > before
    connection.close()
    assert closed.wait(20)


def test_a_deferred_body_is_closed_when_its_client_left_before_it_came(serve, wire, eventually):
    go, closed = threading.Event(), threading.Event()

    class Items:
        def __iter__(self):
            return iter([(0.0, b"late")])

        def close(self):
            closed.set()

    def slow(environ, start_response):
        assert go.wait(20)
        start_response("200 OK", [])
        return environ["openaimock.timed"](Items())

    server = serve(deferred(slow))
    connection = wire(server)
    connection.ask()
    eventually(lambda: any(each.protocol.running for each in server._transports))
    server.stop(grace=0)
    go.set()
    assert closed.wait(20)


@pytest.mark.parametrize("error", [LookupError("secret"), SystemExit("secret"), StopIteration("secret")])
def test_a_deferred_function_that_fails_is_a_500(serve, wire, caplog, error):
    def broken(environ, start_response):
        raise error

    connection = wire(serve(deferred(broken)))
    connection.ask()
    status, _, body = connection.answer()
    assert status == "HTTP/1.1 500 Internal Server Error"
    assert b"secret" not in body
    assert "secret" in caplog.text
    connection.ask("/now")
    assert connection.answer()[2] == b"now"


def test_a_deferred_generator_may_hang_up(serve, wire):
    def broken(environ, start_response):
        start_response("200 OK", [])
        yield b"some"
        raise Hangup()

    connection = wire(serve(deferred(broken)))
    connection.ask()
    connection.head()
    assert connection.rest() == b"4\r\nsome\r\n"
