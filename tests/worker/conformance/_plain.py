"""Values of the core as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from aig_client.core import AigError

Case = dict[str, Any]
Runner = Callable[[Case, Case], object]
"""Given a case and the whole document, what the core makes of it; an error of the house is a result too."""


def plain(value: object) -> object:
    """A value of the core as JSON that tells everything apart which is told apart there; order is kept."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, bool | float | str | None):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else hex(value)  # str() of an int has a limit
    if isinstance(value, bytes | bytearray):
        return {"$bytes": value.decode("latin-1")}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return {"$set": sorted(json.dumps(plain(item)) for item in value)}
    return {"$type": type(value).__name__, **dict(_members(value))}


def _members(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, AigError):
        yield "text", str(value)
        yield from ((name, plain(item)) for name, item in sorted(vars(value).items()) if item is not value)
    elif is_dataclass(value):
        yield from ((one.name, plain(getattr(value, one.name))) for one in fields(value) if one.compare)
    else:
        yield "repr", repr(value)
