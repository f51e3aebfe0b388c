"""Query parameters, each read by its kind. A bad one is refused by name, never guessed at."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qs

from .._json import JsonObject, JsonValue
from ._envelope import ApiError, invalid
from ._moments import read_iso

_MOST_PARAMETERS = 200
_PER_PAGE = 20
_MOST_PER_PAGE = 100
_MOST_PAGES = 1_000_000
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request. Of a repeated one the last counts, where only one can be."""

    values: dict[str, list[str]] = field(repr=False)

    @classmethod
    def read(cls, query: str) -> Query:
        try:
            return cls(parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
        except ValueError:
            raise invalid(f"more than {_MOST_PARAMETERS} query parameters", "query") from None

    def all(self, name: str) -> list[str]:
        return self.values.get(name, [])

    def text(self, name: str) -> str | None:
        found = self.values.get(name)
        return found[-1] if found else None

    def flag(self, name: str) -> bool | None:
        text = self.text(name)
        if text is None:
            return None
        if text not in ("true", "false"):
            raise _bad(name, "true or false")
        return text == "true"

    def number(self, name: str) -> float | None:
        text = self.text(name)
        if text is None:
            return None
        found = read_number(text)
        if found is None:
            raise _bad(name, "a number")
        return found

    def whole(self, name: str, low: int, high: int) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        if _WHOLE.fullmatch(text) is None or not low <= int(text) <= high:
            raise _bad(name, f"an integer of {low} to {high}")
        return int(text)

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        text = self.text(name)
        if text is not None and text not in options:
            raise _bad(name, " or ".join(options))
        return text

    def moment(self, name: str) -> int | None:
        """Unix milliseconds."""
        text = self.text(name)
        if text is None:
            return None
        found = read_iso(text)
        if found is None:
            raise _bad(name, "an ISO 8601 date-time")
        return found


def read_number(text: str) -> float | None:
    """A finite decimal number."""
    if _NUMBER.fullmatch(text) is None:
        return None
    found = float(text)
    return found if math.isfinite(found) else None


def _bad(name: str, wanted: str) -> ApiError:
    return invalid(f"{name} must be {wanted}", "query", name)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    number: int
    size: int

    @classmethod
    def read(cls, query: Query, most: int = _MOST_PER_PAGE) -> Page:
        return cls(
            query.whole("page", 1, _MOST_PAGES) or 1,
            query.whole("per_page", 1, most) or min(_PER_PAGE, most),
        )

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        begin = (self.number - 1) * self.size
        return rows[begin : begin + self.size]

    def info(self, rows: Sequence[object]) -> JsonObject:
        """`count` is of this page, `total_count` of all."""
        info: dict[str, JsonValue] = {
            "page": self.number,
            "per_page": self.size,
            "count": len(self.cut(rows)),
            "total_count": len(rows),
        }
        return info
