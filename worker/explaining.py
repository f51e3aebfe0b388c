"""What would be decided about a request, for whoever administers the edge. Nothing is sent, held or counted."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from accounts import most_held
from binding import binding_for
from sources import Source
from workers import Request

from aig_client.core._depth import shallow
from aig_client.core.path._edge import EdgeRefused, arrive
from aig_client.core.path._edge_asked import asked_at, planned_at
from aig_client.core.path._edge_told import explained
from aig_client.core.path._principal import Principal


async def explain(env: Any, source: Source, request: Request, today: str) -> dict[str, object]:
    """The plan for a request of one principal, or ``{"refused": ...}`` where it would be declined.

    Raises:
        EdgeRefused: the question itself is none, or not an administrator's.
    """
    wanted = getattr(env, "ADMIN_TOKEN", None)
    given = (request.headers.get("authorization") or "").removeprefix("Bearer ")
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise EdgeRefused(401, "unauthenticated", "This needs the admin token.")
    try:
        asked: Mapping[str, Any] = json.loads(shallow(await request.text()))
        name, method = str(asked["principal"]), str(asked.get("method", "POST")).upper()
        path, _, query = str(asked["path"]).partition("?")
        headers = [(str(key), str(value)) for key, value in dict(asked.get("headers", {})).items()]
        body = None if method in ("GET", "HEAD") else json.dumps(asked.get("body", {})).encode()
    except (AttributeError, ValueError, KeyError, TypeError, RecursionError):
        raise EdgeRefused(400, "bad_question", "Send principal and path, and method, headers, body if any.") from None
    principal = next((one for one in source.document.principals if one.name == name), None)
    if principal is None:
        raise EdgeRefused(404, "no_principal", "There is no such principal.")
    try:
        return _decided(env, source, principal, (method, path, query, headers, body), today)
    except EdgeRefused as refused:
        return {"refused": {"status": refused.status, "code": refused.code, "message": refused.message}}


def _decided(
    env: Any,
    source: Source,
    principal: Principal,
    asked: tuple[str, str, str, list[tuple[str, str]], bytes | None],
    today: str,
) -> dict[str, object]:
    edge, (method, path, query, headers, body) = source.built(env), asked
    if not any(header.lower() == "content-type" for header, _ in headers):
        headers = [*headers, ("content-type", "application/json")]
    arrival = arrive(edge, path=path, query=query, headers=headers)
    parts = asked_at(edge, arrival, principal, method=method, body=body, today=today)
    call, plan = planned_at(edge, principal, *parts)
    dispatch = "fetch" if binding_for(env, edge, plan, call.request) is None else "binding"
    limits = source.document.limits.get(principal.name, [])
    holds = asdict(most_held(call, plan, limits)) if limits else None
    return {**explained(plan), "dispatch": dispatch, "holds": holds}
