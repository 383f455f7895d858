"""Secrets planted in every place of requests and answers: none of them is in what convert writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from openaimock.config.load import load

KEY = "sk-proj-PLANTEDplanted0123456789"
ORGANIZATION = "org-PLANTEDplanted0123456789"
PROJECT = "proj_PLANTEDplanted0123456789"
COOKIE = "session=PLANTEDplanted0123456789"


def interaction(text: str, answer: object, status: int = 200, **headers: str) -> dict[str, object]:
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    return {
        "request": {
            "method": "POST",
            "uri": f"https://user:{KEY}@api.openai.com/v1/chat/completions?api-key={KEY}",
            "headers": {"authorization": [f"Bearer {KEY}"], "cookie": [COOKIE], "openai-organization": [ORGANIZATION]},
            "body": json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "user": ORGANIZATION}),
        },
        "response": {
            "status": {"code": status},
            "headers": {
                "set-cookie": [COOKIE],
                "openai-project": [PROJECT],
                **{name: [value] for name, value in headers.items()},
            },
            "body": {"string": raw},
        },
    }


def whole(message: dict[str, object]) -> dict[str, object]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}]}


def stream(*pieces: str) -> str:
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def test_no_planted_secret_is_in_the_rules(tmp_path: Path) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"api_key": KEY, "a": [KEY]})}}
    failure = {"error": {"message": f"No access for {ORGANIZATION} to {PROJECT}.", "type": "t", "param": None, "code": KEY}}
    interactions = [
        interaction(f"use {KEY} now", whole({"content": f"I use {KEY}."})),
        interaction(f"Bearer {KEY}", whole({"content": None, "tool_calls": [call]})),
        interaction("a", stream("It is sk-proj-PLANTED", "planted0123456789."), **{"content-type": "text/event-stream"}),
        interaction("b", failure, 403),
        interaction("c", f"<p>{KEY} {ORGANIZATION}</p>", 502, **{"content-type": "text/html"}),
        interaction("d", {"unlike": {"anything": [KEY, PROJECT]}}),
    ]
    path = tmp_path / "cassette.json"
    path.write_text(json.dumps({"interactions": interactions}))
    done = subprocess.run([sys.executable, "-m", "openaimock", "convert", str(path)], capture_output=True, text=True, timeout=60)
    assert done.stderr == "# 6 converted into 6 rules, 0 left out\n"
    assert len(load(done.stdout, environ={}).rules) == 6
    assert "planted" not in (done.stdout + done.stderr).lower()
