"""The threads for calls that may block."""

from __future__ import annotations

import threading

from openaimock.server.pool import Pool


def test_threads_start_when_they_are_needed_and_no_more_than_allowed(eventually):
    pool, go, threads = Pool(3), threading.Event(), []
    before = threading.active_count()
    assert pool._started == 0

    def job():
        assert go.wait(20)
        threads.append(threading.get_ident())

    for _ in range(10):
        pool.submit(job)
    assert pool._started == 3
    go.set()
    eventually(lambda: len(threads) == 10)
    assert len(set(threads)) <= 3
    pool.close()
    eventually(lambda: threading.active_count() <= before)


def test_an_idle_thread_is_used_again(eventually):
    pool, threads = Pool(8), []
    for number in range(1, 6):
        pool.submit(lambda: threads.append(threading.get_ident()))
        eventually(lambda number=number: len(threads) == number and pool._idle._value == 1)
    assert len(set(threads)) == 1
    pool.close()
