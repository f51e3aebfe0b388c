"""What an emulator is set up to do. Every field acts; a value that could not act is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from ._routes import is_account_id, is_gateway_id, is_slug
from ._settings import GatewaySettings

MEBIBYTE = 1024 * 1024

Permission: TypeAlias = Literal[
    "ai-gateway-run",
    "ai-gateway-read",
    "ai-gateway-edit",
    "workers-ai-read",
    "workers-kv-storage-read",
    "workers-kv-storage-edit",
]
PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))

DEFAULT_ALIAS = "default"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. The emulator's own numbers, not those of any provider."""

    input: float = 1.0
    output: float = 4.0

    def __post_init__(self) -> None:
        if not all(isfinite(price) and price >= 0 for price in (self.input, self.output)):
            raise ValueError("prices must be numbers that are not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """Settings of one emulator. Raises `ValueError`, naming the field, for a value that it cannot honour.

    account, gateway: what `base_url()` of a running emulator points at. Any well-formed account id is served.
    gateways: the gateway ids that exist, with their settings where they differ from `settings`; `None` means that
    every id exists, and is set to `settings`. The management API adds, changes and removes gateways.
    auth_tokens: Cloudflare tokens that may do everything. tokens: tokens with some permissions only. Either one
    turns gateway authentication on where a gateway's settings leave it open, and is demanded by REST and management
    API; without both, those take any token.
    stored_keys: provider slugs for which a stored (BYOK) key exists, each `slug` or `slug:alias`. It is used only
    with authentication on.
    unified_billing: Cloudflare pays providers from `credits`, in US dollars.
    provider_keys: keys that the fake providers accept beside every key that starts with `sk-test`.
    custom_domains: host to gateway id, for URLs without account and gateway.
    prices: model name, or `*`, to what the emulator counts as its cost.
    cacheable_bytes: requests with a larger body pass without cache; max_body_bytes: larger ones get 413.
    cache_entries, cache_bytes, log_entries, log_bytes: bounds of the emulator's memory; the oldest goes first.
    latency_ms: how long a fake provider waits before its first byte. A cache hit does not wait.
    upstreams: provider slug to base URL. Such a provider is called for real instead of imitated; the URL
    stands for what the slug replaces (for `openai` that is `https://api.openai.com/v1`, contract 3.2).
    log_id_shape: `uuid7`, or `ulid` as until 2026-10-08.
    """

    account: str = "0123456789abcdef0123456789abcdef"
    gateway: str = "demo"
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    gateways: Mapping[str, GatewaySettings] | None = None
    auth_tokens: frozenset[str] = field(default=frozenset(), repr=False)
    tokens: Mapping[str, frozenset[Permission]] = field(default_factory=dict[str, "frozenset[Permission]"], repr=False)
    stored_keys: frozenset[str] = frozenset()
    unified_billing: bool = False
    credits: float = 100.0
    provider_keys: frozenset[str] = field(default=frozenset(), repr=False)
    custom_domains: Mapping[str, str] = field(default_factory=dict[str, str])
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    cache_entries: int = 4096
    cache_bytes: int = 16 * MEBIBYTE
    cacheable_bytes: int = 25 * MEBIBYTE
    max_body_bytes: int = 32 * MEBIBYTE
    log_entries: int = 2000
    log_bytes: int = 4 * MEBIBYTE
    latency_ms: float = 0.0
    upstreams: Mapping[str, str] = field(default_factory=dict[str, str])
    log_id_shape: Literal["uuid7", "ulid"] = "uuid7"

    def __post_init__(self) -> None:
        self._check_names()
        self._check_credentials()
        self._check_numbers()
        for slug, url in self.upstreams.items():
            _check_upstream(slug, url)
        for name in ("tokens", "custom_domains", "prices", "upstreams"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def guarded(self) -> bool:
        """Cloudflare tokens are known, so that wrong ones can be told."""
        return bool(self.auth_tokens or self.tokens)

    def permissions(self, token: str) -> frozenset[Permission]:
        """What a Cloudflare token may do; nothing, for one that is not known. Without known tokens all are good."""
        if token in self.auth_tokens or (token and not self.guarded):
            return PERMISSIONS
        return self.tokens.get(token, frozenset())

    def _check_names(self) -> None:
        if not is_account_id(self.account):
            raise ValueError(f"account must be 32 lower-case hex characters, not {self.account!r}")
        for name in (self.gateway, *(self.gateways or ()), *self.custom_domains.values()):
            if not is_gateway_id(name):
                raise ValueError(f"gateway must be 1 to 64 characters without a slash, not {name!r}")
        if self.gateways is not None and self.gateway not in self.gateways:
            raise ValueError(f"gateway {self.gateway!r} is not among the gateways that exist: {sorted(self.gateways)}")
        for host in self.custom_domains:
            if not host or host != host.lower() or "/" in host or ":" in host:
                raise ValueError(f"custom_domains: {host!r} must be a host name in lower case, without a port")

    def _check_credentials(self) -> None:
        for stored in self.stored_keys:
            slug, colon, alias = stored.partition(":")
            if not is_slug(slug):
                raise ValueError(f"stored_keys names the unknown provider {slug!r}")
            if colon and not alias:
                raise ValueError(f"stored_keys: {stored!r} must be a provider, or provider:alias")
        if self.stored_keys and not self.guarded:
            raise ValueError("stored_keys need auth_tokens: stored keys work only with gateway authentication on")
        if self.unified_billing and not self.guarded:
            raise ValueError("unified_billing needs auth_tokens: it works only with gateway authentication on")
        if "" in self.auth_tokens or "" in self.provider_keys or "" in self.tokens:
            raise ValueError("auth_tokens, tokens and provider_keys must not hold an empty string")
        for granted in self.tokens.values():
            if not granted <= PERMISSIONS:
                raise ValueError(f"tokens: permissions are {sorted(PERMISSIONS)}")

    def _check_numbers(self) -> None:
        bounds = ("cache_entries", "cache_bytes", "cacheable_bytes", "max_body_bytes", "log_entries", "log_bytes")
        for name in bounds:
            value: int = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if not (isfinite(self.credits) and self.credits >= 0):
            raise ValueError(f"credits must be US dollars, not {self.credits}")
        if not 0 <= self.latency_ms <= 600_000:
            raise ValueError(f"latency_ms must be 0 to 600000, not {self.latency_ms}")


def _check_upstream(slug: str, url: str) -> None:
    if not is_slug(slug):
        raise ValueError(f"upstreams names the unknown provider {slug!r}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the upstream of {slug} must be an http or https URL with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"the upstream of {slug} must have no user, password, query or fragment")
