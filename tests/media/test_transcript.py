"""Transcripts as the SDK's types have them."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.audio import TranscriptionDiarizedSegment, TranscriptionSegment, TranscriptionWord
from openai.types.audio.transcription import Logprob
from openai.types.audio.transcription_text_segment_event import TranscriptionTextSegmentEvent

from openaimock.media.languages import LANGUAGES, language_name
from openaimock.media.transcript import diarized_segments, segments, srt, token_logprobs, vtt, words

from ..support.wire import strictly

TEXT = (
    "The beach was a popular spot on a hot summer day. "
    "People were swimming in the ocean, building sandcastles, and playing beach volleyball."
)


def test_the_words_are_those_of_the_sdk_without_punctuation():
    result = words(TEXT, 8.47)
    for word in result:
        strictly(TranscriptionWord, word._asdict())
    assert [word.word for word in result[:3]] == ["The", "beach", "was"]
    assert (result[0].start, result[-1].word, result[-1].end) == (0.0, "volleyball", 8.47)


def test_the_segments_are_those_of_the_sdk_one_for_each_sentence():
    result = segments(TEXT, 8.47)
    for segment in result:
        strictly(TranscriptionSegment, segment._asdict())
    assert [(segment.id, segment.seek, segment.text) for segment in result] == [
        (0, 0, " The beach was a popular spot on a hot summer day."),
        (1, 0, " People were swimming in the ocean, building sandcastles, and playing beach volleyball."),
    ]
    assert (result[0].start, result[0].end, result[1].end) == (0.0, result[1].start, 8.47)


def test_the_figures_of_a_segment_are_within_what_clients_accept():
    for segment in segments(TEXT, 8.47):
        assert -1 < segment.avg_logprob < 0
        assert 0 < segment.no_speech_prob < 0.6
        assert segment.compression_ratio == pytest.approx(len(segment.text) / len(zlib.compress(segment.text.encode())), abs=1e-6)
        assert segment.temperature == 0.0


def test_the_tokens_of_a_segment_are_between_the_tokens_of_its_times():
    first, second = segments(TEXT, 8.47)
    assert (first.tokens[0], second.tokens[0]) == (50_364, first.tokens[-1])
    assert second.tokens[-1] == 50_364 + round(8.47 * 50)
    assert all(0 <= token < 50_257 for token in first.tokens[1:-1])


def test_a_tokenizer_makes_the_tokens_of_segments_and_logprobs():
    assert len(segments("Hi you.", 1.0, split=list)[0].tokens) == len(" Hi you.") + 2
    assert [token.token for token in token_logprobs("Hi.", split=list)] == ["H", "i", "."]


def test_the_window_of_30_seconds_is_the_seek():
    result = segments("One two three four. " * 30, 120.0)
    assert {segment.seek for segment in result} == {0, 3_000, 6_000, 9_000}
    assert all(0 <= segment.start - segment.seek / 100 < 30 for segment in result)


def test_a_long_text_without_sentences_is_cut():
    result = segments("word " * 300, 120.0)
    assert len(result) >= 10
    assert max(segment.end - segment.start for segment in result) < 15


def test_sentences_end_where_languages_end_them():
    text = '今日は。「行こう！」はい。 He paid 3.50 dollars. "Really?" Yes!\nNext line'  # noqa: RUF001
    assert [segment.text[1:] for segment in segments(text, 10)] == [
        "今日は。",
        "「行こう！」",  # noqa: RUF001
        "はい。",
        "He paid 3.50 dollars.",
        '"Really?"',
        "Yes!",
        "Next line",
    ]


def test_the_temperature_of_the_request_is_in_the_segments():
    assert {segment.temperature for segment in segments(TEXT, 8.47, temperature=0.4)} == {0.4}


@pytest.mark.parametrize("text", ["", "  \n "])
def test_a_blank_text_has_no_parts(text):
    assert (words(text, 2.0), segments(text, 2.0), diarized_segments(text, 2.0)) == ([], [], [])
    assert (srt([]), vtt([])) == ("", "WEBVTT\n\n")


def test_a_text_without_words_is_one_segment_of_the_whole_time():
    (segment,) = segments(" ... ", 2.0)
    assert (segment.text, segment.start, segment.end) == (" ...", 0.0, 2.0)
    assert words("...", 2.0) == []


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_impossible_duration_is_an_error(seconds):
    for make in (words, segments, diarized_segments):
        with pytest.raises(ValueError, match="not a finite number"):
            make(TEXT, seconds)


def test_srt_has_numbered_captions():
    assert srt(segments("Hello you. Hello you.", 7_445.5)).splitlines() == [
        "1",
        "00:00:00,000 --> 01:02:02,750",
        "Hello you.",
        "",
        "2",
        "01:02:02,750 --> 02:04:05,500",
        "Hello you.",
        "",
    ]


def test_vtt_has_captions_after_its_header():
    assert vtt(segments("Hello there.", 2.5)) == "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nHello there.\n\n"


def test_no_text_breaks_the_form_of_captions():
    text = "One\n\n2\n00:00:00,000 --> 00:00:01,000\nfake"
    blocks = srt(segments(text, 4.0)).rstrip("\n").split("\n\n")
    assert all(len(block.split("\n")) == 3 and block.count("-->") == 1 for block in blocks)


def test_diarized_segments_are_those_of_the_sdk():
    (segment,) = diarized_segments("Ruby is a programming language.", 3.7)
    strictly(TranscriptionDiarizedSegment, segment._asdict())
    strictly(TranscriptionTextSegmentEvent, segment._asdict())
    assert segment == ("transcript.text.segment", " Ruby is a programming language.", "A", 0.0, 3.7, "seg_0")


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Hello. Bye.", [], [("A", "Hello."), ("A", "Bye.")]),
        ("Hello.\nHi.\nBye.", [], [("A", "Hello."), ("B", "Hi."), ("A", "Bye.")]),
        ("Hello.\nHi.\nBye.", ["agent"], [("agent", "Hello."), ("A", "Hi."), ("agent", "Bye.")]),
        ("Hello.\nHi.", ["Ann", "Bob", "Cy"], [("Ann", "Hello."), ("Bob", "Hi.")]),
        ("Agent: Hello.\nGuest: Hi.\nAgent: Bye.", ["agent"], [("agent", "Hello."), ("A", "Hi."), ("agent", "Bye.")]),
        ("B: Hello.\nGuest: Hi.", [], [("B", "Hello."), ("A", "Hi.")]),
        ("agent: Hello.", ["agent"], [("agent", "Hello.")]),
        ("A: Hello.", [], [("A", "Hello.")]),
        ("Note: buy milk.", [], [("A", "Note: buy milk.")]),
        ("Agent: Hello.\nno label", [], [("A", "Agent: Hello."), ("B", "no label")]),
    ],
)
def test_lines_and_labels_tell_the_speakers(text, names, expected):
    assert [(segment.speaker, segment.text[1:]) for segment in diarized_segments(text, 4.0, names)] == expected


def test_more_than_26_speakers_go_by_their_labels():
    text = "\n".join(f"Guest {number}: Hello." for number in range(30))
    speakers = [segment.speaker for segment in diarized_segments(text, 30.0)]
    assert (speakers[0], speakers[25], speakers[26], len(set(speakers))) == ("A", "Z", "Guest 26", 30)


def test_logprobs_are_those_of_the_sdk():
    result = token_logprobs(TEXT)
    for token in result:
        strictly(Logprob, {**token._asdict(), "bytes": [float(byte) for byte in token.bytes]})
        assert bytes(token.bytes).decode() == token.token
        assert -0.1 <= token.logprob <= 0
    assert "".join(token.token for token in result) == TEXT


def test_languages_are_named_in_english():
    assert (language_name("de"), language_name("EN"), language_name("ht")) == ("german", "english", "haitian creole")
    assert (language_name(None), language_name("xx")) == ("english", None)
    assert all(re.fullmatch("[a-z]{2,3}", code) and re.fullmatch("[a-z ]+", name) for code, name in LANGUAGES.items())


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.floats(0, 10_000))
def test_parts_of_any_text_follow_each_other_in_time(text, seconds):
    spoken, parts = words(text, seconds), segments(text, seconds)
    for sequence in (spoken, parts):
        times = [time for part in sequence for time in (part.start, part.end)]
        assert times == sorted(times)
        assert not times or (times[0], times[-1]) == (0.0, round(seconds, 2))
    assert "".join(part.text for part in parts).split() == " ".join(part.text for part in parts).split()
    assert "".join("".join(part.text for part in parts).split()) == "".join(text.split())


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="Ab: \n.", max_size=60), st.lists(st.text("Ab", max_size=2), max_size=3))
def test_diarized_parts_of_any_text_follow_each_other_in_time(text, names):
    times = [time for part in diarized_segments(text, 9.0, names) for time in (part.start, part.end)]
    assert times == sorted(times)


@given(st.text(max_size=200))
def test_logprobs_of_any_text_are_the_whole_text(text):
    assert "".join(token.token for token in token_logprobs(text)) == text
