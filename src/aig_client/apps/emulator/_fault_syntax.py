"""The grammar of the fault header: a list of tokens with parameters, as RFC 9651 writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

_OPTIONAL_SPACE = re.compile(r"[ \t]*")
_SPACE = re.compile(r" *")
_NAME = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{1,3}")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPE = re.compile(r"\\(.)")
_SHOWN = 30


class FaultSyntaxError(ValueError):
    """A fault that cannot be. Its text is one sentence, fit to be shown to who wrote it."""


class Token(str):
    """A bare word, as against a string in quotes."""

    __slots__ = ()


Bare: TypeAlias = "bool | int | float | Token | str"


@dataclass(frozen=True, slots=True)
class Item:
    """One member of the list. Its text is the same member in canonical form."""

    name: str
    parameters: dict[str, Bare] = field(default_factory=dict[str, Bare])

    def __str__(self) -> str:
        return self.name + "".join(_parameter(key, value) for key, value in self.parameters.items())


def parse_list(text: str) -> tuple[Item, ...]:
    """Read a list of tokens. Raises `FaultSyntaxError`, which names the place.

    The dates, byte sequences, display strings and inner lists of RFC 9651 are not read. Where it lets the last of two
    parameters with one name win, this refuses: whoever writes that errs.
    """
    text = text.strip(" ")
    items: list[Item] = []
    place = 0
    while place < len(text):
        item, place = _item(text, place)
        items.append(item)
        place = _skip(_OPTIONAL_SPACE, text, place)
        if place == len(text):
            break
        if text[place] != ",":
            _refuse("a comma", text, place)
        place = _skip(_OPTIONAL_SPACE, text, place + 1)
        if place == len(text):
            raise FaultSyntaxError("a fault must follow the last comma")
    return tuple(items)


def shown(text: str) -> str:
    """A text in quotes, cut to a length that a sentence can hold."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _item(text: str, place: int) -> tuple[Item, int]:
    found = _NAME.match(text, place)
    if found is None:
        _refuse("the name of a fault", text, place)
    place = found.end()
    parameters: dict[str, Bare] = {}
    while place < len(text) and text[place] == ";":
        place = _skip(_SPACE, text, place + 1)
        key = _KEY.match(text, place)
        if key is None:
            _refuse("the name of a parameter", text, place)
        if key[0] in parameters:
            raise FaultSyntaxError(f"{found[0]} has the parameter {key[0]} twice")
        place = key.end()
        # A parameter without a value is true.
        parameters[key[0]] = True
        if place < len(text) and text[place] == "=":
            parameters[key[0]], place = _bare(text, place + 1)
    return Item(found[0], parameters), place


def _bare(text: str, place: int) -> tuple[Bare, int]:
    start = text[place : place + 1]
    if start == '"':
        string = _STRING.match(text, place)
        if string is None:
            raise FaultSyntaxError(f"the string at character {place + 1} is not closed, or holds more than ASCII text")
        return _ESCAPE.sub(r"\1", string[1]), string.end()
    if start == "?" and text[place + 1 : place + 2] in ("0", "1"):
        return text[place + 1] == "1", place + 2
    number = _NUMBER.match(text, place)
    if number is not None:
        return _numeral(number[0], place), number.end()
    token = _NAME.match(text, place)
    if token is None:
        _refuse("a value", text, place)
    return Token(token[0]), token.end()


def _numeral(text: str, place: int) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    raise FaultSyntaxError(f"the number at character {place + 1} has too many digits, or none after its point")


def _skip(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return place if found is None else found.end()


def _refuse(wanted: str, text: str, place: int) -> NoReturn:
    there = shown(text[place]) if place < len(text) else "the end"
    raise FaultSyntaxError(f"{wanted} must stand at character {place + 1}, where {there} is")


def _parameter(key: str, value: Bare) -> str:
    if value is True:
        return f";{key}"
    if value is False:
        return f";{key}=?0"
    if isinstance(value, str) and not isinstance(value, Token):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';{key}="{escaped}"'
    return f";{key}={value}"
