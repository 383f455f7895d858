"""Pace and latency: how texts are cut and when pieces are due."""

from __future__ import annotations

import random

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import openaimock
from openaimock.delivery.pace import drawn, pieces, stream, stream_pieces, wait, whole
from openaimock.errors import ConfigError
from openaimock.types.reply import Delay, Pace

from ..support.wire import events, post, user


def chance():
    return random.Random(1)


@given(st.text(), st.sampled_from(["token", "word", "char", 1, 3, 1000]))
def test_pieces_join_to_the_text(text, chunk):
    assert "".join(pieces(text, Pace(chunk=chunk), "gpt-4o")) == text


@given(st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1))
def test_given_pieces_join_to_the_text_too(text, chunks):
    assert "".join(pieces(text, Pace(chunks=tuple(chunks)), "gpt-4o")) == text


def test_kinds_of_pieces():
    text = "Hello big  world"
    assert pieces(text, Pace(chunk="word"), "") == ["Hello", " big", "  world"]
    assert pieces("abc", Pace(chunk="char"), "") == ["a", "b", "c"]
    assert pieces("abcdefg", Pace(chunk=3), "") == ["abc", "def", "g"]
    assert pieces(text, Pace(chunks=("Hel", "lo big")), "") == ["Hel", "lo big", "  world"]
    assert pieces(text, Pace(chunks=("Hel", "nonsense")), "") == ["Hel", "lo big  world"]


@pytest.mark.parametrize(
    ("delay", "low", "high"),
    [
        (Delay("fixed", 250), 0.25, 0.25),
        (Delay("uniform", 100, 200), 0.1, 0.2),
        (Delay("normal", 10, 50), 0.0, 1.0),
        (Delay("lognormal", 100, 0.5), 0.001, 2.0),
        (None, 0.0, 0.0),
    ],
)
def test_latencies_are_drawn_in_their_range(delay, low, high):
    source = chance()
    assert all(low <= wait(delay, lambda: source) <= high for _ in range(200))


def test_a_lognormal_latency_has_its_median():
    source = chance()
    drawn = sorted(wait(Delay("lognormal", 100, 0.5), lambda: source) for _ in range(2001))
    assert 0.09 < drawn[1000] < 0.11


def test_a_pace_draws_its_rate_and_time_to_first_token_anew_for_each_reply():
    source = chance()
    pace = Pace(jitter=0.1, random_ttft=Delay("uniform", 100, 200), random_tps=Delay("normal", 50, 10))
    paces = [drawn(pace, lambda: source) for _ in range(500)]
    assert all(100 <= each.ttft <= 200 and each.jitter == 0.1 for each in paces)
    assert 45 < sum(each.tps for each in paces) / 500 < 55
    assert len({each.ttft for each in paces}) == len({each.tps for each in paces}) == 500


def test_a_drawn_rate_never_stops_a_stream():
    source = chance()
    pace = Pace(random_tps=Delay("normal", 10, 100))
    assert min(drawn(pace, lambda: source).tps for _ in range(200)) == 1.0


FRAMES = [(b"role", 0.0), (b"a", 1.0), (b"b", 2.0), (b"c", 1.0), (b"stop", 0.0), (b"done", 0.0)]


def test_first_token_after_ttft_then_as_fast_as_tokens_are_said():
    moments = []
    due = list(stream(FRAMES, 0.5, Pace(ttft=200, tps=10), chance, moments))
    assert [round(delay, 6) for delay, _ in due] == [0.7, 0.0, 0.1, 0.2, 0.1, 0.0]
    assert b"".join(data for _, data in due) == b"roleabcstopdone"
    assert moments == pytest.approx([0.7, 0.7, 0.8, 1.0, 1.1, 1.1])


def test_without_a_pace_only_latency_counts():
    assert [delay for delay, _ in stream(FRAMES, 0.5, None, chance, [])] == [0.5, 0, 0, 0, 0, 0]


def test_jitter_stays_around_the_pace_and_is_seeded():
    frames = [(b"x", 1.0)] * 500
    pace = Pace(tps=10, jitter=0.5)

    def gaps():
        source = chance()
        return [delay for delay, _ in stream(frames, 0.0, pace, lambda: source, [])][1:]

    assert gaps() == gaps()
    assert all(0.05 <= gap <= 0.15 for gap in gaps())
    assert 0.095 < sum(gaps()) / 499 < 0.105


def test_a_whole_reply_takes_as_long_as_its_tokens():
    assert whole(20, 0.1, Pace(ttft=300, tps=10), chance) == pytest.approx(2.4)
    assert whole(20, 0.1, None, chance) == 0.1


def rule(**reply):
    return [{"when": {"user": {"any": True}}, "reply": {"content": "one two three", **reply}}]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("path", ["/chat/completions", "/responses"])
def test_distributions_of_a_pace_time_the_reply(serve, path, streamed):
    mock = serve(rule(pace={"ttft": {"uniform": [20, 30]}, "tps": {"lognormal": [400, 0.1]}}))
    text = {"messages": user("go")["messages"]} if "chat" in path else {"input": "go"}
    for _ in range(3):
        assert post(mock, {"model": "gpt-4o", **text, "stream": streamed}, path).status_code == 200
    ends = [exchange.chunks[-1] for exchange in mock.exchanges]
    assert all(0.02 < end < 0.08 for end in ends)
    assert len(set(ends)) == 3


def test_distributions_of_the_file_s_pace_and_of_a_raw_stream(serve):
    body = "data: 1\n\ndata: 2\n\n"
    headers = {"content-type": "text/event-stream"}
    mock = serve(
        {"pace": {"ttft": {"uniform": [20, 30]}}, "responses": [{"when": {}, "reply": {"body": body, "headers": headers}}]}
    )
    assert post(mock, user("go", stream=True)).text == body
    assert 0.02 <= mock.exchanges[0].chunks[0] <= 0.03


def test_the_same_seed_draws_the_same_pace(serve):
    setting = rule(pace={"ttft": {"uniform": [1, 30]}})
    first, second = (serve({"seed": 3, "responses": setting}) for _ in range(2))
    for mock in (first, second):
        post(mock, user("go"))
    assert first.exchanges[0].chunks == second.exchanges[0].chunks


def test_given_chunks_are_sent_as_they_are(serve):
    mock = serve(rule(pace={"chunks": ["one t", "wo thr", "ee"]}))
    sent = events(post(mock, user("go", stream=True)).text)
    assert [e["choices"][0]["delta"]["content"] for e in sent[1:-2]] == ["one t", "wo thr", "ee"]


def test_chunks_come_one_by_one_and_their_moments_are_kept(serve):
    mock = serve(rule(pace={"tps": 200, "ttft": 5}))
    with (
        httpx.Client(trust_env=False) as http,
        http.stream("POST", mock.url + "/chat/completions", json=user("go", stream=True)) as response,
    ):
        text = "".join(response.iter_text())
    assert text.endswith("data: [DONE]\n\n")
    exchange = mock.app.api.namespaces["default"].exchanges()[-1]
    assert exchange.chunks == pytest.approx([0.005, 0.005, 0.01, 0.015, 0.02, 0.02])


@pytest.mark.parametrize("path", ["/chat/completions", "/models"])
def test_latency_is_told_and_waited_for_on_every_endpoint(serve, path):
    mock = serve({"responses": [{"when": {"endpoint": ["chat", "models"]}, "reply": {"status": 200, "body": {}, "latency": 20}}]})
    with httpx.Client(trust_env=False) as http:
        answer = http.post(mock.url + path, json=user("x")) if "chat" in path else http.get(mock.url + path)
    assert answer.headers["openai-processing-ms"] == "20"
    assert answer.elapsed.total_seconds() >= 0.02


def test_the_file_s_latency_is_every_rule_s_unless_it_has_its_own(serve):
    mock = serve(
        {"latency": 7, "responses": [{"when": {"user": "a"}, "reply": "x"}, {"when": {"user": "b"}, "latency": 9, "reply": "x"}]}
    )
    assert [post(mock, user(word)).headers["openai-processing-ms"] for word in ("a", "b")] == ["7", "9"]


def test_gaps_are_the_milliseconds_before_each_piece(serve):
    mock = serve([{"when": {}, "reply": {"content": "abc", "pace": {"chunks": ["a", "b", "c"], "gaps": [20, 5, 10]}}}])
    assert "abc" not in post(mock, user("go", stream=True)).text
    (exchange,) = mock.exchanges
    assert exchange.chunks == pytest.approx([0.0, 0.020, 0.025, 0.035, 0.035, 0.035])


def test_streams_of_one_long_text_share_its_pieces():
    text = "word " * 10_000
    assert stream_pieces(text, None, "gpt-4o") is stream_pieces(text, None, "gpt-4o")


@pytest.mark.parametrize(
    ("pace", "problem"),
    [
        ({"ttft": {"uniform": [5, 1]}}, "pace.ttft.uniform: the first number is the smaller one, got 5 and 1"),
        ({"ttft": {"lognormal": [0, 1]}}, "pace.ttft.lognormal: the median of 'lognormal' is above 0"),
        ({"ttft": -1}, "pace.ttft: expected a number 0 or more, got -1"),
        ({"tps": 0}, "pace.tps: expected a number above 0, got 0"),
        ({"tps": {"normal": [0, 5]}}, "pace.tps: the first number of a rate's distribution is above 0"),
        ({"tps": {"uniform": [5, 1]}}, "pace.tps.uniform: the first number is the smaller one, got 5 and 1"),
        (
            {"tps": {"norml": [5, 1]}},
            "pace.tps: 'norml' is not a key of a rate; did you mean 'normal'? (uniform, normal, lognormal)",
        ),
        ({"tps": {"normal": [5]}}, "pace.tps.normal: expected 2 items, got 1"),
        ({"tps": {}}, "pace.tps: a rate needs one of uniform, normal, lognormal"),
    ],
)
def test_bad_distributions_are_problems_with_a_place(pace, problem):
    with pytest.raises(ConfigError) as raised:
        openaimock.create_app({"responses": [], "pace": pace})
    assert str(raised.value).splitlines() == [problem]
