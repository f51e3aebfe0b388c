"""JSON values made to find where two encoders disagree, from a seed; and the two encoders."""

from __future__ import annotations

import random
import struct
from typing import Any

import orjson

from aig_client.core import Encoder
from aig_client.core._canon import encode_stdlib


def encode_orjson(value: object, sort: bool) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort else 0)


ENCODERS: dict[str, Encoder] = {"stdlib": encode_stdlib, "orjson": encode_orjson}

NUMBERS: list[int | float] = [
    *(0, 1, -1, 2**53 - 1, 1 - 2**53, 2**31, 10**15, 10**15 - 1),
    *(0.0, -0.0, 1.0, -1.0, 100.0, 1e15, 1e15 - 1, 1e16, 1e20, 1e21, 1e22, 1e23, 2.0**53, 2.0**53 + 2),
    *(0.5, 0.1, 1.1, 0.1 + 0.2, 1e-4, 9.999e-5, 1e-5, 1e-6, 1e-7, 123456.789e-10, 999999999999999.9, 1e15 + 0.5),
    *(5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 4.35, 3.141592653589793, 333333333.3333333),
]
STRINGS = [
    *("", "a", "e", "1e5", ":1.0,", '"', "\\", '\\"', "/", "null", "NaN", "\x7f", "\x7f0\x7f", '"\x7f1\x7f"', "\u2028"),
    *("\x00", "\x1f", "\b\f\n\r\t", "é", "e\u0301", "ß", "\u0130", "東京", "\ufeff", "\uffff", "\ue000", "\U0001f600"),
    *("\U00010000", "\U0010ffff", "</script>", "[0.0,", "sha256:" + "0" * 64),
]
# Code points sort U+E000 and U+FB33 before U+1F600, UTF-16 units sort them after it.
NAMES = [
    "",
    "a",
    "A",
    "b",
    "ab",
    "1",
    "10",
    "2",
    "é",
    "\ue000",
    "\uf8ff",
    "\ufb33",
    "\uffff",
    "\U00010000",
    "\U0001f600",
    "\r",
]
SCHEMA_NAMES = ["parameters", "schema", "properties", "response_format", "input_schema", "responseSchema"]


def number(rng: random.Random) -> int | float:
    match rng.randrange(5):
        case 0:
            return NUMBERS[rng.randrange(len(NUMBERS))]
        case 1:
            return rng.randint(1 - 2**53, 2**53 - 1)
        case 2:
            return rng.randint(-(10**6), 10**6) / float(f"1e{rng.randint(0, 9)}")
        case 3:
            return rng.choice((-1, 1)) * rng.random() * float(f"1e{rng.randint(-12, 25)}")
        case _:
            any_bits: float = struct.unpack("<d", rng.randbytes(8))[0]
            return any_bits if abs(any_bits) < float("inf") else 0.25


def string(rng: random.Random, longest: int = 12) -> str:
    if rng.random() < 0.5:
        return rng.choice(STRINGS)
    points = [rng.choice((0x7F, 0x2FF, 0xD7FF, 0xFFFF, 0x10FFFF)) for _ in range(rng.randrange(longest))]
    return "".join(chr(point) for point in (rng.randint(0, top) for top in points) if not 0xD800 <= point <= 0xDFFF)


def name(rng: random.Random) -> str:
    return rng.choice(NAMES) if rng.random() < 0.7 else string(rng, 4)


def value(rng: random.Random, depth: int = 4, *, names: list[str] | None = None) -> Any:
    """A JSON value, sometimes with tuples; with ``names``, members are sometimes called like these."""
    kind = rng.randrange(8 if depth else 5)
    if kind < 2:
        return number(rng)
    if kind < 4:
        return string(rng)
    if kind == 4:
        return rng.choice((None, True, False))
    return container(rng, depth, names=names)


def container(rng: random.Random, depth: int = 4, *, names: list[str] | None = None) -> Any:
    """An array or an object, as ``value`` makes them."""
    width = rng.randrange(5)
    if rng.random() < 0.33:
        items = [value(rng, depth - 1, names=names) for _ in range(width)]
        return tuple(items) if rng.random() < 0.1 else items
    return {
        rng.choice(names) if names and rng.random() < 0.3 else name(rng): value(rng, depth - 1, names=names)
        for _ in range(width)
    }


def shuffled(rng: random.Random, tree: Any, *, keep: frozenset[str] = frozenset()) -> Any:
    """``tree`` with the members of its objects in another order, but for those within members named in ``keep``."""
    if isinstance(tree, dict):
        members = [
            (member, item if member in keep and not isinstance(item, str) else shuffled(rng, item, keep=keep))
            for member, item in tree.items()
        ]
        rng.shuffle(members)
        return dict(members)
    if isinstance(tree, (list, tuple)):
        return [shuffled(rng, item, keep=keep) for item in tree]
    return tree
