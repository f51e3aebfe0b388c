"""The reduced form of a request body: what a cache key digests instead of the body. ADR 0003.

It is the RFC 8785 text of the body with two changes. A long string is written as the digest of its text: digested once
per process and remembered by value, so the cost of a key grows with what changed, not with what is sent. And within a
JSON Schema that shapes the answer, members stay in the order they stand in.

``Reducer.exactly`` is the definition. ``Reducer.text`` gets to the same bytes fast, or gives up with ``Doubt``.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from hashlib import sha256
from typing import Final, Generic, TypeVar

from ._canon import (
    MAX_DEPTH,
    MAX_SAFE_INTEGER,
    Encoder,
    Writer,
    encode_stdlib,
    names_doubtful,
    ordinary,
    quote,
    written_alike,
)
from ._errors import Unkeyable
from .facts._fields import ORDERED_MEMBERS, ignored_fields, ignores

LONG: Final = 1024
"""A string of more code points than this is a leaf. Part of the recipe: never changed, only versioned."""

TOKEN_MARK: Final = MAX_SAFE_INTEGER + 1
"""A leaf is written as ``[TOKEN_MARK, digest]``. No body may hold that integer, so nothing genuine passes for a
leaf."""

_STRING_DOMAIN: Final = b"aig-key/1 string\0"

_DEL: Final = "\x7f"
"""Marks places in a text that are found again at memory speed: JSON writes it as it is, and prose has none."""

_SCHEMA_DEPTH: Final = MAX_DEPTH // 2

Part = bytes | memoryview
Token = list[object]
Key = TypeVar("Key", str, bytes)
Value = TypeVar("Value", list[object], list[bytes])

_MAX: Final = MAX_SAFE_INTEGER
_WHOLE: Final = 1e15


class Doubt(Exception):
    """Something met on the fast way that only the exact writer can decide."""


def _digest(text: str) -> str:
    return sha256(_STRING_DOMAIN + text.encode()).hexdigest()


def _exact_leaf(text: str) -> str:
    if len(text) <= LONG:
        return quote(text)
    quote(text)  # refuses lone surrogates in the words for it
    return f'[{TOKEN_MARK},"{_digest(text)}"]'


_ENTRY: Final = 300  # a token or a bytes object, and the place in the dictionary


class Remembered(Generic[Key, Value]):
    """A memory by value, bounded by bytes.

    Two generations: when the young one holds half the room it becomes the old one, and what is used again moves back.
    Every step is one dictionary operation, so threads need no lock; a lost race costs a digest, never a wrong one.
    """

    __slots__ = ("_half", "_old", "_used", "young")

    def __init__(self, room: int) -> None:
        self._half = room // 2
        self.forget()

    def forget(self) -> None:
        """Let go of everything."""
        self.young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}
        self._used = 0

    def get(self, key: Key) -> Value | None:
        """What is remembered for ``key``."""
        value = self.young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember ``value``, unless the two are too large to keep."""
        size = _ENTRY + key.__sizeof__() + sum([item.__sizeof__() for item in value])
        if size > self._half:
            return
        self._used += size
        if self._used > self._half:
            self._old, self.young = self.young, {}
            self._used = size
        self.young[key] = value

    def held(self) -> int:
        """How many bytes the keys take up."""
        return sum(key.__sizeof__() for generation in (self.young, self._old) for key in generation)


class Leaves:
    """What a process remembers of bodies: the tokens of long strings and the texts of schemas. Safe under threads.

    Args:
        room: how many bytes to hold at most, roughly.
    """

    __slots__ = ("schemas", "strings")

    def __init__(self, room: int = 64 * 1024 * 1024) -> None:
        self.strings: Remembered[str, Token] = Remembered(room * 3 // 4)
        self.schemas: Remembered[bytes, list[bytes]] = Remembered(room // 4)

    def forget(self) -> None:
        """Let go of everything that is remembered."""
        self.strings.forget()
        self.schemas.forget()

    def token(self, text: str) -> Token:
        """The token of a long string."""
        token = self.strings.get(text)
        if token is None:
            token = [TOKEN_MARK, _digest(text)]
            self.strings.put(text, token)
        return token


def exactly(body: object) -> bytes:
    """The definition of the reduced text: slow, and without a memory.

    Raises:
        Unkeyable: as ``Reducer.parts``.
    """
    return _EXACT.text(body)


class Reducer:
    """Reduces bodies with one encoder and one memory of leaves."""

    __slots__ = ("_encode", "_leaves", "_slow")

    def __init__(self, encode: Encoder, leaves: Leaves) -> None:
        self._encode = encode
        self._leaves = leaves
        self._slow = encode is encode_stdlib

    def parts(self, body: object, kind: str = "") -> list[Part]:
        """The reduced text of a request body of an endpoint ``kind``, less the members its answer ignores, in pieces.

        Raises:
            Unkeyable: with the JSON pointer of the first value that has no canonical form.
        """
        ignored = ignored_fields(kind)
        if isinstance(body, dict) and not ignored.isdisjoint(body):
            body = {name: item for name, item in body.items() if not ignores(kind, name, item)}
        schemas: list[object] = []
        try:
            tree = self._value(body, schemas, MAX_DEPTH)
            text = self._encode(tree, True)
            if names_doubtful(text, tree):
                return [exactly(body)]
            return self._with_schemas(text, schemas) if schemas else [text]
        except (Doubt, Unkeyable, TypeError, ValueError, RecursionError):
            return [exactly(body)]

    def _with_schemas(self, text: bytes, schemas: list[object]) -> list[Part]:
        if text.count(b"\x7f") != 2 * len(schemas):  # a genuine string holds that character
            raise Doubt
        texts = self._remembered(schemas) if self._slow else self._schema_texts(schemas)
        view = memoryview(text)
        parts: list[Part] = []
        start = 0
        for _ in schemas:
            place = text.find(b"\x7f", start)
            end = text.find(b"\x7f", place + 1)
            parts += (view[start : place - 1], texts[int(text[place + 1 : end])])
            start = end + 2
        parts.append(view[start:])
        return parts

    def _remembered(self, schemas: list[object]) -> list[bytes]:
        # marshal is the cheapest by-value identity of mutable trees: it raises ValueError for what is no exact built-in
        # type, and version 2 has no back references, so equal bytes are equal values. It never leaves the process. A C
        # encoder is faster than it, so only json's texts are remembered.
        try:
            image = marshal.dumps(schemas, 2)  # type: ignore[arg-type]
        except ValueError:
            return self._schema_texts(schemas)
        texts = self._leaves.schemas.get(image)
        if texts is None:
            texts = self._schema_texts(schemas)
            self._leaves.schemas.put(image, texts)
        return texts

    def _schema_texts(self, schemas: list[object]) -> list[bytes]:
        if not ordinary(schemas, _SCHEMA_DEPTH):
            return [self._schema_text(schema) for schema in schemas]
        spaced: list[object] = [_DEL] * (2 * len(schemas) + 1)
        spaced[1::2] = schemas
        texts = self._encode(spaced, False).split(b"\x7f")
        if len(texts) != len(schemas) + 2:
            return [self._encode(schema, False) for schema in schemas]
        return [text[2:-2] for text in texts[1:-1]]

    def _schema_text(self, schema: object) -> bytes:
        if ordinary([schema], _SCHEMA_DEPTH):
            return self._encode(schema, False)
        return _IN_ORDER.text(schema)

    # The loops below see every node of every keyed body outside schemas. They copy only what they change, and what they
    # repeat they repeat for speed. Member names are left to the encoder, which refuses what is not a string.

    def _object(self, value: dict[str, object], schemas: list[object], depth: int) -> dict[str, object]:
        known = self._leaves.strings.young.get
        reduced = value
        for name, item in value.items():
            kind = type(item)
            if kind is str:
                if len(item) <= LONG:  # type: ignore[arg-type]
                    continue
                new: object = known(item) or self._leaves.token(item)  # type: ignore[arg-type]
            elif name in ORDERED_MEMBERS and isinstance(item, (dict, list, tuple)):
                if depth < _SCHEMA_DEPTH:
                    raise Doubt
                new = f"\x7f{len(schemas)}\x7f"
                schemas.append(item)
            elif kind is dict and depth:
                new = self._object(item, schemas, depth - 1)  # type: ignore[arg-type]
            else:
                new = self._value(item, schemas, depth)
            if new is not item:
                if reduced is value:
                    reduced = value.copy()
                reduced[name] = new
        return reduced

    def _array(self, value: list[object], schemas: list[object], depth: int) -> list[object]:
        if not depth:
            raise Doubt
        known = self._leaves.strings.young.get
        reduced = value
        for index, item in enumerate(value):
            if type(item) is dict:
                long = False
                for member in item.values():  # a message, as a rule, and its members are strings
                    if type(member) is not str:
                        new: object = self._object(item, schemas, depth - 1)
                        break
                    if len(member) > LONG:
                        long = True
                else:
                    if not long:
                        continue
                    new = item.copy()
                    for name, text in item.items():
                        if len(text) > LONG:
                            new[name] = known(text) or self._leaves.token(text)
            else:
                new = self._value(item, schemas, depth)
            if new is not item:
                if reduced is value:
                    reduced = value.copy()
                reduced[index] = new
        return reduced

    def _value(self, value: object, schemas: list[object], depth: int) -> object:
        kind = type(value)
        if kind is dict or kind is list:
            if not depth:
                raise Doubt
            walk: Callable[..., object] = self._object if kind is dict else self._array
            return walk(value, schemas, depth - 1)
        if kind is str:
            return value if len(value) <= LONG else self._leaves.token(value)  # type: ignore[arg-type]
        if kind is int:
            if -_MAX <= value <= _MAX:  # type: ignore[operator]
                return value
            raise Doubt
        if kind is float:
            return _number(value)  # type: ignore[arg-type]
        if kind is bool or value is None:
            return value
        return self._value(_without_subclass(value), schemas, depth)


def _number(value: float) -> int | float:
    if written_alike(value):
        return value
    if value.is_integer() and abs(value) < _WHOLE:  # False for NaN and infinities
        return int(value)  # JCS writes 1.0 as 1
    raise Doubt


def _without_subclass(value: object) -> object:
    """An enum, an OrderedDict or a tuple as the plain value it stands for; what it holds is looked at later."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise Doubt


_EXACT: Final = Writer(ordered=ORDERED_MEMBERS, leaf=_exact_leaf)
_IN_ORDER: Final = Writer(sort=False, depth=_SCHEMA_DEPTH)
