"""Strict JSON reading: what ``json.loads`` lets pass and two readers would understand differently is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NoReturn

from ._errors import Unkeyable

Decoder = Callable[[bytes], object]
"""Bytes to a tree; raises ``Unkeyable`` for bad UTF-8, malformed JSON, duplicate members and numbers out of range."""


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unkeyable("holds a duplicate member", remedy="Two readers would see two different requests")
    return members


def _constant(word: str) -> NoReturn:
    raise Unkeyable(f"holds {word}, which is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant)


def decode_strictly(raw: bytes) -> object:
    """Parse a JSON text (RFC 8259) that has exactly one meaning.

    Raises:
        Unkeyable: not UTF-8, not JSON, a duplicate member, NaN or Infinity, or nested deeper than can be followed.
    """
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unkeyable("is not UTF-8") from None
    except RecursionError:
        raise Unkeyable("is nested too deeply") from None
    except ValueError as error:
        place = f" at byte {len(raw[: error.pos])}" if isinstance(error, json.JSONDecodeError) else ""
        raise Unkeyable(f"is not JSON{place}") from None
