"""What a provider gets to see of a request, and which credential it gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ._config import EmulatorConfig
from ._errors import INVALID_PROVIDER, Fault, compat_cannot
from ._json import JsonObject, read_object, text_of, write
from ._messages import GatewayRequest, Headers
from ._routes import COMPAT, PROVIDER_AUTH_HEADERS, PROVIDERS, Provider, Route

_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# Set anew by whoever makes the next hop. `expect` was answered by this hop already.
_OURS = frozenset(("host", "content-length", "accept-encoding", "expect"))
_DEPRECATED = frozenset(("cf-skip-cache", "cf-cache-ttl"))
_COMPAT_ENDPOINTS = frozenset(("/chat/completions", "/embeddings"))
_GOOGLE_MODEL = re.compile(r"/models/([^/:]+)")

STORED_KEY = "sk-test-stored"
"""What a stored key of the emulator is. The fake providers accept it; a real upstream would not."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, in the provider's own terms."""

    provider: Provider
    model: str | None
    path: str
    body: bytes = field(repr=False)
    payload: JsonObject | None = field(repr=False)
    compat: bool


def find_target(request: GatewayRequest, route: Route) -> Target | Fault:
    """Resolve the provider; on `/compat` it comes from the model, whose prefix is taken off."""
    if route.provider == COMPAT:
        return _compat_target(request, route)
    provider = PROVIDERS.get(route.provider)
    if provider is None:
        return INVALID_PROVIDER
    payload = read_object(request.body) if request.body else None
    model = text_of(payload.get("model")) if payload else None
    if model is None:
        found = _GOOGLE_MODEL.search(route.path)
        model = found.group(1) if found else None
    return Target(provider, model, route.path, request.body, payload, compat=False)


def _compat_target(request: GatewayRequest, route: Route) -> Target | Fault:
    if route.path.rstrip("/") == "/models":
        return INVALID_PROVIDER
    endpoint = route.path.rstrip("/")
    if endpoint not in _COMPAT_ENDPOINTS or request.method != "POST":
        return compat_cannot(f"{request.method} {endpoint or '/'}")
    payload = read_object(request.body)
    if payload is None:
        return compat_cannot("a body that is not a JSON object")
    slug, slash, model = (text_of(payload.get("model")) or "").partition("/")
    provider = PROVIDERS.get(slug)
    if not (provider and slash and model):
        return compat_cannot("a model that is not one of " + ", ".join(f"{slug}/..." for slug in PROVIDERS))
    payload = {**payload, "model": model}
    try:
        body = write(payload)
    except (RecursionError, ValueError):
        return compat_cannot("a body that is not a JSON object")
    return Target(provider, model, provider.compat_base + endpoint, body, payload, compat=True)


def outgoing_headers(request: GatewayRequest, target: Target, config: EmulatorConfig) -> Headers:
    """The headers that the provider sees: none hop by hop, none of Cloudflare's, a credential or none.

    Order of credentials (contract 3.4): a provider key on the request, unchanged; else a stored key. The
    emulator has no Unified Billing yet: without either the request goes out bare, and the provider refuses.
    """
    headers = request.headers
    named = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    kept = [(name, value) for name, value in headers.items() if name not in named and not _is_stripped(name)]
    stored = target.provider.slug in config.stored_keys and bool(config.auth_tokens)
    if stored and not _has_provider_credential(headers, request.query):
        name, prefix = target.provider.key_header, target.provider.key_prefix
        if target.compat:
            name, prefix = "authorization", "Bearer "
        kept.append((name, prefix + STORED_KEY))
    return tuple(kept)


def _is_stripped(name: str) -> bool:
    return name in _HOP_BY_HOP or name in _OURS or name in _DEPRECATED or name.startswith("cf-aig-")


def _has_provider_credential(headers: Mapping[str, str], query: str) -> bool:
    # Google's API takes its key as `?key=` too.
    in_query = any(part.startswith("key=") for part in query.split("&"))
    return in_query or any(name in headers for name in PROVIDER_AUTH_HEADERS)


def response_headers(headers: Headers) -> Headers:
    """The provider's response headers that reach the caller. Only the gateway sets its own names."""
    return tuple((name, value) for name, value in headers if not _is_dropped(name))


def _is_dropped(name: str) -> bool:
    return name in _HOP_BY_HOP or name in ("content-length", "date", "server") or name.startswith("cf-aig-")
