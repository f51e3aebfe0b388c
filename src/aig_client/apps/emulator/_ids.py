"""Where identifiers come from. The gateway itself has no entropy."""

from __future__ import annotations

import itertools
import secrets
import uuid
from typing import Literal

from ._messages import IdSource

_RANDOM_BITS = 74
_ULID_BITS = 80
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def random_ids() -> IdSource:
    """Lower-case UUIDv7s, the shape of log ids since 2026-10-08 (contract 2)."""
    return lambda now: _uuid7(now, secrets.randbits(_RANDOM_BITS))


def counted_ids() -> IdSource:
    """UUIDv7s whose random part counts 1, 2, 3: the same traffic gives the same ids."""
    counter = itertools.count(1)
    return lambda now: _uuid7(now, next(counter))


def random_ulids() -> IdSource:
    """Upper-case ULIDs of 26 characters, the shape of log ids until 2026-10-08 (contract 2)."""
    return lambda now: _ulid(now, secrets.randbits(_ULID_BITS))


def counted_ulids() -> IdSource:
    """ULIDs whose random part counts 1, 2, 3."""
    counter = itertools.count(1)
    return lambda now: _ulid(now, next(counter))


def id_source(shape: Literal["uuid7", "ulid"], *, counted: bool = False) -> IdSource:
    """Ids in one of the two historic shapes: random, or counted 1, 2, 3."""
    if shape == "uuid7":
        return counted_ids() if counted else random_ids()
    return counted_ulids() if counted else random_ulids()


def _ulid(now: float, random_bits: int) -> str:
    number = _milliseconds(now) << _ULID_BITS | random_bits
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def _milliseconds(now: float) -> int:
    return int(now * 1000) & ((1 << 48) - 1)


def _uuid7(now: float, random_bits: int) -> str:
    high, low = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return str(uuid.UUID(int=_milliseconds(now) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))
