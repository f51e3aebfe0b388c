"""What the emulator remembers of its traffic: bounded, and never a secret.

Prompts and answers are kept only as the payload of a log that collects it, in memory; no repr shows them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeAlias, TypeVar

CacheStatus = Literal["HIT", "MISS"]
Scalar: TypeAlias = "str | bool | int | float"
_REDACTED = "[redacted]"

_LONGEST_TEXT = 2048
_MOST_NAMES = 128

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One request at the gateway.

    `path` has no query, for a key can stand in a query. On a hit, `provider` and `model` are those that made
    the stored answer. `cf_aig` holds the received `cf-aig-*` values, authorizations redacted.
    duration: milliseconds. cost: US dollars; `None` until it is known. collected: the Logs API shows it.
    fault: the fault that a scenario or a test header asked for, as it was written.
    """

    log_id: str
    at: float
    account: str = ""
    gateway: str = ""
    method: str
    path: str
    provider: str | None = None
    model: str | None = None
    cache_status: CacheStatus | None = None
    key_digest: str | None = None
    status: int
    code: int | None = None
    header_names: tuple[str, ...] = ()
    cf_aig: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    event_id: str = ""
    step: int = 0
    attempts: int = 0
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar], repr=False)
    request_type: str = ""
    request_content_type: str = ""
    response_content_type: str = ""
    duration: float = 0.0
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    custom_cost: bool = False
    authentication: bool = False
    byok: bool = False
    wholesale: bool = False
    user_agent: str = ""
    dlp_action: str | None = None
    guardrails: tuple[str, ...] = ()
    feedback: int | None = None
    score: float | None = None
    collected: bool = True
    request_body: bytes | None = field(default=None, repr=False)
    response_body: bytes | None = field(default=None, repr=False)
    request_size: int = 0
    response_size: int = 0
    fault: str | None = None

    @property
    def cached(self) -> bool:
        return self.cache_status == "HIT"

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300


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

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def snapshot(self) -> tuple[T, ...]:
        with self._lock:
            return tuple(self._records)


class LogBook:
    """The newest entries by id, bounded in number and in bytes of payload. Written by one thread, read by any.

    on_put, on_drop: called by the writing thread with each entry that is stored, and with each id that goes. They
    must not call the book.
    """

    def __init__(self, *, entries: int, payload_bytes: int) -> None:
        self._most = entries
        self._most_bytes = payload_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, LogEntry] = OrderedDict()
        self._lock = threading.Lock()
        self.on_put: Callable[[LogEntry], None] | None = None
        self.on_drop: Callable[[str], None] | None = None

    def put(self, entry: LogEntry) -> None:
        """Add an entry as the newest, or replace the one of the same id where it stands."""
        log_id = entry.log_id
        size = _payload(entry)
        with self._lock:
            entries = self._entries
            old = entries.get(log_id)
            if old is not None:
                size -= _payload(old)
            self._bytes += size
            entries[log_id] = entry
            # Before anything goes: what goes may be this entry, when it was the oldest and its payload came late.
            if self.on_put is not None:
                self.on_put(entry)
            while len(entries) > self._most or (self._bytes > self._most_bytes and len(entries) > 1):
                gone, dropped = entries.popitem(last=False)
                self._bytes -= _payload(dropped)
                if self.on_drop is not None:
                    self.on_drop(gone)

    def change(self, log_id: str, **changes: Any) -> LogEntry | None:  # noqa: ANN401 (fields of LogEntry)
        """Replace fields of an entry; gives it back, or `None` if it is gone."""
        entry = self._entries.get(log_id)
        if entry is None:
            return None
        changed = replace(entry, **changes)
        self.put(changed)
        return changed

    def get(self, log_id: str) -> LogEntry | None:
        with self._lock:
            return self._entries.get(log_id)

    def drop(self, log_id: str) -> None:
        with self._lock:
            entry = self._entries.pop(log_id, None)
            if entry is not None:
                self._bytes -= _payload(entry)
                if self.on_drop is not None:
                    self.on_drop(log_id)

    def clear(self) -> None:
        for entry in self.snapshot():
            self.drop(entry.log_id)

    def snapshot(self) -> tuple[LogEntry, ...]:
        """Oldest first."""
        with self._lock:
            return tuple(self._entries.values())


def _payload(entry: LogEntry) -> int:
    return len(entry.request_body or b"") + len(entry.response_body or b"")


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


def visible_text(text: str) -> str:
    return text[:_LONGEST_TEXT]
