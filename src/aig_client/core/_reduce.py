"""The reduced form of a request body: what a cache key digests instead of the body. ADR 0003.

It is the RFC 8785 text of the body with two changes. A long string is written as the digest of its text:
digested once per process and remembered by value, so the cost of a key grows with what changed, not with what
is sent. And within a JSON Schema that shapes the answer, members stay in the order they stand in.

``exactly`` is the definition. ``Reducer.parts`` gets to the same bytes fast, and asks it when in doubt.
"""

from __future__ import annotations

import marshal
from typing import Final

from ._canon import Encoder, names_doubtful, ordinary, written_alike
from ._errors import Unkeyable
from ._exact import MAX_DEPTH, MAX_SAFE_INTEGER, Writer, plain_scalar, quote, write_number
from ._leaves import TOKEN_MARK, Leaves, string_digest
from .facts._fields import ORDERED_MEMBERS, ignored_fields, ignores

LONG: Final = 1024
"""A string of more code points than this is written as its digest. Part of the recipe, so never changed."""

_SCHEMA_DEPTH: Final = MAX_DEPTH // 2
_TOOLS: Final = ("tools", "functions")
_MAX: Final = MAX_SAFE_INTEGER
_WHOLE: Final = 1e15

Part = bytes | memoryview


def exactly(body: object) -> bytes:
    """The definition of the reduced text: slow, and without a memory.

    Raises:
        Unkeyable: with the JSON pointer of the first value that has no canonical form.
    """
    return _EXACT.text(body)


def _leaf(text: str) -> str:
    quoted = quote(text)
    return quoted if len(text) <= LONG else f'[{TOKEN_MARK},"{string_digest(text)}"]'


_EXACT: Final = Writer(ORDERED_MEMBERS, _leaf)
_IN_ORDER: Final = Writer(sort=False, depth=_SCHEMA_DEPTH)


class DoubtError(Exception):
    """Something met on the fast way that only the exact writer can decide."""


class Reducer:
    """Reduces bodies with one encoder and one memory of leaves."""

    __slots__ = ("_encode", "_leaves")

    def __init__(self, encode: Encoder, leaves: Leaves) -> None:
        self._encode = encode
        self._leaves = leaves

    def parts(self, body: object, kind: str = "") -> list[Part]:
        """The reduced text of a body, less the members that an endpoint ``kind`` ignores, in pieces.

        Raises:
            Unkeyable: as ``exactly``.
        """
        ignored = ignored_fields(kind)
        if isinstance(body, dict) and not ignored.isdisjoint(body):
            body = {name: item for name, item in body.items() if not ignores(kind, name, item)}
        try:
            places: list[object] = []
            return self._reduced(self._less_known(body, places), places, MAX_DEPTH)
        except (DoubtError, Unkeyable, TypeError, ValueError, RecursionError):
            return [exactly(body)]

    def _less_known(self, body: object, places: list[object]) -> object:
        """``body`` with places for the tools that are met again.

        An agent sends the same tools with every request, and walking them costs more than all the rest.
        marshal is the cheapest by-value identity of a mutable tree: it takes exact types only, and from equal
        images it would read equal values. An image never leaves the process.
        """
        if type(body) is not dict:
            return body
        for name in _TOOLS:
            tools = body.get(name)
            if type(tools) is list and tools and self._leaves.meets_again(tools):
                try:
                    image = marshal.dumps(tools, 4)
                except ValueError:
                    continue
                text = self._leaves.tools.get(image)
                if text is None:
                    text = b"".join(self._reduced(tools, [], MAX_DEPTH - 1))
                    self._leaves.tools.put(image, text)
                body = {**body, name: _place(text, places)}
        return body

    def _reduced(self, value: object, places: list[object], depth: int) -> list[Part]:
        tree = self._value(value, places, depth)
        text = self._encode(tree, True)
        if names_doubtful(text, tree):
            raise DoubtError
        if not places:
            return [text]
        if text.count(b"\x7f") != 2 * len(places):  # a genuine string holds that character
            raise DoubtError
        texts = self._texts(places)
        view = memoryview(text)
        parts: list[Part] = []
        start = 0
        for _ in places:
            place = text.find(b"\x7f", start)
            end = text.find(b"\x7f", place + 1)
            parts += (view[start : place - 1], texts[int(text[place + 1 : end])])
            start = end + 2  # past the mark and the quote; the one before the place was left out as well
        parts.append(view[start:])
        return parts

    def _texts(self, places: list[object]) -> list[bytes]:
        schemas = iter(self._schema_texts([item for item in places if type(item) is not bytes]))
        return [item if type(item) is bytes else next(schemas) for item in places]

    def _schema_texts(self, schemas: list[object]) -> list[bytes]:
        if not ordinary(schemas, _SCHEMA_DEPTH):
            return [self._schema_text(schema) for schema in schemas]
        spaced: list[object] = ["\x7f"] * (2 * len(schemas) + 1)  # one call of the encoder for all
        spaced[1::2] = schemas
        texts = self._encode(spaced, False).split(b"\x7f")
        if len(texts) != len(schemas) + 2:
            return [self._encode(schema, False) for schema in schemas]
        return [text[2:-2] for text in texts[1:-1]]  # without quote and comma

    def _schema_text(self, schema: object) -> bytes:
        return self._encode(schema, False) if ordinary([schema], _SCHEMA_DEPTH) else _IN_ORDER.text(schema)

    # The loops below see every node of every keyed body outside schemas. They copy only what they change, and
    # what they repeat they repeat for speed. Member names are left to the encoder.

    def _object(self, value: dict[str, object], places: list[object], depth: int) -> dict[str, object]:
        known = self._leaves.strings.young.get
        reduced = value
        for name, item in value.items():
            if type(item) is str:
                if len(item) <= LONG:
                    continue
                new: object = known(item) or self._leaves.token(item)
            elif name in ORDERED_MEMBERS and isinstance(item, (dict, list, tuple)):
                if depth < _SCHEMA_DEPTH:
                    raise DoubtError
                new = _place(item, places)
            elif type(item) is dict and depth:
                new = self._object(item, places, depth - 1)
            else:
                new = self._value(item, places, depth)
            if new is not item:
                if reduced is value:
                    reduced = value.copy()
                reduced[name] = new
        return reduced

    def _array(self, value: list[object], places: list[object], depth: int) -> list[object]:
        if not depth:
            raise DoubtError
        known = self._leaves.strings.young.get
        reduced = value
        for index, item in enumerate(value):
            if type(item) is dict:
                long = False
                for member in item.values():  # a message, as a rule, and its members are strings
                    if type(member) is not str:
                        new: object = self._object(item, places, depth - 1)
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
                new = self._value(item, places, depth)
            if new is not item:
                if reduced is value:
                    reduced = value.copy()
                reduced[index] = new
        return reduced

    def _value(self, value: object, places: list[object], depth: int) -> object:
        if type(value) is str:
            return value if len(value) <= LONG else self._leaves.token(value)
        if value is None or type(value) is bool:
            return value
        if type(value) is int:
            if -_MAX <= value <= _MAX:
                return value
            raise DoubtError
        if type(value) is float:
            return _number(value, places)
        if not depth:
            raise DoubtError
        if type(value) is dict:
            return self._object(value, places, depth - 1)
        if type(value) is list:
            return self._array(value, places, depth - 1)
        return self._value(_as_exact_type(value), places, depth)


def _place(item: object, places: list[object]) -> str:
    """A string to write where the text of ``item`` (a schema, or bytes that are text already) belongs.

    JSON writes this character as it is, prose has none, and ``bytes.find`` finds one byte at memory speed.
    """
    places.append(item)
    return f"\x7f{len(places) - 1}\x7f"


def _number(value: float, places: list[object]) -> object:
    if written_alike(value):
        return value
    if -_WHOLE < value < _WHOLE and value % 1.0 == 0.0:
        return int(value)  # JCS writes 1.0 as 1
    return _place(write_number(value).encode(), places)


def _as_exact_type(value: object) -> object:
    """An enum, an OrderedDict or a tuple as the plain value that it is; what it holds is looked at later."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    return plain_scalar(value)
