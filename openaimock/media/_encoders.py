"""Encoders of a periodic signal: raw and G.711 samples, WAV, FLAC and silent MP3, each in pieces and of known length.

A signal is one period of signed 16-bit mono samples, repeated up to a number of samples. Because every format repeats
what it made of one period or block, an hour of sound costs little more than a second of it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: Bytes in a piece, as far as a format's own blocks allow.
PIECE_BYTES = 16_384


class Signal(NamedTuple):
    """``samples`` mono samples at ``rate`` Hz: the 16-bit values in ``period``, repeated."""

    period: Sequence[int]
    samples: int
    rate: int


class Encoded(NamedTuple):
    """``length`` bytes in all, which ``pieces`` yields in order, once."""

    length: int
    pieces: Iterator[bytes]


def _repeat(unit: bytes, length: int, header: bytes = b"") -> Iterator[bytes]:
    """Yield ``header``, then ``length`` bytes of ``unit`` repeated."""
    if header:
        yield header
    block = unit * max(1, PIECE_BYTES // len(unit))
    for _ in range(length // len(block)):
        yield block
    if rest := length % len(block):
        yield block[:rest]


def encode_pcm(signal: Signal) -> Encoded:
    """Signed 16-bit little-endian samples without a header."""
    length = 2 * signal.samples
    return Encoded(length, _repeat(_little_endian(signal.period), length))


def encode_wav(signal: Signal) -> Encoded:
    """RIFF/WAVE with 16-bit PCM. struct.error when the file has 4 GiB or more."""
    data = 2 * signal.samples
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, signal.rate, 2 * signal.rate, 2, 16)
    header = struct.pack("<4sI4s", b"RIFF", 36 + data, b"WAVE") + form + struct.pack("<4sI", b"data", data)
    return Encoded(len(header) + data, _repeat(_little_endian(signal.period), data, header))


def _little_endian(samples: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


# G.711 (ITU-T): a sign, three bits of exponent and four bits of mantissa for each sample.


def encode_mulaw(signal: Signal) -> Encoded:
    """G.711 mu-law, one byte per sample, without a header."""
    return Encoded(signal.samples, _repeat(bytes(map(_mulaw, signal.period)), signal.samples))


def encode_alaw(signal: Signal) -> Encoded:
    """G.711 A-law, one byte per sample, without a header."""
    return Encoded(signal.samples, _repeat(bytes(map(_alaw, signal.period)), signal.samples))


def _mulaw(sample: int) -> int:
    magnitude = min(abs(sample), 32_635) + 132
    exponent = magnitude.bit_length() - 8
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | (magnitude >> (exponent + 3)) & 0xF) & 0xFF


def _alaw(sample: int) -> int:
    sign, magnitude = (0x80, sample) if sample >= 0 else (0, ~sample)
    exponent = max(0, magnitude.bit_length() - 8)
    return (sign | exponent << 4 | (magnitude >> (max(exponent, 1) + 3)) & 0xF) ^ 0x55


# MP3: MPEG-2 Layer III, 128 kbit/s, 24 kHz, mono, no CRC, as the API's speech is. A frame whose side information is
# all zeros has no spectral data: silence (ISO/IEC 13818-3).

_MP3_SAMPLES = 576
_MP3_FRAME = b"\xff\xf3\xc4\xc4" + bytes(380)


def encode_silent_mp3(signal: Signal) -> Encoded:
    """Silent MP3 frames of 24 ms that last at least as long as the signal, which must have 24,000 Hz."""
    length = len(_MP3_FRAME) * -(-signal.samples // _MP3_SAMPLES)
    return Encoded(length, _repeat(_MP3_FRAME, length))


# FLAC (RFC 9639): every block is one verbatim subframe. Blocks hold whole periods, so all but the last have the same
# payload, and only the frame's number and checksums differ.

_FLAC_MAX_BLOCK = 4_096
#: Synchronisation and fixed block size; block size in 16 bits at the header's end and 24 kHz; mono and 16 bits.
_FLAC_FRAME = b"\xff\xf8\x77\x08"
_CRC8_POLYNOMIAL, _CRC16_POLYNOMIAL = 0x07, 0x8005
#: The first frame numbers that take one byte more in FLAC's variant of UTF-8.
_FLAC_NUMBER_STEPS = (0x80, 0x800, 0x10000, 0x200000, 0x4000000)


def encode_flac(signal: Signal) -> Encoded:
    """A FLAC file with verbatim subframes, correct checksums and MD5; the signal must have 24,000 Hz."""
    if len(signal.period) > _FLAC_MAX_BLOCK:
        raise ValueError(f"a period of {len(signal.period)} samples is longer than {_FLAC_MAX_BLOCK}")
    block = len(signal.period) * (_FLAC_MAX_BLOCK // len(signal.period))
    full, rest = divmod(signal.samples, block)
    numbers = sum(_flac_number_bytes(full + (rest > 0)))
    # Beside its number, a frame has 4 bytes of fixed header, 2 of block size, 1 of CRC-8, 1 of subframe header, 2 of CRC-16.
    length = 42 + 2 * signal.samples + 10 * (full + (rest > 0)) + numbers
    return Encoded(length, _flac_pieces(signal, block, full, rest))


def _flac_number_bytes(frames: int) -> Iterator[int]:
    """The bytes of the numbers of ``frames`` frames: one for each frame, and one more from every step on."""
    yield frames
    for step in _FLAC_NUMBER_STEPS:
        yield max(0, frames - step)


def _flac_pieces(signal: Signal, block: int, full: int, rest: int) -> Iterator[bytes]:
    yield b"fLaC" + _flac_streaminfo(signal, block)
    samples = tuple(signal.period) * (block // len(signal.period))
    payload = _flac_subframe(samples)
    checksum, power = _crc16(payload), _power(8 * len(payload))
    for number in range(full):
        header = _flac_header(number, block)
        yield header + payload + struct.pack(">H", _multiply(_crc16(header), power) ^ checksum)
    if rest:
        frame = _flac_header(full, rest) + _flac_subframe(samples[:rest])
        yield frame + struct.pack(">H", _crc16(frame))


def _flac_streaminfo(signal: Signal, block: int) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in encode_pcm(signal).pieces:
        digest.update(piece)
    # 20 bits of rate, 3 of channels minus 1, 5 of bits per sample minus 1, 36 of samples.
    packed = signal.rate << 44 | 0 << 41 | 15 << 36 | signal.samples
    body = struct.pack(">HH", block, block) + bytes(6) + packed.to_bytes(8, "big") + digest.digest()
    return b"\x80" + len(body).to_bytes(3, "big") + body


def _flac_header(number: int, block: int) -> bytes:
    # The number is coded as UTF-8 codes a character, also where Unicode allows none.
    if number < 0x80:
        coded = bytes((number,))
    else:
        extra = next((index for index, step in enumerate(_FLAC_NUMBER_STEPS[1:], 1) if number < step), 5)
        lead = 0xFF << (7 - extra) & 0xFF | number >> 6 * extra
        coded = bytes((lead, *(0x80 | number >> 6 * index & 0x3F for index in range(extra - 1, -1, -1))))
    header = _FLAC_FRAME + coded + struct.pack(">H", block - 1)
    crc = 0
    for byte in header:
        crc = _CRC8[crc ^ byte]
    return header + bytes((crc,))


def _flac_subframe(samples: Sequence[int]) -> bytes:
    return b"\x02" + struct.pack(f">{len(samples)}h", *samples)


def _crc_table(polynomial: int, bits: int) -> tuple[int, ...]:
    """The remainders of all bytes for a checksum of ``bits`` bits, the highest bit first."""
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for byte in range(256):
        crc = byte << (bits - 8)
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc & top else 0)) & mask
        table.append(crc)
    return tuple(table)


_CRC8 = _crc_table(_CRC8_POLYNOMIAL, 8)
_CRC16 = _crc_table(_CRC16_POLYNOMIAL, 16)


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


# The checksum of a header followed by a payload is the header's, moved up by the payload's bits, plus the payload's: so the
# payload of equal frames is summed once.


def _multiply(left: int, right: int) -> int:
    """The product of two polynomials over GF(2), modulo that of CRC-16."""
    product = 0
    for bit in range(15, -1, -1):
        product = (product << 1 ^ (_CRC16_POLYNOMIAL if product & 0x8000 else 0)) & 0xFFFF
        if right >> bit & 1:
            product ^= left
    return product


def _power(exponent: int) -> int:
    """x to the power of ``exponent``, modulo the polynomial of CRC-16."""
    result, base = 1, 2
    while exponent:
        if exponent & 1:
            result = _multiply(result, base)
        base = _multiply(base, base)
        exponent >>= 1
    return result
