"""Scenarios from TOML: `[gateway]`, `[emulator]` and `[[rule]]`, by the names of the fields of their classes.

Fields are read by their types, so that a new field of a gateway, of the emulator or of a rule is one here too.
"""

from __future__ import annotations

import tomllib
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ._config import EmulatorConfig
from ._scenario import Rule, Scenario
from ._settings import GatewaySettings, SpendRule

_Values = dict[str, object]
S = TypeVar("S", GatewaySettings, EmulatorConfig)

_TABLES = ("gateway", "emulator", "rule")
# `settings` is the table [gateway]; `gateways` is read apart, for each one stands on top of it.
_APART: Mapping[type, frozenset[str]] = types.MappingProxyType(
    {EmulatorConfig: frozenset(("settings", "gateways")), GatewaySettings: frozenset(("other",))}
)
_KINDS: Mapping[type, str] = types.MappingProxyType(
    {bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "a list", dict: "a table"}
)


class ScenarioError(ValueError):
    """A scenario file that cannot be used. The message names the file, the place in it, and what is wrong."""


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """What a scenario file says. `scenario` holds its rules; `over` puts its settings on top of others."""

    source: str
    scenario: Scenario
    emulator: Mapping[str, object] = field(default_factory=_Values, repr=False)
    gateway: Mapping[str, object] = field(default_factory=_Values, repr=False)
    gateways: Mapping[str, Mapping[str, object]] | None = field(default=None, repr=False)

    @property
    def config(self) -> EmulatorConfig:
        """The settings of the file over the defaults. Raises `ScenarioError` as `over` does."""
        return self.over(EmulatorConfig())

    def over(self, base: EmulatorConfig) -> EmulatorConfig:
        """`base` with the settings of the file in place of its own.

        Raises `ScenarioError` for settings that do not go together, such as stored keys without a token.
        """
        settings = self._changed(base.settings, self.gateway, "gateway")
        changes: _Values = {"settings": settings, **self.emulator}
        if self.gateways is not None:
            changes["gateways"] = {
                name: self._changed(settings, own, f"emulator.gateways.{name}") for name, own in self.gateways.items()
            }
        return self._changed(base, changes, "emulator")

    def _changed(self, value: S, changes: Mapping[str, object], path: str) -> S:
        try:
            return replace(value, **changes)  # type: ignore[arg-type]
        except ValueError as error:
            raise ScenarioError(f"{self.source}: {path}: {error}") from None


def load_scenario(path: str | Path) -> ScenarioFile:
    """Read a scenario file. Raises `ScenarioError` for what it says, `OSError` when it cannot be read."""
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: it must be UTF-8") from None
    return read_scenario(text, str(path))


def read_scenario(text: str, source: str = "scenario") -> ScenarioFile:
    """Read the text of a scenario file; `source` is what errors call it. Raises `ScenarioError`."""
    try:
        document = tomllib.loads(text)
        _known(document, _TABLES, "")
        gateway = _fields(document.get("gateway", {}), GatewaySettings, "gateway")
        emulator = dict(_table(document.get("emulator", {}), "emulator"))
        named = emulator.pop("gateways", None)
        read = ScenarioFile(
            source,
            Scenario(tuple(_rules(document.get("rule", [])))),
            _fields(emulator, EmulatorConfig, "emulator"),
            gateway,
            None if named is None else _gateways(named),
        )
    except (ValueError, RecursionError) as error:
        # The errors of tomllib name line and column.
        raise ScenarioError(f"{source}: {error}") from None
    # A token makes up for the one that may come from elsewhere; all else must hold by itself.
    read.over(EmulatorConfig(auth_tokens=frozenset(("any",))))
    return read


def _rules(value: object) -> Iterable[Rule]:
    for number, one in enumerate(_list(value, "rule"), start=1):
        yield cast("Rule", _made(one, Rule, f"rule[{number}]"))


def _gateways(value: object) -> dict[str, _Values]:
    path = "emulator.gateways"
    return {name: _fields(own, GatewaySettings, f"{path}.{name}") for name, own in _table(value, path).items()}


def _made(value: object, wanted: type, path: str) -> object:
    given = _fields(value, wanted, path)
    for one in fields(wanted):
        if one.init and one.default is MISSING and one.default_factory is MISSING and one.name not in given:
            raise ValueError(f"{path}: it needs {one.name}")
    try:
        return wanted(**given)
    except ValueError as error:
        field_named = str(error).partition(":")[0] in (one.name for one in fields(wanted))
        raise ValueError(f"{path}{'.' if field_named else ': '}{error}") from None


def _fields(value: object, wanted: type, path: str) -> _Values:
    """The fields of a dataclass that a table gives, each as its type."""
    table = _table(value, path)
    hints = get_type_hints(wanted)
    names = [one.name for one in fields(wanted) if one.init and one.name not in _APART.get(wanted, ())]
    _known(table, names, path)
    return {name: _field(given, wanted, name, hints[name], f"{path}.{name}") for name, given in table.items()}


def _field(value: object, owner: type, name: str, hint: object, path: str) -> object:
    special = _SPECIAL.get((owner, name))
    return _typed(value, hint, path) if special is None else special(value, path)


def _typed(value: object, hint: object, path: str) -> object:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        # TOML has no null: what may be `None` is left out there.
        (hint,) = (one for one in inner if one is not types.NoneType)
        return _typed(value, hint, path)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"{path}: it must be {' or '.join(str(choice) for choice in inner)}")
        return value
    if origin in (frozenset, tuple):
        items = [_typed(one, inner[0], f"{path}[{place}]") for place, one in enumerate(_list(value, path), start=1)]
        return frozenset(items) if origin is frozenset else tuple(items)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: _typed(one, inner[1], f"{path}.{name}") for name, one in _table(value, path).items()}
    assert isinstance(hint, type)
    return _made(value, hint, path) if is_dataclass(hint) else _scalar(value, hint, path)


def _scalar(value: object, wanted: type, path: str) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is float and number and isfinite(cast("float", value)):
        return float(cast("float", value))
    if type(value) is wanted and wanted is not float:
        return value
    # Values are never repeated: tokens are among them.
    raise ValueError(f"{path}: it must be {_KINDS[wanted]}, not {_KINDS.get(type(value), 'a date or time')}")


def _table(value: object, path: str) -> Mapping[str, object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise ValueError(f"{path}: it must be a table")


def _list(value: object, path: str) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    raise ValueError(f"{path}: it must be a list")


def _known(table: Mapping[str, object], names: Iterable[str], path: str) -> None:
    valid = sorted(names)
    for name in table:
        if name not in valid:
            near = get_close_matches(name, valid, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(valid)}"
            raise ValueError(f"{path}{'.' if path else ''}{name}: there is no such field; {hint}")


def _dimensions(value: object, path: str) -> dict[str, frozenset[str] | None]:
    """Of a spend limit: the values of a metadata key that it counts; `"*"` gives each value a limit of its own."""
    return {
        name: None if one == "*" else frozenset(cast("str", _scalar(item, str, path)) for item in _list(one, path))
        for name, one in _table(value, path).items()
    }


def _as_it_is(value: object, path: str) -> object:  # noqa: ARG001
    return value


_SPECIAL: Mapping[tuple[type, str], Callable[[object, str], object]] = types.MappingProxyType(
    {(SpendRule, "metadata"): _dimensions, (Rule, "json"): _as_it_is}
)
