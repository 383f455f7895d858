"""Batches through the official client: statuses, results, lists, cancelling, expiry."""

from __future__ import annotations

import asyncio
import time

import httpx
import openai
import pytest
from openai.types import Batch
from openai.types.chat import ChatCompletion

from openaimock.api.batches import operations, records, work
from openaimock.state import blobs
from openaimock.state.store import StoreUnavailable

from ...support.wire import post, strictly, user
from .conftest import chat, create, lines, poll, results

ENDPOINT_BODIES = {
    "/v1/chat/completions": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]},
    "/v1/responses": {"model": "gpt-4o", "input": "Hello"},
    "/v1/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "Hello"},
    "/v1/moderations": {"input": "Hello"},
    "/v1/images/generations": {"model": "gpt-image-1.5", "prompt": "Hello"},
}


def status(batch):
    counts = batch.request_counts
    return batch.status, counts.total, counts.completed, counts.failed


def test_a_new_batch(mock, sdk):
    file = sdk.files.create(file=("input.jsonl", lines(chat("Hello"))), purpose="batch")
    body = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = post(mock, body, "/batches").json()
    strictly(Batch, batch)
    assert list(batch) == [
        "id", "object", "endpoint", "model", "errors", "input_file_id", "completion_window", "status", "output_file_id",
        "error_file_id", "created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at", "expired_at",
        "cancelling_at", "cancelled_at", "request_counts", "usage", "metadata",
    ]  # fmt: skip
    assert (batch["status"], batch["id"][:6], batch["metadata"]) == ("validating", "batch_", None)
    assert batch["expires_at"] == batch["created_at"] + 24 * 3600


def test_each_retrieval_moves_a_batch_on(sdk):
    batch = create(sdk, chat("Hello", "bad"), metadata={"a": "1"})
    assert status(batch) == ("validating", 0, 0, 0)
    assert status(batch := poll(sdk, batch, 1)) == ("in_progress", 2, 0, 0)
    assert (batch.model, batch.in_progress_at) == ("gpt-4o-2024-08-06", batch.created_at)
    assert status(batch := poll(sdk, batch, 1)) == ("finalizing", 2, 1, 1)
    assert batch.output_file_id is None
    assert status(batch := poll(sdk, batch, 1)) == ("completed", 2, 1, 1)
    assert batch.metadata == {"a": "1"}
    assert poll(sdk, batch, 2) == batch


def listed(sdk, status):
    """The only batch in a list, which moves no batch on, once the thread of the jobs has brought it to a status."""
    deadline = time.monotonic() + 60
    while (batch := sdk.batches.list().data[0]).status != status and time.monotonic() < deadline:
        time.sleep(0.01)
    return batch


def test_the_clock_moves_a_batch_on(mock, sdk):
    batch = create(sdk, chat("Hello"))
    mock.advance(1)
    assert listed(sdk, "in_progress").in_progress_at == batch.created_at + 1
    mock.advance(3600)
    assert listed(sdk, "completed").completed_at == batch.created_at + 3


def test_a_batch_completes_without_being_asked_for(serve, client, monkeypatch):
    monkeypatch.setattr(records, "STEP", 0.05)
    sdk = client(serve([{"when": {}, "reply": "Hi!"}]))
    batch = create(sdk, chat("Hello"))
    for _ in range(2000):
        if (listed := sdk.batches.list().data[0]).status == "completed":
            break
        time.sleep(0.01)
    assert listed.status == "completed"
    assert results(sdk, listed.output_file_id)[0]["custom_id"] == "request-0"
    assert listed.id == batch.id


def test_results(sdk):
    batch = poll(sdk, create(sdk, chat("Hello", "bad", "Hello")))
    first, second = results(sdk, batch.output_file_id)
    assert (first["custom_id"], second["custom_id"]) == ("request-0", "request-2")
    assert list(first) == ["id", "custom_id", "response", "error"]
    assert first["id"].startswith("batch_req_")
    assert (first["error"], first["response"]["status_code"]) == (None, 200)
    assert first["response"]["request_id"].startswith("req_")
    strictly(ChatCompletion, first["response"]["body"])
    assert first["response"]["body"]["choices"][0]["message"]["content"] == "Hi!"
    [failed] = results(sdk, batch.error_file_id)
    assert (failed["custom_id"], failed["error"], failed["response"]["status_code"]) == ("request-1", None, 400)
    assert failed["response"]["body"]["error"]["code"] == "bad_thing"
    files = {file.id: file for file in sdk.files.list(purpose="batch_output")}
    assert files[batch.output_file_id].filename == f"{batch.id}_output.jsonl"
    assert files[batch.error_file_id].filename == f"{batch.id}_error.jsonl"
    assert files[batch.output_file_id].expires_at is None


def test_usage_is_the_sum(sdk):
    batch = poll(sdk, create(sdk, chat("Hello", "Hello")))
    usages = [line["response"]["body"]["usage"] for line in results(sdk, batch.output_file_id)]
    assert batch.usage.input_tokens == sum(usage["prompt_tokens"] for usage in usages) > 0
    assert batch.usage.output_tokens == sum(usage["completion_tokens"] for usage in usages) > 0
    assert batch.usage.total_tokens == batch.usage.input_tokens + batch.usage.output_tokens


def test_a_batch_without_a_success_has_no_output(sdk):
    batch = poll(sdk, create(sdk, chat("bad")))
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert len(results(sdk, batch.error_file_id)) == 1


def test_the_files_of_results_expire_as_asked(sdk):
    batch = poll(sdk, create(sdk, chat("Hello", "bad"), output_expires_after={"anchor": "created_at", "seconds": 3600}))
    for id in (batch.output_file_id, batch.error_file_id):
        file = sdk.files.retrieve(id)
        assert file.expires_at == file.created_at + 3600


def test_requests_use_rules_in_the_order_of_the_file(mock, sdk):
    batch = poll(sdk, create(sdk, chat("count", "count", "count")))
    contents = [line["response"]["body"]["choices"][0]["message"]["content"] for line in results(sdk, batch.output_file_id)]
    assert contents == ["one", "two", "three"]
    mock.assert_called(user="count", times=3)


def test_a_request_that_no_rule_answers_is_an_error(sdk):
    batch = poll(sdk, create(sdk, chat("nothing like that")))
    assert results(sdk, batch.error_file_id)[0]["response"]["body"]["error"]["code"] == "no_match"


def test_a_broken_connection_is_an_error_without_a_response(sdk):
    [line] = results(sdk, poll(sdk, create(sdk, chat("broken"))).error_file_id)
    assert (line["response"], line["error"]["code"]) == (None, "server_error")


def test_an_answer_that_is_not_json(sdk):
    [line] = results(sdk, poll(sdk, create(sdk, chat("text"))).output_file_id)
    assert line["response"]["body"] == "plain text"


@pytest.mark.parametrize("endpoint", ENDPOINT_BODIES)
def test_every_endpoint(serve, client, endpoint):
    sdk = client(serve({"unmatched": "auto", "responses": []}))
    body = ENDPOINT_BODIES[endpoint]
    request = {"custom_id": "1", "method": "POST", "url": endpoint, "body": body}
    batch = poll(sdk, create(sdk, [request], endpoint))
    assert status(batch) == ("completed", 1, 1, 0)
    assert results(sdk, batch.output_file_id)[0]["response"]["status_code"] == 200


def test_an_endpoint_that_is_not_served_fails_request_by_request(sdk):
    request = {"custom_id": "1", "method": "POST", "url": "/v1/videos", "body": {"prompt": "x"}}
    batch = poll(sdk, create(sdk, [request], "/v1/videos"))
    assert status(batch) == ("completed", 1, 0, 1)


# Time


def test_latency_takes_the_time_of_the_clock_and_nobody_waits(mock, sdk):
    batch = create(sdk, chat("late", "Hello"))
    assert status(poll(sdk, batch, 5)) == ("in_progress", 2, 2, 0)
    mock.advance(3600)
    batch = poll(sdk, batch, 3)
    assert (batch.status, batch.finalizing_at) == ("completed", batch.created_at + 3600)


@pytest.mark.parametrize("polls", [0, 1])
def test_a_batch_expires_when_its_window_ends_before_it_is_answered(mock, sdk, polls):
    batch = poll(sdk, create(sdk, chat("Hello")), polls)
    mock.advance(24 * 3600)
    batch = sdk.batches.retrieve(batch.id)
    assert (batch.status, batch.expired_at) == ("expired", batch.expires_at)
    if polls:
        [line] = results(sdk, batch.error_file_id)
        assert (line["custom_id"], line["response"], line["error"]["code"]) == ("request-0", None, "batch_expired")


def test_requests_that_are_never_answered_expire_and_the_others_are_kept(mock, sdk):
    batch = poll(sdk, create(sdk, chat("Hello", "never")), 4)
    assert batch.status == "in_progress"
    mock.advance(24 * 3600)
    batch = sdk.batches.retrieve(batch.id)
    assert status(batch) == ("expired", 2, 1, 1)
    assert results(sdk, batch.output_file_id)[0]["custom_id"] == "request-0"
    assert results(sdk, batch.error_file_id)[0]["error"]["code"] == "batch_expired"


# Cancelling


def test_cancel(mock, sdk):
    batch = create(sdk, chat("Hello"))
    cancelling = sdk.batches.cancel(batch.id)
    strictly(Batch, cancelling.to_dict())
    assert (cancelling.status, cancelling.cancelling_at) == ("cancelling", batch.created_at)
    assert sdk.batches.cancel(batch.id) == cancelling
    cancelled = poll(sdk, batch, 1)
    assert (cancelled.status, cancelled.cancelled_at, cancelled.output_file_id) == ("cancelled", batch.created_at, None)
    assert sdk.batches.cancel(batch.id) == cancelled
    mock.assert_not_called(user="Hello")


def test_a_cancelled_batch_keeps_the_results_it_has(sdk):
    batch = poll(sdk, create(sdk, chat("Hello", "late")), 2)
    sdk.batches.cancel(batch.id)
    batch = poll(sdk, batch, 1)
    assert status(batch) == ("cancelled", 2, 2, 0)
    assert len(results(sdk, batch.output_file_id)) == 2


def test_a_batch_that_has_ended_cannot_be_cancelled(mock, sdk):
    batch = poll(sdk, create(sdk, chat("Hello")))
    answer = httpx.post(f"{mock.url}/batches/{batch.id}/cancel", trust_env=False)
    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (409, "Cannot cancel a batch with status 'completed'.")
    failed = poll(sdk, create(sdk, b""))
    with pytest.raises(openai.ConflictError):
        sdk.batches.cancel(failed.id)


# Lists and ids


def test_lists(sdk):
    batches = [create(sdk, chat("Hello")) for _ in range(3)]
    ids = [batch.id for batch in reversed(batches)]
    assert [batch.id for batch in sdk.batches.list()] == ids
    page = sdk.batches.list(limit=2)
    assert ([batch.id for batch in page.data], page.has_more) == (ids[:2], True)
    assert [batch.id for batch in sdk.batches.list(after=ids[0])] == ids[1:]
    assert [batch.id for page in sdk.batches.list(limit=1).iter_pages() for batch in page.data] == ids


def test_unknown_batches_are_404(mock, sdk, client):
    batch = create(sdk, chat("Hello"))
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    for call in (sdk.batches.retrieve, sdk.batches.cancel):
        with pytest.raises(openai.NotFoundError) as caught:
            call("batch_none")
        assert caught.value.body["message"] == "No batch found with id 'batch_none'."
    with pytest.raises(openai.NotFoundError):
        other.batches.retrieve(batch.id)
    assert list(other.batches.list()) == []


def test_reset_forgets_batches_and_their_work(mock, sdk):
    batch = create(sdk, chat("Hello"))
    mock.reset()
    with pytest.raises(openai.NotFoundError):
        sdk.batches.retrieve(batch.id)
    assert mock.app.api.namespaces["default"].due(1e12) == []


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"endpoint": "/v1/none"}, "endpoint", "invalid_value"),
        ({"completion_window": "48h"}, "completion_window", "invalid_value"),
        ({"input_file_id": "x"}, "input_file_id", "invalid_value"),
        ({"input_file_id": None}, "input_file_id", "missing_required_parameter"),
        ({"metadata": {"tags": ["a"]}}, "metadata.tags", "invalid_type"),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 1}},
            "output_expires_after.seconds",
            "integer_below_min_value",
        ),
    ],
)
def test_a_wrong_batch_is_400(mock, change, param, code):
    body = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h", **change}
    answer = post(mock, {name: value for name, value in body.items() if value is not None}, "/batches")
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "after=batch_none"])
def test_a_wrong_query_is_400(mock, query):
    assert httpx.get(f"{mock.url}/batches?{query}", trust_env=False).status_code == 400


# Size


def test_many_requests_are_answered_in_the_background(serve, client, monkeypatch):
    monkeypatch.setattr(operations, "SMALL", 0)
    mock = serve([{"when": {"user": "fast"}, "reply": "x"}, {"when": {}, "reply": "Hi!"}])
    sdk = client(mock)
    batch = create(sdk, chat(*(f"number {number}" for number in range(1500))))
    first = poll(sdk, batch, 1)
    assert first.status in ("validating", "in_progress")
    for _ in range(6000):
        assert post(mock, user("fast")).json()["choices"][0]["message"]["content"] == "x"
        if (batch := poll(sdk, batch, 1)).status == "completed":
            break
    assert status(batch) == ("completed", 1500, 1500, 0)
    ids = [line["custom_id"] for line in results(sdk, batch.output_file_id)]
    assert ids == [f"request-{number}" for number in range(1500)]


def test_cancelling_stops_the_work(serve, client, monkeypatch):
    monkeypatch.setattr(operations, "SMALL", 0)
    mock = serve([{"when": {}, "reply": slow}])
    sdk = client(mock)
    batch = create(sdk, chat(*["x"] * 10_000))
    while (current := poll(sdk, batch, 1)).request_counts.completed == 0:
        assert current.status in ("validating", "in_progress")
    sdk.batches.cancel(batch.id)
    while (current := poll(sdk, batch, 1)).status == "cancelling":
        pass
    completed = current.request_counts.completed
    assert current.status == "cancelled"
    assert 0 < completed < 10_000
    assert len(results(sdk, current.output_file_id)) == completed


def slow(ask):
    time.sleep(0.002)
    return "x"


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_batch_that_was_interrupted_goes_on_after_its_saved_results(mock, sdk, monkeypatch, lost):
    """The process ends after it wrote the result of a request and before it saved the counts."""
    batch = poll(sdk, create(sdk, chat("Hello", "bad", "Hello", "Hello")), 1)
    saves = []

    def save(store, record, **members):
        saves.append(members)
        if len(saves) == lost:
            raise StoreUnavailable("The store is away.")
        return records.change(store, record, **members)

    monkeypatch.setattr(work, "_SAVE", -1.0)
    monkeypatch.setattr(work, "change", save)
    assert poll(sdk, batch, 1).status == "in_progress"
    batch = poll(sdk, batch, 4)
    assert status(batch) == ("completed", 4, 3, 1)
    assert [line["custom_id"] for line in results(sdk, batch.output_file_id)] == ["request-0", "request-2", "request-3"]
    assert [line["custom_id"] for line in results(sdk, batch.error_file_id)] == ["request-1"]
    assert (
        batch.usage.output_tokens == 3 * results(sdk, batch.output_file_id)[0]["response"]["body"]["usage"]["completion_tokens"]
    )
    # Only the request whose result was not saved is made again.
    assert sum(exchange.operation == "chat.completions.create" for exchange in mock.exchanges) == 5


def test_results_that_do_not_fit_fail_the_batch(sdk, monkeypatch):
    batch = poll(sdk, create(sdk, chat("Hello")), 1)
    monkeypatch.setattr(blobs, "TOTAL", 300)
    batch = poll(sdk, batch, 2)
    assert (batch.status, batch.errors.data[0].code) == ("failed", "storage_full")


def test_a_file_that_is_deleted_in_the_meantime_fails_the_batch(sdk):
    batch = poll(sdk, create(sdk, chat("Hello")), 1)
    sdk.files.delete(batch.input_file_id)
    batch = poll(sdk, batch, 1)
    assert (batch.status, batch.errors.data[0].param) == ("failed", "file_id")


# Clients


def test_the_asynchronous_client(mock, async_client):
    async def run():
        async with async_client(mock) as sdk:
            file = await sdk.files.create(file=("input.jsonl", lines(chat("Hello"))), purpose="batch")
            batch = await sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
            for _ in range(3):
                batch = await sdk.batches.retrieve(batch.id)
            assert [each.id async for each in sdk.batches.list()] == [batch.id]
            assert batch.status == "completed"
            with pytest.raises(openai.ConflictError):
                await sdk.batches.cancel(batch.id)

    asyncio.run(run())


@pytest.mark.parametrize("endpoint", ["/chat/completions", "/v1/chat/completions"])
def test_azure(mock, endpoint):
    with openai.AzureOpenAI(
        azure_endpoint=mock.url.removesuffix("/v1"), api_key="k", api_version="2025-03-01-preview", max_retries=0
    ) as sdk:
        requests = [{**request, "url": "/chat/completions"} for request in chat("Hello")]
        batch = poll(sdk, create(sdk, requests, endpoint))
        assert (batch.status, batch.endpoint) == ("completed", endpoint)
        assert len(results(sdk, batch.output_file_id)) == 1


def test_rules_turn_operations_into_errors_and_scripted_answers(serve, client):
    sdk = client(serve([
        {"when": {"endpoint": "batches.create"}, "reply": {"error": 429}},
        {"when": {"endpoint": "batches.retrieve"}, "reply": {"body": {"id": "batch_1", "object": "batch", "status": "expired"}}},
    ]))  # fmt: skip
    with pytest.raises(openai.RateLimitError):
        create(sdk, chat("Hello"))
    assert sdk.batches.retrieve("batch_1").status == "expired"


def test_two_runs_are_the_same(serve, client):
    def run():
        sdk = client(serve({"clock": "2026-01-01T00:00:00Z", "unmatched": "auto", "responses": []}))
        batch = poll(sdk, create(sdk, chat("one", "two", "three")))
        return batch, sdk.files.content(batch.output_file_id).content

    assert run() == run()
