"""The faults of a storm: which there are, what each does to a reply, and where it makes sense."""

from __future__ import annotations

import json

import pytest

from openaimock.cli.storm import plan
from openaimock.cli.storm.mock import Sight
from openaimock.storm import changes
from openaimock.storm.cells import Cell, Task, from_text, parse_point, to_text
from openaimock.storm.kinds import BY_NAME, GROUPS, KINDS, Target, select
from openaimock.types.ask import Ask, Message, ToolCall
from openaimock.types.exchange import Exchange
from openaimock.types.reply import Block, Reply

CALL = ToolCall("look", '{"city": "Paris", "days": [1, 2]}', "call_1")
CALLING = Reply(blocks=(Block("tool_call", call=CALL),))
SPEAKING = Reply(blocks=(Block("text", "one two three four"),))
TOOL = {"type": "function", "function": {"name": "look"}}
ASK = Ask("chat", body={"tools": [TOOL]}, tools=("look",))


def test_the_table_has_the_faults_that_were_asked_for():
    names = {
        *("disconnect", "reset", "stall", "truncate", "empty", "slow"),
        *("garble", "duplicate", "no_done", "error_event", "split_utf8"),
        *("429", "429_retry_after", "500", "503", "401", "context_length_exceeded"),
        *("malformed_arguments", "unknown_tool", "wrong_types", "empty_content", "refusal", "length", "same_call"),
    }
    assert names <= set(BY_NAME)
    assert GROUPS == ("transport", "protocol", "api", "model")


def test_names_and_groups_select_in_the_order_of_the_table():
    assert [kind.name for kind in select(["503", "disconnect"])] == ["disconnect", "503"]
    assert {kind.group for kind in select(["model"])} == {"model"}
    with pytest.raises(ValueError, match="'stal' is not a fault of a storm; did you mean 'stall'"):
        select(["stal"])
    with pytest.raises(ValueError, match=r"faults: disconnect, .*groups: transport, "):
        select(["xyzzy"])


def test_arguments_become_malformed_or_get_other_types():
    with pytest.raises(ValueError):
        json.loads(changes.malformed_arguments(ASK, CALLING).calls[0].arguments)
    assert json.loads(changes.wrong_types(ASK, CALLING).calls[0].arguments) == {"city": ["Paris"], "days": "[1,2]"}


@pytest.mark.parametrize(("text", "expected"), [("no json", "no json"), ("[1]", "[[1]]"), ("{}", "{}")])
def test_arguments_that_are_no_object(text, expected):
    reply = Reply(blocks=(Block("tool_call", call=CALL._replace(arguments=text)),))
    assert changes.wrong_types(ASK, reply).calls[0].arguments == expected


def test_the_other_replies_of_a_model_that_fails():
    assert changes.unknown_tool(ASK, SPEAKING).calls[0].name == changes.NO_TOOL
    assert changes.empty_content(ASK, SPEAKING).text == ""
    assert changes.refusal(ASK, SPEAKING).joined("refusal")
    cut = changes.length(ASK, SPEAKING)
    assert (cut.text, cut.finish_reason) == ("one two t", "length")
    assert changes.length(ASK, CALLING).calls[0].arguments == CALL.arguments[: len(CALL.arguments) // 2]
    assert changes.length(ASK, Reply()).text == ""


def test_the_same_call_is_the_last_one_or_the_first_that_is_possible():
    history = Ask("chat", messages=(Message("assistant", "", tool_calls=(CALL,)),))
    assert changes.same_call(history, SPEAKING).calls == [CALL._replace(id="")]
    assert changes.same_call(ASK, CALLING).calls == [CALL._replace(id="")]
    assert changes.same_call(ASK, SPEAKING).calls == [ToolCall("look", "{}")]
    assert changes.same_call(Ask("chat"), SPEAKING) is SPEAKING


def test_a_cell_applies_to_its_exchange_and_a_lasting_one_to_the_later_ones():
    cell = Cell(2, 3, "stall")
    assert cell.injection(1, True) is None and cell.injection(3, True) is None
    assert cell.injection(2, True).fault.after == 3
    assert cell.injection(2, False).fault.after == 20
    outage = Cell(2, 0, "outage")
    assert [outage.injection(number, False) is not None for number in (1, 2, 3, 9)] == [False, True, True, True]
    assert Cell().injection(1, True) is None


def test_the_task_in_the_environment_can_be_read_back():
    task = Task(Cell(3, 4, "garble", "a.py::b", 7), "/somewhere/cell.jsonl")
    assert from_text(to_text(task)) == task
    for text in (
        "",
        "1",
        "[]",
        "{}",
        '{"exchange": 1, "event": 0, "fault": "no", "report": ""}',
        to_text(task).replace('"/', '1, "x": "/'),
    ):
        with pytest.raises(ValueError, match="OPENAIMOCK_STORM has no task"):
            from_text(text)


@pytest.mark.parametrize(
    ("text", "cell"),
    [("2.5", Cell(2, 5)), ("12", Cell(12)), ("a.py::b[#1]#3.4", Cell(3, 4, test="a.py::b[#1]"))],
)
def test_points(text, cell):
    assert parse_point(text) == cell
    assert parse_point(cell.place) == cell


@pytest.mark.parametrize("text", ["", "0", "0.1", "1.", "a", "1.2.3", "-1", "٣", "#1", "a.py::b", "a.py::b#"])
def test_other_texts_are_no_points(text):
    with pytest.raises(ValueError, match="is not a point; expected"):
        parse_point(text)


@pytest.mark.parametrize(
    ("points", "expected"), [("first", [0]), ("each", [0, 1, 2, 3, 4, 5, 6]), ("3", [0, 3, 6]), ("", [0, 3, 6]), ("99", [0])]
)
def test_the_events_of_a_stream_after_which_faults_come(points, expected):
    assert list(plan.events(7, points)) == expected
    assert list(plan.events(0, points)) == [0]


def sight(stream=False, reply=None, endpoint="chat", tools=()):
    return Sight(
        Exchange(1, 0.0, "", "POST", "/v1/x", endpoint=endpoint, ask=Ask(endpoint, stream=stream, tools=tools), reply=reply), 4
    )


def test_faults_come_only_where_they_make_sense():
    def names(*sights):
        return {cell.fault for cell in plan.cells(sights, KINDS, "")}

    plain = names(sight())
    assert {"503", "disconnect", "refusal", "length"} <= plain
    assert not {"no_done", "error_event", "malformed_arguments", "wrong_types", "unknown_tool", "same_call"} & plain
    assert {"no_done", "error_event"} <= names(sight(stream=True))
    assert {"unknown_tool", "same_call"} <= names(sight(tools=("look",)))
    assert {"malformed_arguments", "wrong_types"} <= names(sight(reply=CALLING))
    assert not {kind.name for kind in KINDS if kind.group == "model"} & names(sight(endpoint="embeddings"))


def test_the_cells_of_a_stream_have_its_points():
    cells = plan.cells([sight(), sight(stream=True)], select(["stall", "503"]), "each")
    assert [cell.point for cell in cells] == ["1.0", "1.0", "2.0", "2.1", "2.2", "2.3", "2.0"]


def test_the_cells_of_a_test_have_their_number_in_it_and_in_the_report():
    sights = [sight(), sight()._replace(test="a.py::one", in_test=1), sight()._replace(test="a.py::two", in_test=1)]
    cells = plan.cells(sights, select(["503"]), "")
    assert [(cell.point, cell.place) for cell in cells] == [("1.0", "1.0"), ("2.0", "a.py::one#1.0"), ("3.0", "a.py::two#1.0")]


def test_too_many_cells_are_an_error():
    endless = [Sight(sight(stream=True).exchange, 20_000)]
    with pytest.raises(ValueError, match="more than 10000 cells; choose fewer"):
        plan.cells(endless, KINDS, "each")


def test_a_target_shows_what_the_clean_run_knows():
    assert plan.target(sight(stream=True, reply=CALLING, tools=("look",))) == Target("chat", True, 4, True, True)
