"""Which model answers: filters, then a strategy, then a stable order. Pure, total, and every refusal has its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from .._errors import Refused
from ..facts._classes import Strategy
from ._candidates import Candidate, Context, Rejected
from ._case import Case, dollars
from ._question import question_of
from ._score import lot
from ._screen import catalogue_of
from ._work import difficulty

if TYPE_CHECKING:
    from ..facts._catalog import Capabilities
    from ..facts._classes import RouteClass
    from ._standing import Priced
    from ._work import Work

__all__ = ["Candidate", "Context", "Rejected", "Selection", "consider", "select"]


class Selection:
    """How a class chose its model. Immutable; what only people ask for is worked out when they ask.

    Attributes:
        route_class: the name of the class.
        strategy: how it chose.
        chosen: the model; the first of ``ranking``.
        ranking: every candidate that can answer, in the order in which they would be tried.
        rejected: the others, sorted by name, each with its reason.
    """

    __slots__ = ("_case", "_chosen", "_order", "_ranking", "_rejected", "_static", "route_class", "strategy")

    route_class: str
    strategy: Strategy

    def __init__(self, case: Case, order: Sequence[Priced], static: tuple[Rejected, ...]) -> None:
        self.route_class = case.route_class.name
        self.strategy = case.route_class.strategy
        self._case = case
        self._order = order
        self._static = static
        self._chosen: Candidate | None = None
        self._ranking: tuple[Candidate, ...] | None = None
        self._rejected: tuple[Rejected, ...] | None = None

    @property
    def chosen(self) -> Candidate:
        if self._chosen is None:
            self._chosen = _candidate(self._case, self._order, 0)
        return self._chosen

    @property
    def names(self) -> tuple[str, ...]:
        """The names of ``ranking``, which cost nothing."""
        return tuple(one.row.name for one in self._order)

    @property
    def ranking(self) -> tuple[Candidate, ...]:
        if self._ranking is None:
            rest = (_candidate(self._case, self._order, index) for index in range(1, len(self._order)))
            self._ranking = (self.chosen, *rest) if self._order else ()
        return self._ranking

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        if self._rejected is None:
            case = self._case
            late = [Rejected(one.row.name, case.why_not(one.row) or "") for one in case.turned_down]
            self._rejected = tuple(sorted((*self._static, *late), key=lambda one: one.name))
        return self._rejected

    def as_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "route_class": self.route_class,
            "strategy": self.strategy,
            "chosen": self._order[0].row.name if self._order else None,
            "ranking": [one.as_dict() for one in self.ranking],
            "rejected": [{"model": one.name, "reason": one.reason} for one in self.rejected],
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selection):
            return NotImplemented
        return self is other or self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((self.route_class, self.strategy, self.names))

    def __repr__(self) -> str:
        return (
            f"Selection(route_class={self.route_class!r}, strategy={self.strategy!r}, "
            f"ranking={self.names!r}, rejected={len(self.rejected)})"
        )


def consider(route_class: RouteClass, work: Work, models: Sequence[Capabilities], context: Context) -> Selection:
    """What ``select`` would say, also where no candidate is left: then ``ranking`` is empty. Never raises.

    ``chosen`` of an empty one is an ``IndexError``.
    """
    screen = catalogue_of(models).screen(question_of(route_class, work, context))
    case = Case(route_class, work, context, screen)
    return Selection(case, _ranked(case), screen.rejected)


def select(route_class: RouteClass, work: Work, models: Sequence[Capabilities], context: Context) -> Selection:
    """The model of a class for a request.

    Args:
        route_class: its strategy, targets and requirements.
        work: what the request needs.
        models: what models can do: the class's targets, or all there are; the order means nothing.
        context: what else it depends on.

    Raises:
        Refused: no candidate is left; the most frequent reasons are named.
    """
    selection = consider(route_class, work, models, context)
    if not selection.names:
        raise _refusal(selection)
    return selection


_REASONS_SHOWN: Final = 3
_LONGEST_REASON: Final = 120


def _refusal(selection: Selection) -> Refused:
    rejected = selection.rejected
    counted = sorted(Counter(one.reason for one in rejected).items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{reason[:_LONGEST_REASON]} ({count})" for reason, count in counted[:_REASONS_SHOWN]]
    if len(counted) > len(shown):
        shown.append(f"and {len(counted) - len(shown)} further reasons")
    why = "; ".join(shown) or "there are no candidates"
    return Refused(
        f"no model is left for {selection.route_class[:64]}, of {len(rejected)} that were considered: {why}",
        where="route_class",
        remedy="Ask for less, or widen the class's targets, its requirements or the providers",
    )


# --- Strategies: each puts the candidates into the order in which they are tried -------------------------------------


def _as_they_stand(case: Case) -> list[Priced]:
    return case.rows


def _by_score(case: Case) -> list[Priced]:
    if not case.adjusts:
        return case.rows
    scored = zip(case.scores(case.rows), range(0, -len(case.rows), -1), case.rows, strict=True)
    return [one for _, _, one in sorted(scored, reverse=True)]  # of equals, the one that earned more


def _weighted(case: Case) -> list[Priced]:
    key = case.context.targeting_key
    if key is None:
        return case.rows
    name = case.route_class.name
    return sorted(case.rows, key=lambda one: (lot(name, key, one.row.name) << 32) // one.row.weight)


def _ladder(case: Case) -> tuple[list[Priced], int]:
    """From candidates by rising cost those that are better than all cheaper ones, and which of them fits."""
    rungs: list[Priced] = []
    sound = [one for one in case.rows if not case.limps(one)] if case.limping else []
    for one in sound or case.rows:
        if not rungs or one.row.model.quality > rungs[-1].row.model.quality:
            rungs.append(one)
    return rungs, difficulty(case.work) * len(rungs) // 101


def _by_difficulty(case: Case) -> list[Priced]:
    """The rung that fits, then better ones, then lesser ones, then the rest by rising cost."""
    rungs, at = _ladder(case)
    on = set(map(id, rungs))
    return [*rungs[at:], *reversed(rungs[:at]), *(one for one in case.rows if id(one) not in on)]


_STRATEGIES: Final[Mapping[Strategy, Callable[[Case], list[Priced]]]] = {
    "score": _by_score,
    "fixed": _as_they_stand,
    "cheapest": _as_they_stand,
    "fastest": _as_they_stand,
    "quality": _as_they_stand,
    "weighted": _weighted,
    "difficulty": _by_difficulty,
}


def _ranked(case: Case) -> list[Priced]:
    rows = _STRATEGIES[case.route_class.strategy](case)
    return sorted(rows, key=case.limps) if case.limping else rows


# --- Why, for people -------------------------------------------------------------------------------------------------


def _about(case: Case, one: Priced) -> str:
    cost = case.expected(one.row)
    return "unknown" if cost is None else f"about {dollars(cost)}"


def _why_weighted(case: Case, one: Priced) -> str:
    by = "the heaviest first, for want of a targeting key" if case.context.targeting_key is None else "by targeting key"
    return f"weight {one.row.weight} of {sum(other.row.weight for other in case.rows)}, {by}"


def _why_difficulty(case: Case, _one: Priced) -> str:
    rungs, at = _ladder(case)
    return f"difficulty {difficulty(case.work)}, step {at + 1} of {len(rungs)}"


_WHY: Final[Mapping[Strategy, Callable[[Case, Priced], str]]] = {
    "score": lambda case, one: f"score {case.score(one)}",
    "fixed": lambda _case, _one: "in order of preference",
    "cheapest": lambda case, one: f"by cost, {_about(case, one)}",
    "fastest": lambda _case, one: f"by speed, {one.row.model.speed} of 10",
    "quality": lambda _case, one: f"by quality, {one.row.model.quality} of 10",
    "weighted": _why_weighted,
    "difficulty": _why_difficulty,
}


def _candidate(case: Case, order: Sequence[Priced], index: int) -> Candidate:
    one = order[index]
    why = f"{_WHY[case.route_class.strategy](case, one)}; {index + 1} of {len(order)}"
    override = one.row.override
    if override is not None:
        why = f"{'forced' if override.forced else 'put here'} by {override.source or 'an override'}; {why}"
    return Candidate(one.row.model, case.score(one), case.terms(one), one.row.forced, why, case.expected(one.row))
