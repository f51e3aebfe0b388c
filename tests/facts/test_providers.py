"""The providers against contract table 3.2 and 3.5, written out by hand."""

from __future__ import annotations

import pytest

from aig_client.core import CREDENTIAL_HEADERS, PROVIDERS, ConfigurationError, compat_model, provider_row, rest_model

# slug, replaces, credential header, what precedes the key in it; contract 3.2. "-" where the page does not say.
TABLE = """
openai             https://api.openai.com/v1                                            authorization   Bearer
anthropic          https://api.anthropic.com                                            x-api-key       -
google-ai-studio   https://generativelanguage.googleapis.com                            x-goog-api-key  -
google-vertex-ai   https://{region}-aiplatform.googleapis.com                           authorization   Bearer
azure-openai       https://{resource}.openai.azure.com/openai/deployments/{deployment}  api-key         -
aws-bedrock        https://bedrock-runtime.{region}.amazonaws.com                       authorization   AWS4-HMAC-SHA256
workers-ai         https://api.cloudflare.com/client/v4/accounts/{account}/ai/run       authorization   Bearer
groq               https://api.groq.com/openai/v1                                       authorization   Bearer
mistral            https://api.mistral.ai                                               authorization   Bearer
cohere             https://api.cohere.com                                               authorization   Bearer
grok               https://api.x.ai                                                     authorization   Bearer
deepseek           https://api.deepseek.com                                             authorization   Bearer
perplexity-ai      https://api.perplexity.ai                                            authorization   Bearer
cerebras           https://api.cerebras.ai/v1                                           authorization   Bearer
openrouter         https://openrouter.ai/api/v1                                         authorization   Bearer
huggingface        https://api-inference.huggingface.co/models                          authorization   Bearer
replicate          https://api.replicate.com/v1                                         authorization   Bearer
baseten            -                                                                    authorization   Bearer
parallel           https://api.parallel.ai                                              x-api-key       -
fal                https://fal.run                                                      authorization   Key
ideogram           https://api.ideogram.ai                                              api-key         -
cartesia           https://api.cartesia.ai                                              x-api-key       -
deepgram           https://api.deepgram.com                                             authorization   Token
elevenlabs         https://api.elevenlabs.io                                            xi-api-key      -
fireworks          https://api.fireworks.ai/inference/v1                                authorization   Bearer
adobe-firefly      -                                                                    authorization   Bearer
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]

# 3.5: the providers that /compat supports, and the prefix where the text gives another one than the slug.
COMPAT = {
    "openai": "openai", "anthropic": "anthropic", "groq": "groq", "mistral": "mistral", "cohere": "cohere",
    "perplexity-ai": "perplexity", "workers-ai": "workers-ai", "google-ai-studio": "google-ai-studio",
    "google-vertex-ai": "google-vertex-ai", "grok": "grok", "deepseek": "deepseek", "cerebras": "cerebras",
    "baseten": "baseten", "parallel": "parallel",
}  # fmt: skip
REST = {"openai": "openai", "google-ai-studio": "google", "grok": "xai", "anthropic": "anthropic", "workers-ai": "@cf"}


@pytest.mark.parametrize(("slug", "replaces", "credential", "scheme"), ROWS, ids=[row[0] for row in ROWS])
def test_a_provider_is_its_row_of_the_contract(slug: str, replaces: str, credential: str, scheme: str) -> None:
    row = PROVIDERS[slug]
    assert row.slug == slug
    assert row.replaces == (None if replaces == "-" else replaces)
    assert row.credential == credential
    assert row.scheme == ("" if scheme == "-" else scheme)


def test_the_table_has_every_slug_and_no_other() -> None:
    assert set(PROVIDERS) == {row[0] for row in ROWS}


def test_compat_and_custom_are_no_rows() -> None:
    assert "compat" not in PROVIDERS
    assert not any(slug.startswith("custom-") for slug in PROVIDERS)


def test_the_credential_headers_are_those_of_the_table() -> None:
    parts_of_one = {"x-amz-security-token"}  # SigV4 with temporary credentials
    named = {"authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key"}
    assert named | parts_of_one == CREDENTIAL_HEADERS


def test_compat_serves_the_providers_of_its_page_under_their_prefix() -> None:
    assert {slug: row.compat for slug, row in PROVIDERS.items() if row.compat} == COMPAT


def test_rest_names_the_authors_of_its_page() -> None:
    assert REST.items() <= {slug: row.author for slug, row in PROVIDERS.items()}.items()


@pytest.mark.parametrize(
    ("provider", "model", "spelling"),
    [
        ("openai", "gpt-5", "openai/gpt-5"),
        ("openai", "openai/gpt-5", "openai/gpt-5"),
        ("grok", "grok-4", "grok/grok-4"),
        ("perplexity-ai", "sonar", "perplexity/sonar"),
        ("google-ai-studio", "gemini-2.5-flash", "google-ai-studio/gemini-2.5-flash"),
        ("google-vertex-ai", "google/gemini-2.5-pro", "google-vertex-ai/google/gemini-2.5-pro"),
        ("workers-ai", "@cf/meta/llama-3.1-8b-instruct", "workers-ai/@cf/meta/llama-3.1-8b-instruct"),
        ("groq", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
    ],
)
def test_compat_spells_a_model_with_its_provider(provider: str, model: str, spelling: str) -> None:
    assert compat_model(provider, model) == spelling


@pytest.mark.parametrize(
    ("provider", "model", "spelling"),
    [
        ("openai", "gpt-4.1", "openai/gpt-4.1"),
        ("openai", "openai/gpt-4.1", "openai/gpt-4.1"),
        ("google-ai-studio", "gemini-3-flash", "google/gemini-3-flash"),
        ("grok", "grok-3", "xai/grok-3"),
        ("anthropic", "claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("workers-ai", "@cf/meta/llama-3.1-8b-instruct", "@cf/meta/llama-3.1-8b-instruct"),
        ("workers-ai", "meta/llama-3.1-8b-instruct", "@cf/meta/llama-3.1-8b-instruct"),
    ],
)
def test_rest_spells_a_model_with_its_author(provider: str, model: str, spelling: str) -> None:
    assert rest_model(provider, model) == spelling


def test_a_provider_that_a_surface_lacks_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="fal is not served on /compat"):
        compat_model("fal", "x")
    with pytest.raises(ConfigurationError, match="fal is not served on the REST API"):
        rest_model("fal", "x")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("open-ai", "openai"),
        ("antropic", "anthropic"),
        ("google-aistudio", "google-ai-studio"),
        ("perplexity", "perplexity-ai"),
        ("workersai", "workers-ai"),
        ("Mistral", "mistral"),
    ],
)
def test_an_unknown_slug_names_the_nearest_one(typed: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider_row(typed)
    assert caught.value.field == "provider"
    assert str(caught.value).endswith(f"Did you mean {meant!r}?")


def test_a_slug_near_nothing_lists_them_all() -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider_row("zzzzzz")
    assert all(slug in str(caught.value) for slug in PROVIDERS)


@pytest.mark.parametrize("slug", ["alibaba", "minimax", "neon", "saladcloud"])
def test_what_the_contract_says_is_no_slug_is_none(slug: str) -> None:
    with pytest.raises(ConfigurationError):
        provider_row(slug)
