"""One question of which model answers: the filters of size, health and money, and the numbers to rank by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ..facts._cost import blended_price
from ._candidates import Context
from ._score import DEPRECATED, LIMPING, TOP, WARM, budget_penalty, context_term, cost_term, permille, rank_term
from ._standing import UNKNOWN_COST, Priced, Screen, Standing

if TYPE_CHECKING:
    from ..facts._classes import RouteClass
    from ..facts._prices import Price
    from ._standing import Row
    from ._work import Work

EXPECTED_OUTPUT: Final = 500
"""Tokens that are expected to come out, for comparing costs, where no lower bound is set: a bound is no expectation."""


def dollars(nanodollars: int) -> str:
    """An amount for people: ``$0.0123``, with as many digits as it takes to be more than nothing."""
    return f"${nanodollars / 1_000_000_000:.{9 if 0 < nanodollars < 1_000_000 else 4}f}"


class Case:
    """One question, with the candidates that passed every filter (``rows``, in the strategy's order)."""

    __slots__ = (
        *("_health", "bound", "context", "input", "limping", "output"),
        *("route_class", "rows", "standing", "turned_down", "work"),
    )

    def __init__(self, route_class: RouteClass, work: Work, context: Context, screen: Screen) -> None:
        self.route_class = route_class
        self.work = work
        self.context = context
        self._health = {name: permille(health) for name, health in context.health.items()}
        self.limping = any(health < LIMPING for health in self._health.values())
        asked, cap = work.max_output_tokens, route_class.limits.max_output_tokens
        self.bound = min(asked or cap or 0, cap or asked or 0)
        self.input = work.estimated_input_tokens
        self.output = 0 if work.kind == "embeddings" else min(self.bound or EXPECTED_OUTPUT, EXPECTED_OUTPUT)
        self.standing: Standing = screen.standing(self.input, self.output)
        self.rows, self.turned_down = self._sift(self.standing.order(route_class.strategy))

    def _sift(self, order: list[Priced]) -> tuple[list[Priced], list[Priced]]:
        context, needed, bound = self.context, self.input + self.bound, self.bound
        rows = [one for one in order if one.window >= needed and one.most >= bound]
        if excluded := context.excluded:
            rows = [one for one in rows if one.row.name not in excluded]
        if self.limping:
            rows = [one for one in rows if self.health(one.row)]
        if (left := context.remaining_nanodollars) is not None:
            rows = [one for one in rows if one.ceiling <= left or self._too_dear(one.row, left) is None]
        if len(rows) == len(order):
            return rows, []
        kept = set(map(id, rows))
        return rows, [one for one in order if id(one) not in kept]

    def why_not(self, row: Row) -> str | None:
        """The filters that depend on size, health and money; None where a candidate passes them."""
        if row.window < self.input + self.bound:
            return f"its context window is {row.window} tokens, about {self.input + self.bound} are needed"
        if row.most < self.bound:
            return f"gives at most {row.most} tokens, {self.bound} are asked for"
        context = self.context
        if context.excluded and row.name in context.excluded:
            return context.excluded[row.name]
        if self._health and self.health(row) == 0:
            return "unhealthy"
        return None if context.remaining_nanodollars is None else self._too_dear(row, context.remaining_nanodollars)

    def _too_dear(self, row: Row, remaining: int) -> str | None:
        cost = self._at_most(row)
        if cost is None:
            return "what it may cost is unknown, and there is a budget"
        return f"may cost {dollars(cost)}, and {dollars(remaining)} are left" if cost > remaining else None

    def _at_most(self, row: Row) -> int | None:
        """The most that the request may cost there; None where a price, or every bound of the output, is unknown."""
        price = self._price(row)
        if price is None:
            return None
        output = 0
        if self.output:
            model, window = row.model, row.model.context_window
            output = min(
                self.bound or ANY_OUTPUT,
                model.max_output_tokens or ANY_OUTPUT,
                ANY_OUTPUT if window is None else max(0, window - self.input),
            )
            if output == ANY_OUTPUT:
                return None
        return blended_price(price, input_tokens=self.input, output_tokens=output)

    def _price(self, row: Row) -> Price | None:
        rate = row.rate(self.input)
        return None if rate is None else rate.price

    def health(self, row: Row) -> int:
        """In thousandths: of the model, else of its provider; who is not known to be ill is well."""
        return self._health.get(row.name, self._health.get(row.provider, TOP))

    def limps(self, one: Priced) -> bool:
        """Whether it comes after all that are well."""
        return self.health(one.row) < LIMPING

    @property
    def adjusts(self) -> bool:
        """Whether anything moves scores away from what was earned."""
        moved = self._health or self.context.warm or self.context.remaining_nanodollars is not None
        return bool(moved) or any(one.row.deprecated for one in self.rows)

    def scores(self, rows: list[Priced]) -> list[int]:
        """What each earned, times health, less its share of the budget, and so on: docs/reference/selection.md."""
        health, warm, left = self._health, self.context.warm, self.context.remaining_nanodollars
        scores: list[int] = []
        for one in rows:
            score, row = one.earned, one.row
            if health:
                score = score * health.get(row.name, health.get(row.provider, TOP)) // TOP
            if left is not None and one.cost != UNKNOWN_COST:
                score -= budget_penalty(one.cost // 1_000_000, left)
            if row.name in warm:
                score += WARM
            scores.append(score - DEPRECATED if row.deprecated else score)
        return scores

    def score(self, one: Priced) -> int:
        """The score of one candidate."""
        return self.scores([one])[0]

    def terms(self, one: Priced) -> Mapping[str, int]:
        """What ``score`` is made of, for people."""
        context, model = self.context, one.row.model
        tokens = self.standing.input + self.standing.output
        terms = {
            "cost": cost_term(None if one.cost == UNKNOWN_COST else one.cost // (tokens or 1)),
            "speed": rank_term(model.speed),
            "quality": rank_term(model.quality),
            "context": context_term(model.context_window),
            "health": self.health(one.row),
        }
        if context.remaining_nanodollars is not None and one.cost != UNKNOWN_COST:
            terms["budget"] = -budget_penalty(one.cost // 1_000_000, context.remaining_nanodollars)
        if one.row.name in context.warm:
            terms["warm"] = WARM
        if one.row.deprecated:
            terms["deprecated"] = -DEPRECATED
        return MappingProxyType(terms)

    def expected(self, row: Row) -> int | None:
        """What the request is expected to cost there, in nano-dollars; None where that is unknown."""
        price = self._price(row)
        return None if price is None else blended_price(price, input_tokens=self.input, output_tokens=self.output)


ANY_OUTPUT: Final = 1 << 62
