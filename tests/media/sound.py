"""Audio files written and read by PyAV (FFmpeg), an implementation that is independent of the package."""

from __future__ import annotations

import io
import math
from array import array
from typing import NamedTuple

import av


class Decoded(NamedTuple):
    rate: int
    channels: int
    samples: array  # of the first channel, signed 16 bits


def decode(data: bytes, container: str | None = None, **options: str) -> Decoded:
    """Decode a whole file; a wrong checksum or any other damage raises an error."""
    resampler = av.AudioResampler(format="s16", layout="mono")
    samples = array("h")
    strict = {"err_detect": "crccheck+bitstream+buffer+explode"}
    with av.open(io.BytesIO(data), format=container, options={**strict, **options}) as source:
        stream = source.streams.audio[0]
        stream.codec_context.options = strict
        for frame in source.decode(stream):
            for part in resampler.resample(frame):
                samples.frombytes(bytes(part.planes[0])[: 2 * part.samples])
        return Decoded(stream.rate, stream.channels, samples)


def encode(container: str, codec: str, seconds: float, *, rate: int = 48_000, channels: int = 1, **options: str) -> bytes:
    """A file of a 440 Hz tone."""
    layout = {1: "mono", 2: "stereo"}[channels]
    file = io.BytesIO()
    count = round(seconds * rate)
    tone = array("h")
    for index in range(count):
        tone.extend([round(8_000 * math.sin(2 * math.pi * 440 * index / rate))] * channels)
    with av.open(file, "w", format=container, options=options) as target:
        stream = target.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate, frame_size=0)
        frame = av.AudioFrame(format="s16", layout=layout, samples=count)
        frame.planes[0].update(tone.tobytes())
        frame.sample_rate = rate
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return file.getvalue()
