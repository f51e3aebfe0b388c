"""What an answer costs, with one meaning: what its provider says, else counts times prices, else an estimate.

Each line is rounded half-even to a nano-dollar, and the total is the sum of the lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._errors import ConfigurationError
from ._cost_bill import Bill, derived, is_by_tokens
from ._cost_record import Cost, CostBasis, CostLine, CostUnit, exactly
from ._prices import NANO
from ._usage_record import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._prices import Price

__all__ = [
    "Cost",
    "CostBasis",
    "CostLine",
    "CostUnit",
    "blended_price",
    "cost_of",
    "custom_cost_of",
    "estimate_cost",
]

_MILLION: Final = 1_000_000
_NO_USAGE: Final = Usage()


def cost_of(
    usage: Usage | None,
    price: Price | None,
    *,
    cached: bool = False,
    prefer_reported: bool = True,
    why_no_price: str = "",
) -> Cost:
    """What an answer cost at its provider. Never raises.

    Args:
        usage: what the answer used; None where nobody said.
        price: the price that holds for this request: its day, tier and length of input; None where none is known.
        cached: the gateway answered from its cache: the provider was not asked and is paid nothing.
        prefer_reported: what the provider itself says it cost counts more than our prices.
        why_no_price: why ``price`` is None, for ``reasons``.
    """
    if cached:
        missed = cost_of(usage, price, prefer_reported=prefer_reported, why_no_price=why_no_price)
        return Cost(
            0,
            (),
            "derived",
            saved_nanodollars=missed.nanodollars,
            prompt_cache_saved_nanodollars=0,
            reasons=("answered from the gateway's cache; the rest is about what was saved", *missed.reasons),
            tier=missed.tier,
            price_since=missed.price_since,
        )
    known = _NO_USAGE if usage is None else usage
    if prefer_reported and known.reported_cost is not None:
        return _reported(known, known.reported_cost, price)
    if price is None:
        nothing = usage is not None and not (known.cache_read_input_tokens or known.cache_write_input_tokens)
        reasons = (why_no_price or "no price is known",)
        return Cost(None, prompt_cache_saved_nanodollars=0 if nothing else None, reasons=reasons)
    return derived(known, price, said=usage is not None)


def _reported(usage: Usage, dollars: float, price: Price | None) -> Cost:
    """The provider's own word. Our price says only what its prompt cache saved."""
    if not 0 <= dollars < float("inf"):
        return Cost(None, reasons=("the cost that the provider reports is no amount",))
    total = exactly(dollars, NANO, 1)
    ours = None
    if price is not None and (not total or usage.cache_read_input_tokens or usage.cache_write_input_tokens):
        ours = derived(usage, price, said=True)
    reasons: list[str] = []
    if not total and ours is not None and ours.nanodollars:
        # OpenRouter with a key of one's own: the cost is its fee, and another one sends the bill for the rest.
        reasons.append("the provider reports no cost, though the model has a price: another one may send the bill")
    if not usage.complete:
        reasons.append("the answer was cut: the reported cost is that until then")
    cached = usage.cache_read_input_tokens or usage.cache_write_input_tokens
    return Cost(
        total,
        (CostLine("reported", 1, "request", total, total),) if total else (),
        "reported" if usage.complete else "estimated",
        prompt_cache_saved_nanodollars=0
        if not cached
        else None
        if ours is None
        else ours.prompt_cache_saved_nanodollars,
        reasons=tuple(reasons),
    )


def estimate_cost(
    *, input_tokens: int, max_output_tokens: int, price: Price | None, prefix_ttl: int | None = None
) -> Cost:
    """At most what a request of text will cost: nothing is read from a cache, and the whole output is used.

    Args:
        input_tokens: the whole input.
        max_output_tokens: the most that may come out, reasoning included.
        price: the price that holds for this request; None where none is known.
        prefix_ttl: seconds that a marked prefix is asked to live in the provider's prompt cache; the whole input is
            then taken as written, where that is dearer. None where nothing is marked.

    Searches, sound, pictures, seconds and characters are not in it: nobody knows them before the answer.

    Raises:
        ConfigurationError: a count is negative.
    """
    if input_tokens < 0 or max_output_tokens < 0:
        name = "input_tokens" if input_tokens < 0 else "max_output_tokens"
        raise ConfigurationError(name, "must not be negative")
    if price is None:
        return Cost(None, reasons=("no price is known",))
    bill = Bill()
    if not is_by_tokens(price) and price.request is None:
        bill.fail("the price does not count tokens")
    else:
        counted = is_by_tokens(price)
        bill.add("input", input_tokens if counted else 0, _dearest_input(price, prefix_ttl))
        bill.add("output", max_output_tokens if counted else 0, _dearest_output(price))
    if price.request:
        bill.each("request", 1, "request", price.request)
    return Cost(
        None if bill.unknown else bill.total,
        () if bill.unknown else tuple(bill.lines),
        None if bill.unknown else "estimated",
        reasons=tuple(bill.reasons),
        tier=price.tier,
        price_since=price.since,
    )


def _dearest_input(price: Price, prefix_ttl: int | None) -> int | None:
    if prefix_ttl is None or price.input is None:
        return price.input
    write = price.cache_write_5m if prefix_ttl <= 300 else price.cache_write_1h
    return None if write is None else max(write, price.input)


def _dearest_output(price: Price) -> int | None:
    if price.output is None or price.reasoning is None:
        return price.output
    return max(price.output, price.reasoning)


def blended_price(price: Price, *, input_tokens: int, output_tokens: int) -> int | None:
    """What ``estimate_cost`` says, in nano-dollars, for comparing many models: no lines, no reasons, no checks.

    None where a token that is there has no known price.
    """
    total = price.request or 0
    if input_tokens:
        each = price.input
        if each is None:
            return None
        paid, rest = divmod(input_tokens * each, 1_000_000)
        total += paid + (rest > 500_000 or (rest == 500_000 and paid & 1))
    if output_tokens:
        each = price.output
        if each is None:
            return None
        if price.reasoning is not None and price.reasoning > each:
            each = price.reasoning
        paid, rest = divmod(output_tokens * each, 1_000_000)
        total += paid + (rest > 500_000 or (rest == 500_000 and paid & 1))
    return total


def custom_cost_of(price: Price, *, prefix_ttl: int = 300) -> Mapping[str, float] | None:
    """What ``GatewayMetadata(custom_cost=...)`` takes, so that the gateway counts by our price (contract 1.5).

    US dollars for a token. Each number is the double nearest to the price, and JSON writes it with the fewest digits
    that mean this double: a price of up to 15 digits comes out as it is, as ``2.5e-06``. A cache rate is in it where
    its price is known; the gateway counts at ``per_token_in`` what has none. ``prefix_ttl`` above 300 means writes
    for an hour.

    None, and the gateway keeps to its own prices, where the header would count too little: the price of input is
    unknown, or that of the writes asked for while that of others is known.
    """
    if price.input is None:
        return None
    write = price.cache_write_5m if prefix_ttl <= 300 else price.cache_write_1h
    if write is None and (price.cache_write_5m is not None or price.cache_write_1h is not None):
        return None
    rates = {
        "per_token_in": price.input,
        "per_token_out": price.output,
        "per_cache_read_token": price.cache_read,
        "per_cache_write_token": write,
    }
    # One division of two integers: Python rounds it once, to the nearest double.
    return {name: rate / (NANO * _MILLION) for name, rate in rates.items() if rate is not None}
