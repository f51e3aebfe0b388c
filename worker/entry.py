"""The Worker at the edge: the same decisions as in a service, in front of AI Gateway. Another driver of one path."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

import crossing
from accounts import Account, hold_seconds, most_held
from binding import binding_for
from exchanges import Exchange, answer_headers
from explaining import explain
from ledger import Ledger
from pyodide.ffi import JsException
from sources import Source, lacking
from workers import Request, Response, WorkerEntrypoint

from aig_client import __version__
from aig_client.core import ConfigurationError, EndpointKind, Plan, Receipt
from aig_client.core.path import Call, carry_out
from aig_client.core.path._edge import Arrival, Edge, EdgeRefused, arrive, certificate_of, token_of
from aig_client.core.path._edge_asked import BODY_MAX, asked_at, planned_at
from aig_client.core.path._edge_told import event_of, named_model, refusal_event, told
from aig_client.core.path._principal import Principal, by_access, by_certificate, by_token

__all__ = ["Default", "Ledger"]

for _later in ("facts._catalog_rows", "facts._cost", "path._route"):
    # A client loads these when it first needs them. Here they belong into the snapshot that a deployment takes.
    import_module(f"aig_client.core.{_later}")

JSON: Final = {"content-type": "application/json", "cache-control": "no-store"}
SOURCE: Final = Source()
_PLACE: Final = re.compile(r"[a-z]+://[^/?#]*([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


@dataclass(frozen=True, slots=True)
class Served:
    """A request that is let through: what its answer and its event say beside the receipt."""

    principal: Principal
    tenant: str = field(repr=False)
    decision_id: str
    asked: str | None
    edge: Edge
    account: Account | None


class Default(WorkerEntrypoint):
    """Every request of a service, and a few about the Worker itself."""

    async def fetch(self, request: Request) -> Response:
        """Answer, whatever comes: an error of ours is told in the caller's dialect, and the next request works."""
        place = _PLACE.fullmatch(request.url)
        assert place is not None, "workerd gives absolute URLs"
        path, query = place[1] or "/", place[2] or ""
        decision_id = os.urandom(8).hex()
        if not SOURCE.ready:
            # Each of the first requests asks for itself: one request may not wait for what another one asked.
            await SOURCE.refresh(self.env)
        elif SOURCE.due(self.env):
            self.ctx.waitUntil(SOURCE.refresh(self.env))
        try:
            match path:
                case "/healthz":
                    return self._health()
                case "/.well-known/aig":
                    return self._about()
                case "/_aig/explain":
                    return Response.from_json(await explain(self.env, SOURCE, request, _today()), headers=JSON)
                case _:
                    return await self._serve(request, path, query, decision_id)
        except EdgeRefused as refused:
            return self._refuse(refused, decision_id)
        except ConfigurationError as error:
            problem = f"The policy cannot be used: {error.problem}"
            return self._refuse(EdgeRefused(500, "policy", problem), decision_id)
        except Exception as error:  # noqa: BLE001  (a traceback is nobody's answer)
            print(f"decision {decision_id}: {type(error).__name__}")  # noqa: T201  (the Worker's log)
            return self._refuse(EdgeRefused(500, "internal", "Something went wrong at the edge."), decision_id)

    def _refuse(self, refused: EdgeRefused, decision_id: str) -> Response:
        self._tell(refusal_event(refused, decision_id=decision_id))
        return _no(refused, decision_id)

    def _tell(self, event: Mapping[str, object]) -> None:
        """Write an event, where there is a dataset: an answer does not fail because nobody could count it."""
        events = getattr(self.env, "EVENTS", None)
        if events is None:
            return
        try:
            events.writeDataPoint(event)
        except Exception as error:  # noqa: BLE001  (whatever the dataset has against it)
            print(f"event: {type(error).__name__}")  # noqa: T201  (the Worker's log)

    def _health(self) -> Response:
        problem = SOURCE.problem or lacking(self.env)
        healthy = problem is None
        said = {
            "ok": healthy,
            "version": __version__,
            "python": ".".join(str(part) for part in sys.version_info[:3]),
            "policy": {"version": SOURCE.version, "digest": SOURCE.document.digest or SOURCE.document.policy.digest},
            "problem": problem,
        }
        return Response.from_json(said, 200 if healthy else 503, headers=JSON)

    def _about(self) -> Response:
        policy = SOURCE.document.policy
        return Response.from_json(
            {"version": __version__, "policy_digest": policy.digest, "classes": sorted(policy.classes)}, headers=JSON
        )

    # --- One request ---

    async def _serve(self, request: Request, path: str, query: str, decision_id: str) -> Response:
        edge = SOURCE.built(self.env)
        arrival = arrive(edge, path=path, query=query, headers=crossing.pairs_of(request.js_object.headers))
        kind = arrival.surface.kind
        principal = await self._principal(arrival)
        if principal is None:
            raise EdgeRefused(401, "unauthenticated", "This needs a service token of the edge.", kind)
        try:
            return await self._serve_to(principal, edge, arrival, request, decision_id)
        except EdgeRefused as refused:
            refused.principal = principal.name
            raise

    async def _serve_to(
        self, principal: Principal, edge: Edge, arrival: Arrival, request: Request, decision_id: str
    ) -> Response:
        kind, method = arrival.surface.kind, str(request.method)
        body = await self._past_the_door(request, method, principal, kind)
        try:
            asked, rules, options = asked_at(edge, arrival, principal, method=method, body=body, today=_today())
            call, plan = planned_at(edge, principal, asked, rules, options)
        except ConfigurationError as error:
            raise EdgeRefused(500, "policy", f"The policy cannot be used: {error.problem}", kind) from None
        ai = binding_for(self.env, edge, plan, call.request)
        account = await self._admit(call, plan, principal, decision_id)
        exchange = Exchange(carry_out(call, plan, rules, options), call.request, ai)
        tenant = options.tenant if isinstance(options.tenant, str) else principal.tenant
        served = Served(principal, tenant, decision_id, named_model(call), edge, account)
        upstream = await exchange.open()
        if upstream is None:
            assert exchange.receipt is not None
            await self._note(exchange.receipt, served)
            late = exchange.receipt.no_answer is not None and exchange.receipt.no_answer.kind == "deadline"
            raise EdgeRefused(504 if late else 502, "gateway_unreachable", "The gateway did not answer.", kind)
        return await self._deliver(exchange, upstream, served)

    async def _admit(self, call: Call, plan: Plan, principal: Principal, decision_id: str) -> Account | None:
        """Reserve the most that the request may use; None where the principal has no limits."""
        plain = SOURCE.document.limits.get(principal.name, [])
        if not plain or plan.surface is None:
            return None
        kind = plan.surface.kind
        ledger = getattr(self.env, "LEDGER", None)
        if ledger is None:
            raise EdgeRefused(500, "no_ledger", "This principal has limits, and no ledger is bound.", kind)
        held = most_held(call, plan, plain)
        account = Account(ledger.getByName(principal.name), decision_id, held, hold_seconds(self.env, kind))
        outcome = await account.reserve(plain, plan)
        if not outcome["granted"]:
            short = outcome["short"]
            refused = EdgeRefused(
                429, "over_limit", f"The limit of {short['what']} leaves {short['left']}; this needs more.", kind
            )
            refused.retry_after = outcome["retry_after"]
            raise refused
        return account

    async def _deliver(self, exchange: Exchange, upstream: Any, served: Served) -> Response:
        plan, head, account = exchange.plan, exchange.head, served.account
        assert plan is not None
        assert head is not None
        pairs = told(plan, head, decision_id=served.decision_id, asked=served.asked)
        headers = answer_headers(head, [*pairs, *(account.headers() if account is not None else ())])
        body = upstream.body
        if not body or getattr(self.env, "METERING", "on") == "off":
            self.ctx.waitUntil(self._note(exchange.unmetered(), served))
            return crossing.answer(body, status=head.status, headers=headers)
        ours, theirs = body.tee()
        self.ctx.waitUntil(self._meter(exchange, ours, served))
        return crossing.answer(theirs, status=head.status, headers=headers)

    async def _meter(self, exchange: Exchange, stream: Any, served: Served) -> None:
        await self._note(await exchange.metered(stream), served)

    async def _note(self, receipt: Receipt, served: Served) -> None:
        if served.account is not None:
            await served.account.settle(receipt)
        self._tell(
            event_of(
                receipt,
                served.principal,
                tenant=served.tenant,
                decision_id=served.decision_id,
                secret=served.edge.secret,
            )
        )

    async def _principal(self, arrival: Arrival) -> Principal | None:
        principals, document = SOURCE.document.principals, SOURCE.document
        assertion = arrival.read.get("cf-access-jwt-assertion")
        if assertion is not None and document.access_team is not None and document.access_audience is not None:
            keys = await SOURCE.keys_of(document.access_team)
            team, audience = document.access_team, document.access_audience
            found = by_access(principals, assertion, keys=keys, team=team, audience=audience, now=time.time())
            if found is not None:
                return found
        fingerprint = certificate_of(arrival)
        if fingerprint is not None and getattr(self.env, "CLIENT_CERTIFICATES", "") == "verified-by-the-zone":
            found = by_certificate(principals, fingerprint)
            if found is not None:
                return found
        token = token_of(arrival)
        return by_token(principals, token) if token is not None else None

    async def _past_the_door(
        self, request: Request, method: str, principal: Principal, kind: EndpointKind
    ) -> bytes | None:
        """The body, where the rate limit lets its sender in: it is asked while the body arrives."""
        limiter = getattr(self.env, "FRONT_DOOR", None)
        if limiter is None:
            return await _body(request, method, kind)
        with closing(limiter.limit({"key": principal.name})) as asked:
            body = await _body(request, method, kind)
            if not (await asked).success:
                raise EdgeRefused(429, "too_many_requests", "There are too many requests: wait a little.", kind)
            return body


async def _body(request: Request, method: str, kind: EndpointKind) -> bytes | None:
    if method in ("GET", "HEAD"):
        return None
    length = request.headers.get("content-length") or "0"
    if length.isdigit() and int(length) > BODY_MAX:
        raise EdgeRefused(413, "too_large", "The body is larger than 25 MB.", kind)
    try:
        if "content-length" in request.headers:
            return await request.bytes()
        return await crossing.collected(request.js_object.body, BODY_MAX)
    except OverflowError:
        raise EdgeRefused(413, "too_large", "The body is larger than 25 MB.", kind) from None
    except (OSError, JsException):
        raise EdgeRefused(400, "cut_body", "The body ended before its length.", kind) from None


def _no(refused: EdgeRefused, decision_id: str) -> Response:
    headers = {**JSON, "x-aig-decision-id": decision_id, "x-aig-refused": refused.code}
    if refused.retry_after is not None:
        headers["retry-after"] = str(refused.retry_after)
    return Response.from_json(refused.body(), refused.status, headers=headers)
