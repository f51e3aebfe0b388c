"""`aig models [NAME]`: what models can do and cost, and which of them a route class may choose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import click

from ...core import Capabilities, Catalog, ConfigurationError, Policy, Requirements, Selection, builtin_catalog, why_not
from ...core.facts._catalog import Modality
from ._choices import OTHER_PROVIDER, considered, today
from ._command import OutcomeCommand
from ._days import day_of
from ._guard import GOOD, SAID_NO, InputError
from ._model_rows import ModelRow, in_full, model_row, table
from ._outcome import Block, Outcome, line
from ._policies import load

EXAMPLE: Final = """\b
Example:
  aig models --provider openai --tools --context 200000
  aig models --route-class summary --all
  aig models claude-haiku-4-5

Prices are US dollars for a million tokens. - is unknown.

Exit codes: 0 shown, 1 no model fits, 2 wrong usage or input.
"""

_ANY: Final[frozenset[Modality]] = frozenset()
_NO_TARGET: Final = "is not among the class's targets"
_TEXT: Final[frozenset[Modality]] = frozenset({"text"})


@dataclass(frozen=True, slots=True)
class ModelsResult:
    """Models, and how they were asked for. ``left_out`` counts those that are not shown, by why."""

    SCHEMA: ClassVar[str] = "aig.models/1"

    on: str
    name: str | None
    route_class: str | None
    strategy: str | None
    policy: str
    models: tuple[ModelRow, ...]
    left_out: dict[str, int]


@click.command("models", cls=OutcomeCommand, epilog=EXAMPLE, short_help="What models can do and cost.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--provider", "providers", multiple=True, metavar="SLUG", help="At this provider; repeatable.")
@click.option("--tools", is_flag=True, help="That can call tools.")
@click.option("--vision", is_flag=True, help="That take pictures and answer in text.")
@click.option("--structured", is_flag=True, help="That keep to a JSON schema (native structured output).")
@click.option("--context", type=click.IntRange(0), default=0, metavar="N", help="With a context window of N tokens.")
@click.option("--route-class", metavar="NAME", help="That this class may choose, in its order.")
@click.option("--all", "everything", is_flag=True, help="The others too, each with the reason why not.")
@click.option("--policy", metavar="FILE", help="An aig.toml or a policy.json.  [default: ./aig.toml]")
@click.option("--on", metavar="DAY", help="Judge as on this day, YYYY-MM-DD.  [default: today]")
def command(name: str | None, **options: Any) -> Outcome[ModelsResult]:  # noqa: ANN401  (click's keywords)
    """List models with what they can do and cost; or show everything known about NAME, with source and date.

    The models are those of the catalog, with what the policy says about them. Retired ones are left out.
    """
    day = day_of(options["on"]) if options["on"] is not None else today()
    loaded = load(options["policy"], day=day)
    catalog = _catalog(loaded.policy)
    rows = _rows(catalog, name, options["providers"])
    selection, has_targets = None, False
    if options["route_class"] is not None:
        route_class = loaded.policy.route_class(options["route_class"])
        selection = considered(loaded.policy, route_class, day=day, providers=options["providers"])
        has_targets = bool(route_class.targets)
        if name is None:
            rows = _with_chosen(rows, selection)
    reasons = _reasons(rows, options, selection, has_targets=has_targets, day=day)
    places = {model: place for place, model in enumerate(selection.names if selection else (), start=1)}
    shown = [model_row(row, day, reasons[row.name], places.get(row.name)) for row in rows]
    left_out: dict[str, int] = {}
    if name is None and not options["everything"]:
        for one in shown:
            if one.reason is not None:
                left_out[one.reason] = left_out.get(one.reason, 0) + 1
        shown = [one for one in shown if one.reason is None]
    shown.sort(key=_order)
    strategy = selection.strategy if selection is not None else None
    result = ModelsResult(day, name, options["route_class"], strategy, loaded.source, tuple(shown), left_out)
    return Outcome(result, _render, GOOD if any(one.reason is None for one in shown) or name else SAID_NO)


def _order(one: ModelRow) -> tuple[bool, int, str]:
    return one.reason is not None, one.rank or 0, one.name


def _catalog(policy: Policy) -> Catalog:
    """Every model there is: a compiled policy holds those of its providers only."""
    rows = {row.name: row for row in builtin_catalog().rows} | dict(policy.models)
    try:
        return Catalog(tuple(rows.values()))
    except ConfigurationError:  # the policy spells a model otherwise than this version's catalog
        return policy.catalog


def _rows(catalog: Catalog, name: str | None, providers: tuple[str, ...]) -> list[Capabilities]:
    for slug in providers:
        if slug not in catalog.providers:
            raise InputError(f"--provider {slug}: no model of it is known. There are {', '.join(catalog.providers)}.")
    if name is None:
        return [row for row in catalog.rows if not providers or row.provider in providers]
    if len(providers) > 1:
        raise InputError("NAME is one model: give one --provider, or none.")
    return [catalog.capabilities(name, providers[0] if providers else None)]


def _with_chosen(rows: list[Capabilities], selection: Selection) -> list[Capabilities]:
    """The rows, and what a class may choose beside them: forced overrides, and models in another spelling."""
    known = {row.name for row in rows}
    return [*rows, *(one.model for one in selection.ranking if one.model.name not in known)]


def _reasons(
    rows: Iterable[Capabilities],
    options: Mapping[str, Any],
    selection: Selection | None,
    *,
    has_targets: bool,
    day: str,
) -> dict[str, str | None]:
    """Why each model is not what was asked for."""
    wanted = Requirements(
        tools=options["tools"],
        vision=options["vision"],
        structured_output="native" if options["structured"] else None,
        context=options["context"],
    )
    # Who asks for these asks for something to talk to; an embedding model may take pictures too.
    outputs = _TEXT if wanted.tools or wanted.vision or wanted.structured_output else _ANY
    reasons = {row.name: why_not(row, wanted, day, inputs=_ANY, outputs=outputs) for row in rows}
    if selection is not None:
        refused = {one.name: one.reason for one in selection.rejected}
        for model in reasons:
            if model not in selection.names:
                reasons[model] = refused.get(model, _NO_TARGET if has_targets else OTHER_PROVIDER)
    return reasons


def _render(result: ModelsResult) -> Iterable[Block]:
    if result.name is not None:
        (one,) = result.models
        yield from in_full(one, result.route_class)
        return
    if result.route_class is not None:
        yield line(f"What {result.route_class} may choose, by {result.strategy}, for the simplest request:")
        yield line()
    if result.models:
        yield table(result.models)
    if result.left_out:
        yield line()
        for reason, count in _gathered(result.left_out):
            yield line(f"{count} left out: {reason}", "faint")


_NUMBER: Final = re.compile(r"\d[\d-]*")


def _gathered(left_out: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons that differ in a number or a day alone are one here; --all has each."""
    found: dict[str, dict[str, int]] = {}
    for reason, count in left_out.items():
        found.setdefault(_NUMBER.sub("…", reason), {})[reason] = count
    named = [(next(iter(each)) if len(each) == 1 else plain, sum(each.values())) for plain, each in found.items()]
    return sorted(named, key=lambda item: (-item[1], item[0]))
