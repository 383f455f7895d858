"""Timed bodies and deferred calls on other hosts than our server."""

from __future__ import annotations

import math
import socket
import time

import pytest

from openaimock.http import extensions
from openaimock.http.extensions import Deferred, TimedBody, disconnect_check, timer


def test_a_timed_body_sleeps():
    started = time.monotonic()
    assert list(TimedBody([(0.02, b"a"), (0.03, b"b")])) == [b"a", b"b"]
    assert time.monotonic() - started >= 0.05


def test_a_stall_ends_after_the_limit(monkeypatch):
    monkeypatch.setattr(extensions, "STALL_LIMIT", 0.05)
    assert list(TimedBody([(0.0, b"a"), (math.inf, b"")])) == [b"a", b""]


def test_a_wait_ends_when_the_client_is_gone(monkeypatch):
    monkeypatch.setattr(extensions, "CHECK", 0.01)
    answers = iter([False, False, True])
    body = TimedBody([(0.0, b"a"), (3600.0, b"b")], is_gone=lambda: next(answers))
    assert list(body) == [b"a"]


@pytest.mark.parametrize("name", ["gunicorn.socket", "werkzeug.socket"])
def test_the_socket_of_the_host_shows_whether_the_client_is_gone(name):
    ours, client = socket.socketpair()
    with ours:
        is_gone = disconnect_check({name: ours})
        assert not is_gone()
        client.send(b"next request")
        assert not is_gone()
        ours.recv(100)
        client.close()
        assert is_gone()
    assert is_gone()


def test_the_check_of_waitress_is_used():
    assert disconnect_check({"waitress.client_disconnected": lambda: True})()


def test_other_hosts_show_nothing():
    assert disconnect_check({}) is None
    assert isinstance(timer({})([]), TimedBody)


def test_the_hook_of_the_host_is_used():
    assert timer({"openaimock.timed": list})((1, 2)) == [1, 2]


def test_frozen_time_does_not_stop_a_timed_body(monkeypatch):
    for name in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, name, lambda: 5.0)
    assert list(TimedBody([(0.02, b"a")])) == [b"a"]


def test_a_deferred_call_is_made_where_it_is_read():
    assert list(Deferred(lambda: [b"a"])) == [b"a"]
