"""Reads `@pytest.mark.aig(...)`: what the gateway of a test is set up to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pytest

    from ..emulator import EmulatorConfig, GatewaySettings, Rule

NAME = "aig"
USAGE = (
    "aig(scenario=..., cache=..., live=..., **fields): the AI Gateway of this test. scenario: a file beside the test,"
    " its text, or a Scenario; cache: True, or seconds; live: True lifts aig_no_live; fields: those of EmulatorConfig."
)
_OWN = ("scenario", "cache", "live")


class MarkerError(Exception):
    """A marker that cannot be used. The message says which part of it, and why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test's gateway is made of."""

    config: EmulatorConfig
    rules: tuple[Rule, ...]


def arguments_of(node: pytest.Item) -> Mapping[str, object]:
    """All markers of a test as one: each argument from the nearest that has it. Raises `MarkerError`."""
    found: dict[str, object] = {}
    for mark in reversed(list(node.iter_markers(NAME))):
        if mark.args:
            raise MarkerError("takes its arguments by name, as in aig(cache=True)")
        found.update(mark.kwargs)
    return found


def wanted_by(node: pytest.Item) -> Wanted:
    """What the markers of a test ask for. Raises `MarkerError`."""
    from ..emulator import EmulatorConfig
    from ..emulator._inprocess import usual_config

    given = arguments_of(node)
    known = [one.name for one in fields(EmulatorConfig) if one.init]
    for name in given:
        if name not in known and name not in _OWN:
            near = get_close_matches(name, [*known, *_OWN], n=1)
            raise MarkerError(f"has no {name}{f'; did you mean {near[0]}?' if near else ''}")
    config, rules = usual_config(), tuple["Rule", ...]()
    if "scenario" in given:
        config, rules = _with_scenario(given["scenario"], config, [node.path.parent, node.config.rootpath])
    changes = {name: _as_declared(name, value) for name, value in given.items() if name in known}
    if "auth_tokens" in changes and not changes["auth_tokens"] and "tokens" not in changes:
        # Stored keys work behind a token only, so who opens the gateway does not mean to keep them.
        changes.setdefault("stored_keys", frozenset[str]())
    try:
        config = replace(config, **changes)  # type: ignore[arg-type]  # fields by name
    except (TypeError, ValueError) as error:
        raise MarkerError(str(error)) from None
    return Wanted(_with_cache(config, given["cache"]) if "cache" in given else config, rules)


def _with_scenario(
    scenario: object, base: EmulatorConfig, folders: Iterable[Path]
) -> tuple[EmulatorConfig, tuple[Rule, ...]]:
    from ..emulator import Scenario
    from ..emulator._scenario_file import ScenarioError, ScenarioFile, load_scenario, read_scenario

    if isinstance(scenario, Scenario):
        return base, scenario.rules
    try:
        if isinstance(scenario, str) and ("\n" in scenario or scenario.lstrip().startswith("[")):
            scenario = read_scenario(scenario, "scenario")
        elif isinstance(scenario, str | Path):
            scenario = load_scenario(_file(Path(scenario), folders))
        if isinstance(scenario, ScenarioFile):
            return scenario.over(base), scenario.scenario.rules
    except (OSError, ScenarioError) as error:
        raise MarkerError(f"scenario: {error}") from None
    raise MarkerError(f"scenario must be a file, its text or a Scenario, not a {type(scenario).__name__}")


def _file(path: Path, folders: Iterable[Path]) -> Path:
    candidates = [folder / path for folder in folders]
    return next((one for one in candidates if one.is_file()), candidates[0])


def _with_cache(config: EmulatorConfig, cache: object) -> EmulatorConfig:
    settings: GatewaySettings = config.settings
    try:
        if isinstance(cache, bool):
            return replace(config, settings=replace(settings, caching=cache))
        if isinstance(cache, int):
            return replace(config, settings=replace(settings, caching=True, cache_ttl=cache))
    except ValueError as error:
        raise MarkerError(f"cache: {error}") from None
    raise MarkerError(f"cache must be True, False or seconds, not a {type(cache).__name__}")


def _as_declared(name: str, value: object) -> object:
    """A set, list or tuple where the field is a frozenset."""
    from ..emulator import EmulatorConfig, GatewaySettings

    default: object = getattr(EmulatorConfig(), name)
    if isinstance(default, frozenset):
        if not isinstance(value, set | frozenset | list | tuple):
            raise MarkerError(f"{name} must be a set of strings, not a {type(value).__name__}")
        return frozenset(cast("Iterable[object]", value))
    if isinstance(default, GatewaySettings) and not isinstance(value, GatewaySettings):
        raise MarkerError(f"{name} must be GatewaySettings, not a {type(value).__name__}")
    return value
