"""What a request at the edge asks of the shared path: its rules and options, its class, its plan."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from .._depth import crowded
from .._errors import ConfigurationError, Refused, Unkeyable
from .._values import PLACEHOLDER, UNSET, CacheIntent, Options, Plan, Request
from ..facts._edge import ACCOUNT_HEADERS, is_file_type, takes_files
from ..facts._providers import CREDENTIAL_HEADERS, PROVIDERS, EndpointKind, asks_a_model
from ..facts._queries import is_batch
from ..facts._surfaces import Surface
from ._addressing import AUTO, alias_in
from ._decide import decide
from ._edge import Arrival, Edge, EdgeRefused, token_of
from ._edge_reach import check_class, check_entries, check_reach
from ._principal import Principal
from ._read import Call, read, tree_of
from ._rules import Rules

BODY_MAX: Final = 25 * 1024 * 1024  # contract 1.3.8: larger ones are not cached either
VALUES_MAX: Final = 250_000
"""Values of a JSON body. OpenAI takes at most 300 000 tokens of embeddings in one request, and few send them so."""
_CLASS: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TENANT: Final = re.compile(r"[!-~]{1,200}")
_HINTS: Final = frozenset({"x-aig-route-class", "x-aig-tenant", "x-aig-cache", "x-aig-targeting-key"})


def asked_at(
    edge: Edge, arrival: Arrival, principal: Principal, *, method: str, body: bytes | None, today: str
) -> tuple[Request, Rules, Options]:
    """What an allowed request stands for in front of the shared path.

    Raises:
        EdgeRefused: a class, a model or a hint that the principal may not use; a body that is none.
    """
    kind = arrival.surface.kind
    if method not in ("GET", "HEAD", "POST", "DELETE"):
        raise EdgeRefused(405, "method_not_allowed", "Use GET, POST or DELETE.", kind)
    if body is not None and len(body) > BODY_MAX:
        raise EdgeRefused(413, "too_large", "The body is larger than 25 MB.", kind)
    encoding = next((value for name, value in arrival.kept if name == "content-encoding"), "identity")
    if encoding.lower() != "identity":
        raise EdgeRefused(415, "unsupported_encoding", "Send the body without a content-encoding.", kind)
    rules = edge.rules_of(principal)
    options = _hinted(edge, arrival, principal)
    own = _own_keys(arrival, principal)
    if not _asks_a_model(arrival, method) and not _opens(own, arrival.surface.provider):
        # With the gateway's own key, one tenant's files, batches and stored answers would be every tenant's.
        raise EdgeRefused(
            403, "forbidden_endpoint", "Only requests to a model are served with the gateway's key.", kind
        )
    kept = arrival.kept
    if own:
        rules = replace(rules, credential="request")
    if not _opens(own, arrival.surface.provider):
        kept = [pair for pair in kept if pair[0] not in ACCOUNT_HEADERS]
    try:
        pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in (*kept, *own))
    except UnicodeEncodeError:
        raise EdgeRefused(400, "bad_header", "A header holds what is not Latin-1.", kind) from None
    return Request(method, arrival.url, pairs, body or None, today=today), rules, options


def _may_be_a_file(surface: Surface, request: Request) -> bool:
    """Whether a body that does not say it is JSON is one that this endpoint takes. What is JSON must be read."""
    if surface.kind != "universal" and not asks_a_model(surface.endpoint, request.method):
        return True  # with the caller's own key, for the caller's own account
    return takes_files(surface.endpoint) and _is_file(request)


def _is_kept_here(surface: Surface, request: Request, tree: object) -> bool:
    """Whether answers would be kept for later, in the gateway's account and not in the caller's own."""
    if not is_batch(surface.endpoint, surface.query, tree):
        return False
    keys = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers]
    return not _opens(keys, surface.provider)


def _is_file(request: Request) -> bool:
    said = next((value for name, value in request.headers if name.lower() == b"content-type"), b"")
    return is_file_type(said.decode("latin-1"))


def _asks_a_model(arrival: Arrival, method: str) -> bool:
    surface = arrival.surface
    return method == "POST" if surface.kind == "universal" else asks_a_model(surface.endpoint, method)


def _hinted(edge: Edge, arrival: Arrival, principal: Principal) -> Options:
    kind, hints = arrival.surface.kind, {name: arrival.read[name] for name in _HINTS & set(arrival.read)}
    said = hints.get("x-aig-route-class")
    if said is not None and arrival.route_class is not None and said != arrival.route_class:
        raise EdgeRefused(400, "two_classes", "The path and x-aig-route-class name two classes: name one.", kind)
    route_class = said or arrival.route_class
    if route_class is not None:
        _check_class(edge, principal, route_class, kind)
    tenant = principal.tenant
    below = hints.get("x-aig-tenant")
    if below is not None:
        if not _TENANT.fullmatch(below):
            raise EdgeRefused(400, "bad_tenant", "x-aig-tenant must be 1 to 200 visible ASCII characters.", kind)
        tenant = f"{len(tenant)}:{tenant}/{below}"  # the length keeps "a" + "b/c" apart from "a/b" + "c"
    return Options(
        cache=_cache(hints.get("x-aig-cache"), kind),
        tenant=tenant,
        route_class=route_class,
        targeting_key=hints.get("x-aig-targeting-key") or None,
    )


def _check_alias(
    edge: Edge, principal: Principal, alias: str | None, route_class: str | None, kind: EndpointKind
) -> None:
    """A class that stands where the model does (``aig/summary``)."""
    if alias is None or alias == AUTO:
        return
    if route_class not in (None, alias):
        raise EdgeRefused(400, "two_classes", "The model and x-aig-route-class name two classes: name one.", kind)
    _check_class(edge, principal, alias, kind)


def _check_class(edge: Edge, principal: Principal, route_class: str, kind: EndpointKind) -> None:
    if not _CLASS.fullmatch(route_class) or route_class not in edge.policy.classes:
        raise EdgeRefused(400, "unknown_class", "There is no such route class; /.well-known/aig lists them.", kind)
    if not principal.may_use(route_class):
        raise EdgeRefused(403, "forbidden_class", f"{route_class} is no class of yours.", kind)


def _cache(hint: str | None, kind: EndpointKind) -> CacheIntent | None:
    """A caller may have its answers uncached; what is cached, and how long, the class says."""
    if hint is None:
        return None
    try:
        intent = CacheIntent.parse(hint)
    except ConfigurationError as error:
        raise EdgeRefused(400, "bad_hint", f"{error}", kind) from None
    if intent.mode == "gateway-default":
        raise EdgeRefused(403, "forbidden_cache", "Only the route class says what is cached.", kind)
    return intent if intent.mode == "off" else None


def _own_keys(arrival: Arrival, principal: Principal) -> list[tuple[str, str]]:
    """The provider's key that a caller brings: only beside a service token in our own header."""
    if not principal.own_keys or "cf-aig-authorization" not in arrival.read:
        return []
    token = token_of(arrival) or ""
    found = [(name, value) for name, value in arrival.read.items() if name in CREDENTIAL_HEADERS and value.strip()]
    # The service token is for nobody else, and our own stand-in for a stored key is none.
    return [(name, value) for name, value in found if token not in value and PLACEHOLDER not in value]


def _opens(own: list[tuple[str, str]], provider: str | None) -> bool:
    """Whether a key stands where this provider looks for one.

    Whether another credential header, or a scheme without a key, keeps the gateway from using its stored key is
    undocumented, and with that key the caller would be everybody.
    """
    row = PROVIDERS.get(provider or "")
    name, scheme = (row.credential, row.scheme) if row is not None else ("authorization", "Bearer")
    return len(dict(own).get(name, "").split()) >= (2 if scheme else 1)


def planned_at(edge: Edge, principal: Principal, request: Request, rules: Rules, options: Options) -> tuple[Call, Plan]:
    """What is decided about what ``asked_at`` gave. Give both to ``carry_out``.

    Raises:
        EdgeRefused: it would not be sent.
    """
    call = read(request, rules)
    kind = call.surface.kind if call.surface is not None else "other"
    try:
        if request.body and not _is_file(request) and crowded(request.body, VALUES_MAX):
            raise EdgeRefused(413, "too_large", f"The body holds more than {VALUES_MAX} values.", kind)
        tree = tree_of(call, rules)  # read once, for all that follows
        if tree is UNSET and request.body and call.surface is not None and not _may_be_a_file(call.surface, request):
            raise EdgeRefused(415, "unsupported_type", "Send the body as application/json.", kind)
        if call.surface is not None and _is_kept_here(call.surface, request, tree):
            raise EdgeRefused(403, "forbidden_endpoint", "What is kept for later needs a key of your own.", kind)
        if kind == "universal":
            check_entries(tree, rules, principal)
        elif call.surface is not None:
            _check_alias(edge, principal, alias_in(call.surface, tree), options.route_class, kind)
        call = replace(call, request=replace(request, tree=tree))
        plan = decide(call, rules, options)
        check_reach(call, plan, rules, principal)
        check_class(call, plan, rules)
    except Refused as error:
        raise _refused(error, kind) from None
    return call, plan


def _refused(error: Refused, kind: EndpointKind) -> EdgeRefused:
    if isinstance(error, Unkeyable):
        return EdgeRefused(400, "bad_body", f"The body cannot be read in one way: {error}", kind)
    if error.where == "route_class":
        return EdgeRefused(403, "forbidden_class" if error.__cause__ is not None else "no_model", str(error), kind)
    return EdgeRefused(400, "refused", str(error), kind)
