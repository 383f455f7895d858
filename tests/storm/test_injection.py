"""A mock of a process that a storm started: what it does to its exchanges, and what it reports."""

from __future__ import annotations

import json
from unittest import TestCase

import pytest

from openaimock import create_app, verdict
from openaimock.app import participant
from openaimock.cli.storm.mock import _read
from openaimock.errors import ConfigError
from openaimock.storm import VARIABLE
from openaimock.storm.cells import Cell, Task, to_text
from openaimock.unittest_mixin import OpenAIMockMixin

from ..support.wire import post, user

RULES = {"responses": [{"id": "hi", "when": {"user": "hi"}, "replies": ["one", "two"]}]}


@pytest.fixture
def storm(tmp_path, monkeypatch):
    """Make this process a part of a storm; the file of its report."""

    def begin(cell):
        report = tmp_path / "report.jsonl"
        participant._participant.cache_clear()
        monkeypatch.setenv(VARIABLE, to_text(Task(cell, str(report))))
        return report

    yield begin
    participant._participant.cache_clear()


def test_the_mocks_of_a_process_count_their_exchanges_together(storm, serve):
    report = storm(Cell(2, 0, "503"))
    first, second = serve(RULES), serve(RULES)
    assert [post(mock, user("hi")).status_code for mock in (first, second, first)] == [200, 503, 200]
    assert [sight.exchange.status for sight in _read(report)] == [200, 503, 200]


def test_a_restarted_mock_goes_on_counting(storm, serve):
    storm(Cell(2, 0, "503"))
    mock = serve(RULES)
    assert post(mock, user("hi")).status_code == 200
    mock.restart(RULES)
    assert post(mock, user("hi")).status_code == 503


def test_a_replaced_answer_uses_up_no_reply(storm, serve):
    storm(Cell(1, 0, "empty_content"))
    mock = serve(RULES)
    contents = [post(mock, user("hi")).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert contents == ["", "one", "two"]


def test_an_exchange_that_never_ends_is_in_the_report(storm, serve):
    report = storm(Cell(1, 0, "stall"))
    mock = serve(RULES)
    with pytest.raises(Exception, match="timed out"):
        post(mock, user("hi"), timeout=0.3)
    lines = report.read_text().splitlines()
    assert json.loads(lines[0])["number"] == 1


def test_the_events_of_a_stream_are_counted(storm, serve):
    report = storm(Cell())
    mock = serve(RULES)
    post(mock, user("hi", stream=True))
    (sight,) = _read(report)
    assert (sight.events, sight.exchange.ask.stream, sight.exchange.rule) == (4, True, "hi")


def test_a_report_with_broken_lines_is_read_as_far_as_possible(storm, serve, tmp_path):
    report = storm(Cell())
    post(serve(RULES), user("hi"))
    report.write_text('{\n[]\n{"process": 1, "number": 1}\n' + report.read_text() + '{"process": 1')
    assert len(_read(report)) == 1
    assert _read(tmp_path / "missing") == []


def test_a_report_that_cannot_be_written_does_not_matter(storm, serve, tmp_path, monkeypatch):
    storm(Cell())
    monkeypatch.setattr(participant, "MAX_REPORT", 10)
    mock = serve(RULES)
    assert post(mock, user("hi")).status_code == 200
    monkeypatch.setattr(participant, "MAX_RECORD", 10)
    assert post(mock, user("hi")).status_code == 200
    monkeypatch.undo()
    monkeypatch.setenv(VARIABLE, to_text(Task(Cell(), str(tmp_path / "no" / "folder"))))
    assert post(serve(RULES), user("hi")).status_code == 200


@pytest.fixture
def in_test(monkeypatch):
    """Go on as if pytest ran the test of this id."""
    return lambda test: monkeypatch.setenv("PYTEST_CURRENT_TEST", f"{test} (call)")


def test_the_exchanges_of_each_test_have_numbers_of_their_own(storm, serve, in_test):
    report = storm(Cell(2, 0, "503", "a.py::two", 4))
    mock = serve(RULES)
    statuses = []
    for test in ("a.py::one", "a.py::two", "a.py::one", "a.py::two", "a.py::three"):
        in_test(test)
        statuses.append(post(mock, user("hi")).status_code)
    assert statuses == [200, 200, 200, 503, 200]
    assert [(sight.test, sight.in_test) for sight in _read(report)] == [
        ("a.py::one", 1), ("a.py::one", 2), ("a.py::two", 1), ("a.py::two", 2), ("a.py::three", 1),
    ]  # fmt: skip


def test_the_tests_of_the_unittest_mixin_have_numbers_of_their_own(storm, monkeypatch):
    report = storm(Cell(1, 0, "503", "Case.second"))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    statuses = []

    def body(self):
        statuses.append(post(self.openai_mock, user("hi")).status_code)

    tests = dict.fromkeys(("first", "second"), body)
    case = type(
        "Case",
        (OpenAIMockMixin, TestCase),
        {"openai_mock_config": RULES, **tests, "id": lambda self: f"Case.{self._testMethodName}"},
    )
    for name in tests:
        case(name).run()
    assert statuses == [200, 503]
    assert [sight.test for sight in _read(report)] == ["Case.first", "Case.second"]


def test_an_outage_lasts_to_the_end_of_its_test(storm, serve, in_test):
    storm(Cell(1, 0, "outage", "a.py::one"))
    mock = serve(RULES)
    statuses = []
    for test in ("a.py::one", "a.py::one", "a.py::two"):
        in_test(test)
        statuses.append(post(mock, user("hi")).status_code)
    assert statuses == [503, 503, 200]


def test_tests_that_run_at_the_same_time_do_not_repeat_the_requests_of_each_other(storm, serve, in_test):
    report = storm(Cell(1, 0, "503", "a.py::one"))
    mock = serve(RULES)
    for test in ("a.py::one", "a.py::two"):
        in_test(test)
        post(mock, user("hi"))
    findings = verdict.findings(sight.exchange for sight in _read(report))
    assert [(finding.code, finding.exchanges) for finding in findings] == [("not_retried", (1,))]


def test_another_text_in_the_variable_is_a_configuration_error(monkeypatch):
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ConfigError, match="OPENAIMOCK_STORM has no task of a storm: openaimock storm sets it"):
        create_app(RULES)


def test_without_the_variable_a_mock_has_no_injector(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert create_app(RULES).api.injector is None
