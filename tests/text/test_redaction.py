from __future__ import annotations

import base64
import json
import re
from time import process_time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.text import redaction, redaction_members
from openaimock.text.regex import slow_part

SECRET = "hunter2-Hunter2"


# Texts that are secrets


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdefgh1234",
        "sk-proj-abc_DEF-1234567890",
        "AIzaSyA1234567890abcdefghijklmnopqrstuvw",
        "xoxb-123456789012-abcdefABCDEF",
        "hf_abcdefghijklmnopqrstuv",
        "glpat-abcdefghij1234567890",
        "github_pat_11ABCDEFG0abcdefghijkl_mnop",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w",
        "sk_live_abcdefghijklmnop",
        "gsk_abcdefghijklmnopqrstuv",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "see {} there", "({})", "x={}", "https://host/{}/v1", r"line\n{}", r"\u00e9{}", "a%20{}", '"{}"']
)
def test_tokens_are_masked_wherever_they_stand(secret, around):
    masked = redaction.text(around.format(secret))
    assert secret[8:] not in masked
    assert redaction.MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2-Hunter2",
        "bearer hunter2-Hunter2",
        "Bearer%20hunter2-Hunter2",
        "https://user:hunter2-Hunter2@host/path",
        "redis://:hunter2-Hunter2@host:6379/0",
        r"https:\/\/user:hunter2-Hunter2@host",
        "Basic " + base64.b64encode(b"user:hunter2-Hunter2").decode(),
        "Authorization: Basic " + base64.b64encode(b"hunter2-Hunter2").decode(),
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2-Hunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2-Hunter2",
        "openai-insecure-api-key.hunter2-Hunter2",
        "/v1/files?api_key=hunter2-Hunter2&limit=1",
        "OPENAI_API_KEY=hunter2-Hunter2",
        "api_key: hunter2-Hunter2",
        "password = 'hunter2-Hunter2'",
        "{'password': 'hunter2-Hunter2'}",
        '{"passwords": ["hunter2-Hunter2"]}',
        '{"credentials": {"user": "hunter2-Hunter2"}, "a": 1}',
        '{"password": "a\\"hunter2-Hunter2"}',
        '{"password":"hunter2-Hunter2',
        '{"secret": [{"a": "}]hunter2-Hunter2',
    ],
)
def test_secrets_in_texts(text):
    masked = redaction.text(text)
    assert SECRET not in masked
    assert base64.b64encode(SECRET.encode()).decode() not in masked


@pytest.mark.parametrize(
    "text",
    [
        "a task-force of risk-takers asks for a token",
        "tokens: 12",
        '{"max_tokens": 5, "total_tokens": 10, "token_count": 3}',
        '{"next_page_token": "CAUQAA"}',
        "max_tokens=100&page_token=abc",
        "The password: please choose one. The secret: nobody knows.",
        '{"token": "Hel", "logprob": -0.1}',
        '{"token":"Hel","logprob":-0.1,"bytes":[72]}',
        "TopLogprob(token='Hel', logprob=-0.1)",
        '{"properties": {"password": {"type": "string", "minLength": 8}}}',
        "Basic understanding of bearer authentication",
        "Basic mathematics, basic knowledge and basic training",
        "if token == expected: return None",
        "def login(password: str, token=None, secret=secret): ...",
        "monkey: banana",
        "https://host:8080/path@home",
        "the cookie: chocolate chip",
        '{"has_secret": true, "password": null}',
        '{"token": ""}',
        "skimming AKIA and eyJ and hf_ and ghp_",
    ],
)
def test_ordinary_texts_stay_as_they_are(text):
    assert redaction.text(text) == text


def test_what_stands_beside_a_secret_stays():
    text = '{"user": "ann", "password": "x1", "list": [1, {"api_key": "y2", "n": 3}], "token": {"a": "}"}, "end": 1}'
    assert json.loads(redaction.text(text)) == {
        "user": "ann",
        "password": "***",
        "list": [1, {"api_key": "***", "n": 3}],
        "token": "***",
        "end": 1,
    }


def test_a_masked_text_stays_the_same_when_it_is_masked_again():
    text = '{"password": "a", "api_key": ["b"], "n": "Bearer hunter2hunter2", "token": 5}, sk-abcdefghijkl, //u:p@h, key=x'
    once = redaction.text(text)
    assert redaction.text(once) == once


@given(
    secret=st.text(st.sampled_from("ab\\\"'\n{}[]:,éя/ "), min_size=1, max_size=12).map(lambda text: f"QQ{text}QQ"),
    levels=st.integers(1, 4),
    ascii_only=st.booleans(),
    name=st.sampled_from(["password", "api_key", "clientSecret", "X-Api-Key", "private_key", "pwd"]),
)
def test_a_member_is_masked_whole_however_often_its_json_is_escaped(secret, levels, ascii_only, name):
    value = {"before": 1, name: secret, "city": "SF"}
    text = value
    for _ in range(levels):
        text = json.dumps(text, ensure_ascii=ascii_only)
    masked = redaction.text(text)
    assert "QQ" not in masked
    for _ in range(levels):
        masked = json.loads(masked)
    assert masked == {"before": 1, name: "***", "city": "SF"}


@given(
    secret=st.text(st.sampled_from("ab\\\"'\nя"), max_size=30).map(lambda text: f"{text}QQ"),
    levels=st.integers(1, 3),
    cut=st.integers(1, 200),
)
def test_a_cut_shows_nothing_of_a_secret_member(secret, levels, cut):
    text = {"password": f"QQ{secret}", "after": 1}
    for _ in range(levels):
        text = json.dumps(text)
    assert "QQ" not in redaction.text(text[:cut])
    assert "QQ" not in redaction.clip(text, cut)


def test_a_clipped_text_shows_nothing_of_a_secret_that_ends_behind_the_cut():
    text = "x" * 190 + " my-very-own-key and sk-abcdefghijklmnop"
    assert redaction.clip(text, 200, ["my-very-own-key"]) == "x" * 190 + " ***" + " and s"
    assert "sk-ab" not in redaction.clip("x" * 194 + " sk-abcdefghijklmnop", 200)


# Values


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ({"password": ["a", "b"]}, {"password": ["***"]}),
        ({"credentials": {"user": "a"}}, {"credentials": "***"}),
        ({"access_token": 123}, {"access_token": "***"}),
        (
            {"secretKey": "a", "access-key": "b", "pwd": "c", "passwd": "d"},
            dict.fromkeys(["secretKey", "access-key", "pwd", "passwd"], "***"),
        ),
        ({"max_tokens": 5, "tokens": ["a"], "next_page_token": "x"}, {"max_tokens": 5, "tokens": ["a"], "next_page_token": "x"}),
        ({"token": "Hel", "logprob": -1.5}, {"token": "Hel", "logprob": -1.5}),
        ({"token": "", "password": None, "secret": False}, {"token": "", "password": None, "secret": False}),
        (
            {"properties": {"password": {"type": "string", "default": "a"}, "token": {"enum": ["b"], "description": "c"}}},
            {"properties": {"password": {"type": "string", "default": "***"}, "token": {"enum": "***", "description": "c"}}},
        ),
        ({"sk-abcdefghijkl": 1}, {"sk-***": 1}),
    ],
)
def test_members_of_values(body, masked):
    assert redaction.value(body) == masked


def test_values_nested_without_end_are_cut():
    body: object = "sk-abcdefghijkl"
    for _ in range(400):
        body = [body]
    assert "abcdefghijkl" not in str(redaction.value(body))


# Headers


@pytest.mark.parametrize(
    ("name", "line", "masked"),
    [
        ("Authorization", "Bearer hunter2", "Bearer ***"),
        ("authorization", "hunter2 and more", "***"),
        ("x-goog-api-key", "hunter2", "***"),
        ("ocp-apim-subscription-key", "hunter2", "***"),
        ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.hunter2", "realtime, openai-insecure-api-key.***"),
        ("accept", "application/json", "application/json"),
    ],
)
def test_headers(name, line, masked):
    assert redaction.headers({name: line}) == {name: masked}


# Configured keys


@given(key=st.text(min_size=6, max_size=20).filter(lambda key: "***" not in key and not key.isspace()))
def test_a_configured_key_is_masked_in_each_form_in_which_it_is_written(key):
    once, twice = json.dumps(key)[1:-1], json.dumps(json.dumps(key))[3:-3]
    url = quote(key, safe="")
    for form in (key, url, re.sub("%..", lambda match: match[0].lower(), url), quote_plus(key), once, twice):
        assert redaction.text(f"<{form}>", [key]) == "<***>"
    assert redaction.text(f"<{json.dumps(key, ensure_ascii=False)[1:-1]}>", [key]) == "<***>"


def test_a_configured_key_in_a_basic_header_is_masked():
    encoded = base64.b64encode(b"my-very-own-key:").decode()
    assert encoded[:8] not in redaction.text(f"Authorization: Basic {encoded}", ["my-very-own-key"])


def test_a_short_key_hides_only_where_it_stands_alone():
    assert redaction.text("abc a-b x abcd", ["abc"]) == "*** a-b x abcd"


def test_a_key_that_is_the_name_of_a_member_hides_that_member_too():
    assert "hunter2" not in redaction.text('{"password": "hunter2"}', ["password"])


# Time


def patterns() -> list[re.Pattern[str]]:
    modules = (redaction, redaction_members)
    return [value for module in modules for value in vars(module).values() if isinstance(value, re.Pattern)]


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: pattern.pattern[:40])
def test_no_pattern_has_nested_or_overlapping_repeats(pattern):
    assert slow_part(pattern.pattern, pattern.flags & ~re.UNICODE) is None


#: What each pattern and scan could go back over, were it written carelessly: beginnings without ends, and runs.
ADVERSARIAL = [
    *(
        "\\",
        '"',
        "'",
        "{",
        "[",
        "}",
        " ",
        ":",
        "=",
        "a",
        "-",
        "_",
        "%20",
        "\\n",
        "\\u00e9",
        "/",
        "://",
        "://a:",
        "://a:b",
        "@",
        "\n",
    ),
    *(
        'token"',
        'token":',
        'token":"',
        "token=",
        "token==",
        "token=(",
        "token:",
        "token: ",
        "token\\",
        'token\\":\\"',
        "token:\\",
        "tokentoken",
    ),
    *(
        '"token":"\\',
        '"token":{',
        '"token":["',
        '"token":"a","logprob',
        '"token":"a" ',
        '{"type',
        '"token":{"type":"string"',
        "token'",
        "token:'",
    ),
    *(
        "eyJ",
        "eyJa",
        "eyJ-",
        "eyJaaaaaaaa.",
        "eyJaaaaaaaa ",
        "sk-",
        "sk-a.",
        "AIza",
        "xoxb-",
        "hf_",
        "glpat-",
        "gl",
        "github_pat_",
        "ghp_",
        "AKIA",
    ),
    *(
        "Bearer ",
        "Basic ",
        "bearer+",
        "Basic%20",
        "Basic aaaaaaaa",
        "basic+YTpi",
        "-----BEGIN ",
        "-----BEGIN A-----",
        "-----BEGIN A-----'",
    ),
    *(
        '-----BEGIN A-----"',
        "-----END A-----",
        "-----",
        "openai-insecure-api-key.",
        "key",
        "keys=",
        "cookie: a=",
        "password: aaaaaa",
        "authorization: bearer ",
    ),
    *(
        "api_key: ",
        "api_key: x\\",
        "token=>",
        "token%3D",
        "connection_string",
        "connection-",
        "my-very-own-key",
        "my-very-own-ke",
    ),
]


def seconds(text: str) -> float:
    begin = process_time()
    redaction.text(text, ["my-very-own-key"])
    return process_time() - begin


@pytest.mark.parametrize("ending", ["", '"'])
@pytest.mark.parametrize("beginning", ["", '"token":"', "://a:b"])
def test_the_time_grows_with_the_length_only(beginning, ending):
    for unit in ADVERSARIAL:
        shorter, longer = (beginning + unit * (length // len(unit)) + ending for length in (2_000, 32_000))
        # Sixteen times the text: a quadratic search would take 256 times as long. What else the machine does may disturb one try.
        assert any(seconds(longer) < 64 * max(seconds(shorter), 0.0002) for _ in range(4)), unit


def test_a_million_backslashes_take_no_time():
    assert redaction.text('"token":"' + "\\" * 1_000_000) == '"token":"***'
