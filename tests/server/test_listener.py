"""Listening sockets, the addresses of a name, and the environment's settings."""

from __future__ import annotations

import socket

import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.server import Server
from openaimock.server.address import address
from openaimock.server.listener import listen

CONFIG = load({"port": 3210, "unmatched": "echo"})


def hello(environ, start_response):
    start_response("200 OK", [("content-length", "5")])
    return [b"hello"]


@pytest.fixture
def two_addresses(monkeypatch):
    """A name with both addresses, whatever this machine's hosts file says."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        if host not in ("mock.test", b"mock.test"):
            return real(host, *arguments, **options)
        return [info for name in ("::1", "127.0.0.1") for info in real(name, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("name", ["mock.test", "localhost", "LocalHost"])
def test_a_name_listens_on_all_its_addresses(serve, two_addresses, name):
    server = serve(hello, host=name)
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, server.port), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: mock\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    server.stop()
    for host in ("127.0.0.1", "::1"):
        with pytest.raises(OSError):
            socket.create_connection((host, server.port), timeout=20)


def test_a_port_in_use_at_one_address_is_in_use(two_addresses):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other, pytest.raises(OSError, match="in use"):
        listen("mock.test", other.getsockname()[1])


def test_an_address_that_the_machine_does_not_have_is_passed_over(two_addresses, monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: [*resolve("192.0.2.1", *a, **k), *resolve("127.0.0.1", *a, **k)]
    )
    (listener,) = listen("mock.test", 0)
    with listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("value", ["", "  ", "tcp://10.96.0.12:3000", "udp://10.0.0.1:53"])
def test_an_empty_variable_or_the_url_of_a_service_is_no_port(value):
    assert address(CONFIG, None, None, {"OPENAIMOCK_PORT": value, "OPENAIMOCK_HOST": ""}) == ("127.0.0.1", 3210)


def test_the_environment_goes_before_the_file_and_after_the_arguments():
    environ = {"OPENAIMOCK_PORT": "4000", "OPENAIMOCK_HOST": "0.0.0.0"}
    assert address(CONFIG, None, None, environ) == ("0.0.0.0", 4000)
    assert address(CONFIG, "::1", 0, environ) == ("::1", 0)


@pytest.mark.parametrize("value", ["x", "65536", "-1", "9" * 5000, "http://x", "\u0663"])
def test_any_other_value_is_an_error(value):
    with pytest.raises(ConfigError, match="OPENAIMOCK_PORT: expected a port from 0 to 65535"):
        address(CONFIG, None, None, {"OPENAIMOCK_PORT": value})


def test_a_server_without_sockets_of_its_own_uses_those_it_is_given():
    listeners = listen("127.0.0.1", 0)
    server = Server(hello, listeners=listeners)
    assert server.port == listeners[0].getsockname()[1]
    server.stop()
