"""Compressed and base64 bodies of cassettes and HARs, in the forms in which recorders write them."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from openaimock.convert.files import Converted, convert

URL = "https://api.openai.com/v1/chat/completions"
REQUEST = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}).encode()
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello " * 30}, "finish_reason": "stop"}
ANSWER = json.dumps({"choices": [CHOICE]}).encode()
LINES = base64.encodebytes(gzip.compress(ANSWER)).decode()


def converted(tmp_path: Path, data: Any) -> Converted:
    path = tmp_path / "recording.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    return convert([path])


def cassette(body: Any, answer: Any, encoding: str = "") -> Any:
    headers = {"Content-Type": ["application/json"], **({"Content-Encoding": [encoding]} if encoding else {})}
    response = {"status": {"code": 200}, "headers": headers, "body": answer}
    return {"interactions": [{"request": {"method": "POST", "uri": URL, "headers": {}, "body": body}, "response": response}]}


@pytest.mark.parametrize(
    ("body", "answer", "encoding"),
    [
        (REQUEST.decode(), {"encoding": "ASCII-8BIT", "base64_string": LINES}, "gzip"),
        (REQUEST.decode(), {"encoding": "base64", "string": LINES}, "gzip"),
        (REQUEST.decode(), {"string": gzip.compress(ANSWER)}, "gzip"),
        (gzip.compress(REQUEST, mtime=0), {"base64_string": base64.b64encode(zlib.compress(ANSWER)).decode()}, "deflate"),
        ({"base64_string": base64.b64encode(REQUEST).decode().rstrip("=")}, {"string": ANSWER.decode()}, ""),
        (REQUEST, ANSWER.decode(), ""),
    ],
)
def test_a_body_is_unpacked(tmp_path: Path, body: Any, answer: Any, encoding: str) -> None:
    result = converted(tmp_path, cassette(body, answer, encoding))
    assert [rule["messages"][-1]["content"] for rule in result.rules] == ["Hello " * 30]


def test_an_exchange_whose_base64_is_damaged_is_left_out(tmp_path: Path) -> None:
    response = {"status": 200, "headers": [], "content": {"encoding": "base64", "text": "no base64!"}}
    request = {"method": "POST", "url": URL, "headers": [], "postData": {"text": REQUEST.decode()}}
    for data in (
        cassette(REQUEST, {"base64_string": "no base64!"}),
        {"log": {"entries": [{"request": request, "response": response}]}},
    ):
        result = converted(tmp_path, data)
        (omission,) = result.omissions
        assert not result.rules and "a body that should be base64 is not" in omission.reason


CUT = 'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": null}]}\n\n'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"size": 500, "mimeType": "application/json"}, "the HAR does not hold the body of the answer"),
        ({"size": 0, "mimeType": "application/json", "text": ""}, "the recorded answer is empty"),
        ({"mimeType": "text/event-stream", "text": CUT}, "the stream ends before the answer does"),
    ],
)
def test_an_answer_that_is_not_there_or_cut_off_is_left_out(tmp_path: Path, content: Any, reason: str) -> None:
    request = {"method": "POST", "url": URL, "headers": [], "postData": {"text": REQUEST.decode()}}
    response = {"status": 200, "headers": [], "content": content}
    result = converted(tmp_path, {"log": {"entries": [{"request": request, "response": response}]}})
    assert not result.rules and reason in result.omissions[0].reason


def test_a_file_without_any_exchange_is_named(tmp_path: Path) -> None:
    assert "there is nothing to convert" in converted(tmp_path, {"log": {"entries": []}}).omissions[0].reason
