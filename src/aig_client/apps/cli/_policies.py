"""Policies of a command: read from a file or as the client finds them, with the name of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...core import Policy
from ...core.facts._builtin_classes import BUILTIN_CLASSES
from ...core.facts._classes import RouteClass
from ...schema import load_policy
from ...schema._settings import FILE, POLICY_TABLES, read_file
from ._guard import InputError

BUILT_IN: Final = "built-in"

NOT_STDIN: Final = "A policy is read from a file: give its name instead of -."


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy and where it comes from: a file, or ``built-in``."""

    policy: Policy
    source: str


def load(path: str | None, *, environ: Mapping[str, str] | None = None, day: str | None = None) -> Loaded:
    """The policy of a file, else of ``./aig.toml``, else the built-in one.

    Args:
        path: an ``aig.toml`` or a compiled ``*.json``; None is the first.
        environ: where overrides are looked for; None is the process's environment, an empty one is none.
        day: instead of today.

    Raises:
        ConfigurationError: with the file and the field, or the variable.
    """
    _check(path)
    return Loaded(load_policy(path, environ=environ, today=day), source_of(path))


def source_of(path: str | None) -> str:
    """What a policy is called that is read from here."""
    if path is not None and path.endswith(".json"):
        return path
    tables, file = read_file(path)
    return BUILT_IN if POLICY_TABLES.isdisjoint(tables) else file


def tables_of(path: str | None) -> tuple[dict[str, object], str]:
    """The tables of a file that must be there, and its name.

    Raises:
        InputError: there is none, or it is a compiled policy.
        ConfigurationError: it is no TOML, or has an unknown table.
    """
    _check(path)
    if path is not None and path.endswith(".json"):
        raise InputError(f"{path} is compiled already: give the aig.toml that it was made of.")
    must_be_there(path)
    return read_file(path)


def must_be_there(path: str | None) -> None:
    """Refuse to take the built-in policy for a file that was forgotten.

    Raises:
        InputError: there is no ``./aig.toml`` and no other file was named.
    """
    if path is None and not Path(FILE).is_file():
        raise InputError(f"There is no {FILE} in this folder: name the file, or go where it is.")


def _check(path: str | None) -> None:
    if path == "-":
        raise InputError(NOT_STDIN)


def origin_of(route_class: RouteClass) -> str:
    """``built-in``, ``changed`` where a file laid something over a built-in class, or ``own``."""
    built_in = BUILTIN_CLASSES.get(route_class.name)
    if built_in is None:
        return "own"
    return "built-in" if built_in == route_class else "changed"
