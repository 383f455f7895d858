"""Several processes with one SQLite file: nothing is counted twice, and nothing is lost when one is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openaimock.config.load import Config, load
from openaimock.state.records import encode
from openaimock.state.shared_store import SharedStore
from openaimock.state.sqlite import SQLiteEngine
from openaimock.state.stores import make_store
from openaimock.types.exchange import Exchange

ROOT = Path(__file__).resolve().parents[2]


def begin(work: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.state.processes", work, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.fixture
def open_store(tmp_path) -> Iterator:
    stores = []

    def make(**settings: object) -> SharedStore:
        stores.append(SharedStore(SQLiteEngine(tmp_path / "state.db"), Config(**settings)))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def test_eight_processes_claim_each_of_10000_steps_once(tmp_path):
    path, steps = tmp_path / "state.db", 10_000
    processes = [begin("claim", path, steps) for _ in range(8)]
    shares = [[int(number) for number in process.communicate(timeout=240)[0].split()] for process in processes]
    assert sorted(number for share in shares for number in share) == list(range(steps))
    assert all(share == sorted(share) for share in shares)


def test_processes_take_no_more_than_a_bucket_holds(tmp_path):
    processes = [begin("take", tmp_path / "state.db", 500) for _ in range(4)]
    assert sum(int(process.communicate(timeout=240)[0]) for process in processes) == 500


def test_processes_open_a_new_file_at_the_same_time(tmp_path):
    processes = [begin("join", tmp_path) for _ in range(4)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for number in range(20):
        for process in processes:
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
        assert [process.stdout.readline() for process in processes] == ["ok\n"] * 4
    for process in processes:
        process.communicate()


def test_a_process_that_is_killed_loses_no_claim_and_no_object(tmp_path, open_store):
    with begin("write", tmp_path / "state.db") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 200:
                process.kill()
                break
        printed = [200, *map(int, process.stdout.read().split())]
    state = open_store()["shared"]
    assert state.hits()["rule"] >= printed[-1] + 1
    for number in range(printed[-1] + 1):
        assert state.get("objects", f"o{number}") == {"number": number}
        with state.open_blob(f"b{number}") as file:
            assert file.read() == b"x" * 1000


def test_a_second_look_at_the_file_of_an_open_store_keeps_its_locks(tmp_path, open_store):
    path = tmp_path / "state.db"
    state = open_store()["shared"]
    assert state.claim("rule", 5) == 0
    # As ``--watch`` does when the configuration changes.
    make_store(load({"store": f"sqlite:///{path}"}))
    # Without the locks, the end of this process would delete the log that has the next claim.
    assert begin("claim", path, 2).communicate(timeout=60)[0].split() == ["1"]
    assert state.claim("rule", 5) == 2
    assert begin("claim", path, 5).communicate(timeout=60)[0].split() == ["3", "4"]


def test_everything_survives_a_restart(open_store):
    first = open_store()
    state = first["default"]
    numbers = [state.next_number() for _ in range(3)]
    state.claim("rule", answer=2, key="key")
    state.count_hit("other")
    state.set_scenarios({"door": "open"})
    state.append(Exchange(1, 5.0, "default", "GET", "/v1/models", ended="complete"))
    state.put("objects", "a", {"n": 1}, {"kind": "x"})
    state.put_blob("b", [b"bytes"])
    state.schedule("job", 1.0)
    first.close()
    state = open_store()["default"]
    assert dict(state.hits()) == {"rule": 1, "other": 1}
    assert (state.answers(), state.claim("rule", key="key"), state.scenarios()["door"]) == ({("rule", 2)}, 0, "open")
    assert [exchange.path for exchange in state.exchanges()] == ["/v1/models"]
    assert state.page("objects", limit=1, index={"kind": "x"}).items == [{"n": 1}]
    assert state.open_blob("b").read() == b"bytes"
    assert state.due(2.0) == ["job"]
    assert state.next_number() not in numbers


def test_a_lease_of_a_process_that_ended_passes_to_another(open_store):
    one, two = open_store()["default"], open_store()["default"]
    assert one.lease("response", "one", 10.0, 100.0)
    assert not two.lease("response", "two", 10.0, 105.0)
    assert two.lease("response", "two", 10.0, 110.5)
    assert not one.lease("response", "one", 10.0, 111.0)
    one.release("response", "one")
    assert not one.lease("response", "one", 10.0, 112.0)


def test_jobs_that_are_due_are_listed_for_all_namespaces_and_go_with_them(open_store):
    one, two = open_store(), open_store()
    one["a"].schedule("late", 5.0)
    one["b"].schedule("soon", 1.0)
    one["b"].schedule("later", 50.0)
    assert [(state.name, job) for state, job in two.due_jobs(10.0)] == [("b", "soon"), ("a", "late")]
    two.reset("b")
    assert [(state.name, job) for state, job in one.due_jobs(60.0)] == [("a", "late")]
    one["a"].schedule("late", None)
    assert one.due_jobs(60.0) == []


def test_an_exchange_that_is_running_is_written_again_when_it_ends(open_store):
    one, two = open_store(), open_store()
    exchange = Exchange(1, 5.0, "default", "GET", "/v1/models")
    state = one["default"]
    state.next_number()
    state.append(exchange)
    assert [entry.ended for entry in next(iter(two)).exchanges()] == ["running"]
    exchange.ended, exchange.status = "complete", 200
    assert [(entry.ended, entry.status) for entry in next(iter(two)).exchanges()] == [("complete", 200)]


def test_the_journals_are_bounded_in_number_and_in_bytes(open_store):
    path = "/v1/" + "x" * 6000
    exchange = Exchange(10, 5.0, "a", "GET", path, ended="complete")
    store = open_store(journal_size=50, journal_memory=len(encode(exchange)) * 60)
    for name in ("a", "b"):
        for number in range(80):
            store[name].append(Exchange(number + 10, 5.0, name, "GET", path, ended="complete"))
            store.flush()
    kept = {state.name: [entry.number for entry in state.exchanges()] for state in store}
    assert kept["b"] == list(range(40, 90))
    assert 5 <= len(kept["a"]) <= 15
    assert kept["a"][-1] == 89
    assert store["a"].dropped() == 80 - len(kept["a"])


def test_namespaces_are_bounded(open_store, monkeypatch):
    monkeypatch.setattr("openaimock.state.shared_store.LIMIT", 5)
    store = open_store()
    for number in range(12):
        store[f"n{number}"].next_number()
    store._beaten = 0.0
    store.tick()
    assert len(store.engine.epochs()) <= 6
    assert "n11" in store
    assert len(store._states) <= 6


def test_what_cannot_be_written_is_written_later(open_store, monkeypatch):
    from openaimock.state.store import StoreUnavailable

    store = open_store()
    state = store["default"]
    state.next_number()
    write = store.engine.write

    def fail(*arguments: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store.engine, "write", fail)
    for number in range(3):
        state.count_hit("rule")
        state.append(Exchange(number, 5.0, "default", "GET", "/v1/models", ended="complete"))
    with pytest.raises(StoreUnavailable):
        store.flush()
    monkeypatch.setattr(store.engine, "write", write)
    assert [entry.number for entry in next(iter(store)).exchanges()] == [0, 1, 2]
    assert dict(state.hits()) == {"rule": 3}
