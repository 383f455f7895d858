"""No secret reaches the file of recordings, from any place of a request or of an answer."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from openaimock.recording.redactor import Redactor

CLIENT_KEY = "client-key-0123456789/+="
UPSTREAM_KEY = "upstream-key-9876543210"
MOCK_KEY = "mock-key-5555544444"
ORGANIZATION, PROJECT, COOKIE = "org-AbCdEfGhIjKlMnOp", "acme-project-x", "session=c00kie-value-1"
TOKEN = "sk-proj-abcdefghijklmnop123456"
CUSTOMER, TICKET = "cust-777-alpha", "TICKET-123456"
SECRETS = [CLIENT_KEY, UPSTREAM_KEY, MOCK_KEY, ORGANIZATION, PROJECT, "c00kie-value-1", TOKEN, CUSTOMER, TICKET, "hunter2secret"]
ALL = " ".join([CLIENT_KEY, UPSTREAM_KEY, MOCK_KEY, ORGANIZATION, PROJECT, TOKEN, TICKET, "password=hunter2secret"])
MEMBERS = {"customer_id": CUSTOMER, "password": "hunter2secret", "note": ALL}

TOOL = {
    "type": "function",
    "function": {"name": "pay", "parameters": {"type": "object", "properties": {"a": {"type": "string", "default": TOKEN}}}},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": json.dumps(MEMBERS)}}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": list(messages), **more}


#: Requests with secrets in every place, some of them twice with one difference that a rule must name.
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("/chat/completions", chat({"role": "system", "content": ALL}, {"role": "user", "content": f"a {ALL} b"})),
    ("/chat/completions", chat({"role": "user", "content": json.dumps(MEMBERS)}, stream=True)),
    ("/chat/completions", chat({"role": "user", "content": [{"type": "text", "text": ALL}]}, tools=[TOOL], user=TOKEN)),
    ("/chat/completions", chat({"role": "user", "content": "fail"})),
    ("/chat/completions", chat({"role": "user", "content": "call"}, tools=[TOOL])),
    (
        "/chat/completions",
        chat(
            {"role": "user", "content": "call"},
            {"role": "assistant", "content": ALL, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": json.dumps(MEMBERS)},
        ),
    ),
    ("/chat/completions", chat({"role": "user", "content": "differs"}, stop=f"one {TOKEN}", metadata={"key": TOKEN})),
    ("/chat/completions", chat({"role": "user", "content": "differs"}, stop=[f"two {TOKEN}", TICKET], store=True)),
    ("/responses", {"model": "gpt-4o", "input": ALL, "instructions": ALL}),
    ("/embeddings", {"model": "text-embedding-3-small", "input": [ALL, f"{TOKEN} again"]}),
    ("/embeddings", {"model": "text-embedding-3-small", "input": [ALL, f"{TICKET} other"], "dimensions": 5}),
    ("/moderations", {"model": "omni-moderation-latest", "input": ALL}),
    ("/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": ALL, "suffix": TOKEN}),
]

UPSTREAM: dict[str, Any] = {
    "lint": "off",
    "responses": [
        {"when": {"user": "fail"}, "reply": {"error": {"status": 403, "message": f"No access for {ALL}", "param": TOKEN}}},
        {"when": {"user": "call", "turn": 0}, "reply": {"tool_calls": [{"name": "pay", "arguments": MEMBERS}]}},
        {"when": {"user": "differs"}, "replies": [f"first {ALL}", {"refusal": f"second {ALL}"}]},
        {"when": {}, "reply": {"content": f"answer {ALL}", "headers": {"set-cookie": COOKIE, "openai-organization": PROJECT}}},
    ],
}


def forms(secret: str) -> set[str]:
    """The forms in which a secret could be in a file."""
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]}


@pytest.mark.parametrize("ids", ["made", "keep"])
def test_no_secret_reaches_the_file(serve, tmp_path: Path, ids: str) -> None:
    file = tmp_path / "recorded.yaml"
    upstream = serve(UPSTREAM)
    settings: dict[str, Any] = {
        "api_key": [MOCK_KEY, CLIENT_KEY],
        "lint": "off",
        "upstream": {"url": upstream.url, "headers": {"x-api-key": UPSTREAM_KEY}},
        "record": {"file": str(file), "ids": ids, "redact": ["customer_id", {"regex": r"TICKET-\d+"}]},
    }
    mock = serve(settings)
    headers = {
        "authorization": f"Bearer {CLIENT_KEY}",
        "openai-organization": ORGANIZATION,
        "openai-project": PROJECT,
        "cookie": COOKIE,
    }
    with httpx.Client(trust_env=False, verify=False, headers=headers) as http:
        for path, body in REQUESTS:
            assert http.post(mock.url + path, json=body).status_code in (200, 403)
    text = file.read_text("utf-8")
    leaks = [(secret, form) for secret in SECRETS for form in forms(secret) if form in text]
    assert leaks == []
    # The rules are there all the same, and answer what they were recorded from.
    assert mock.app.api.upstream.recorder.recorded >= len(REQUESTS) - 1
    replaying = serve({"lint": "off", "record": {"file": str(file)}})
    with httpx.Client(trust_env=False, verify=False, headers=headers) as http:
        for path, body in REQUESTS[:6]:
            assert http.post(replaying.url + path, json=body).status_code in (200, 403)


def test_a_redactor_masks_names_in_every_spelling() -> None:
    redactor = Redactor(names=["customer_id"], regexes=[r"TICKET-\d+"])
    text = json.dumps({"text": json.dumps({"customerId": "alpha 1"}), "Customer-ID": 12345})
    masked = redactor.text(text)
    assert "alpha" not in masked and "12345" not in masked
    assert redactor.value({"customer_id": ["a"], "x": "TICKET-1"}) == {"customer_id": "***", "x": "***"}


@pytest.mark.parametrize("line_break", ["\n", "\r\n  ", "\\n", "\\r\\n"])
@pytest.mark.parametrize("before", ["", "x", "xy", "x" * 50])
def test_a_secret_is_masked_in_base64_of_several_lines(before: str, line_break: str) -> None:
    secret = "a-key-of-some-kind-" + "0123456789" * 15
    encoded = base64.encodebytes(f"{before}{secret}yz".encode()).decode().strip().replace("\n", line_break)
    redactor = Redactor([secret])
    assert redactor.finds([encoded])
    assert redactor.text(f"The file is: {encoded} (end)").replace("=", "") == "The file is: *** (end)"


def test_keys_and_cookies_of_a_client_are_in_no_log_and_no_export(serve, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    mock = serve([{"when": {}, "reply": {"content": "You said: {{ user }}"}}], log_file=str(log))
    headers = {"authorization": f"Bearer {MOCK_KEY}", "cookie": COOKIE, "openai-organization": ORGANIZATION}
    with httpx.Client(trust_env=False, verify=False, headers=headers) as http:
        message = {"role": "user", "content": f"{MOCK_KEY} c00kie-value-1 {ORGANIZATION}"}
        http.post(f"{mock.url}/chat/completions", json=chat(message))
        http.get(f"{mock.url}/files/{MOCK_KEY}")
        export = http.get(mock.url.replace("/v1", "/__openaimock/export")).text
    mock.stop()
    assert "You said" in export and "You said" in log.read_text("utf-8")
    for secret in (MOCK_KEY, "c00kie-value-1", ORGANIZATION):
        assert secret not in export and secret not in log.read_text("utf-8")


def test_secrets_of_requests_are_masked_from_then_on() -> None:
    redactor = Redactor()
    redactor.add_secrets(["a-key-of-some-kind"])
    assert redactor.text("uses a-key-of-some-kind") == "uses ***"
    assert redactor.finds({"a": ["a-key-of-some-kind"]})
