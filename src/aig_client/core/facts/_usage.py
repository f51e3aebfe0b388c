"""Tokens out of an answer's last bytes: the usage object of each dialect read into one meaning.

Totals are inclusive (cached input is part of the input) as OpenTelemetry's GenAI conventions have it. Nothing here
parses a stream: the object is found in the tail, and only when somebody asks.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider reported. None is "did not say"; zero is zero.

    Attributes:
        input_tokens: the whole prompt, cached parts included.
        output_tokens: everything generated, reasoning included.
        cache_read_input_tokens: the part of the input that a provider's prompt cache served.
        cache_write_input_tokens: the part of the input that was written to it.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


# A quote inside a JSON string is escaped, so an unescaped one begins a real member.
_USAGE: Final = re.compile(rb'(?<!\\)"(?:usage|usageMetadata)"\s*:\s*(?=\{)')
_MAX: Final = 8 * 1024 * 1024
_OBJECT: Final = 8 * 1024  # no usage object is longer; without a limit, many that are none would take minutes


def usage_of(start: bytes, tail: bytes, *, encoding: str | None = None, whole: bool = False) -> Usage | None:
    """The usage reported in an answer's first and last bytes, or None.

    Anthropic says the input at the start of a stream and the output at its end, so both ends are read; what the tail
    says wins. A compressed body can be read only when it is here as a ``whole``.
    """
    if encoding and encoding.lower() != "identity":
        if not whole:
            return None
        start, tail = b"", _inflate(tail, encoding.lower())
    return _joined(_last_usage(start), _last_usage(tail))


def _inflate(body: bytes, encoding: str) -> bytes:
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, _MAX)
    except zlib.error:
        return b""


def _last_usage(text: bytes) -> Usage | None:
    found = None
    for match in _USAGE.finditer(text):
        try:
            payload, _ = json.JSONDecoder().raw_decode(
                text[match.end() : match.end() + _OBJECT].decode("utf-8", "replace")
            )
        except (ValueError, RecursionError):
            continue
        if isinstance(payload, dict):
            found = _joined(found, normalize(payload))
    return found


def _joined(first: Usage | None, last: Usage | None) -> Usage | None:
    if first is None or last is None:
        return last or first
    read = last.cache_read_input_tokens
    write = last.cache_write_input_tokens
    return Usage(
        input_tokens=first.input_tokens if last.input_tokens is None else last.input_tokens,
        output_tokens=first.output_tokens if last.output_tokens is None else last.output_tokens,
        cache_read_input_tokens=first.cache_read_input_tokens if read is None else read,
        cache_write_input_tokens=first.cache_write_input_tokens if write is None else write,
    )


def normalize(payload: dict[str, object]) -> Usage | None:
    """One provider usage object in one meaning; None when it holds no count that is known."""
    prompt = _count(payload, "prompt_tokens", "promptTokenCount")
    output = _count(payload, "completion_tokens", "output_tokens", "candidatesTokenCount")
    thoughts = _count(payload, "thoughtsTokenCount")
    if thoughts is not None:  # Gemini counts thoughts beside the candidates
        output = (output or 0) + thoughts
    read = _count(payload, "cache_read_input_tokens", "cachedContentTokenCount")
    write = _count(payload, "cache_creation_input_tokens")
    if read is None:
        for name in ("prompt_tokens_details", "input_tokens_details"):
            details = payload.get(name)
            if isinstance(details, dict):
                read = _count(details, "cached_tokens")
    if prompt is None:
        prompt = _count(payload, "input_tokens")
        # Anthropic's input_tokens leave out what the prompt cache read or wrote.
        if prompt is not None and ("cache_read_input_tokens" in payload or "cache_creation_input_tokens" in payload):
            prompt += (read or 0) + (write or 0)
    if prompt is None and output is None:
        return None
    return Usage(prompt, output, read, write)


def _count(payload: dict[str, object], *names: str) -> int | None:
    for name in names:
        value = payload.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None
