"""The rows of the built-in catalog, and their plain form."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from aig_client.core import PROVIDERS, ConfigurationError
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._catalog_lookup import builtin_catalog, price_of
from aig_client.core.facts._prices import Price

ROWS = builtin_catalog().rows
BY_NAME = {row.name: row for row in ROWS}
TODAY = "2026-11-21"
USD = 1_000_000_000


def current(name: str, tier: Any = "standard", tokens: int | None = None) -> Price:
    price = price_of(BY_NAME[name], input_tokens=tokens, tier=tier, today=TODAY)
    assert price is not None
    return price


def test_there_are_rows_of_every_provider_that_matters() -> None:
    assert len(ROWS) >= 80
    assert {row.provider for row in ROWS} == {
        *("openai", "anthropic", "google-ai-studio", "workers-ai", "groq", "cerebras", "mistral", "deepseek", "grok"),
        *("cohere", "perplexity-ai", "openrouter"),
    }
    assert {row.provider for row in ROWS} <= set(PROVIDERS)


def test_every_row_is_what_its_plain_form_says() -> None:
    for row in ROWS:
        assert Capabilities.from_dict(row.as_dict()) == row, row.name


def test_every_row_says_where_it_comes_from_and_who_bills() -> None:
    for row in ROWS:
        assert row.source.startswith("genai-prices "), row.name
        assert "https://" in row.source, row.name
        assert row.as_of == TODAY
        assert row.billed_by == row.provider
        assert 1 <= row.speed <= 10
        assert 1 <= row.quality <= 10


# From the packages' own tables, read by hand: dollars for a million tokens, and for one search.
@pytest.mark.parametrize(
    ("name", "tier", "tokens", "expected"),
    [
        ("anthropic/claude-opus-5-5", "standard", None, Price(
            input=4 * USD, output=20 * USD, cache_read=200_000_000, cache_write_5m=5 * USD, cache_write_1h=8 * USD,
            search=10_000_000,
        )),
        ("anthropic/claude-haiku-5-5", "standard", 100_000, Price(
            input=100_000_000, output=500_000_000, cache_read=10_000_000, cache_write_5m=125_000_000,
            cache_write_1h=200_000_000, search=10_000_000,
        )),
        ("anthropic/claude-haiku-5-5", "standard", 100_001, Price(
            input=500_000_000, output=2_500_000_000, cache_read=50_000_000, cache_write_5m=625_000_000,
            cache_write_1h=1 * USD, search=10_000_000, above=100_000,
        )),
        ("openai/gpt-5.6-sol", "standard", 1000, Price(
            input=4 * USD, output=20 * USD, cache_read=400_000_000, cache_write_5m=5 * USD, search=10_000_000,
            since="2026-08-21",
        )),
        ("openai/gpt-6.1-sol", "flex", 300_000, Price(
            input=2 * USD, output=7_500_000_000, cache_read=100_000_000, cache_write_5m=2_500_000_000,
            search=10_000_000, tier="flex", above=272_000, since="2026-10-12",
        )),
        ("groq/openai/gpt-oss-120b", "standard", None, Price(
            input=150_000_000, output=600_000_000, cache_read=75_000_000
        )),
        ("groq/openai/gpt-oss-120b", "batch", None, Price(
            input=75_000_000, output=300_000_000, cache_read=75_000_000, tier="batch", since="2026-10-14"
        )),
        ("workers-ai/@cf/openai/gpt-oss-120b", "standard", None, Price(input=350_000_000, output=750_000_000)),
        ("cerebras/gpt-oss-120b", "standard", None, Price(input=350_000_000, output=750_000_000)),
        ("openai/whisper-1", "standard", None, Price(audio_second=100_000)),
        # Peak and off-peak: the dearer of the two, as an estimate must not be too low.
        ("deepseek/deepseek-v4-pro", "standard", None, Price(
            input=1_320_000_000, output=3_960_000_000, cache_read=44_000_000, since="2026-08-17"
        )),
    ],
)  # fmt: skip
def test_prices_are_those_of_the_sources(name: str, tier: str, tokens: int | None, expected: Price) -> None:
    assert current(name, tier, tokens) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.provider == "anthropic"], ids=lambda row: row.model)
def test_anthropic_cache_writes_cost_a_quarter_more_or_twice_the_input(row: Capabilities) -> None:
    assert row.prices
    for price in row.prices:
        assert price.input is not None
        assert price.cache_write_5m == price.input * 5 // 4
        assert price.cache_write_1h == price.input * 2
        assert price.cache_read is not None
        assert price.cache_read <= price.input // 10


@pytest.mark.parametrize("row", [row for row in ROWS if row.prices], ids=lambda row: row.name)
def test_prices_make_sense(row: Capabilities) -> None:
    assert len({(price.tier, price.above, price.since) for price in row.prices}) == len(row.prices)
    for price in row.prices:
        amounts = [getattr(price, field.name) for field in fields(Price)[:15]]
        assert any(amounts), row.name
        assert 0 not in amounts, "zero is how the sources write unknown"
        if price.cache_read is not None and price.input is not None:
            assert price.cache_read <= price.input
    for day in ("2026-11-21", "2027-06-01"):
        usual, long = (price_of(row, input_tokens=count, today=day) for count in (1, 10**9))
        assert usual is not None
        assert long is not None
        assert (usual.input or 0) <= (long.input or 0)
        for tier in ("batch", "flex"):
            cheap = price_of(row, input_tokens=1, tier=tier, today=day)
            assert cheap is None or cheap.input is None or cheap.input <= (usual.input or 0), tier


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("openai/gpt-5", {"context_window": 400_000, "max_output_tokens": 128_000, "reasoning": "always",
                          "retired_on": "2026-12-11", "prompt_cache": "implicit", "prompt_cache_min_tokens": 1024}),
        ("openai/gpt-4.1", {"context_window": 1_047_576, "max_output_tokens": 32_768, "reasoning": "none"}),
        ("anthropic/claude-opus-5-5", {"reasoning": "always", "reasoning_traces": False, "prompt_cache": "explicit",
                                       "prompt_cache_min_tokens": 512, "prompt_cache_ttls": (300, 3600)}),
        ("anthropic/claude-haiku-4-5", {"context_window": 200_000, "prompt_cache_min_tokens": 4096}),
        ("anthropic/claude-sonnet-4-0", {"deprecated_on": "2026-04-14", "retired_on": "2026-06-15",
                                         "structured_output": "prompt"}),
        ("deepseek/deepseek-v4-pro", {"structured_output": "json_mode", "reasoning": "optional",
                                      "reasoning_by_default": True, "reasoning_traces": True}),
        ("perplexity-ai/sonar", {"retired_on": "2026-09-27"}),
        ("openai/text-embedding-3-small", {"output_modalities": frozenset(), "streaming": None}),
        ("groq/whisper-large-v3-turbo", {"input_modalities": frozenset({"audio"}), "prices": ()}),
        ("cohere/command-a-plus-05-2026", {"prices": (), "structured_output": "native"}),
    ],
)  # fmt: skip
def test_facts_are_those_of_the_sources(name: str, facts: dict[str, Any]) -> None:
    assert {field: getattr(BY_NAME[name], field) for field in facts} == facts


def test_one_model_at_three_hosts_is_three_rows() -> None:
    hosts = [row for row in ROWS if row.model.removeprefix("@cf/").endswith("gpt-oss-120b")]
    assert [row.provider for row in hosts] == ["cerebras", "groq", "openrouter", "workers-ai"]
    assert len({row.max_output_tokens for row in hosts}) > 1


def test_a_life_has_three_parts() -> None:
    row = BY_NAME["anthropic/claude-sonnet-4-0"]
    days = ["2026-04-13", "2026-04-14", "2026-06-14", "2026-06-15"]
    assert [row.lifecycle(day) for day in days] == ["active", "deprecated", "deprecated", "retired"]


# --- The plain form ----------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "provider": "groq",
    "model": "m",
    "aliases": ["n"],
    "context_window": 1,
    "max_output_tokens": 2,
    "input_modalities": ["audio", "text"],
    "output_modalities": [],
    "tools": True,
    "parallel_tools": False,
    "streaming": True,
    "structured_output": "prompt",
    "reasoning": "optional",
    "reasoning_by_default": False,
    "reasoning_traces": True,
    "prompt_cache": "explicit",
    "prompt_cache_min_tokens": 3,
    "prompt_cache_ttls": [300],
    "builtin_tools": ["web_search"],
    "batch": True,
    "deprecated_on": "2026-01-01",
    "retired_on": "2026-01-01",
    "billed_by": "x",
    "speed": 1,
    "quality": 10,
    "prices": [{"input": 0, "tier": "batch", "above": 1, "since": "2026-02-03"}],
    "source": "us",
    "as_of": "2026-11-21",
}


def test_the_plain_form_holds_every_field() -> None:
    assert set(WHOLE) == {field.name for field in fields(Capabilities)}
    row = Capabilities.from_dict(WHOLE)
    assert row.as_dict() == WHOLE
    assert row.prices == (Price(input=0, tier="batch", above=1, since="2026-02-03"),)
    assert row.input_modalities == {"audio", "text"}


def test_what_is_at_its_default_is_left_out_and_null_is_unknown() -> None:
    row = Capabilities(provider="groq", model="m")
    assert row.as_dict() == {"provider": "groq", "model": "m"}
    nulls = {field.name: None for field in fields(Capabilities) if field.default is None}
    assert Capabilities.from_dict({"provider": "groq", "model": "m", **nulls}) == row
    assert replace(row, speed=6).as_dict()["speed"] == 6


@pytest.mark.parametrize(
    ("changed", "pointer", "problem"),
    [
        ({"contextWindow": 1}, "/contextWindow", "is unknown"),
        ({"a/b~": 1}, "/a~1b~0", "is unknown"),
        ({"provider": ""}, "/provider", "is missing"),
        ({"model": None}, "/model", "must be a string"),
        ({"tools": 1}, "/tools", "must be true or false"),
        ({"tools": "yes"}, "/tools", "must be true or false"),
        ({"context_window": -1}, "/context_window", "must be a whole number from 0 to 9007199254740991"),
        ({"context_window": True}, "/context_window", "must be a whole number from 0 to 9007199254740991"),
        ({"context_window": 1.0}, "/context_window", "must be a whole number from 0 to 9007199254740991"),
        ({"speed": 0}, "/speed", "must be a whole number from 1 to 10"),
        ({"quality": None}, "/quality", "must be a whole number from 1 to 10"),
        ({"structured_output": "json"}, "/structured_output", "must be one of none, prompt, json_mode, native"),
        ({"reasoning": ["none"]}, "/reasoning", "must be one of none, optional, always"),
        ({"input_modalities": "text"}, "/input_modalities", "must be a list"),
        ({"input_modalities": ["text", "smell"]}, "/input_modalities/1", "must be one of"),
        ({"prompt_cache_ttls": [300, "1h"]}, "/prompt_cache_ttls/1", "must be a whole number"),
        ({"aliases": [1]}, "/aliases/0", "must be a string"),
        ({"retired_on": "2026-02-30"}, "/retired_on", "must be a day, YYYY-MM-DD"),
        ({"retired_on": "20260203"}, "/retired_on", "must be a day, YYYY-MM-DD"),
        ({"retired_on": "2025-12-31"}, "/deprecated_on", "is after retired_on"),
        ({"as_of": "today"}, "/as_of", "must be a day, YYYY-MM-DD"),
        ({"prices": [1]}, "/prices/0", "must be an object"),
        ({"prices": [{}, {"inptu": 1}]}, "/prices/1/inptu", "is unknown"),
        ({"prices": [{"input": 0.5}]}, "/prices/0/input", "must be a whole number"),
        ({"prices": [{"tier": "turbo"}]}, "/prices/0/tier", "must be one of standard, batch, flex, priority"),
        ({"prices": [{"above": None}]}, "/prices/0/above", "must be a whole number"),
    ],
)
def test_a_wrong_plain_form_is_refused_by_its_pointer(changed: dict[str, Any], pointer: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Capabilities.from_dict({**WHOLE, **changed}, where="policy")
    assert refused.value.field == f"policy{pointer}"
    assert refused.value.problem.startswith(problem)


@pytest.mark.parametrize("name", ["provider", "model"])
def test_a_row_needs_its_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"/{name}: is missing"):
        Capabilities.from_dict({key: value for key, value in WHOLE.items() if key != name})
