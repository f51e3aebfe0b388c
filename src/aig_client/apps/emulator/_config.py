"""What an emulated gateway is set up to do. Every field acts; a value that could not act is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from ._routes import PROVIDERS, is_account_id, is_gateway_id

MIN_CACHE_TTL = 60
MAX_CACHE_TTL = 2_592_000
"""One month in seconds. The docs give no number; this one is a third party's reading (contract 1.2)."""

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConfig:
    """Settings of one emulator. Raises `ValueError`, naming the field, for a value that it cannot honour.

    account, gateway: what `base_url()` of a running emulator points at. Any well-formed account id is served.
    gateways: the gateway ids that exist; `None` means that every id exists.
    auth_tokens: accepted Cloudflare tokens. Not empty turns gateway authentication on.
    stored_keys: provider slugs for which a stored (BYOK) key exists. It is used only with authentication on.
    provider_keys: keys that the fake providers accept beside every key that starts with `sk-test`.
    cache_by_default: the gateway's own caching switch; `cache_ttl` is its default lifetime in seconds.
    cacheable_bytes: requests with a larger body pass without cache; max_body_bytes: larger ones get 413.
    cache_entries, cache_bytes, log_entries: bounds of the emulator's memory; the oldest goes first.
    latency_ms: how long a fake provider waits before its first byte. A cache hit does not wait.
    upstreams: provider slug to base URL. Such a provider is called for real instead of imitated; the URL
    stands for what the slug replaces (for `openai` that is `https://api.openai.com/v1`, contract 3.2).
    """

    account: str = "0123456789abcdef0123456789abcdef"
    gateway: str = "demo"
    gateways: frozenset[str] | None = None
    auth_tokens: frozenset[str] = field(default=frozenset(), repr=False)
    stored_keys: frozenset[str] = frozenset()
    provider_keys: frozenset[str] = field(default=frozenset(), repr=False)
    cache_by_default: bool = False
    cache_ttl: int | None = None
    cache_entries: int = 4096
    cache_bytes: int = 64 * MEBIBYTE
    cacheable_bytes: int = 25 * MEBIBYTE
    max_body_bytes: int = 32 * MEBIBYTE
    log_entries: int = 1000
    latency_ms: float = 0.0
    upstreams: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self._check_names()
        self._check_numbers()
        for slug, url in self.upstreams.items():
            _check_upstream(slug, url)
        object.__setattr__(self, "upstreams", MappingProxyType(dict(self.upstreams)))

    def _check_names(self) -> None:
        if not is_account_id(self.account):
            raise ValueError(f"account must be 32 lower-case hex characters, not {self.account!r}")
        if not is_gateway_id(self.gateway):
            raise ValueError(f"gateway must be 1 to 64 characters without a slash, not {self.gateway!r}")
        if self.gateways is not None and self.gateway not in self.gateways:
            raise ValueError(f"gateway {self.gateway!r} is not among the gateways that exist: {sorted(self.gateways)}")
        unknown = self.stored_keys - PROVIDERS.keys()
        if unknown:
            raise ValueError(f"stored_keys names unknown providers {sorted(unknown)}; known: {sorted(PROVIDERS)}")
        if self.stored_keys and not self.auth_tokens:
            raise ValueError("stored_keys need auth_tokens: stored keys work only with gateway authentication on")
        if "" in self.auth_tokens or "" in self.provider_keys:
            raise ValueError("auth_tokens and provider_keys must not hold an empty string")

    def _check_numbers(self) -> None:
        if self.cache_ttl is not None and not MIN_CACHE_TTL <= self.cache_ttl <= MAX_CACHE_TTL:
            raise ValueError(f"cache_ttl must be {MIN_CACHE_TTL} to {MAX_CACHE_TTL} seconds, not {self.cache_ttl}")
        for name in ("cache_entries", "cache_bytes", "cacheable_bytes", "max_body_bytes", "log_entries"):
            value: int = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if not 0 <= self.latency_ms <= 600_000:
            raise ValueError(f"latency_ms must be 0 to 600000, not {self.latency_ms}")


def _check_upstream(slug: str, url: str) -> None:
    if slug not in PROVIDERS:
        raise ValueError(f"upstreams names the unknown provider {slug!r}; known: {sorted(PROVIDERS)}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the upstream of {slug} must be an http or https URL with a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"the upstream of {slug} must have no user, password, query or fragment")
