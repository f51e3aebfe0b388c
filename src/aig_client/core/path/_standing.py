"""How candidates stand to each other before health, budget and warmth: costs, scores, and the orders they give.

Costs are compared for a rounded size, so that requests of about one size share one comparison.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from ..facts._catalog import Capabilities
from ..facts._classes import ScoreWeights, Strategy
from ..facts._prices import Price
from ._candidates import Rejected
from ._score import cost_term, fixed_part, total_of

if TYPE_CHECKING:
    from ._policy import Override


class Rate(NamedTuple):
    """A price for requests whose input is longer than ``above``: nano-dollars, tokens by the million."""

    above: int
    request: int
    input: int
    output: int
    price: Price


class Row(NamedTuple):
    """A candidate that passed everything that depends on neither size nor health nor money.

    ``window`` and ``most`` are the context window and the longest output; ``ANY`` where they are unknown or forced.
    """

    name: str
    provider: str
    model: Capabilities
    target: int
    place: int
    weight: int
    window: int
    most: int
    deprecated: bool
    override: Override | None
    rates: tuple[Rate, ...]

    @property
    def forced(self) -> bool:
        return self.override is not None and self.override.forced

    def rate(self, input_tokens: int) -> Rate | None:
        """The price for an input of so many tokens; None where it is unknown."""
        found: Rate | None = None
        for rate in self.rates:
            if rate.above and rate.above >= input_tokens:
                break
            found = rate
        return found


ANY: Final = 1 << 62
UNKNOWN_COST: Final = 1 << 100
"""Stands behind every cost that is known."""


class Priced(NamedTuple):
    """A candidate with what the request costs there.

    Attributes:
        row: the candidate.
        window, most: its own, nearer at hand.
        cost: what the rounded request is expected to cost, in millionths of a nano-dollar, or ``UNKNOWN_COST``.
        ceiling: what no request of this size costs more than, in nano-dollars, or ``UNKNOWN_COST``.
        earned: cost, speed, quality and context, weighted: 0 to 1 000.
    """

    row: Row
    window: int
    most: int
    cost: int
    ceiling: int
    earned: int


def _score(one: Priced) -> object:
    return -one.earned, *_preference(one)


def _preference(one: Priced) -> tuple[int, int, str]:
    return one.row.target, one.row.place, one.row.name


def _cheapest(one: Priced) -> object:
    return one.cost, one.row.target, -one.row.model.quality, one.row.place, one.row.name


def _fastest(one: Priced) -> object:
    return -one.row.model.speed, one.row.target, one.cost, one.row.place, one.row.name


def _best(one: Priced) -> object:
    return -one.row.model.quality, one.row.target, one.cost, one.row.place, one.row.name


def _heaviest(one: Priced) -> object:
    return -one.row.weight, *_preference(one)


_KEYS: Final[Mapping[Strategy, Callable[[Priced], object]]] = {
    "score": _score,
    "fixed": _preference,
    "cheapest": _cheapest,
    "fastest": _fastest,
    "quality": _best,
    "weighted": _heaviest,
    "difficulty": _cheapest,
}
"""How each strategy orders candidates before it looks at anything else. Every order ends in the name: none is open."""


class Standing:
    """The candidates of a screen, for requests of about one size."""

    __slots__ = ("_orders", "input", "output", "priced")

    def __init__(self, rows: tuple[Row, ...], weights: ScoreWeights, input_tokens: int, sizes: tuple[int, int]) -> None:
        self.input, self.output = sizes
        total = total_of(weights)
        self.priced: list[Priced] = []
        for row in rows:
            rate = row.rate(input_tokens)
            cost, each = UNKNOWN_COST, None
            if rate is not None:
                cost = rate.request * 1_000_000 + rate.input * self.input + rate.output * self.output
                each = cost // (self.input + self.output or 1)
            earned = (fixed_part(row.model, weights) + weights.cost * cost_term(each)) // total
            self.priced.append(Priced(row, row.window, row.most, cost, _ceiling(row, rate, self.input), earned))
        self._orders: dict[Strategy, list[Priced]] = {}

    def order(self, strategy: Strategy) -> list[Priced]:
        """The candidates as a strategy orders them. The list is shared: leave it as it is."""
        found = self._orders.get(strategy)
        if found is None:
            found = self._orders[strategy] = sorted(self.priced, key=_KEYS[strategy])  # type: ignore[arg-type]
        return found


def _ceiling(row: Row, rate: Rate | None, input_tokens: int) -> int:
    longest = min(row.model.max_output_tokens or ANY, row.model.context_window or ANY)
    if rate is None or longest == ANY:
        return UNKNOWN_COST
    return rate.request + (rate.input * input_tokens + rate.output * longest) // 1_000_000 + 2  # each part is rounded


def rounded(tokens: int) -> int:
    """The next number with no more than three binary digits that count: at most a quarter more."""
    shift = max(0, tokens.bit_length() - 3)
    return -(-tokens >> shift) << shift


_MOST_STANDINGS: Final = 64


class Screen:
    """Candidates that can answer requests of a kind, and those that were rejected."""

    __slots__ = ("_standings", "_steps", "_weights", "rejected", "rows")

    def __init__(self, rows: tuple[Row, ...], rejected: tuple[Rejected, ...], weights: ScoreWeights) -> None:
        self.rows = rows
        self.rejected = rejected
        self._weights = weights
        self._steps = sorted({rate.above for row in rows for rate in row.rates})
        self._standings: dict[tuple[int, int, int], Standing] = {}

    def standing(self, input_tokens: int, output_tokens: int) -> Standing:
        """How the candidates stand for a request of a size; remembered."""
        # Prices step at an exact length of input, so a standing belongs between two steps.
        key = (rounded(input_tokens), rounded(output_tokens), bisect_left(self._steps, input_tokens))
        found = self._standings.get(key)
        if found is None:
            if len(self._standings) >= _MOST_STANDINGS:
                self._standings.clear()
            found = self._standings[key] = Standing(self.rows, self._weights, input_tokens, key[:2])
        return found
