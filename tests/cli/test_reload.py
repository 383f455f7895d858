"""A mock that follows its files."""

from __future__ import annotations

import os

import httpx
import pytest
from werkzeug.test import Client

from openaimock.cli.reload import ReloadingApp
from openaimock.config.load import load
from openaimock.wsgi import create_app

from ..support.commands import CONFIG, run
from ..support.wire import user

RULES = """
responses:
  - {id: a, when: {user: a}, replies: [one, two, three]}
  - {id: b, when: {user: b}, replies: [one, two, three]}
"""


@pytest.fixture
def watched(tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text(RULES)
    messages = []
    app = ReloadingApp(create_app(path), lambda: load(path), messages.append)
    app.path, app.messages = path, messages
    return app


def edit(app, text):
    app.path.write_text(text)
    return app.poll()


def ask(app, text):
    return Client(app).post("/v1/chat/completions", json=user(text))


def said(app, text):
    return ask(app, text).json["choices"][0]["message"]["content"]


def test_nothing_is_read_again_while_nothing_changes(watched):
    before = watched.app
    assert not watched.poll()
    assert watched.app is before
    assert watched.messages == []


def test_a_rule_that_changed_begins_anew_and_the_others_go_on(watched):
    assert [said(watched, "a"), said(watched, "b")] == ["one", "one"]
    assert edit(watched, "# moved\n" + RULES.replace("user: b}, replies: [one", "user: b}, replies: [first"))
    assert [said(watched, "a"), said(watched, "b")] == ["two", "first"]
    assert [exchange.order for namespace in watched.app.api.namespaces for exchange in namespace.exchanges()] == [1, 2, 3, 4]
    assert watched.messages == ["openaimock: the files have changed; 2 rules loaded"]


def test_a_broken_edit_changes_nothing_and_is_told(watched):
    assert not edit(watched, "responses:\n  - {when: {usr: a}, reply: x}\n")
    assert said(watched, "a") == "one"
    assert f"{watched.path}:2:13" in watched.messages[0]
    assert "did you mean 'user'?" in watched.messages[0]
    assert edit(watched, RULES + "  - {when: {user: c}, reply: see}\n")
    assert said(watched, "c") == "see"


def test_a_file_that_is_gone_for_a_moment(watched):
    os.unlink(watched.path)
    assert not watched.poll()
    assert said(watched, "a") == "one"
    assert edit(watched, CONFIG)
    assert said(watched, "Hello") == "Hi!"


def test_rules_added_while_it_runs_stay(watched):
    local = {"base_url": "http://127.0.0.1:3000", "environ_base": {"REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1"}}
    rule = {"id": "more", "when": {"user": "m"}, "reply": "more"}
    assert Client(watched).post("/__openaimock/rules", json=rule, **local).status_code == 201
    assert edit(watched, CONFIG)
    assert said(watched, "m") == "more"


def test_a_file_that_comes_to_be_included_is_watched_too(watched, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("responses:\n  - {when: {user: o}, reply: before}\n")
    assert edit(watched, "include: other.yaml\n" + RULES)
    assert said(watched, "o") == "before"
    other.write_text("responses:\n  - {when: {user: o}, reply: after}\n")
    assert watched.poll()
    assert said(watched, "o") == "after"


def test_settings_change_too(watched):
    assert edit(watched, "api_key: sk-new\nscenarios: {door: open}\n" + RULES)
    assert ask(watched, "a").status_code == 401


def test_on_the_command_line_streams_go_on(start, tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text("responses:\n  - {when: {user: Hello}, reply: {content: a b c d, pace: {tps: 2}}}\n")
    running = start(str(path), "-p", "0", "--watch")
    with (
        httpx.Client(trust_env=False) as http,
        http.stream("POST", running.url + "/chat/completions", json=user("Hello", stream=True)) as response,
    ):
        pieces = response.iter_text()
        first = next(pieces)
        path.write_text(CONFIG)
        assert running.process.stderr.readline() == "openaimock: the files have changed; 1 rule loaded\n"
        assert running.ask().json()["choices"][0]["message"]["content"] == "Hi!"
        assert (first + "".join(pieces)).endswith("data: [DONE]\n\n")
    assert running.stop() == (0, "")


def test_standard_input_cannot_be_watched():
    done = run("--watch", "-p", "0", text=CONFIG)
    assert done.returncode == 2
    assert "needs a file" in done.stderr
