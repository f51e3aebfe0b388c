"""Two credentials (contract 3.3, 3.4): may the caller use this gateway, and who pays the provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ._config import DEFAULT_ALIAS, EmulatorConfig
from ._documents import Documents
from ._errors import Fault
from ._json import text_of
from ._messages import GatewayRequest, Headers
from ._refusals import no_credential, rest_token_refused, unknown_alias
from ._registry import GatewayRecord
from ._routes import PROVIDER_AUTH_HEADERS, Route
from ._targets import Target

STORED_KEY = "sk-test-stored"
"""What a stored key of the emulator is, and Cloudflare's own: the fake providers accept it, a real one would not."""

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

Payer = Literal["caller", "stored", "unified", "nobody"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The headers that a provider sees, and who pays it."""

    headers: Headers = field(repr=False)
    payer: Payer


def bearer(value: str | None) -> str:
    """The token of a `Bearer` credential; empty where there is none."""
    scheme, _, token = (value or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def authenticates(record: GatewayRecord, config: EmulatorConfig) -> bool:
    """The gateway asks for a Cloudflare token."""
    wanted = record.settings.authentication
    return config.guarded if wanted is None else wanted


def may_run(request: GatewayRequest, record: GatewayRecord, config: EmulatorConfig) -> bool:
    """The caller may use this gateway (contract 3.3)."""
    if not authenticates(record, config):
        return True
    return "ai-gateway-run" in config.permissions(bearer(request.headers.get("cf-aig-authorization")))


def rest_refusal(request: GatewayRequest, config: EmulatorConfig) -> Fault | None:
    """REST asks for *Workers AI Read*, and for nothing of AI Gateway's (contract 3.3)."""
    token = bearer(request.headers.get("authorization"))
    return None if "workers-ai-read" in config.permissions(token) else rest_token_refused()


def outgoing(
    request: GatewayRequest, route: Route, target: Target, record: GatewayRecord, keys: StoredKeys
) -> Outgoing | Fault:
    """What the provider sees: no header hop by hop, none of Cloudflare's, a credential or none.

    Order (contract 3.4): a provider key on the request, unchanged; else a stored key; else Unified Billing.
    Without any the request goes out bare, and the provider refuses.
    """
    headers = request.headers
    rest = route.kind == "rest"
    named = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    dropped = PROVIDER_AUTH_HEADERS if rest else ()
    kept = [
        (name, value)
        for name, value in headers.items()
        if name not in named and name not in dropped and not _is_stripped(name)
    ]
    if not rest and _has_provider_credential(headers, request.query):
        return Outgoing(tuple(kept), "caller")
    demanded = target.provider.demanded
    if rest and demanded is not None and demanded[0] not in headers:
        kept.append(demanded)
    payer = _payer(headers, rest, target, record, keys)
    if isinstance(payer, Fault):
        return payer
    if payer != "nobody" or (rest and target.provider.cloudflare):
        name, prefix = target.provider.key_header, target.provider.key_prefix
        if target.dialect == "chat":
            name, prefix = "authorization", "Bearer "
        kept.append((name, prefix + STORED_KEY))
    return Outgoing(tuple(kept), payer)


def _payer(
    headers: Mapping[str, str], rest: bool, target: Target, record: GatewayRecord, keys: StoredKeys
) -> Payer | Fault:
    # Stored keys and Unified Billing need gateway authentication (contract 3.3). REST always authenticates.
    known = rest or authenticates(record, keys.config)
    slug = target.provider.slug
    alias = DEFAULT_ALIAS if rest else headers.get("cf-aig-byok-alias", DEFAULT_ALIAS)
    aliases = keys.aliases(record, slug) if known else frozenset[str]()
    if alias in aliases:
        return "stored"
    if known and alias != DEFAULT_ALIAS:
        return unknown_alias(sorted(aliases), provider=slug, alias=alias)
    if record.settings.byok_only or (not rest and _is_true(headers.get("cf-aig-no-wholesale"))):
        return no_credential()
    if not known:
        return "nobody"
    unified_workers_ai = target.provider.cloudflare and record.settings.workers_ai_billing_mode == "unified"
    billed = target.provider.billed or unified_workers_ai
    return "unified" if keys.config.unified_billing and billed else "nobody"


class StoredKeys:
    """Which providers have stored keys, and by which aliases: those of the configuration, and those of the API."""

    def __init__(self, config: EmulatorConfig, documents: Documents) -> None:
        self.config = config
        self._documents = documents

    def aliases(self, record: GatewayRecord, slug: str) -> frozenset[str]:
        """The aliases of one provider's stored keys at one gateway."""
        configured = (key.partition(":") for key in self.config.stored_keys)
        found = {alias or DEFAULT_ALIAS for name, _, alias in configured if name == slug}
        for document in self._documents.of(f"provider-configs/{record.account}/{record.id}"):
            if document.get("provider_slug") == slug:
                found.add(text_of(document.get("alias")) or DEFAULT_ALIAS)
        return frozenset(found)


def _is_stripped(name: str) -> bool:
    ours = name in _HOP_BY_HOP or name in _OURS or name in _DEPRECATED
    return ours or name.startswith(("cf-aig-", "x-aig-"))


def _has_provider_credential(headers: Mapping[str, str], query: str) -> bool:
    # Google's API takes its key as `?key=` too.
    in_query = any(part.startswith("key=") for part in query.split("&"))
    return in_query or any(name in headers for name in PROVIDER_AUTH_HEADERS)


def _is_true(value: str | None) -> bool:
    return value is not None and value.strip().lower() == "true"


def response_headers(headers: Headers) -> Headers:
    """The provider's response headers that reach the caller. Only the gateway sets its own names."""
    return tuple((name, value) for name, value in headers if not _is_dropped(name))


def _is_dropped(name: str) -> bool:
    return name in _HOP_BY_HOP or name in ("content-length", "date", "server") or name.startswith("cf-aig-")
