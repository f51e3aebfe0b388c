"""What an answer says of itself in the bytes that were kept of it: which model wrote it, in which service tier.

Nothing here parses a stream, and nothing runs until somebody asks.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Final

from ._prices import Tier

_MAX: Final = 8 * 1024 * 1024


def readable(start: bytes, tail: bytes, encoding: str | None, *, whole: bool) -> tuple[bytes, bytes] | None:
    """The first and the last bytes of an answer as text; a compressed one can be read only as a ``whole``."""
    if encoding and encoding.lower() != "identity":
        return (b"", _inflate(tail, encoding.lower())) if whole else None
    return (b"" if whole else start), tail


def _inflate(body: bytes, encoding: str) -> bytes:
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, _MAX)
    except zlib.error:
        return b""


# A quote inside a JSON string is escaped, so an unescaped one begins a real member. The first one in an answer is the
# answer's own: every dialect says it before, or (Gemini) after all content, where no other member is so named.
_MODEL: Final = re.compile(rb'(?<!\\)"(?:model|modelVersion)"\s*:\s*"([!-~]{1,200}?)"')
_TIER: Final = re.compile(rb'(?<!\\)"service_tier"\s*:\s*"([a-z_]{1,20})"')
# OpenAI's response object and Anthropic's usage; their other words mean the standard price.
# "fast" is OpenAI's new name for "priority" (July 2026).
_TIERS: Final[Mapping[bytes, Tier]] = {b"flex": "flex", b"priority": "priority", b"fast": "priority", b"batch": "batch"}


def model_said(start: bytes, tail: bytes) -> str | None:
    """The model that an answer names."""
    found = _MODEL.search(start) or _MODEL.search(tail)
    return found[1].decode("ascii") if found else None


def tier_said(start: bytes, tail: bytes) -> Tier:
    """The service tier that an answer names; the last word counts, as a stream may begin with "auto"."""
    found = _TIER.findall(tail) or _TIER.findall(start)
    return _TIERS.get(found[-1], "standard") if found else "standard"
