"""What the emulator remembers of its traffic: never a prompt, never a secret, and only so much of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

CacheStatus = Literal["HIT", "MISS"]
_REDACTED = "[redacted]"

_LONGEST_TEXT = 2048
_MOST_NAMES = 128

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request at the gateway.

    `path` has no query, for a key can stand in a query. On a hit, `provider` and `model` are those that made
    the stored answer. `cf_aig` holds the received `cf-aig-*` values, authorizations redacted.
    """

    log_id: str
    at: float
    method: str
    path: str
    provider: str | None
    model: str | None
    cache_status: CacheStatus | None
    key_digest: str | None
    status: int
    header_names: tuple[str, ...]
    cf_aig: Mapping[str, str] = field(repr=False)

    @property
    def cached(self) -> bool:
        return self.cache_status == "HIT"


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One request as a provider saw it: names of its headers, never a value."""

    provider: str
    method: str
    path: str
    header_names: tuple[str, ...]
    body_bytes: int


class Ring(Generic[T]):
    """The newest `size` records. Written by the server's thread, read by any."""

    def __init__(self, size: int) -> None:
        self._records: deque[T] = deque(maxlen=size)
        self._lock = threading.Lock()

    def add(self, record: T) -> None:
        with self._lock:
            self._records.append(record)

    def snapshot(self) -> tuple[T, ...]:
        with self._lock:
            return tuple(self._records)


def visible_names(names: Mapping[str, str]) -> tuple[str, ...]:
    """Header names, sorted; bounded in number and length, so that a hostile client cannot fill the log."""
    return tuple(sorted(name[:_LONGEST_TEXT] for name in list(names)[:_MOST_NAMES]))


def gateway_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The `cf-aig-*` values that may be kept."""
    return {
        name: _REDACTED if "authorization" in name else value[:_LONGEST_TEXT]
        for name, value in headers.items()
        if name.startswith("cf-aig-")
    }


def visible_path(path: str) -> str:
    return path[:_LONGEST_TEXT]
