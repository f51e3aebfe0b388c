"""The imitation: a request and a moment go in, a decision comes out. No clock, no entropy, no I/O.

The conversation with a shell has three steps:

    decision = gateway.receive(request, now)         Reply: send it. Forward: ask the provider, then
    head = gateway.answered(decision, status, ...)   send status and headers, and
    gateway.store(decision, head, body, now)         if `head.keep`, hand over the body once it is complete.

A provider that could not be reached is told with `gateway.unreachable(decision, now)`.
Every rule cites `docs/reference/emulator-conformance.md`, which gives its grade.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._cache import Entry, ResponseCache, may_store, plan_cache
from ._config import EmulatorConfig
from ._errors import (
    INVALID_PROVIDER,
    JSON_TYPE,
    NO_PROVIDER_ANSWER,
    NO_SUCH_GATEWAY,
    UNAUTHORIZED,
    Fault,
    e1_body,
)
from ._forwarding import find_target, outgoing_headers, response_headers
from ._log import CacheStatus, LogEntry, ProviderCall, Ring, gateway_headers, visible_names, visible_path
from ._messages import CachePlan, Forward, GatewayRequest, Head, Headers, Identity, IdSource, Reply
from ._routes import COMPAT, PROVIDERS, parse_route

_PLAIN: Headers = (("content-type", "text/plain; charset=utf-8"),)
# Undocumented, both. Plain text (shape E7), so that no invented code is taken for a documented one.
_NOT_A_GATEWAY = b"Not an AI Gateway URL: /v1/{account}/{gateway}/{provider}/...\n"
_TOO_LARGE = b"Request body is larger than the emulator's limit\n"
# Not replayed from the cache: they belong to the exchange that made the entry.
_UNSTORED = frozenset(("set-cookie",))


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request being decided, with its ids and its moment."""

    request: GatewayRequest
    identity: Identity
    now: float


class Gateway:
    """One emulated AI Gateway. Its state is bounded. Use it from one thread; read its two logs from any."""

    def __init__(self, config: EmulatorConfig, *, ids: IdSource) -> None:
        self.config = config
        self.cache = ResponseCache(entries=config.cache_entries, size=config.cache_bytes)
        self._ids = ids
        self._log: Ring[LogEntry] = Ring(config.log_entries)
        self._calls: Ring[ProviderCall] = Ring(config.log_entries)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Requests, oldest first."""
        return self._log.snapshot()

    @property
    def provider_calls(self) -> tuple[ProviderCall, ...]:
        """Requests that reached a provider, oldest first."""
        return self._calls.snapshot()

    def receive(self, request: GatewayRequest, now: float) -> Reply | Forward:
        """Decide one request."""
        visit = self._visit(request, now)
        route = parse_route(request.path)
        if route is None:
            return self._plain(visit, 404, _NOT_A_GATEWAY)
        if self.config.gateways is not None and route.gateway not in self.config.gateways:
            return self._refuse(visit, NO_SUCH_GATEWAY)
        if not self._authorized(request):
            return self._refuse(visit, UNAUTHORIZED)
        if route.provider != COMPAT and route.provider not in PROVIDERS:
            return self._refuse(visit, INVALID_PROVIDER)
        plan = plan_cache(request, route, self.config)
        if plan is not None:
            entry = self.cache.get(plan.key, now)
            if entry is not None:
                return self._hit(visit, plan, entry)
        target = find_target(request, route)
        if isinstance(target, Fault):
            return self._refuse(visit, target)
        return Forward(
            request=request,
            identity=visit.identity,
            provider=target.provider.slug,
            model=target.model,
            path=target.path,
            headers=outgoing_headers(request, target, self.config),
            body=target.body,
            payload=target.payload,
            compat=target.compat,
            plan=plan,
        )

    def called(self, forward: Forward) -> None:
        """The request left for its provider: remember what the provider saw."""
        names = visible_names(dict(forward.headers))
        path, size = visible_path(forward.path), len(forward.body)
        self._calls.add(ProviderCall(forward.provider, forward.request.method, path, names, size))

    def answered(self, forward: Forward, status: int, headers: Headers, now: float) -> Head:
        """The provider's status and headers arrived."""
        kept = response_headers(headers)
        plan = forward.plan
        visit = _Visit(forward.request, forward.identity, now)
        key = plan.key if plan else None
        self._note(visit, status, provider=forward.provider, model=forward.model, cache="MISS", key=key)
        keep = plan is not None and may_store(status, kept)
        return Head(status, kept + _gateway_headers(forward.identity, "MISS"), keep)

    def store(self, forward: Forward, head: Head, body: bytes, now: float) -> None:
        """Keep a complete body. Never call it for a body that was cut."""
        if forward.plan is None or not head.keep:
            return
        headers = tuple(
            (name, value) for name, value in head.headers if name not in _UNSTORED and not name.startswith("cf-aig-")
        )
        entry = Entry(head.status, headers, body, forward.provider, forward.model, now + forward.plan.ttl)
        self.cache.put(forward.plan.key, entry)

    def unreachable(self, forward: Forward, now: float) -> Reply:
        """No usable answer from the provider."""
        return self._refuse(_Visit(forward.request, forward.identity, now), NO_PROVIDER_ANSWER)

    def too_large(self, request: GatewayRequest, now: float) -> Reply:
        """A body over the hard limit, not read to its end. Shape E7: no code is known for it."""
        return self._plain(self._visit(request, now), 413, _TOO_LARGE)

    def _visit(self, request: GatewayRequest, now: float) -> _Visit:
        log_id = self._ids(now)
        return _Visit(request, Identity(log_id, request.headers.get("cf-aig-event-id") or log_id), now)

    def _authorized(self, request: GatewayRequest) -> bool:
        tokens = self.config.auth_tokens
        if not tokens:
            return True
        scheme, _, token = request.headers.get("cf-aig-authorization", "").partition(" ")
        return scheme.lower() == "bearer" and token.strip() in tokens

    def _hit(self, visit: _Visit, plan: CachePlan, entry: Entry) -> Reply:
        self._note(visit, entry.status, provider=entry.provider, model=entry.model, cache="HIT", key=plan.key)
        return Reply(entry.status, entry.headers + _gateway_headers(visit.identity, "HIT"), entry.body)

    def _refuse(self, visit: _Visit, fault: Fault) -> Reply:
        self._note(visit, fault.status)
        # Seen on a live gateway's own error: event id and request id, but no log id (contract 2).
        ids = (("cf-aig-event-id", visit.identity.event_id), ("cf-aig-request-id", visit.identity.log_id))
        return Reply(fault.status, JSON_TYPE + ids, e1_body(fault))

    def _plain(self, visit: _Visit, status: int, text: bytes) -> Reply:
        self._note(visit, status)
        return Reply(status, _PLAIN, text)

    def _note(
        self,
        visit: _Visit,
        status: int,
        *,
        provider: str | None = None,
        model: str | None = None,
        cache: CacheStatus | None = None,
        key: str | None = None,
    ) -> None:
        request = visit.request
        entry = LogEntry(
            log_id=visit.identity.log_id,
            at=visit.now,
            method=request.method,
            path=visible_path(request.path),
            provider=provider,
            model=model,
            cache_status=cache,
            key_digest=key,
            status=status,
            header_names=visible_names(request.headers),
            cf_aig=gateway_headers(request.headers),
        )
        self._log.add(entry)


def _gateway_headers(identity: Identity, cache_status: CacheStatus) -> Headers:
    return (
        ("cf-aig-cache-status", cache_status),
        ("cf-aig-log-id", identity.log_id),
        ("cf-aig-event-id", identity.event_id),
        ("cf-aig-request-id", identity.log_id),
        ("cf-aig-step", "0"),
    )
