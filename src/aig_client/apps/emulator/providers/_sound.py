"""Sound: a quiet tone as WAV, PCM or MP3, and how long a recording lasts."""

from __future__ import annotations

import hashlib
import struct

RATE = 24_000
"""Samples a second, 16 bits each, one channel: what OpenAI's `pcm` is."""

_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_LONGEST = 2 * RATE
# One silent frame: MPEG 1 layer III, 128 kbit/s, 44.1 kHz, mono. 417 bytes, 26 ms.
_MP3_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)
_MP3_FRAMES_PER_SECOND = 38


def pcm(seed: bytes, seconds: float) -> bytes:
    """A tone whose pitch is a function of the seed, for at most two seconds."""
    half = 20 + hashlib.sha256(seed).digest()[0] % 40
    wave = struct.pack("<h", 2000) * half + struct.pack("<h", -2000) * half
    count = max(1, min(int(seconds * RATE), _LONGEST))
    return (wave * (count // (2 * half) + 1))[: 2 * count]


def wav(seed: bytes, seconds: float) -> bytes:
    data = pcm(seed, seconds)
    size, rate = len(data), 2 * RATE
    header = _WAV_HEADER.pack(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, RATE, rate, 2, 16, b"data", size)
    return header + data


def mp3(seconds: float) -> bytes:
    """Silence: valid frames, nothing to hear."""
    return _MP3_FRAME * max(1, int(min(seconds, 2.0) * _MP3_FRAMES_PER_SECOND))


def seconds_of(recording: bytes) -> float:
    """How long a WAV lasts by its header; of anything else, as if it had 16 kbit/s. Never zero."""
    if len(recording) >= _WAV_HEADER.size and recording[:4] == b"RIFF" and recording[8:12] == b"WAVE":
        bytes_a_second = int.from_bytes(recording[28:32], "little")
        if bytes_a_second:
            return max(0.01, round((len(recording) - _WAV_HEADER.size) / bytes_a_second, 2))
    return max(0.01, round(len(recording) / 2000, 2))
