"""The short cut through waitress's parser gives what waitress's parser gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.parser import HTTPRequestParser

from openaimock.server import parser
from openaimock.server.parsed import WaitressSettings
from openaimock.server.parser import HEADS, ParserLimits, PlainRequest, RequestReader

LIMITS = ParserLimits(1000)
SHARED = {"SERVER_NAME": "mock"}


def expected(data):
    """What waitress's parser reads of a request: an error, or method, path, headers, whether the connection is kept, and body."""
    waitress = HTTPRequestParser(WaitressSettings(LIMITS))
    while data and not waitress.completed:
        try:
            data = data[waitress.received(data) :]
        except ValueError:  # waitress does not catch it
            return 400, "The URI or the Content-Length cannot be read"
    if waitress.error:
        return waitress.error.code, waitress.error.body
    if not waitress.completed:
        return "incomplete"
    if waitress.empty:
        return "empty"
    connection = waitress.headers.get("CONNECTION", "").lower()
    keep = "close" not in connection if waitress.version == "1.1" else "keep-alive" in connection
    version = "1.1" if waitress.version == "1.1" else "1.0"
    line = waitress.command, waitress.request_uri, waitress.path, waitress.query
    headers = {
        name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}": value for name, value in waitress.headers.items()
    }
    return *line, version, headers, keep, waitress.get_body_stream().read(), data


def read(reader, pieces):
    """The same of our reader, when the data arrives in pieces."""
    request, rest = None, b""
    for number, piece in enumerate(pieces):
        if request is None:
            request, rest = reader.read(piece)
        else:
            rest = request.feed(piece)
        while rest and not request.completed:
            rest = request.feed(rest)
        if request.completed:
            rest += b"".join(pieces[number + 1 :])
            break
    if request.error:
        return request.error.code, request.error.body
    if not request.completed:
        return "incomplete"
    if request.empty:
        return "empty"
    head, environ = request.head, request.head.environ
    assert environ["SERVER_NAME"] == "mock"
    assert environ["SERVER_PROTOCOL"] == f"HTTP/{head.version}"
    assert environ["PATH_INFO"] == ("/" + head.path.lstrip("/") if head.path.startswith("//") else head.path)
    headers = {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))}
    line = environ["REQUEST_METHOD"], environ["REQUEST_URI"], head.path, environ["QUERY_STRING"]
    assert line[0] == head.method
    body = request.body.read()
    request.close()
    return *line, head.version, headers, head.keep, body, rest


def same(data, cut=0):
    reader = RequestReader(LIMITS, SHARED)
    for _ in range(2):  # the second time its head is cached
        assert read(reader, [data]) == expected(data)
        pieces = [piece for piece in (data[:cut], data[cut:]) if piece]
        assert read(reader, pieces) == expected(data)


PLAIN = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /a%20b?x=%20&y HTTP/1.1\r\nHost: mock\r\nAccept:*/*\r\n\r\n",
    b"POST /v1 HTTP/1.1\r\nHost: mock\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"GET http://mock/v1/models?x#y HTTP/1.1\r\nConnection: Close\r\n\r\n",
    b"GET //two HTTP/1.1\r\nX:  spaced \t\r\nY:\r\n\r\n",
    b"GET / HTTP/1.1\r\nX-Latin: \xe4\xf6\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\nHost: mock\r\n\r\n",
]
ODD = [
    b"POST / HTTP/1.1\r\ncontent-LENGTH:2 \t\r\nHost: x\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nContent-Length: 002\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nContent-Length: 2\r\n 3\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nContent-Length: 2\n\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nContent_Length: 2\r\nContent-Length: 0\r\n\r\n",
    b"POST / HTTP/1.1\r\nX-Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nX: \r\nContent-Length: \xb2\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/2.0\r\n\r\n",
    b"GET /\r\n\r\n",
    b"get / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1 \r\n\r\n",
    b"GET / HTTP/1.1\r\nA: 1\r\na: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nA_B: 1\r\nA-B: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\nA : 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: 1\nB: 2\r\n\r\n",
    b"GET / HTTP/1.1\nA: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: 1\rB: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx",
    b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"\r\n\r\n",
]


@pytest.mark.parametrize("data", PLAIN + ODD)
def test_a_head_is_read_as_waitress_reads_it(data):
    for cut in range(len(data)):
        same(data, cut)


@pytest.mark.parametrize("data", PLAIN[:-1])
def test_plain_heads_are_cached(data):
    reader = RequestReader(LIMITS, SHARED)
    first, second = reader.read(data)[0], reader.read(data)[0]
    assert type(first) is PlainRequest
    assert first.head is second.head


def test_heads_that_differ_in_the_length_alone_are_parsed_once(monkeypatch):
    heads = []
    plain_head = parser._plain_head
    monkeypatch.setattr(parser, "_plain_head", lambda shared, head: heads.append(head) or plain_head(shared, head))
    reader = RequestReader(LIMITS, SHARED)
    requests = [
        reader.read(b"POST / HTTP/1.1\r\nContent-Length: %d\r\nHost: x\r\n\r\n%b" % (size, b"x" * size))[0] for size in range(9)
    ]
    assert [request.head.environ["CONTENT_LENGTH"] for request in requests] == [str(size) for size in range(9)]
    assert [len(request.body.read()) for request in requests] == list(range(9))
    assert len(heads) == 1


@given(
    st.lists(st.sampled_from([*b"GET / HTTP/1.1\r\nAb-_: 0\t\xe4", *b"\r\n" * 4]), max_size=40).map(bytes),
    st.sampled_from([b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.0\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n", b""]),
    st.integers(0, 60),
)
def test_anything_is_read_as_waitress_reads_it(noise, start, cut):
    same(start + noise + b"\r\n\r\n", cut)


@pytest.mark.parametrize("head", [b"GET http://[::1 HTTP/1.1", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000])
def test_a_head_that_raises_in_waitress_is_a_bad_request(head):
    request, _ = RequestReader(LIMITS, SHARED).read(head + b"\r\n\r\n")
    assert request.error.code == 400


def test_a_long_head_is_not_cached():
    data = b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000 + b"\r\n\r\n"
    same(data)
    assert type(RequestReader(LIMITS, SHARED).read(data)[0]) is not PlainRequest


def test_the_cache_of_heads_is_bounded():
    reader = RequestReader(LIMITS, SHARED)
    for number in range(2 * HEADS):
        reader.read(b"GET /%d HTTP/1.1\r\n\r\n" % number)
    assert reader._plain_head.cache_info().currsize == HEADS


@pytest.mark.parametrize("size", [1, 3, 700, 1000])
def test_a_body_arrives_in_pieces_of_any_size(size):
    body = bytes(range(250)) * 4
    data = b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + body
    request, _ = RequestReader(LIMITS, SHARED).read(data[:50])
    position = 50
    while not request.completed:
        assert request.feed(data[position : position + size]) == b""
        position += size
    assert request.body.read(1000) == body
