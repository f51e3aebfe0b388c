"""Canonical JSON (RFC 8785, "JCS") in plain Python: slow, exact, and the definition of the rest. ADR 0003."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Final

from ._errors import Unkeyable

MAX_SAFE_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 128
"""Containers within containers. A limit of ours, since every encoder and every stack has another one."""

_DEEP: Final = f"is nested deeper than {MAX_DEPTH} levels"
_STACK: Final = "is nested deeper than the caller's stack has room for"


class Writer:
    """Writes trees as RFC 8785 does. Subclasses of JSON's types, such as ``StrEnum``, count as what they are.

    Args:
        ordered: names of members within whose value members stay in the order they stand in.
        leaf: the text of a string elsewhere.
        sort: False keeps the order everywhere.
        depth: how many levels to follow.
    """

    __slots__ = ("_depth", "_leaf", "_ordered", "_sort")

    def __init__(
        self,
        ordered: frozenset[str] = frozenset(),
        leaf: Callable[[str], str] | None = None,
        *,
        sort: bool = True,
        depth: int = MAX_DEPTH,
    ) -> None:
        self._ordered = ordered
        self._leaf = leaf or quote
        self._sort = sort
        self._depth = depth

    def text(self, value: object) -> bytes:
        """The text of ``value``.

        Raises:
            Unkeyable: as ``canonical_json``.
        """
        try:
            return "".join(self._write(value, self._sort, self._depth)).encode()
        except RecursionError:
            raise Unkeyable(_STACK) from None

    def _write(self, value: object, sort: bool, depth: int) -> Iterable[str]:
        if isinstance(value, str):
            text = str.__str__(value)
            return (self._leaf(text) if sort else quote(text),)
        if isinstance(value, (dict, list, tuple)):
            if depth == 0:
                raise Unkeyable(_DEEP)
            if isinstance(value, dict):
                return self._object(value, sort, depth)
            return self._array(value, sort, depth)
        return (_scalar(value),)

    def _object(self, value: dict[object, object], sort: bool, depth: int) -> Iterable[str]:
        names = _member_names(value)
        members = dict(zip(names, value.values(), strict=True))
        parts: list[str] = []
        for name in sorted(names, key=_utf16) if sort else names:
            item = members[name]
            keeps_order = name in self._ordered and not isinstance(item, str)
            parts += (",", quote(name), ":")
            try:
                parts += self._write(item, sort and not keeps_order, depth - 1)
            except Unkeyable as error:
                raise error.below(name) from None
        parts[:1] = ["{"]  # where the first comma is
        return (*parts, "}")

    def _array(self, value: Iterable[object], sort: bool, depth: int) -> Iterable[str]:
        parts: list[str] = []
        for index, item in enumerate(value):
            parts.append(",")
            try:
                parts += self._write(item, sort, depth - 1)
            except Unkeyable as error:
                raise error.below(index) from None
        parts[:1] = ["["]
        return (*parts, "]")


def write_exactly(value: object) -> bytes:
    """``value`` as RFC 8785 writes it, the slow way."""
    return _JCS.text(value)


def _member_names(value: dict[object, object]) -> list[str]:
    names: list[str] = []
    for name in value:
        if not isinstance(name, str):
            raise Unkeyable("has a member name that is not a string")
        names.append(str.__str__(name))
        quote(names[-1])
    if len(set(names)) != len(names):  # subclasses of str may have an equality of their own
        raise Unkeyable("holds a duplicate member")
    return names


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def quote(text: str) -> str:
    """A string as JCS writes it.

    Raises:
        Unkeyable: a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unkeyable("holds a lone surrogate, which UTF-8 cannot carry") from None
    return _quote(text)


_quote: Final = json.JSONEncoder(ensure_ascii=False).encode


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise Unkeyable("holds an integer beyond 2^53 - 1", remedy="Send it as a string")
        return int.__repr__(value)
    if isinstance(value, float):
        return write_number(value)
    raise _not_json(value)


def _not_json(value: object) -> Unkeyable:
    return Unkeyable(f"holds a {type(value).__name__}, which is not JSON", remedy="Convert it first")


def write_number(value: float) -> str:
    """A double as ECMAScript's Number::toString writes it (RFC 8785 3.2.2.3).

    Raises:
        Unkeyable: NaN or an infinity.
    """
    if not math.isfinite(value):
        raise Unkeyable("holds NaN or an infinity, which JSON has no word for")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    # point: the value is 0.DIGITS * 10**point
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent or 0)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power > 0 else '-'}{abs(power)}"


_JCS: Final = Writer()


def plain(value: object) -> object:
    """``value`` as a tree of exact JSON types: enums and other subclasses as what they are, tuples as lists.

    Raises:
        Unkeyable: what is no JSON type, and a duplicate member. Numbers and strings are for the writers.
    """
    try:
        return _plain(value, MAX_DEPTH)
    except RecursionError:
        raise Unkeyable(_STACK) from None


def _plain(value: object, depth: int) -> object:
    if isinstance(value, (dict, list, tuple)):
        if depth == 0:
            raise Unkeyable(_DEEP)
        items: list[object] = []
        for token, item in value.items() if isinstance(value, dict) else enumerate(value):
            try:
                items.append(_plain(item, depth - 1))
            except Unkeyable as error:
                raise error.below(token) from None
        return dict(zip(_member_names(value), items, strict=True)) if isinstance(value, dict) else items
    return plain_scalar(value)


def plain_scalar(value: object) -> str | int | float | None:
    """A scalar as its exact JSON type.

    Raises:
        Unkeyable: it is none.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise _not_json(value)
