"""Building URLs: contract 3.1, 3.2 and 3.6. What is built is recognised again."""

from __future__ import annotations

import pytest

from aig_client.core import (
    PROVIDERS,
    ConfigurationError,
    EndpointKind,
    base_url,
    endpoint_path,
    rest_base_url,
    surface_of,
)

ACCOUNT = "0123456789abcdef0123456789abcdef"
HOST = "https://gateway.ai.cloudflare.com"


@pytest.mark.parametrize("slug", [*PROVIDERS, "compat", "custom-acme"])
def test_a_base_url_is_the_contract_s_form(slug: str) -> None:
    assert base_url(ACCOUNT, "prod", slug) == f"{HOST}/v1/{ACCOUNT}/prod/{slug}"


def test_universal_has_no_provider() -> None:
    assert base_url(ACCOUNT, "prod") == f"{HOST}/v1/{ACCOUNT}/prod"


def test_the_rest_base_url_is_the_sdk_s() -> None:
    assert rest_base_url(ACCOUNT) == f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/v1"


def test_another_origin_serves_the_same_paths() -> None:
    assert (
        base_url(ACCOUNT, "g", "openai", origin="http://127.0.0.1:8787/")
        == f"http://127.0.0.1:8787/v1/{ACCOUNT}/g/openai"
    )
    assert rest_base_url(ACCOUNT, origin="http://127.0.0.1:1/").startswith("http://127.0.0.1:1/client/v4/accounts/")


@pytest.mark.parametrize(
    "account", ["", "0" * 31, "0" * 33, ACCOUNT.upper(), "g" * 32, ACCOUNT + "\n", "../" * 10 + "ab"]
)
def test_an_account_that_is_not_32_hex_characters_is_refused(account: str) -> None:
    with pytest.raises(ConfigurationError) as native:
        base_url(account, "prod")
    with pytest.raises(ConfigurationError) as rest:
        rest_base_url(account)
    assert native.value.field == rest.value.field == "account_id"


@pytest.mark.parametrize(
    "gateway", ["", "g" * 65, "a/b", "a b", "a?b", "a#b", "a%2Fb", "a\\b", "prod\n", "\u00e4", ".", ".."]
)
def test_a_gateway_id_that_is_no_path_segment_is_refused(gateway: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        base_url(ACCOUNT, gateway, "openai")
    assert caught.value.field == "gateway_id"


@pytest.mark.parametrize("gateway", ["p", "g" * 64, "my-gateway_2.x~", "...", ".a"])
def test_a_gateway_id_of_1_to_64_characters_is_taken(gateway: str) -> None:
    surface = surface_of(base_url(ACCOUNT, gateway, "openai"))
    assert surface is not None
    assert surface.gateway == gateway


@pytest.mark.parametrize(
    "provider",
    ["", "open ai", "OpenAI", "custom-", "custom-A", "custom-a/b", "custom-..", "custom-a?x", "custom-a\n", ".."],
)
def test_a_provider_that_is_no_slug_is_refused(provider: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        base_url(ACCOUNT, "prod", provider)
    assert caught.value.field == "provider"


# Contract 3.2, example paths; Gemini's with the version that its SDK sends.
PATHS: list[tuple[str, EndpointKind, str | None, str]] = [
    ("openai", "chat", None, "/chat/completions"),
    ("openai", "responses", None, "/responses"),
    ("openai", "embeddings", None, "/embeddings"),
    ("anthropic", "messages", None, "/v1/messages"),
    ("google-ai-studio", "generate_content", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
    ("workers-ai", "run", "@cf/meta/llama-3.1-8b-instruct", "/@cf/meta/llama-3.1-8b-instruct"),
    ("workers-ai", "chat", None, "/v1/chat/completions"),
    ("groq", "chat", None, "/chat/completions"),
    ("mistral", "chat", None, "/v1/chat/completions"),
    ("cohere", "chat", None, "/v1/chat"),
    ("grok", "chat", None, "/v1/chat/completions"),
    ("deepseek", "chat", None, "/chat/completions"),
    ("perplexity-ai", "chat", None, "/chat/completions"),
    ("cerebras", "chat", None, "/chat/completions"),
    ("openrouter", "chat", None, "/chat/completions"),
    ("huggingface", "run", "bigcode/starcoder", "/bigcode/starcoder"),
    ("replicate", "run", None, "/predictions"),
    ("baseten", "chat", None, "/v1/chat/completions"),
    ("parallel", "run", None, "/v1/tasks/runs"),
    ("parallel", "search", None, "/v1beta/search"),
    ("ideogram", "image", None, "/v1/ideogram-v3/generate"),
    ("cartesia", "speech", None, "/tts/bytes"),
    ("elevenlabs", "speech", "voice1", "/v1/text-to-speech/voice1"),
    ("fireworks", "chat", None, "/chat/completions"),
    ("compat", "chat", None, "/chat/completions"),
]


@pytest.mark.parametrize(("provider", "kind", "model", "path"), PATHS)
def test_an_endpoint_has_the_contract_s_path(provider: str, kind: EndpointKind, model: str | None, path: str) -> None:
    assert endpoint_path(provider, kind, model=model) == path


def test_an_endpoint_that_a_provider_lacks_names_those_it_has() -> None:
    with pytest.raises(
        ConfigurationError, match=r"anthropic has no embeddings endpoint we know\. Known endpoints: messages"
    ):
        endpoint_path("anthropic", "embeddings")
    with pytest.raises(ConfigurationError, match="give the path yourself"):
        endpoint_path("fal", "image")
    with pytest.raises(ConfigurationError, match="compat has no responses endpoint"):
        endpoint_path("compat", "responses")


def test_a_path_that_names_the_model_wants_one() -> None:
    for model in (None, ""):
        with pytest.raises(ConfigurationError) as caught:
            endpoint_path("google-ai-studio", "generate_content", model=model)
        assert caught.value.field == "model"


@pytest.mark.parametrize("model", ["..", "a/../b", "a//b", "a\\b", "a%2Fb", "a\0b", "/a"])
def test_a_model_that_would_bend_the_path_is_refused(model: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        endpoint_path("workers-ai", "run", model=model)
    assert caught.value.field == "model"


def test_a_model_s_query_and_fragment_are_encoded() -> None:
    path = endpoint_path("google-ai-studio", "generate_content", model="a?b#c")
    assert path == "/v1beta/models/a%3Fb%23c:generateContent"
