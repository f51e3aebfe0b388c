"""A frozen dataclass read from JSON, strictly: which fields it has, and what each may hold."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, Generic, TypeVar

from ._json import JsonObject, JsonValue, read_object

_END_OF_TIME = 253_402_300_800
"""The year 10000, in Unix seconds: later moments have no ISO form."""
_LARGEST = sys.float_info.max
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_HEADER_VALUE = re.compile(r"[^\x00\r\n\u0100-\U0010ffff]*")

T = TypeVar("T")
Read = Callable[[JsonValue], object]
"""Gives a field's value; raises `MalformedError` for any other JSON."""


class MalformedError(Exception):
    """This JSON is not what was written."""


class Shape(Generic[T]):
    """One dataclass in JSON: what each field may hold. beside: the fields that are not in the JSON."""

    def __init__(self, made: type[T], reads: Mapping[str, Read], beside: frozenset[str] = frozenset()) -> None:
        self.names = tuple(reads)
        self._made: Callable[..., T] = made
        self._reads = reads
        self._needed = frozenset(_without_default(made)) - beside

    def read(self, value: bytes, **beside: object) -> T | None:
        """`None` for what is malformed. beside: fields that stand elsewhere."""
        found = read_object(value)
        if found is None:
            return None
        try:
            return self.of(found, **beside)
        except (MalformedError, ValueError, RecursionError):
            return None

    def of(self, value: JsonValue, **beside: object) -> T:
        if not isinstance(value, dict) or not self._needed <= value.keys() <= self._reads.keys():
            raise MalformedError("not these fields")
        return self._made(**beside, **{name: self._reads[name](inner) for name, inner in value.items()})


def _without_default(made: type[Any]) -> list[str]:
    known: tuple[Field[Any], ...] = fields(made)
    return [field.name for field in known if field.default is MISSING and field.default_factory is MISSING]


def text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise MalformedError("not a text")
    return value


def flag(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise MalformedError("not a flag")
    return value


def whole(value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError("not a whole number")
    return value


def number(value: JsonValue) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not -_LARGEST <= value <= _LARGEST:
        raise MalformedError("not a number")
    return value


def moment(value: JsonValue) -> float:
    seconds = number(value)
    if not 0 <= seconds < _END_OF_TIME:
        raise MalformedError("not a moment")
    return seconds


def status(value: JsonValue) -> int:
    code = whole(value)
    if not 200 <= code <= 299:
        raise MalformedError("not a status that is stored")
    return code


def scalar(value: JsonValue) -> str | bool | float:
    return value if isinstance(value, str | bool) else number(value)


def array(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise MalformedError("not an array")
    return value


def json_object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise MalformedError("not an object")
    return value


def maybe(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def one_of(*options: str) -> Read:
    def read(value: JsonValue) -> str:
        if not isinstance(value, str) or value not in options:
            raise MalformedError("not one of these")
        return value

    return read


def named(accepts: Callable[[str], bool]) -> Read:
    def read(value: JsonValue) -> str:
        if not isinstance(value, str) or not accepts(value):
            raise MalformedError("not such a name")
        return value

    return read


def tuple_of(read: Read) -> Read:
    return lambda value: tuple(read(inner) for inner in array(value))


def set_of(read: Read) -> Read:
    return lambda value: frozenset(read(inner) for inner in array(value))


def map_of(read: Read) -> Read:
    return lambda value: {name: read(inner) for name, inner in json_object(value).items()}


def header(value: JsonValue) -> tuple[str, str]:
    match array(value):
        case [str(name), str(line)] if _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(line):
            return name, line
        case _:
            raise MalformedError("not a header line")
