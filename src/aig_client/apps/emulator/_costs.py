"""What a request costs, in whole nano-dollars: integers all the way, so that a thousand small costs add up exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NoReturn, cast

from ._config import Price

NANO = 1_000_000_000
"""Nano-dollars in a dollar."""

ANY_MODEL = "*"

# Rates are counted in 1e-18 dollars a token; what is finer is rounded. A rate has to stay below a million dollars.
_ATTO_DIGITS = 18
_ATTO_IN_NANO = 10**9
_MILLION_DIGITS = 6
_HIGHEST_RATE = 1_000_000
_MOST_TOKENS = 10**15

# A context of our own: the caller's decimal settings must not change a price.
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)

_RATES = ("per_token_in", "per_token_out", "per_cache_read_token", "per_cache_write_token", "total_cost")
_DEFAULT_PRICE = Price()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCost:
    """`cf-aig-custom-cost`: US dollars a token, or one flat cost. `None` is a number that was not sent."""

    per_token_in: Decimal | None = None
    per_token_out: Decimal | None = None
    per_cache_read_token: Decimal | None = None
    per_cache_write_token: Decimal | None = None
    total_cost: Decimal | None = None


def read_custom_cost(header: str | None) -> CustomCost | None:
    """Read the header. `None`: it was not sent, or it is not what is documented. Never raises.

    What the service makes of a bad one is undocumented; here it counts as not sent, as a whole: no JSON object,
    none of the five members, or a member that is not a number of 0 to 1 000 000 dollars. Other members are ignored.
    """
    if not header:
        return None
    try:
        found: object = json.loads(header, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    members = cast("dict[str, object]", found)
    sent = {name: _rate(members[name]) for name in _RATES if name in members}
    if not sent or None in sent.values():
        return None
    return CustomCost(**sent)


def cost_of(
    tokens_in: int | None,
    tokens_out: int | None,
    cache_read: int | None,
    cache_write: int | None,
    *,
    price: Price,
    custom: CustomCost | None,
) -> int | None:
    """The cost in nano-dollars, rounded half up. `None`: neither count of tokens is known, and no flat cost was sent.

    `tokens_in` counts all input tokens, those that the provider's own cache read or wrote among them. One count that
    is missing is zero: embeddings report no output. Cache rates apply when either was sent; the other one is then
    `per_token_in` (contract 1.5). Without them a cached token costs what any input token does.
    """
    if custom is not None and custom.total_cost is not None:
        return _nano(_atto(custom.total_cost))
    if tokens_in is None and tokens_out is None:
        return None
    into, out = _count(tokens_in), _count(tokens_out)
    if custom is None:
        return _nano(into * _atto_of_price(price.input) + out * _atto_of_price(price.output))
    # A rate that is left out is undocumented; nothing was said of it, so it adds nothing.
    rate_in = custom.per_token_in or Decimal(0)
    total = out * _atto(custom.per_token_out or Decimal(0))
    if custom.per_cache_read_token is None and custom.per_cache_write_token is None:
        return _nano(total + into * _atto(rate_in))
    read, write = _count(cache_read), _count(cache_write)
    total += read * _atto(rate_in if custom.per_cache_read_token is None else custom.per_cache_read_token)
    total += write * _atto(rate_in if custom.per_cache_write_token is None else custom.per_cache_write_token)
    return _nano(total + max(into - read - write, 0) * _atto(rate_in))


def price_for(prices: Mapping[str, Price], model: str | None) -> Price:
    """A model's own price, else that of `*`, else the emulator's default."""
    if model is not None and model in prices:
        return prices[model]
    return prices.get(ANY_MODEL, _DEFAULT_PRICE)


def nano_of(dollars: float) -> int:
    """A configured amount in nano-dollars, by the digits that it is written with. It must be finite."""
    return _nano(_atto(Decimal(repr(dollars))))


def _rate(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) and 0 <= value <= _HIGHEST_RATE else None


def _atto(dollars: Decimal) -> int:
    return int(_WIDE.to_integral_value(_WIDE.scaleb(dollars, _ATTO_DIGITS)))


def _atto_of_price(dollars_a_million: float) -> int:
    return int(_WIDE.to_integral_value(_WIDE.scaleb(Decimal(repr(dollars_a_million)), _ATTO_DIGITS - _MILLION_DIGITS)))


def _nano(atto: int) -> int:
    return (atto + _ATTO_IN_NANO // 2) // _ATTO_IN_NANO


def _count(tokens: int | None) -> int:
    # A real upstream may report anything.
    return min(max(tokens or 0, 0), _MOST_TOKENS)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
