"""Large bodies both ways: they are read in the pool, and sent as the client reads."""

from __future__ import annotations

import gzip
import json
import socket
import threading

import pytest

from openaimock import create_app

from ..support.wire import events, post, user


def asking(mock, body):
    """A socket that has sent a chat request and reads nothing."""
    client = socket.create_connection((mock.host, mock.port), timeout=60)
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: {len(data)}\r\n\r\n"
    client.sendall(head.encode() + data)
    return client


@pytest.mark.parametrize("stream", [True, False])
def test_slow_readers_of_a_large_reply_are_not_buffered(serve, stream):
    text = "word " * 40_000
    mock = serve([{"when": {"user": "stream"}, "reply": text}, {"when": {"user": "raw"}, "reply": {"body": "x" * 8_000_000}}])
    clients = [asking(mock, user("stream" if stream else "raw", stream=stream)) for _ in range(5)]
    # One that reads gets all of it, beside those that do not.
    answer = post(mock, user("stream", stream=True), timeout=60)
    assert "".join(e["choices"][0]["delta"].get("content") or "" for e in events(answer.text)[:-1] if e["choices"]) == text
    bodies = {id(piece.obj) for t in mock.server._transports for piece in t._pending if isinstance(piece, memoryview)}
    if stream:
        assert mock.server._loop.unsent < 5 * 400_000
    else:
        assert len(bodies) <= 1
    for client in clients:
        client.close()


def test_large_and_compressed_bodies_are_read_in_a_thread():
    app = create_app({"unmatched": "echo"})
    deferred = []

    def ask(text, encode=bytes, **environ):
        data = encode(json.dumps(user(text)).encode())
        from io import BytesIO

        body = app(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": "/v1/chat/completions",
                "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(data)),
                "wsgi.input": BytesIO(data),
                "openaimock.defer": lambda function: deferred.append(function) or [],
                **environ,
            },
            lambda *_: None,
        )
        return b"".join(body)

    assert ask("small")
    assert not deferred
    assert ask("large" * 60_000) == b""
    incompressible = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(5000))
    assert ask(incompressible, gzip.compress, HTTP_CONTENT_ENCODING="gzip") == b""
    assert len(deferred) == 2
    assert len(b"".join(deferred[0]())) > 300_000


def test_blocking_functions_do_not_block_the_admin(serve):
    go, begun = threading.Event(), threading.Semaphore(0)

    def block(ask):
        begun.release()
        assert go.wait(60)
        return "done"

    mock = serve({"unmatched": "echo"})
    mock.when(user="block").reply(block)
    clients = [asking(mock, user("block")) for _ in range(8)]
    try:
        assert all(begun.acquire(timeout=60) for _ in range(8))
        import httpx

        with httpx.Client(trust_env=False) as http:
            assert http.get(mock.url.removesuffix("/v1") + "/__openaimock/rules", timeout=60).status_code == 200
    finally:
        go.set()
        for client in clients:
            client.close()
