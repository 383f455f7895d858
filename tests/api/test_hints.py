"""Hints about a wrong base URL, beside the 404 of an unknown path."""

from __future__ import annotations

import httpx
import pytest

RULES = [{"when": {}, "reply": "x"}]


def ask(mock, path, method="POST", **headers):
    with httpx.Client(trust_env=False) as http:
        return http.request(method, mock.url.removesuffix("/v1") + path, json={}, headers=headers)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/v1/chat/completions", "the client adds /v1: remove one of them"),
        ("/openai/v1/v1/responses", "the client adds /v1: remove one of them"),
        ("/t/name/v1/v1/embeddings", "the client adds /v1: remove one of them"),
        ("/api/v1/chat/completions", "has '/api' before /v1"),
        ("/v2/moderations", "has '/v2' before /v1"),
        ("/v1/chat/completions/chat/completions", "remove '/chat/completions' from it"),
        ("/v1/responses/v1/responses", "remove '/responses' from it"),
        ("/v1/chat/completions/", "remove the slash at the end"),
        ("/v1//chat/completions", "an empty segment"),
        ("/v1", "/chat/completions, is missing"),
        ("/v1/messages", "Anthropic's API"),
        ("/v1beta/models/g:generateContent", "Gemini's API"),
        ("/api/chat", "Ollama's own API"),
        ("/model/m/converse", "Amazon Bedrock"),
        ("/%0d%0ax:%20y/v1/chat/completions", "has more before /v1"),
    ],
)
def test_a_404_says_what_is_probably_wrong_with_the_base_url(serve, path, hint):
    answer = ask(serve(RULES), path)
    assert answer.status_code == 404
    assert hint in answer.headers["x-openaimock-hint"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/" + "a/" * 200])
def test_an_unclear_path_has_no_hint(serve, path):
    answer = ask(serve(RULES), path)
    assert answer.status_code == 404
    assert "x-openaimock-hint" not in answer.headers


def test_the_hint_is_logged(serve, caplog):
    ask(serve(RULES), "/v1/v1/chat/completions")
    assert "POST /v1/v1/chat/completions: unknown path; the base URL ends in /v1" in caplog.text
