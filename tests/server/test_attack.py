"""Hostile and unlucky clients: the server refuses them clearly, stays bounded, and goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from openaimock import server as server_module
from openaimock.server import Server
from openaimock.types import clock


def hello(environ, start_response):
    start_response("200 OK", [("content-length", "5")])
    return [b"hello"]


def test_a_tls_hello_is_closed_at_once_and_logged(serve, wire, caplog):
    server = serve(hello)
    connection = wire(server)
    connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506))
    assert connection.rest() == b""
    assert f"use http://127.0.0.1:{server.port}" in caplog.text


def test_a_request_with_two_lengths_is_answered_and_the_connection_closed(serve, wire):
    connection = wire(serve(hello))
    connection.send(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    _, headers, body = connection.answer()
    assert (headers["connection"], body) == ("close", b"hello")
    assert connection.rest() == b""


@pytest.mark.parametrize("target", [b"/a\rb", b"/a\nb", b"/a\n"])
@pytest.mark.parametrize("more", [b"", b"A: 1\r\na: 2\r\n"], ids=["fast", "slow"])
def test_a_bare_line_break_in_the_target_is_refused(serve, wire, target, more):
    connection = wire(serve(hello))
    connection.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    assert connection.answer()[0] == "HTTP/1.1 400 Bad Request"


def test_refusals_of_the_parser_have_a_request_id(serve, wire):
    server = serve(hello)
    ids = set()
    for _ in range(2):
        connection = wire(server)
        connection.send(b"nonsense\r\n\r\n")
        ids.add(connection.answer()[1]["x-request-id"])
    assert len(ids) == 2
    assert all(name.startswith("req_") for name in ids)


def test_a_refusal_repeats_the_request_id_of_the_client(serve, wire):
    connection = wire(serve(hello, max_body=10))
    connection.ask("/", b"x" * 11, method="POST", headers="X-Request-Id: mine\r\n")
    status, headers, _ = connection.answer()
    assert (status, headers["x-request-id"]) == ("HTTP/1.1 413 Request Entity Too Large", "mine")


def test_a_body_that_cannot_be_stored_is_a_503(serve, wire, monkeypatch):
    def no_file(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("waitress.buffers.TempfileBasedBuffer.newfile", no_file)
    server = serve(hello)
    connection = wire(server)
    connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
    threading.Thread(target=lambda: quietly_send(connection, b"x" * 2_000_000)).start()
    status, headers, body = connection.answer()
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert b"Too many open files" in body
    assert headers["x-request-id"]
    other = wire(server)
    other.ask()
    assert other.answer()[2] == b"hello"


def quietly_send(connection, data):
    with contextlib.suppress(OSError):
        connection.send(data)


@pytest.mark.parametrize("status", ["100 Continue", "101 Switching Protocols", "199 Odd"])
def test_a_status_that_is_not_final_is_a_500(serve, wire, status):
    def app(environ, start_response):
        start_response(status, [])
        return [b"x"]

    connection = wire(serve(app))
    connection.ask()
    assert connection.answer()[0] == "HTTP/1.1 500 Internal Server Error"


def large(environ, start_response):
    start_response("200 OK", [])
    return [LARGE]


LARGE = bytes(20_000_000)


def test_a_whole_body_is_not_copied_for_each_slow_client(serve, wire, eventually):
    import tracemalloc

    server = serve(large)
    tracemalloc.start()
    try:
        connections = [wire(server) for _ in range(10)]
        for connection in connections:
            connection.ask()
        eventually(lambda: server._loop.unsent > 5 * len(LARGE))
        assert tracemalloc.get_traced_memory()[0] < len(LARGE)
    finally:
        tracemalloc.stop()
    assert connections[0].answer()[2] == LARGE


def test_too_many_unsent_bytes_delay_further_answers_until_clients_read(serve, wire, eventually, monkeypatch):
    monkeypatch.setattr(server_module, "BACKLOG_BYTES", 1_000_000)
    server = serve(large)
    slow = wire(server)
    slow.ask()
    eventually(lambda: server._loop.unsent > 1_000_000)
    other = wire(server)
    other.ask()
    eventually(lambda: server._postponed)
    assert slow.answer()[2] == LARGE
    assert other.answer()[2] == LARGE
    assert server._loop.unsent == 0


def test_a_client_that_does_not_read_is_disconnected_when_too_much_is_unsent(serve, wire, eventually, monkeypatch, caplog):
    monkeypatch.setattr(server_module, "BACKLOG_BYTES", 1_000_000)
    monkeypatch.setattr(server_module, "STUCK", 0.1)
    server = serve(large)
    stuck = wire(server)
    stuck.ask()
    eventually(lambda: server._loop.unsent > 1_000_000)
    other = wire(server)
    other.ask()
    assert other.answer()[2] == LARGE
    assert "Disconnected 1 clients that do not read" in caplog.text


def test_stopping_does_not_wait_for_a_client_that_does_not_read(serve, wire, eventually):
    server = serve(large)
    wire(server).ask()
    eventually(lambda: server._loop.unsent)
    started = time.monotonic()
    server.stop(grace=600)
    assert time.monotonic() - started < 300


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_lets_go_of_the_sockets(serve, wire):
    server = serve(hello)
    connection = wire(server)
    connection.ask()
    connection.answer()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(writer)
            os.read(reader, 1)  # until the parent closes its end
        finally:
            os._exit(0)
    os.close(reader)
    try:
        server.stop()
        assert connection.rest() == b""
        with pytest.raises(OSError):
            socket.create_connection((server.host, server.port), timeout=20)
    finally:
        os.close(writer)
        os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_server_in_a_forked_child_counts_as_stopped_and_the_parent_goes_on(serve, wire):
    server = serve(hello)
    child = os.fork()
    if child == 0:
        works = False
        try:
            server.stop()
            other = Server(hello)
            other.start()
            with socket.create_connection((other.host, other.port), timeout=20) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                works = client.recv(12) == b"HTTP/1.1 200" and not server.running
        finally:
            os._exit(0 if works else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    connection = wire(server)
    connection.ask()
    assert connection.answer()[2] == b"hello"


def test_frozen_time_does_not_stop_the_server(serve, wire, monkeypatch):
    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["openaimock.timed"]([(0.05, b"a"), (0.05, b"b")])

    server = serve(app)
    for name in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, lambda: 1_000_000_000.0)
    connection = wire(server)
    connection.ask()
    assert connection.answer()[2] == b"ab"


def test_the_clock_of_the_server_is_no_function_that_freezing_libraries_replace():
    functions = {id(getattr(time, name)) for name in ("time", "monotonic", "perf_counter")}
    assert id(clock.monotonic) not in functions
    assert not isinstance(clock.monotonic, SimpleNamespace)
    before = clock.monotonic()
    assert clock.monotonic() >= before
