"""Upstreams with TLS: a certificate that the system trusts, and those that it does not."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ..support.certificates import certificate
from ..support.upstream import RawUpstream, answer

STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("certificates")
    return {"own": certificate(folder, "own", "IP:127.0.0.1"), "other": certificate(folder, "other", "DNS:other.test")}


@pytest.fixture
def secure(certificates) -> Iterator[Callable[..., RawUpstream]]:
    """Start an upstream with the certificate of a name."""
    running: list[RawUpstream] = []

    def start(name: str, data: bytes) -> RawUpstream:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates[name])
        running.append(RawUpstream(lambda connection, request: connection.sendall(data), context))
        return running[-1]

    yield start
    for each in running:
        each.close()


def post(mock) -> httpx.Response:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    return httpx.post(mock.url + "/chat/completions", json=body, trust_env=False)


def test_a_trusted_upstream_answers_over_one_connection(serve, secure, certificates, monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["own"][0]))
    real = secure("own", answer(STREAM, "200 OK", "content-type: text/event-stream"))
    mock = serve({"unmatched": "proxy", "upstream": {"url": real.url}})
    assert [post(mock).content for _ in range(3)] == [STREAM] * 3
    assert real.connections == 1


@pytest.mark.parametrize(
    ("trusted", "presented", "reason"),
    [(None, "own", "self-signed certificate"), ("other", "other", "IP address mismatch")],
    ids=["unknown issuer", "other host"],
)
def test_an_upstream_that_is_not_trusted_is_a_502_that_says_why(
    serve, secure, certificates, monkeypatch, trusted, presented, reason
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates[trusted][0]))
    real = secure(presented, answer(b"{}"))
    response = post(serve({"unmatched": "proxy", "upstream": {"url": real.url}}))
    assert response.status_code == 502
    error = response.json()["error"]
    assert error["code"] == "upstream_error"
    assert "its certificate is not trusted: " in error["message"] and reason.lower() in error["message"].lower()
    # The request, and the key in it, was not sent.
    assert real.requests == []
