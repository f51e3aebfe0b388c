"""Where a model is named, and where another one is."""

from __future__ import annotations

import pytest

from aig_client.core import PROVIDERS, ConfigurationError, Surface, surface_of
from aig_client.core.facts._surfaces import named
from aig_client.core.path._addressing import addressed, alias_in, speakers, takes_choice, without_their_headers

ACCOUNT = "0" * 32
BASE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
REST = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/v1/chat/completions"
LOCAL = "http://127.0.0.1:8787"
GEMINI = "google-ai-studio/v1beta/models"


def at(url: str) -> Surface:
    surface = surface_of(url, gateways=("https://ai.example.com", "https://edge.example.com/gate", LOCAL))
    assert surface is not None, url
    return surface


@pytest.mark.parametrize(
    ("url", "provider", "model", "expected"),
    [
        (f"{BASE}/openai/chat/completions", "openai", "gpt-x", (f"{BASE}/openai/chat/completions", "gpt-x")),
        (f"{BASE}/openai/chat/completions", "groq", "llama", (f"{BASE}/groq/chat/completions", "llama")),
        (f"{BASE}/openai/chat/completions/?a=b", "grok", "g", (f"{BASE}/grok/v1/chat/completions", "g")),
        (f"{BASE}/openai/chat/completions?a=b", "openai", "g", (f"{BASE}/openai/chat/completions?a=b", "g")),
        (f"{BASE}/mistral/v1/chat/completions", "openai", "g", (f"{BASE}/openai/chat/completions", "g")),
        (
            "https://edge.example.com/gate/openai/chat/completions",
            "deepseek",
            "d",
            ("https://edge.example.com/gate/deepseek/chat/completions", "d"),
        ),
        (f"{LOCAL}/openai/chat/completions", "groq", "l", (f"{LOCAL}/groq/chat/completions", "l")),
        (f"{BASE}/compat/chat/completions", "groq", "llama", (f"{BASE}/compat/chat/completions", "groq/llama")),
        (REST, "grok", "grok-4", (REST, "xai/grok-4")),
        (REST, "workers-ai", "@cf/meta/llama", (REST, "@cf/meta/llama")),
        (
            f"{BASE}/{GEMINI}/aig/summary:streamGenerateContent?alt=sse",
            "google-ai-studio",
            "gemini-x",
            (f"{BASE}/{GEMINI}/gemini-x:streamGenerateContent?alt=sse", None),
        ),
    ],
)
def test_a_model_has_an_address(url: str, provider: str, model: str, expected: tuple[str, str | None]) -> None:
    assert addressed(url, at(url), provider, model) == expected
    moved = at(expected[0])
    assert moved.kind == at(url).kind
    assert moved.provider in (provider, None)


@pytest.mark.parametrize("model", ["..", "a/b:generateContent?x", "a%2Fb", "a\\b", ""])
def test_a_model_cannot_bend_a_path(model: str) -> None:
    url = f"{BASE}/{GEMINI}/x:generateContent"
    with pytest.raises(ConfigurationError):
        addressed(url, at(url), "google-ai-studio", model)


def test_a_provider_that_is_not_served_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not served"):
        addressed(f"{BASE}/compat/chat/completions", at(f"{BASE}/compat/chat/completions"), "fireworks", "m")


@pytest.mark.parametrize(
    ("path", "method", "chosen"),
    [
        ("openai/chat/completions", "POST", True),
        ("openai/chat/completions", "GET", False),
        ("openai/responses", "POST", True),
        ("openai/responses/resp_1/cancel", "POST", False),
        ("anthropic/v1/messages", "POST", True),
        ("anthropic/v1/messages/count_tokens", "POST", False),
        ("anthropic/v1/messages/batches", "POST", False),
        ("cohere/v2/chat", "POST", False),
        ("openai/embeddings", "POST", True),
        ("openai/audio/speech", "POST", False),
        (f"{GEMINI}/g:generateContent", "POST", True),
        (f"{GEMINI}/aig/auto:streamGenerateContent", "POST", True),
        (f"{GEMINI}/g:countTokens", "POST", False),
        ("compat/chat/completions", "POST", True),
        ("", "POST", False),
    ],
)
def test_where_a_model_can_be_chosen(path: str, method: str, chosen: bool) -> None:
    assert takes_choice(at(f"{BASE}/{path}"), method) is chosen


def test_who_takes_the_same_request() -> None:
    chat = speakers("native", "chat", "openai")
    assert {"openai", "groq", "cerebras", "mistral", "workers-ai", "deepseek", "grok"} <= chat
    assert not {"anthropic", "google-ai-studio", "cohere"} & chat  # other shapes, or none
    assert speakers("native", "messages", "anthropic") == {"anthropic"}
    assert speakers("native", "generate_content", "google-ai-studio") == {"google-ai-studio"}
    assert speakers("native", "speech", "openai") == frozenset()
    assert "cohere" in speakers("compat", "chat", None)  # /compat speaks OpenAI for all it serves
    assert "fireworks" not in speakers("compat", "chat", None)
    assert all(PROVIDERS[slug].author for slug in speakers("rest", "chat", None))


@pytest.mark.parametrize(
    ("url", "model", "expected"),
    [
        (f"{BASE}/openai/chat/completions", "gpt-x", ("openai", "gpt-x")),
        (f"{BASE}/compat/chat/completions", "google-ai-studio/g", ("google-ai-studio", "g")),
        (f"{BASE}/compat/chat/completions", "perplexity/sonar", ("perplexity-ai", "sonar")),
        (f"{BASE}/compat/chat/completions", "nobody/g", (None, "nobody/g")),
        (f"{BASE}/compat/chat/completions", "gpt-x", (None, "gpt-x")),
        (REST, "google/gemini", ("google-ai-studio", "gemini")),
        (REST, "@cf/meta/llama", ("workers-ai", "@cf/meta/llama")),
        (REST, None, (None, None)),
    ],
)
def test_a_name_says_whose_model_it_is(url: str, model: str | None, expected: tuple[str | None, str | None]) -> None:
    assert named(at(url), model) == expected


def test_an_alias_is_a_class() -> None:
    chat = at(f"{BASE}/openai/chat/completions")
    assert alias_in(chat, {"model": "aig/summary"}) == "summary"
    assert alias_in(chat, {"model": "aig/auto"}) == "auto"
    assert alias_in(chat, {"model": "gpt-aig/x"}) is None
    assert alias_in(chat, {"model": 7}) is None
    assert alias_in(chat, ["aig/summary"]) is None
    assert alias_in(at(f"{BASE}/{GEMINI}/aig/vision:generateContent"), {}) == "vision"
    assert alias_in(at(f"{BASE}/{GEMINI}/gemini:generateContent"), {"model": "aig/x"}) is None


def test_headers_of_one_provider_stay_with_it() -> None:
    kept = [(b"OpenAI-Organization", b"org"), (b"accept", b"*/*"), (b"anthropic-beta", b"b"), (b"X-Goog-User", b"u")]
    assert without_their_headers(kept) == [(b"accept", b"*/*")]
