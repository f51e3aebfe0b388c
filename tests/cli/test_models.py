"""`aig models`: the catalog, what a class may choose of it, and everything about one model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aig_client.core import builtin_catalog, find_models
from aig_client.core.facts._classes import Requirements

from .policies import POLICY, toml
from .running import Ran, run

DAY = "2026-11-21"


def names(ran: Ran) -> list[str]:
    return [one["name"] for one in ran.data["models"]]


def able(**required: Any) -> list[str]:
    return [row.name for row in find_models(Requirements(**required), today=DAY)]


def test_every_model_in_service() -> None:
    ran = run("models", "--on", DAY, "--json")
    assert ran.code == 0
    alive = [row.name for row in builtin_catalog().rows if row.lifecycle(DAY) != "retired"]
    assert names(ran) == alive
    assert sum(ran.data["left_out"].values()) == len(builtin_catalog().rows) - len(alive)
    everything = run("models", "--all", "--on", DAY, "--json").data
    assert len(everything["models"]) == len(builtin_catalog().rows)
    assert everything["left_out"] == {}


@pytest.mark.parametrize(
    ("words", "required"),
    [
        (("--tools",), {"tools": True}),
        (("--vision",), {"vision": True}),
        (("--structured",), {"structured_output": "native"}),
        (("--context", "500000"), {"context": 500_000}),
        (("--tools", "--vision", "--context", "500000"), {"tools": True, "vision": True, "context": 500_000}),
    ],
    ids=str,
)
def test_a_filter(words: tuple[str, ...], required: dict[str, Any]) -> None:
    found = names(run("models", *words, "--on", DAY, "--json"))
    assert found == able(**required)
    assert 0 < len(found) < len(builtin_catalog().rows)


def test_providers() -> None:
    ran = run("models", "--provider", "groq", "--provider", "cohere", "--on", DAY, "--json")
    assert {one["provider"] for one in ran.data["models"]} == {"groq", "cohere"}
    ran = run("models", "--provider", "grok4")
    assert ran.code == 2
    assert ran.sentence.startswith("--provider grok4: no model of it is known. There are anthropic, ")


def test_the_others_have_a_reason() -> None:
    data = run("models", "--provider", "groq", "--vision", "--all", "--on", DAY, "--json").data
    reasons = {one["name"]: one["reason"] for one in data["models"]}
    assert reasons["groq/openai/gpt-oss-120b"] == "takes no image"
    assert reasons["groq/llama-3.3-70b-versatile"] == "retired on 2026-08-16"
    assert [one["reason"] is None for one in data["models"]] == sorted(
        (one["reason"] is None for one in data["models"]), reverse=True
    )
    assert "why not" in run("models", "--provider", "groq", "--vision", "--all").out


def test_nobody_fits() -> None:
    ran = run("models", "--context", "999999999", "--on", DAY)
    assert ran.code == 1
    assert "left out: context window is … tokens, … are required\n" in ran.out
    assert run("models", "--context", "-1").code == 2


def test_what_a_class_may_choose(folder: Path) -> None:
    toml(folder)
    ran = run("models", "--route-class", "summary", "--on", DAY, "--json")
    assert names(ran) == ["fireworks/small", "baseten/mid", "fireworks/large", "fireworks/mute"]
    assert [one["rank"] for one in ran.data["models"]] == [1, 2, 3, 4]
    assert (ran.data["strategy"], ran.data["policy"]) == ("cheapest", "aig.toml")
    assert names(run("models", "--route-class", "summary", "--tools", "--json")) == [
        *("fireworks/small", "baseten/mid", "fireworks/large"),
    ]
    everything = run("models", "--route-class", "split", "--all", "--on", DAY, "--json").data["models"]
    reasons = {one["name"]: one["reason"] for one in everything}
    assert (reasons["fireworks/large"], reasons["fireworks/small"]) == (None, None)
    assert reasons["baseten/mid"] == "is not among the class's targets"
    assert run("models", "--route-class", "splt").sentence.startswith(
        "route_class: the policy has no class 'splt'. Did"
    )


def test_a_provider_that_the_policy_does_not_use(folder: Path) -> None:
    toml(folder)
    ran = run("models", "--route-class", "summary", "--provider", "groq", "--on", DAY, "--json")
    assert (ran.code, names(ran)) == (1, [])
    assert "its provider is not among the usable ones" in ran.data["left_out"]
    one = run("models", "--route-class", "summary", "--provider", "baseten", "--on", DAY, "--json")
    assert names(one) == ["baseten/mid"]


def test_a_class_with_an_override(folder: Path) -> None:
    toml(folder, POLICY + '[overrides.summary]\nbaseten = "forced:huge"\n')
    ran = run("models", "--route-class", "summary", "--json")
    assert "baseten/huge" in names(ran)
    assert "baseten/mid" not in names(ran)


def test_the_policys_models_are_listed(folder: Path) -> None:
    toml(folder)
    ran = run("models", "--provider", "fireworks", "--json")
    assert names(ran) == ["fireworks/large", "fireworks/mute", "fireworks/small"]
    large = ran.data["models"][0]
    assert (large["context_window"], large["input"], large["output"]) == (300_000, 3_000_000_000, 9_000_000_000)
    assert len(names(run("models", "--json"))) > 3  # and the catalog's
    lines = run("models", "--provider", "fireworks").out.splitlines()
    assert lines[0].split() == ["model", "context", "in", "out", "tools", "JSON", "thinks", "lifecycle"]
    assert lines[1].split() == [*("fireworks/large", "300", "000", "$3.00", "$9.00", "yes", "native", "none", "active")]
    assert lines[2].split() == [*("fireworks/mute", "8", "000", "-", "-", "no", "-", "none", "active")]


def test_one_model_with_source_and_date(folder: Path) -> None:
    toml(folder)
    out = run("models", "fireworks/small").out
    assert out.startswith("fireworks/small\n")
    assert "source          made up\n" in out
    assert "as of           2026-11-01\n" in out
    assert "batch           unknown\n" in out
    assert "standard  $1.00  $2.00" in out
    assert "No price is known.\n" in run("models", "fireworks/mute").out
    (one,) = run("models", "small", "--provider", "fireworks", "--json").data["models"]
    assert (one["name"], one["source"], one["as_of"], one["batch"]) == (
        "fireworks/small",
        "made up",
        "2026-11-01",
        None,
    )


def test_one_model_of_the_catalog() -> None:
    (one,) = run("models", "claude-haiku-4-5", "--json", "--on", DAY).data["models"]
    row = builtin_catalog().capabilities("claude-haiku-4-5")
    assert one["prompt_cache_ttls"] == list(row.prompt_cache_ttls)
    assert [price["tier"] for price in one["prices"]] == [price.tier for price in row.prices]
    assert one["prices"][0]["cache_read"] == row.prices[0].cache_read


def test_one_retired_model_is_shown_and_said_so() -> None:
    ran = run("models", "groq/llama-3.3-70b-versatile", "--on", DAY)
    assert ran.code == 0
    assert "usable          no: retired on 2026-08-16\n" in ran.out


def test_a_model_for_a_class(folder: Path) -> None:
    toml(folder)
    assert "for plain       yes, place 1\n" in run("models", "fireworks/mute", "--route-class", "plain").out
    assert "for split       no: is not among the class's targets\n" in (
        run("models", "baseten/mid", "--route-class", "split").out
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gpt-4.1-min",), "model: 'gpt-4.1-min' is not in the catalog. Did you mean 'openai/gpt-4.1-mini'?"),
        (("x", "--provider", "groq", "--provider", "grok"), "NAME is one model: give one --provider, or none."),
        (("--on", "20260101"), "--on 20260101 is no day: write it as 2027-01-31."),
        (("--on", "2026-1-1"), "--on 2026-1-1 is no day: write it as 2027-01-31."),
    ],
)
def test_wrong_input(words: tuple[str, ...], sentence: str) -> None:
    ran = run("models", *words)
    assert (ran.code, ran.out, ran.sentence) == (2, "", sentence)
