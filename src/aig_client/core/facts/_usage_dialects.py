"""Whose way of writing usage is meant: by provider and endpoint, else by what the payload looks like."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ._providers import EndpointKind
from ._usage_rows import ROWS, UsageDialect

_LOOKS: Final[tuple[tuple[str, UsageDialect], ...]] = (
    ("prompt_tokens prompt_cache_hit_tokens", "deepseek"),
    ("prompt_tokens cost_details", "openrouter"),
    ("prompt_tokens is_byok", "openrouter"),
    ("prompt_tokens num_search_queries", "perplexity"),
    ("prompt_tokens citation_tokens", "perplexity"),
    ("prompt_tokens search_context_size", "perplexity"),
    ("prompt_tokens num_sources_used", "xai"),
    ("prompt_tokens cost_in_usd_ticks", "xai"),
    ("prompt_audio_seconds total_tokens", "mistral"),
    ("prompt_tokens queue_time", "groq"),
    ("prompt_tokens", "openai-chat"),
    ("completion_tokens", "openai-chat"),
    ("promptTokenCount", "gemini"),
    ("candidatesTokenCount", "gemini"),
    ("totalTokenCount", "gemini"),
    ("responseTokenCount", "gemini"),
    ("prompt_token_count", "gemini"),
    ("inputTokens", "bedrock"),
    ("outputTokens", "bedrock"),
    ("cached_input_tokens", "codex"),
    ("cache_write_input_tokens", "codex"),
    ("reasoning_output_tokens", "codex"),
    ("cache_read_input_tokens", "anthropic"),
    ("cache_creation_input_tokens", "anthropic"),
    ("cache_creation", "anthropic"),
    ("server_tool_use", "anthropic"),
    ("input_tokens total_tokens", "openai-responses"),
    ("input_tokens input_tokens_details", "openai-responses"),
    ("input_tokens", "anthropic"),
    ("output_tokens", "anthropic"),
    ("billed_units", "cohere"),
    ("tokens", "cohere"),
    ("billableCharacterCount", "vertex-predict"),
    ("total_tokens", "openai-chat"),
    ("seconds type", "openai-responses"),
)
_SHAPES: Final[list[tuple[frozenset[str], UsageDialect]]] = [
    (frozenset(members.split()), dialect) for members, dialect in _LOOKS
]
_TELLING: Final = frozenset(member for members, _ in _LOOKS for member in members.split())


def dialect_of_shape(payload: dict[str, object]) -> UsageDialect | None:
    """The dialect that a usage object looks like, the most telling members first."""
    if _TELLING.isdisjoint(payload):
        return None
    members = payload.keys()
    for wanted, dialect in _SHAPES:
        if wanted <= members:
            return dialect
    return None


# These endpoints have one shape, whoever serves them.
_BY_KIND: Final[Mapping[EndpointKind, UsageDialect]] = MappingProxyType(
    {"responses": "openai-responses", "messages": "anthropic", "generate_content": "gemini"}
)
_ANY: Final = "other"
_OPENAI: Final[Mapping[EndpointKind, UsageDialect]] = MappingProxyType(
    {
        _ANY: "openai-chat",
        "image": "openai-responses",
        "speech": "openai-responses",
        "transcription": "openai-responses",
        "realtime": "openai-responses",
        "video": "openai-video",
    }
)
_GEMINI: Final[Mapping[EndpointKind, UsageDialect]] = MappingProxyType({_ANY: "gemini", "chat": "openai-chat"})
_BY_PROVIDER: Final[Mapping[str, Mapping[EndpointKind, UsageDialect]]] = MappingProxyType(
    {
        "openai": _OPENAI,
        "azure-openai": _OPENAI,
        "baseten": _OPENAI,
        "fireworks": _OPENAI,
        "anthropic": MappingProxyType({_ANY: "anthropic", "chat": "openai-chat"}),
        "google-ai-studio": _GEMINI,
        "google-vertex-ai": MappingProxyType({**_GEMINI, "image": "vertex-predict"}),
        "aws-bedrock": MappingProxyType({_ANY: "bedrock", "chat": "openai-chat"}),
        "workers-ai": MappingProxyType({_ANY: "workers-ai"}),
        "groq": MappingProxyType({_ANY: "groq"}),
        "cerebras": MappingProxyType({_ANY: "cerebras"}),
        "mistral": MappingProxyType({_ANY: "mistral"}),
        "deepseek": MappingProxyType({_ANY: "deepseek"}),
        "grok": MappingProxyType({_ANY: "xai"}),
        "cohere": MappingProxyType({_ANY: "cohere"}),
        "openrouter": MappingProxyType({_ANY: "openrouter"}),
        "perplexity-ai": MappingProxyType({_ANY: "perplexity"}),
    }
)


def usage_dialect(provider: str | None, kind: EndpointKind) -> UsageDialect | None:
    """Whose way to write usage an endpoint has. None: the provider is unknown, and the payload's shape must decide."""
    fixed = _BY_KIND.get(kind)
    if fixed is not None:
        return fixed
    kinds = _BY_PROVIDER.get(provider) if provider is not None else None
    return None if kinds is None else kinds.get(kind, kinds[_ANY])


def fitting(dialect: UsageDialect | None, payload: dict[str, object]) -> UsageDialect | None:
    """The dialect itself where it fits the usage object, else the one that its shape shows, else None."""
    row = None if dialect is None else ROWS.get(dialect)
    if row is not None and not row.signs.isdisjoint(payload):
        return dialect
    return dialect_of_shape(payload)
