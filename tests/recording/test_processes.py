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


def test_different_answers_of_two_processes_are_a_sequence(serve, client, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    for_image = {"model": "gpt-image-1.5", "prompt": "a fox", "quality": "low"}
    settings = {"record": {"file": str(file), "mode": "all"}}
    # Both began before the file was there, as two processes do.
    mocks = [serve({**settings, "upstream": {"url": serve({"seed": seed, "responses": []}).url}}) for seed in (1, 2)]
    images = [client(mock).images.generate(**for_image).data[0].b64_json for mock in mocks]
    assert images[0] != images[1]
    assert len(list((tmp_path / "recorded-files").iterdir())) == 2
    replay = client(serve({"record": {"file": str(file)}}))
    assert [replay.images.generate(**for_image).data[0].b64_json for _ in images] == images


def chat(api, text: str, **more) -> str:
    messages = [{"role": "user", "content": text}]
    return api.chat.completions.create(**{"model": "gpt-4o", "messages": messages, **more}).choices[0].message.content


@pytest.fixture
def pair(serve, client, tmp_path: Path):
    """The clients of two mocks that record into one file, as two processes do, with upstreams whose answers differ."""
    file = tmp_path / "recorded.yaml"
    file.write_text("# Mine.\nresponses:\n  - id: mine\n    when: {user: Mine}\n    reply: My own.  # stays\n", "utf-8")
    settings = {"record": {"file": str(file), "mode": "new"}}
    answers = [[{"content": f"{name} costs ${{HOME:-x}}$ {number}"} for number in range(3)] for name in ("first", "second")]
    escaped = [[{"content": reply["content"].replace("${", "$${")} for reply in replies] for replies in answers]
    upstreams = [serve([{"when": {}, "replies": replies}]) for replies in escaped]
    yield [client(serve({**settings, "upstream": {"url": upstream.url}})) for upstream in upstreams], file
    text = file.read_text("utf-8")
    assert text.startswith("# Mine.\n") and "reply: My own.  # stays" in text


def test_answers_of_two_processes_are_replayed_in_the_order_in_which_they_came(pair, serve, client) -> None:
    (first, second), file = pair
    order = [chat(api, "Hi") for api in (first, second, second, first, second)]
    assert len(set(order)) == 5
    replay = client(serve({"record": {"file": str(file)}}))
    assert [chat(replay, "Hi") for _ in order] == order


def test_a_rule_that_changes_leaves_the_answers_of_another_process(pair, serve, client) -> None:
    (first, second), file = pair
    answers = [chat(first, "Hi"), chat(second, "Hi")]
    # The first process now distinguishes its requests by their models.
    other = chat(first, "Hi", model="gpt-4o-mini")
    replay = client(serve({"record": {"file": str(file)}}))
    assert {chat(replay, "Hi"), chat(replay, "Hi", model="gpt-4o-mini")} <= {*answers, other}
    assert all(answer in file.read_text("utf-8").replace("$${", "${") for answer in (*answers, other))


def test_the_same_answers_of_two_processes_are_recorded_once(serve, client, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    upstream = serve([{"when": {}, "reply": "costs $${HOME:-x}"}])
    mocks = [serve({"upstream": {"url": upstream.url}, "record": {"file": str(file), "mode": "new"}}) for _ in range(2)]
    for mock in mocks:
        assert chat(client(mock), "Hi") == "costs ${HOME:-x}"
    assert len(yaml.safe_load(file.read_text("utf-8"))["responses"]) == 1


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
