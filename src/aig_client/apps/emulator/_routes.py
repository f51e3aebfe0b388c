"""URL grammar and provider rows of the imitation.

A small table of its own on purpose: the emulator checks the client, so it must not share the client's tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

COMPAT = "compat"

_ROUTE = re.compile(
    r"/v1/(?P<account>[0-9a-f]{32})/(?P<gateway>[^/]{1,64})(?:/(?P<provider>[a-z0-9][a-z0-9-]*)(?P<rest>/.*)?)?/?"
)
_DOMAIN = re.compile(r"/(?P<provider>[a-z0-9][a-z0-9-]*)(?P<rest>/.*)?")
_API = re.compile(r"/client/v4/accounts/(?P<account>[0-9a-f]{32})/(?P<room>ai-gateway|storage/kv|ai)(?P<rest>/.*)?")
# A key of Workers KV may hold what no other path may: it is one part of the path, whatever is encoded in it.
_KV_VALUE = re.compile(r"/client/v4/accounts/[0-9a-f]{32}/storage/kv/namespaces/[0-9a-f]{32}/values/[^/]+")
_ACCOUNT = re.compile(r"[0-9a-f]{32}")
_GATEWAY = re.compile(r"[^/]{1,64}")
_CUSTOM = re.compile(r"custom-[a-z0-9][a-z0-9-]*")
# Contract 3.7: no dot segment and no encoded slash, also not as an encoded dot.
_TRICKS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)|%2f|%5c", re.IGNORECASE)

Kind: TypeAlias = Literal["native", "compat", "universal", "rest", "management"]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider slug.

    key_header, key_prefix: how a stored key is sent to it. compat_name: its prefix in a model's name on `/compat`;
    empty where `/compat` does not have it. compat_base: where its OpenAI-compatible chat lives.
    author: the prefix of its models on REST; empty where REST does not have it. billed: Unified Billing has it.
    own_chat: its API for conversations, where that is not OpenAI's; `/ai/run` and `/ai/v1` serve it as it is.
    dotted: REST spells its versions with dots, itself with hyphens (contract 3.5).
    demanded: a header that it insists on, with the value that the gateway sends for callers that cannot.
    cloudflare: it is Cloudflare's own, so REST needs no other credential for it.
    """

    slug: str
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    compat_name: str = ""
    compat_base: str = ""
    author: str = ""
    billed: bool = False
    own_chat: str = ""
    dotted: bool = False
    demanded: tuple[str, str] | None = None
    cloudflare: bool = False


# Contract 3.2 (slugs and headers), 3.5 (names on /compat and REST), 3.4 (Unified Billing).
PROVIDERS = MappingProxyType(
    {
        row.slug: row
        for row in (
            Provider("openai", compat_name="openai", author="openai", billed=True),
            Provider(
                "anthropic",
                "x-api-key",
                "",
                compat_name="anthropic",
                compat_base="/v1",
                author="anthropic",
                billed=True,
                own_chat="/messages",
                dotted=True,
                demanded=("anthropic-version", "2023-06-01"),
            ),
            Provider(
                "google-ai-studio", "x-goog-api-key", "", "google-ai-studio", "/v1beta/openai", "google", billed=True
            ),
            Provider("google-vertex-ai", compat_name="google-vertex-ai", compat_base="/v1beta1/openai", billed=True),
            Provider("azure-openai", "api-key", ""),
            Provider("aws-bedrock", compat_name="aws-bedrock"),
            Provider("workers-ai", compat_name="workers-ai", compat_base="/v1", cloudflare=True),
            Provider("groq", compat_name="groq", author="groq", billed=True),
            Provider("mistral", compat_name="mistral", compat_base="/v1"),
            Provider("cohere", compat_name="cohere", compat_base="/compatibility/v1"),
            Provider("grok", compat_name="grok", compat_base="/v1", author="xai", billed=True),
            Provider("deepseek", compat_name="deepseek"),
            Provider("perplexity-ai", compat_name="perplexity"),
            Provider("cerebras", compat_name="cerebras"),
            Provider("openrouter"),
            Provider("huggingface"),
            Provider("replicate"),
            Provider("baseten", compat_name="baseten", compat_base="/v1"),
            Provider("parallel", "x-api-key", "", "parallel", "/v1"),
            Provider("fal", key_prefix="Key "),
            Provider("ideogram", "api-key", ""),
            Provider("cartesia", "x-api-key", ""),
            Provider("deepgram", key_prefix="Token "),
            Provider("elevenlabs", "xi-api-key", ""),
            Provider("fireworks"),
        )
    }
)

_BY_COMPAT_NAME = MappingProxyType({row.compat_name: row for row in PROVIDERS.values() if row.compat_name})
_BY_AUTHOR = MappingProxyType({row.author: row for row in PROVIDERS.values() if row.author})

# Every header that carries a provider's own credential (contract 3.2). One set for all providers: by contract
# 3.4 ANY provider auth header switches stored keys off, and the strict reading catches the careless client.
PROVIDER_AUTH_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key")


@dataclass(frozen=True, slots=True)
class Route:
    """A parsed gateway URL path.

    `provider` is the slug of the native form; `path` is what follows, and may be empty. On `rest` and `management`
    the gateway is not in the URL: `gateway` is empty there. The path of `management` is what follows the account.
    """

    kind: Kind
    account: str
    gateway: str
    provider: str
    path: str


def parse_route(raw_path: str) -> Route | None:
    """Read a percent-encoded URL path, without its query. `None`: it is not a gateway URL (contract 3.7)."""
    if _TRICKS.search(raw_path) and not _KV_VALUE.fullmatch(raw_path):
        return None
    found = _ROUTE.fullmatch(raw_path)
    if found is not None:
        account, gateway, provider, rest = found.groups()
        return Route(_kind(provider), account, gateway, provider or "", rest or "")
    found = _API.fullmatch(raw_path)
    if found is None:
        return None
    account, room, rest = found.groups()
    if room == "ai":
        return Route("rest", account, "", "", rest or "")
    return Route("management", account, "", "", f"/{room}{rest or ''}")


def parse_domain_path(raw_path: str, account: str, gateway: str) -> Route | None:
    """The same below a custom domain, whose paths begin with the provider (contract 3.6)."""
    found = _DOMAIN.fullmatch(raw_path)
    if found is None or _TRICKS.search(raw_path):
        return None
    provider, rest = found.groups()
    return Route(_kind(provider), account, gateway, provider, rest or "")


def _kind(provider: str | None) -> Kind:
    if not provider:
        return "universal"
    return "compat" if provider == COMPAT else "native"


def provider_of(slug: str) -> Provider | None:
    """The row of a slug; a custom provider's has no more than its name."""
    row = PROVIDERS.get(slug)
    if row is None and _CUSTOM.fullmatch(slug):
        return Provider(slug, compat_name=slug)
    return row


def provider_by_compat_name(name: str) -> Provider | None:
    """Who serves `name/...` on `/compat`."""
    return _BY_COMPAT_NAME.get(name) or (provider_of(name) if _CUSTOM.fullmatch(name) else None)


def provider_by_author(author: str) -> Provider | None:
    """Who serves `author/...` on REST."""
    return _BY_AUTHOR.get(author)


def is_slug(text: str) -> bool:
    return provider_of(text) is not None


def is_account_id(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None


def is_gateway_id(text: str) -> bool:
    return _GATEWAY.fullmatch(text) is not None
