"""Several processes that record into one file at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

import openaimock

RECORD = """
import json, sys
import openaimock
from urllib.request import Request, build_opener, ProxyHandler
upstream, file, name = sys.argv[1:]
mock = openaimock.start_mock_server({"upstream": {"url": upstream}, "record": {"file": file, "mode": "new"}})
opener = build_opener(ProxyHandler({}))
for number in range(8):
    for text in (f"shared {number}", f"{name} {number}"):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        request = Request(mock.url + "/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
        opener.open(request).read()
mock.stop()
"""


def test_no_rule_is_lost_or_recorded_twice(serve, client, tmp_path: Path) -> None:
    upstream = serve([{"when": {}, "reply": "answer to {{ user }}"}])
    file = tmp_path / "recorded.yaml"
    file.write_text("# Mine.\nresponses:\n", "utf-8")
    command = [sys.executable, "-c", RECORD, upstream.url, str(file)]
    environ = {**os.environ, "PYTHONPATH": str(Path(openaimock.__file__).parents[1])}
    running = [subprocess.Popen([*command, name], env=environ) for name in ("first", "second", "third")]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    upstream.stop()
    text = file.read_text("utf-8")
    assert text.startswith("# Mine.\n")
    prompts = Counter(rule["messages"][0]["content"] for rule in yaml.safe_load(text)["responses"])
    assert prompts == {f"{name} {number}": 1 for name in ("shared", "first", "second", "third") for number in range(8)}
    api = client(serve({"record": {"file": str(file)}}))
    for prompt in prompts:
        answer = api.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": prompt}])
        assert answer.choices[0].message.content == f"answer to {prompt}"


def test_different_answers_of_two_processes_load(serve, client, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    for_image = {"model": "gpt-image-1.5", "prompt": "a fox", "quality": "low"}
    settings = {"record": {"file": str(file), "mode": "all"}}
    # Both began before the file was there, as two processes do.
    mocks = [serve({**settings, "upstream": {"url": serve({"seed": seed, "responses": []}).url}}) for seed in (1, 2)]
    images = [client(mock).images.generate(**for_image).data[0].b64_json for mock in mocks]
    assert images[0] != images[1]
    assert len(list((tmp_path / "recorded-files").iterdir())) == 2
    replayed = client(serve({"record": {"file": str(file)}})).images.generate(**for_image).data[0].b64_json
    assert replayed == images[0]


@pytest.mark.parametrize("limit", ["MAX_EXCHANGES", "MAX_BYTES", "MAX_ALIKE"])
def test_what_a_recorder_remembers_is_bounded(serve, client, tmp_path: Path, monkeypatch, limit: str) -> None:
    from openaimock.recording import recorder

    monkeypatch.setattr(recorder, limit, 3)
    upstream = serve([{"when": {}, "reply": "x"}])
    mock = serve({"upstream": {"url": upstream.url}, "record": {"file": str(tmp_path / "recorded.yaml")}})
    for number in range(8):
        text = "the same" if limit == "MAX_ALIKE" else f"question {number}"
        client(mock).chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
    remembered = mock.app.api.upstream.recorder
    entries = [entry for entries in remembered._clusters.values() for entry in entries]
    assert len(entries) <= 3
    assert (remembered.recorded, remembered.skipped) == ((3, 5) if limit == "MAX_ALIKE" else (8, 0))


def test_a_history_is_bounded(monkeypatch) -> None:
    from openaimock.recording import history

    monkeypatch.setattr(history, "MAX_CONVERSATIONS", 3)
    monkeypatch.setattr(history, "MAX_ITEMS", 3)
    past = history.History()
    for number in range(9):
        item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": []}
        past.note({}, {"input": []}, {"id": f"resp_{number}", "output": [item]})
    assert past.expanded({"previous_response_id": "resp_8"})["input"][0]["id"] == "msg_8"
    for reference in ({"previous_response_id": "resp_0"}, {"input": [{"type": "item_reference", "id": "msg_0"}]}):
        with pytest.raises(history.Unknown):
            past.expanded(reference)
