"""Who is there: a fake for every slug (contract 3.2), and one for all the others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .._messages import ProviderRequest
from . import _anthropic, _cohere, _google_errors, _openai_errors, _workers_ai
from ._anthropic import ANTHROPIC_ROWS
from ._asked import Endpoint, Fake, Row, row
from ._chat import chat
from ._chat_dialects import DIALECTS, PLAIN, translated
from ._cohere import COHERE_ROWS
from ._generic import generated_text, generic_rows, some_answer
from ._google_more import STUDIO_ROWS, VERTEX_ROWS
from ._keys import (
    ANY,
    API_KEY,
    BEARER,
    GOOGLE_HEADER,
    GOOGLE_QUERY,
    SIGV4,
    X_API_KEY,
    XI_API_KEY,
    Way,
)
from ._openai import OPENAI_ROWS, azure_rows, follower_rows
from ._refusals import KEY_REFUSALS, KeyRefusals
from ._responses import responses
from ._search import parallel_search, perplexity_search
from ._vectors import embeddings
from ._workers_ai import WORKERS_AI_ROWS

_OPENAI_KEYS = KeyRefusals(_openai_errors.no_key, _openai_errors.wrong_key)


def _follower(
    slug: str,
    rows: tuple[Row, ...],
    ways: tuple[Way, ...] = (BEARER,),
    otherwise: Endpoint | None = None,
) -> Fake:
    """A provider whose errors, but for those about keys, are OpenAI's."""
    refusals = KEY_REFUSALS.get(slug, _OPENAI_KEYS)
    return Fake(
        ways=ways,
        rows=rows,
        no_key=refusals.missing,
        wrong_key=refusals.wrong,
        not_found=_openai_errors.not_found,
        wrong_method=_openai_errors.wrong_method,
        otherwise=otherwise,
    )


def _generic(slug: str, *ways: Way, otherwise: Endpoint = some_answer) -> Fake:
    return _follower(slug, generic_rows(slug), ways or (BEARER,), otherwise)


_SEARCH_ROW = row("POST", "/search", perplexity_search)
_PARALLEL_ROW = row("POST", "/v1(?:beta)?/search", parallel_search)
# Cartesia and Baseten take a bearer too; Ideogram and ElevenLabs do not.
_GENERIC: Mapping[str, tuple[Way, ...]] = {
    "aws-bedrock": (SIGV4, BEARER),
    "replicate": (BEARER, ("authorization", "Token")),
    "baseten": (BEARER, ("authorization", "Api-Key")),
    "fal": (("authorization", "Key"),),
    "ideogram": (API_KEY,),
    "cartesia": (X_API_KEY, BEARER),
    "deepgram": (("authorization", "Token"), BEARER),
    "elevenlabs": (XI_API_KEY,),
}

FAKES: Mapping[str, Fake] = MappingProxyType(
    {
        "openai": _follower("openai", OPENAI_ROWS),
        "anthropic": Fake(
            ways=(X_API_KEY, BEARER),
            rows=(*ANTHROPIC_ROWS, row("POST", "/v1/chat/completions", chat(translated("anthropic")))),
            no_key=_anthropic.no_key,
            wrong_key=_anthropic.wrong_key,
            not_found=_anthropic.not_found,
            wrong_method=_anthropic.wrong_method,
        ),
        "google-ai-studio": Fake(
            ways=(GOOGLE_HEADER, GOOGLE_QUERY, BEARER),
            rows=STUDIO_ROWS,
            no_key=_google_errors.no_key,
            wrong_key=_google_errors.wrong_key,
            not_found=_google_errors.not_found,
            wrong_method=_google_errors.not_found,
        ),
        "google-vertex-ai": Fake(
            ways=(BEARER, GOOGLE_HEADER, GOOGLE_QUERY),
            rows=VERTEX_ROWS,
            no_key=_google_errors.bad_token,
            wrong_key=_google_errors.bad_token,
            not_found=_google_errors.not_found,
            wrong_method=_google_errors.not_found,
        ),
        "workers-ai": Fake(
            ways=(BEARER,),
            rows=WORKERS_AI_ROWS,
            no_key=_workers_ai.unauthenticated,
            wrong_key=_workers_ai.unauthenticated,
            not_found=_workers_ai.no_route,
            wrong_method=_workers_ai.wrong_method,
        ),
        "cohere": Fake(
            ways=(BEARER, ("authorization", "Token")),
            rows=COHERE_ROWS,
            no_key=_cohere.no_key,
            wrong_key=_cohere.wrong_key,
            not_found=_openai_errors.not_found,
            wrong_method=_openai_errors.wrong_method,
            otherwise=some_answer,
        ),
        "azure-openai": _follower("azure-openai", azure_rows(DIALECTS["azure-openai"]), (API_KEY, BEARER)),
        "perplexity-ai": _follower(
            "perplexity-ai",
            (_SEARCH_ROW, *follower_rows(DIALECTS["perplexity-ai"])),
            otherwise=some_answer,
        ),
        "parallel": _follower("parallel", (_PARALLEL_ROW, *generic_rows("parallel")), (X_API_KEY, BEARER), some_answer),
        "huggingface": _generic("huggingface", otherwise=generated_text),
        **{
            slug: _follower(slug, follower_rows(DIALECTS[slug]))
            for slug in ("groq", "cerebras", "mistral", "deepseek", "grok", "openrouter", "fireworks")
        },
        **{slug: _generic(slug, *ways) for slug, ways in _GENERIC.items()},
    }
)

_UNKNOWN = _generic("", *ANY)


def _translation(slug: str) -> Fake:
    dialect = translated(slug)
    rows = (
        row("POST", ".*/chat/completions", chat(dialect)),
        # REST has these two below `/ai/v1` for Cloudflare's own models too.
        row("POST", ".*/responses", responses(dialect)),
        row("POST", ".*/messages", _anthropic.messages),
    )
    return _follower("", rows, otherwise=embeddings)


_TRANSLATIONS: Mapping[str, Fake] = MappingProxyType({slug: _translation(slug) for slug in FAKES})
_PLAIN_TRANSLATION = _follower("", (row("POST", ".*/chat/completions", chat(PLAIN)),), otherwise=embeddings)


def fake_for(request: ProviderRequest) -> Fake:
    """Who answers: where the gateway translates, OpenAI's shapes; else the provider, or for `custom-*` anything."""
    if request.dialect == "chat":
        return _TRANSLATIONS.get(request.provider, _PLAIN_TRANSLATION)
    return FAKES.get(request.provider, _UNKNOWN)
