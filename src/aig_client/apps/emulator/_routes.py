"""URL grammar and provider rows of the imitation.

A small table of its own on purpose: the emulator checks the client, so it must not share the client's tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

COMPAT = "compat"

_ROUTE = re.compile(
    r"/v1/(?P<account>[0-9a-f]{32})/(?P<gateway>[^/]{1,64})(?:/(?P<provider>[a-z0-9][a-z0-9-]*)(?P<rest>/.*)?)?/?"
)
_ACCOUNT = re.compile(r"[0-9a-f]{32}")
_GATEWAY = re.compile(r"[^/]{1,64}")
# Contract 3.7: no dot segment and no encoded slash, also not as an encoded dot.
_TRICKS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)|%2f|%5c", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider slug: how a stored key is sent to it, and where its OpenAI-compatible chat lives."""

    slug: str
    key_header: str
    key_prefix: str
    compat_base: str


PROVIDERS = MappingProxyType(
    {
        row.slug: row
        for row in (
            Provider("openai", "authorization", "Bearer ", ""),
            Provider("anthropic", "x-api-key", "", "/v1"),
            Provider("google-ai-studio", "x-goog-api-key", "", "/v1beta/openai"),
        )
    }
)

# Every header that carries a provider's own credential (contract 3.2). One set for all providers: by contract
# 3.4 ANY provider auth header switches stored keys off, and the strict reading catches the careless client.
PROVIDER_AUTH_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key")


@dataclass(frozen=True, slots=True)
class Route:
    """A parsed gateway URL path. `provider` is empty in the Universal form; `path` may be empty."""

    account: str
    gateway: str
    provider: str
    path: str


def parse_route(raw_path: str) -> Route | None:
    """Read a percent-encoded URL path, without its query. `None`: it is not a gateway URL (contract 3.7)."""
    found = _ROUTE.fullmatch(raw_path)
    if found is None or _TRICKS.search(raw_path):
        return None
    account, gateway, provider, rest = found.groups()
    return Route(account, gateway, provider or "", rest or "")


def is_account_id(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None


def is_gateway_id(text: str) -> bool:
    return _GATEWAY.fullmatch(text) is not None
