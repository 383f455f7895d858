"""Every accepted way of writing a rule, and the one form it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from openaimock.config.load import load, load_reply, load_rules
from openaimock.errors import ConfigError
from openaimock.rules import rule as rules


def rule(text: str, settings: str = "") -> dict[str, Any]:
    (only,) = load(f"{settings}\nresponses:\n  - {{{text}}}\n", environ={}).rules
    rules.build(only, 0)
    return only


def matcher(kind: str, value: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "value": value, "threshold": 0.8, "case_sensitive": None, "invert": False, **more}


def test_a_whole_rule() -> None:
    assert rule("when: {user: hi}, reply: hello") == {
        "id": "rule-1",
        "messages": None,
        "when": {"user": matcher("exact", "hi")},
        "replies": [{"content": "hello"}],
        "then": "last",
        "times": None,
        "expect": None,
        "priority": 0,
        "turns": "next",
        "place": "<text>:3:5",
    }


def test_what_a_rule_says_of_itself_is_kept() -> None:
    entry = rule("id: 7, when: {}, replies: [a, b], then: cycle, times: 2, priority: 1.5, turns: last")
    assert [entry[key] for key in ("id", "then", "times", "priority", "turns")] == ["7", "cycle", 2, 1.5, "last"]
    assert entry["replies"] == [{"content": "a"}, {"content": "b"}]
    assert entry["when"] == {}


def test_turns_come_from_the_file() -> None:
    assert rule("when: {}, reply: a", "turns: last")["turns"] == "last"
    assert rule("when: {}, reply: a, turns: next", "turns: last")["turns"] == "next"


# Matchers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi", matcher("exact", "hi")),
        ("''", matcher("exact", "")),
        ("{contains: a, invert: true}", matcher("contains", "a", invert=True)),
        ("{fuzzy: a, threshold: 0.5}", matcher("fuzzy", "a", threshold=0.5)),
        ("{regex: a+, case_sensitive: true}", matcher("regex", "a+", case_sensitive=True)),
        ("{regex: a+, caseSensitive: false}", matcher("regex", "a+", case_sensitive=False)),
        ("{exact: a}", matcher("exact", "a")),
        ("{any: true}", matcher("any")),
    ],
)
@pytest.mark.parametrize("key", ["user", "system", "assistant", "tool", "message", "text", "tool_choice", "namespace"])
def test_matchers(key: str, text: str, expected: dict[str, Any]) -> None:
    assert rule(f"when: {{{key}: {text}}}, reply: a")["when"] == {key: expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt-4", matcher("exact", "gpt-4")),
        ("gpt-4*", matcher("glob", "gpt-4*")),
        ("'gpt-?'", matcher("glob", "gpt-?")),
        ("'gpt-[45]'", matcher("glob", "gpt-[45]")),
        ("{exact: gpt-4*}", matcher("exact", "gpt-4*")),
        ("{contains: mini}", matcher("contains", "mini")),
    ],
)
def test_a_model_may_be_a_pattern(text: str, expected: dict[str, Any]) -> None:
    assert rule(f"when: {{model: {text}}}, reply: a")["when"] == {"model": expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("endpoint: chat", {"endpoint": ("chat",)}),
        ("endpoint: [chat, conversations]", {"endpoint": ("chat", "conversations")}),
        ("tools: f", {"tools": ("f",)}),
        ("tools: [f, g]", {"tools": ("f", "g")}),
        ("stream: yes", {"stream": True}),
        ("hasToolResult: false", {"has_tool_result": False}),
        ("turn: 2", {"turn": 2}),
        ("toolCallId: call_1", {"tool_call_id": matcher("exact", "call_1")}),
        ("response_format: {contains: json}", {"response_format": matcher("contains", "json")}),
        ("header: {X-Team: red}", {"header": {"x-team": matcher("exact", "red")}}),
        ("body: {a.0.b: text}", {"body": {"a.0.b": matcher("exact", "text")}}),
        ("body: {a: {regex: x, caseSensitive: true}}", {"body": {"a": matcher("regex", "x", case_sensitive=True)}}),
        ("body: {a: 1, b: null, c: [true]}",
         {"body": {"a": {"kind": "equals", "value": 1}, "b": {"kind": "equals", "value": None},
                   "c": {"kind": "equals", "value": [True]}}}),
        ("body: {a: {contains: x, other: y}}", {"body": {"a": {"kind": "equals", "value": {"contains": "x", "other": "y"}}}}),
        ("body: {a: {threshold: 1}, b: {}}",
         {"body": {"a": {"kind": "equals", "value": {"threshold": 1}}, "b": {"kind": "equals", "value": {}}}}),
        ("all: [{user: a}, {stream: true}]", {"all": [{"user": matcher("exact", "a")}, {"stream": True}]}),
        ("any: [{endpoint: chat}]", {"any": [{"endpoint": ("chat",)}]}),
        ("not: {not: {model: x*}}", {"not": {"not": {"model": matcher("glob", "x*")}}}),
    ],
)  # fmt: skip
def test_conditions(text: str, expected: dict[str, Any]) -> None:
    assert rule(f"when: {{{text}}}, reply: a")["when"] == expected


# Conversations


def message(role: str, match: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "match": match, "parts": [], "tool_call_id": None, "reply": None, **more}


def reply_of(**reply: Any) -> dict[str, Any]:
    return message("assistant", None, reply=reply)


def test_a_conversation() -> None:
    (entry,) = load(
        """\
responses:
  - id: weather-tool
    messages:
      - {role: user, content: weather, matcher: contains}
      - role: assistant
        tool_calls: [{id: call_abc, type: function, function: {name: get_weather, arguments: '{"city":"SF"}'}}]
      - {role: tool, tool_call_id: call_abc, matcher: any}
      - {role: assistant, content: It's sunny.}
"""
    ).rules
    rules.build(entry, 0)
    assert entry["replies"] == []
    assert entry["messages"] == [
        message("user", matcher("contains", "weather")),
        reply_of(tool_calls=[{"name": "get_weather", "arguments": '{"city":"SF"}', "id": "call_abc", "kind": "function"}]),
        message("tool", matcher("any"), tool_call_id="call_abc"),
        reply_of(content="It's sunny."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("role: user, content: a", message("user", matcher("exact", "a"))),
        ("role: user, content: ''", message("user", matcher("exact", ""))),
        ("role: user, content: a, matcher: fuzzy, threshold: 0.9", message("user", matcher("fuzzy", "a", threshold=0.9))),
        ("role: user, content: a, matcher: regex, invert: true", message("user", matcher("regex", "a", invert=True))),
        ("role: user, content: a, caseSensitive: true", message("user", matcher("exact", "a", case_sensitive=True))),
        ("role: user, matcher: any", message("user", matcher("any"))),
        ("role: user, content: a, matcher: any, name: bob", message("user", matcher("any"))),
        ("role: user, content: a, parts: image_url", message("user", matcher("exact", "a"), parts=["image_url"])),
        ("role: user, parts: [image_url, file]", message("user", matcher("any"), parts=["image_url", "file"])),
        ("role: user, content: [a, b]", message("user", matcher("exact", "a\nb"), parts=["text"])),
        ("role: user, content: [{type: text, text: a}, {type: image_url, image_url: {url: x}}, {type: input_text, text: b}]",
         message("user", matcher("exact", "a\nb"), parts=["text", "image_url"])),
        ("role: user, content: [{type: input_image}], parts: image_url",
         message("user", matcher("exact", ""), parts=["image_url"])),
        ("role: system, content: a", message("system", matcher("exact", "a"))),
        ("role: developer, content: a", message("developer", matcher("exact", "a"))),
        ("role: function, name: f, content: a", message("function", matcher("exact", "a"))),
        ("role: tool, tool_call_id: 5", message("tool", None, tool_call_id="5")),
        ("role: tool, toolCallId: x, content: null", message("tool", None, tool_call_id="x")),
        ("role: tool, content: a", message("tool", matcher("exact", "a"))),
        ("role: tool, tool_call_id: x, content: a, matcher: contains",
         message("tool", matcher("contains", "a"), tool_call_id="x")),
    ],
)  # fmt: skip
def test_messages_to_expect(text: str, expected: dict[str, Any]) -> None:
    entry = rule(f"messages: [{{{text}}}, {{role: assistant, content: x}}]")
    assert entry["messages"] == [expected, reply_of(content="x")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("content: a", {"content": "a"}),
        ("content: null, refusal: never, function_call: null, annotations: null", {"refusal": "never"}),
        ("content: [{type: text, text: a}, {type: text, text: b}]", {"content": "a\nb"}),
        ("content: [{type: text, text: a, more: 1}]", {"content": '[{"type":"text","text":"a","more":1}]'}),
        ("content: {a: 1}", {"content": '{"a":1}'}),
        ("content: a, matcher: contains, name: bob", {"content": "a"}),
        ("content: a, finishReason: length, latency: 5", {"content": "a", "finish_reason": "length",
                                                          "latency": {"kind": "fixed", "a": 5, "b": 0.0}}),
        ("error: 429", {"error": dict.fromkeys(("type", "code", "message", "param", "retry_after")) | {"status": 429}}),
    ],
)  # fmt: skip
def test_messages_to_answer(text: str, expected: dict[str, Any]) -> None:
    entry = rule(f"messages: [{{role: user, content: x}}, {{role: assistant, {text}}}]")
    assert entry["messages"][1] == reply_of(**expected)


def test_a_conversation_may_have_a_reply_of_its_own() -> None:
    entry = rule("messages: [{role: user, content: x}, {role: assistant}, {role: user, matcher: any}], reply: a")
    assert [each["role"] for each in entry["messages"]] == ["user", "assistant", "user"]
    assert entry["replies"] == [{"content": "a"}]


# The older form


def test_the_older_form_of_a_conversation() -> None:
    (entry,) = load(
        """\
responses:
  - id: old
    matcher:
      type: contains
      threshold: 0.7
      invert: true
      messages:
        - {role: system, content: a}
        - {role: user, content: b, matcher: fuzzy, invert: false}
    response:
      id: chatcmpl-1
      object: chat.completion
      created: 1700000000
      model: gpt-4o
      service_tier: null
      choices:
        - index: 0
          message: {role: assistant, content: hi, refusal: null, annotations: []}
          finish_reason: stop
          logprobs: null
        - index: 1
          message:
            {role: assistant, content: null, tool_calls: [{id: c, type: function, function: {name: f, arguments: '{}'}}]}
          finish_reason: tool_calls
      usage: {prompt_tokens: 1, completion_tokens: 2, total_tokens: 3}
      system_fingerprint: fp_1
"""
    ).rules
    rules.build(entry, 0)
    assert entry["messages"] == [
        message("system", matcher("contains", "a", threshold=0.7, invert=True)),
        message("user", matcher("fuzzy", "b", threshold=0.7)),
    ]
    (recorded,) = entry["replies"]
    assert [choice["finish_reason"] for choice in recorded.pop("response")["choices"]] == ["stop", "tool_calls"]
    assert entry["replies"] == [
        {
            "template": False,
            "content": "hi",
            "finish_reason": "stop",
            "id": "chatcmpl-1",
            "created": 1700000000,
            "model": "gpt-4o",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
            "system_fingerprint": "fp_1",
            "others": [
                {"tool_calls": [{"name": "f", "arguments": "{}", "id": "c", "kind": "function"}], "finish_reason": "tool_calls"}
            ],
        }
    ]


# Replies


def reply(text: str) -> dict[str, Any]:
    (only,) = rule(f"when: {{}}, reply: {text}")["replies"]
    return dict(only)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("''", {"content": ""}),
        ("hi", {"content": "hi"}),
        ("{content: [1, {a: é}]}", {"content": '[1,{"a":"é"}]'}),
        ("{refusal: a, reasoning: b, usage: {total_tokens: 1}}",
         {"refusal": "a", "reasoning": "b", "usage": {"total_tokens": 1}}),
        ("{id: x, created: 1, model: m, systemFingerprint: f, serviceTier: t, content: null}",
         {"id": "x", "created": 1, "model": "m", "system_fingerprint": "f", "service_tier": "t",
          "extra": {"message.content": None}}),
        ("{status: 204, headers: {Retry-After: 5, X: a}}", {"status": 204, "headers": {"Retry-After": "5", "X": "a"}}),
        ("{body: [1]}", {"body": [1]}),
        ("{body: null}", {"body": None}),
        ("{pace: {ttft: 1, tps: 2, jitter: 0.5, chunk: 3, chunks: [a, b]}}",
         {"pace": {"ttft": 1, "tps": 2, "jitter": 0.5, "chunk": 3, "chunks": ("a", "b")}}),
        ("{pace: {chunk: word}}", {"pace": {"chunk": "word"}}),
        ("{latency: 1.5}", {"latency": {"kind": "fixed", "a": 1.5, "b": 0.0}}),
        ("{latency: {uniform: [1, 2]}}", {"latency": {"kind": "uniform", "a": 1, "b": 2}}),
        ("{latency: {normal: [2, 1]}}", {"latency": {"kind": "normal", "a": 2, "b": 1}}),
        ("{latency: {lognormal: [2, 0]}}", {"latency": {"kind": "lognormal", "a": 2, "b": 0}}),
        ("{blocks: [{reasoning: r}, {text: t}, {toolCall: {name: f}}, {refusal: n}, {item: {type: x}}]}",
         {"blocks": [{"kind": "reasoning", "text": "r"}, {"kind": "text", "text": "t"},
                     {"kind": "tool_call", "call": {"name": "f", "arguments": "{}", "id": "", "kind": "function"}},
                     {"kind": "refusal", "text": "n"}, {"kind": "item", "data": {"type": "x"}}]}),
    ],
)  # fmt: skip
def test_replies(text: str, expected: dict[str, Any]) -> None:
    assert reply(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("429", {"status": 429}),
        ("429.0", {"status": 429}),
        ("rate_limit_exceeded", {"code": "rate_limit_exceeded"}),
        ("{status: 429, type: t, code: c, message: m, param: p, retryAfter: 1.5}",
         {"status": 429, "type": "t", "code": "c", "message": "m", "param": "p", "retry_after": 1.5}),
        ("{status: 500, param: null}", {"status": 500, "more": {"param": None}}),
        ("{status: 500, code: 7, type: '', hint: {a: 1}}", {"status": 500, "more": {"code": 7, "type": "", "hint": {"a": 1}}}),
    ],
)  # fmt: skip
def test_errors(text: str, expected: dict[str, Any]) -> None:
    blank = dict.fromkeys(("status", "type", "code", "message", "param", "retry_after"))
    assert reply(f"{{error: {text}}}") == {"error": {**blank, **expected}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name: f}", ("f", "{}", "", "function")),
        ("{name: f, arguments: {a: [1, true]}, id: 7}", ("f", '{"a":[1,true]}', "7", "function")),
        ("{name: f, arguments: 'not JSON'}", ("f", "not JSON", "", "function")),
        ("{name: f, type: function, arguments: {}}", ("f", "{}", "", "function")),
        ("{name: f, input: free}", ("f", "free", "", "custom")),
        ("{name: f, type: custom}", ("f", "", "", "custom")),
        ("{id: c, type: function, index: 0, function: {name: f, arguments: '{}'}}", ("f", "{}", "c", "function")),
        ("{id: null, function: {name: f, arguments: {a: 1}}}", ("f", '{"a":1}', "", "function")),
        ("{id: c, type: custom, custom: {name: f, input: x}}", ("f", "x", "c", "custom")),
    ],
)
def test_tool_calls(text: str, expected: tuple[str, str, str, str]) -> None:
    (call,) = reply(f"{{toolCalls: [{text}]}}")["tool_calls"]
    assert tuple(call[key] for key in ("name", "arguments", "id", "kind")) == expected


def test_a_rule_s_timing_is_each_reply_s_that_has_none() -> None:
    entry = rule("when: {}, latency: 5, replies: [a, {content: b, latency: 6}], pace: {tps: 1}", "pace: {tps: 2}\nlatency: 7")
    assert [each["latency"]["a"] for each in entry["replies"]] == [5, 6]
    assert [each["pace"] for each in entry["replies"]] == [{"tps": 1}, {"tps": 1}]


def test_the_file_s_timing_comes_last() -> None:
    entry = rule("messages: [{role: user, content: a}, {role: assistant, content: b}]", "latency: 7")
    assert entry["messages"][1]["reply"]["latency"]["a"] == 7


def test_known_names_in_templates_are_fine() -> None:
    entry = rule('when: {user: {regex: "(?P<n>a)(b)"}}, reply: "{{ user }} {{ match.n }} {{ match.2 }} {{ body.a.0 }} {{count}}"')
    assert entry["replies"][0]["content"].startswith("{{ user }}")


def test_a_regex_that_python_only_warns_of_is_fine() -> None:
    entry = rule("when: {user: {regex: '[[a]'}}, reply: a")
    assert entry["when"] == {"user": matcher("regex", "[[a]")}


def test_a_rule_named_by_its_key() -> None:
    entry = load("responses:\n  a b: {when: {}, reply: x}\n  404: {when: {}, reply: x, id: 404}\n").rules
    assert [each["id"] for each in entry] == ["a b", "404"]


def test_a_function_is_kept_as_it_is() -> None:
    def answer(ask: object) -> str:
        return "hi"

    config = load({"responses": [{"when": {}, "replies": [answer, "b"]}], "unmatched": answer})
    assert config.rules[0]["replies"] == [{"function": answer}, {"content": "b"}]
    assert config.unmatched == {"reply": {"function": answer}}


# One reply, or some rules, for a mock that runs


def test_a_single_reply() -> None:
    assert load_reply("hi ${HOME}") == {"content": "hi ${HOME}"}
    assert load_reply({"toolCalls": [{"name": "f"}]})["tool_calls"][0]["name"] == "f"
    with pytest.raises(ConfigError, match=r"^reply: 'contet' is not a key of a reply; did you mean 'content'\?$"):
        load_reply({"contet": "a"})
    assert load_reply("{{ usr }}") == {"content": "{{ usr }}"}


@pytest.mark.parametrize(
    "source",
    [
        {"when": {}, "reply": "a"},
        [{"when": {}, "reply": "a"}],
        {"responses": [{"when": {}, "reply": "a"}]},
        {"templates": {}, "responses": {"rule-1": {"when": {}, "reply": "a"}}},
        "when: {}\nreply: a",
        "- when: {}\n  reply: a",
        b'{"when": {}, "reply": "a"}',
        '{"responses": [{"when": {}, "reply": "a"}]}',
    ],
)
def test_rules_are_added_in_any_form(source: Any) -> None:
    (entry,) = load_rules(source)
    assert (entry["id"], entry["replies"]) == ("rule-1", [{"content": "a"}])


def test_added_rules_take_the_file_s_defaults() -> None:
    config = load("responses: []\nunmatched: echo\nturns: last\nlatency: 5\n")
    (entry,) = load_rules("when: {}\nreply: a", config=config)
    assert entry["turns"] == "last"
    assert entry["replies"][0]["latency"]["a"] == 5


def test_added_rules_are_numbered_on_and_must_differ() -> None:
    (entry,) = load_rules("when: {}\nreply: a", taken_ids={"rule-1", "other"})
    assert entry["id"] == "rule-3"
    with pytest.raises(ConfigError, match=r"^<rules>:1:5: id: the id 'a' is already used by an existing rule$"):
        load_rules("id: a\nwhen: {}\nreply: a", taken_ids={"a"})


def test_added_rules_do_not_see_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "sk-1")
    assert load_rules("when: {}\nreply: ${SECRET}")[0]["replies"] == [{"content": "${SECRET}"}]
    assert load_rules("when: {}\nreply: ${X}", environ={"X": "a"})[0]["replies"] == [{"content": "a"}]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("5", "<rules>:1:1: expected a rule or a list of rules, got the number 5"),
        ("", "<rules>:1:1: expected a rule or a list of rules, got nothing"),
        (5, "expected a rule or a list of rules, got the number 5"),
        ("responses: []\nport: 1", "<rules>:2:1: 'port' is not a key of rules (responses, templates)"),
        ("- 5", "<rules>:1:3: [0]: expected a mapping, got the number 5"),
        (b"\xff", "<rules>:1:1: expected a rule or a list of rules, got the text '\ufffd'"),
    ],
)
def test_what_are_no_rules(source: Any, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules(source)
    assert str(caught.value) == line
