"""Recorded exchanges as rules: what a person would have written, and what answers the requests again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openaimock.recording.asks import read
from openaimock.recording.exchange import Recording, Skipped, Unknown
from openaimock.recording.history import History
from openaimock.recording.session import Session, finished


def chat(user: Any, answer: Any = "ok", *, status: int = 200, before: tuple[Any, ...] = (), **more: Any) -> Recording:
    """A recorded chat; ``answer`` is a text, a message or a whole body."""
    messages = [*before, {"role": "user", "content": user}]
    body = {"model": "gpt-4o", "messages": messages, **more}
    if isinstance(answer, str):
        answer = {"content": answer}
    if "choices" not in answer and "error" not in answer:
        message = {"role": "assistant", "content": None, **answer}
        answer = {
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in answer else "stop"}]
        }
    return post("/v1/chat/completions", body, answer, status=status)


def post(path: str, body: Any, answer: Any, **more: Any) -> Recording:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return Recording("POST", path, json.dumps(body).encode(), response=raw, **more)


def rules(*recordings: Recording, keep_ids: bool = False) -> list[dict[str, Any]]:
    session = Session(keep_ids=keep_ids)
    left: list[Any] = []
    results = session.rules([entry for each in recordings for entry in session.entries(each)], lambda *why: left.append(why))
    assert left == []
    return results


# Conditions


def test_a_chat_is_a_conversation_with_the_exact_text() -> None:
    assert rules(chat("Hi")) == [
        {"id": "hi", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "ok"}]}
    ]


def test_a_conversation_that_goes_on_is_one_rule() -> None:
    before = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "1"})
    (rule,) = rules(chat("a", "1"), chat("b", "2", before=before))
    assert [message["content"] for message in rule["messages"]] == ["a", "1", "b", "2"]


def test_a_conversation_that_branches_is_a_rule_for_each_branch() -> None:
    before = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "1"})
    results = rules(chat("a", "1"), chat("b", "2", before=before), chat("c", "3", before=before))
    assert [[message["content"] for message in rule["messages"]] for rule in results] == [
        ["a", "1", "b", "2"],
        ["a", "1", "c", "3"],
    ]


def test_several_answers_to_one_request_are_replies() -> None:
    (rule,) = rules(chat("a", "1"), chat("a", "2"), chat("a", {"error": {"message": "Slow."}}, status=429))
    assert rule["replies"] == [{"content": "1"}, {"content": "2"}, {"error": {"status": 429, "message": "Slow."}}]


def test_several_answers_in_the_midst_of_a_conversation_do_not_answer_its_beginning() -> None:
    before = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "1"})
    results = rules(chat("b", "2", before=before), chat("b", "3", before=before))
    assert results == [{"id": "b", "when": {"user": "b", "turn": 1}, "replies": [{"content": "2"}, {"content": "3"}]}]


def test_the_same_answer_again_is_one_reply() -> None:
    assert len(rules(chat("a", "1"), chat("a", "1"), chat("a", "1", temperature=0))) == 1


@pytest.mark.parametrize(
    ("first", "second", "condition"),
    [
        ({"model": "gpt-4o"}, {"model": "gpt-5"}, {"model": "gpt-5"}),
        ({"stream": False}, {"stream": True}, {"stream": True}),
        ({}, {"temperature": 1}, {"body": {"temperature": 1}}),
        ({"tool_choice": "none"}, {"tool_choice": "auto"}, {"tool_choice": "auto"}),
        ({}, {"response_format": {"type": "json_object"}}, {"response_format": "json_object"}),
        ({"response_format": {"type": "json_object"}}, {}, {"body": {"response_format": None}}),
    ],
)
def test_requests_with_the_same_texts_are_told_apart_by_what_differs(first: Any, second: Any, condition: Any) -> None:
    results = rules(chat("a", "1", **first), chat("a", "2", **second))
    assert results[1]["when"] == {"user": "a", "turn": 0, **condition}


def test_of_two_rules_that_fit_the_one_for_the_request_has_priority() -> None:
    results = rules(chat("a", "1"), chat("a", "2", before=({"role": "system", "content": "s"},)))
    assert [rule.get("priority", 0) for rule in results] == [0, 1]


def test_parts_are_asked_for_by_their_kinds() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    (rule,) = rules(chat([{"type": "text", "text": "What is it?"}, image]))
    assert rule["messages"][0] == {"role": "user", "content": "What is it?", "parts": ["image_url"]}


def test_the_same_text_with_other_images_is_told_apart_by_them() -> None:
    def image(url: str) -> list[Any]:
        return [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]

    data = "data:image/png;base64," + "A" * 1000 + "B" * 80
    results = rules(chat(image("https://a.example/cat.png"), "a cat"), chat(image(data), "a dog"))
    path = "messages.0.content.1.image_url.url"
    assert [rule["when"]["body"] for rule in results] == [
        {path: "https://a.example/cat.png"},
        {path: {"contains": "B" * 80, "case_sensitive": True}},
    ]


def test_inputs_of_one_request_are_a_rule_each_where_the_answer_has_one_for_each() -> None:
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    results = rules(post("/v1/embeddings", {"model": "m", "input": ["a", "b"]}, {"data": data}))
    assert [(rule["when"]["text"], rule["reply"]) for rule in results] == [
        ("a", {"embedding": [1.0]}),
        ("b", {"embedding": [2.0]}),
    ]


def test_several_prompts_are_compared_as_a_whole() -> None:
    body = {"model": "gpt-3.5-turbo-instruct", "prompt": ["a", "b"]}
    whole = {"choices": [{"index": at, "text": str(at), "finish_reason": "stop"} for at in range(2)]}
    (rule,) = rules(post("/v1/completions", body, whole))
    assert rule["when"] == {"endpoint": "completions", "body": {"prompt": ["a", "b"]}}
    assert rule["reply"] == {"status": 200, "body": whole}


# What is left out


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (Recording("POST", "/v1/messages", b"{}"), "POST /v1/messages is not served"),
        (Recording("GET", "/v1/models"), "the mock answers GET /v1/models by itself"),
        (Recording("POST", "/v1/chat/completions", b"{}", 400), r"the mock answers it by itself \(400\)"),
    ],
)
def test_what_no_rule_can_answer_is_skipped_with_the_reason(recording: Recording, reason: str) -> None:
    with pytest.raises(Skipped, match=reason):
        read(recording, History())


def test_a_response_that_is_not_recorded_cannot_be_gone_on_from() -> None:
    body = {"model": "gpt-4.1", "input": "b", "previous_response_id": "resp_1"}
    with pytest.raises(Unknown, match="previous_response_id 'resp_1' is not among the recordings before it"):
        read(post("/v1/responses", body, {}), History())


def test_conversations_and_references_are_followed() -> None:
    history = History()
    history.begin("conv_1", [{"role": "user", "content": "a"}])
    request = {"input": "b", "conversation": "conv_1"}
    expanded = history.expanded(request)
    assert expanded == {"input": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    history.note(request, expanded, {"id": "resp_1", "output": [item]})
    again = history.expanded({"input": [{"type": "item_reference", "id": "msg_1"}], "conversation": {"id": "conv_1"}})
    assert again["input"] == [*expanded["input"], item, item]


def test_a_response_in_the_background_is_answered_as_it_was_in_the_end() -> None:
    queued = {"id": "resp_1", "status": "queued", "output": []}
    text = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
    ended = {**queued, "status": "completed", "output": [text]}
    polls = [
        Recording("GET", "/v1/responses/resp_1", response=json.dumps(body).encode())
        for body in ({**queued, "status": "in_progress"}, ended)
    ]
    session = Session()
    request = post("/v1/responses", {"model": "gpt-4.1", "input": "a", "background": True}, queued)
    (entry,) = session.entries(request, finished(polls))
    assert entry.reply["content"] == "done"


def test_ids_that_are_taken_are_not_used_again() -> None:
    session = Session()
    (rule,) = session.rules(session.entries(chat("Hi")), pytest.fail, {"hi", "hi-2"})
    assert rule["id"] == "hi-3"


def test_a_secret_leaves_no_pieces() -> None:
    def delta(text: str) -> bytes:
        return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n".encode()

    raw = delta("It is sk-proj-pl") + delta("anted-0123456789.") + b"data: [DONE]\n\n"
    (rule,) = rules(chat("a")._replace(response=raw))
    assert rule["messages"][-1] == {"role": "assistant", "content": "It is sk-***."}


def test_names_of_accounts_are_left_out_and_a_prompt_with_one_still_matches() -> None:
    message = "Rate limit reached in organization org-AbCdEfGhIjKlMnOp on tokens."
    (rule,) = rules(chat("Why org-AbCdEfGhIjKlMnOp?", {"error": {"message": message}}, status=429))
    assert rule["messages"][0]["content"] == "^\\s*Why org\\-\\S*\\?\\s*$"
    assert rule["messages"][-1]["error"]["message"] == "Rate limit reached in organization org-*** on tokens."


def test_a_long_prompt_with_a_secret_is_matched_by_its_longest_part() -> None:
    (rule,) = rules(chat("Use sk-proj-0123456789 " + "for all of this " * 1000))
    message = rule["messages"][0]
    assert message["matcher"] == "contains"
    assert len(message["content"]) > 10_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a sk-proj-0123456789 b sk-proj-0123456789", ("regex", "^\\s*a sk\\-\\S* b sk\\-\\S*\\s*$")),
        (
            "My key:\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAAAABBBB\n-----END PRIVATE KEY-----\nGood?",
            ("contains", "My key:\n-----BEGIN PRIVATE KEY-----"),
        ),
    ],
)
def test_a_prompt_with_secrets_matches_whatever_they_are(text: str, expected: tuple[str, str]) -> None:
    (rule,) = rules(chat(text))
    message = rule["messages"][0]
    assert (message["matcher"], message["content"]) == expected
