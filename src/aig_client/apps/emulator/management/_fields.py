"""JSON objects that callers send, each field read by its kind. All that is wrong is told at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._json import JsonObject, JsonValue, read_object
from .._messages import GatewayRequest
from ._envelope import INVALID, ApiError, Problem, invalid

MOST_BODY_BYTES = 256 * 1024
_MOST_DEPTH = 32
_LARGEST = 2**53 - 1
"""JSON numbers beyond this lose digits in many readers."""
_LONGEST_TEXT = 64 * 1024
_MOST_PROBLEMS = 50


def read_body(request: GatewayRequest) -> JsonObject:
    """The JSON object that a request carries; an empty body is an empty object."""
    if len(request.body) > MOST_BODY_BYTES:
        raise ApiError(413, INVALID, Problem(f"the body is larger than {MOST_BODY_BYTES} bytes", ("body",)))
    if not request.body:
        return {}
    found = read_object(request.body)
    if found is None:
        raise invalid("the body must be a JSON object", "body")
    if not _is_plain(found):
        raise invalid(f"the body is nested deeper than {_MOST_DEPTH}, or holds a number that is not finite", "body")
    return found


def _is_plain(value: JsonValue) -> bool:
    """It can be written again. `1e999` is JSON, but as a number it is infinite."""
    level: list[JsonValue] = [value]
    for _ in range(_MOST_DEPTH):
        deeper: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
            elif isinstance(item, float) and not math.isfinite(item):
                return False
        if not deeper:
            return True
        level = deeper
    return False


class Fields:
    """One JSON object being read. `done` refuses if anything was wrong, here or inside."""

    __slots__ = ("_path", "_problems", "_source", "_taken")

    def __init__(
        self, source: JsonObject, path: tuple[str, ...] = ("body",), problems: list[Problem] | None = None
    ) -> None:
        self._source = source
        self._path = path
        self._problems: list[Problem] = [] if problems is None else problems
        self._taken: set[str] = set()

    def done(self) -> None:
        if self._problems:
            raise ApiError(400, INVALID, *self._problems)

    def rest(self) -> JsonObject:
        """What was never asked for."""
        return {name: value for name, value in self._source.items() if name not in self._taken}

    def fail(self, name: str, message: str) -> None:
        # An array of a hundred thousand numbers would otherwise get as many messages.
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(Problem(f"{name}: {message}", (*self._path, name)))

    def require(self, *names: str, nullable: bool = False) -> None:
        for name in names:
            if name not in self._source or (self._source[name] is None and not nullable):
                self.fail(name, "required")

    def raw(self, name: str) -> JsonValue:
        self._taken.add(name)
        return self._source.get(name)

    def text(self, name: str, *, most: int = _LONGEST_TEXT, least: int = 0) -> str | None:
        value = self.raw(name)
        if value is None or (isinstance(value, str) and least <= len(value) <= most):
            return value
        self.fail(name, f"must be a string of {least} to {most} characters")
        return None

    def flag(self, name: str) -> bool | None:
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return value
        self.fail(name, "must be true or false")
        return None

    def whole(self, name: str, low: int = 0, high: int = _LARGEST) -> int | None:
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fail(name, f"must be an integer of {low} to {high}")
        return None

    def number(self, name: str, low: float, high: float) -> float | None:
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fail(name, f"must be a number of {low:g} to {high:g}")
        return None

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        value = self.raw(name)
        if value is None or (isinstance(value, str) and value in options):
            return value
        self.fail(name, f"must be {' or '.join(options)}")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of strings."""
        value = self.raw(name)
        if value is None:
            return ()
        if isinstance(value, list):
            found = tuple(item for item in value if isinstance(item, str))
            if len(found) == len(value):
                return found
        self.fail(name, "must be an array of strings")
        return ()

    def inside(self, name: str) -> Fields | None:
        """An object, to be read in turn."""
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Fields(value, (*self._path, name), self._problems)
        self.fail(name, "must be an object")
        return None

    def each(self, name: str) -> list[Fields]:
        """An array of objects, each to be read in turn."""
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(name, "must be an array of objects")
            return []
        found: list[Fields] = []
        for index, item in enumerate(value):
            if isinstance(item, dict):
                found.append(Fields(item, (*self._path, name, str(index)), self._problems))
            else:
                self.fail(name, f"item {index} must be an object")
        return found

    def names(self) -> tuple[str, ...]:
        return tuple(self._source)
