"""Speech in every format that is made, decoded by FFmpeg."""

from __future__ import annotations

import hashlib
import io
import wave
from itertools import islice, pairwise

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.media.audio import (
    FORMATS,
    MAX_SECONDS,
    MIN_SECONDS,
    VOICES,
    UnsupportedAudioFormat,
    canonical_format,
    pitch,
    speech,
)
from openaimock.media.duration import audio_info
from openaimock.media.speech_rate import speaking_seconds, spoken_words

from .sound import Decoded, decode

TEXT = "Ruby is a programming language designed for developer happiness. " * 30

#: How FFmpeg is told to read formats without a header.
RAW = {"pcm": "s16le", "g711_ulaw": "mulaw", "g711_alaw": "alaw"}


def decoded(format: str, data: bytes) -> Decoded:
    options = {"sample_rate": str(FORMATS[format].rate)} if format in RAW else {}
    return decode(data, RAW.get(format), **options)


@pytest.mark.parametrize("format", FORMATS)
def test_ffmpeg_decodes_the_whole_duration_in_mono(format):
    result = speech(TEXT, format)
    audio = decoded(format, result.data())
    assert (audio.rate, audio.channels) == (FORMATS[format].rate, 1)
    assert len(audio.samples) == round(result.seconds * result.rate)


@pytest.mark.parametrize("format", FORMATS)
def test_the_length_is_known_before_the_audio_is_made(format):
    result = speech(TEXT, format)
    assert result.length == len(result.data())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [1, 1_000, 16_384, 10_000_000])
def test_the_chunks_are_the_whole_audio_in_order(format, size):
    result = speech("Hello there, my friend.", format)
    chunks = list(result.chunks(size))
    assert b"".join(chunks) == result.data()
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}


def test_hours_of_speech_start_with_their_first_chunks():
    result = speech("word " * 35_000, "mp3")
    assert result.seconds > 3 * 3_600
    assert [len(chunk) for chunk in islice(result.chunks(4_096), 3)] == [4_096] * 3


def test_a_speech_is_never_longer_than_the_limit():
    assert speech("word " * 60_000, "wav").seconds == MAX_SECONDS


def test_wav_is_what_the_standard_library_reads():
    result = speech(TEXT, "wav")
    with wave.open(io.BytesIO(result.data())) as file:
        assert file.getparams()[:4] == (1, 2, 24_000, round(result.seconds * 24_000))
        assert file.readframes(file.getnframes()) == speech(TEXT, "pcm").data()


def test_flac_has_the_same_samples_as_pcm_and_their_md5():
    pcm, flac = speech(TEXT, "pcm").data(), speech(TEXT, "flac").data()
    assert decode(flac).samples.tobytes() == pcm
    assert flac[26:42] == hashlib.md5(pcm).digest()


def test_flac_frame_numbers_of_three_bytes_are_right():
    # 2,048 blocks of about 4,000 samples are some 350 seconds.
    result = speech("word " * 1_100, "flac")
    assert len(decode(result.data()).samples) == round(result.seconds * 24_000)


@pytest.mark.parametrize("position", [2_000, 20_000, 60_000, -100])
def test_a_changed_byte_in_flac_fails_its_checksum(position):
    """FFmpeg drops a frame whose checksum is wrong, or reports an error: what it decodes has the right checksums."""
    data = speech(TEXT, "flac").data()
    damaged = bytearray(data)
    damaged[position] ^= 1
    try:
        samples = decode(bytes(damaged)).samples
    except av.error.InvalidDataError:
        return
    assert len(samples) < len(decode(data).samples)


@pytest.mark.parametrize(("format", "error"), [("g711_ulaw", 32), ("g711_alaw", 40)])
def test_g711_is_the_tone_within_its_resolution(format, error):
    period = round(8_000 / pitch("alloy"))
    samples = decoded(format, speech(TEXT, format).data()).samples
    expected = speech(TEXT, format)._signal.period
    assert max(abs(left - right) for left, right in zip(samples[:period], expected, strict=True)) <= error


def test_mp3_is_silent_and_has_the_header_of_the_apis_own_speech():
    data = speech(TEXT, "mp3").data()
    assert data[:4].hex() == "fff3c4c4"  # MPEG-2 Layer III, 128 kbit/s, 24 kHz, mono
    assert set(decode(data).samples) == {0}


def test_a_tone_is_quiet_and_its_pitch_depends_on_the_voice():
    crossings = {}
    for voice in ("onyx", "shimmer"):
        samples = decoded("wav", speech(TEXT, "wav", voice=voice).data()).samples[:24_000]
        assert max(map(abs, samples)) <= 1_000
        crossings[voice] = sum(left < 0 <= right for left, right in pairwise(samples))
    assert crossings["onyx"] == pytest.approx(VOICES["onyx"], abs=2)
    assert crossings["shimmer"] == pytest.approx(VOICES["shimmer"], abs=2)


def test_any_other_voice_has_a_pitch_of_its_own():
    assert pitch("voice_1234") == pitch("voice_1234") != pitch("voice_1235")
    assert all(110 <= pitch(f"voice_{number}") <= 330 for number in range(100))


def test_the_duration_follows_the_words_and_the_speed():
    # Ten words of five letters at 150 words a minute.
    assert speech("hello " * 10, "wav").seconds == pytest.approx(4.0)
    assert speech("hello " * 10, "wav", speed=2.0).seconds == pytest.approx(2.0)
    assert speech("hello " * 10, "wav", speed=0.25).seconds == pytest.approx(16.0)


def test_characters_of_a_language_without_spaces_are_words():
    assert speaking_seconds("今日は天気がいいですね。") == pytest.approx(11 * 0.2)
    assert [word.word for word in spoken_words("「東京」へ go!")] == ["東", "京", "へ", "go"]


@pytest.mark.parametrize("text", ["", "  ", "...", "—"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_text_without_words_is_a_short_sound(text, format):
    result = speech(text, format)
    assert MIN_SECONDS <= result.seconds < MIN_SECONDS + 0.024
    assert result.length == len(result.data())
    assert decoded(format, result.data()).channels == 1


@pytest.mark.parametrize("format", ["mp3", "wav", "flac"])
def test_the_duration_reader_reads_what_is_made(format):
    result = speech(TEXT, format)
    assert audio_info(result.data()) == (format, pytest.approx(result.seconds), 24_000, 1)


@pytest.mark.parametrize("name", ["opus", "aac", "ogg", ""])
def test_a_format_that_is_not_made_is_named_with_the_way_out(name):
    with pytest.raises(UnsupportedAudioFormat, match=f"makes no '{name}' audio. It makes mp3, wav, flac") as info:
        speech("Hello.", name)
    assert info.value.format == name
    assert "speech: {file: PATH" in str(info.value)


@pytest.mark.parametrize(
    ("name", "format"), [("pcm16", "pcm"), ("audio/pcm", "pcm"), ("audio/pcmu", "g711_ulaw"), ("audio/pcma", "g711_alaw")]
)
def test_the_names_of_chat_and_realtime_are_known(name, format):
    assert canonical_format(name) == format
    assert speech("Hello.", name).data() == speech("Hello.", format).data()


@pytest.mark.parametrize("speed", [0, -1.0, float("nan")])
def test_a_speed_that_is_not_positive_is_an_error(speed):
    with pytest.raises(ValueError, match="not a positive number"):
        speech("Hello.", speed=speed)


def test_chunks_of_no_bytes_are_an_error():
    with pytest.raises(ValueError, match="below 1"):
        speech("Hello.").chunks(0)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300), st.sampled_from(sorted(VOICES)), st.floats(0.25, 4.0))
def test_flac_of_any_text_voice_and_speed_is_lossless(text, voice, speed):
    result = speech(text, "flac", voice=voice, speed=speed)
    data = result.data()
    assert len(data) == result.length
    assert decode(data).samples.tobytes() == speech(text, "pcm", voice=voice, speed=speed).data()
