"""From a miss to its answer: what is checked first, how the provider is asked, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ._asks import Ask, Buffer, Call, Relay, Sleep
from ._attempts import is_retried, read_attempts
from ._cache import Entry, ResponseCache, may_store
from ._config import EmulatorConfig
from ._costs import NANO, cost_of, price_for, read_custom_cost
from ._credentials import Outgoing, StoredKeys, outgoing, response_headers
from ._dlp import DlpVerdict, scan
from ._errors import JSON_TYPE, NO_PROVIDER_ANSWER, Fault
from ._faults import FaultSpec
from ._guards import check_prompt, check_response
from ._json import read_object, write
from ._limits import RateLimits, SpendLimits
from ._log import ProviderCall, Ring, visible_names, visible_text
from ._messages import Answered, Body, Headers, NoAnswer, ProviderRequest, Reply
from ._policies import Policies
from ._purse import Purse
from ._refusals import (
    DLP_REQUEST_BLOCKED,
    DLP_RESPONSE_BLOCKED,
    NO_CREDITS,
    PROMPT_BLOCKED,
    RATE_LIMITED,
    RESPONSE_BLOCKED,
    UNIFIED_RATE_LIMITED,
    provider_refused_key,
    spend_limited,
)
from ._registry import GatewayRecord
from ._routes import Route
from ._scenario import Directive
from ._targets import Target
from ._tokens import read_tokens
from ._visit import Visit

# Not replayed from the cache: they belong to the exchange that made the entry.
_UNSTORED = frozenset(("set-cookie",))

Serving = Generator[Ask[Any], Any, Reply | None]


class Delivery:
    """Serves misses. Holds the counters of limits and credits."""

    def __init__(
        self,
        config: EmulatorConfig,
        keys: StoredKeys,
        purse: Purse,
        *,
        cache: ResponseCache,
        calls: Ring[ProviderCall],
    ) -> None:
        self._config = config
        self._keys = keys
        self._cache = cache
        self._calls = calls
        self._rates = RateLimits()
        self._policies = Policies()
        self.spend = SpendLimits()
        self._purse = purse

    def serve(
        self,
        visit: Visit,
        route: Route,
        target: Target,
        faults: tuple[FaultSpec, ...],
        directive: Directive | None,
        *,
        last: bool,
    ) -> Serving:
        """Answer a miss. `None`: the answer was relayed, or it failed and is not the last step's."""
        record = visit.record
        assert record is not None
        visit.provider, visit.model = target.provider.slug, target.model
        refusal = None if visit.bare else self._refused(visit, record, target)
        if refusal is not None:
            return visit.refuse(refusal)
        sent = outgoing(visit.request, route, target, record, self._keys)
        if isinstance(sent, Fault):
            return visit.refuse(sent)
        refusal = self._unpaid(visit, record, sent)
        if refusal is not None:
            return visit.refuse(refusal)
        request = ProviderRequest(
            provider=target.provider.slug,
            method=visit.request.method,
            path=target.path,
            query=visit.request.query,
            headers=sent.headers,
            body=target.body,
            payload=target.payload,
            model=target.model,
            dialect=target.dialect,
        )
        answer = yield from self._ask(visit, record, request, faults, directive)
        wrapped = target.wrapped
        # A parsed request is many times its size, and an answer may take minutes.
        del request, sent, target
        visit.now = answer.now
        if not last and (isinstance(answer, NoAnswer) or answer.status >= 400):
            return None
        if isinstance(answer, NoAnswer):
            return visit.refuse(NO_PROVIDER_ANSWER)
        return (yield from self._deliver(visit, answer, wrapped=wrapped))

    def _refused(self, visit: Visit, record: GatewayRecord, target: Target) -> Fault | None:
        """What is checked before a provider is asked. Undocumented in its order, but for the cache, which is first."""
        settings = record.settings
        if not self._rates.admit(record, visit.now):
            return RATE_LIMITED
        denied = self._policies.refused(record, visit.metadata, visit.now) if settings.policies else None
        if denied is not None:
            return denied
        if settings.guardrails is not None:
            verdict = check_prompt(settings.guardrails, target.body)
            visit.guardrails += verdict.categories
            if verdict.blocked:
                return PROMPT_BLOCKED
        if settings.dlp:
            found = scan(settings.dlp, "REQUEST", target.body)
            if _flagged(visit, found):
                return DLP_REQUEST_BLOCKED
        if settings.spend_limits:
            rule = self.spend.refused(record, target.provider.slug, target.model, visit.metadata, visit.now)
            if rule is not None:
                return spend_limited(rule)
        return None

    def _unpaid(self, visit: Visit, record: GatewayRecord, sent: Outgoing) -> Fault | None:
        visit.payer = sent.payer
        if sent.payer != "unified":
            return None
        if self._purse.empty:
            return NO_CREDITS
        return None if self._rates.admit_unified(record, visit.now) else UNIFIED_RATE_LIMITED

    def _ask(
        self,
        visit: Visit,
        record: GatewayRecord,
        request: ProviderRequest,
        faults: tuple[FaultSpec, ...],
        directive: Directive | None,
    ) -> Generator[Ask[Any], Any, Answered | NoAnswer]:
        attempts = read_attempts(visit.request.headers, record.settings)
        names, path = visible_names(dict(request.headers)), visible_text(request.path)
        retry = 0
        while True:
            visit.attempts = retry + 1
            self._calls.add(ProviderCall(request.provider, request.method, path, names, len(request.body)))
            call = Call(request, attempts.timeout_of(retry), faults, directive, retry)
            answer = yield from call
            failed = isinstance(answer, NoAnswer) or is_retried(answer.status)
            if not failed or retry >= attempts.retries:
                return answer
            retry += 1
            yield from Sleep(attempts.wait(retry))

    def _deliver(self, visit: Visit, answer: Answered, *, wrapped: bool) -> Serving:
        record = visit.record
        assert record is not None
        kept = response_headers(answer.headers)
        settings = record.settings
        checked = not visit.bare and (settings.guardrails is not None or settings.dlp) and answer.status < 300
        if wrapped or checked:
            body = yield from Buffer(self._config.max_body_bytes)
            visit.now = body.now
            if body.data is None:
                return visit.refuse(NO_PROVIDER_ANSWER)
            return self._whole(visit, answer.status, kept, body, wrapped=wrapped)
        visit.note(answer.status, cache=None if visit.bare else "MISS", response_content_type=_type_of(kept))
        limit = self._config.cache_bytes
        visit.answered = True
        body = yield from Relay(answer.status, kept + visit.headers("MISS"), limit)
        visit.now = body.now
        self._close(visit, answer.status, kept, body)
        return None

    def _whole(self, visit: Visit, status: int, kept: Headers, body: Body, *, wrapped: bool) -> Reply:
        """An answer that is read before it is sent: it is checked, or put into an envelope."""
        record, data = visit.record, body.data
        assert record is not None
        assert data is not None
        refusal = None if status >= 300 else self._blocked(visit, record, data)
        # On REST responses are evaluated, and logged, but not withheld (contract 5).
        rest = visit.route is not None and visit.route.kind == "rest"
        if refusal is not None and not rest:
            self._close(visit, status, kept, body, store=False)
            return visit.refuse(refusal)
        if wrapped:
            if status == 401:
                return visit.refuse(provider_refused_key(visit.payer))
            data, kept = _enveloped(status, data, visit.payer), JSON_TYPE
        self._close(visit, status, kept, Body(data, body.complete, body.now))
        return Reply(status, kept + visit.headers("MISS"), data)

    def _blocked(self, visit: Visit, record: GatewayRecord, data: bytes) -> Fault | None:
        verdict = check_response(record.settings.guardrails, data)
        visit.guardrails += verdict.categories
        if verdict.blocked:
            return RESPONSE_BLOCKED
        return DLP_RESPONSE_BLOCKED if _flagged(visit, scan(record.settings.dlp, "RESPONSE", data)) else None

    def _close(self, visit: Visit, status: int, kept: Headers, body: Body, *, store: bool = True) -> None:
        """The answer is complete: cost, counters, log, cache."""
        record, data, plan = visit.record, body.data, visit.plan
        assert record is not None
        content_type = _type_of(kept)
        tokens = read_tokens(content_type, data) if data is not None and status < 300 else None
        custom = None if visit.bare else read_custom_cost(visit.request.headers.get("cf-aig-custom-cost"))
        price = price_for(self._config.prices, visit.model)
        nano = None
        if status < 300:
            nano = cost_of(
                tokens.tokens_in if tokens else None,
                tokens.tokens_out if tokens else None,
                tokens.cache_read if tokens else None,
                tokens.cache_write if tokens else None,
                price=price,
                custom=custom,
            )
        if nano is not None:
            self._policies.add(record, visit.metadata, nano, visit.now)
            self.spend.add(record, visit.provider or "", visit.model, visit.metadata, nano, visit.now)
            if visit.payer == "unified":
                self._purse.pay(nano)
        visit.note(
            status,
            cache=None if visit.bare else "MISS",
            tokens_in=tokens.tokens_in if tokens else None,
            tokens_out=tokens.tokens_out if tokens else None,
            cost=None if nano is None else nano / NANO,
            custom_cost=custom is not None,
            response_content_type=content_type,
            response=data,
        )
        if store and plan is not None and data is not None and body.complete and may_store(status, kept):
            headers = tuple((name, value) for name, value in kept if name not in _UNSTORED)
            entry = Entry(status, headers, data, visit.provider or "", visit.model, visit.now + plan.ttl)
            self._cache.put(plan.key, entry)


def _flagged(visit: Visit, found: DlpVerdict) -> bool:
    """Note what DLP found; true if it blocks."""
    visit.dlp = visit.dlp.joined(found)
    return found.action == "BLOCK"


def _enveloped(status: int, data: bytes, payer: str) -> bytes:
    """`/ai/run` wraps a third party's answer twice (contract 3.8, field)."""
    native = read_object(data)
    source = "BYOK" if payer == "stored" else "Unified"
    result = {
        "state": "Completed" if status < 300 else "Failed",
        "result": native,
        "gatewayMetadata": {"keySource": source},
    }
    errors = [] if status < 300 else [{"code": 7003, "message": "The provider answered with an error"}]
    return write({"success": status < 300, "result": result, "errors": errors, "messages": []})


def _type_of(headers: Headers) -> str:
    return next((value for name, value in headers if name == "content-type"), "")
