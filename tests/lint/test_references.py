"""Files and vector stores that a prompt names: a finding for those that the namespace does not have."""

from __future__ import annotations

import pytest

from ..support.lint_table import client

OTHER = {"x-openaimock-namespace": "other"}


@pytest.fixture(scope="module")
def http():
    with client("error", overrides=True, clock="2026-01-01T00:00:00Z") as http:
        yield http


def upload(http, **fields):
    answer = http.post("/v1/files", data={"purpose": "user_data", **fields}, files={"file": ("a.txt", b"hello")})
    return answer.json()["id"]


def chat(http, id, **options):
    part = {"type": "file", "file": {"file_id": id}}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "text", "text": "Read"}, part]}]}
    return http.post("/v1/chat/completions", json=body, **options)


def respond(http, **body):
    return http.post("/v1/responses", json={"model": "gpt-4o", "input": "Read", **body})


def refusal(answer, status=404):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    return error["message"], error["param"]


def test_a_stored_file_is_no_finding_until_it_is_deleted(http):
    id = upload(http)
    # The second answer comes from the cache of equal bodies.
    assert [chat(http, id).status_code, chat(http, id).status_code] == [200, 200]
    http.delete(f"/v1/files/{id}")
    assert refusal(chat(http, id)) == (f"No such File object: {id}", "messages[0].content[1].file.file_id")


def test_a_file_of_another_namespace_is_unknown(http):
    id = upload(http)
    assert chat(http, id).status_code == 200
    assert chat(http, id, headers=OTHER).status_code == 404


@pytest.mark.parametrize("kind", ["input_file", "input_image"])
def test_the_parts_of_responses(http, kind):
    part = {"type": kind, "file_id": upload(http)}
    assert respond(http, input=[{"role": "user", "content": [part]}]).status_code == 200
    call = {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "call_1", "output": [{"type": kind, "file_id": "file-none"}]}
    items = [{"role": "user", "content": [part]}, call, result]
    assert refusal(respond(http, input=items)) == ("No such File object: file-none", "input[2].output[0].file_id")


def test_a_screenshot(http):
    call = {"type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed", "pending_safety_checks": []}
    result = {"type": "computer_call_output", "call_id": "call_1"}
    output = {"type": "computer_screenshot", "file_id": "file-none"}
    items = [{**call, "action": {"type": "screenshot"}}, {**result, "output": output}]
    assert refusal(respond(http, input=items))[1] == "input[1].output.file_id"


def test_the_tools_of_responses(http):
    id = upload(http)
    store = http.post("/v1/vector_stores", json={"file_ids": [id]}).json()["id"]
    search = {"type": "file_search", "vector_store_ids": [store]}
    code = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [id]}}
    assert respond(http, tools=[search, code]).status_code == 200
    http.delete(f"/v1/vector_stores/{store}")
    assert refusal(respond(http, tools=[search])) == (f"Vector store with id ['{store}'] not found.", "tools")
    http.delete(f"/v1/files/{id}")
    assert refusal(respond(http, tools=[code])) == (f"No such File object: {id}", "tools[0].container.file_ids[0]")


def test_the_mask_of_an_image_generation(http):
    tool = {"type": "image_generation", "input_image_mask": {"file_id": "file-none"}}
    assert refusal(respond(http, tools=[tool]))[1] == "tools[0].input_image_mask.file_id"


@pytest.mark.parametrize(
    "container", ["cntr_1", {"type": "auto", "file_ids": None}, {"type": "auto", "file_ids": []}, {"file_ids": [1]}]
)
def test_containers_without_files(http, container):
    assert respond(http, tools=[{"type": "code_interpreter", "container": container}]).status_code == 200


def test_an_id_of_another_kind(http):
    answer = respond(http, input=[{"role": "user", "content": [{"type": "input_file", "file_id": "vs_1"}]}])
    message = "Invalid 'input[0].content[0].file_id': 'vs_1'. Expected an ID that begins with 'file'."
    assert refusal(answer, 400) == (message, "input[0].content[0].file_id")


def test_an_id_that_is_too_long_is_always_refused():
    part = {"type": "input_file", "file_id": "file" + "x" * 61}
    with client("off") as http:
        answer = respond(http, input=[{"role": "user", "content": [part]}])
    message = "string too long. Expected a string with maximum length 64, but got a string with length 65 instead."
    assert refusal(answer, 400)[0] == f"Invalid 'input[0].content[0].file_id': {message}"


def test_explain_reports_only_what_is_unknown(http):
    parts = [{"type": "input_file", "file_id": id} for id in (upload(http), "file-none")]
    body = {"path": "/v1/responses", "body": {"model": "gpt-4o", "input": [{"role": "user", "content": parts}]}}
    (finding,) = http.post("/__openaimock/explain", json=body, headers={"host": "127.0.0.1"}).json()["lint"]
    assert finding == {
        "check": "unknown_file",
        "message": "No such File object: file-none",
        "param": "input[0].content[1].file_id",
        "code": None,
        "status": 404,
        "about": "request",
    }
