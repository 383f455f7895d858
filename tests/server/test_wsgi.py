"""Requests become environs, and what applications say becomes responses."""

from __future__ import annotations

import json
import re
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.server import wsgi
from openaimock.server.parser import ParserLimits, RequestReader


def hello(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"hello ", environ["PATH_INFO"].encode("latin-1")]


def chunks(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return iter([b"one", b"", b"two"])


def stays_open(connection, path="/again"):
    """Whether the connection answers another request."""
    connection.ask(path)
    return connection.answer()[0] == "HTTP/1.1 200 OK"


def environ_for(serve, wire, *arguments, **options):
    environs = {}

    def app(environ, start_response):
        environs.update(environ, body=environ["wsgi.input"].read())
        return hello(environ, start_response)

    connection = wire(serve(app))
    connection.ask(*arguments, **options)
    connection.answer()
    return environs


def test_the_environ_is_what_pep_3333_asks_for(serve, wire):
    @validator
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]

    connection = wire(serve(app))
    connection.ask("/a%20b/c?x=1&y=%20", b"body", method="POST", headers="Content-Type: text/plain\r\nX-One: 1\r\n")
    status, _, body = connection.answer()
    assert (status, body) == ("HTTP/1.1 200 OK", b"ok")


def test_the_environ_says_what_was_asked(serve, wire):
    environ = environ_for(serve, wire, "/a%20b/%C3%A4?x=1&y=%20", b"body", method="PUT", headers="X-One: 1\r\nX-One: 2\r\n")
    assert environ["REQUEST_METHOD"] == "PUT"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/a b/\xc3\xa4"
    assert environ["QUERY_STRING"] == "x=1&y=%20"
    assert environ["CONTENT_LENGTH"] == "4"
    assert environ["HTTP_X_ONE"] == "1, 2"
    assert environ["HTTP_HOST"] == "mock"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.multithread"] is True
    assert environ["body"] == b"body"


def test_a_chunked_request_has_its_length(serve, wire):
    environs = {}

    def app(environ, start_response):
        environs.update(environ, body=environ["wsgi.input"].read())
        environ["wsgi.input"].seek(0)
        environs["again"] = environ["wsgi.input"].read()
        return hello(environ, start_response)

    connection = wire(serve(app))
    connection.ask(method="POST", headers="Transfer-Encoding: chunked\r\n")
    connection.send(b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")
    connection.answer()
    assert environs["CONTENT_LENGTH"] == "7"
    assert "HTTP_TRANSFER_ENCODING" not in environs
    assert environs["body"] == environs["again"] == b"abcdefg"


def test_a_large_body_arrives_whole(serve, wire):
    body = bytes(range(256)) * 4096
    assert environ_for(serve, wire, "/", body, method="POST")["body"] == body


def test_an_upgrade_request_reaches_the_application(serve, wire):
    environ = environ_for(serve, wire, headers="Connection: Upgrade\r\nUpgrade: websocket\r\n")
    assert environ["HTTP_UPGRADE"] == "websocket"
    assert environ["HTTP_CONNECTION"] == "Upgrade"


def test_a_list_is_sent_with_its_length_and_the_connection_kept(serve, wire):
    connection = wire(serve(hello))
    connection.ask("/x")
    status, headers, body = connection.answer()
    assert status == "HTTP/1.1 200 OK"
    assert headers["content-length"] == "8"
    assert "connection" not in headers
    assert body == b"hello /x"
    assert stays_open(connection)


def test_headers_are_sent_as_the_application_gave_them(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [("x-lower", "a"), ("X-Upper", "b"), ("x-lower", "c")])
        return [b""]

    connection = wire(serve(app))
    connection.ask()
    head = connection.until(b"\r\n\r\n").decode()
    assert re.findall(r"(?i)x-\w+: \w", head) == ["x-lower: a", "X-Upper: b", "x-lower: c"]
    assert "server:" not in head.lower()


def test_there_is_one_date(serve, wire):
    connection = wire(serve(hello))
    connection.ask()
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", connection.answer()[1]["date"])

    def app(environ, start_response):
        start_response("200 OK", [("Date", "Thu, 01 Jan 1970 00:00:00 GMT")])
        return [b""]

    connection = wire(serve(app))
    connection.ask()
    _, headers, _ = connection.answer()
    assert headers["Date"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert "date" not in headers


def test_an_iterator_is_sent_in_chunks_and_the_connection_kept(serve, wire):
    connection = wire(serve(chunks))
    connection.ask()
    _, headers = connection.head()
    assert headers["transfer-encoding"] == "chunked"
    assert "connection" not in headers
    assert connection.until(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    connection.ask()
    assert connection.answer()[2] == b"onetwo"


def test_an_iterator_without_pieces_is_an_empty_body(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [])
        return iter([])

    connection = wire(serve(app))
    connection.ask()
    assert connection.answer()[2] == b""
    assert stays_open(connection)


def test_a_generator_may_start_the_response_itself(serve, wire):
    def app(environ, start_response):
        start_response("202 Accepted", [])
        yield b"late"

    connection = wire(serve(app))
    connection.ask()
    status, _, body = connection.answer()
    assert (status, body) == ("HTTP/1.1 202 Accepted", b"late")


def test_what_the_write_callable_was_given_comes_first(serve, wire):
    def app(environ, start_response):
        write = start_response("200 OK", [])
        write(b"one ")
        write(b"two ")
        return [b"three"]

    connection = wire(serve(app))
    connection.ask()
    assert connection.answer()[2] == b"one two three"


def test_http_1_0_ends_with_the_connection(serve, wire):
    connection = wire(serve(chunks))
    connection.ask(version="1.0")
    status, headers = connection.head()
    assert status == "HTTP/1.0 200 OK"
    assert headers["connection"] == "close"
    assert "transfer-encoding" not in headers
    assert connection.rest() == b"onetwo"


def test_http_1_0_is_kept_alive_when_it_asks_and_the_length_is_known(serve, wire):
    connection = wire(serve(hello))
    for _ in range(2):
        connection.ask(version="1.0", headers="Connection: keep-alive\r\n")
        _, headers, _ = connection.answer()
        assert headers["connection"] == "keep-alive"


@pytest.mark.parametrize("app", [hello, chunks])
def test_connection_close_is_said_and_done(serve, wire, app):
    connection = wire(serve(app))
    connection.ask(headers="Connection: close\r\n")
    assert connection.answer()[1]["connection"] == "close"
    assert connection.rest() == b""


def test_an_application_may_close_the_connection(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [("Connection", "close")])
        return [b"bye"]

    connection = wire(serve(app))
    connection.ask()
    _, headers, body = connection.answer()
    assert (headers["connection"], body) == ("close", b"bye")
    assert connection.rest() == b""


@pytest.mark.parametrize("app", [hello, chunks])
def test_head_has_no_body(serve, wire, app):
    connection = wire(serve(app))
    connection.ask("/x", method="HEAD")
    _, headers = connection.head()
    assert headers.get("content-length") == ("8" if app is hello else None)
    assert stays_open(connection)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_some_statuses_have_no_body(serve, wire, status):
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/again":
            return hello(environ, start_response)
        start_response(status, [("content-length", "5")])
        return [b"waste"]

    connection = wire(serve(app))
    connection.ask()
    _, headers = connection.head()
    assert "content-length" not in headers
    assert "transfer-encoding" not in headers
    assert stays_open(connection)


def test_a_body_shorter_than_promised_ends_the_connection(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [("content-length", "10")])
        return [b"short"]

    connection = wire(serve(app))
    connection.ask()
    connection.head()
    assert connection.rest() == b"short"


def test_a_body_is_no_longer_than_promised(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [("content-length", "4")])
        return iter([b"lon", b"ger"])

    connection = wire(serve(app))
    connection.ask()
    assert connection.answer()[2] == b"long"
    connection.ask()
    assert connection.answer()[2] == b"long"


def envelope(connection):
    """Read an error, which ends the connection, and give its status and error object."""
    status, headers = connection.head()
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    error = json.loads(connection.rest())["error"]
    assert (error["param"], error["code"]) == (None, None)
    return status, error


@pytest.mark.parametrize(
    "request_head",
    [
        b"nonsense\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
    ],
)
def test_a_request_that_cannot_be_read_gets_the_envelope(serve, wire, request_head):
    connection = wire(serve(hello))
    connection.send(request_head)
    status, error = envelope(connection)
    assert status == "HTTP/1.1 400 Bad Request"
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith("Bad Request: ")


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(serve, wire):
    server = serve(hello, max_body=1000)
    connection = wire(server)
    connection.ask("/", b"x" * 1000, method="POST")
    assert connection.answer()[0] == "HTTP/1.1 200 OK"
    connection.ask("/", b"x" * 1001, method="POST")
    status, error = envelope(connection)
    assert status.startswith("HTTP/1.1 413 ")
    assert error["message"] == "The request body is larger than 1000 bytes."


def test_a_chunked_body_has_the_same_limit(serve, wire):
    connection = wire(serve(hello, max_body=1000))
    connection.ask(method="POST", headers="Transfer-Encoding: chunked\r\n")
    connection.send(b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n")
    assert envelope(connection)[0].startswith("HTTP/1.1 413 ")


def test_a_client_that_sends_too_much_can_read_why(serve, wire):
    connection = wire(serve(hello, max_body=1000))
    connection.ask("/", b"x" * 2_000_000, method="POST")  # all of it is taken, so that no reset destroys the answer
    assert envelope(connection)[0].startswith("HTTP/1.1 413 ")


def test_headers_have_a_limit(serve, wire):
    connection = wire(serve(hello))
    connection.ask(headers="X-Long: " + "x" * 300_000 + "\r\n")
    status, error = envelope(connection)
    assert status.startswith("HTTP/1.1 431 ")
    assert error["message"] == "The request headers are larger than 262144 bytes."


def broken(environ, start_response):
    if environ["PATH_INFO"] == "/again":
        return hello(environ, start_response)
    raise LookupError("secret")


def forgetful(environ, start_response):
    return hello(environ, start_response) if environ["PATH_INFO"] == "/again" else [b"no start_response"]


def smuggler(environ, start_response):
    start_response("200 OK", [("x-one", "1"), ("x-two", "2\r\nx-three: 3")])
    return hello(environ, lambda *_: None)


@pytest.mark.parametrize("app", [broken, forgetful, smuggler])
def test_an_application_that_fails_is_a_500_in_the_envelope(serve, wire, app, caplog):
    connection = wire(serve(app))
    connection.ask()
    status, _, body = connection.answer()
    assert status == "HTTP/1.1 500 Internal Server Error"
    error = json.loads(body)["error"]
    assert error["type"] == "server_error"
    assert "secret" not in error["message"]
    assert caplog.records[-1].name == "openaimock"
    if app is not smuggler:
        assert stays_open(connection)


def test_an_application_that_fails_in_the_middle_ends_the_connection(serve, wire, caplog):
    def app(environ, start_response):
        start_response("200 OK", [])
        yield b"some"
        raise LookupError

    connection = wire(serve(app))
    connection.ask()
    connection.head()
    assert connection.rest() == b"4\r\nsome\r\n"
    assert "Answering GET / failed" in caplog.text


def test_an_application_may_change_its_mind_before_the_head_is_sent(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [("x-first", "1")])
        start_response("503 Service Unavailable", [], (LookupError, LookupError("late"), None))
        return [b"sorry"]

    connection = wire(serve(app))
    connection.ask()
    status, headers, body = connection.answer()
    assert (status, body) == ("HTTP/1.1 503 Service Unavailable", b"sorry")
    assert "x-first" not in headers


def test_a_body_is_closed_once(serve, wire, eventually):
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"body"])

        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    connection = wire(serve(app))
    for _ in range(2):
        connection.ask()
        connection.answer()
    connection.close()
    eventually(lambda: len(closed) == 2)


REQUEST, _ = RequestReader(ParserLimits(1000), {}).read(b"GET / HTTP/1.1\r\n\r\n")
HEADER = st.tuples(
    st.sampled_from(
        ["x-request-id", "content-length", "Content-Length", "content-type", "connection", "Date", "x-a", "X-Request-Id"]
    ),
    st.sampled_from(["1", "2", "close", "text/event-stream", "a\nb", "a\rb"]),
)


def head_of(headers, length):
    """The head of a response with these headers and what it says about the connection, or the error."""
    response = wsgi.Response(REQUEST)
    response.start_response("200 OK", headers)
    try:
        head = response.head(length)
    except ValueError:
        return "ValueError"
    return re.sub(rb"date: .*\r\n", b"date:\r\n", head), response.frame(b"bod"), response.frame(b"y", last=True), response.keep


@given(st.lists(st.tuples(st.lists(HEADER, max_size=4), st.sampled_from([None, 4])), max_size=8))
def test_a_head_is_the_same_after_any_other_heads(answers):
    wsgi._layouts.clear()
    heads = [head_of(headers, length) for headers, length in answers]
    for (headers, length), head in zip(answers, heads, strict=True):
        wsgi._layouts.clear()
        wsgi._block.cache_clear()
        assert head_of(headers, length) == head


def test_the_cache_of_layouts_is_bounded():
    for number in range(3 * wsgi.LAYOUTS):
        head_of([("x-number", str(number))], 4)
    assert len(wsgi._layouts) <= wsgi.LAYOUTS


@pytest.mark.parametrize("end", ["\n", "\r", "\r\nx: y"])
@pytest.mark.parametrize("name", ["x-request-id", "x-other"])
def test_a_line_break_in_a_header_is_refused_after_a_good_one(name, end):
    assert head_of([("content-type", "text/plain"), (name, "good")], 4) != "ValueError"
    assert head_of([("content-type", "text/plain"), (name, f"bad{end}")], 4) == "ValueError"


def test_events_that_are_all_there_are_sent_in_chunks(serve, wire):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return [b"data: 1\n\n", b"data: 2\n\n"] if environ["PATH_INFO"] == "/" else [b""]

    connection = wire(serve(app))
    connection.ask("/")
    _, headers = connection.head()
    assert headers["transfer-encoding"] == "chunked"
    assert connection.until(b"\r\n0\r\n\r\n") == b"12\r\ndata: 1\n\ndata: 2\n\n\r\n0\r\n\r\n"
    connection.ask("/empty")
    assert connection.answer()[1]["content-length"] == "0"
