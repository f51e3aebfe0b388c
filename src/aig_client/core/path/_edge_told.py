"""What the edge tells of an exchange: to the caller in headers, to whoever counts in an event, to an administrator."""

from __future__ import annotations

import hashlib
from typing import Final

from .._receipt import Head, Receipt
from .._values import Plan
from ..facts._surfaces import named
from ._edge import EdgeRefused
from ._principal import Principal
from ._read import Call, model_of


def told(plan: Plan, head: Head | None, *, decision_id: str, asked: str | None) -> list[tuple[str, str]]:
    """The ``x-aig-*`` headers of an answer: what was decided, without a tenant, a key or a prompt."""
    pairs = [("x-aig-decision-id", decision_id)]
    if plan.route_class is not None:
        pairs.append(("x-aig-route-class", plan.route_class))
    if asked is not None and asked.isascii() and asked.isprintable():
        pairs.append(("x-aig-model-asked", asked[:200]))
    if plan.model is not None and plan.model.isascii() and plan.model.isprintable():
        pairs.append(("x-aig-model", plan.model[:200]))
    status = head.header(b"cf-aig-cache-status") if head is not None else None
    if status is not None:
        pairs.append(("x-aig-cache-status", status.decode("latin-1")))
    return pairs


def named_model(call: Call) -> str | None:
    """The model that the caller named, where the body was looked at."""
    return model_of(call.surface, call.request.tree) if call.surface is not None else None


def explained(plan: Plan) -> dict[str, object]:
    """A plan as plain values for whoever administers the edge: no token, no key of a provider, no body."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in plan.headers}
    return {
        "route_class": plan.route_class,
        "model": plan.model,
        "url": plan.url.partition("?")[0],
        "body_rewritten": plan.body is not None,
        "intent": plan.intent.mode,
        "ttl": plan.ttl,
        "deadline": plan.deadline,
        "fallbacks": list(plan.fallbacks),
        "reasons": list(plan.reasons),
        "headers": {
            name: value
            for name, value in headers.items()
            if name.startswith("cf-aig-") and name not in ("cf-aig-authorization", "cf-aig-cache-key")
        },
        "selection": dict(plan.selection.as_dict()) if plan.selection is not None else None,
    }


def event_of(
    receipt: Receipt, principal: Principal, *, decision_id: str, secret: bytes | None, tenant: str | None = None
) -> dict[str, object]:
    """One data point of Analytics Engine: who, what and how much; never a prompt, an answer, or a tenant's name.

    Blobs: principal, tenant (hashed), class, provider, model, endpoint, cache status, how it ended, decision id, and
    the reasons of the decision, joined by "; ".
    Doubles: status, input tokens, output tokens, cached input tokens, cost and savings in nano-dollars, latency in
    milliseconds, attempts; -1 is unknown.

    ``tenant`` is the one that the answer was cached for, where that is one of the principal's own.
    """
    surface, usage, cost = receipt.plan.surface, receipt.usage, receipt.cost
    latency = receipt.latency
    blobs = [
        principal.name,
        tenant_digest(tenant or principal.tenant, secret),
        receipt.plan.route_class or "",
        _provider(receipt) or "",
        receipt.model or "",
        surface.kind if surface is not None else "",
        receipt.cache_status or "",
        receipt.ended,
        decision_id,
        "; ".join(receipt.plan.reasons),
    ]
    numbers = [
        receipt.status,
        usage.input_tokens if usage is not None else None,
        usage.output_tokens if usage is not None else None,
        usage.cache_read_input_tokens if usage is not None else None,
        cost.nanodollars if cost is not None else None,
        cost.saved_nanodollars if cost is not None else None,
        None if latency is None else latency * 1000,
        receipt.attempts,
    ]
    doubles = [float(number) if number is not None else -1.0 for number in numbers]
    return _point(blobs, doubles)


def refusal_event(refused: EdgeRefused, *, decision_id: str) -> dict[str, object]:
    """The data point of a request that the edge declined: the same columns, with the code in place of the reasons."""
    blobs = [refused.principal, "", "", "", "", refused.kind, "", "refused", decision_id, refused.code]
    return _point(blobs, [float(refused.status), *[-1.0] * 7])


# Of Analytics Engine, in bytes: an index may have 96, all blobs together 16 KB.
_INDEX_MAX: Final = 96
_BLOB_MAX: Final = 1024


def _point(blobs: list[str], doubles: list[float]) -> dict[str, object]:
    index, blobs = _first(blobs[0], _INDEX_MAX), [_first(blob, _BLOB_MAX) for blob in blobs]
    return {"indexes": [index], "blobs": blobs, "doubles": doubles}


def _first(text: str, most: int) -> str:
    """What of a text fits into so many bytes of UTF-8; half a character does not."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


def _provider(receipt: Receipt) -> str | None:
    """Who answered, as far as the gateway or the model's name says."""
    surface = receipt.plan.surface
    if receipt.metadata.provider is not None or surface is None:
        return receipt.metadata.provider
    return surface.provider or named(surface, receipt.plan.model)[0]


def tenant_digest(tenant: str, secret: bytes | None) -> str:
    """A tenant for counters and events: twelve hex digits that do not show who it is."""
    return hashlib.sha256((secret or b"") + tenant.encode()).hexdigest()[:12]
