"""What a request costs (contract 1.5, 5), to the nano-dollar."""

from __future__ import annotations

import decimal
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._config import Price
from aig_client.apps.emulator._costs import CustomCost, cost_of, nano_of, price_for, read_custom_cost

PRICE = Price(input=2.0, output=8.0)
TOKENS = st.integers(0, 10_000_000)
RATES = st.decimals(0, 100, places=12)


def custom(**rates: object) -> CustomCost:
    found = read_custom_cost(json.dumps(rates, default=float))
    assert found is not None
    return found


def rounded(nano: Fraction) -> int:
    return int(nano + Fraction(1, 2))


def test_a_price_is_dollars_for_a_million_tokens() -> None:
    assert cost_of(1_000_000, 0, 0, 0, price=PRICE, custom=None) == 2_000_000_000
    assert cost_of(0, 1_000_000, 0, 0, price=PRICE, custom=None) == 8_000_000_000
    assert cost_of(1, 1, 0, 0, price=PRICE, custom=None) == 10_000
    assert cost_of(1, 0, 0, 0, price=Price(input=0.1, output=0), custom=None) == 100


def test_cached_tokens_are_input_tokens_where_no_cache_rate_is_known() -> None:
    assert cost_of(100, 0, 60, 10, price=PRICE, custom=None) == cost_of(100, 0, 0, 0, price=PRICE, custom=None)
    rate = custom(per_token_in=0.001)
    assert cost_of(100, 0, 60, 10, price=PRICE, custom=rate) == 100_000_000


def test_unknown_tokens_have_no_cost() -> None:
    assert cost_of(None, None, None, None, price=PRICE, custom=None) is None
    assert cost_of(None, None, 3, 3, price=PRICE, custom=custom(per_token_in=1)) is None
    assert cost_of(10, None, None, None, price=PRICE, custom=None) == 20_000
    assert cost_of(None, 10, None, None, price=PRICE, custom=None) == 80_000


def test_a_flat_cost_needs_no_tokens_and_beats_rates() -> None:
    flat = custom(total_cost=0.25, per_token_in=9)
    assert cost_of(None, None, None, None, price=PRICE, custom=flat) == 250_000_000
    assert cost_of(5, 5, 0, 0, price=PRICE, custom=flat) == 250_000_000
    assert cost_of(5, 5, 0, 0, price=PRICE, custom=custom(total_cost=0)) == 0


@pytest.mark.parametrize(
    ("rates", "dollars"),
    [
        ({"per_token_in": 0.01, "per_token_out": 0.02}, "1.4"),
        ({"per_token_in": 0.01, "per_token_out": 0.02, "per_cache_read_token": 0.001}, "0.86"),
        ({"per_token_in": 0.01, "per_token_out": 0.02, "per_cache_write_token": 0.05}, "1.8"),
        ({"per_token_in": 0.01, "per_cache_read_token": 0, "per_cache_write_token": 0}, "0.3"),
        ({"per_token_out": 0.02}, "0.4"),
        ({"per_cache_read_token": 1}, "60"),
    ],
)
def test_either_cache_rate_switches_cache_pricing_on(rates: dict[str, float], dollars: str) -> None:
    """100 tokens in, 60 of them read from the provider's cache and 10 written to it; 20 out."""
    expected = int(Decimal(dollars) * 10**9)
    assert cost_of(100, 20, 60, 10, price=PRICE, custom=custom(**rates)) == expected


def test_more_cached_tokens_than_input_leave_no_negative_cost() -> None:
    rates = custom(per_token_in=1, per_cache_read_token=0.5)
    assert cost_of(10, 0, 50, 0, price=PRICE, custom=rates) == 25_000_000_000
    assert cost_of(-10, -10, -5, None, price=PRICE, custom=rates) == 0


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "0.1",
        "[]",
        "{}",
        "{",
        "null",
        '{"cost":1}',
        '{"per_token_in":"0.1"}',
        '{"per_token_in":-1}',
        '{"per_token_in":true}',
        '{"per_token_in":null,"per_token_out":1}',
        '{"per_token_in":1,"per_token_out":[]}',
        '{"total_cost":NaN}',
        '{"total_cost":1,"other":NaN}',
        '{"total_cost":Infinity}',
        '{"total_cost":1000001}',
        '{"total_cost":1e999999999}',
        '{"total_cost":1e99999999999999999999999999}',
        "[" * 100_000,
    ],
)
def test_a_bad_header_counts_as_not_sent(header: str | None) -> None:
    assert read_custom_cost(header) is None


def test_rates_are_read_by_their_digits() -> None:
    found = read_custom_cost('{"per_token_in":0.1,"per_token_out":3e-7,"other":"x","per_cache_read_token":0}')
    assert found == CustomCost(
        per_token_in=Decimal("0.1"), per_token_out=Decimal("3e-7"), per_cache_read_token=Decimal(0)
    )


@given(st.text() | st.dictionaries(st.sampled_from(["per_token_in", "total_cost", "x"]), st.floats()).map(json.dumps))
def test_any_header_reads(header: str) -> None:
    found = read_custom_cost(header)
    nano = cost_of(3, 4, 1, 1, price=PRICE, custom=found)
    assert isinstance(nano, int)
    assert nano >= 0


@given(st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,40})?(e-?[0-9]{1,30})?", fullmatch=True))
def test_no_number_is_too_much(number: str) -> None:
    found = read_custom_cost(f'{{"per_token_in":{number}}}')
    assert found is None or cost_of(10**40, 0, 0, 0, price=PRICE, custom=found) is not None


@given(TOKENS, TOKENS, RATES, RATES, RATES, st.data())
def test_custom_costs_are_exact(
    into: int, out: int, rate_in: Decimal, rate_out: Decimal, rate_read: Decimal, data: st.DataObject
) -> None:
    read = data.draw(st.integers(0, into))
    header = f'{{"per_token_in":{rate_in},"per_token_out":{rate_out},"per_cache_read_token":{rate_read}}}'
    exact = (into - read) * Fraction(rate_in) + out * Fraction(rate_out) + read * Fraction(rate_read)
    found = cost_of(into, out, read, 0, price=PRICE, custom=read_custom_cost(header))
    assert found == rounded(exact * 10**9)


@given(TOKENS, TOKENS, st.integers(0, 10**9), st.integers(0, 10**9))
def test_prices_are_exact(into: int, out: int, micro_in: int, micro_out: int) -> None:
    """A price that is written with six decimals is that price, not the double next to it."""
    price = Price(input=micro_in / 10**6, output=micro_out / 10**6)
    exact = Fraction(into * micro_in + out * micro_out, 10**12) * 10**9
    assert cost_of(into, out, 0, 0, price=price, custom=None) == rounded(exact)


def test_a_rate_has_eighteen_digits_after_the_point() -> None:
    rates = read_custom_cost('{"per_token_in":123456.123456789012345678,"per_token_out":1e-18}')
    assert cost_of(10**9, 0, 0, 0, price=PRICE, custom=rates) == 123456123456789012345678
    assert cost_of(0, 10**9, 0, 0, price=PRICE, custom=rates) == 1


def test_a_thousand_dimes_are_a_hundred_dollars() -> None:
    flat = custom(total_cost=0.1)
    assert sum(cost_of(0, 0, 0, 0, price=PRICE, custom=flat) or 0 for _ in range(1000)) == nano_of(100.0)


def test_the_callers_decimal_settings_change_nothing() -> None:
    with decimal.localcontext() as context:
        context.prec = 2
        assert cost_of(123_457, 0, 0, 0, price=PRICE, custom=custom(per_token_in=0.000123)) == 15_185_211_000
        assert nano_of(123.456789) == 123_456_789_000


def test_whose_price() -> None:
    prices = {"gpt-5": Price(input=3.0, output=9.0), "*": Price(input=0.5, output=0.5)}
    assert price_for(prices, "gpt-5").input == 3.0
    assert price_for(prices, "other").input == 0.5
    assert price_for(prices, None).input == 0.5
    assert price_for({}, "gpt-5") == Price()
