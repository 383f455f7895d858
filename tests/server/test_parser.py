"""The short cut through waitress's parser gives what waitress's parser gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress.parser import HTTPRequestParser

from openaimock.server.parser import ParsedRequest, ParserLimits

LIMITS = ParserLimits(1000)
SEEN = (
    "headers command version request_uri path query url_scheme connection_close expect_continue content_length chunked"
    " completed empty headers_finished"
)


def observed(parser, data):
    """All that a server sees of a request after these bytes."""
    while data and not parser.completed:
        try:
            data = data[parser.received(data) :]
        except ValueError:  # waitress lets this one through
            return "ValueError"
    error = parser.error and (parser.error.code, parser.error.body)
    values = {} if error else {name: getattr(parser, name, None) or None for name in SEEN.split()}
    body = parser.get_body_stream().read()
    parser.close()
    return error, values, body


def same(data):
    assert observed(ParsedRequest(LIMITS), data) == observed(HTTPRequestParser(LIMITS), data)


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
    same(data)
    same(data)  # and again, now that its lines are remembered


@pytest.mark.parametrize("data", PLAIN)
def test_plain_heads_take_the_short_cut(data, monkeypatch):
    monkeypatch.setattr(HTTPRequestParser, "parse_header", lambda *_: pytest.fail("the long way"))
    assert observed(ParsedRequest(LIMITS), data)[0] is None


@given(
    st.lists(st.sampled_from([*b"GET / HTTP/1.1\r\nAb-_: 0\t\xe4", *b"\r\n" * 4]), max_size=40).map(bytes),
    st.sampled_from([b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.0\r\nHost: x\r\n", b""]),
)
def test_anything_is_read_as_waitress_reads_it(noise, start):
    same(start + noise + b"\r\n\r\n")


@pytest.mark.parametrize("head", [b"GET http://[::1 HTTP/1.1", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000])
def test_what_waitress_trips_over_is_a_bad_request(head):
    request = ParsedRequest(LIMITS)
    request.received(head + b"\r\n\r\n")
    assert request.error.code == 400


def test_a_long_head_is_not_remembered():
    same(b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000 + b"\r\n\r\n")
