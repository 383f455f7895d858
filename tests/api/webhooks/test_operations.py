"""Webhook endpoints, through the official client."""

from __future__ import annotations

import asyncio
import json

import httpx
import openai
import pytest
from openai.types.webhooks import (
    DeletedWebhookEndpoint,
    WebhookEndpoint,
    WebhookEndpointTestResult,
    WebhookEndpointWithSecret,
    WebhookEventTypeList,
)

from openaimock.api.webhooks import endpoints
from openaimock.types.webhooks import EVENT_TYPES

from ...support.wire import post, strictly
from .test_deliveries import start


@pytest.fixture
def mock(serve):
    return serve({"clock": "2026-01-01T00:00:00Z", "responses": [{"when": {}, "reply": "Hi!"}]})


@pytest.fixture
def body(receiver):
    return {"name": "mine", "url": receiver.url, "event_types": ["response.cancelled", "batch.failed"]}


def test_create(mock, body):
    endpoint = post(mock, body, "/webhook_endpoints").json()
    strictly(WebhookEndpointWithSecret, endpoint)
    assert endpoint["event_types"] == body["event_types"]
    assert endpoint["signing_secret"].startswith("whsec_")
    assert endpoint["signing_secret"][6:-6] not in endpoint["signing_secret_hint"]


def test_an_endpoint_gets_its_events(sdk, body, receiver):
    endpoint = sdk.webhooks.create(**body)
    sdk.responses.cancel(start(sdk).id)
    [(headers, payload)] = receiver.wait(1)
    event = sdk.webhooks.unwrap(payload, headers, secret=endpoint.signing_secret)
    assert event.type == "response.cancelled"


def test_retrieve_list_update_and_delete(mock, sdk, body):
    created = [sdk.webhooks.create(**{**body, "name": str(number)}) for number in range(3)]
    first = sdk.webhooks.retrieve(created[0].id)
    strictly(WebhookEndpoint, first.to_dict())
    assert not hasattr(first, "signing_secret")
    assert [each.name for each in sdk.webhooks.list()] == ["2", "1", "0"]
    page = sdk.webhooks.list(limit=1, after=created[2].id)
    assert ([each.name for each in page.data], page.has_more) == (["1"], True)
    mock.advance(10)
    assert sdk.webhooks.update(first.id, name="0").updated_at == first.created_at
    changed = sdk.webhooks.update(first.id, name="new", event_types=["batch.completed"])
    assert (changed.name, changed.event_types, changed.updated_at) == ("new", ["batch.completed"], first.created_at + 10)
    deleted = httpx.delete(f"{mock.url}/webhook_endpoints/{first.id}", trust_env=False).json()
    strictly(DeletedWebhookEndpoint, deleted)
    with pytest.raises(openai.NotFoundError):
        sdk.webhooks.retrieve(first.id)


@pytest.mark.parametrize("keep", [True, False])
def test_rotating_the_secret(mock, sdk, body, receiver, keep):
    old = sdk.webhooks.create(**body)
    new = sdk.webhooks.rotate_secret(old.id, **({"keep_old_secret_active_for_24_hours": True} if keep else {}))
    strictly(WebhookEndpointWithSecret, new.to_dict())
    assert new.signing_secret != old.signing_secret
    sdk.responses.cancel(start(sdk).id)
    receiver.wait(1)
    mock.advance(24 * 3600)
    sdk.responses.cancel(start(sdk).id)
    for place, (headers, payload) in enumerate(receiver.wait(2)):
        sdk.webhooks.unwrap(payload, headers, secret=new.signing_secret)
        if keep and place == 0:
            sdk.webhooks.unwrap(payload, headers, secret=old.signing_secret)
        else:
            with pytest.raises(openai.InvalidWebhookSignatureError):
                sdk.webhooks.unwrap(payload, headers, secret=old.signing_secret)


@pytest.mark.parametrize("event_type", ["response.completed", "fine_tuning.job.failed"])
def test_a_sample(mock, sdk, body, receiver, event_type):
    endpoint = sdk.webhooks.create(**body)
    result = post(mock, {"event_type": event_type}, f"/webhook_endpoints/{endpoint.id}/test").json()
    strictly(WebhookEndpointTestResult, result)
    assert (result["success"], result["status_code"]) == (True, 200)
    [(headers, payload)] = receiver.wait(1)
    assert sdk.webhooks.unwrap(payload, headers, secret=endpoint.signing_secret).type == event_type
    receiver.statuses.append(500)
    assert sdk.webhooks.test(endpoint.id, event_type=event_type).status_code == 500


def test_a_sample_that_is_not_answered_is_400(mock, sdk, body):
    endpoint = sdk.webhooks.create(**{**body, "url": "http://127.0.0.1:1/"})
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.webhooks.test(endpoint.id, event_type="batch.failed")
    assert "was not delivered" in caught.value.message


def test_the_types_of_events(mock, sdk):
    listed = httpx.get(f"{mock.url}/webhook_event_types", trust_env=False).json()
    strictly(WebhookEventTypeList, listed)
    assert sdk.webhooks.event_types.list().data == list(EVENT_TYPES)


def test_a_deleted_endpoint_gets_nothing_more(mock, sdk, body, receiver):
    receiver.statuses.append(500)
    endpoint = sdk.webhooks.create(**body)
    sdk.responses.cancel(start(sdk).id)
    receiver.wait(1)
    sdk.webhooks.delete(endpoint.id)
    mock.advance(60)
    sdk.webhooks.create(**body)
    sdk.responses.cancel(start(sdk).id)
    ids = [json.loads(payload)["data"]["id"] for _, payload in receiver.wait(2)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"url": "https://example.com/"}, "url"),
        ({"url": "x"}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["response.done"]}, "event_types[0]"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_endpoint_is_400(mock, sdk, body, change, param):
    answer = post(mock, {**body, **change}, "/webhook_endpoints")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    if None not in change.values():
        endpoint = sdk.webhooks.create(**body)
        assert post(mock, change, f"/webhook_endpoints/{endpoint.id}").status_code == 400


def test_unknown_endpoints_are_404(mock, sdk, body, client):
    endpoint = sdk.webhooks.create(**body)
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    for call in (other.webhooks.retrieve, other.webhooks.delete, other.webhooks.rotate_secret, other.webhooks.update):
        with pytest.raises(openai.NotFoundError):
            call(endpoint.id)
    with pytest.raises(openai.NotFoundError):
        other.webhooks.test(endpoint.id, event_type="batch.failed")


def test_the_number_of_endpoints_and_deliveries_is_limited(mock, sdk, body, monkeypatch):
    monkeypatch.setattr(endpoints, "MAX_DELIVERIES", 1)
    sdk.webhooks.create(**{**body, "url": "http://127.0.0.1:1/"})
    for _ in range(3):
        sdk.responses.cancel(start(sdk).id)
    monkeypatch.setattr("openaimock.api.webhooks.operations.MAX_ENDPOINTS", 1)
    with pytest.raises(openai.BadRequestError):
        sdk.webhooks.create(**body)
    assert mock.app.api.namespaces["default"].count(endpoints.DELIVERIES) <= 1


def test_the_asynchronous_client(mock, async_client, body):
    async def run():
        async with async_client(mock) as sdk:
            endpoint = await sdk.webhooks.create(**body)
            assert [each.id async for each in sdk.webhooks.list()] == [endpoint.id]
            assert (await sdk.webhooks.retrieve(endpoint.id)).name == "mine"
            assert (await sdk.webhooks.update(endpoint.id, name="new")).name == "new"
            assert (await sdk.webhooks.rotate_secret(endpoint.id)).signing_secret != endpoint.signing_secret
            assert (await sdk.webhooks.test(endpoint.id, event_type="batch.failed")).success
            assert (await sdk.webhooks.event_types.list()).data
            assert (await sdk.webhooks.delete(endpoint.id)).deleted

    asyncio.run(run())
