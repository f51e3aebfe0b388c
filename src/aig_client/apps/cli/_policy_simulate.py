"""`aig policy simulate FILE`: which class and model each recorded request would get, under one policy or two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import click

from ._amounts import dollars
from ._choices import today
from ._command import OutcomeCommand
from ._guard import GOOD, SAID_NO
from ._outcome import Block, Cell, Grid, Outcome, Style, facts, line
from ._policies import load
from ._printable import cut
from ._simulated import Asked, Outlook, asked_in, outlook_of

EXAMPLE: Final = """\b
Example:
  aig policy simulate monday.jsonl --policy aig.toml
  aig policy simulate monday.jsonl --policy deployed.json --against aig.toml

Nothing is sent. Costs are estimates: four characters a token, and 500 tokens out unless a lower bound is set.

Exit codes: 0 done, 1 a request would be refused, 2 wrong usage or input.
"""

_MOST_ROWS: Final = 40
_MOST_REASON: Final = 70


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """One request: what policy A makes of it, and B where there is one."""

    number: int
    asked: str | None
    a: Outlook
    b: Outlook | None
    changed: bool


@dataclass(frozen=True, slots=True)
class SimulatedPolicy:
    """One of the policies: requests by class and by model, and what all of them are expected to cost.

    ``estimated_nanodollars`` sums what is known; ``unknown`` counts the requests without an estimate.
    """

    source: str
    digest: str
    classes: dict[str, int]
    models: dict[str, int]
    refused: int
    estimated_nanodollars: int
    unknown: int


@dataclass(frozen=True, slots=True)
class SimulateResult:
    """What would become of a file of requests. ``changed`` is None without a second policy."""

    SCHEMA: ClassVar[str] = "aig.policy.simulate/1"

    requests: int
    changed: int | None
    a: SimulatedPolicy
    b: SimulatedPolicy | None
    lines: tuple[SimulatedLine, ...]


@click.command("simulate", cls=OutcomeCommand, epilog=EXAMPLE, short_help="What would become of recorded requests.")
@click.argument("file", metavar="FILE.jsonl")
@click.option("--policy", metavar="A", help="An aig.toml or a policy.json.  [default: ./aig.toml]")
@click.option("--against", metavar="B", help="Another one, to see what would change.")
@click.option("--provider", metavar="SLUG", help="The provider of lines that name none.")
@click.option("--route-class", metavar="NAME", help="The class of lines that name none.")
def command(
    file: str, policy: str | None, against: str | None, provider: str | None, route_class: str | None
) -> Outcome[SimulateResult]:
    """Decide every request of FILE, one JSON body or capture on each line, without sending any.

    With --against, say how many would get another class or another model, and how the estimated cost changes.
    """
    day = today()
    asked = asked_in(file, provider=provider, route_class=route_class, day=day)
    policies = [load(one, environ={}, day=day) for one in (policy, *([against] if against is not None else []))]
    outlooks = [[outlook_of(one, loaded.policy, route_class, day) for one in asked] for loaded in policies]
    sides = [
        _side(loaded.source, loaded.policy.digest, found) for loaded, found in zip(policies, outlooks, strict=True)
    ]
    lines = tuple(_lines(asked, outlooks[0], outlooks[1] if against is not None else None))
    changed = sum(one.changed for one in lines) if against is not None else None
    result = SimulateResult(len(asked), changed, sides[0], sides[1] if len(sides) > 1 else None, lines)
    return Outcome(result, _render, SAID_NO if any(side.refused for side in sides) else GOOD)


def _lines(asked: list[Asked], a: list[Outlook], b: list[Outlook] | None) -> Iterator[SimulatedLine]:
    for index, one in enumerate(asked):
        other = b[index] if b is not None else None
        changed = other is not None and _decided(a[index]) != _decided(other)
        yield SimulatedLine(one.number, one.model, a[index], other, changed)


def _decided(outlook: Outlook) -> tuple[object, ...]:
    return outlook.route_class, outlook.model, outlook.refused is None


def _side(source: str, digest: str, outlooks: list[Outlook]) -> SimulatedPolicy:
    good = [one for one in outlooks if one.refused is None]
    known = [one.estimated_nanodollars for one in good if one.estimated_nanodollars is not None]
    return SimulatedPolicy(
        source,
        digest,
        _counted(one.route_class or "none" for one in good),
        _counted(one.model or "unknown" for one in good),
        len(outlooks) - len(good),
        sum(known),
        len(good) - len(known),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


# --- For people --------------------------------------------------------------------------------------


def _render(result: SimulateResult) -> Iterable[Block]:
    yield line(_summary(result), "strong")
    for side in (result.a, result.b):
        if side is not None:
            yield line()
            yield facts(
                [
                    ("policy", side.source),
                    ("classes", _listed(side.classes)),
                    ("models", _listed(side.models)),
                    ("refused", side.refused or None),
                    ("about", _about(side)),
                ]
            )
    shown = [one for one in result.lines if one.changed] if result.b is not None else list(result.lines)
    if not shown:
        return
    yield line()
    yield line("Changed" if result.b is not None else "Requests", "strong")
    yield Grid([_row(one) for one in shown[:_MOST_ROWS]], ("line", "class", "model", "about"))
    if len(shown) > _MOST_ROWS:
        yield line(f"and {len(shown) - _MOST_ROWS} more: --json has all of them", "faint")


def _summary(result: SimulateResult) -> str:
    count = "1 request" if result.requests == 1 else f"{result.requests} requests"
    if result.b is None or result.changed is None:
        return f"{count}."
    return f"{count}: {result.changed or 'none'} would get another class or model."


def _about(side: SimulatedPolicy) -> str:
    amount = dollars(side.estimated_nanodollars) or ""
    return f"{amount}, and {side.unknown} of unknown cost" if side.unknown else amount


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _row(one: SimulatedLine) -> tuple[Cell | str, ...]:
    a, b = one.a, one.b
    refused = (b or a).refused
    style: Style = "bad" if refused is not None else ""
    return (
        Cell(str(one.number), "faint"),
        _change(a.route_class or "none", None if b is None else b.route_class or "none"),
        Cell(_change(_model(a), None if b is None else _model(b)), style),
        cut(refused, _MOST_REASON) if refused is not None else _change(_cost(a), None if b is None else _cost(b)),
    )


def _change(before: str, after: str | None) -> str:
    return before if after is None or before == after else f"{before} -> {after}"


def _model(outlook: Outlook) -> str:
    return "refused" if outlook.refused is not None else outlook.model or "unknown"


def _cost(outlook: Outlook) -> str:
    return dollars(outlook.estimated_nanodollars) or "unknown"
