"""`aig policy show [CLASS]`: the route classes of a policy, or one in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import click

from ...core import Policy, RouteClass
from ...core.facts._builtin_classes import BUILTIN_CLASSES
from ...core.path._policy_form import class_as_plain
from ._choices import today
from ._command import OutcomeCommand
from ._outcome import Block, Cell, Grid, Outcome, Prose, facts, line
from ._policies import load, origin_of
from ._settings_tree import flattened, in_words, shown

EXAMPLE: Final = """\b
Example:
  aig policy show
  aig policy show summary --policy policy.json

The environment's overrides are in it, as they are for a client.

Exit codes: 0 shown, 2 wrong usage or input.
"""

_PLAIN: Final = class_as_plain(RouteClass(name="plain"))


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """The model that a class takes at a provider, and who said so."""

    provider: str
    model: str
    forced: bool
    source: str


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class: where it comes from (``built-in``, ``changed``, ``own``), all of its settings, and its overrides."""

    name: str
    origin: str
    settings: dict[str, object]
    overrides: tuple[OverrideRow, ...]


@dataclass(frozen=True, slots=True)
class ShowResult:
    """A policy, with every class or the one that was asked for; ``models`` is how many it can choose from."""

    SCHEMA: ClassVar[str] = "aig.policy.show/1"

    source: str
    digest: str
    epoch: str
    providers: tuple[str, ...]
    default_class: str | None
    infer: bool
    models: int
    route_class: str | None
    classes: tuple[ClassRow, ...]


@click.command("show", cls=OutcomeCommand, epilog=EXAMPLE, short_help="The route classes, or one in full.")
@click.argument("route_class", metavar="[CLASS]", required=False)
@click.option("--policy", metavar="FILE", help="An aig.toml or a policy.json.  [default: ./aig.toml]")
def command(route_class: str | None, policy: str | None) -> Outcome[ShowResult]:
    """Show the classes of a policy with their settings, built-in ones included, or everything about CLASS."""
    loaded = load(policy, day=today())
    found = loaded.policy
    classes = found.classes.values() if route_class is None else (found.route_class(route_class),)
    result = ShowResult(
        source=loaded.source,
        digest=found.digest,
        epoch=found.epoch,
        providers=found.providers,
        default_class=found.default_class,
        infer=found.infer,
        models=len(found.catalog.rows),
        route_class=route_class,
        classes=tuple(_row(found, one) for one in classes),
    )
    return Outcome(result, _render)


def _row(policy: Policy, one: RouteClass) -> ClassRow:
    overrides = tuple(
        OverrideRow(provider, override.model, override.forced, override.source)
        for (name, provider), override in policy.overrides.items()
        if name == one.name
    )
    return ClassRow(one.name, origin_of(one), class_as_plain(one), overrides)


def _render(result: ShowResult) -> Iterable[Block]:
    if result.route_class is not None:
        yield from _in_full(result.classes[0])
        return
    yield facts(
        [
            ("policy", result.source),
            ("epoch", result.epoch or None),
            ("providers", ", ".join(result.providers) or "the one that a request addresses"),
            ("default class", result.default_class or ("inferred from the request" if result.infer else "none")),
            ("models", result.models),
        ]
    )
    yield line()
    yield Grid(
        [(Cell(one.name, "strong"), one.origin, _text(one, "strategy"), _short(one)) for one in result.classes],
        ("class", "origin", "by", "what it says"),
    )


def _text(one: ClassRow, name: str) -> str:
    return str(one.settings[name])


def _short(one: ClassRow) -> str:
    """What differs from a class that says nothing, beside strategy, weights and words."""
    parts: list[str] = []
    plain = dict(flattened(_PLAIN))
    for path, value in flattened(one.settings):
        if path[0] in ("strategy", "weights", "description") or value == plain.get(path):
            continue
        parts.append(in_words(path, value))
    parts += [f"at {each.provider}: {each.model}{' (forced)' if each.forced else ''}" for each in one.overrides]
    return "; ".join(parts) or "any model that can"


def _in_full(one: ClassRow) -> Iterator[Block]:
    yield line(one.name, "strong")
    if one.settings["description"]:
        yield Prose(str(one.settings["description"]), indent=0)
    yield line()
    built_in = BUILTIN_CLASSES.get(one.name)
    before = dict(flattened(class_as_plain(built_in))) if built_in is not None else dict(flattened(_PLAIN))
    rows: list[tuple[Cell | str, ...]] = []
    for path, value in flattened(one.settings):
        if path == ("description",):
            continue
        changed = path not in before or value != before[path]
        was = f"{'built-in' if built_in else 'default'}: {shown(before.get(path))}" if changed else ""
        rows.append(
            (Cell(".".join(path), "faint"), Cell(shown(value), "strong" if changed else ""), Cell(was, "faint"))
        )
    yield Grid(rows)
    if one.overrides:
        yield line()
        yield line("Overrides", "strong")
        yield Grid([(each.provider, _model(each), Cell(each.source, "faint")) for each in one.overrides])


def _model(one: OverrideRow) -> str:
    return f"{one.model} (forced)" if one.forced else one.model
