"""The imitation: a request and a moment go in, questions and a decision come out. No clock, no entropy, no I/O.

A shell drives `Gateway.exchange`, answers its questions (`_asks`) and sends what it returns.
Every rule cites `docs/reference/emulator-conformance.md`, which gives its grade.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from ._asks import Ask, Call, Exchange, Sleep
from ._cache import Entry, ResponseCache, plan_cache
from ._config import EmulatorConfig
from ._credentials import StoredKeys, may_run, rest_refusal
from ._delivery import Delivery
from ._documents import Documents
from ._errors import (
    INVALID_PROVIDER,
    NO_PROVIDER_ANSWER,
    NO_SUCH_GATEWAY,
    NO_SUCH_ROUTE,
    UNAUTHORIZED,
    Fault,
)
from ._faults import FaultSpec, FaultSyntaxError, parse_faults
from ._journal import Journal, NoJournal
from ._log import LogBook, LogEntry, ProviderCall, Ring
from ._messages import GatewayRequest, Hangup, Headers, IdSource, ProviderAnswer, ProviderRequest, Reply
from ._openapi import OPENAPI_PATH, openapi_reply
from ._purse import Purse
from ._registry import GatewayRecord, Gateways
from ._routes import Route, parse_domain_path, parse_route, provider_of
from ._scenario import Directive, Scenario
from ._state import keep_state
from ._tamper import edge_outcome, provider_instead, tamper
from ._targets import Target, asks_for_route, find_target, universal_steps
from ._visit import Visit
from .management import Management
from .providers import FakeProviders

FAULT_HEADER = "x-aig-fault"
"""A test header: which faults this request meets."""

DEFAULT_GATEWAY = "default"
"""The gateway that REST uses when no `cf-aig-gateway-id` names one (contract 1.2)."""

# The nine headers, and the gateway's id, that REST knows (contract 1.2).
_REST_HEADERS = frozenset(
    f"cf-aig-{name}"
    for name in (
        "skip-cache",
        "cache-ttl",
        "cache-key",
        "collect-log",
        "request-timeout",
        "max-attempts",
        "retry-delay",
        "backoff",
        "metadata",
        "gateway-id",
        # The answer echoes it on every surface.
        "event-id",
    )
)

_PLAIN: Headers = (("content-type", "text/plain; charset=utf-8"),)
# Undocumented, both. Plain text (shape E7), so that no invented code is taken for a documented one.
_NOT_A_GATEWAY = b"Not an AI Gateway URL: /v1/{account}/{gateway}/{provider}/...\n"
_TOO_LARGE = b"Request body is larger than the emulator's limit\n"

Serving = Generator[Ask[Any], Any, Reply | Hangup | None]
Step = tuple[GatewayRequest, Route]


class Gateway:
    """One emulator: the gateways of every account. Its state is bounded.

    Use it from one thread; read its two logs from any.
    """

    def __init__(
        self,
        config: EmulatorConfig,
        *,
        ids: IdSource,
        scenario: Scenario | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.config = config
        self.scenario = scenario or Scenario()
        self.journal = journal or NoJournal()
        self.cache = ResponseCache(entries=config.cache_entries, size=config.cache_bytes)
        self.book = LogBook(entries=config.log_entries, payload_bytes=config.log_bytes)
        made = config.gateways if config.gateways is not None else {config.gateway: config.settings}
        self.gateways = Gateways(config.settings if config.gateways is None else None, made)
        documents = Documents(self.journal)
        keep_state(self.journal, self.gateways, self.book, self.cache)
        self._keys = StoredKeys(config, documents)
        self._purse = Purse(config.credits)
        self.management = Management(config, self.gateways, self.book, documents, ids=ids, purse=self._purse)
        self.on_served: Callable[[LogEntry], None] | None = None
        self._ids = ids
        self._calls: Ring[ProviderCall] = Ring(config.log_entries)
        self._providers = FakeProviders(config.provider_keys)
        self._delivery = self._new_delivery()

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Requests, oldest first."""
        return self.book.snapshot()

    @property
    def provider_calls(self) -> tuple[ProviderCall, ...]:
        """Requests that reached a provider, oldest first."""
        return self._calls.snapshot()

    def forget(self) -> None:
        """Start over: empty cache, log, counters and scenario. Gateways made by the management API stay."""
        self.cache.clear()
        self.book.clear()
        self._calls.clear()
        self.scenario.reset()
        self._providers = FakeProviders(self.config.provider_keys)
        self._delivery = self._new_delivery()

    def _new_delivery(self) -> Delivery:
        return Delivery(self.config, self._keys, self._purse, cache=self.cache, calls=self._calls)

    def imitate(self, call: Call, now: float) -> ProviderAnswer:
        """What the fake provider says to a call, with the faults that were asked for."""
        request, attempt = call.request, call.attempt
        delay, instead = provider_instead(call.faults, request, attempt)
        if instead is None:
            directive = call.directive
            scripted = directive.answer(request) if directive else None
            said = directive.say if directive else None
            answer = scripted or self._providers.answer(request, now, say=said)
            instead = tamper(call.faults, request, answer, attempt)
        delay += self.config.latency_ms / 1000
        return replace(instead, delay=instead.delay + delay) if delay else instead

    def exchange(self, request: GatewayRequest, now: float) -> Exchange:
        """Serve one request."""
        visit = Visit.open(request, now, self._ids(now), self.book)
        try:
            return (yield from self._exchange(visit))
        finally:
            if self.on_served is not None:
                entry = self.book.get(visit.log_id)
                if entry is not None:
                    self.on_served(entry)

    def _exchange(self, visit: Visit) -> Serving:
        request, now = visit.request, visit.now
        route = visit.route = self._route(request)
        if route is None and request.path == OPENAPI_PATH:
            return openapi_reply()
        if route is None:
            return self._plain(visit, 404, _NOT_A_GATEWAY)
        if route.kind == "management":
            return self.management.reply(request, route.account, route.path, now)
        refusal = self._enter(visit, route)
        if refusal is not None:
            return visit.refuse(refusal)
        if route.kind == "universal":
            steps = universal_steps(visit.request, route)
            if isinstance(steps, Fault):
                return visit.refuse(steps)
            return (yield from self._serve_steps(visit, steps))
        return (yield from self._serve(visit, (visit.request, route), last=True))

    def too_large(self, request: GatewayRequest, now: float) -> Reply:
        """A body over the hard limit, not read to its end. Shape E7: no code is known for it."""
        visit = Visit.open(request, now, self._ids(now), self.book)
        return self._plain(visit, 413, _TOO_LARGE)

    def _route(self, request: GatewayRequest) -> Route | None:
        domains = self.config.custom_domains
        if domains:
            host = request.headers.get("host", "").partition(":")[0].lower()
            if host in domains:
                return parse_domain_path(request.path, self.config.account, domains[host])
        return parse_route(request.path)

    def _enter(self, visit: Visit, route: Route) -> Fault | None:
        """Which gateway, and may the caller use it?"""
        request = visit.request
        if route.kind == "rest":
            refusal = rest_refusal(request, self.config)
            if refusal is not None:
                return refusal
            named = request.headers.get("cf-aig-gateway-id")
            visit.bare = named is None and b"@cf/" in (request.body + request.path.encode())
            route = replace(route, gateway=named or DEFAULT_GATEWAY)
            visit.route, visit.request = route, _known_on_rest(request)
            visit.record = self._record(route) or (None if named else self._default(route, visit.now))
        else:
            visit.record = self._record(route)
        record = visit.record
        if record is None:
            return NO_SUCH_GATEWAY
        if route.kind != "rest" and not may_run(request, record, self.config):
            return UNAUTHORIZED
        return None

    def _record(self, route: Route) -> GatewayRecord | None:
        return self.gateways.find(route.account, route.gateway)

    def _default(self, route: Route, now: float) -> GatewayRecord:
        """The `default` gateway comes to be with the first authenticated request (contract 3.1)."""
        record = GatewayRecord(route.account, DEFAULT_GATEWAY, self.config.settings, now, now)
        self.gateways.put(record)
        return record

    def _serve_steps(self, visit: Visit, steps: tuple[Step, ...]) -> Serving:
        """A Universal body: the next entry is asked when one has failed (contract 5)."""
        for index, step in enumerate(steps):
            visit.step = index
            last = index == len(steps) - 1
            reply = yield from self._serve(visit, step, last=last)
            if reply is not None or visit.answered:
                return reply
        raise AssertionError("the last step always answers")

    def _serve(self, visit: Visit, step: Step, *, last: bool) -> Serving:
        request, route = step
        visit.request = request
        record = visit.record
        assert record is not None
        asked = request.headers.get(FAULT_HEADER)
        try:
            faults: tuple[FaultSpec, ...] = () if asked is None else parse_faults(asked)
        except FaultSyntaxError as error:
            return self._plain(visit, 400, f"{FAULT_HEADER}: {error}\n".encode())
        directive = self._directive(request, route)
        if directive is not None:
            faults += directive.faults
        if faults:
            visit.fault = ", ".join(str(fault) for fault in faults)
            seconds, instead = edge_outcome(faults, request, 0)
            if seconds:
                visit.now = yield Sleep(seconds)
            if instead is not None:
                visit.note(instead.status if isinstance(instead, Reply) else 0)
                return instead
        if route.kind == "native" and provider_of(route.provider) is None:
            return visit.refuse(INVALID_PROVIDER)
        plan = visit.plan = (
            None if visit.bare else plan_cache(request, route, record.settings, record.generation, self.config)
        )
        if plan is not None:
            entry = self.cache.get(plan.key, visit.now)
            if entry is not None:
                return _hit(visit, entry)
        target = self._target(request, route)
        if isinstance(target, Fault):
            return visit.refuse(target)
        serving = self._delivery.serve(visit, route, target, faults, directive, last=last)
        del target  # else it would be held here until the answer has passed
        return (yield from serving)

    def _target(self, request: GatewayRequest, route: Route) -> Target | Fault:
        if asks_for_route(request, route):
            # Not walked here; the live errors of a broken and of a missing route (contract 4.2).
            return NO_SUCH_ROUTE if route.kind == "rest" else NO_PROVIDER_ANSWER
        return find_target(request, route)

    def _directive(self, request: GatewayRequest, route: Route) -> Directive | None:
        """What the scenario says to this request. Its rules need the target, which a hit does without otherwise."""
        if not self.scenario.rules:
            return None
        target = find_target(request, route)
        if isinstance(target, Fault):
            return None
        return self.scenario.directive(
            ProviderRequest(
                provider=target.provider.slug,
                method=request.method,
                path=target.path,
                query=request.query,
                headers=tuple(request.headers.items()),
                body=target.body,
                payload=target.payload,
                model=target.model,
                dialect=target.dialect,
            )
        )

    def _plain(self, visit: Visit, status: int, text: bytes) -> Reply:
        visit.note(status)
        return Reply(status, _PLAIN, text)


def _hit(visit: Visit, entry: Entry) -> Reply:
    """Served before any policy is asked, at no cost (contract 1.3, points 14 and 15)."""
    visit.provider, visit.model = entry.provider, entry.model
    visit.note(entry.status, cache="HIT", cost=0.0, tokens_in=0, tokens_out=0, response=entry.body)
    return Reply(entry.status, entry.headers + visit.headers("HIT"), entry.body)


def _known_on_rest(request: GatewayRequest) -> GatewayRequest:
    headers = {
        name: value
        for name, value in request.headers.items()
        if not name.startswith("cf-aig-") or name in _REST_HEADERS
    }
    return replace(request, headers=headers)
