"""Strict JSON reading: what ``json.loads`` lets pass, and two readers might take for two things, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ._depth import shallow
from ._errors import Unkeyable, pointer_token

Decoder = Callable[[bytes], object]
"""Bytes to a tree; raises ``Unkeyable`` for bad UTF-8, malformed JSON, duplicate members and NaN."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """Stands where a value is that must be refused: only with the whole tree is its pointer known."""

    problem: str
    member: str | None = None


class _FaultError(Exception):
    pass


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _FaultError
    return members


def _constant(_word: str) -> object:
    raise _FaultError


def _members_or_fault(pairs: list[tuple[str, object]]) -> object:
    members: dict[str, object] = {}
    for name, item in pairs:
        if name in members:
            return _Fault("is a duplicate member", name)
        members[name] = item
    return members


def _constant_as_fault(word: str) -> object:
    return _Fault(f"is {word}, which is not JSON")


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant)
_FINDING: Final = json.JSONDecoder(object_pairs_hook=_members_or_fault, parse_constant=_constant_as_fault)


def decode_strictly(raw: bytes) -> object:
    """Parse a JSON text (RFC 8259) that has exactly one meaning.

    Raises:
        Unkeyable: not UTF-8, not JSON, a duplicate member, NaN or Infinity, or nested too deeply.
    """
    try:
        text = shallow(raw.decode("utf-8"))
        try:
            return _STRICT.decode(text)
        except _FaultError:
            raise next(_faults(_FINDING.decode(text), "")) from None
    except UnicodeDecodeError as error:
        raise Unkeyable(f"is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Unkeyable("is nested too deeply") from None
    except ValueError as error:
        place = f" at character {_place(error)}" if isinstance(error, json.JSONDecodeError) else ""
        raise Unkeyable(f"is not JSON{place}") from None


def _place(error: json.JSONDecodeError) -> int:
    """Python 3.13 and later point at a trailing comma, earlier ones at what follows it: the comma, everywhere."""
    before = error.doc[: error.pos].rstrip(" \t\n\r")
    return len(before) - 1 if before.endswith(",") and error.doc[error.pos : error.pos + 1] in ("]", "}") else error.pos


def _faults(value: object, pointer: str) -> Iterator[Unkeyable]:
    children: Iterable[tuple[object, object]] = ()
    if isinstance(value, _Fault):
        yield Unkeyable(value.problem, pointer=pointer + ("" if value.member is None else pointer_token(value.member)))
    elif isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for token, item in children:
        yield from _faults(item, pointer + pointer_token(token))
