"""The gateway's response cache: which key, how long, and a bounded store (contract 1.3)."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from ._config import EmulatorConfig
from ._messages import CachePlan, GatewayRequest, Headers
from ._routes import PROVIDER_AUTH_HEADERS, Route
from ._settings import MAX_CACHE_TTL, MIN_CACHE_TTL, GatewaySettings

KEY_ONLY_TTL = 300
"""Seconds that a response with a custom key lives when neither the request nor the gateway says how long."""

_ENTRY_OVERHEAD = 512
_CACHEABLE_TYPE = re.compile(r"(?i)\s*(?:text/|image/|application/(?:[a-z0-9.+-]+\+)?json(?:\s*;|\s*$))")
_INTEGER = re.compile(r"[0-9]{1,10}")


def plan_cache(
    request: GatewayRequest, route: Route, settings: GatewaySettings, generation: int, config: EmulatorConfig
) -> CachePlan | None:
    """How this request uses the cache; `None` when it neither reads nor writes it."""
    headers = request.headers
    # Undocumented: whether a skipped request still writes its fresh answer. This imitation does not write,
    # so that a client which relies on the write shows it here.
    if _flag(headers.get("cf-aig-skip-cache", headers.get("cf-skip-cache"))):
        return None
    # Undocumented: which methods are cached. Every documented example is a POST.
    if request.method != "POST" or len(request.body) > config.cacheable_bytes:
        return None
    ttl = _ttl(headers.get("cf-aig-cache-ttl", headers.get("cf-cache-ttl")))
    custom = headers.get("cf-aig-cache-key")
    if custom:
        return CachePlan(_custom_key(route, generation, custom), ttl or settings.cache_ttl or KEY_ONLY_TTL)
    if settings.caching:
        # Undocumented: the life of an entry when the gateway caches but names no ttl; the one known number.
        return CachePlan(_default_key(request, route, generation), ttl or settings.cache_ttl or KEY_ONLY_TTL)
    return None


def may_store(status: int, headers: Headers) -> bool:
    """Text, JSON and images only. Only 2xx: which statuses are stored is undocumented, so the safe reading.

    Compressed bytes are not kept: the next caller may not accept that coding.
    """
    seen = dict(headers)
    plain = seen.get("content-encoding", "identity") == "identity"
    return 200 <= status < 300 and plain and _CACHEABLE_TYPE.match(seen.get("content-type", "")) is not None


def _flag(value: str | None) -> bool:
    return value is not None and value.strip().lower() == "true"


def _ttl(value: str | None) -> int | None:
    """A ttl in seconds. What the gateway makes of a bad one is undocumented; here it counts as not sent.

    That fits the one live observation: a ttl of 0 did not stop hits (contract 9, row 3).
    """
    if value is None or _INTEGER.fullmatch(value.strip()) is None:
        return None
    seconds = int(value)
    return seconds if MIN_CACHE_TTL <= seconds <= MAX_CACHE_TTL else None


def _custom_key(route: Route, generation: int, custom: str) -> str:
    return _digest("custom", route, generation, custom.encode("utf-8"))


def _default_key(request: GatewayRequest, route: Route, generation: int) -> str:
    """Provider, endpoint path, model, the provider's auth header, the whole raw body.

    The model has no part of its own: it is in the body or in the path, so a separate part could not change
    which requests are equal, and reading it would cost a parse on every hit. The query belongs to the
    endpoint (inferred): `alt=sse` changes the answer's form.
    """
    headers = request.headers
    auth = "\n".join(f"{name}:{headers[name]}" for name in PROVIDER_AUTH_HEADERS if name in headers)
    endpoint = f"{route.path}?{request.query}"
    place = f"{route.kind}/{route.provider}".encode()
    return _digest("default", route, generation, place, endpoint.encode(), auth.encode(), request.body)


def _digest(kind: str, route: Route, generation: int, *parts: bytes) -> str:
    hasher = hashlib.sha256(f"{kind}/{route.account}/{route.gateway}/{generation}".encode())
    for part in parts:
        hasher.update(b"\0%d:" % len(part))
        hasher.update(part)
    return hasher.hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored answer, with the provider and the model that made it."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    provider: str
    model: str | None
    expires_at: float

    @property
    def size(self) -> int:
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers) + _ENTRY_OVERHEAD


class ResponseCache:
    """Entries by key digest, bounded in number and bytes; the oldest goes first.

    on_put, on_drop: called with each key that is stored or goes. A replaced entry goes before the new one is stored.
    """

    def __init__(self, *, entries: int, size: int) -> None:
        self._max_entries = entries
        self._max_size = size
        self._size = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.on_put: Callable[[str, Entry], None] | None = None
        self.on_drop: Callable[[str], None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes held, counted with a fixed overhead for each entry."""
        return self._size

    def get(self, key: str, now: float) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None and now >= entry.expires_at:
            self._drop(key)
            return None
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry as the newest. One that alone exceeds the bound is not kept."""
        self._drop(key)
        if entry.size > self._max_size:
            return
        self._entries[key] = entry
        self._size += entry.size
        if self.on_put is not None:
            self.on_put(key, entry)
        while len(self._entries) > self._max_entries or self._size > self._max_size:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        for key in list(self._entries):
            self._drop(key)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size
            if self.on_drop is not None:
                self.on_drop(key)
