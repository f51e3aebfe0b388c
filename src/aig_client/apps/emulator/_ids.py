"""Where identifiers come from. The gateway itself has no entropy."""

from __future__ import annotations

import itertools
import secrets
import uuid

from ._messages import IdSource

_RANDOM_BITS = 74


def random_ids() -> IdSource:
    """Lower-case UUIDv7s, the shape of log ids since 2026-10-08 (contract 2)."""
    return lambda now: _uuid7(now, secrets.randbits(_RANDOM_BITS))


def counted_ids() -> IdSource:
    """UUIDv7s whose random part counts 1, 2, 3: the same traffic gives the same ids."""
    counter = itertools.count(1)
    return lambda now: _uuid7(now, next(counter))


def _uuid7(now: float, random_bits: int) -> str:
    high, low = random_bits >> 62, random_bits & ((1 << 62) - 1)
    milliseconds = int(now * 1000) & ((1 << 48) - 1)
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
