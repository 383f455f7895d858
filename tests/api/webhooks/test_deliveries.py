"""Deliveries of events: signed, repeated, noted in the journal, and only to this machine or allowed hosts."""

from __future__ import annotations

import json
import time

import httpx
import openai
import pytest
from openai.types.webhooks import BatchCompletedWebhookEvent, ResponseCompletedWebhookEvent

import openaimock
from openaimock.api.webhooks import endpoints
from openaimock.api.webhooks.delivery import DELAYS
from openaimock.errors import ConfigError
from openaimock.http.targets import refusal

from ...support.wire import strictly
from ..batches.conftest import chat, create, poll
from .conftest import SECRET, deliveries


def types(received):
    return [json.loads(body)["type"] for _, body in received]


def start(sdk, text="Hello", **more):
    return sdk.responses.create(model="gpt-4o", input=text, background=True, **more)


def test_a_background_response_that_nobody_retrieves(mock, sdk, receiver):
    response = start(sdk)
    assert response.status == "queued"
    mock.advance(1)
    mock.advance(1)
    while not receiver.received:
        mock.advance(1)
        time.sleep(0.005)
    [(headers, body)] = receiver.wait(1)
    event = sdk.webhooks.unwrap(body, headers, secret=SECRET)
    strictly(ResponseCompletedWebhookEvent, json.loads(body))
    assert (event.type, event.data.id, event.object) == ("response.completed", response.id, "event")
    assert headers["user-agent"] == "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"
    assert headers["content-type"] == "application/json"
    assert sdk.responses.retrieve(response.id).status == "completed"


@pytest.mark.parametrize(("text", "status"), [("Hello", "completed"), ("fail", "failed"), ("cut", "incomplete")])
def test_retrieving_to_the_end_announces_it_once(mock, sdk, receiver, text, status):
    response = start(sdk, text)
    for _ in range(4):
        response = sdk.responses.retrieve(response.id)
    assert response.status == status
    assert types(receiver.wait(1)) == [f"response.{status}"]
    mock.advance(60)
    batch = create(sdk, chat("Hello"))
    poll(sdk, batch)
    assert types(receiver.wait(2)) == [f"response.{status}", "batch.completed"]


def test_a_cancelled_response(sdk, receiver):
    sdk.responses.cancel(start(sdk).id)
    assert types(receiver.wait(1)) == ["response.cancelled"]


def test_a_streamed_response(mock, sdk, receiver):
    for _ in start(sdk, stream=True):
        pass
    mock.advance(1)
    assert types(receiver.wait(1)) == ["response.completed"]


def test_a_response_in_the_foreground_is_not_announced(mock, sdk, receiver):
    sdk.responses.create(model="gpt-4o", input="Hello")
    sdk.responses.cancel(start(sdk).id)
    assert types(receiver.wait(1)) == ["response.cancelled"]


def test_a_deleted_response_is_not_announced(mock, sdk, receiver):
    sdk.responses.delete(start(sdk).id)
    mock.advance(10)
    sdk.responses.cancel(start(sdk).id)
    assert types(receiver.wait(1)) == ["response.cancelled"]


def test_batches(mock, sdk, receiver):
    completed, failed = create(sdk, chat("Hello")), create(sdk, b"")
    poll(sdk, completed)
    poll(sdk, failed)
    cancelled = create(sdk, chat("Hello"))
    sdk.batches.cancel(cancelled.id)
    poll(sdk, cancelled, 1)
    expired = create(sdk, chat("Hello"))
    mock.advance(24 * 3600)
    poll(sdk, expired, 1)
    received = receiver.wait(4)
    ids = {json.loads(body)["type"]: json.loads(body)["data"]["id"] for _, body in received}
    assert ids == {
        "batch.completed": completed.id,
        "batch.failed": failed.id,
        "batch.cancelled": cancelled.id,
        "batch.expired": expired.id,
    }
    first = next(json.loads(body) for _, body in received if b"completed" in body)
    strictly(BatchCompletedWebhookEvent, first)


def test_a_tampered_delivery_is_not_verified(sdk, receiver):
    sdk.responses.cancel(start(sdk).id)
    [(headers, body)] = receiver.wait(1)
    for changed, secret in ((body + b" ", SECRET), (body, "whsec_b3RoZXI="), (body, "plain")):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            sdk.webhooks.unwrap(changed, headers, secret=secret)


def test_a_plain_secret(serve, client, receiver):
    sdk = client(
        serve({"webhooks": {"endpoints": [{"url": receiver.url, "secret": "plain"}]}, "responses": [{"when": {}, "reply": "x"}]})
    )
    sdk.responses.cancel(start(sdk).id)
    [(headers, body)] = receiver.wait(1)
    assert sdk.webhooks.unwrap(body, headers, secret="plain").type == "response.cancelled"


def test_only_the_events_that_an_endpoint_wants(serve, client, receiver):
    receivers = [
        {"url": receiver.url, "secret": SECRET, "events": "batch.*"},
        {"url": receiver.url, "secret": SECRET, "events": ["response.cancelled"]},
    ]
    sdk = client(serve({"webhooks": {"endpoints": receivers}, "responses": [{"when": {}, "reply": "x"}]}))
    sdk.responses.cancel(start(sdk).id)
    receiver.wait(1)
    poll(sdk, create(sdk, b""), 2)
    assert types(receiver.wait(2)) == ["response.cancelled", "batch.failed"]


# Repeating


def test_a_refused_delivery_is_repeated_with_the_same_id(mock, sdk, receiver):
    receiver.statuses += [500, 302, 0]
    sdk.responses.cancel(start(sdk).id)
    for count, delay in enumerate(DELAYS[:3], 1):
        receiver.wait(count)
        deliveries(mock, count)
        mock.advance(delay)
    received = receiver.wait(4)
    assert len({headers["webhook-id"] for headers, _ in received}) == 1
    assert len({body for _, body in received}) == 1
    assert [(each.status, each.ended) for each in deliveries(mock, 4)] == [
        (500, "complete"), (302, "complete"), (0, "fault"), (200, "complete"),
    ]  # fmt: skip


def test_repeating_ends(mock, sdk, receiver):
    receiver.statuses += [500] * 50
    sdk.responses.cancel(start(sdk).id)
    for count, delay in enumerate(DELAYS, 1):
        deliveries(mock, count)
        mock.advance(delay)
    deliveries(mock, len(DELAYS) + 1)
    state = mock.app.api.namespaces["default"]
    while state.due(1e12):
        time.sleep(0.005)
    assert sum(DELAYS) <= 72 * 3600
    assert len(receiver.received) == len(DELAYS) + 1


def test_a_mock_stops_at_once_while_a_receiver_does_not_answer(serve, client):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        mock = serve({"webhooks": {"endpoints": [{"url": url, "secret": SECRET}]}, "responses": [{"when": {}, "reply": "x"}]})
        sdk = client(mock)
        sdk.responses.cancel(start(sdk).id)
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(30)
            # The delivery is under way when its request has arrived.
            assert b"POST / HTTP/1.1" in connection.recv(65536)
            mock.stop()
            while connection.recv(65536):
                pass


def test_reset_forgets_deliveries(mock, sdk, receiver):
    receiver.statuses += [500]
    sdk.responses.cancel(start(sdk).id)
    deliveries(mock)
    mock.reset()
    state = mock.app.api.namespaces["default"]
    assert (state.due(1e12), state.count(endpoints.DELIVERIES)) == ([], 0)


# The journal


def test_deliveries_are_in_the_journal_without_the_secret(mock, sdk, receiver, client):
    sdk.responses.cancel(start(sdk).id)
    [exchange] = deliveries(mock)
    entry = httpx.get(f"{mock.url.removesuffix('/v1')}/__openaimock/exchanges/{exchange.id}", trust_env=False)
    assert entry.json()["request"]["body"]["type"] == "response.cancelled"
    assert (entry.json()["endpoint"], entry.json()["status"], entry.json()["path"]) == ("webhooks", 200, receiver.url)
    config = httpx.get(f"{mock.url.removesuffix('/v1')}/__openaimock/config", trust_env=False)
    for text in (entry.text, config.text, repr(mock.app.api.config)):
        assert SECRET not in text
    assert receiver.url in config.text
    exported = httpx.get(f"{mock.url.removesuffix('/v1')}/__openaimock/export", trust_env=False).text
    assert "delivery to a webhook" in exported
    assert SECRET not in exported


# Hosts


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1/x",
        "http://127.0.0.1/",
        "http://127.8.8.8:80",
        "http://[::1]:5/",
        "https://hook.localhost/",
        "http://LOCALHOST.",
    ],
)
def test_this_machine_may_get_events(url):
    assert refusal(url, []) == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.com/", "another machine"),
        ("http://10.0.0.1/", "another machine"),
        ("http://0.0.0.0/", "another machine"),
        ("http://127.0.0.1.example.com/", "another machine"),
        ("http://localhost@example.com/", "user name"),
        ("ftp://localhost/", "not a URL of http"),
        ("localhost:80", "not a URL of http"),
        ("http:///x", "not a URL of http"),
        ("http://localhost:x/", "not a URL"),
        ("http://[::1/", "not a URL"),
        ("http://localhost/a b", "not a URL of http"),
        ("", "not a URL of http"),
    ],
)
def test_other_addresses_are_refused(url, reason):
    assert reason in refusal(url, ["other.example"])


def test_allowed_hosts():
    assert refusal("https://Example.com:8443/x", ["example.COM"]) == ""
    assert refusal("https://sub.example.com/", ["example.com"])


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ({"url": "https://example.com/", "secret": "x"}, "'https://example.com/' leads to another machine; name 'example.com'"),
        ({"url": "http://localhost/", "secret": "whsec_*"}, "what follows 'whsec_' must be base64"),
        ({"url": "http://localhost/"}, "'secret'"),
        ({"url": "http://localhost/", "secret": "x", "events": ["response.done"]}, "'response.done' is not an event"),
        ("http://localhost/", "expected"),
    ],
)  # fmt: skip
def test_a_wrong_configuration(endpoint, message):
    with pytest.raises(ConfigError) as caught:
        openaimock.create_app({"webhooks": {"endpoints": [endpoint]}, "responses": []})
    assert message in str(caught.value)
    assert "whsec_*" not in str(caught.value)


def test_an_allowed_host_is_accepted():
    openaimock.create_app({
        "webhooks": {"allow": "example.com", "endpoints": [{"url": "https://example.com/", "secret": "x"}]}, "responses": [],
    })  # fmt: skip
