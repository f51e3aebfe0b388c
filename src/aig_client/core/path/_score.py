"""How good a candidate is, in whole numbers, so that every runtime ranks alike. docs/reference/selection.md."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from ..facts._catalog import Capabilities
from ..facts._classes import ScoreWeights

TOP: Final = 1_000
"""The most that a term can be."""

CHEAPEST: Final = 50_000_000
"""Nano-dollars for a million tokens (5 cents) that cost nothing in the score; each doubling costs 90 of 1 000."""
SHORTEST: Final = 8_000
"""Tokens of context window that earn nothing; each doubling earns 140 of 1 000."""

WARM: Final = 150
DEPRECATED: Final = 200
HIGHEST_BUDGET_PENALTY: Final = 250
LIMPING: Final = 500
"""A health, in thousandths, below which a candidate comes after those that are above, whatever the strategy."""

_DOUBLING_OF_PRICE: Final = 90
_DOUBLING_OF_WINDOW: Final = 140
_STEPS: Final = 16


def _octaves(number: int) -> int:
    """The logarithm to base 2 in sixteenths, by straight lines between powers of two."""
    bits = number.bit_length() - 1
    return _STEPS * bits + ((number * _STEPS) >> bits) - _STEPS


_CHEAPEST_OCTAVES: Final = _octaves(CHEAPEST)
_SHORTEST_OCTAVES: Final = _octaves(SHORTEST)


def cost_term(nanodollars_per_million: int | None) -> int:
    """0 to 1 000 for the price of a million tokens in the request's own mix; unknown is 0, as the dearest."""
    if nanodollars_per_million is None:
        return 0
    if nanodollars_per_million <= CHEAPEST:
        return TOP
    term = TOP - (_octaves(nanodollars_per_million) - _CHEAPEST_OCTAVES) * _DOUBLING_OF_PRICE // _STEPS
    return max(0, term)


def context_term(window: int | None) -> int:
    """0 to 1 000 for a context window; unknown is 0."""
    if window is None or window <= SHORTEST:
        return 0
    return min(TOP, (_octaves(window) - _SHORTEST_OCTAVES) * _DOUBLING_OF_WINDOW // _STEPS)


def rank_term(rank: int) -> int:
    """0 to 1 000 for a speed or quality of 1 to 10."""
    return (min(10, max(1, rank)) - 1) * TOP // 9


def fixed_part(model: Capabilities, weights: ScoreWeights) -> int:
    """What speed, quality and context bring, weighted."""
    return (
        weights.speed * rank_term(model.speed)
        + weights.quality * rank_term(model.quality)
        + weights.context * context_term(model.context_window)
    )


def total_of(weights: ScoreWeights) -> int:
    """What the weighted sum is divided by."""
    return weights.cost + weights.speed + weights.quality + weights.context or 1


def permille(health: float) -> int:
    """A health in thousandths. What is no number from 0 to 1 is the nearer end; not-a-number is 0."""
    if not health > 0:
        return 0
    return TOP if health >= 1 else max(1, int(health * TOP))


def budget_penalty(nanodollars: int, remaining: int) -> int:
    """0 to 250, by the share of what is left that a request would take."""
    return (
        HIGHEST_BUDGET_PENALTY if remaining <= 0 else HIGHEST_BUDGET_PENALTY * min(nanodollars, remaining) // remaining
    )


_BITS: Final = 64
_PRECISION: Final = 24


def lot(route_class: str, targeting_key: str, name: str) -> int:
    """The lot that a key draws for a candidate: how long it takes to come up if its weight is 1, in 2^-24ths.

    Minus the logarithm to base 2 of a uniform number, in integers alone: divided by a weight, the smallest wins with a
    chance in proportion to the weight, and no other candidate has a say in it (weighted rendezvous hashing).
    """
    text = f"aig-weighted/1\0{route_class}\0{targeting_key}\0{name}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(sha256(text).digest()[: _BITS // 8], "big") + 1
    bits = number.bit_length() - 1
    result = bits << _PRECISION
    mantissa = number << (_BITS - bits)  # 1 to 2, with 64 bits after the point
    for bit in range(_PRECISION - 1, -1, -1):
        mantissa = mantissa * mantissa >> _BITS
        if mantissa >> (_BITS + 1):
            mantissa >>= 1
            result += 1 << bit
    return (_BITS << _PRECISION) - result
