"""The protocol of state: every implementation passes the same tests. Add one to ``IMPLEMENTATIONS`` to test it."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.config.load import Config
from openaimock.config.redis_address import parse
from openaimock.state import blobs
from openaimock.state.journal import ENTRY, JournalMemory
from openaimock.state.memory import BUCKETS, MemoryState
from openaimock.state.shared import SharedState
from openaimock.state.shared_store import SharedStore
from openaimock.state.sqlite import SQLiteEngine
from openaimock.state.store import Cost, StateFull
from openaimock.types.exchange import Exchange

from ..support.redis_server import MISSING, needs_redis, shared_server

#: What the states of all implementations start with: the scenario ``cart`` is ``empty``, a journal has 5 entries.
SETTINGS = Config(scenarios={"cart": "empty"}, journal_size=5)
_folder = TemporaryDirectory(prefix="openaimock-test-")
_names = itertools.count()


@cache
def _sqlite() -> SharedStore:
    return SharedStore(SQLiteEngine(Path(_folder.name) / "state.db"), SETTINGS)


@cache
def _redis() -> SharedStore:
    from openaimock.state.redis import RedisEngine

    return SharedStore(RedisEngine(parse(f"{shared_server().url}?prefix=test-store")), SETTINGS)


#: Each makes an empty state. A database is made once, because that takes longer than a test.
IMPLEMENTATIONS = {
    "memory": lambda: MemoryState("default", SETTINGS.scenarios, SETTINGS.journal_size),
    "sqlite": lambda: _sqlite()[f"test {next(_names)}"],
    **({} if MISSING else {"redis": lambda: _redis()[f"test {next(_names)}"]}),
}


@needs_redis
def test_redis_is_among_the_implementations():
    assert "redis" in IMPLEMENTATIONS


def shared_views(implementation: str) -> list[SharedState]:
    """Two views of one new namespace, as two processes have them."""
    first = IMPLEMENTATIONS[implementation]()
    store = {"sqlite": _sqlite, "redis": _redis}[implementation]()
    return [first, store._state(first.name)]


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def state(request):
    state = IMPLEMENTATIONS[request.param]()
    yield state
    state.reset()


def exchange(number: int) -> Exchange:
    return Exchange(number, 0.0, "default", "POST", "/v1/chat/completions", order=number)


# Rules


def test_hits_are_numbered_from_zero(state):
    assert [state.claim("a"), state.claim("a"), state.claim("b")] == [0, 1, 0]
    assert dict(state.hits()) == {"a": 2, "b": 1}


def test_a_rule_is_used_up_after_its_times(state):
    assert [state.claim("a", 2) for _ in range(4)] == [0, 1, None, None]
    assert dict(state.hits()) == {"a": 2}


def test_a_claim_with_the_same_key_is_the_same_claim(state):
    assert [state.claim("a", 2, key="k"), state.claim("a", 2), state.claim("a", 2, key="k")] == [0, 1, 0]
    assert state.claim("b", key="k") == 0
    assert dict(state.hits()) == {"a": 2, "b": 1}


def test_threads_claim_each_number_once(state):
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: state.claim("a", 500), range(800)))
    assert sorted(number for number in numbers if number is not None) == list(range(500))


def test_answers_of_conversations_are_noted(state):
    state.claim("a", answer=3)
    state.claim("a", answer=5)
    state.claim("b")
    assert set(state.answers()) == {("a", 3), ("a", 5)}


def test_the_first_attempts_fail_and_count_no_hit(state):
    attempts = []
    for _ in range(4):
        state.claim("a")
        attempts.append(state.fail("a", 0, 2))
    assert attempts == [True, True, False, False]
    assert dict(state.hits()) == {"a": 2}


def test_each_reply_of_a_rule_fails_on_its_own(state):
    assert [state.fail("a", 0, 1), state.fail("a", 1, 1), state.fail("a", 0, 1), state.fail("b", 0, 1)] == [
        True,
        True,
        False,
        True,
    ]


def test_rules_can_be_forgotten_one_by_one(state):
    for rule in ("a", "b"):
        state.claim(rule, answer=1, key="k")
        state.fail(rule, 0, 1)
    state.claim("b")
    state.forget_rules(["a"])
    assert (state.claim("a", key="k"), state.fail("a", 0, 1), state.fail("b", 0, 1)) == (0, True, False)
    assert set(state.answers()) == {("b", 1)}


# Scenarios


def test_scenarios_start_where_the_settings_say(state):
    state.set_scenarios({"cart": "full", "door": "open"})
    assert dict(state.scenarios()) == {"cart": "full", "door": "open"}
    state.reset()
    assert dict(state.scenarios()) == {"cart": "empty"}


def test_a_state_is_exchanged_only_for_the_expected_one(state):
    assert state.compare_and_set("cart", "empty", "full")
    assert not state.compare_and_set("cart", "empty", "lost")
    assert state.compare_and_set("door", None, "open")
    assert dict(state.scenarios()) == {"cart": "full", "door": "open"}


def test_one_of_many_threads_exchanges_a_state(state):
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda number: state.compare_and_set("cart", "empty", str(number)), range(50))) == 1


# Numbers and limits


def test_each_number_is_given_once(state):
    assert [state.next_number(), state.next_number()] == [1, 2]
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: state.next_number(), range(200))) == list(range(3, 203))


def test_costs_are_taken_together_or_not_at_all(state):
    requests, tokens = Cost("requests", 1, 10, 60), Cost("tokens", 80, 100, 60)
    assert state.take([requests, tokens], 0.0) == (True, (9, 20))
    assert state.take([requests, tokens], 0.0) == (False, (9, 20))
    assert state.take([requests], 0.0) == (True, (8,))


def test_a_clock_that_is_behind_refills_nothing_twice(state):
    costs = [Cost("b", 5, 10, 10.0)]
    assert [state.take(costs, now).levels for now in (100.0, 90.0, 100.0)] == [(5,), (0,), (0,)]


@given(st.integers(1, 50), st.lists(st.floats(0, 5), max_size=40))
@pytest.mark.parametrize("implementation", sorted(IMPLEMENTATIONS))
def test_a_bucket_never_gives_more_than_it_holds_and_refills(implementation, limit, waits):
    state, now, count = IMPLEMENTATIONS[implementation](), 0.0, 0
    for wait in waits:
        now += wait
        count += state.take([Cost("b", 1, limit, 60.0)], now).is_enough
    assert count <= limit + now * limit / 60.0 + 0.001


def test_memory_keeps_a_bounded_number_of_buckets_and_none_that_is_full_again():
    state = MemoryState("default")
    for number in range(BUCKETS + 100):
        state.take([Cost(str(number), 1, 10, 60.0)], 0.0)
    assert len(state._buckets) == BUCKETS
    state.take([Cost("later", 1, 10, 60.0)], 3600.0)
    assert list(state._buckets) == ["later"]


# Journal


def test_the_journal_keeps_the_last_exchanges(state):
    for number in range(8):
        state.append(exchange(number))
    assert [entry.number for entry in state.exchanges()] == [3, 4, 5, 6, 7]
    assert state.dropped() == 3
    assert (state.clear_exchanges(), state.exchanges()) == (5, [])


def test_all_journals_together_are_bounded_in_bytes():
    memory = JournalMemory(10 * ENTRY)
    one, two = MemoryState("one", size=100, memory=memory), MemoryState("two", size=100, memory=memory)
    for number in range(0, 20, 2):
        one.append(exchange(number))
        two.append(exchange(number + 1))
    kept = [entry.order for state in (one, two) for entry in state.exchanges()]
    assert sorted(kept) == list(range(10, 20))
    large = exchange(20)
    one.append(large)
    one.charge(large, 8 * ENTRY)
    assert [entry.order for state in (one, two) for entry in state.exchanges()] == [20, 19]
    assert memory.used == 10 * ENTRY
    one.charge(large, 100 * ENTRY)
    assert (one.exchanges(), two.exchanges(), memory.used) == ([], [], 0)


def test_a_journal_that_goes_gives_its_bytes_back():
    memory = JournalMemory(10 * ENTRY)
    state = MemoryState("one", memory=memory)
    state.append(exchange(1))
    state.reset()
    assert memory.used == 0


# Objects


def test_objects_are_stored_replaced_and_deleted(state):
    state.put("files", "a", {"n": 1})
    state.put("files", "b", {"n": 2})
    state.put("files", "a", {"n": 3})
    assert (state.get("files", "a"), state.get("files", "c"), state.get("other", "a")) == ({"n": 3}, None, None)
    assert state.page("files", limit=9).items == [{"n": 3}, {"n": 2}]
    assert (state.count("files"), state.delete("files", "a"), state.delete("files", "a"), state.count("files")) == (
        2,
        True,
        False,
        1,
    )


def test_an_object_is_updated_when_its_members_are_as_expected(state):
    state.put("batches", "a", {"status": "queued", "n": 1}, {"status": "queued"})
    assert state.update("batches", "a", {"status": "running"}, {"status": "queued"}) == {"status": "running", "n": 1}
    assert state.update("batches", "a", {"status": "running"}, {"status": "queued"}) is None
    assert state.update("batches", "b", {"status": "running"}) is None
    assert state.get("batches", "a") == {"status": "running", "n": 1}


def test_one_of_many_threads_updates(state):
    state.put("batches", "a", {"status": "queued"})
    with ThreadPoolExecutor(8) as pool:
        updates = list(pool.map(lambda n: state.update("batches", "a", {"status": str(n)}, {"status": "queued"}), range(50)))
    assert sum(update is not None for update in updates) == 1


def reference_page(ids, limit, after, before, newest_first):
    """What a page holds, said in the simplest way."""
    ordered = list(reversed(ids)) if newest_first else list(ids)
    if after is not None:
        ordered = ordered[ordered.index(after) + 1 :]
    if before is not None and before in ordered:
        ordered = ordered[: ordered.index(before)]
    return ordered[:limit], len(ordered) > limit


@given(st.data())
@pytest.mark.parametrize("implementation", sorted(IMPLEMENTATIONS))
def test_pages(implementation, data):
    state = IMPLEMENTATIONS[implementation]()
    ids = [f"id{number}" for number in range(data.draw(st.integers(0, 8)))]
    for id in ids:
        state.put("c", id, id, {"parity": str(int(id[2:]) % 2)})
    some_id = st.none() | st.sampled_from([*ids, "missing"])
    after, before, newest = data.draw(some_id), data.draw(some_id), data.draw(st.booleans())
    limit = data.draw(st.integers(1, 9))
    page = state.page("c", limit=limit, after=after, before=before, newest_first=newest)
    if "missing" in (after, before):
        assert page is None
    else:
        assert page == reference_page(ids, limit, after, before, newest)
    even = state.page("c", limit=9, index={"parity": "0"})
    assert even.items == [id for id in ids if int(id[2:]) % 2 == 0]


# Blobs


def test_blobs_are_stored_appended_read_and_deleted(state):
    assert state.put_blob("a", iter([b"one ", b"two"])) == 7
    assert (state.append_blob("a", b"!"), state.append_blob("new", b"x")) == (8, 1)
    with state.open_blob("a") as file:
        assert file.read() == b"one two!"
    assert state.put_blob("a", [b"other"]) == 5
    with state.open_blob("a") as file:
        assert file.read() == b"other"
    assert (state.open_blob("none"), state.delete_blob("a"), state.delete_blob("a"), state.open_blob("a")) == (
        None,
        True,
        False,
        None,
    )


def test_a_large_blob_is_the_same_bytes(state):
    data = bytes(range(256)) * 4096
    assert state.put_blob("a", (data[start : start + 10_000] for start in range(0, len(data), 10_000))) == len(data)
    with state.open_blob("a") as file:
        assert file.read() == data
        state.delete_blob("a")


def test_a_failed_upload_changes_nothing(state):
    def chunks():
        yield b"new"
        raise ValueError("cut off")

    state.put_blob("a", [b"old"])
    with pytest.raises(ValueError, match="cut off"):
        state.put_blob("a", chunks())
    with state.open_blob("a") as file:
        assert file.read() == b"old"


def test_blobs_are_bounded(monkeypatch):
    monkeypatch.setattr(blobs, "TOTAL", 10)
    state = MemoryState("default")
    state.put_blob("a", [b"12345"])
    with pytest.raises(StateFull):
        state.put_blob("b", [b"123", b"456"])
    assert state.open_blob("b") is None
    assert state.append_blob("a", b"67890") == 10


# Work in the background


def test_a_lease_is_held_by_one_until_it_ends(state):
    assert state.lease("job", "one", 10, 0.0)
    assert not state.lease("job", "two", 10, 5.0)
    assert state.lease("job", "one", 10, 5.0)
    assert not state.lease("job", "two", 10, 14.0)
    assert state.lease("job", "two", 10, 16.0)


def test_a_lease_is_released_by_its_holder_alone(state):
    state.lease("job", "one", 10, 0.0)
    state.release("job", "two")
    assert not state.lease("job", "two", 10, 0.0)
    state.release("job", "one")
    assert state.lease("job", "two", 10, 0.0)


def test_one_of_many_threads_gets_a_lease(state):
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda number: state.lease("job", str(number), 10, 0.0), range(50))) == 1


def test_jobs_are_due_in_the_order_of_their_times(state):
    for job, at in (("late", 9.0), ("soon", 1.0), ("now", 0.5), ("gone", 0.1)):
        state.schedule(job, at)
    state.schedule("gone", None)
    assert (state.due(0.0), state.due(2.0), state.due(9.0, 2)) == ([], ["now", "soon"], ["now", "soon"])


def test_reset_forgets_everything(state):
    state.claim("a", answer=1, key="k")
    state.fail("a", 0, 1)
    state.next_number()
    state.take([Cost("b", 1, 1, 60.0)], 0.0)
    state.append(exchange(1))
    state.put("c", "id", 1)
    state.put_blob("blob", [b"x" * 1_000_000])
    state.lease("job", "one", 10, 0.0)
    state.schedule("job", 0.0)
    state.reset()
    assert (dict(state.hits()), set(state.answers()), state.exchanges(), state.dropped()) == ({}, set(), [], 0)
    assert (state.next_number(), state.get("c", "id"), state.open_blob("blob"), state.due(1.0)) == (1, None, None, [])
    assert state.take([Cost("b", 1, 1, 60.0)], 0.0).is_enough
    assert state.lease("job", "two", 10, 0.0)
    assert (state.claim("a", key="k"), state.fail("a", 0, 1)) == (0, True)


def test_readers_and_writers_do_not_disturb_each_other(state):
    done = threading.Event()

    def write():
        number = 0
        while not done.is_set():
            number += 1
            state.put("c", str(number % 50), number)
            state.delete("c", str((number + 25) % 50))

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write) for _ in range(2)]
        for _ in range(300):
            assert len(state.page("c", limit=100).items) <= 50
        done.set()
        for writer in writers:
            writer.result()
