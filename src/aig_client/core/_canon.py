"""Canonical JSON (RFC 8785, "JCS"): one exact writer, and a fast way round it. ADR 0003.

Two readers need to agree to the byte: CPython with or without a fast encoder, Pyodide, Node. The writer here is slow,
complete and the definition. The fast way gives a C encoder only what all encoders write alike, and learns which values
those are from the values themselves, never from the text. Tests hold both against the ``rfc8785`` package.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from gc import get_referents
from typing import Final, Protocol

from ._errors import Unkeyable

MAX_SAFE_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 128
"""Containers within containers. A limit of ours, since every encoder and every stack has another one."""

# Between these all encoders write a float that is not whole the way ECMAScript does: shortest digits, no exponent.
_SMALL: Final = 1e-4
_LARGE: Final = 1e15


class Encoder(Protocol):
    """Compact UTF-8 JSON of a tree of exact ``dict``, ``list``, ``tuple``, ``str``, ``int``, ``float``, ``bool``, None.

    With ``sort`` members are in code point order, otherwise as they stand. It raises ``TypeError``, ``ValueError`` or
    ``RecursionError`` for what it cannot write; lone surrogates and member names that are not strings are among that.
    It is asked only about values that every encoder writes alike, so ``orjson.dumps`` with and without
    ``OPT_SORT_KEYS`` will do.
    """

    def __call__(self, value: object, sort: bool) -> bytes: ...


_SORTED: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode
_AS_IT_STANDS: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def encode_stdlib(value: object, sort: bool) -> bytes:
    """The encoder that is always there."""
    text = _SORTED(value) if sort else _AS_IT_STANDS(value)
    _check_names(value)  # json turns 1 and None into member names without a word
    return text.encode()


def _check_names(value: object) -> None:
    level = [value]
    while not _CONTAINERS.isdisjoint(map(type, level)):
        names: set[object] = set().union(*[item for item in level if type(item) is dict])
        if not _STRINGS.issuperset(map(type, names)):
            raise TypeError("a member name is not a string")
        level = get_referents(*level)


_STRINGS: Final = frozenset({str})
_CONTAINERS: Final[frozenset[type]] = frozenset({dict, list, tuple})
_NO_NUMBERS: Final[frozenset[type]] = frozenset({dict, list, tuple, str, bool, type(None)})


def ordinary(values: list[object], depth: int = MAX_DEPTH) -> bool:
    """Whether every encoder writes these trees alike: exact JSON types, plain numbers, not too deep.

    One C call after another looks at a whole level of the trees. ``gc.get_referents`` gives the members of any number
    of containers at once, and nothing for a leaf; a loop in Python costs three times as much.
    """
    level, nodes = values, []
    for _ in range(depth + 1):
        nodes += level
        level = get_referents(*level)
        if not level:
            break
    else:
        return False
    for item in [item for item in nodes if type(item) not in _NO_NUMBERS]:
        if type(item) is float:
            if not (_SMALL <= item < _LARGE or -_LARGE < item <= -_SMALL) or not item % 1.0:
                return False
        elif type(item) is not int or not -_MAX <= item <= _MAX:
            return False
    return True


_MAX: Final = MAX_SAFE_INTEGER


def written_alike(value: float) -> bool:
    """Whether every encoder writes this float as ECMAScript does; NaN, infinities and ``1.0`` are not."""
    return _SMALL <= abs(value) < _LARGE and not value.is_integer()


def names_doubtful(text: bytes, value: object) -> bool:
    """Whether encoders may have sorted the members of ``value`` otherwise than JCS: by code point, not UTF-16 unit.

    The two orders differ only between U+E000..U+FFFF and what is above, and only member names are sorted.
    """
    if text.isascii() or not (b"\xee" in text or b"\xef" in text) or not any(lead in text for lead in _ASTRAL):
        return False
    level = [value]
    while level:
        names: set[str] = set().union(*[item for item in level if type(item) is dict])
        if not all(map(str.isascii, names)):
            return True
        level = get_referents(*level)
    return False


_ASTRAL: Final = (b"\xf0", b"\xf3", b"\xf4", b"\xf1", b"\xf2")


def canonical_json(value: object, *, encode: Encoder = encode_stdlib) -> bytes:
    """``value`` as RFC 8785 writes it.

    Raises:
        Unkeyable: NaN or an infinity, an integer beyond 2^53 - 1, a lone surrogate, a member name that is no string,
            anything that is not JSON, or more than ``MAX_DEPTH`` levels; with its JSON pointer.
    """
    if ordinary([value]):
        try:
            text = encode(value, True)
        except (TypeError, ValueError, RecursionError):
            return write_exactly(value)
        if not names_doubtful(text, value):
            return text
    return write_exactly(value)


# --- The exact writer ------------------------------------------------------------------------------------------------


_DEEP: Final = f"is nested deeper than {MAX_DEPTH} levels"
_STACK: Final = "is nested deeper than the caller's stack has room for"


class Writer:
    """RFC 8785 in plain Python: slow, complete, and the definition of the rest. Subclasses of JSON types count as
    these.

    Args:
        ordered: names of members inside whose value members stay in the order they stand in.
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
        except RecursionError:  # the caller's own stack was nearly used up
            raise Unkeyable(_STACK) from None

    def _write(self, value: object, sort: bool, depth: int) -> Iterable[str]:
        if isinstance(value, str):
            text = str.__str__(value)
            return (self._leaf(text) if sort else quote(text),)
        if isinstance(value, (dict, list, tuple)):
            if depth == 0:
                raise Unkeyable(_DEEP)
            return self._object(value, sort, depth) if isinstance(value, dict) else self._array(value, sort, depth)
        return (_scalar(value),)

    def _object(self, value: dict[object, object], sort: bool, depth: int) -> Iterable[str]:
        names = member_names(value)
        members = dict(zip(names, value.values(), strict=True))
        parts: list[str] = []
        for name in sorted(names, key=_utf16) if sort else names:
            parts += (",", quote(name), ":")
            item = members[name]
            keeps_order = name in self._ordered and not isinstance(item, str)
            try:
                parts += self._write(item, sort and not keeps_order, depth - 1)
            except Unkeyable as error:
                raise error.below(name) from None
        parts[:1] = ["{"]  # in place of the first comma
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
    """RFC 8785, the slow way."""
    return Writer().text(value)


def member_names(value: dict[object, object]) -> list[str]:
    """The member names of an object as plain strings, in the order they stand in."""
    names = []
    for name in value:
        if not isinstance(name, str):
            raise Unkeyable("has a member name that is not a string")
        names.append(str.__str__(name))
        quote(names[-1])
    if len(set(names)) != len(names):  # only subclasses of str with an equality of their own
        raise Unkeyable("holds a duplicate member")
    return names


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def quote(text: str) -> str:
    """A JSON string as JCS writes it.

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
        if not -_MAX <= value <= _MAX:
            raise Unkeyable("holds an integer beyond 2^53 - 1", remedy="Send it as a string")
        return int.__repr__(value)
    if isinstance(value, float):
        return write_number(value)
    raise not_json(value)


def not_json(value: object) -> Unkeyable:
    """The refusal of a value that JSON has no form for."""
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


# --- Plain trees -----------------------------------------------------------------------------------------------------


def plain(value: object) -> object:
    """``value`` as a tree of exact JSON types: enums and other subclasses as ``json`` would write them, tuples as
    lists.

    Raises:
        Unkeyable: what is no JSON type, and a duplicate member. Numbers and surrogates are for the writers.
    """
    try:
        return _plain(value, MAX_DEPTH)
    except RecursionError:
        raise Unkeyable(_STACK) from None


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if not isinstance(value, (dict, list, tuple)):
        raise not_json(value)
    if depth == 0:
        raise Unkeyable(_DEEP)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    members = []
    for token, item in pairs:
        try:
            members.append(_plain(item, depth - 1))
        except Unkeyable as error:
            raise error.below(token) from None
    return dict(zip(member_names(value), members, strict=True)) if isinstance(value, dict) else members
