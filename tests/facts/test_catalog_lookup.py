"""Asking the catalog: names, requirements, prices, overrides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aig_client.core import ConfigurationError
from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._catalog_lookup import (
    Catalog,
    builtin_catalog,
    capabilities,
    find_models,
    price_of,
    why_not,
)
from aig_client.core.facts._classes import Requirements
from aig_client.core.facts._prices import Price

CATALOG = builtin_catalog()
TODAY = "2026-11-21"

# --- Names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "asked", "found"),
    [
        ("openai", "gpt-4.1", "gpt-4.1"),
        ("openai", "gpt-4.1-mini", "gpt-4.1-mini"),
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openai", "gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        ("openai", "gpt-4.1-min", None),
        ("openai", "gpt-4.1-", None),
        ("openai", "gpt-4.1-2025-13-14", None),
        ("openai", "gpt-4.1-2025-04-14-x", None),
        ("openai", "gpt-4.1-04-14", None),
        ("openai", "GPT-4.1", None),
        ("openai", "gpt-5.6", "gpt-5.6-sol"),
        ("openai", "openai/gpt-4.1", "gpt-4.1"),
        ("openai", "openai/gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openai", "anthropic/gpt-4.1", None),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5@2025-10-01", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5-latest", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5-latest-20251001", None),
        ("anthropic", "claude-haiku-4", None),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("google-ai-studio", "google/gemini-3.8-flash", "gemini-3.8-flash"),
        ("google-ai-studio", "google-ai-studio/gemini-3.8-flash", "gemini-3.8-flash"),
        ("google-ai-studio", "gemini-flash-latest", "gemini-3.8-flash"),
        ("grok", "xai/grok-4.7", "grok-4.7"),
        ("perplexity-ai", "perplexity/sonar", "sonar"),
        ("workers-ai", "workers-ai/@cf/openai/gpt-oss-120b", "@cf/openai/gpt-oss-120b"),
        ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("groq", "groq/openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("groq", "gpt-oss-120b", None),
        ("nobody", "gpt-4.1", None),
        ("openai", "", None),
    ],
)
def test_get(provider: str, asked: str, found: str | None) -> None:
    row = CATALOG.get(provider, asked)
    assert (row.model if row else None) == found


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gpt-5.5", "openai/gpt-5.5"),
        ("openai/gpt-5.5", "openai/gpt-5.5"),
        ("gpt-5.5-2026-04-23", "openai/gpt-5.5"),
        ("groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("gpt-oss-120b", "cerebras/gpt-oss-120b"),
        ("@cf/openai/gpt-oss-120b", "workers-ai/@cf/openai/gpt-oss-120b"),
        ("google/gemini-3.8-flash", "google-ai-studio/gemini-3.8-flash"),
        ("xai/grok-4.7", "grok/grok-4.7"),
        ("openrouter/anthropic/claude-sonnet-5.5", "openrouter/anthropic/claude-sonnet-5.5"),
        ("anthropic/claude-sonnet-5.5", "openrouter/anthropic/claude-sonnet-5.5"),
        ("anthropic/claude-sonnet-5-5", "anthropic/claude-sonnet-5-5"),
    ],
)
def test_a_model_is_found_by_its_name_alone(asked: str, name: str) -> None:
    assert CATALOG.capabilities(asked).name == capabilities(asked).name == name


def test_a_provider_that_is_named_comes_before_a_model_of_that_name() -> None:
    rows = (Capabilities(provider="openai", model="m"), Capabilities(provider="openrouter", model="openai/m"))
    assert Catalog(rows).capabilities("openai/m") == rows[0]
    assert Catalog(rows).capabilities("openrouter/openai/m") == rows[1]
    assert Catalog(rows[1:]).capabilities("openai/m") == rows[1]


def test_several_hosts_ask_for_the_provider() -> None:
    with pytest.raises(ConfigurationError, match="served by several") as refused:
        CATALOG.capabilities("openai/gpt-oss-120b")
    assert refused.value.remedy == "Say which: groq/openai/gpt-oss-120b, openrouter/openai/gpt-oss-120b"
    assert CATALOG.capabilities("openai/gpt-oss-120b", "groq").provider == "groq"


@pytest.mark.parametrize(
    ("asked", "provider", "remedy"),
    [
        ("gpt-4.1-minni", None, "Did you mean 'openai/gpt-4.1-mini'?"),
        ("gpt-4.1-minni", "openai", "Did you mean 'openai/gpt-4.1-mini'?"),
        ("opnai/gpt-5.5", None, "Did you mean 'openai/gpt-5.5'?"),
        ("gpt-5.5", "opnai", "Did you mean 'openai'?"),
        ("gpt-5.5", "zzzzzzzz", "There are: anthropic, "),
        ("zzzzzzzzzzzzzzzz", None, "Add it to the catalog's overrides"),
    ],
)
def test_an_unknown_model_is_an_error_with_the_nearest_name(asked: str, provider: str | None, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CATALOG.capabilities(asked, provider)
    assert refused.value.remedy is not None
    assert refused.value.remedy.startswith(remedy)


def test_the_built_in_catalog_is_one_and_sorted() -> None:
    assert builtin_catalog() is CATALOG
    names = [row.name for row in CATALOG.rows]
    assert names == sorted(names)
    assert Catalog(CATALOG.rows[::-1]) == CATALOG


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Capabilities(provider="groq", model="m"), Capabilities(provider="groq", model="m")),
        (Capabilities(provider="groq", model="m"), Capabilities(provider="groq", model="n", aliases=("m",))),
    ],
)
def test_one_spelling_is_one_row(first: Capabilities, second: Capabilities) -> None:
    with pytest.raises(ConfigurationError, match="'m' is in two rows"):
        Catalog((first, second))
    Catalog((first, replace(second, provider="cerebras")))


# --- Requirements ------------------------------------------------------------------------------------

ABLE = Capabilities(
    provider="groq",
    model="m",
    context_window=1000,
    max_output_tokens=100,
    input_modalities=frozenset({"text", "image", "audio"}),
    tools=True,
    streaming=True,
    structured_output="json_mode",
    reasoning="optional",
    reasoning_by_default=False,
    reasoning_traces=True,
    builtin_tools=frozenset({"web_search"}),
    retired_on="2027-01-01",
    as_of=TODAY,
)
UNKNOWN = Capabilities(provider="groq", model="u")
ALL: dict[str, Any] = {
    "tools": True,
    "vision": True,
    "audio": True,
    "streaming": True,
    "web_search": True,
    "structured_output": "json_mode",
    "context": 1000,
    "reasoning": "required",
    "reasoning_traces": "forbidden",
}


def test_a_model_that_can_do_everything_has_no_reason() -> None:
    assert why_not(ABLE, Requirements(**ALL), TODAY, min_output_tokens=100) is None
    assert why_not(UNKNOWN, Requirements()) is None


@pytest.mark.parametrize(
    ("changed", "asked", "reason"),
    [
        ({"tools": False}, {"tools": True}, "has no tools"),
        ({"tools": None}, {"tools": True}, "support for tools is unknown"),
        ({"streaming": False}, {"streaming": True}, "has no streaming"),
        ({"input_modalities": frozenset({"text"})}, {"vision": True}, "takes no image"),
        ({"input_modalities": frozenset({"text"})}, {"vision": True, "audio": True}, "takes no audio or image"),
        ({"input_modalities": frozenset({"audio"})}, {}, "takes no text"),
        ({"output_modalities": frozenset()}, {}, "gives no text"),
        ({}, {"structured_output": "native"}, "structured output is json_mode, native is required"),
        ({"structured_output": None}, {"structured_output": "prompt"}, "structured output is unknown, prompt is"),
        ({"structured_output": "none"}, {"structured_output": "prompt"}, "structured output is none, prompt is"),
        ({}, {"context": 1001}, "context window is 1000 tokens, 1001 are required"),
        ({"context_window": None}, {"context": 1}, "context window is unknown, 1 are required"),
        ({"builtin_tools": frozenset()}, {"web_search": True}, "has no web search of its own"),
        ({"reasoning": "none"}, {"reasoning": "required"}, "does not reason, which is required"),
        ({"reasoning": "always"}, {"reasoning": "forbidden"}, "always reasons, which is forbidden"),
        ({"reasoning_by_default": True}, {"reasoning": "forbidden"}, "reasons unless told not to"),
        ({"reasoning": None}, {"reasoning": "forbidden"}, "reasoning is unknown"),
        ({"reasoning": "always"}, {"reasoning_traces": "forbidden"}, "puts its thoughts into the answer"),
        ({"reasoning_by_default": None}, {"reasoning_traces": "forbidden"}, "puts its thoughts into the answer"),
        ({"reasoning": "always", "reasoning_traces": None}, {"reasoning_traces": "forbidden"}, "whether it puts"),
        ({"retired_on": TODAY}, {}, f"retired on {TODAY}"),
    ],
)
def test_every_filter_says_why(changed: dict[str, Any], asked: dict[str, Any], reason: str) -> None:
    row = replace(ABLE, **changed)
    told = why_not(row, Requirements(**asked), TODAY)
    assert told is not None
    assert told.startswith(reason)
    assert ("unknown" in reason) == ("unknown" in told.partition(",")[0]) or reason == "whether it puts"


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({"structured_output": None}, {"structured_output": "none"}),
        ({"structured_output": "native"}, {"structured_output": "prompt"}),
        ({}, {"reasoning": "forbidden"}),
        ({"reasoning_by_default": None}, {"reasoning": "forbidden"}),
        ({"reasoning": "none"}, {"reasoning": "forbidden", "reasoning_traces": "forbidden"}),
        ({"reasoning": "always"}, {"reasoning": "required"}),
        ({"reasoning": "always", "reasoning_traces": False}, {"reasoning_traces": "forbidden"}),
        ({}, {"reasoning_traces": "forbidden"}),
        ({"deprecated_on": "2020-01-01"}, {}),
    ],
)
def test_what_is_good_enough_passes(changed: dict[str, Any], asked: dict[str, Any]) -> None:
    assert why_not(replace(ABLE, **changed), Requirements(**asked), TODAY) is None


def test_a_retirement_is_judged_by_the_day_asked_for_or_that_of_the_row() -> None:
    gone = replace(ABLE, retired_on="2026-06-01")
    assert why_not(gone, Requirements(), "2026-05-31") is None
    assert why_not(gone, Requirements(), "2026-06-01") == "retired on 2026-06-01"
    assert why_not(gone, Requirements()) == "retired on 2026-06-01"
    assert why_not(replace(gone, as_of="2026-01-01"), Requirements()) is None
    assert why_not(replace(gone, as_of=""), Requirements()) is None


def test_embeddings_and_sound_are_asked_for_by_what_goes_in_and_out() -> None:
    def names(**asked: Any) -> set[str]:
        return {row.name for row in CATALOG.find_models(Requirements(), today=TODAY, **asked)}

    assert "openai/text-embedding-3-small" not in names()
    assert "openai/text-embedding-3-small" in names(outputs=())
    assert "groq/whisper-large-v3-turbo" in names(inputs=("audio",)) - names()
    assert "openai/gpt-image-2" in names(outputs=("image",)) - names()


def test_find_models_and_explain_agree() -> None:
    asked = Requirements(tools=True, vision=True, structured_output="native", context=500_000)
    for providers in (None, ["openai", "groq"], []):
        found = CATALOG.find_models(asked, providers=providers, today=TODAY, min_output_tokens=60_000)
        told = CATALOG.explain(asked, providers=providers, today=TODAY, min_output_tokens=60_000)
        assert list(told) == [row.name for row in CATALOG.rows]
        assert [row.name for row in found] == [name for name, reason in told.items() if reason is None]
    assert "claude-opus-5-5" in {row.model for row in find_models(asked, today=TODAY)}
    told = CATALOG.explain(asked, providers=["groq"], today=TODAY)
    assert told["openai/gpt-5.5"] == "its provider is not among those asked for"
    assert told["groq/llama-3.3-70b-versatile"] == "retired on 2026-08-16"
    assert told["groq/openai/gpt-oss-120b"] == "takes no image"
    tall = CATALOG.explain(Requirements(), today=TODAY, min_output_tokens=100_000)
    assert tall["openai/gpt-4o"] == "output is 16384 tokens, 100000 are required"


# --- Prices ------------------------------------------------------------------------------------------

PRICED = replace(
    ABLE,
    prices=(
        Price(input=1),
        Price(input=2, above=100),
        Price(input=3, above=200),
        Price(input=4, since="2026-06-01"),
        Price(input=5, since="2026-06-01", above=100),
        Price(input=6, since="2027-01-01"),
        Price(input=7, tier="batch", since="2026-06-01"),
    ),
)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("tokens", "tier", "today", "expected"),
    [
        (100, "standard", "2026-05-31", 1),
        (101, "standard", "2026-05-31", 2),
        (200, "standard", "2026-05-31", 2),
        (201, "standard", "2026-05-31", 3),
        (None, "standard", "2026-05-31", 1),
        (0, "standard", "2026-06-01", 4),
        (10**9, "standard", "2026-06-01", 5),
        (10**9, "standard", "2027-01-01", 6),
        (100, "standard", None, 4),
        (10**9, "batch", "2026-06-01", 7),
        (1, "batch", "2026-05-31", None),
        (1, "flex", "2027-01-01", None),
    ],
)
def test_the_price_that_holds(
    order: int, tokens: int | None, tier: Any, today: str | None, expected: int | None
) -> None:
    row = replace(PRICED, prices=PRICED.prices[::order])
    price = price_of(row, input_tokens=tokens, tier=tier, today=today)
    assert (price.input if price else None) == expected


def test_no_price_is_none_and_not_zero() -> None:
    assert price_of(ABLE, input_tokens=1, today=TODAY) is None
    only_long = replace(ABLE, prices=(Price(input=1, above=100),))
    assert price_of(only_long, input_tokens=100, today=TODAY) is None
    undated = replace(ABLE, as_of="", prices=(Price(input=1), Price(input=2, since="2040-01-01")))
    assert price_of(undated, input_tokens=1) == Price(input=2, since="2040-01-01")


# --- Overrides ---------------------------------------------------------------------------------------


def test_a_row_is_added_or_changed_and_the_rest_stays() -> None:
    changed = CATALOG.with_rows(
        {
            "openai/gpt-5.5": {"quality": 1, "context_window": None, "prices": [{"input": 7}]},
            "custom-lab/a/b": {"tools": True},
        }
    )
    old, new = CATALOG.capabilities("openai/gpt-5.5"), changed.capabilities("openai/gpt-5.5")
    assert new == replace(old, quality=1, context_window=None, prices=(Price(input=7),))
    assert changed.capabilities("a/b", "custom-lab") == Capabilities(provider="custom-lab", model="a/b", tools=True)
    assert changed.capabilities("custom-lab/a/b").tools is True
    assert len(changed.rows) == len(CATALOG.rows) + 1
    assert set(CATALOG.rows) - set(changed.rows) == {old}
    assert CATALOG.capabilities("openai/gpt-5.5").quality == 9


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ({"gpt-5.5": {}}, "catalog/gpt-5.5"),
        ({"openai/": {}}, "catalog/openai~1"),
        ({"openai/gpt-5.5": 1}, "catalog/openai~1gpt-5.5"),
        ({"openai/gpt-5.5": {"sped": 1}}, "catalog/openai~1gpt-5.5/sped"),
        ({"openai/gpt-5.5": {"model": "gpt-5"}}, "catalog/openai~1gpt-5.5/model"),
        ({"openai/gpt-5.5": {"provider": "groq"}}, "catalog/openai~1gpt-5.5/provider"),
        ({"openai/x": {"aliases": ["gpt-5.5"]}}, "catalog/openai~1x"),
    ],
)
def test_a_wrong_override_is_refused_by_its_pointer(rows: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CATALOG.with_rows(rows)
    assert refused.value.field == field
