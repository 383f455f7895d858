"""A server's life: where it listens, how it starts, how it stops."""

from __future__ import annotations

import errno
import http.client
import logging
import math
import os
import signal
import socket
import threading
import time

import httpx
import pytest

from openaimock.errors import PortInUseError
from openaimock.server import Server, listen


def hello(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"hello"]


def timed(items):
    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["openaimock.timed"](items)

    return app


def refused(server):
    try:
        socket.create_connection((server.host, server.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it stopped listening before it took the connection
    return False


def test_it_takes_a_free_port_and_says_which(serve, wire):
    server = serve(hello)
    assert server.host == "127.0.0.1"
    assert server.port > 0
    connection = wire(server)
    connection.ask()
    assert connection.answer()[2] == b"hello"


def test_http_client_keeps_its_connection(serve):
    server = serve(hello)
    client = http.client.HTTPConnection(server.host, server.port, timeout=20)
    client.request("GET", "/")
    assert client.getresponse().read() == b"hello"
    first = client.sock
    client.request("POST", "/", body=b"x" * 100_000)
    assert client.getresponse().read() == b"hello"
    assert client.sock is first
    client.close()


def test_httpx_reads_a_timed_reply_and_keeps_its_connection(serve):
    server = serve(timed([(0.01, b"data: %d\n\n" % number) for number in range(5)]))
    with httpx.Client(trust_env=False, timeout=20) as client:
        for _ in range(2):
            with client.stream("GET", f"http://{server.host}:{server.port}/") as response:
                assert list(response.iter_lines())[::2] == [f"data: {number}" for number in range(5)]
    assert len(server._transports) <= 1


def test_it_listens_on_ipv6(serve, wire):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        server = serve(hello, host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    connection = wire(server)
    connection.ask()
    assert server.host == "::1"
    assert connection.answer()[2] == b"hello"


def test_a_taken_port_is_named(serve):
    port = serve(hello).port
    with pytest.raises(PortInUseError, match=f"port {port} on 127.0.0.1") as caught:
        Server(hello, port=port)
    assert caught.value.errno == errno.EADDRINUSE
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("no.such.host.invalid", 0, "Cannot listen on no.such.host.invalid"),
        ("192.0.2.1", 0, "Cannot listen on 192.0.2.1 port 0"),
        ("127.0.0.1", 65536, "ports go from 0 to 65535"),
    ],
)
def test_an_impossible_address_is_an_error_in_words(host, port, words):
    with pytest.raises(OSError, match=words):
        Server(hello, host=host, port=port)


def test_several_servers_share_nothing(serve, wire):
    apps = [lambda environ, start_response, name=name: [start_response("200 OK", []) and b"", name] for name in (b"a", b"b")]
    connections = [wire(serve(app)) for app in apps]
    for connection in connections:
        connection.ask()
    assert [connection.answer()[2] for connection in connections] == [b"a", b"b"]


def test_servers_may_share_a_listening_socket(serve, eventually):
    (listener,) = listen("127.0.0.1", 0)
    with listener:
        servers = [serve(hello, listeners=[socket.socket(fileno=os.dup(listener.fileno()))]) for _ in range(2)]
        assert servers[0].port == servers[1].port
        for _ in range(50):
            client = http.client.HTTPConnection(servers[0].host, servers[0].port, timeout=20)
            client.request("GET", "/", headers={"Connection": "close"})
            assert client.getresponse().read() == b"hello"
            client.close()


def test_it_may_be_started_twice(serve, wire):
    server = serve(hello)
    server.start()
    connection = wire(server)
    connection.ask()
    assert connection.answer()[2] == b"hello"


def test_it_may_be_stopped_twice_and_its_port_used_again(serve):
    server = serve(hello)
    server.stop()
    server.stop()
    assert serve(hello, port=server.port).port == server.port


def test_it_may_be_stopped_before_it_was_started():
    server = Server(hello)
    server.stop()
    assert refused(server)
    server.run()  # comes back at once
    with pytest.raises(RuntimeError, match="make a new one"):
        server.start()


def test_it_cannot_run_twice_at_once(serve):
    with pytest.raises(RuntimeError, match="running already"):
        serve(hello).run()


def test_it_may_be_stopped_by_its_application(serve, wire):
    def app(environ, start_response):
        server.stop()
        return hello(environ, start_response)

    server = serve(app)
    connection = wire(server)
    connection.ask()
    assert connection.answer()[2] == b"hello"
    assert connection.rest() == b""
    server.stop()
    assert refused(server)


def test_it_may_be_stopped_by_many_at_once(serve):
    server = serve(hello)
    threads = [threading.Thread(target=server.stop) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert refused(server)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no SIGUSR1 here")
def test_a_signal_handler_may_stop_it(wire):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals come to the main thread")
    server = Server(hello)
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: server.stop())

    def client():
        connection = wire(server)
        connection.ask()
        assert connection.answer()[2] == b"hello"
        os.kill(os.getpid(), signal.SIGUSR1)

    thread = threading.Thread(target=client)
    thread.start()
    try:
        server.run()
    finally:
        signal.signal(signal.SIGUSR1, previous)
        thread.join(20)
    assert refused(server)


def test_stopping_lets_a_timed_reply_end_whole_and_refuses_new_connections(serve, wire, eventually):
    server = serve(timed([(0.0, b"a"), (0.3, b""), (0.3, b"b")]))
    connection = wire(server)
    connection.ask()
    connection.until(b"1\r\na\r\n")
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    eventually(lambda: refused(server))
    assert connection.rest() == b"1\r\nb\r\n0\r\n\r\n"
    stopping.join(20)
    assert not stopping.is_alive()


def test_stopping_lets_a_deferred_reply_end_whole(serve, wire, eventually):
    begun, go = threading.Event(), threading.Event()

    def app(environ, start_response):
        def slow():
            begun.set()
            assert go.wait(20)
            return hello(environ, start_response)

        return environ["openaimock.defer"](slow)

    server = serve(app)
    connection = wire(server)
    connection.ask()
    assert begun.wait(20)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    eventually(lambda: refused(server))
    go.set()
    _, headers, body = connection.answer()
    assert (headers["connection"], body) == ("close", b"hello")
    stopping.join(20)
    assert not stopping.is_alive()


def test_stopping_ends_a_stalled_reply_at_once(serve, wire):
    closed = []

    def items():
        try:
            yield 0.0, b"a"
            yield math.inf, b""
        finally:
            closed.append(True)

    server = serve(timed(items()))
    connection = wire(server)
    connection.ask()
    connection.until(b"1\r\na\r\n")
    server.stop(grace=3600)
    assert connection.rest() == b""
    assert closed == [True]


@pytest.mark.parametrize("rest", [[(0.2, b"b"), (math.inf, b"")], [(5.0, b"b"), (3600.0, b"c")]])
def test_stopping_cuts_a_reply_at_once_that_cannot_end_in_time(serve, wire, rest):
    server = serve(timed([(0.0, b"a"), *rest]))
    connection = wire(server)
    connection.ask()
    connection.until(b"1\r\na\r\n")
    started = time.monotonic()
    server.stop(grace=1000)
    assert connection.rest() == b""
    assert time.monotonic() - started < 900


def test_a_reply_that_outlives_the_grace_is_cut(serve, wire):
    closed = []

    def items():
        try:
            yield 0.0, b"a"
            yield 3600.0, b"b"
        finally:
            closed.append(True)

    server = serve(timed(items()))
    connection = wire(server)
    connection.ask()
    connection.until(b"1\r\na\r\n")
    server.stop(grace=0.05)
    assert connection.rest() == b""
    assert closed == [True]


def test_a_second_stop_may_shorten_the_grace(serve, wire, eventually):
    server = serve(timed([(0.0, b"a"), (1000.0, b"b")]))
    connection = wire(server)
    connection.ask()
    connection.until(b"1\r\na\r\n")
    stopping = threading.Thread(target=server.stop, args=(3600,))
    stopping.start()
    eventually(lambda: refused(server))
    assert stopping.is_alive()
    server.stop(grace=0)
    stopping.join(20)
    assert not stopping.is_alive()


def test_stopping_closes_connections_that_are_kept_alive(serve, wire):
    server = serve(hello)
    connection = wire(server)
    connection.ask()
    connection.answer()
    start = time.monotonic()
    server.stop(grace=3600)
    assert connection.rest() == b""
    assert time.monotonic() - start < 600


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="nothing to count by")
def test_file_descriptors_are_given_back(wire, eventually):
    def count():
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(5):
        server = Server(lambda environ, start_response: environ["openaimock.defer"](lambda: hello(environ, start_response)))
        server.start()
        for _ in range(5):
            connection = wire(server)
            connection.ask("/", b"x" * 600_000, method="POST")
            connection.answer()
            connection.close()
        server.stop()
    eventually(lambda: count() <= before)


def test_it_waits_when_no_file_descriptor_is_left(serve, wire, monkeypatch, caplog):
    class Listener:
        def __init__(self, sock):
            self.failures = 3
            self.sock = sock

        def __getattr__(self, name):
            return getattr(self.sock, name)

        def accept(self):
            self.failures -= 1
            if self.failures >= 0:
                raise OSError(errno.EMFILE, "Too many open files")
            return self.sock.accept()

    monkeypatch.setattr("openaimock.server.PAUSE", 0.01)
    server = Server(hello)
    server._listeners = [Listener(server._listeners[0])]
    server.start()
    connection = wire(server)
    connection.ask()
    assert connection.answer()[2] == b"hello"
    server.stop()
    assert [record.message for record in caplog.records] == ["Cannot accept connections for the moment: Too many open files"]


def test_client_misbehaviour_is_not_logged(serve, wire, caplog):
    caplog.set_level(logging.INFO)
    server = serve(hello)
    for data in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n", b""):
        connection = wire(server)
        connection.send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        connection.rest()
    assert caplog.records == []


def test_thousands_of_idle_connections_cost_nothing(serve, wire):
    server = serve(hello)
    connections = [wire(server) for _ in range(200)]
    for connection in connections:
        connection.ask()
        connection.answer()
    turns = []
    original = server._loop.turn
    server._loop.turn = lambda until=None: (turns.append(1), original(until))
    connections[0].ask()
    connections[0].answer()
    connections[1].ask()
    connections[1].answer()
    assert len(turns) <= 10


class Greedy:
    """A share by which this server always has more than the others."""

    def __init__(self):
        self.reports = []

    def report(self, count):
        self.reports.append(count)

    def fair(self):
        return False


def test_a_connection_that_no_other_process_takes_is_taken(serve, wire, eventually):
    balance = Greedy()
    server = serve(hello, listeners=listen("127.0.0.1", 0), balance=balance)
    connections = [wire(server) for _ in range(3)]
    for connection in connections:
        connection.ask()
        assert connection.answer()[2] == b"hello"
    assert balance.reports == [1, 2, 3]
    for connection in connections:
        connection.close()
    eventually(lambda: balance.reports[-1] == 0)
