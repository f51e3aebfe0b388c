"""Recognition: contract 3.7, case by case, in ``urls.json``."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.core import PROVIDERS, ConfigurationError, declare, surface_of

from .vectors import cases, document

ACCOUNT = "0123456789abcdef0123456789abcdef"
BASE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"


@cases("urls.json")
def test_a_url_is_the_surface_that_the_contract_says(case: dict[str, Any]) -> None:
    surface = surface_of(case["url"], gateways=case.get("gateways", ()))
    expected = case["surface"]
    if expected is None:
        assert surface is None
    else:
        assert surface is not None
        assert {name: getattr(surface, name) for name in expected} == expected


@cases("urls.json", "declarations")
def test_a_declared_gateway_is_a_plain_base_url(case: dict[str, Any]) -> None:
    if case["accepted"]:
        assert declare([case["gateway"]]) == (case["gateway"],)
        return
    with pytest.raises(ConfigurationError) as caught:
        declare([case["gateway"]])
    assert caught.value.field == "gateways"
    with pytest.raises(ConfigurationError):
        surface_of(BASE, gateways=(case["gateway"],))


def test_every_provider_slug_has_a_url_vector() -> None:
    slugs = {case["surface"]["provider"] for case in document("urls.json")["cases"] if case["surface"]}
    assert set(PROVIDERS) <= slugs


def test_gateways_may_come_in_any_iterable() -> None:
    url = "https://ai.example.com/openai"
    assert surface_of(url, gateways=["https://ai.example.com"]) is not None
    assert surface_of(url, gateways=iter(["https://ai.example.com"])) is not None
    assert surface_of(url, gateways={"https://ai.example.com"}) is not None


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("google-ai-studio/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash"),
        ("google-ai-studio/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash"),
        (
            "google-vertex-ai/v1/projects/p/locations/r/publishers/google/models/gemini-2.5-pro:generateContent",
            "gemini-2.5-pro",
        ),
        ("workers-ai/@cf/meta/llama-3.1-8b-instruct", "@cf/meta/llama-3.1-8b-instruct"),
        ("workers-ai/run/@cf/meta/llama-3.1-8b-instruct", "@cf/meta/llama-3.1-8b-instruct"),
        ("elevenlabs/v1/text-to-speech/voice1", "voice1"),
        ("openai/chat/completions", None),
        ("openai/models", None),
        ("", None),
    ],
)
def test_a_model_in_the_path_is_read_from_the_path(path: str, model: str | None) -> None:
    surface = surface_of(f"{BASE}/{path}")
    assert surface is not None
    assert surface.model_in_path == model


def test_a_surface_shows_no_query_for_a_key_may_stand_there() -> None:
    surface = surface_of(f"{BASE}/google-ai-studio/v1/models/m:generateContent?key=AIzaSecret")
    assert surface is not None
    assert surface.query == "?key=AIzaSecret"
    assert "AIzaSecret" not in repr(surface)


def test_the_host_alone_says_nothing_of_a_gateway() -> None:
    for url in ("https://gateway.ai.cloudflare.com", "https://api.cloudflare.com/client/v4/user/tokens/verify"):
        assert surface_of(url) is None
