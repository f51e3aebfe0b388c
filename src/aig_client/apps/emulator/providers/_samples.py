"""JSON that fits a JSON Schema, loosely: every required property, plain values."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .._json import JsonObject, JsonValue, array_of, object_of, text_of

_DEEPEST = 8
# A schema may branch at every depth; the answer may not grow without bound.
_MOST_VALUES = 2000
_MOST_ITEMS = 16
_LONGEST_TEXT = 256

_WORD = "amber"
_TEXTS = MappingProxyType(
    {
        "date-time": "2025-10-09T08:53:20Z",
        "date": "2025-10-09",
        "time": "08:53:20Z",
        "duration": "PT1H",
        "email": "amber@basin.example",
        "hostname": "basin.example",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "uri": "https://basin.example/amber",
    }
)
_PLAIN: Mapping[str, object] = MappingProxyType({"boolean": True, "null": None})


def sample(schema: JsonValue) -> object:
    """One value that fits the schema. References are followed within it; patterns and `not` are not looked at."""
    root = object_of(schema)
    return _Sampler(root).value(root, 0)


def sample_arguments(schema: JsonValue) -> dict[str, object]:
    """An object with every required property of the schema, whatever else the schema says."""
    root = object_of(schema)
    return _Sampler(root).members(root, 0)


class _Sampler:
    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._left = _MOST_VALUES

    def value(self, schema: JsonObject, depth: int) -> object:
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            return _shallow(schema)
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        choices = array_of(schema.get("enum"))
        if choices:
            return choices[0]
        kind = _kind(schema)
        if kind == "object":
            return self.members(schema, depth)
        if kind == "array":
            return self._items(schema, depth)
        return _scalar(kind, schema)

    def members(self, schema: JsonObject, depth: int) -> dict[str, object]:
        properties = object_of(schema.get("properties"))
        required = [name for name in array_of(schema.get("required")) if isinstance(name, str)]
        return {name: self.value(object_of(properties.get(name)), depth + 1) for name in required if self._left > 0}

    def _items(self, schema: JsonObject, depth: int) -> list[object]:
        least = schema.get("minItems")
        count = min(least, _MOST_ITEMS) if isinstance(least, int) else 0
        one = object_of(schema.get("items"))
        return [self.value(one, depth + 1) for _ in range(count) if self._left > 0]

    def _resolved(self, schema: JsonObject, depth: int) -> JsonObject:
        """Follow a reference, take the first alternative, lay all parts of `allOf` over each other."""
        for _ in range(_DEEPEST - depth + 1):
            pointer = text_of(schema.get("$ref"))
            if pointer is not None:
                schema = self._found(pointer)
                continue
            options = array_of(schema.get("anyOf")) or array_of(schema.get("oneOf"))
            if options:
                schema = {**_without(schema, "anyOf", "oneOf"), **object_of(options[0])}
                continue
            parts = array_of(schema.get("allOf"))
            if not parts:
                break
            schema = _merged(_without(schema, "allOf"), [object_of(part) for part in parts[:_MOST_ITEMS]])
        return schema

    def _found(self, pointer: str) -> JsonObject:
        here: JsonValue = self._root
        for name in pointer.removeprefix("#").split("/")[1:][:_DEEPEST]:
            here = object_of(here).get(name.replace("~1", "/").replace("~0", "~"))
        return object_of(here)


def _without(schema: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name not in names}


def _merged(base: JsonObject, parts: list[JsonObject]) -> JsonObject:
    properties: JsonObject = {}
    required: list[JsonValue] = []
    whole: JsonObject = {}
    for part in (base, *parts):
        whole.update(part)
        properties.update(object_of(part.get("properties")))
        required += array_of(part.get("required"))
    if properties or required:
        whole.update(properties=properties, required=required)
    return whole


def _kind(schema: JsonObject) -> str:
    """The type in lower case (Google writes `OBJECT`); of several the first that is not null."""
    found = schema.get("type")
    names = [name.lower() for name in (array_of(found) or [found]) if isinstance(name, str)]
    if not names:
        return "object" if "properties" in schema else "string"
    return next((name for name in names if name != "null"), "null")


def _shallow(schema: JsonObject) -> object:
    """Something of the right type where the schema goes too deep."""
    empty: dict[str, object] = {"object": {}, "array": []}
    kind = _kind(schema)
    return empty[kind] if kind in empty else _scalar(kind, {})


def _scalar(kind: str, schema: JsonObject) -> object:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in ("integer", "number"):
        return _number(kind, schema)
    text = _TEXTS.get(text_of(schema.get("format")) or "", _WORD)
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        text = (text * _LONGEST_TEXT)[: min(least, _LONGEST_TEXT)]
    return text[: max(most, 0)] if isinstance(most, int) else text


def _number(kind: str, schema: JsonObject) -> object:
    plain: int | float = 1 if kind == "integer" else 1.5
    step = 1 if kind == "integer" else 0.5
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    for bound, wanted in ((least, 0), (above, step)):
        if isinstance(bound, int | float) and not isinstance(bound, bool) and plain < bound + wanted:
            plain = bound + wanted
    for bound, wanted in ((most, 0), (below, step)):
        if isinstance(bound, int | float) and not isinstance(bound, bool) and plain > bound - wanted:
            plain = bound - wanted
    return plain
