"""The other way to the gateway: a Worker's ``AI`` binding, which takes entries of a Universal request and no token.

``env.AI.gateway(id).run(entries, {extraHeaders, signal})`` is JavaScript (contract 7.1): it writes the entries with
``JSON.stringify``. So they are handed over as one JSON text, which ``JSON.parse`` reads there: nothing is carried
value by value across the boundary, ``null`` stays what it is, and only numbers may change. Of those, 1.0 is written 1,
which is the same number; an integer beyond 2^53 - 1 would become another one, and 1e999 null, so they stay here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from math import isinf
from typing import Final

from .._exact import MAX_SAFE_INTEGER
from .._parse import decode_strictly
from .._values import Plan, RawHeaders, Request
from ..facts._providers import CREDENTIAL_HEADERS

# A number that JavaScript may not hold starts with sixteen digits or has an exponent of three, and stands where JSON
# has values. Prompts may speak of such numbers too, so that a find is only a reason to look.
_LARGE: Final = re.compile(rb"[\s\[:,]-?(?:\d{16}|[\d.]+[eE]\+?\d{3})")
_TOKEN: Final = "cf-aig-authorization"  # noqa: S105  (a header's name)
_ALIAS: Final = "cf-aig-byok-alias"
_MEMBERS: Final = ("provider", "endpoint", "headers", "query")


@dataclass(frozen=True, slots=True)
class Bound:
    """What ``env.AI.gateway(gateway).run(entries, {extraHeaders: headers})`` is given.

    Attributes:
        gateway: the gateway's id.
        entries: the JSON text of the array of entries.
        headers: the plan's ``cf-aig-*`` headers, less the gateway's token: the binding is known to the gateway.
    """

    gateway: str
    entries: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def unbound(plan: Plan, request: Request) -> str | None:
    """Why a request cannot go through the binding, as the end of a sentence; None where it can.

    Args:
        request: with its ``tree``, as ``tree_of`` reads it: a body that was not read as JSON is none.
    """
    surface, tree = plan.surface, request.tree
    theirs, ours = _headers(plan)
    if surface is None or surface.gateway is None or surface.family not in ("native", "universal"):
        return "only a provider's own endpoints and Universal do"
    if plan.method != "POST":
        return f"{plan.method} does not, only POST does"
    if surface.family == "universal":
        if not isinstance(tree, list) or not all(isinstance(entry, dict) for entry in tree):
            return "the body is no list of entries"
        if any(name in CREDENTIAL_HEADERS for name in theirs):
            return "a key beside a Universal request belongs to none of its entries"
    elif not isinstance(tree, dict):
        return "the body is no JSON object"
    if ours.get(_ALIAS, "default") != "default":  # contract 1.2
        return "it only uses the provider keys stored as 'default'"
    if _has_lossy_number(_body(plan, request), tree if plan.body is None else None):
        return "the body holds a number that JavaScript would change"
    return None


def bind(plan: Plan, request: Request) -> Bound:
    """What the binding is given for a request that ``unbound`` says None of."""
    surface = plan.surface
    assert surface is not None
    assert surface.gateway is not None
    own, headers = _headers(plan)
    if surface.family == "universal":
        return Bound(surface.gateway, _with_headers(request.tree), headers)
    entry = {
        "provider": surface.provider,
        "endpoint": surface.endpoint.removeprefix("/") + surface.query,
        "headers": own,
    }
    # The body is one JSON object: it was read as that, or is what we have written ourselves. So it ends where it ends.
    start = json.dumps(entry).removesuffix("}").encode()
    return Bound(surface.gateway, b"".join((b"[", start, b', "query": ', _body(plan, request), b"}]")), headers)


def _body(plan: Plan, request: Request) -> bytes:
    return plan.body if plan.body is not None else request.body or b""


def _headers(plan: Plan) -> tuple[dict[str, str], dict[str, str]]:
    """What the provider gets, and what the gateway gets."""
    theirs: dict[str, str] = {}
    ours: dict[str, str] = {}
    for name, value in _decoded(plan.headers):
        heap = ours if name.startswith("cf-aig-") else theirs
        heap[name] = f"{heap[name]}, {value}" if name in heap else value
    ours.pop(_TOKEN, None)
    return theirs, ours


def _decoded(headers: RawHeaders) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]


def _with_headers(tree: object) -> bytes:
    """Universal entries as ``run`` takes them: it fails where one has no ``headers``. Members it does not know go."""
    entries: list[dict[str, object]] = []
    for entry in tree if isinstance(tree, list) else ():
        kept = {name: entry[name] for name in _MEMBERS if name in entry}
        entries.append({**kept, "headers": kept.get("headers") or {}})
    return json.dumps(entries, separators=(",", ":")).encode()


def _has_lossy_number(body: bytes, tree: object) -> bool:
    if _LARGE.search(body) is None:
        return False
    waiting: list[object] = [decode_strictly(body) if tree is None else tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif (isinstance(one, float) and isinf(one)) or (isinstance(one, int) and abs(one) > MAX_SAFE_INTEGER):
            return True
    return False
