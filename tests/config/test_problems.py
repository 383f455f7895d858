"""Wrong configurations and the very lines that say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openaimock.config import keys, later
from openaimock.config.load import load
from openaimock.errors import ConfigError

RULE = "responses: [{when: {}, reply: hi}]\n"


def problems_in(source: Any, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(source, environ=environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return str(caught.value).splitlines()


#: name -> (text of mock.yaml, the lines)
TEXTS = {
    # The file as a whole
    "empty": ("\n", ["mock.yaml:1:1: the file is empty; a configuration has at least 'responses'"]),
    "only comments": ("# soon\n", ["mock.yaml:1:1: the file is empty; a configuration has at least 'responses'"]),
    "null": ("~\n", ["mock.yaml:1:1: the file is empty; a configuration has at least 'responses'"]),
    "a list": (
        "\n- when: {}\n",
        ["mock.yaml:2:1: expected settings such as 'responses:', got a list; write the rules under 'responses:'"],
    ),
    "a text": ("hello\n", ["mock.yaml:1:1: expected settings such as 'responses:', got the text 'hello'"]),
    "two documents": (
        RULE + "---\nport: 1\n",
        ["mock.yaml:2:1: a second document begins here ('---'); a configuration is one document"],
    ),
    # Settings
    "an unknown setting": (
        RULE + "prot: 1\n",
        ["mock.yaml:2:1: 'prot' is not a setting; did you mean 'port'?"],
    ),
    "a key twice": (
        "port: 1\n" + RULE + "port: 1\n",
        ["mock.yaml:3:1: 'port' is written twice; the first is at mock.yaml:1:1"],
    ),
    "two spellings": (
        "apiKey: a\n" + RULE + "api_key: a\n",
        ["mock.yaml:3:1: 'apiKey' and 'api_key' are two spellings of one key; write one of them"],
    ),
    "wrong settings": (
        RULE
        + """\
port: 70000
host: ''
lint: loud
clock: tomorrow
seed: [1]
max_body: lots
cors: true
models: gpt-4o
turns: lst
match: worst
latency: -5
pace: {tps: 0, jitter: 2, chunk: words}
journal: {size: 1.5}
store: file.db
""",
        [
            "mock.yaml:2:7: port: expected a whole number from 0 to 65535, got 70000",
            "mock.yaml:3:7: host: expected text, got an empty one",
            "mock.yaml:4:7: lint: 'loud' is not a lint level (off, warn, error)",
            "mock.yaml:5:8: clock: expected 'real' or an ISO time such as 2026-01-31T12:00:00Z, got the text 'tomorrow'",
            "mock.yaml:6:7: seed: expected a whole number or text, got a list",
            "mock.yaml:7:11: max_body: expected a number of bytes, or a size such as 64MB, got the text 'lots'",
            'mock.yaml:8:7: cors: expected an origin, "*" for all of them, or false',
            "mock.yaml:9:9: models: expected a list, got the text 'gpt-4o'",
            "mock.yaml:10:8: turns: 'lst' is not a way to take turns; did you mean 'last'? (next, last)",
            "mock.yaml:11:8: match: 'worst' is not a way to match (best, first)",
            "mock.yaml:12:10: latency: expected a number 0 or more, got -5",
            "mock.yaml:13:13: pace.tps: expected a number above 0, got 0",
            "mock.yaml:13:24: pace.jitter: expected a number from 0 to 1, got 2",
            "mock.yaml:13:34: pace.chunk: 'words' is not a chunk; did you mean 'word'? (token, word, char)",
            "mock.yaml:14:17: journal.size: expected a whole number, got 1.5",
            "mock.yaml:15:8: store: expected 'memory' or sqlite:///file.db or redis://host:port/db, got 'file.db'",
        ],
    ),
    "a number in quotes": (
        RULE + 'port: "3000"\n',
        ["mock.yaml:2:7: port: expected a whole number, got the text '3000'; leave out the quotes"],
    ),
    "nan": (RULE + "latency: .nan\n", ["mock.yaml:2:10: latency: expected a number 0 or more, got .nan"]),
    "no value": (RULE + "host:\n", ["mock.yaml:2:6: host: expected text, got nothing"]),
    # Rules
    "the example of the docs": (
        """\
responses:
  - when: {}
    reply: a
  - when: {}
    reply: a
  - when: {}
    reply: a
  - id: weather
    messages:
      - role: user
        content: weather
        matcher: fuzy
      - {role: assistant, content: sunny}
""",
        [
            "mock.yaml:12:18: responses[3].messages[0].matcher: 'fuzy' is not a matcher; "
            "did you mean 'fuzzy'? (exact, fuzzy, regex, contains, any)"
        ],
    ),
    "rules that are none": (
        "responses:\n  - hello\n  - reply: hi\n",
        [
            "mock.yaml:2:5: responses[0]: expected a mapping, got the text 'hello'",
            "mock.yaml:3:5: responses[1]: a rule needs one of messages, when, matcher; 'when: {}' answers every request",
        ],
    ),
    "a misspelt key is not missing too": (
        "responses:\n  - mesages: [{role: user, content: a}]\n",
        ["mock.yaml:2:5: responses[0]: 'mesages' is not a key of a rule; did you mean 'messages'?"],
    ),
    "keys in the wrong place": (
        "rules: []\nresponses:\n  - {when: {}, reply: a, content: b, user: c}\n",
        [
            "mock.yaml:1:1: 'rules' is not a setting; rules belong under 'responses'",
            "mock.yaml:3:26: responses[0]: 'content' is not a key of a rule; 'content' belongs under 'reply'",
            "mock.yaml:3:38: responses[0]: 'user' is not a key of a rule; 'user' belongs under 'when'",
        ],
    ),
    "ids twice": (
        "responses:\n  - {id: a, when: {}, reply: x}\n  - {when: {}, reply: x}\n  - {when: {}, id: a, reply: x}\n",
        ["mock.yaml:4:20: responses[2].id: the id 'a' is already used at mock.yaml:2:5"],
    ),
    "an id beside a name": (
        "responses:\n  a: {when: {}, reply: x, id: b}\n",
        ["mock.yaml:2:31: responses.a.id: this rule already has the id 'a' (its key); leave 'id' out"],
    ),
    "too much": (
        "responses:\n  - {when: {}, messages: [{role: user, content: a}], reply: a, replies: [b]}\n",
        [
            "mock.yaml:2:16: responses[0]: 'when' and 'messages' exclude each other; a rule has one of messages, when, matcher",
            "mock.yaml:2:64: responses[0]: 'reply' and 'replies' exclude each other; a rule has one answer",
        ],
    ),
    "no answer": (
        "responses:\n  - when: {}\n  - messages: [{role: user, content: a}]\n",
        [
            "mock.yaml:2:5: responses[0]: a rule with 'when' needs a 'reply' (or 'replies')",
            "mock.yaml:3:15: responses[1].messages: nothing answers: add an assistant message, or a 'reply' beside 'messages'",
        ],
    ),
    "no question": (
        "responses:\n  - messages: [{role: assistant, content: a}]\n",
        ["mock.yaml:2:15: responses[0].messages: there is no message to match but the assistant's own; add the user's"],
    ),
    "impossible values": (
        "responses:\n  - {when: {}, reply: a, times: 0, then: stop, priority: high, turns: prev}\n",
        [
            "mock.yaml:2:33: responses[0].times: expected a whole number 1 or more, got 0",
            "mock.yaml:2:42: responses[0].then: 'stop' is not a way to go on (last, cycle, error)",
            "mock.yaml:2:58: responses[0].priority: expected a number, got the text 'high'",
            "mock.yaml:2:71: responses[0].turns: 'prev' is not a way to take turns (next, last)",
        ],
    ),
    # Messages
    "messages": (
        """\
responses:
  - messages:
      - {role: usr, content: a}
      - {role: assistant, content: a}
  - messages:
      - {role: user}
      - {role: user, matcher: contains}
      - {role: user, content: {contains: a}}
      - {role: user, content: a, toolCalls: []}
      - {role: user, content: a, tool_call_id: b}
      - {role: user, content: 42}
      - {role: user, content: no}
      - {role: user, content: "(", matcher: regex}
      - {role: user, content: [{type: text}]}
      - {role: user, content: a, matcher: fuzzy, threshold: 80}
      - {role: tool}
      - {role: assistant}
      - {role: assistant, content: a, function_call: {name: b}}
""",
        [
            "mock.yaml:3:16: responses[0].messages[0].role: 'usr' is not a role; "
            "did you mean 'user'? (system, developer, user, assistant, tool, function)",
            "mock.yaml:6:9: responses[1].messages[0]: 'content' is missing; for any text write 'matcher: any'",
            "mock.yaml:7:9: responses[1].messages[1]: "
            "matcher 'contains' needs a 'content' to compare; for any text write 'matcher: any'",
            "mock.yaml:8:31: responses[1].messages[2].content: expected text or a list of parts, got a mapping; "
            "to choose a matcher, write 'matcher: contains' beside a text",
            "mock.yaml:9:34: responses[1].messages[3]: only an assistant message has 'toolCalls', not a user message",
            "mock.yaml:10:34: responses[1].messages[4]: only a tool message has a 'tool_call_id', not a user message",
            "mock.yaml:11:31: responses[1].messages[5].content: "
            "expected text, a list or a mapping, got the number 42; put it in quotes",
            "mock.yaml:12:31: responses[1].messages[6].content: "
            "expected text, a list or a mapping, got false (YAML's meaning of no); put it in quotes",
            "mock.yaml:13:31: responses[1].messages[7].content: this is not a regular expression: "
            "missing ), unterminated subpattern at position 0",
            "mock.yaml:14:32: responses[1].messages[8].content[0]: a part is a text, or has a 'type' (and, for text, its 'text')",
            "mock.yaml:15:61: responses[1].messages[9].threshold: expected a number from 0 to 1, got 80",
            "mock.yaml:16:9: responses[1].messages[10]: "
            "'content' or 'tool_call_id' is missing; for any text write 'matcher: any'",
            "mock.yaml:17:9: responses[1].messages[11]: this assistant message says nothing; give it 'content' or 'tool_calls'",
            "mock.yaml:18:39: responses[1].messages[12]: 'function_call' is the API's old form; write 'tool_calls'",
        ],
    ),
    # Conditions
    "conditions": (
        """\
responses:
  - {reply: a, when: {user: {}}}
  - {reply: a, when: {user: {any: false}}}
  - {reply: a, when: {user: {any: true, exact: a}}}
  - {reply: a, when: {user: {fuzy: a}}}
  - {reply: a, when: {contains: a}}
  - {reply: a, when: {any: true}}
  - {reply: a, when: {all: []}}
  - {reply: a, when: {endpoint: chats}}
  - {reply: a, when: {endpoint: [chat, embedding]}}
  - {reply: a, when: {turn: -1, stream: maybe}}
  - {reply: a, when: {user: {regex: "(?<1>a)"}}}
  - {reply: a, when: {body: {a.b: {regex: "["}}}}
  - {reply: a, when: {header: {x: 1}}}
  - {reply: a, when: {not: {user: [a]}}}
""",
        [
            "mock.yaml:2:29: responses[0].when.user: a matcher needs one of exact, fuzzy, regex, contains, any",
            "mock.yaml:3:35: responses[1].when.user.any: 'any' is true or left out",
            "mock.yaml:4:41: responses[2].when.user: 'any' and 'exact' exclude each other; "
            "a matcher has one of exact, fuzzy, regex, contains, any",
            "mock.yaml:5:30: responses[3].when.user: 'fuzy' is not a key of a matcher; "
            "did you mean 'fuzzy'? (exact, contains, regex, fuzzy, any, threshold, case_sensitive, invert, unsafe)",
            "mock.yaml:6:23: responses[4].when: 'contains' is not a key of a condition; "
            "name the text that 'contains' compares, such as 'user: {contains: ...}'",
            "mock.yaml:7:28: responses[5].when.any: expected a list, got true",
            "mock.yaml:8:28: responses[6].when.all: this list is empty",
            "mock.yaml:9:33: responses[7].when.endpoint: 'chats' is not an endpoint; did you mean 'chat'?",
            "mock.yaml:10:40: responses[8].when.endpoint[1]: 'embedding' is not an endpoint; did you mean 'embeddings'?",
            "mock.yaml:11:29: responses[9].when.turn: expected a whole number 0 or more, got -1",
            "mock.yaml:11:41: responses[9].when.stream: expected true or false, got the text 'maybe'",
            "mock.yaml:12:37: responses[10].when.user.regex: this is not a regular expression: "
            "unknown extension ?<1 at position 1",
            'mock.yaml:13:43: responses[11].when.body["a.b"].regex: this is not a regular expression: '
            "unterminated character set at position 0",
            "mock.yaml:14:35: responses[12].when.header.x: expected text or a mapping, got the number 1; put it in quotes",
            "mock.yaml:15:35: responses[13].when.not.user: expected text or a mapping, got a list",
        ],
    ),
    # Replies
    "replies": (
        """\
responses:
  - {when: {}, reply: {status: 99}}
  - {when: {}, reply: {headers: {a b: x, connection: close, x: "a\\nb"}}}
  - {when: {}, reply: {content: a, error: 429}}
  - {when: {}, reply: {content: a, blocks: [{text: b}]}}
  - {when: {}, reply: {error: 429, body: b}}
  - {when: {}, reply: {}}
  - {when: {}, reply: {error: {}}}
  - {when: {}, reply: {content: {a: .inf}}}
  - {when: {}, replies: []}
  - {when: {}, reply: 7}
""",
        [
            "mock.yaml:2:32: responses[0].reply.status: expected a whole number from 200 to 599, got 99",
            "mock.yaml:3:34: responses[1].reply.headers: 'a b' cannot be the name of a header",
            "mock.yaml:3:42: responses[1].reply.headers: 'connection' is possible only beside a 'body'",
            "mock.yaml:3:64: responses[1].reply.headers.x: a header is one line of Latin-1 text",
            "mock.yaml:4:23: responses[2].reply: 'error' and 'content' exclude each other; only one of them can be sent",
            "mock.yaml:5:23: responses[3].reply: 'blocks' and 'content' exclude each other; put it among the blocks",
            "mock.yaml:6:23: responses[4].reply: 'error' and 'body' exclude each other; only one of them can be sent",
            'mock.yaml:7:23: responses[5].reply: an empty reply has no effect; an empty text is written ""',
            "mock.yaml:8:31: responses[6].reply.error: an empty error has no effect; write at least a status number",
            "mock.yaml:9:37: responses[7].reply.content.a: JSON cannot represent .inf",
            "mock.yaml:10:25: responses[8].replies: this list is empty",
            "mock.yaml:11:23: responses[9].reply: expected text or a mapping, got the number 7; put it in quotes",
        ],
    ),
    "tool calls": (
        """\
responses:
  - when: {}
    reply:
      tool_calls:
        - {}
        - {name: a, function: {name: b}}
        - {name: a, arguments: [1]}
        - {name: a, input: x, arguments: "{}"}
        - {type: custom, function: {name: a}}
        - {function: {arguments: "{}"}}
        - {function: {name: a}, arguments: "{}"}
        - {type: fun, name: a}
""",
        [
            "mock.yaml:5:11: responses[0].reply.tool_calls[0]: a tool call needs one of name, function, custom",
            "mock.yaml:6:21: responses[0].reply.tool_calls[1]: "
            "'name' and 'function' exclude each other; a tool call has one of name, function, custom",
            "mock.yaml:7:32: responses[0].reply.tool_calls[2].arguments: expected text or a mapping, got a list",
            "mock.yaml:8:11: responses[0].reply.tool_calls[3]: a custom tool has 'input', a function 'arguments'",
            "mock.yaml:9:18: responses[0].reply.tool_calls[4].type: the type is 'function' here",
            "mock.yaml:10:22: responses[0].reply.tool_calls[5].function: 'name' is missing",
            "mock.yaml:11:11: responses[0].reply.tool_calls[6]: 'arguments' and 'input' belong under 'function'",
            "mock.yaml:12:18: responses[0].reply.tool_calls[7].type: 'fun' is not a type of tool call (function, custom)",
        ],
    ),
    "latencies": (
        """\
responses:
  - {when: {}, reply: {latency: {uniform: [5, 1]}}}
  - {when: {}, reply: {latency: {normal: [5]}}}
  - {when: {}, reply: {latency: {lognormal: [0, 1]}}}
  - {when: {}, reply: {latency: 5ms}}
  - {when: {}, reply: {pace: {}}}
  - {when: {}, reply: a, latency: {}}
""",
        [
            "mock.yaml:2:43: responses[0].reply.latency.uniform: the first number is the smaller one, got 5 and 1",
            "mock.yaml:3:42: responses[1].reply.latency.normal: expected 2 items, got 1",
            "mock.yaml:4:45: responses[2].reply.latency.lognormal: the median of 'lognormal' is above 0",
            "mock.yaml:5:33: responses[3].reply.latency: "
            "expected a number or a mapping, got the text '5ms'; write 5 (milliseconds)",
            "mock.yaml:6:30: responses[4].reply.pace: an empty pace has no effect; leave it out for as fast as possible",
            "mock.yaml:7:35: responses[5].latency: a latency needs one of uniform, normal, lognormal",
        ],
    ),
    "templates": (
        """\
unmatched: "no {{ match.1 }}"
responses:
  - when: {user: {regex: "(?P<order>A-[0-9]+)"}}
    reply: "{{ match.order }} {{ match.0 }} {{ usr }} {{ match.name }}"
  - when: {user: {regex: "(a)", invert: true}}
    reply: {content: {deep: ["{{ match.1 }}"]}}
  - messages:
      - {role: user, content: hi}
      - {role: assistant, tool_calls: [{name: f, arguments: {a: "{{ x }}"}}]}
""",
        [
            "mock.yaml:1:12: unmatched: '{{ match.1 }}' names no group of the rule's regexes "
            "(this rule has no regex with groups)",
            "mock.yaml:4:12: responses[0].reply: 'usr' is not known in a template; did you mean 'user'? "
            "(user, model, turn, count, match.NAME, body.PATH)",
            "mock.yaml:4:12: responses[0].reply: '{{ match.name }}' names no group of the rule's regexes (0, 1, order)",
            "mock.yaml:6:30: responses[1].reply.content.deep[0]: '{{ match.1 }}' names no group of the rule's regexes "
            "(this rule has no regex with groups)",
            "mock.yaml:9:65: responses[2].messages[1].tool_calls[0].arguments.a: 'x' is not known in a template "
            "(user, model, turn, count, match.NAME, body.PATH)",
        ],
    ),
    "words of other tools": (
        """\
responses:
  - {match: hi, reply: x}
  - {prompt: hi, reply: x}
  - {when: hi, reply: x}
  - {when: {user: {startswith: hi}}, reply: {text: x, delay: 5}}
  - {when: {user: hi}, reply: {content: x, fault: {type: stall}}}
  - {model: gpt-4o, when: {endpoint: /v1/chat/completions, temperature: 0}, reply: x}
  - {when: {user: hi}, reply: {message: x, retry_after: 1, calls: [], arguments: {}}}
""",
        [
            "mock.yaml:2:6: responses[0]: 'match' is not a key of a rule; write 'when'",
            "mock.yaml:3:6: responses[1]: 'prompt' is not a key of a rule; write 'when: {user: ...}'",
            "mock.yaml:4:12: responses[2].when: expected a mapping, got the text 'hi'; "
            "name the text to compare, such as 'user: ...'",
            "mock.yaml:5:20: responses[3].when.user: 'startswith' is not a key of a matcher; write a regex: '^...'",
            "mock.yaml:5:46: responses[3].reply: 'text' is not a key of a reply; the text of a reply is its 'content'",
            "mock.yaml:5:55: responses[3].reply: 'delay' is not a key of a reply; write 'latency' (milliseconds)",
            "mock.yaml:6:52: responses[4].reply.fault: 'type' is not a key of a fault; write 'kind'",
            "mock.yaml:7:6: responses[5]: 'model' is not a key of a rule; "
            "'model' belongs under 'when' (the request's) or 'reply' (the answer's)",
            "mock.yaml:7:38: responses[5].when.endpoint: '/v1/chat/completions' is not an endpoint; write 'chat'",
            "mock.yaml:7:60: responses[5].when: 'temperature' is not a key of a condition; write 'body: {temperature: ...}'",
            "mock.yaml:8:32: responses[6].reply: 'message' is not a key of a reply; the text of a reply is its 'content'",
            "mock.yaml:8:44: responses[6].reply: 'retry_after' is not a key of a reply; it belongs under 'error'",
            "mock.yaml:8:60: responses[6].reply: 'calls' is not a key of a reply; write 'tool_calls'",
            "mock.yaml:8:71: responses[6].reply: 'arguments' is not a key of a reply; it belongs to a call under 'tool_calls'",
        ],
    ),
    "the older form": (
        """\
responses:
  - {when: {}, response: {content: a}}
  - {matcher: {type: contians, messages: [{role: user, content: a}]}, response: {choices: [{message: {content: a}}]}}
  - {matcher: {messages: []}, response: {choices: []}}
  - {matcher: contains, response: hi}
  - {matcher: {type: exact, value: hi}, reply: a}
""",
        [
            "mock.yaml:2:27: responses[0].response: 'content' is not a key of a recorded answer; "
            "'response' is a whole chat completion or Response; a reply with 'content' and similar keys belongs under 'reply'",
            "mock.yaml:3:22: responses[1].matcher.type: 'contians' is not a matcher; "
            "did you mean 'contains'? (exact, fuzzy, regex, contains, any)",
            "mock.yaml:4:26: responses[2].matcher.messages: this list is empty",
            "mock.yaml:4:51: responses[2].response.choices: this list is empty",
            "mock.yaml:5:15: responses[3].matcher: expected a mapping, got the text 'contains'",
            "mock.yaml:5:35: responses[3].response: expected a mapping, got the text 'hi'; a text belongs under 'reply'",
            "mock.yaml:6:15: responses[4].matcher: 'messages' is missing",
            "mock.yaml:6:29: responses[4].matcher: 'value' is not a key of a matcher; "
            "the texts to compare belong under 'messages'",
        ],
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_problem_of_a_file_is_said_with_its_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, lines = TEXTS[name]
    monkeypatch.chdir(tmp_path)
    Path("mock.yaml").write_text(text, encoding="utf-8")
    assert problems_in("mock.yaml") == lines


@pytest.mark.parametrize("name", later.KEYS.get("a setting", ()))
def test_a_setting_whose_feature_is_not_there_yet_is_refused(name: str) -> None:
    assert problems_in({"responses": {"a": {"when": {}, "reply": "a"}}, name: 1}) == [f"'{name}' is not available yet"]


@pytest.mark.parametrize("name", [field.name for field in keys.ANSWER if field.later])
def test_a_part_of_a_reply_that_is_not_there_yet_is_refused(name: str) -> None:
    lines = problems_in({"responses": {"a": {"when": {}, "reply": {name: 1}}}})
    assert lines == [f"responses.a.reply: '{name}' is not available yet"]


def test_a_misspelt_word_for_unmatched_is_no_reply() -> None:
    (line,) = problems_in("unmatched: eccho\n")
    assert line.startswith("<text>:1:12: unmatched: 'eccho' is not a word for 'unmatched'; did you mean 'echo'? (error, echo")


def test_a_key_that_is_like_none_is_answered_with_all_there_are() -> None:
    (line,) = problems_in({"responses": {"a": {"when": {}, "reply": {"zzzzz": 1}}}})
    assert line.startswith("responses.a.reply: 'zzzzz' is not a key of a reply (content, tool_calls, refusal, ")


def test_a_mapping_has_paths_for_places() -> None:
    lines = problems_in({"responses": [{"when": {"user": {"fuzy": "a"}}, "reply": "a", "times": "twice"}], "port": "x"})
    assert lines == [
        "responses[0].when.user: 'fuzy' is not a key of a matcher; did you mean 'fuzzy'? "
        "(exact, contains, regex, fuzzy, any, threshold, case_sensitive, invert, unsafe)",
        "responses[0].times: expected a whole number, got the text 'twice'",
        "port: expected a whole number, got the text 'x'",
    ]


def test_what_python_has_and_json_has_not_is_refused() -> None:
    around: dict[str, Any] = {"port": 1}
    around["templates"] = [around]
    assert problems_in(around) == ["templates[0]: contains itself"]
    assert problems_in({"responses": [{"when": {}, "reply": object()}]}) == [
        "responses[0].reply: a Python object is not allowed in a configuration"
    ]
    assert problems_in({"responses": [{"when": {}, "reply": b"x"}]}) == [
        "responses[0].reply: expected text or a mapping, got bytes"
    ]
    assert problems_in({"responses": [{"when": {("a",): 1}, "reply": "x"}]}) == [
        "responses[0].when: expected keys that are text, got a Python tuple"
    ]
    assert problems_in({"responses": [{"when": {}, "reply": {"content": {"a": lambda: 1}}}]}) == [
        "responses[0].reply.content.a: expected a JSON value, got a function"
    ]


def test_a_key_is_never_shown() -> None:
    for text in ("{a: sk-1}", "[{a: sk-1}]", "[[sk-1]]", "sk-1: sk-1"):
        assert "sk-1" not in " ".join(problems_in(f"{RULE}api_key: {text}\n"))
    config = load(f"{RULE}api_key: sk-1\n")
    assert "sk-1" not in repr(config)


def test_two_values_of_one_key_are_not_shown_either(tmp_path: Path) -> None:
    lines = problems_in([f"{RULE}api_key: sk-1\n", f"api_key: sk-2\n{RULE}"])
    assert lines == ["<text 2>:1:10: api_key: <text>:2:10 has another value for 'api_key'; set it once"]


def test_a_value_reached_by_two_aliases_is_wrong_once() -> None:
    text = "templates:\n  m: &m {contains: 7}\nresponses:\n  - {when: {user: *m}, reply: a}\n  - {when: {user: *m}, reply: b}\n"
    assert problems_in(text) == [
        "<text>:2:20: responses[0].when.user.contains: expected text, got the number 7; put it in quotes"
    ]


def test_problems_stand_in_the_order_of_the_files() -> None:
    lines = problems_in(["port: a\nresponses: [1]\n", "host: 1\nresponses: [2]\n"])
    assert [line.split(": ")[1] for line in lines] == ["port", "responses[0]", "host", "responses[0]"]


def test_many_equal_mistakes_are_folded_in_the_text_and_all_in_problems() -> None:
    rules = [{"id": f"r{number}", "wen": {}, "reply": "x"} for number in range(30)]
    with pytest.raises(ConfigError) as caught:
        load({"responses": [*rules, {"when": {}, "reply": "x", "tims": 1}]})
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) > 30
    assert sum("'wen' is not a key" in line for line in lines) == 10
    assert "responses[29]: the last of 20 more mistakes of this kind" in lines
    assert lines[-1].startswith("responses[30]: 'tims' is not a key of a rule")


@pytest.mark.parametrize("rule", ["{id: x}", "{times: 1}", "{id: x, priority: 1}"])
def test_a_rule_without_conditions_is_a_problem(rule):
    with pytest.raises(ConfigError, match="a rule needs one of messages, when, matcher"):
        load(f"responses: [{rule}]\n", environ={})
