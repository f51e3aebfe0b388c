"""What a test says about the traffic of its gateway. A failure shows the log, and the reason where that is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import combinations

from ._log import LogEntry, ProviderCall

_KEY_SHOWN = 8
_MOST_SHOWN = 20
_OURS = ("cf-aig-", "cf-cache-", "cf-skip-cache", "x-aig-")
"""What begins like this is for the gateway, and no provider's business."""


class Traffic(ABC):
    """The log of a gateway and assertions about it.

    `request` is an index into `log`: 0 is the first, -1 the last.
    """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url()}, {_many(self.log)}>"

    @abstractmethod
    def base_url(self, provider: str | None = None) -> str:
        """The base URL of a provider slug or of `compat`; without one what provider slugs stand under."""

    @property
    @abstractmethod
    def log(self) -> tuple[LogEntry, ...]:
        """Requests at the gateway, oldest first."""

    @property
    @abstractmethod
    def provider_calls(self) -> tuple[ProviderCall, ...]:
        """Requests that reached a provider, oldest first."""

    @property
    def last(self) -> LogEntry:
        """The newest request. Raises `AssertionError` when there is none."""
        return self.log[_place(self.log, -1)]

    def assert_hit(self, request: int = -1) -> None:
        """It was answered from the cache."""
        __tracebackhide__ = True
        log = self.log
        place = _place(log, request)
        if log[place].cache_status != "HIT":
            _fail(f"log[{place}] was no HIT: {_why_no_hit(log, place)}", log)

    def assert_missed(self, request: int = -1) -> None:
        """It was looked up in the cache, was not there, and went to the provider."""
        __tracebackhide__ = True
        log = self.log
        place = _place(log, request)
        entry = log[place]
        if entry.cache_status == "HIT":
            _fail(f"log[{place}] was no MISS: it is a HIT, {_kept_by(log, place)}", log)
        if entry.cache_status is None or entry.key_digest is None:
            _fail(f"log[{place}] was no MISS: {_why_no_hit(log, place)}", log)

    def assert_skipped(self, request: int = -1) -> None:
        """It went to the provider, and the cache took no part in it: it was neither read nor written."""
        __tracebackhide__ = True
        log = self.log
        place = _place(log, request)
        entry = log[place]
        if entry.cache_status is None:
            _fail(f"log[{place}] did not skip the cache: {_why_no_hit(log, place)}", log)
        if entry.cache_status == "HIT" or entry.key_digest is not None:
            did = "it is a HIT" if entry.cache_status == "HIT" else "it was looked up there"
            _fail(f"log[{place}] did not skip the cache: {did}, under the key {_key(entry)}", log)

    def assert_same_key(self, first: int = -2, second: int = -1) -> None:
        """Two requests would share one cache entry."""
        __tracebackhide__ = True
        log = self.log
        one, other = _place(log, first), _place(log, second)
        for place in (one, other):
            if log[place].key_digest is None:
                _fail(f"log[{place}] has no cache key: {_why_no_hit(log, place)}", log)
        if log[one].key_digest != log[other].key_digest:
            _fail(f"log[{one}] and log[{other}] have different cache keys: {_difference(log[one], log[other])}", log)

    def assert_tenants_apart(self, **requests: int | Iterable[int]) -> None:
        """No two of these share a cache entry: `assert_tenants_apart(acme=0, globex=[1, 2])`.

        A group of which no request has a cache key shows nothing, so it fails.
        """
        __tracebackhide__ = True
        if len(requests) < 2:
            raise ValueError("name two groups of requests at least, as in acme=0, globex=[1, 2]")
        log = self.log
        keys: dict[str, dict[str, int]] = {}
        for name, group in requests.items():
            places = [_place(log, index) for index in ([group] if isinstance(group, int) else group)]
            keys[name] = {digest: place for place in places if (digest := log[place].key_digest) is not None}
            if not keys[name]:
                _fail(f"no request of {name} has a cache key, so nothing shows that it is apart", log)
        for one, other in combinations(keys, 2):
            for digest in keys[one].keys() & keys[other].keys():
                where = f"log[{keys[one][digest]}] and log[{keys[other][digest]}]"
                _fail(f"{one} and {other} share a cache entry: {where} have the same key", log)

    def assert_header(self, name: str, value: str | None = None, request: int = -1) -> None:
        """The gateway received this header, with this value if one is given.

        Raises `ValueError` for a value that is not kept: only those of `cf-aig-*` are, authorizations not.
        """
        __tracebackhide__ = True
        name = name.lower()
        if value is not None and (not name.startswith("cf-aig-") or "authorization" in name):
            raise ValueError(f"the value of {name} is not kept; ask for its name only")
        log = self.log
        place = _place(log, request)
        entry = log[place]
        if name not in entry.header_names:
            ours = ", ".join(one for one in entry.header_names if one.startswith("cf-aig-")) or "none"
            _fail(f"log[{place}] has no header {name}; its cf-aig-* headers: {ours}", log)
        if value is not None and entry.cf_aig.get(name) != value:
            _fail(f"log[{place}] has {name}: {entry.cf_aig.get(name)!r}, not {value!r}", log)

    def assert_no_header(self, name: str, request: int = -1) -> None:
        """The gateway did not receive this header."""
        __tracebackhide__ = True
        log = self.log
        place = _place(log, request)
        if name.lower() in log[place].header_names:
            _fail(f"log[{place}] has the header {name.lower()}", log)

    def assert_no_gateway_headers_at_provider(self) -> None:
        """No provider saw a header that is for the gateway. Fails if none was called."""
        __tracebackhide__ = True
        calls = self.provider_calls
        if not calls:
            _fail("no provider was called, so nothing shows what one would see", self.log)
        for number, call in enumerate(calls):
            seen = [name for name in call.header_names if name.startswith(_OURS)]
            if seen:
                _fail(f"provider_calls[{number}] at {call.provider} shows {', '.join(seen)}", self.log)


def _place(log: Sequence[LogEntry], index: int) -> int:
    __tracebackhide__ = True
    place = index if index >= 0 else len(log) + index
    if not 0 <= place < len(log):
        _fail(f"there is no log[{index}]: {_many(log)} reached the gateway", log)
    return place


def _many(log: Sequence[LogEntry]) -> str:
    return {0: "no request", 1: "one request"}.get(len(log), f"{len(log)} requests")


def _fail(message: str, log: Sequence[LogEntry]) -> None:
    __tracebackhide__ = True
    lines = [_line(place, entry) for place, entry in enumerate(log)][-_MOST_SHOWN:]
    raise AssertionError("\n  ".join([message, *lines]))


def _line(place: int, entry: LogEntry) -> str:
    path = entry.path.removeprefix(f"/v1/{entry.account}/{entry.gateway}/")
    cells = [f"log[{place}] {entry.method} {path} {entry.status} {entry.cache_status or '-'}", f"key {_key(entry)}"]
    cells += [f"code {entry.code}"] if entry.code else []
    cells += [f"model {entry.model}"] if entry.model else []
    cells += [f"fault {entry.fault}"] if entry.fault else []
    said = ("cf-aig-skip-cache", "cf-aig-cache-ttl")
    cells += [f"{name}: {entry.cf_aig[name]}" for name in said if name in entry.cf_aig]
    return ", ".join(cells)


def _key(entry: LogEntry) -> str:
    return entry.key_digest[:_KEY_SHOWN] if entry.key_digest else "-"


def _why_no_hit(log: Sequence[LogEntry], place: int) -> str:
    """What the log can tell. It does not hold what the cache holds."""
    entry = log[place]
    if entry.cache_status is None:
        code = f", code {entry.code}" if entry.code else ""
        return f"the gateway answered by itself, with {entry.status}{code}"
    if entry.key_digest is None:
        if entry.cf_aig.get("cf-aig-skip-cache", "").lower() == "true":
            return "it says cf-aig-skip-cache: true"
        if entry.method != "POST":
            return "only a POST is cached"
        return "it has no cf-aig-cache-key, and the gateway does not cache by itself"
    same = [index for index in range(place) if log[index].key_digest == entry.key_digest]
    if not same:
        return f"it is a MISS, and no request before it had its key {_key(entry)}"
    return f"it is a MISS; {_why_gone(log[same[-1]], entry, same[-1])}"


def _why_gone(earlier: LogEntry, entry: LogEntry, index: int) -> str:
    if not earlier.success:
        return f"log[{index}] has the same key, but its answer ({earlier.status}) is not stored"
    if earlier.fault:
        return f"log[{index}] has the same key, but met the fault {earlier.fault}"
    seconds = entry.at - earlier.at
    ttl = earlier.cf_aig.get("cf-aig-cache-ttl")
    asked = f" and asked for a life of {ttl} s" if ttl else ""
    return f"log[{index}] has the same key{asked}, {seconds:g} s before: expired, cut off, or never stored"


def _kept_by(log: Sequence[LogEntry], place: int) -> str:
    same = [index for index in range(place) if log[index].key_digest == log[place].key_digest]
    made = [index for index in same if log[index].cache_status == "MISS"]
    return f"of what log[{made[-1]}] was answered" if made else "of an answer from before this log"


def _difference(one: LogEntry, other: LogEntry) -> str:
    for what, first, second in (
        ("cf-aig-cache-key", one.cf_aig.get("cf-aig-cache-key"), other.cf_aig.get("cf-aig-cache-key")),
        ("gateway", one.gateway, other.gateway),
        ("account", one.account, other.account),
        ("path", one.path, other.path),
        ("model", one.model, other.model),
        ("body size", one.request_size, other.request_size),
    ):
        if first != second:
            return f"{what} is {first!r} and {second!r}"
    return "their bodies or their provider's credentials differ"
