"""Dispatch through the Worker's ``AI`` binding, as far as the policy says so and the request can go that way."""

from __future__ import annotations

import json
from typing import Any

from js import JSON
from pyodide.ffi import JsException
from workers import Response

from aig_client.core import Plan, Request
from aig_client.core.path._binding import bind, unbound
from aig_client.core.path._edge import Edge, EdgeRefused


def binding_for(env: Any, edge: Edge, plan: Plan, request: Request) -> Any:
    """The binding that a request goes through, its fallbacks included; None where ``fetch`` serves it.

    Raises:
        EdgeRefused: there is no binding, or this cannot go through it and there is no token for another way.
    """
    if edge.dispatch != "binding":
        return None
    kind = plan.surface.kind if plan.surface is not None else "other"
    ai = getattr(env, "AI", None)
    if ai is None:
        raise EdgeRefused(500, "no_binding", "The policy dispatches through the AI binding, and none is bound.", kind)
    why = unbound(plan, request)
    if why is None:
        return ai
    if edge.token is None:
        raise EdgeRefused(403, "not_through_binding", f"This does not go through the AI binding: {why}.", kind)
    return None


async def through(ai: Any, plan: Plan, request: Request, signal: Any) -> Any:
    """Send it, and give JavaScript's ``Response``.

    Raises:
        OSError: nobody answered, or not in time.
    """
    bound = bind(plan, request)
    options = JSON.parse(json.dumps({"extraHeaders": bound.headers}))
    if signal is not None:
        options.signal = signal
    try:
        answer: Response = await ai.gateway(bound.gateway).run(JSON.parse(bound.entries.decode()), options)
    except JsException as error:
        raise ConnectionError(str(getattr(error, "name", "Error"))) from None
    return answer.js_object
