"""The answers of a Redis server as bytes: in any pieces, cut short, and from a server of another kind."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.state.redis_wire import SIZE, Refused, Wire, packed

_values = st.recursive(
    st.none() | st.integers() | st.binary(max_size=30),
    lambda values: st.lists(values, max_size=4),
    max_leaves=8,
)


def written(value):
    """A value as a server answers it."""
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n" % len(value) + b"".join(map(written, value))


class Pieces:
    """A socket on which an answer arrives in pieces."""

    def __init__(self, data, sizes):
        self._data, self._sizes = data, iter(sizes)

    def fileno(self):
        return 0

    def sendall(self, data):
        pass

    def recv(self, size):
        size = min(size, next(self._sizes, size))
        piece, self._data = self._data[:size], self._data[size:]
        return piece


def answer(data, sizes=()):
    return Wire(SimpleNamespace(_sock=Pieces(data, sizes))).ask(b"")


@given(_values, st.lists(st.integers(1, 9), max_size=30))
def test_an_answer_is_the_same_in_any_pieces(value, sizes):
    assert answer(written(value), sizes) == value


def test_a_large_answer_is_read_whole():
    values = [b"x" * (3 * SIZE + 1), b"y" * SIZE, b""]
    assert answer(written(values), [10, SIZE, 1]) == values


def test_a_status_and_an_empty_list():
    assert answer(b"+OK\r\n") == b"OK"
    assert answer(b"*-1\r\n") is None


@pytest.mark.parametrize(("line", "code", "reason"), [
    ("NOSCRIPT No matching script", "NOSCRIPT", "No matching script"),
    ("ERR unknown command", "ERR", "unknown command"),
    ("something else", "", "something else"),
    ("OOM", "OOM", "OOM"),
])  # fmt: skip
def test_an_error_has_a_code_and_a_reason(line, code, reason):
    with pytest.raises(Refused) as raised:
        answer(f"-{line}\r\n".encode())
    assert (raised.value.code, str(raised.value)) == (code, reason)


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$many\r\n", b"*x\r\n", b"\r\n", b"+" * (3 * SIZE)])
def test_a_server_of_another_kind_is_named_so(data):
    with pytest.raises(OSError, match="does not speak the protocol of Redis"):
        answer(data)


@pytest.mark.parametrize("data", [b"", b":1", b"$10\r\nabc", b"*2\r\n:1\r\n"])
def test_an_answer_that_is_cut_short_is_a_closed_connection(data):
    with pytest.raises(ConnectionResetError, match="the server closed the connection"):
        answer(data)


def test_a_connection_on_which_something_arrived_is_not_usable():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(SimpleNamespace(_sock=ours))
        assert wire.is_usable()
        theirs.sendall(b"late")
        assert not wire.is_usable()


def test_without_poll_select_finds_what_arrived(monkeypatch):
    monkeypatch.delattr("select.poll")
    test_a_connection_on_which_something_arrived_is_not_usable()


def test_a_closed_socket_is_not_usable(monkeypatch):
    monkeypatch.delattr("select.poll")
    ours, theirs = socket.socketpair()
    theirs.close()
    wire = Wire(SimpleNamespace(_sock=ours))
    ours.close()
    assert not wire.is_usable()


def test_parts_of_a_command_are_text_bytes_and_numbers():
    assert packed(("é", b"\r\n", 10, 0.5)) == b"$2\r\n\xc3\xa9\r\n$2\r\n\r\n\r\n$2\r\n10\r\n$3\r\n0.5\r\n"
