"""`cf-aig-metadata`, as the service reads it (contract 1.4), and its values as text."""

from __future__ import annotations

import sys

from ._json import JsonValue, read_object
from ._log import Scalar

MOST_ENTRIES = 5
RESERVED_PREFIX = "cf."

_LARGEST = sys.float_info.max


def read_metadata(header: str | None) -> dict[str, Scalar]:
    """What the gateway keeps of the header: its first five entries, in the order sent. Never raises.

    It ignores a header that is not one JSON object, and the whole of one that holds an object, an array or `null`,
    wherever that stands. Reserved keys (`cf.`) are stripped before the five are counted.
    """
    if not header:
        return {}
    found = read_object(header.encode("utf-8", "replace"))
    kept: dict[str, Scalar] = {}
    for name, value in (found or {}).items():
        scalar = _scalar(value)
        if scalar is None:
            return {}
        if len(kept) < MOST_ENTRIES and not name.startswith(RESERVED_PREFIX):
            kept[name] = scalar
    return kept


def metadata_text(value: Scalar) -> str:
    """A value as JavaScript writes it, for rules and filters compare text: `true`, `7` (also for 7.0), `0.5`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _scalar(value: JsonValue) -> Scalar | None:
    if isinstance(value, str):
        return value
    # A number that no double can hold becomes infinity in the service's JavaScript and `null` in JSON again.
    if isinstance(value, int | float) and -_LARGEST <= value <= _LARGEST:
        return value
    return None
