"""Durations of audio files that FFmpeg wrote, and of broken ones."""

from __future__ import annotations

import io
import struct
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.media.audio_header import AudioInfo, BrokenAudio
from openaimock.media.duration import audio_info

from .sound import encode


def wav(*, coding=1, channels=1, rate=8_000, bits=16, align=None, body=bytes(16_000), size=None, before=b"") -> bytes:
    """A WAV file whose header fields can be wrong."""
    align = channels * bits // 8 if align is None else align
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, coding, channels, rate, rate * align, align, bits)
    chunks = before + form + struct.pack("<4sI", b"data", len(body) if size is None else size) + body
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("container", "codec", "format", "tolerance"),
    [
        ("wav", "pcm_s16le", "wav", 0),
        ("wav", "pcm_u8", "wav", 0),
        ("wav", "pcm_f32le", "wav", 0),
        ("wav", "pcm_s24le", "wav", 0),  # FFmpeg writes this one as WAVE_FORMAT_EXTENSIBLE
        ("wav", "pcm_mulaw", "wav", 0),
        ("wav", "pcm_alaw", "wav", 0),
        ("flac", "flac", "flac", 0),
        ("mp3", "libmp3lame", "mp3", 0.05),  # whole frames, with the encoder's delay
        ("ogg", "libopus", "ogg", 0.02),
        ("ipod", "aac", "mp4", 0.03),
        ("mp4", "aac", "mp4", 0.03),
        ("webm", "libopus", "webm", 0.03),
    ],
)
def test_the_header_tells_duration_rate_and_channels(container, codec, format, tolerance, channels):
    info = audio_info(encode(container, codec, 2.5, channels=channels))
    assert info == (format, pytest.approx(2.5, abs=tolerance), 48_000, channels)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_mp3_of_every_mpeg_version_is_read(rate):
    info = audio_info(encode("mp3", "libmp3lame", 2.0, rate=rate))
    assert info == ("mp3", pytest.approx(2.0, abs=0.2), rate, 1)


def test_mp3_without_a_xing_header_or_tag_has_its_frames_counted():
    data = encode("mp3", "libmp3lame", 2.5, write_xing="0", id3v2_version="0")
    assert data[:2] != b"ID" and b"Xing" not in data and b"Info" not in data
    assert audio_info(data) == ("mp3", pytest.approx(2.5, abs=0.05), 48_000, 1)


def test_mp3_after_a_large_tag_is_read():
    size = 300_000
    tag = b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\xff" * size
    assert audio_info(tag + encode("mp3", "libmp3lame", 1.0, id3v2_version="0")).seconds == pytest.approx(1.0, abs=0.05)


def test_more_frames_than_are_counted_are_estimated(monkeypatch):
    data = encode("mp3", "libmp3lame", 5.0, write_xing="0", id3v2_version="0")
    monkeypatch.setattr("openaimock.media._frames.MAX_FRAMES", 50)
    assert audio_info(data).seconds == pytest.approx(5.0, abs=0.1)


def test_webm_without_a_duration_ends_with_its_last_block():
    data = encode("webm", "libopus", 2.5, live="1")
    assert b"\x44\x89\x88" not in data  # no Duration element
    assert audio_info(data) == ("webm", pytest.approx(2.5, abs=0.03), 48_000, 1)


def test_a_fragmented_mp4_without_a_duration_is_of_unknown_length():
    data = encode("mp4", "aac", 1.0, movflags="frag_keyframe+empty_moov+default_base_moof")
    assert audio_info(data) == ("mp4", None, 48_000, 1)


def test_a_wav_with_64_bit_sizes_is_read():
    data = encode("wav", "pcm_s16le", 1.5, rf64="always")
    assert data[:4] == b"RF64"
    assert audio_info(data) == ("wav", 1.5, 48_000, 1)


def test_the_wav_of_the_standard_library_is_read():
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((2, 2, 44_100, 0, "NONE", ""))
        target.writeframes(bytes(4 * 22_050))
    assert audio_info(file.getvalue()) == ("wav", 0.5, 44_100, 2)


def test_chunks_before_the_format_are_skipped_with_their_padding():
    assert audio_info(wav(before=b"LIST\x03\x00\x00\x00abc\x00")) == ("wav", 1.0, 8_000, 1)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_written_to_a_pipe_has_the_length_of_the_file(size):
    assert audio_info(wav(size=size)).seconds == 1.0


def test_a_cut_off_wav_has_the_length_of_what_is_there():
    assert audio_info(wav()[:-8_000]).seconds == 0.5


def test_a_wav_without_sound_lasts_no_time():
    assert audio_info(wav(body=b"")) == ("wav", 0.0, 8_000, 1)


def test_a_compressed_wav_goes_by_its_bytes_per_second():
    assert audio_info(wav(coding=0x55, bits=0, align=1)) == ("wav", 2.0, 8_000, 1)
    assert audio_info(wav(coding=0x55, bits=0, align=0)).seconds is None


@pytest.mark.parametrize(
    ("data", "format", "reason"),
    [
        (wav(channels=0, align=2), "wav", "its 'fmt ' chunk has 0 channels and a sample rate of 8000 Hz"),
        (wav(rate=0), "wav", "its 'fmt ' chunk has 1 channels and a sample rate of 0 Hz"),
        (wav(align=3), "wav", "its 'fmt ' chunk has 3 bytes per frame for 1 channels of 16 bits"),
        (wav(bits=0, align=0), "wav", "its 'fmt ' chunk has 0 bytes per frame for 1 channels of 0 bits"),
        (wav()[:30], "wav", "its 'fmt ' chunk has 10 bytes, fewer than 16"),
        (wav()[:12], "wav", "it has no 'fmt ' chunk"),
        (wav()[:36], "wav", "it has no 'data' chunk"),
        (wav(before=b"data\x02\x00\x00\x00ab"), "wav", "the 'data' chunk comes before any 'fmt ' chunk"),
        (b"fLaC" + bytes(10), "flac", "its first block is not a STREAMINFO block"),
        (b"fLaC\x80\x00\x00\x22" + bytes(34), "flac", "its sample rate is 0 Hz"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x05hello, this is no sound", "mp3", "it has no MPEG audio frame"),
        (b"OggS" + bytes(10), "ogg", "it ends within its first page"),
        (b"OggS" + bytes(60), "ogg", "its first packet is neither Opus, Vorbis nor FLAC"),
        (b"\x00\x00\x00\x10ftypM4A \x00\x00\x00\x00", "mp4", "it has no complete 'moov' box with a movie header"),
        (b"\x1a\x45\xdf\xa3\x80", "webm", "it has no segment"),
    ],
)
def test_a_wrong_header_has_a_reason(data, format, reason):
    assert audio_info(data) == BrokenAudio(format, reason)


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xfb", b"RIFF\x00\x00\x00\x00WEBP", b"\x89PNG\r\n\x1a\n", bytes(1_000)])
def test_other_data_is_no_audio(data):
    assert audio_info(data) is None


FILES = [
    wav(body=bytes(50)),
    encode("wav", "pcm_s24le", 0.01),
    encode("flac", "flac", 0.1),
    encode("mp3", "libmp3lame", 0.2),
    encode("ogg", "libopus", 0.1),
    encode("mp4", "aac", 0.1),
    encode("webm", "libopus", 0.1),
]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_damaged_files_raise_no_error(data, draw):
    damaged = bytearray(data[: draw.draw(st.integers(0, len(data)) | st.just(len(data)))])
    for _ in range(draw.draw(st.integers(0, 8)) if damaged else 0):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] = draw.draw(st.integers(0, 255))
    info = audio_info(bytes(damaged))
    if isinstance(info, AudioInfo) and info.seconds is not None:
        assert info.seconds >= 0


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([data[:12] for data in FILES]), st.binary(max_size=300))
def test_a_signature_before_any_bytes_raises_no_error(signature, rest):
    audio_info(signature + rest)
