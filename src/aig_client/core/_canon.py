"""Canonical JSON (RFC 8785, "JCS") the fast way: by a C encoder, and equal to `_exact` to the byte. ADR 0003.

Readers need to agree: CPython with or without a fast encoder, Pyodide, Node. Encoders differ in numbers, in
the types they take, in depth and in the order of rare member names. So an encoder is only asked about what
all of them write alike, and which values those are is learnt from the values, never from the text. Tests
hold both ways against ``rfc8785``.
"""

from __future__ import annotations

import json
from gc import get_referents
from typing import Final, Protocol

from ._exact import MAX_DEPTH, MAX_SAFE_INTEGER, write_exactly


class Encoder(Protocol):
    """Compact UTF-8 JSON of trees of exact dict, list, tuple, str, int, float, bool and None.

    With ``sort`` members are in code point order, otherwise as they stand. It raises ``TypeError``,
    ``ValueError`` or ``RecursionError`` for lone surrogates, for member names that are no strings, and for
    what else it cannot write. It is only given numbers that ``ordinary`` lets pass, and 0.0, which it must
    write as ``0.0``. ``orjson.dumps`` with and without ``OPT_SORT_KEYS`` will do.
    """

    def __call__(self, value: object, sort: bool) -> bytes: ...


_COMPACT: Final = (",", ":")
_SORTED: Final = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT, sort_keys=True, allow_nan=False)
_AS_IT_STANDS: Final = json.JSONEncoder(ensure_ascii=False, separators=_COMPACT, allow_nan=False)


def encode_stdlib(value: object, sort: bool) -> bytes:
    """The encoder that is always there."""
    text = (_SORTED if sort else _AS_IT_STANDS).encode(value)
    _check_names(value)  # json turns 1 and None into member names without a word
    return text.encode()


# gc.get_referents gives the members of any number of containers in one C call, and nothing for a number or an
# exact string: a whole level of a tree at a time, where a loop in Python costs three times as much. It leaves
# out an object's names, unless one of them is no plain string; those the encoders refuse. It is only asked
# about exact types: from any other object it would find its way to the class and the whole interpreter.


def _check_names(value: object) -> None:
    level = [value]
    while containers := [item for item in level if type(item) in _CONTAINERS]:
        names: set[object] = set().union(*[item for item in containers if type(item) is dict])
        if not _STRINGS.issuperset(map(type, names)):
            raise TypeError("a member name is not a string")
        level = get_referents(*containers)


_STRINGS: Final = frozenset({str})
_CONTAINERS: Final[frozenset[type]] = frozenset({dict, list, tuple})
_NO_NUMBERS: Final[frozenset[type]] = _CONTAINERS | {str, bool, type(None)}

# Between these two, a float that is not whole has no exponent and no zero fraction in anyone's text.
_SMALL: Final = 1e-4
_LARGE: Final = 1e15
_MAX: Final = MAX_SAFE_INTEGER


def ordinary(values: list[object], depth: int = MAX_DEPTH) -> bool:
    """Whether every encoder writes these trees alike: exact JSON types, plain numbers, at most ``depth`` levels."""
    for _ in range(depth + 1):
        for item in [item for item in values if type(item) not in _NO_NUMBERS]:
            if type(item) is float:
                if not written_alike(item):
                    return False
            elif type(item) is not int or not -_MAX <= item <= _MAX:
                return False
        values = get_referents(*values)
        if not values:
            return True
    return False


def written_alike(value: float) -> bool:
    """Whether every encoder writes this float as JCS does: not so NaN, infinities, 1.0, 1e-5, 1e16."""
    return (_SMALL <= value < _LARGE or -_LARGE < value <= -_SMALL) and value % 1.0 != 0.0


def names_doubtful(text: bytes, value: object) -> bool:
    """Whether an encoder may have sorted members otherwise than JCS: by code point, not by UTF-16 unit.

    These differ only where U+E000..U+FFFF meets what is above. A text that has both has them in its strings,
    as a rule; then the names of ``value`` are looked at.
    """
    if text.isascii() or not _holds(text, _PRIVATE) or not _holds(text, _ASTRAL):
        return False
    level = [value]
    while level:
        names: set[str] = set().union(*[item for item in level if type(item) is dict])
        if not all(map(str.isascii, names)):
            return True
        level = get_referents(*level)
    return False


def _holds(text: bytes, leads: tuple[bytes, ...]) -> bool:
    return any(lead in text for lead in leads)


_PRIVATE: Final = (b"\xee", b"\xef")  # the first UTF-8 byte of U+E000..U+FFFF
_ASTRAL: Final = (b"\xf0", b"\xf3", b"\xf4", b"\xf1", b"\xf2")  # ... and of U+10000 and above


def canonical_json(value: object, *, encode: Encoder = encode_stdlib) -> bytes:
    """``value`` as RFC 8785 writes it.

    Raises:
        Unkeyable: NaN or an infinity, an integer beyond 2^53 - 1, a lone surrogate, a member name that is no
            string, anything that is not JSON, or more than ``MAX_DEPTH`` levels; with its JSON pointer.
    """
    if not ordinary([value]):
        return write_exactly(value)
    try:
        text = encode(value, True)
    except (TypeError, ValueError, RecursionError):
        return write_exactly(value)
    return write_exactly(value) if names_doubtful(text, value) else text
