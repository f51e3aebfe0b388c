"""Whatever was used and whatever it is priced at, the cost is a sum, never negative, and never less for more."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.core import GatewayMetadata, Usage, normalize_usage
from aig_client.core.facts._cost import Cost, blended_price, cost_of, custom_cost_of, estimate_cost
from aig_client.core.facts._prices import Price

from .test_usage import ANYTHING, DIALECTS, TOKENS, payloads

EACH = [field.name for field in fields(Price) if field.name not in ("tier", "above", "since")]
PER_TOKEN = st.integers(0, 100_000).map(lambda nano: nano * 1_000_000)
"""Prices that make whole nano-dollars for a token, so that no rounding hides or shows a difference."""
MONEY = st.integers(0, 10**11)
COUNTS = st.integers(0, 10**7)


def prices(value: st.SearchStrategy[int]) -> st.SearchStrategy[Price]:
    some = st.fixed_dictionaries({}, optional=dict.fromkeys(EACH, value))
    return st.builds(lambda known, above: Price(**known, above=above), some, st.sampled_from([0, 0, 200_000]))


@st.composite
def whole_prices(draw: st.DrawFn) -> Price:
    """Everything is priced, and reading a cache is never dearer than fresh input, nor sound or pictures cheaper."""
    known: dict[str, Any] = {name: draw(PER_TOKEN) for name in EACH}
    known["cache_read"] = min(known["cache_read"], known["input"])
    for name in ("input_audio", "input_image"):
        known[name] = max(known[name], known["input"])
    return Price(**known)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Usage whose parts add up."""
    fresh, read, short, long, untimed = (draw(COUNTS) for _ in range(5))
    text, reasoning, spoken, drawn = (draw(COUNTS) for _ in range(4))
    write = short + long + untimed
    taken = fresh + read + write
    heard = draw(st.integers(0, taken))
    return Usage(
        taken,
        text + reasoning + spoken + drawn,
        read,
        write,
        cache_write_5m_input_tokens=short,
        cache_write_1h_input_tokens=long,
        reasoning_tokens=reasoning,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
        input_audio_tokens=heard,
        input_image_tokens=draw(st.integers(0, taken - heard)),
        audio_seconds=draw(st.floats(0, 10**6)),
        searches=draw(st.integers(0, 100)),
        characters=draw(COUNTS),
    )


def known(cost: Cost) -> int:
    assert cost.nanodollars is not None, cost.reasons
    return cost.nanodollars


def is_sound(cost: Cost) -> None:
    if cost.nanodollars is None:
        assert (cost.basis, cost.lines) == (None, ())
        assert cost.reasons
    else:
        assert type(cost.nanodollars) is int
        assert cost.nanodollars >= 0
        assert cost.nanodollars == sum(line.nanodollars for line in cost.lines)
        assert cost.basis is not None
    assert all(line.quantity > 0 and line.nanodollars >= 0 and line.price >= 0 for line in cost.lines)
    json.dumps(dict(cost.as_dict()), allow_nan=False)
    assert (cost.dollars is None) == (cost.nanodollars is None) == (str(cost) == "unknown")


@settings(max_examples=200)
@given(DIALECTS | st.none(), payloads(ANYTHING) | payloads(TOKENS), prices(MONEY), st.booleans(), st.booleans())
def test_whatever_was_reported_it_has_a_cost_or_a_reason(
    dialect: Any, payload: dict[str, Any], price: Price, whole: bool, mine: bool
) -> None:
    usage = normalize_usage(dialect, payload, complete=whole)
    cost = cost_of(usage, price, prefer_reported=not mine)
    is_sound(cost)
    is_sound(cost_of(usage, None))
    if cost.basis == "derived":
        assert usage.complete
        assert not usage.contradictions
    if usage.reported_cost is not None and not mine:
        exact = Decimal(repr(usage.reported_cost)) * 10**9
        assert cost.nanodollars == int(exact.to_integral_value("ROUND_HALF_EVEN"))


@settings(max_examples=200)
@given(DIALECTS | st.none(), payloads(ANYTHING) | payloads(TOKENS), prices(MONEY) | st.none(), st.booleans())
def test_a_hit_costs_nothing_and_saved_what_the_miss_cost(
    dialect: Any, payload: dict[str, Any], price: Price | None, mine: bool
) -> None:
    usage = normalize_usage(dialect, payload)
    miss = cost_of(usage, price, prefer_reported=not mine)
    hit = cost_of(usage, price, cached=True, prefer_reported=not mine)
    is_sound(hit)
    assert (hit.nanodollars, hit.lines, hit.basis) == (0, (), "derived")
    assert hit.saved_nanodollars == miss.nanodollars
    assert (miss.saved_nanodollars, hit.prompt_cache_saved_nanodollars) == (0, 0)


@settings(max_examples=100)
@given(usages(), whole_prices(), st.integers(1, 10**6), st.data())
def test_more_never_costs_less(usage: Usage, price: Price, more: int, data: st.DataObject) -> None:
    part = data.draw(
        st.sampled_from(
            [
                {"input_tokens"},
                {"input_tokens", "cache_read_input_tokens"},
                {"input_tokens", "cache_write_input_tokens"},
                {"input_tokens", "cache_write_input_tokens", "cache_write_5m_input_tokens"},
                {"input_tokens", "cache_write_input_tokens", "cache_write_1h_input_tokens"},
                {"input_tokens", "input_audio_tokens"},
                {"input_tokens", "input_image_tokens"},
                {"output_tokens"},
                {"output_tokens", "reasoning_tokens"},
                {"output_tokens", "output_audio_tokens"},
                {"output_tokens", "output_image_tokens"},
                {"audio_seconds"},
                {"searches"},
                {"characters"},
            ]
        )
    )
    grown = replace(usage, **{name: getattr(usage, name) + more for name in part})
    assert known(cost_of(grown, price)) >= known(cost_of(usage, price))


@settings(max_examples=100)
@given(usages(), whole_prices(), st.data())
def test_more_of_the_same_input_from_the_cache_never_costs_more(
    usage: Usage, price: Price, data: st.DataObject
) -> None:
    assert usage.fresh_input_tokens is not None
    assert usage.cache_read_input_tokens is not None
    moved = data.draw(st.integers(0, usage.fresh_input_tokens))
    warmer = replace(usage, cache_read_input_tokens=usage.cache_read_input_tokens + moved)
    before, after = cost_of(usage, price), cost_of(warmer, price)
    assert known(after) <= known(before)
    assert before.prompt_cache_saved_nanodollars is not None
    assert after.prompt_cache_saved_nanodollars is not None
    assert after.prompt_cache_saved_nanodollars >= before.prompt_cache_saved_nanodollars


@settings(max_examples=100)
@given(usages(), whole_prices())
def test_every_token_is_paid_once(usage: Usage, price: Price) -> None:
    lines = {line.name: line for line in cost_of(usage, price).lines}
    inputs = {"input", "input_audio", "input_image", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h"}
    outputs = {"output", "reasoning", "output_audio", "output_image"}
    assert sum(lines[name].quantity for name in inputs & lines.keys()) == usage.input_tokens
    assert sum(lines[name].quantity for name in outputs & lines.keys()) == usage.output_tokens


@settings(max_examples=100)
@given(usages(), whole_prices())
def test_without_sound_and_pictures_the_cost_is_the_sum_of_products(usage: Usage, price: Price) -> None:
    plain = replace(usage, input_audio_tokens=0, input_image_tokens=0, audio_seconds=0.0)
    cost = cost_of(plain, price)
    untimed = (
        (plain.cache_write_input_tokens or 0)
        - (plain.cache_write_5m_input_tokens or 0)
        - (plain.cache_write_1h_input_tokens or 0)
    )
    writes = (
        (plain.cache_write_5m_input_tokens or 0) * (price.cache_write_5m or 0)
        + (plain.cache_write_1h_input_tokens or 0) * (price.cache_write_1h or 0)
        + untimed * max(price.cache_write_5m or 0, price.cache_write_1h or 0)
    )
    reads = (plain.cache_read_input_tokens or 0) * (price.cache_read or 0)
    cached = (plain.cache_read_input_tokens or 0) + (plain.cache_write_input_tokens or 0)
    tokens = (
        (plain.fresh_input_tokens or 0) * (price.input or 0)
        + reads
        + writes
        + (plain.output_text_tokens or 0) * (price.output or 0)
        + (plain.reasoning_tokens or 0) * (price.reasoning or 0)
        + (plain.output_audio_tokens or 0) * (price.output_audio or 0)
        + (plain.output_image_tokens or 0) * (price.output_image or 0)
        + (plain.characters or 0) * (price.character or 0)
    )
    assert known(cost) == tokens // 10**6 + (plain.searches or 0) * (price.search or 0) + (price.request or 0)
    assert cost.prompt_cache_saved_nanodollars == (cached * (price.input or 0) - reads - writes) // 10**6


@settings(max_examples=100)
@given(usages(), whole_prices(), prices(MONEY), st.sampled_from(["cache_read", "cache_write_5m", "cache_write_1h"]))
def test_a_price_less_is_never_a_lower_cost(usage: Usage, price: Price, ragged: Price, name: str) -> None:
    """A substitute may cost too much, never too little. Writing is dearer for an hour, as it is everywhere."""
    price = replace(price, cache_write_1h=max(price.cache_write_1h or 0, price.cache_write_5m or 0))
    full = cost_of(usage, price)
    unpriced: dict[str, Any] = {name: None}
    poorer = cost_of(usage, replace(price, **unpriced))
    if name != "cache_write_1h" or usage.cache_write_1h_input_tokens:  # without a price, there is no hour to write for
        assert poorer.nanodollars is None or poorer.nanodollars >= known(full)
    is_sound(cost_of(usage, ragged))


@settings(max_examples=100)
@given(prices(MONEY), COUNTS, COUNTS)
def test_estimate_and_comparison_agree(price: Price, taken: int, given_out: int) -> None:
    estimate = estimate_cost(input_tokens=taken, max_output_tokens=given_out, price=price)
    is_sound(estimate)
    if price.input is not None and price.output is not None:
        assert blended_price(price, input_tokens=taken, output_tokens=given_out) == estimate.nanodollars


@settings(max_examples=100)
@given(whole_prices(), COUNTS, COUNTS, st.data(), st.sampled_from([None, 300, 3600]))
def test_an_estimate_bounds_what_text_costs(
    price: Price, taken: int, most: int, data: st.DataObject, ttl: int | None
) -> None:
    read = data.draw(st.integers(0, taken))
    write = 0 if ttl is None else data.draw(st.integers(0, taken - read))
    given_out = data.draw(st.integers(0, most))
    usage = Usage(
        taken,
        given_out,
        read,
        write,
        cache_write_5m_input_tokens=write if ttl == 300 else 0,
        cache_write_1h_input_tokens=write if ttl == 3600 else 0,
        reasoning_tokens=data.draw(st.integers(0, given_out)),
    )
    estimate = estimate_cost(input_tokens=taken, max_output_tokens=most, price=price, prefix_ttl=ttl)
    assert known(cost_of(usage, price)) <= known(estimate)


@given(prices(MONEY), st.sampled_from([300, 3600]))
def test_a_custom_cost_is_the_price_to_the_last_digit(price: Price, ttl: int) -> None:
    custom = custom_cost_of(price, prefix_ttl=ttl)
    GatewayMetadata(custom_cost=custom)
    if custom is None:
        assert price.input is None or (price.cache_write_5m is None) != (price.cache_write_1h is None)
        return
    write = price.cache_write_5m if ttl == 300 else price.cache_write_1h
    each = (price.input, price.output, price.cache_read, write)
    names = ("per_token_in", "per_token_out", "per_cache_read_token", "per_cache_write_token")
    assert {name: round(Decimal(repr(value)) * 10**15) for name, value in custom.items()} == {
        name: rate for name, rate in zip(names, each, strict=True) if rate is not None
    }
