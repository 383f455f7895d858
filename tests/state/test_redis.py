"""The Redis store: when the server is away, closed to us or full; how keys end; and many processes at once."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from openaimock.config.redis_address import parse
from openaimock.state.engine import SYSTEM, Batch, Entry
from openaimock.state.store import Cost, StoreUnavailable

from ..support.certificates import certificate
from ..support.commands import environment
from ..support.redis_server import RedisServer, needs_redis, shared_server

pytestmark = needs_redis
_prefixes = itertools.count()


def engine_of(url, **options):
    from openaimock.state.redis import RedisEngine

    query = "&".join(f"{name}={value}" for name, value in {"prefix": f"test-{next(_prefixes)}", **options}.items())
    return RedisEngine(parse(f"{url}?{query}"))


@pytest.fixture
def engine():
    engine = engine_of(shared_server().url)
    yield engine
    engine.reset(None)
    engine.close()


@pytest.fixture
def server():
    server = RedisServer(persistent=True)
    yield server
    server.close()


def keys(engine, pattern="*"):
    names = engine._connections.run("KEYS", f"{{{engine._base[1:-2]}}}{pattern}")
    return sorted(name.decode() for name in names)


def run_seconds(engine, key):
    return engine._connections.run("TTL", key)


# The server is away


def test_a_server_that_refuses_connections_is_unavailable_at_once(server):
    engine = engine_of(server.url)
    server.kill()
    with pytest.raises(StoreUnavailable) as raised:
        engine.claim("a", "rule", None, -1, None)
    assert str(raised.value).startswith(f"the store {server.url}/0 cannot be used: Error 111 connecting")


def test_nothing_is_lost_when_the_server_comes_back(server):
    engine = engine_of(server.url)
    numbers = [engine.claim("a", "rule", None, -1, None) for _ in range(3)]
    server.kill()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            engine.claim("a", "rule", None, -1, None)
    server.start()
    numbers += [_when_back(lambda: engine.claim("a", "rule", None, -1, None)) for _ in range(3)]
    assert numbers == [0, 1, 2, 3, 4, 5]


def _when_back(operation):
    end = time.monotonic() + 20
    while True:
        try:
            return operation()
        except StoreUnavailable:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_requests_do_not_wait_for_a_silent_server_one_after_the_other(server, monkeypatch):
    monkeypatch.setattr("openaimock.state.redis_connections.TIMEOUT", 0.3)
    monkeypatch.setattr("openaimock.state.redis_connections.PAUSE", 60.0)
    engine = engine_of(server.url)
    engine.claim("a", "rule", None, -1, None)
    server.pause()
    try:
        with pytest.raises(StoreUnavailable, match="timed out"):
            engine.claim("a", "rule", None, -1, None)
        before = time.thread_time()
        for _ in range(100):
            with pytest.raises(StoreUnavailable, match="timed out"):
                engine.claim("a", "rule", None, -1, None)
        assert time.thread_time() - before < 1
    finally:
        server.resume()
    engine.check()
    # The first claim that got no answer may have been counted or not; it is never counted twice.
    assert engine.claim("a", "rule", None, -1, None) in (1, 2)


def test_a_connection_that_the_server_closed_is_replaced(engine):
    engine.claim("a", "rule", None, -1, None)
    for _ in range(3):
        engine._connections.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        other = engine_of(shared_server().url)
        other._connections.run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        other.close()
        assert isinstance(engine.claim("a", "rule", None, -1, None), int)


def test_scripts_that_the_server_has_forgotten_are_sent_again(engine):
    assert engine.claim("a", "rule", None, -1, None) == 0
    engine._connections.run("SCRIPT", "FLUSH")
    assert engine.claim("a", "rule", None, -1, None) == 1


def test_a_host_that_does_not_exist_is_unavailable():
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        engine_of("redis://127.0.0.1:1").check()


# Passwords, permissions, TLS and memory


@pytest.fixture(scope="module")
def locked():
    server = RedisServer("--requirepass", "hunter2")
    yield server
    server.close()


def test_a_password_in_the_address_is_used(locked):
    engine = engine_of(locked.url.replace("redis://", "redis://:hunter2@"))
    assert engine.claim("a", "rule", None, -1, None) == 0


@pytest.mark.parametrize("login", ["", ":wrong-secret@", "ann:wrong-secret@"])
def test_a_wrong_password_is_a_clear_error_that_does_not_show_it(locked, login):
    engine = engine_of(locked.url.replace("redis://", f"redis://{login}"))
    with pytest.raises(StoreUnavailable) as raised:
        engine.check()
    assert "secret" not in str(raised.value)
    assert "uthentication" in str(raised.value) or "password" in str(raised.value)
    assert "secret" not in f"{engine.place} {engine!r} {vars(engine)}"


def test_a_user_without_permission_gets_a_clear_error(locked):
    admin = engine_of(locked.url.replace("redis://", "redis://:hunter2@"))
    admin._connections.run("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+ping", "+select", "+client")
    engine = engine_of(locked.url.replace("redis://", "redis://reader:secret@"))
    with pytest.raises(StoreUnavailable, match="permission"):
        engine.claim("a", "rule", None, -1, None)


def test_a_full_server_is_a_clear_error_and_loses_nothing():
    server = RedisServer("--maxmemory-policy", "noeviction")
    try:
        engine = engine_of(server.url)
        engine.claim("a", "rule", None, -1, None)
        engine._connections.run("CONFIG", "SET", "maxmemory", "1mb")
        with pytest.raises(StoreUnavailable, match="command not allowed when used memory > 'maxmemory'"):
            engine.put("a", "files", "id", "x" * 2_000_000, {})
        engine._connections.run("CONFIG", "SET", "maxmemory", "0")
        assert engine.claim("a", "rule", None, -1, None) == 1
    finally:
        server.close()


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def test_tls_checks_the_certificate_of_the_server(certified):
    cert, key = certified
    server = RedisServer(
        "--tls-cert-file", str(cert), "--tls-key-file", str(key), "--tls-ca-cert-file", str(cert), "--tls-auth-clients", "no",
        is_tls=True,
    )  # fmt: skip
    try:
        assert engine_of(server.url, ca=cert).claim("a", "rule", None, -1, None) == 0
        assert engine_of(server.url, verify="false").claim("a", "rule", None, -1, None) == 0
        with pytest.raises(StoreUnavailable, match=r"(?i)certificate"):
            engine_of(server.url).check()
        with pytest.raises(StoreUnavailable):
            engine_of(server.url.replace("rediss", "redis")).check()
    finally:
        server.close()


def test_an_older_server_is_refused(engine, monkeypatch):
    monkeypatch.setattr("openaimock.state.redis_connections.OLDEST", (99, 0))
    with pytest.raises(StoreUnavailable, match=r"Redis 99 or newer is needed, this is \d+\.\d+"):
        engine_of(shared_server().url).check()


# Keys


def test_two_prefixes_share_nothing(engine):
    other = engine_of(shared_server().url)
    engine.claim("a", "rule", None, -1, None)
    assert other.claim("a", "rule", None, -1, None) == 0
    other.reset(None)
    assert engine.hits("a") == {"rule": 1}


def test_any_text_names_a_namespace(engine):
    names = ["a", "a:b", "ü", "{a}", "a b\n", "\0", "%00", "a/../b"]
    for number, name in enumerate(names):
        engine.numbers(name, 1)
        for _ in range(number + 1):
            engine.claim(name, "rule", None, -1, None)
    assert list(engine.epochs()) == names
    assert [engine.hits(name)["rule"] for name in names] == list(range(1, len(names) + 1))
    engine.reset("a")
    assert list(engine.epochs()) == names[1:]
    assert engine.hits("a:b") == {"rule": 2}


def test_any_text_is_a_rule_a_key_and_a_value(engine):
    texts = ["ü", "a\0b", "a\0", "1:a", "%d+", "\ud800", "{a}\r\n$3\r\n"]
    for text in texts:
        assert engine.claim("n", text, None, 7, text) == 0
        assert engine.claim("n", text, None, 7, text) == 0
        assert engine.fail("n", text, 3, 1)
        engine.put("n", "c", text, text, {})
    assert engine.answers("n") == {(text, 7) for text in texts}
    assert engine.page("n", "c", 99, None, None, False, {}).items == texts
    engine.forget_rules("n", ["a\0", "ü", "%d+"])
    assert set(engine.hits("n")) == {"a\0b", "1:a", "\ud800", "{a}\r\n$3\r\n"}
    assert engine.fail("n", "ü", 3, 1)
    assert not engine.fail("n", "a\0b", 3, 1)


def fill(engine, name):
    """Use everything that a namespace has."""
    epoch, _ = engine.numbers(name, 10)
    engine.claim(name, "rule", None, 2, "key")
    engine.fail(name, "rule", 0, 1)
    engine.set_scenarios(name, {"cart": "full"})
    engine.take(name, [Cost("b", 1, 10, 60.0)], 0.0)
    engine.put(name, "files", "id", "{}", {"label": "text"})
    engine.append_blob(name, "blob", b"data")
    engine.lease(name, "job", "one", 10.0, 0.0)
    engine.schedule(name, "job", 1.0)
    engine.write([Batch(name, epoch, {("rule", 1): 1}, [Entry(f"{name}/1", "{}", 4)], 2)], 10, 1000)


def test_every_key_expires_after_disuse(engine):
    fill(engine, "a")
    engine.increment("ticket")
    engine.put(SYSTEM, "processes", "id", "{}", {})
    assert keys(engine)
    assert {key: run_seconds(engine, key) > 0 for key in keys(engine)} == dict.fromkeys(keys(engine), True)


def test_a_use_extends_the_life_of_all_keys_of_a_namespace(engine):
    fill(engine, "a")
    for key in keys(engine):
        engine._connections.run("EXPIRE", key, 1000)
    engine._connections.run("DEL", f"{engine._base}a:fresh")
    engine.numbers("a", 1)
    short = [key for key in keys(engine) if run_seconds(engine, key) <= 1000]
    assert short == []


def test_the_rules_of_the_store_live_as_long_as_a_process(engine):
    engine.put(SYSTEM, "rules", "id", "{}", {})
    for key in keys(engine):
        engine._connections.run("EXPIRE", key, 1000)
    engine.surplus(1000)
    assert min(run_seconds(engine, key) for key in keys(engine, "*rules")) > 1000


def test_a_reset_leaves_no_key_of_the_namespace(engine):
    fill(engine, "a")
    fill(engine, "b")
    engine.reset("a")
    assert keys(engine, ":a:*") == []
    assert engine.hits("b") == {"rule": 1}
    assert engine.entries("b") == [(2, "{}")]


def test_a_reset_of_all_leaves_the_store_s_own_namespace(engine):
    fill(engine, "a")
    engine.put(SYSTEM, "rules", "id", "{}", {})
    engine.reset(None)
    assert (engine.epochs(), engine.get(SYSTEM, "rules", "id")) == ({}, "{}")
    assert keys(engine, ":a:*") == []
    assert engine.counters()["journal"] == 0


def test_namespaces_that_are_unused_for_long_are_surplus(engine):
    engine.numbers("old", 1)
    engine._connections.run("ZADD", f"{engine._store}used", time.time() - 90_000, "old")
    engine.numbers("new", 1)
    assert engine.surplus(1000) == ["old"]
    assert set(engine.surplus(1)) == {"old"}


def test_a_namespace_that_begins_again_has_another_epoch(engine):
    first = engine.numbers("a", 5)
    assert engine.numbers("a", 5) == (first.epoch, 6)
    engine.reset("a")
    again = engine.numbers("a", 5)
    assert (again.first, again.epoch > first.epoch) == (1, True)


def test_the_epoch_grows_also_when_the_server_has_lost_everything(engine):
    first = engine.numbers("a", 5).epoch
    for key in keys(engine):
        engine._connections.run("DEL", key)
    assert engine.numbers("a", 5).epoch >= first
    assert engine.numbers("b", 5).epoch > first


# The journal


def entry(number, size=10, **options):
    return Entry(f"p/{number}", f"record {number}", size, **options)


def write(engine, *entries, epoch=None, size=1000, memory=10**6, **options):
    epoch = engine.numbers("a", 1).epoch if epoch is None else epoch
    engine.write([Batch("a", epoch, options.get("hits", {}), entries, options.get("dropped", 0))], size, memory)


def test_the_oldest_exchanges_make_room(engine):
    write(engine, *map(entry, range(5)), size=3, dropped=4)
    assert engine.entries("a") == [(3, "record 2"), (4, "record 3"), (5, "record 4")]
    assert engine.dropped("a") == 6


def test_all_journals_together_are_bounded_in_bytes(engine):
    epoch = engine.numbers("b", 1).epoch
    engine.write([Batch("b", epoch, {}, [entry(100, 60)])], 10, 1000)
    write(engine, entry(1, 60), memory=100)
    assert (engine.entries("b"), engine.dropped("b")) == ([], 1)
    assert (len(engine.entries("a")), engine.counters()["journal"]) == (1, 60)
    write(engine, entry(2, 500), memory=100)
    assert (engine.entries("a"), engine.counters()["journal"]) == ([], 0)


def test_an_exchange_that_is_written_again_replaces_the_first_record(engine):
    write(engine, entry(1), entry(2))
    write(engine, Entry("p/1", "ended", 30, again=True))
    assert engine.entries("a") == [(1, "ended"), (2, "record 2")]
    assert engine.counters()["journal"] == 40


def test_an_exchange_that_is_gone_is_not_written_again(engine):
    write(engine, entry(1))
    assert engine.clear_entries("a") == 1
    write(engine, Entry("p/1", "ended", 30, again=True))
    assert (engine.entries("a"), engine.counters()["journal"]) == ([], 0)


def test_a_batch_whose_answer_was_lost_can_be_written_again(engine):
    for _ in range(2):
        write(engine, entry(1), entry(2))
    assert engine.entries("a") == [(1, "record 1"), (2, "record 2")]


def test_a_batch_of_an_earlier_epoch_is_dropped(engine):
    epoch = engine.numbers("a", 1).epoch
    engine.reset("a")
    write(engine, entry(1), epoch=epoch, hits={("rule", -1): 3})
    assert (engine.entries("a"), engine.hits("a")) == ([], {})


def test_hits_are_added(engine):
    for _ in range(2):
        write(engine, hits={("rule", -1): 3, ("talk", 2): 1})
    assert (engine.hits("a"), engine.answers("a")) == ({"rule": 6, "talk": 2}, {("talk", 2)})


def test_a_large_batch_is_written_at_once(engine):
    record = "x" * 10_000
    write(engine, *(Entry(f"p/{number}", record, len(record)) for number in range(1000)), memory=10**9)
    assert len(engine.entries("a")) == 1000


# Bounds


def test_claims_that_are_remembered_are_bounded(engine, monkeypatch):
    monkeypatch.setattr("openaimock.state.redis.CLAIMS", 3)
    for number in range(6):
        engine.claim("a", "rule", None, -1, str(number))
    assert engine._run("HLEN", "a", "claims") == engine._run("LLEN", "a", "claimed") == 3
    assert engine.claim("a", "rule", None, -1, "5") == 5
    assert engine.claim("a", "rule", None, -1, "0") == 6


def test_buckets_are_bounded_and_full_ones_are_dropped(engine, monkeypatch):
    monkeypatch.setattr("openaimock.state.redis.BUCKETS", 3)
    for number in range(6):
        engine.take("a", [Cost(str(number), 1, 10, 60.0)], float(number))
    assert engine._run("HLEN", "a", "buckets") == engine._run("ZCARD", "a", "full") == 3
    engine.take("a", [Cost("later", 1, 10, 60.0)], 1000.0)
    assert engine._run("HKEYS", "a", "buckets") == [b"later"]


def test_objects_of_a_collection_are_bounded(engine, monkeypatch):
    monkeypatch.setattr("openaimock.state.redis.OBJECTS", 3)
    for number in range(5):
        engine.put("a", "c", str(number), str(number), {"n": "1"})
    assert (engine.count("a", "c"), engine.get("a", "c", "1"), engine.get("a", "c", "2")) == (3, None, "2")
    assert engine._run("HLEN", "a", "labels:c") == 3


def test_a_clock_that_is_behind_refills_nothing_twice(engine):
    cost = [Cost("b", 1, 2, 60.0)]
    assert [engine.take("a", cost, now).is_enough for now in (100.0, 100.0, 70.0, 100.0, 70.0, 100.0)] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert engine.take("a", cost, 130.0).is_enough


def test_a_value_is_swapped_in_only_where_there_is_none(engine):
    assert engine.swap("a", "c", "id", None, "1")
    assert not engine.swap("a", "c", "id", None, "2")
    assert engine.swap("a", "c", "id", "1", "3")
    assert engine.page("a", "c", 5, None, None, False, {}).items == ["3"]


# Many processes

_CLAIMING = """
import sys
from openaimock.config.redis_address import parse
from openaimock.state.redis import RedisEngine
engine = RedisEngine(parse(sys.argv[1]))
numbers = []
while (number := engine.claim("a", "rule", int(sys.argv[2]), -1, None)) is not None:
    numbers.append(number)
print(*numbers)
"""


def test_processes_claim_each_step_once(engine):
    steps = 10_000
    url = f"{shared_server().url}?prefix={engine._base[1:-2]}"
    command = [sys.executable, "-c", _CLAIMING, url, str(steps)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) for _ in range(8)]
    claimed = [int(number) for process in processes for number in process.communicate()[0].split()]
    assert sorted(claimed) == list(range(steps))


def test_a_forked_process_uses_connections_of_its_own(engine):
    engine.claim("a", "rule", None, -1, None)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                for _ in range(50):
                    engine.claim("a", "rule", None, -1, None)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    for _ in range(50):
        engine.claim("a", "rule", None, -1, None)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert engine.hits("a") == {"rule": 251}


def test_threads_take_exactly_what_a_bucket_holds(engine):
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: engine.take("a", [Cost("b", 1, 100, 1e9)], 0.0).is_enough, range(300)))
    assert sum(taken) == 100
