"""HTTP for every endpoint: keys, paths, headers, browsers and bodies."""

from __future__ import annotations

import gzip
import json
import socket
import zlib

import httpx
import openai
import pytest

from ..support.wire import post, user

RULES = [{"when": {"user": "Hello"}, "reply": "Hi!"}]


@pytest.fixture
def mock(serve):
    return serve({"api_key": ["test-key", "other-key"], "responses": RULES})


@pytest.fixture
def open_mock(serve):
    return serve(RULES)


def ask(mock, method, path, **options):
    root = mock.url.removesuffix("/v1")
    with httpx.Client(trust_env=False) as http:
        return http.request(method, root + path, **options)


KEY = {"authorization": "Bearer test-key"}

# Keys


@pytest.mark.parametrize("headers", [KEY, {"authorization": "bearer other-key"}, {"api-key": "test-key"}])
def test_a_configured_key_is_accepted(mock, headers):
    assert post(mock, user("Hello"), headers=headers).status_code == 200


def test_a_wrong_key_is_401_and_masked(mock, client):
    with pytest.raises(openai.AuthenticationError) as raised:
        client(mock, api_key="sk-very-secret-key").chat.completions.create(**user("Hello"))
    assert raised.value.code == "invalid_api_key"
    assert "sk-very-secret-key" not in str(raised.value)


def test_no_key_is_401(mock):
    answer = post(mock, user("Hello"))
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].startswith("You didn't provide an API key.")


@pytest.mark.parametrize("key", ["test-ke", "tést", "test-key:space"])
def test_only_whole_keys_count(mock, key):
    expected = 200 if key == "test-key:space" else 401
    headers = {"authorization": f"Bearer {key}".encode()}
    assert post(mock, user("Hello"), headers=headers).status_code == expected


def test_without_configured_keys_every_request_is_accepted(open_mock):
    assert post(open_mock, user("Hello")).status_code == 200
    assert post(open_mock, user("Hello"), headers={"authorization": "Bearer whatever"}).status_code == 200


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/chat/completions?beta=true",
        "/openai/v1/chat/completions?api-version=preview",
        "/openai/deployments/my-gpt/chat/completions?api-version=2024-06-01",
        "/t/some-test/v1/chat/completions",
    ],
)
def test_all_spellings_of_a_path(open_mock, path):
    assert ask(open_mock, "POST", path, json=user("Hello")).json()["choices"][0]["message"]["content"] == "Hi!"


def test_azure_client_names_its_model_by_the_path(open_mock):
    azure = openai.AzureOpenAI(
        azure_endpoint=open_mock.url.removesuffix("/v1"), api_key="test-key", api_version="2024-06-01", max_retries=0
    )
    with azure:
        answer = azure.chat.completions.create(**{**user("Hello"), "model": "my-deployment"})
    assert (answer.choices[0].message.content, answer.model) == ("Hi!", "my-deployment")


def test_the_deployment_replaces_a_null_model(open_mock):
    body = {**user("Hello"), "model": None}
    answer = ask(open_mock, "POST", "/openai/deployments/mine/chat/completions", json=body)
    assert answer.json()["model"] == "mine"


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/v1/chat/completion", "/v1/chat/completions/", "/v1/%00"])
def test_an_unknown_path_is_404_in_the_envelope(open_mock, path):
    answer = ask(open_mock, "GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unknown request URL: GET /")
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_method_is_405_with_the_allowed_methods(open_mock):
    answer = ask(open_mock, "DELETE", "/v1/models")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert "Not allowed to DELETE" in answer.json()["error"]["message"]


def test_health_needs_no_key(mock):
    assert ask(mock, "GET", "/health").json() == {"status": "ok"}


# Headers


def test_every_response_has_the_api_headers(open_mock):
    for answer in (post(open_mock, user("Hello")), post(open_mock, user("nothing")), ask(open_mock, "GET", "/v1/models")):
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["openai-processing-ms"].isdigit()
        assert answer.headers["openai-version"] == "2020-10-01"
        assert answer.headers["openai-organization"]
        assert answer.headers["content-type"] == "application/json"


def test_a_request_id_is_echoed(open_mock):
    assert post(open_mock, user("Hello"), headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"


def test_the_sdk_finds_the_request_id(open_mock, client):
    raw = client(open_mock).chat.completions.with_raw_response.create(**user("Hello"))
    assert raw.request_id == raw.headers["x-request-id"]
    assert raw.parse().choices[0].message.content == "Hi!"


def test_an_unmatched_request_is_marked_as_not_retryable(open_mock):
    assert post(open_mock, user("nothing")).headers["x-should-retry"] == "false"


# Browsers


def test_preflight_allows_the_request_of_a_page(mock):
    headers = {"origin": "http://localhost:5173", "access-control-request-headers": "authorization, x-stainless-os"}
    answer = ask(mock, "OPTIONS", "/v1/chat/completions", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, x-stainless-os"


def test_a_page_can_read_errors(mock):
    assert post(mock, user("Hello")).headers["access-control-allow-origin"] == "*"


def test_cors_for_some_origins_only(serve):
    mock = serve({"cors": ["http://good.example"], "responses": RULES})
    good = post(mock, user("Hello"), headers={"origin": "http://good.example"})
    bad = post(mock, user("Hello"), headers={"origin": "http://bad.example"})
    assert good.headers["access-control-allow-origin"] == "http://good.example"
    assert "access-control-allow-origin" not in bad.headers


STORED = [
    ("GET", "/responses/resp_1"),
    ("DELETE", "/responses/resp_1"),
    ("GET", "/chat/completions"),
    ("GET", "/conversations/c_1/items"),
]


@pytest.mark.parametrize(("method", "path"), STORED)
def test_without_a_key_no_page_of_another_origin_reads_or_deletes_what_is_stored(serve, method, path):
    page = {"origin": "http://evil.example"}
    for config, is_open in (({}, False), ({"api_key": "k"}, True), ({"cors": ["http://evil.example"]}, True)):
        mock = serve({**config, "responses": RULES})
        headers = {**page, "authorization": "Bearer k"}
        answer = ask(mock, method, "/v1" + path, headers=headers)
        preflight = ask(mock, "OPTIONS", "/v1" + path, headers={**page, "access-control-request-method": method})
        assert ("access-control-allow-origin" in answer.headers) == is_open
        assert ("access-control-allow-origin" in preflight.headers) == is_open


def test_pages_may_ask_a_mock_without_a_key_and_list_its_models(mock):
    embedding = post(
        mock, {"model": "text-embedding-3-small", "input": "x"}, "/embeddings", headers={"origin": "http://page.example"}
    )
    assert embedding.headers["access-control-allow-origin"] == "*"
    page = {"origin": "http://page.example"}
    assert post(mock, user("Hello"), headers=page).headers["access-control-allow-origin"] == "*"
    assert ask(mock, "GET", "/v1/models", headers=page).headers["access-control-allow-origin"] == "*"


def test_cors_can_be_off(serve):
    mock = serve({"cors": False, "responses": RULES})
    assert "access-control-allow-origin" not in post(mock, user("Hello")).headers


# Bodies


def raw_post(mock, content, **headers):
    return ask(mock, "POST", "/v1/chat/completions", content=content, headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize(
    ("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", lambda b: zlib.compress(b)[2:-4])]
)
def test_compressed_bodies(open_mock, encoding, encode):
    content = encode(json.dumps(user("Hello")).encode())
    assert raw_post(open_mock, content, **{"content-encoding": encoding}).status_code == 200


def test_an_unsupported_encoding_is_415(open_mock):
    answer = raw_post(open_mock, b"x", **{"content-encoding": "zstd"})
    assert answer.status_code == 415
    assert "zstd" in answer.json()["error"]["message"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_broken_encoding_is_400(open_mock, encoding):
    assert raw_post(open_mock, b"not compressed", **{"content-encoding": encoding}).status_code == 400


def test_a_truncated_gzip_is_400(open_mock):
    whole = gzip.compress(json.dumps(user("Hello")).encode())
    assert raw_post(open_mock, whole[:-9], **{"content-encoding": "gzip"}).status_code == 400


def test_a_small_body_that_unpacks_to_a_huge_one_is_413(serve):
    mock = serve({"max_body": 10_000, "responses": RULES})
    assert raw_post(mock, gzip.compress(b" " * 1_000_000), **{"content-encoding": "gzip"}).status_code == 413


def test_a_chunked_body(open_mock):
    content = json.dumps(user("Hello")).encode()
    assert raw_post(open_mock, iter([content[:10], content[10:]])).status_code == 200


def test_a_body_past_the_limit_is_413(serve):
    mock = serve({"max_body": 1000, "responses": RULES})
    assert raw_post(mock, b" " * 1001).status_code == 413
    assert post(mock, user("Hello")).status_code == 200


def test_65_megabytes_are_413_by_default(open_mock):
    answer = raw_post(open_mock, b" " * (65 * 1024 * 1024))
    assert answer.status_code == 413
    assert post(open_mock, user("Hello")).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_wrong_content_type_is_415(open_mock, content_type):
    answer = raw_post(open_mock, json.dumps(user("Hello")), **{"content-type": content_type})
    assert answer.status_code == 415
    assert answer.json()["error"]["message"].startswith("Unsupported content type")


BAD_JSON = {
    "truncated": b'{"model": "gpt-4o", "messages": [',
    "empty": b"",
    "blank": b"   ",
    "array": b"[1, 2]",
    "string": b'"hello"',
    "number": b"12",
    "null": b"null",
    "NaN": b'{"model": "gpt-4o", "temperature": NaN}',
    "Infinity": b'{"model": "gpt-4o", "temperature": -Infinity}',
    "huge exponent": b'{"model": "gpt-4o", "temperature": 1e999}',
    "huge integer": b'{"model": "gpt-4o", "n": ' + b"9" * 6000 + b"}",
    "deep arrays": b'{"model": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "invalid UTF-8": b'{"model": "gpt-\xff"}',
    "UTF-16": '{"model": "gpt-4o"}'.encode("utf-16"),
    "NUL": b'{"model": "gpt\x004o"}',
    "lone surrogate": b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "\\ud83d"}]}',
    "trailing": b'{"model": "gpt-4o"} {}',
    "comment": b'{"model": "gpt-4o" /* no */}',
}


@pytest.mark.parametrize("content", BAD_JSON.values(), ids=BAD_JSON.keys())
def test_a_body_that_is_not_a_json_object_is_a_clear_400(open_mock, caplog, content):
    answer = raw_post(open_mock, content)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("We could not parse the JSON body of your request.")
    assert "Traceback" not in caplog.text
    assert post(open_mock, user("Hello")).status_code == 200


def test_a_pair_of_surrogates_is_a_character(open_mock):
    content = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "\\ud83d\\ude00"}]}'
    assert raw_post(open_mock, content).json()["error"]["code"] == "no_match"


def test_an_escaped_nul_is_a_character(open_mock):
    content = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "a\\u0000b"}]}'
    assert raw_post(open_mock, content).json()["error"]["code"] == "no_match"


def send(mock, data: bytes) -> bytes:
    """All bytes that a bare socket receives until the server closes."""
    with socket.create_connection(("127.0.0.1", mock.port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Type: application/json\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: x\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5\r\nContent-Length: 7\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: nonsense\r\n",
    ],
)
def test_contradictory_lengths_are_refused(open_mock, lengths):
    received = send(open_mock, HEAD + lengths + b"\r\n{}")
    assert received.split(b" ")[1][:1] in (b"4", b"5")
    assert b"Traceback" not in received
    assert post(open_mock, user("Hello")).status_code == 200


def test_a_missing_length_is_an_empty_body(open_mock):
    assert b" 400 " in send(open_mock, HEAD + b"\r\n").splitlines()[0]


def test_noise_instead_of_http(open_mock):
    send(open_mock, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20)
    assert post(open_mock, user("Hello")).status_code == 200


# Models


def test_models_list_and_retrieve(serve, client):
    sdk = client(serve({"models": ["gpt-4o", "org/my-model"], "responses": RULES}))
    assert [model.id for model in sdk.models.list()] == ["gpt-4o", "org/my-model"]
    assert sdk.models.retrieve("org/my-model").object == "model"


def test_an_unknown_model_is_404(open_mock, client):
    with pytest.raises(openai.NotFoundError) as raised:
        client(open_mock).models.retrieve("gpt-nonsense")
    assert raised.value.code == "model_not_found"
    assert "gpt-nonsense" in raised.value.message


def test_a_built_in_model_cannot_be_deleted(open_mock, client):
    with pytest.raises(openai.PermissionDeniedError):
        client(open_mock).models.delete("gpt-4o")


def test_a_fine_tuned_model_can_be_deleted_once(open_mock, client):
    id = "ft:gpt-4o-mini:org::abc"
    model = {"id": id, "object": "model", "created": 1, "owned_by": "org"}
    open_mock.app.api.namespaces["default"].put("models", id, model)
    sdk = client(open_mock)
    assert id in [each.id for each in sdk.models.list()]
    assert sdk.models.delete(id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve(id)


def test_a_rule_can_answer_for_models(serve, client):
    mock = serve([{"when": {"endpoint": "models"}, "reply": {"error": 503}}])
    with pytest.raises(openai.InternalServerError):
        client(mock).models.list()
