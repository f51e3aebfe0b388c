"""Cost with one meaning: the arithmetic of ``cost.json``, and what no vector can say."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from decimal import ROUND_UP, Decimal, localcontext
from typing import Any

import pytest

from aig_client.core import ConfigurationError, GatewayMetadata, Usage, normalize_usage, surface_of
from aig_client.core.facts._cost import (
    Cost,
    CostLine,
    blended_price,
    cost_of,
    custom_cost_of,
    estimate_cost,
)
from aig_client.core.facts._prices import Price

from .vectors import cases

SONNET = Price(
    input=3_000_000_000,
    output=15_000_000_000,
    cache_read=300_000_000,
    cache_write_5m=3_750_000_000,
    cache_write_1h=6_000_000_000,
    tier="batch",
    since="2025-09-29",
)
CACHED = Usage(1000, 10, 400, 500, cache_write_5m_input_tokens=300, cache_write_1h_input_tokens=200)


def usage_of(case: dict[str, Any]) -> Usage | None:
    if "payload" in case:
        return normalize_usage(case["dialect"], case["payload"])
    return None if case["usage"] is None else Usage(**case["usage"])


def price_of(case: dict[str, Any]) -> Price | None:
    return None if case["price"] is None else Price(**case["price"])


def listed(cost: Cost) -> list[list[Any]]:
    return [[line.name, line.quantity, line.nanodollars] for line in cost.lines]


def check(cost: Cost, expect: dict[str, Any]) -> None:
    assert {name: getattr(cost, name) for name in expect if name not in ("lines", "reasons")} == {
        name: value for name, value in expect.items() if name not in ("lines", "reasons")
    }
    assert listed(cost) == expect["lines"]
    assert list(cost.reasons) == expect["reasons"]
    assert all(type(line.nanodollars) is int for line in cost.lines)
    if cost.nanodollars is None:
        assert (cost.lines, cost.basis) == ((), None)
        assert cost.reasons
    else:
        assert cost.nanodollars == sum(line.nanodollars for line in cost.lines)
        assert cost.basis is not None


@cases("cost.json", "costs")
def test_an_answer_has_one_cost(case: dict[str, Any]) -> None:
    price = price_of(case)
    cost = cost_of(usage_of(case), price, **case.get("options", {}))
    check(cost, case["expect"])
    used = price is not None and not any(line.name == "reported" for line in cost.lines) and cost.basis != "reported"
    assert (cost.tier, cost.price_since) == ((price.tier, price.since) if used and price else (None, None))


@cases("cost.json", "estimates")
def test_a_request_has_one_estimate(case: dict[str, Any]) -> None:
    price = price_of(case)
    cost = estimate_cost(
        input_tokens=case["input_tokens"],
        max_output_tokens=case["max_output_tokens"],
        price=price,
        prefix_ttl=case.get("prefix_ttl"),
    )
    check(cost, case["expect"])
    assert cost.basis == (None if cost.nanodollars is None else "estimated")
    assert (cost.saved_nanodollars, cost.prompt_cache_saved_nanodollars) == (0, None)
    if price is not None and "prefix_ttl" not in case:
        arguments = {"input_tokens": case["input_tokens"], "output_tokens": case["max_output_tokens"]}
        assert blended_price(price, **arguments) == cost.nanodollars


@cases("cost.json", "custom_costs")
def test_a_price_as_the_header_takes_it(case: dict[str, Any]) -> None:
    options = {"prefix_ttl": case["prefix_ttl"]} if "prefix_ttl" in case else {}
    custom = custom_cost_of(Price(**case["price"]), **options)
    assert custom == case["expect"]
    surface = surface_of(
        "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/gw/openai/chat/completions"
    )
    assert surface is not None
    headers = GatewayMetadata(custom_cost=custom).headers(surface)
    assert headers == ({} if case["header"] is None else {"cf-aig-custom-cost": case["header"]})


def test_custom_cost_is_refused_where_it_does_nothing() -> None:
    rest = surface_of("https://api.cloudflare.com/client/v4/accounts/0123456789abcdef0123456789abcdef/ai/v1/responses")
    assert rest is not None
    with pytest.raises(ConfigurationError, match="custom-cost does nothing on the rest surface"):
        GatewayMetadata(custom_cost=custom_cost_of(SONNET)).headers(rest)


@pytest.mark.parametrize("kept", range(1, 16))
def test_a_custom_cost_of_fifteen_digits_is_written_as_it_is(kept: int) -> None:
    price = int("123456789123456"[:kept])
    custom = custom_cost_of(Price(input=price))
    assert custom is not None
    assert Decimal(json.dumps(custom["per_token_in"])) == Decimal(price).scaleb(-15)


def test_a_line_says_what_was_counted_and_at_which_price() -> None:
    cost = cost_of(Usage(1, 2, audio_seconds=1.5, characters=3, searches=4), replace_all(7))
    assert cost.lines == (
        CostLine("input", 1, "token", 7, 0),
        CostLine("output", 2, "token", 7, 0),
        CostLine("searches", 4, "search", 7, 28),
        CostLine("audio_seconds", 1.5, "second", 7, 10),
        CostLine("characters", 3, "character", 7, 0),
        CostLine("request", 1, "request", 7, 7),
    )
    assert cost_of(Usage(1, 2, reported_cost=1.0), None).lines == (
        CostLine("reported", 1, "request", 1_000_000_000, 1_000_000_000),
    )


def replace_all(price: int) -> Price:
    return Price(input=price, output=price, search=price, request=price, audio_second=price, character=price)


def test_every_kind_of_line_has_a_price_of_its_own() -> None:
    usage = replace(
        CACHED, output_tokens=10, reasoning_tokens=1, output_audio_tokens=2, output_image_tokens=3, video_seconds=2.0
    )
    price = replace(SONNET, reasoning=1_000_000, output_audio=2_000_000, output_image=3_000_000, video_second=5)
    assert listed(cost_of(usage, price)) == [
        ["input", 100, 300_000],
        ["cache_read", 400, 120_000],
        ["cache_write_5m", 300, 1_125_000],
        ["cache_write_1h", 200, 1_200_000],
        ["output", 4, 60_000],
        ["reasoning", 1, 1],
        ["output_audio", 2, 4],
        ["output_image", 3, 9],
        ["video_seconds", 2.0, 10],
    ]


def test_dollars_are_exact_whatever_the_callers_decimal_context() -> None:
    with localcontext(prec=2, rounding=ROUND_UP):
        cost = cost_of(Usage(123_457, 0), Price(input=1_000_000, output=0))
        assert cost.dollars == Decimal("0.000123457")
        assert str(cost.dollars) == "0.000123457"
        assert cost_of(Usage(reported_cost=0.123456789), None).nanodollars == 123_456_789
        assert cost_of(Usage(audio_seconds=1.2345), Price(audio_second=1_000_000)).nanodollars == 1_234_500
    assert Cost(None).dollars is None


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [
        (123_000, "$0.000123"),
        (0, "$0.00"),
        (1, "$0.000000001"),
        (100_000_000, "$0.10"),
        (1_500_000_000, "$1.50"),
        (1_234_567_891_000, "$1234.567891"),
        (None, "unknown"),
    ],
)
def test_for_people_it_is_short_and_exact(nanodollars: int | None, text: str) -> None:
    assert str(Cost(nanodollars)) == text


def test_as_a_dict_it_is_plain() -> None:
    cost = cost_of(CACHED, SONNET)
    assert json.loads(json.dumps(dict(cost.as_dict()))) == {
        "nanodollars": 2_895_000,
        "dollars": "0.002895",
        "basis": "derived",
        "saved_nanodollars": 0,
        "prompt_cache_saved_nanodollars": 900 * 3000 - 120_000 - 1_125_000 - 1_200_000,
        "tier": "batch",
        "price_since": "2025-09-29",
        "reasons": [],
        "lines": [
            {"name": "input", "quantity": 100, "unit": "token", "price": 3_000_000_000, "nanodollars": 300_000},
            {"name": "cache_read", "quantity": 400, "unit": "token", "price": 300_000_000, "nanodollars": 120_000},
            {
                "name": "cache_write_5m",
                "quantity": 300,
                "unit": "token",
                "price": 3_750_000_000,
                "nanodollars": 1125000,
            },
            {
                "name": "cache_write_1h",
                "quantity": 200,
                "unit": "token",
                "price": 6_000_000_000,
                "nanodollars": 1200000,
            },
            {"name": "output", "quantity": 10, "unit": "token", "price": 15_000_000_000, "nanodollars": 150_000},
        ],
    }
    assert json.loads(json.dumps(dict(cost_of(None, None).as_dict()))) == {
        "nanodollars": None,
        "dollars": None,
        "basis": None,
        "saved_nanodollars": 0,
        "prompt_cache_saved_nanodollars": None,
        "tier": None,
        "price_since": None,
        "reasons": ["no price is known"],
        "lines": [],
    }


def test_it_cannot_be_changed() -> None:
    cost = cost_of(CACHED, SONNET)
    with pytest.raises(FrozenInstanceError):
        cost.nanodollars = 0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        cost.lines[0].nanodollars = 0  # type: ignore[misc]
    with pytest.raises(TypeError):
        cost.as_dict()["nanodollars"] = 0  # type: ignore[index]
    assert not hasattr(cost, "__dict__")


@pytest.mark.parametrize("dollars", [-0.5, float("nan"), float("inf"), float("-inf")])
def test_a_reported_cost_that_is_no_amount_is_unknown(dollars: float) -> None:
    cost = cost_of(Usage(1, 1, reported_cost=dollars), SONNET)
    assert (cost.nanodollars, cost.basis) == (None, None)
    assert cost.reasons == ("the cost that the provider reports is no amount",)


@pytest.mark.parametrize("seconds", [-0.5, float("nan"), float("inf")])
def test_seconds_that_are_no_amount_are_unknown(seconds: float) -> None:
    cost = cost_of(Usage(audio_seconds=seconds), Price(audio_second=1))
    assert (cost.nanodollars, cost.reasons) == (None, ("the audio_seconds are no amount",))


@pytest.mark.parametrize("name", ["input_tokens", "max_output_tokens"])
def test_an_estimate_of_less_than_nothing_is_refused(name: str) -> None:
    counts = {"input_tokens": 1, "max_output_tokens": 1, name: -1}
    with pytest.raises(ConfigurationError, match=f"{name}: must not be negative"):
        estimate_cost(**counts, price=SONNET)


def test_a_comparison_of_what_has_no_price_is_none() -> None:
    assert blended_price(Price(input=1), input_tokens=1, output_tokens=1) is None
    assert blended_price(Price(output=1), input_tokens=1, output_tokens=1) is None
    assert blended_price(Price(input=500_000, output=500_000), input_tokens=3, output_tokens=5) == 2 + 2
    assert blended_price(Price(input=500_000, output=600_000), input_tokens=1, output_tokens=1) == 0 + 1


def test_a_reported_cost_so_large_that_it_is_written_with_an_exponent() -> None:
    assert cost_of(Usage(reported_cost=1.5e22), None).nanodollars == 15 * 10**30
