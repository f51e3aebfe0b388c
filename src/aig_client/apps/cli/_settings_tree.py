"""Settings of a class in a row: the leaves of its plain form, each by its path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

Leaf = tuple[tuple[str, ...], object]


def flattened(plain: Mapping[str, object], *path: str) -> Iterator[Leaf]:
    """The leaves of a plain form; lists and empty objects are leaves."""
    for name, value in plain.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, *path, name)
        else:
            yield (*path, name), value


def shown(value: object) -> str:
    """A leaf for people."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_item, value)) or "none"
    return "none" if value is None or value == {} else json.dumps(value)


def _item(value: object) -> str:
    """A target as ``provider/model``, with its weight where it has one of its own."""
    if isinstance(value, Mapping) and {"provider", "model"} <= set(value):
        weight: object = value.get("weight", 1)
        return f"{value['provider']}/{value['model']}{f' (weight {weight})' if weight != 1 else ''}"
    return json.dumps(value) if isinstance(value, Mapping) else str(value)


def in_words(path: tuple[str, ...], value: object) -> str:
    """A leaf as a short phrase: ``tools strip``, ``cache.ttl 300``."""
    name = ".".join(path[1:] if path[0] == "requirements" else path)
    if path[0] == "requirements":
        return f"needs {name.replace('_', ' ')}" if value is True else f"{name.replace('_', ' ')} {shown(value)}"
    return name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {shown(value)}"
