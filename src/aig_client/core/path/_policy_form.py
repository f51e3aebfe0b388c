"""Route classes as plain JSON objects, as they stand in a compiled policy, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from ..facts._classes import CacheHints, Limits, Requirements, Retries, RouteClass, ScoreWeights, Target
from ._policy_check import PathTo, PolicyError, nearest

Plain: TypeAlias = dict[str, object]
Part: TypeAlias = RouteClass | Target | Requirements | CacheHints | Limits | Retries | ScoreWeights
_P = TypeVar("_P", bound=Part)


def object_at(value: object, *path: str | int) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise PolicyError(path, "must be an object")
    return value  # pyright: ignore[reportUnknownVariableType]  # names are checked where they are looked up


def list_at(value: object, *path: str | int) -> list[object]:
    """A JSON array."""
    if not isinstance(value, list):
        raise PolicyError(path, "must be a list")
    return value  # pyright: ignore[reportUnknownVariableType]


def members_at(value: object, known: frozenset[str], *path: str | int) -> Mapping[str, object]:
    """A JSON object all of whose members are known."""
    found = object_at(value, *path)
    if not known.issuperset(found):
        name = next(name for name in found if name not in known)
        raise PolicyError((*path, str(name)), "is no member that we know", remedy=nearest(str(name), known))
    return found


def class_from_plain(name: str, value: object) -> RouteClass:
    """Read one class; leaves are taken as they are, for `check_class` to judge. What is missing is at its default.

    Raises:
        ConfigurationError: an unknown member, or an object or list where none belongs.
    """
    found = members_at(value, _CLASS)
    if not isinstance(found.get("description", ""), str):
        raise PolicyError(("description",), "must be a string")
    parts = {key: _PARTS[key](item, (key,)) if key in _PARTS else item for key, item in found.items()}
    return RouteClass(name=name, **parts)  # type: ignore[arg-type]  # every leaf goes through check_class


def class_as_plain(one: RouteClass) -> Plain:
    """Every field of a class but its name, so that no reader's defaults count."""
    plain = _plain(one)
    del plain["name"]
    return plain


def _plain(part: Part) -> Plain:
    return {field.name: _plain_value(getattr(part, field.name)) for field in fields(part)}


def _plain_value(value: object) -> object:
    if is_dataclass(value):
        return _plain(value)  # type: ignore[arg-type]  # the fields of parts are parts
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {key: _plain_value(value[key]) for key in sorted(value)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    # 30.0 and 30 are one number in JSON, and every writer writes the second alike.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _part(kind: type[_P], required: tuple[str, ...] = ()) -> Callable[[object, PathTo], _P]:
    known = frozenset(field.name for field in fields(kind))

    def read(value: object, path: PathTo) -> _P:
        found = members_at(value, known, *path)
        for name in required:
            if name not in found:
                raise PolicyError((*path, name), "is missing")
        return kind(**found)  # type: ignore[arg-type]  # as above

    return read


_TARGET: Final = _part(Target, ("provider", "model"))
_RETRIES: Final = _part(Retries, ("max_attempts",))


def _targets(value: object, path: PathTo) -> tuple[Target, ...]:
    return tuple(_TARGET(item, (*path, index)) for index, item in enumerate(list_at(value, *path)))


def _retries(value: object, path: PathTo) -> Retries | None:
    return None if value is None else _RETRIES(value, path)


def _metadata(value: object, path: PathTo) -> Mapping[str, object]:
    found = object_at(value, *path)
    return MappingProxyType({name: found[name] for name in sorted(found, key=str)})


_PARTS: Final[Mapping[str, Callable[[object, PathTo], object]]] = {
    "targets": _targets,
    "weights": _part(ScoreWeights),
    "requirements": _part(Requirements),
    "cache": _part(CacheHints),
    "limits": _part(Limits),
    "retries": _retries,
    "metadata": _metadata,
}
_CLASS: Final = frozenset(field.name for field in fields(RouteClass)) - {"name"}
