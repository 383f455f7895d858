"""Output items of the API's own tools in ``blocks``: their completed members and their events."""

from __future__ import annotations

import pytest

from ...support.answers import ask, kinds, respond, same, stream
from ...support.wire import events, post

#: What a rule says of an item, what the API's own fields become, and the events between its being added and done.
ITEMS = [
    (
        {"type": "web_search_call", "action": {"query": "cats"}},
        {"id": "ws_", "status": "completed", "action": {"type": "search", "query": "cats"}},
        ["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"],
    ),
    (
        {"type": "file_search_call", "queries": ["cats"], "results": [{"file_id": "file-1", "text": "meow", "score": 0.5}]},
        {"id": "fs_", "status": "completed", "results": [{"file_id": "file-1", "text": "meow", "score": 0.5}]},
        ["file_search_call.in_progress", "file_search_call.searching", "file_search_call.completed"],
    ),
    (
        {"type": "code_interpreter_call", "code": "print(1)", "outputs": [{"type": "logs", "logs": "1"}]},
        {"id": "ci_", "status": "completed", "code": "print(1)"},
        [
            "code_interpreter_call.in_progress",
            "code_interpreter_call_code.delta",
            "code_interpreter_call_code.done",
            "code_interpreter_call.interpreting",
            "code_interpreter_call.completed",
        ],
    ),
    (
        {"type": "image_generation_call", "result": "aGk=", "size": "1024x1024"},
        {"id": "ig_", "status": "completed", "result": "aGk="},
        ["image_generation_call.in_progress", "image_generation_call.generating", "image_generation_call.completed"],
    ),
    (
        {"type": "mcp_list_tools", "server_label": "docs", "tools": [{"name": "find", "input_schema": {"type": "object"}}]},
        {"id": "mcpl_"},
        ["mcp_list_tools.in_progress", "mcp_list_tools.completed"],
    ),
    (
        {"type": "mcp_call", "server_label": "docs", "name": "find", "arguments": '{"q":"cats"}', "output": "meow"},
        {"id": "mcp_", "status": "completed", "output": "meow", "error": None},
        ["mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done", "mcp_call.completed"],
    ),
    (
        {
            "type": "mcp_call",
            "name": "find",
            "status": "failed",
            "error": {"type": "http_error", "code": 500, "message": "Down."},
        },
        {"id": "mcp_", "status": "failed"},
        ["mcp_call.in_progress", "mcp_call_arguments.delta", "mcp_call_arguments.done", "mcp_call.failed"],
    ),
    ({"type": "mcp_approval_request", "name": "find", "server_label": "docs"}, {"id": "mcpr_", "arguments": "{}"}, []),
    (
        {"type": "computer_call", "action": {"type": "click", "button": "left", "x": 1, "y": 2}},
        {"id": "cu_", "call_id": "call_", "status": "completed", "pending_safety_checks": []},
        [],
    ),
    (
        {"type": "local_shell_call", "action": {"command": ["ls"]}},
        {"id": "lsh_", "call_id": "call_", "action": {"type": "exec", "command": ["ls"], "env": {}}},
        [],
    ),
    (
        {"type": "shell_call", "action": {"commands": ["ls -l", "pwd"]}},
        {"id": "sh_", "call_id": "call_", "status": "completed"},
        [
            "shell_call_command.added",
            "shell_call_command.delta",
            "shell_call_command.done",
            "shell_call_command.added",
            "shell_call_command.delta",
            "shell_call_command.done",
        ],
    ),
    (
        {
            "type": "shell_call_output",
            "call_id": "call_1",
            "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
        {"id": "sho_", "max_output_length": None},
        ["shell_call_output_content.delta", "shell_call_output_content.done"],
    ),
    (
        {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a.py"}},
        {"id": "apc_", "call_id": "call_", "status": "completed"},
        [],
    ),
    ({"type": "tool_search_call", "arguments": {"query": "x"}}, {"id": "tsc_", "execution": "server"}, []),
    (
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "So it is."}]},
        {"id": "rs_", "summary": []},
        ["content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"],
    ),
    (
        {"type": "reasoning", "summary": "So it is."},
        {"id": "rs_", "summary": [{"type": "summary_text", "text": "So it is."}]},
        [
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
        ],
    ),
    ({"type": "compaction"}, {"id": "cmp_", "encrypted_content": "gAAAA"}, []),
    (
        {"type": "message", "content": "Hi", "phase": "commentary"},
        {"id": "msg_", "role": "assistant", "phase": "commentary"},
        ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"],
    ),
    (
        {"type": "function_call", "name": "f", "call_id": "call_9"},
        {"id": "fc_", "call_id": "call_9", "arguments": "{}"},
        ["function_call_arguments.delta", "function_call_arguments.done"],
    ),
]
NAMES = [f"{source['type']}-{source.get('status', '')}" for source, _, _ in ITEMS]


def scripted(serve, item, **reply):
    return serve([{"when": {"user": "go"}, "reply": {"blocks": [{"item": item}, {"text": "Done."}], **reply}}])


@pytest.mark.parametrize(("source", "completed", "steps"), ITEMS, ids=NAMES)
def test_items_are_completed(serve, source, completed, steps):
    item, message = respond(scripted(serve, source), ask("go"))["output"]
    for name, value in completed.items():
        assert item[name].startswith(value) if name in ("id", "call_id", "encrypted_content") else item[name] == value
    assert message["content"][0]["text"] == "Done."


@pytest.mark.parametrize(("source", "completed", "steps"), ITEMS, ids=NAMES)
def test_items_have_their_events(serve, source, completed, steps):
    mock = scripted(serve, source)
    received = stream(mock, ask("go"))
    names = kinds(received)
    first, last = names.index("output_item.added"), names.index("output_item.done")
    assert names[first + 1 : last] == steps
    assert same(received[-1]["response"]) == same(respond(mock, ask("go")))


@pytest.mark.parametrize(("model", "action"), [("gpt-4.1", {"action": {"type": "search"}}), ("gpt-5", {})])
def test_a_search_begins_without_its_query(serve, model, action):
    mock = scripted(serve, {"type": "web_search_call", "action": {"type": "search", "query": "news"}})
    text = post(mock, ask("go", model=model, stream=True), "/responses").text
    added = next(event["item"] for event in events(text) if event["type"] == "response.output_item.added")
    assert added == {"id": added["id"], "type": "web_search_call", "status": "in_progress", **action}


@pytest.mark.parametrize(
    ("parameters", "status"),
    [({"model": "gpt-5.6"}, "in_progress"), ({"model": "gpt-5.6", "reasoning": {"mode": "pro"}}, "completed"),
     ({"model": "gpt-5-pro"}, "completed")],
)  # fmt: skip
def test_messages_of_pro_models_are_complete_when_they_are_added(serve, parameters, status):
    mock = serve([{"when": {"user": "go"}, "reply": "Done."}])
    added = next(event for event in stream(mock, ask("go", **parameters)) if event["type"] == "response.output_item.added")
    assert (added["item"]["status"], added["item"]["content"]) == (status, [])


def test_previews_of_an_image_on_request(serve):
    mock = scripted(serve, {"type": "image_generation_call", "result": "aGk=", "output_format": "png"})
    received = stream(mock, ask("go", tools=[{"type": "image_generation", "partial_images": 2}]))
    previews = [event for event in received if event["type"].endswith("partial_image")]
    assert [event["partial_image_index"] for event in previews] == [0, 1]
    assert previews[0]["partial_image_b64"] == "aGk="


def test_an_item_of_an_unknown_type_is_sent_unchanged(serve, client):
    mock = scripted(serve, {"type": "telepathy_call", "to": "you"})
    (item, _) = client(mock).responses.create(**ask("go")).output
    assert (item.type, item.to, item.id[:5]) == ("telepathy_call", "you", "item_")


def test_scripted_items_are_not_changed_by_being_sent(serve):
    mock = scripted(serve, {"type": "mcp_list_tools", "tools": []})
    first, second = (respond(mock, ask("go"))["output"][0] for _ in range(2))
    assert first["id"] != second["id"]


def test_a_stream_of_items_through_the_official_client(serve, client):
    mock = scripted(serve, {"type": "code_interpreter_call", "code": "print(1)"})
    with client(mock).responses.stream(**ask("go")) as events:
        (call, message) = events.get_final_response().output
    assert (call.code, message.content[0].text) == ("print(1)", "Done.")
