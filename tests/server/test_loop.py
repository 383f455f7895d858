"""The event loop and its threads."""

from __future__ import annotations

import select
import signal
import socket
import sys
import threading
import time

import pytest

from openaimock.server import loop as loops
from openaimock.server.loop import Loop
from openaimock.server.poller import READ, WRITE, EpollPoller, SelectorPoller


@pytest.fixture(params=[EpollPoller, SelectorPoller])
def loop(request, monkeypatch):
    if request.param is EpollPoller and not hasattr(select, "epoll"):
        pytest.skip("no epoll here")
    monkeypatch.setattr(loops, "make_poller", request.param)
    loop = Loop()
    yield loop
    loop.close()


def test_moments_come_in_their_order(loop):
    calls = []
    now = time.monotonic()
    for delay in (0.03, 0.01, 0.02, 0.01):
        loop.at(now + delay, lambda delay=delay: calls.append(delay))
    while len(calls) < 4:
        loop.turn()
    assert calls == [0.01, 0.01, 0.02, 0.03]


def test_no_moment_comes_early(loop):
    calls = []
    due = time.monotonic() + 0.05
    loop.at(due, lambda: calls.append(time.monotonic()))
    while not calls:
        loop.turn()
    assert calls[0] >= due


def test_a_turn_waits_no_longer_than_told(loop):
    loop.at(time.monotonic() + 3600, lambda: None)
    loop.turn(time.monotonic() + 0.01)


def test_only_what_is_watched_is_reported(loop):
    one, other = socket.socketpair()
    events = []
    with one, other:
        one.setblocking(False)
        fd = one.fileno()
        loop.watch(fd, 0, WRITE, events.append)
        loop.turn()
        loop.watch(fd, WRITE, READ, events.append)
        loop.turn(0.0)
        assert events == [WRITE]
        other.send(b"x")
        loop.turn()
        loop.watch(fd, READ, READ | WRITE, events.append)
        loop.turn()
        assert events == [WRITE, READ, READ | WRITE]
        loop.watch(fd, READ | WRITE, 0, events.append)
        loop.turn(0.0)
        assert len(events) == 3


def test_a_socket_that_is_no_longer_watched_is_not_called_in_the_same_turn(loop):
    pairs = [socket.socketpair() for _ in range(2)]
    calls = []

    def call(events):
        calls.append(events)
        for one, _ in pairs:
            loop.watch(one.fileno(), READ, 0, call)

    for one, other in pairs:
        loop.watch(one.fileno(), 0, READ, call)
        other.send(b"x")
    loop.turn()
    loop.turn(0.0)
    assert len(calls) == 1
    for one, other in pairs:
        one.close()
        other.close()


def test_a_socket_that_fails_does_not_end_the_others(loop, caplog):
    one, other = socket.socketpair()

    def fail(events):
        loop.watch(one.fileno(), READ, 0, fail)
        raise LookupError("broken")

    with one, other:
        loop.watch(one.fileno(), 0, READ, fail)
        other.send(b"x")
        loop.turn()
        loop.turn(0.0)
    assert caplog.text.count("LookupError: broken") == 1


def test_other_threads_have_things_done_in_the_loops_thread(loop):
    calls = []
    thread = threading.Thread(target=lambda: [loop.call(lambda: calls.append(threading.get_ident())) for _ in range(1000)])
    thread.start()
    while len(calls) < 1000:
        loop.turn()
    thread.join()
    assert set(calls) == {threading.get_ident()}


def test_a_closed_loop_calls_at_once():
    loop, calls = Loop(), []
    loop.call(lambda: calls.append("before"))
    loop.close()
    loop.call(lambda: calls.append("after"))
    assert calls == ["before", "after"]


def test_a_callback_that_fails_does_not_end_the_loop(loop, caplog):
    calls = []
    loop.at(0.0, lambda: 1 / 0)
    loop.at(0.0, lambda: calls.append(True))
    loop.ready.append(lambda: 1 / 0)
    while not calls:
        loop.turn()
    assert caplog.text.count("ZeroDivisionError") == 2


def test_moments_that_are_always_due_do_not_keep_others_waiting(loop):
    calls = []

    def again():
        loop.at(time.monotonic(), again)

    loop.at(0.0, again)
    loop.call(lambda: calls.append(True))
    while not calls:
        loop.turn()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no SIGUSR1 here")
def test_a_signal_ends_the_wait_even_when_another_thread_receives_it(loop):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals come to the main thread")
    handled = []
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(number))

    begin = threading.Event()

    def receive():
        begin.wait()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    thread = threading.Thread(target=receive)
    # Blocked here, the signal cannot interrupt the wait itself: it is as if it came just before the wait began.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    # Without switches the thread runs when the loop waits, not before.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)
    until = time.monotonic() + 60
    try:
        with loop.woken_by_signals():
            thread.start()
            begin.set()
            while not handled:
                loop.turn(until)
    finally:
        sys.setswitchinterval(interval)
        thread.join()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        signal.signal(signal.SIGUSR1, previous)
    assert time.monotonic() < until


def test_in_another_thread_signals_are_left_alone(loop):
    done = []

    def turn():
        with loop.woken_by_signals():
            done.append(True)

    thread = threading.Thread(target=turn)
    thread.start()
    thread.join()
    assert done
