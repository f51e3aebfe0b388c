"""The edge: what a Worker in front of the gateway decides, before and after the path that everybody shares.

Pure like the rest of the path. Whoever runs it hands in what arrived and answers the path's questions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .._errors import ConfigurationError, Refused, Unkeyable
from .._receipt import Head, Receipt
from .._values import CacheIntent, Options, Plan, Request
from ..facts._catalog import Capabilities
from ..facts._edge import refusal, strip
from ..facts._headers import GatewayMetadata
from ..facts._providers import CREDENTIAL_HEADERS, PROVIDERS, EndpointKind
from ..facts._surfaces import Surface, base_url, named, surface_of
from ._decide import decide
from ._policy import Policy
from ._principal import Principal
from ._read import Call, model_of, read, tree_of
from ._rules import Rules

BODY_MAX: Final = 25 * 1024 * 1024  # contract 1.3.8: larger ones are not cached either
_CLASS_PATH: Final = re.compile(r"/c/([^/]{1,80})(/.*|)")
_CLASS: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TENANT: Final = re.compile(r"[!-~]{1,200}")
_HINTS: Final = frozenset({"x-aig-route-class", "x-aig-tenant", "x-aig-cache", "x-aig-targeting-key"})


class EdgeRefused(Exception):  # noqa: N818  (the same word as the error it stands for at the client)
    """The edge says no. ``body(kind)`` is the error object in the caller's dialect."""

    def __init__(self, status: int, code: str, message: str, kind: EndpointKind = "other") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind: EndpointKind = kind
        self.retry_after: int | None = None

    def body(self) -> dict[str, object]:
        """The error object, as an SDK for the endpoint reads it."""
        return refusal(self.kind, self.status, self.code, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What one Worker decides by.

    Attributes:
        account_id, gateway_id: the gateway behind it.
        principals: who may call.
        policy: the route classes.
        origin: the gateway's origin, else Cloudflare's; a local emulator's is declared by it.
        token, secret: the gateway's token, and the secret that seals cache keys.
        namespace: separates Workers on one gateway.
        epoch: change it, and everything cached before is out of reach; the policy's own where it is empty.
    """

    account_id: str
    gateway_id: str
    principals: tuple[Principal, ...] = field(repr=False)
    policy: Policy
    origin: str | None = None
    token: str | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)
    namespace: str = ""
    epoch: str = ""
    _rules: dict[str, Rules] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def base(self) -> str:
        """What provider slugs stand under."""
        origin = self.origin
        return base_url(self.account_id, self.gateway_id, **({} if origin is None else {"origin": origin}))

    @property
    def gateways(self) -> tuple[str, ...]:
        """What is declared to be a gateway: an origin of one's own."""
        return () if self.origin is None else (self.origin,)

    def rules_of(self, principal: Principal) -> Rules:
        """The rules of one principal: the policy, less what is not theirs."""
        found = self._rules.get(principal.name)
        if found is None:
            found = self._rules[principal.name] = Rules(
                token=self.token,
                credential="stored",
                gateways=self.gateways,
                namespace=self.namespace,
                policy_epoch=self.epoch or self.policy.epoch or self.policy.digest,
                secret=self.secret,
                defaults=Options(gateway=GatewayMetadata(metadata={"principal": principal.name})),
                policy=restricted(self.policy, principal),
            )
        return found


def restricted(policy: Policy, principal: Principal) -> Policy:
    """The policy as far as a principal may use it.

    Raises:
        ConfigurationError: nothing of it is left.
    """
    classes = {name: one for name, one in policy.classes.items() if principal.may_use(name)}
    allowed = principal.providers
    providers = tuple(one for one in policy.providers if one in allowed) if allowed and policy.providers else allowed
    if allowed and not providers:
        raise ConfigurationError("providers", f"of {principal.name} are none of the policy's")
    providers = providers or policy.providers
    models: Mapping[str, Capabilities] = policy.models or {row.name: row for row in policy.catalog.rows}
    models = {
        name: row
        for name, row in models.items()
        if (not principal.models or name in principal.models) and (not allowed or row.provider in allowed)
    }
    if not models:
        raise ConfigurationError("models", f"of {principal.name} are none that the policy knows")
    kept = {
        name: replace(one, targets=tuple(target for target in one.targets if target.name in models))
        for name, one in classes.items()
        if not one.targets or any(target.name in models for target in one.targets)
    }
    overrides = {at: one for at, one in policy.overrides.items() if at[0] in kept and f"{at[1]}/{one.model}" in models}
    default = policy.default_class if policy.default_class in kept else None
    return Policy(
        classes=kept,
        providers=providers,
        default_class=default,
        infer=default is None,
        overrides=overrides,
        models=models,
        epoch=policy.epoch,
    )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request at the edge, stripped, and addressed to the gateway. ``read`` is what the edge itself may look at."""

    url: str = field(repr=False)
    surface: Surface
    route_class: str | None
    kept: list[tuple[str, str]] = field(repr=False)
    read: Mapping[str, str] = field(repr=False)


def arrive(edge: Edge, *, path: str, query: str, headers: Iterable[tuple[str, str]]) -> Arrival:
    """Where a request goes, and which headers may go on. ``path`` is as it came, still percent-encoded.

    Raises:
        EdgeRefused: no endpoint of a gateway, or a path that could be read in two ways.
    """
    kept, seen = strip(headers)
    route_class: str | None = None
    found = _CLASS_PATH.fullmatch(path)
    if found is not None:
        route_class, path = found[1], found[2]
    rest = path.rstrip("/") if path.strip("/") == "" else path
    url = f"{edge.base}{rest}{f'?{query}' if query else ''}"
    surface = surface_of(url, gateways=edge.gateways)
    expected = edge.base.rpartition("/")[2]
    known = surface is not None and (surface.provider is None or surface.provider in PROVIDERS or _is_custom(surface))
    if surface is None or not known or (surface.account, surface.gateway) != (edge.account_id, expected):
        raise EdgeRefused(404, "not_found", "There is no such endpoint: put a provider's slug and its path here.")
    return Arrival(url, surface, route_class, kept, seen)


def _is_custom(surface: Surface) -> bool:
    return surface.provider is not None and surface.provider.startswith("custom-")


def token_of(arrival: Arrival) -> str | None:
    """The service token of a request: ours, else what an SDK sends as its API key."""
    own = arrival.read.get("cf-aig-authorization")
    for value in (own, *(arrival.read.get(name) for name in ("authorization", "x-api-key", "x-goog-api-key"))):
        if value:
            scheme, _, rest = value.partition(" ")
            return rest.strip() if scheme.lower() == "bearer" and rest else value
    return None


def certificate_of(arrival: Arrival) -> str | None:
    """The fingerprint of a client certificate that the zone has verified.

    Cloudflare's managed transform "Add TLS client auth headers" writes these; whoever has not switched it on, and does
    not remove them from what clients send, may not ask.
    """
    read = arrival.read
    if read.get("cf-cert-verified", "").lower() != "true" or read.get("cf-cert-revoked", "").lower() == "true":
        return None
    return read.get("cf-cert-fingerprint-sha256") or None


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
    if own:
        rules = replace(rules, credential="request")
    try:
        pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in (*arrival.kept, *own))
    except UnicodeEncodeError:
        raise EdgeRefused(400, "bad_header", "A header holds what is not Latin-1.", kind) from None
    return Request(method, arrival.url, pairs, body or None, today=today), rules, options


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
    return [(name, value) for name, value in arrival.read.items() if name in CREDENTIAL_HEADERS]


def planned_at(request: Request, rules: Rules, options: Options, principal: Principal) -> tuple[Call, Plan]:
    """What is decided. Give both to ``carry_out``.

    Raises:
        EdgeRefused: it would not be sent.
    """
    call = read(request, rules)
    kind = call.surface.kind if call.surface is not None else "other"
    try:
        call = replace(call, request=replace(request, tree=tree_of(call, rules)))  # read once, for all that follows
        plan = decide(call, rules, options)
    except Refused as error:
        raise _refused(error, kind) from None
    _check_reach(call, plan, rules, principal)
    return call, plan


def _check_reach(call: Call, plan: Plan, rules: Rules, principal: Principal) -> None:
    """A model that the caller names is held against what the principal may reach; a chosen one comes from there."""
    surface = plan.surface
    assert surface is not None, "arrive has let no other URL through"
    assert rules.policy is not None
    allowed = principal.providers or rules.policy.providers
    if plan.selection is not None or not (allowed or principal.models):
        return
    provider, model = named(surface, plan.model or model_of(surface, call.request.tree))
    if allowed and provider not in allowed:
        raise EdgeRefused(403, "forbidden_provider", "This provider is none of yours.", surface.kind)
    if principal.models and f"{provider}/{model}" not in principal.models:
        raise EdgeRefused(403, "forbidden_model", "This model is none of yours.", surface.kind)


def _refused(error: Refused, kind: EndpointKind) -> EdgeRefused:
    if isinstance(error, Unkeyable):
        return EdgeRefused(400, "bad_body", f"The body cannot be read in one way: {error}", kind)
    if error.where == "route_class":
        return EdgeRefused(403, "forbidden_class" if error.__cause__ is not None else "no_model", str(error), kind)
    return EdgeRefused(400, "refused", str(error), kind)


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


def event_of(receipt: Receipt, principal: Principal, *, decision_id: str, secret: bytes | None) -> dict[str, object]:
    """One data point of Analytics Engine: who, what and how much; never a prompt, an answer, or a tenant's name.

    Blobs: principal, tenant (hashed), class, provider, model, endpoint, cache status, how it ended, decision id.
    Doubles: status, input tokens, output tokens, cached input tokens, cost and savings in nano-dollars, latency in
    milliseconds, attempts; -1 is unknown.
    """
    surface, usage, cost = receipt.plan.surface, receipt.usage, receipt.cost
    latency = receipt.latency
    blobs = [
        principal.name,
        tenant_digest(principal.tenant, secret),
        receipt.plan.route_class or "",
        (surface.provider if surface is not None else None) or "",
        receipt.model or "",
        surface.kind if surface is not None else "",
        receipt.cache_status or "",
        receipt.ended,
        decision_id,
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
    return {"indexes": [principal.name[:96]], "blobs": [str(blob)[:256] for blob in blobs], "doubles": doubles}


def tenant_digest(tenant: str, secret: bytes | None) -> str:
    """A tenant for counters and events: twelve hex digits that do not show who it is."""
    return hashlib.sha256((secret or b"") + tenant.encode()).hexdigest()[:12]
