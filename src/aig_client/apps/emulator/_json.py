"""JSON at the boundary: strict reading without `Any`, compact writing."""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def read_object(body: bytes) -> JsonObject | None:
    """The JSON object in `body`; `None` if it is not UTF-8, not JSON, no object, or nested past reason."""
    value = _read(body)
    return value if isinstance(value, dict) else None


def read_array(body: bytes) -> list[JsonValue] | None:
    """The same for an array."""
    value = _read(body)
    return value if isinstance(value, list) else None


def _read(body: bytes) -> JsonValue:
    try:
        value: JsonValue = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value


def write(value: object) -> bytes:
    """Compact ASCII JSON. ASCII, because a caller's lone surrogate has no UTF-8 form.

    Raises `ValueError` for a number that JSON does not have, `RecursionError` for nesting past reason.
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def text_of(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def object_of(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def array_of(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _refuse(name: str) -> NoReturn:
    # Python would accept NaN and Infinity, no provider does.
    raise ValueError(f"{name} is not JSON")
