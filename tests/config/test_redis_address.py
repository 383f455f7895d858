"""The address of a Redis store: its parts, and the problems of a wrong one, which never show the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from openaimock.config import redis_address
from openaimock.config.redis_address import parse, problem


def test_an_address_has_its_parts():
    address = parse("redis://ann:p%40ss@cache.internal:6380/3?prefix=team-a&ttl=3600")
    assert (address.host, address.port, address.db, address.username, address.password) == (
        "cache.internal", 6380, 3, "ann", "p@ss",
    )  # fmt: skip
    assert (address.prefix, address.ttl, address.is_tls) == ("team-a", 3600, False)


def test_most_parts_have_defaults():
    address = parse("redis://localhost")
    assert (address.port, address.db, address.username, address.password) == (6379, 0, None, None)
    assert (address.prefix, address.ttl) == ("openaimock", 86_400)


def test_a_password_needs_no_user():
    address = parse("redis://:secret@localhost:1/0")
    assert (address.username, address.password) == (None, "secret")


def test_an_ipv6_host_is_in_brackets():
    address = parse("redis://[::1]:6379/0")
    assert (address.host, str(address)) == ("::1", "redis://[::1]:6379/0")


def test_files_for_tls_are_relative_to_the_configuration(tmp_path):
    address = parse("rediss://h/0?ca=ca.pem&cert=/etc/c.pem&key=k.pem&verify=false", tmp_path)
    assert (address.is_tls, address.verify) == (True, False)
    assert (address.ca, address.cert, address.key) == (str(tmp_path / "ca.pem"), "/etc/c.pem", str(tmp_path / "k.pem"))
    assert parse("rediss://h/0").verify


@pytest.mark.parametrize("show", [str, repr, lambda address: f"{address}", lambda address: str([address])])
def test_the_password_is_not_shown(show):
    assert show(parse("redis://ann:hunter2@h:1/0")).strip("[]") == "redis://h:1/0"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("redis://", "expected redis://host:port/db, such as redis://127.0.0.1:6379/0"),
        ("redis:localhost", "expected redis://host:port/db, such as redis://127.0.0.1:6379/0"),
        ("redis://:hunter2@/0", "expected redis://host:port/db, such as redis://127.0.0.1:6379/0"),
        ("redis://h:hunter2/0", "expected redis://host:port/db; the host or the port is not valid"),
        ("redis://h:70000/0", "expected redis://host:port/db; the host or the port is not valid"),
        ("redis://[::1/0", "expected redis://host:port/db; the host or the port is not valid"),
        ("redis://u:hunter2@h/zero", "the part behind the host is the number of the database, such as /0"),
        ("redis://u:hunter2@h/1/2", "the part behind the host is the number of the database, such as /0"),
        ("redis://u:hunter2#@h/0", "expected redis://host:port/db; the host or the port is not valid"),
        ("redis://h/0#hunter2", "a '#' in the password or elsewhere is written %23"),
        (
            "redis://h/0?prefx=a",
            "'prefx' is not an option of the address; did you mean 'prefix'? (prefix, ttl, ca, cert, key, verify)",
        ),
        ("redis://h/0?prefix=", "the option 'prefix' of the address is empty"),
        ("redis://h/0?prefix={a}", "'prefix' has at most 100 printable characters, and no braces"),
        ("redis://h/0?ttl=5", "'ttl' is a number of seconds from 60 to 315360000"),
        ("redis://h/0?ttl=soon", "'ttl' is a number of seconds from 60 to 315360000"),
        ("redis://h/0?ca=a", "'ca', 'cert', 'key' and 'verify' are for TLS; write rediss://"),
        ("rediss://h/0?verify=no", "'verify' is true or false"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_a_problem_without_the_password(address, text):
    assert problem(address, Path()) == text
    assert "hunter2" not in text


def test_a_good_address_is_no_problem():
    assert problem("redis://h/0", Path()) is None


def test_a_missing_package_is_a_problem_that_names_the_extra(monkeypatch):
    monkeypatch.setattr(redis_address, "find_spec", lambda name: None)
    assert problem("redis://h/0", Path()) == "a store of redis needs the package redis: pip install 'openaimock[redis]'"
