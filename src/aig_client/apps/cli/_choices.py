"""How a route class chooses among models, as data and for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ...core import Context, EndpointKind, Policy, Selection, Surface, Work, work_of
from ...core.path._addressing import alias_in, speakers
from ...core.path._select import consider
from ...core.path._tools import strip_tools
from ._amounts import dollars
from ._outcome import Block, Cell, Grid, Prose, line

if TYPE_CHECKING:
    from ...core import RouteClass

MOST_SHOWN: Final = 8
_MOST_NAMED: Final = 6
_OF_TEXT: Final[tuple[EndpointKind, ...]] = ("chat", "embeddings", "image", "speech", "transcription", "video")

OTHER_PROVIDER: Final = "its provider is not among the usable ones"


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A model that can answer; ``terms`` are what its score is made of."""

    model: str
    score: int
    terms: dict[str, int]
    forced: bool
    why: str
    estimated_nanodollars: int | None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A model that cannot, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class SelectionRow:
    """How a class chose; ``ranking`` is the order in which models would be tried."""

    route_class: str
    strategy: str
    chosen: str | None
    ranking: tuple[CandidateRow, ...]
    rejected: tuple[RejectedRow, ...]


def selection_row(selection: Selection) -> SelectionRow:
    """A selection as plain values."""
    return SelectionRow(
        selection.route_class,
        selection.strategy,
        selection.ranking[0].model.name if selection.ranking else None,
        tuple(
            CandidateRow(one.model.name, one.score, dict(one.terms), one.forced, one.why, one.estimated_nanodollars)
            for one in selection.ranking
        ),
        tuple(RejectedRow(one.name, one.reason) for one in selection.rejected),
    )


def today() -> str:
    """The day (UTC) by which models retire and prices hold."""
    return datetime.now(UTC).date().isoformat()


def considered(
    policy: Policy,
    route_class: RouteClass,
    *,
    day: str,
    providers: Iterable[str] = (),
    kind: EndpointKind | None = None,
) -> Selection:
    """What a class would make of the simplest request: of a kind, or of the first kind that it has a model for.

    Usable are the policy's providers, and where it names none, all that serve a model; of these only ``providers``,
    where any are named.
    """
    usable = policy.providers or policy.catalog.providers
    if asked := frozenset(providers):
        usable = tuple(slug for slug in usable if slug in asked)
    context = Context(
        today=day,
        providers=usable,
        speaks=frozenset(usable),
        overrides={at: one for (name, at), one in policy.overrides.items() if name == route_class.name},
    )
    models = policy.candidates(route_class)
    kinds = (kind,) if kind is not None else _OF_TEXT
    found = [consider(route_class, Work(kind=one), models, context) for one in kinds]
    return next((one for one in found if one.names), found[0])


def refused_candidates(policy: Policy, surface: Surface, tree: object, *, explicit: str | None) -> Selection | None:
    """Why every model was refused for a request; None where nobody can say for which class that was."""
    alias = alias_in(surface, tree)
    name = explicit or alias or policy.default_class
    if name is None or name not in policy.classes:
        return None
    route_class = policy.route_class(name)
    if route_class.tools == "strip":
        tree = strip_tools(surface.kind, tree, check_history=False).tree
    usable = policy.providers or ((surface.provider,) if surface.provider else ())
    context = Context(
        today=today(),
        providers=usable,
        speaks=speakers(surface.family, surface.kind, surface.provider),
        overrides={at: one for (of, at), one in policy.overrides.items() if of == name},
    )
    return consider(route_class, work_of(surface.kind, tree), policy.candidates(route_class), context)


def ranking_blocks(selection: SelectionRow, most: int = MOST_SHOWN) -> Iterator[Block]:
    """The models that can answer, in order."""
    if not selection.ranking:
        return
    yield line()
    yield line(f"Models of {selection.route_class}, by {selection.strategy}", "strong")
    rows = [
        (Cell(one.model, "strong" if index == 0 else ""), dollars(one.estimated_nanodollars) or "unknown", one.why)
        for index, one in enumerate(selection.ranking[:most])
    ]
    yield Grid(rows, ("model", "about", "why"))
    left = len(selection.ranking) - most
    if left > 0:
        yield line(f"and {left} more: --json has all of them", "faint")


def rejected_blocks(selection: SelectionRow) -> Iterator[Block]:
    """The models that cannot, by reason: the ones nobody asked for last."""
    if not selection.rejected:
        return
    yield line()
    yield line("Not these", "strong")
    for reason, names in _by_reason(selection.rejected):
        shown = ", ".join(names[:_MOST_NAMED])
        left = len(names) - _MOST_NAMED
        more = f" and {left} more" if left > 0 else ""
        yield Prose(f"{reason} ({len(names)}):", indent=2)
        yield Prose(f"{shown}{more}", indent=4, style="faint")


def _by_reason(rejected: Iterable[RejectedRow]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for one in rejected:
        found.setdefault(one.reason, []).append(one.model)
    return sorted(found.items(), key=lambda item: (item[0] == OTHER_PROVIDER, len(item[1]), item[0]))
