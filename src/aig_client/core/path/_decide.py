"""decide: what do our rules make of it? Pure, total, and explained by ``Plan.reasons``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from .._errors import ConfigurationError, Refused, Unkeyable
from .._values import NO_OPTIONS, PLACEHOLDER, UNSET, CacheIntent, CacheKey, Options, Plan, RawHeaders
from ..facts._headers import DEPRECATED, GatewayMetadata, gateway_metadata_from_headers, supported_on
from ..facts._surfaces import Surface
from ..facts._variants import variant_of
from ._addressing import ALIAS, ALIAS_IN_BODY, ALIAS_IN_PATH, alias_in
from ._keys import KeyScope
from ._read import Call, model_of, tree_of, wants_stream, wants_tools
from ._rules import Rules
from ._to_edge import leaves_to_edge, to_edge

CACHEABLE_MAX: Final = 25 * 1024 * 1024  # contract 1.3.8
_PLACEHOLDER: Final = PLACEHOLDER.encode()
_SKIP: Final = (b"cf-aig-skip-cache", b"true")
_NOBODY_ASKED: Final = ("cache off: nobody asked for it",)
_HINTS: Final = frozenset({"x-aig-cache", "x-aig-tenant", "x-aig-route-class", "x-aig-targeting-key"})
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def decide(call: Call, rules: Rules, options: Options = NO_OPTIONS, *, excluded: Mapping[str, str] = _NOTHING) -> Plan:
    """The plan of a call. ``excluded`` names models that may not be chosen (any more), with the reason.

    Raises:
        Refused: the request asks for something that cannot be done safely (a response cache without a tenant, a header
            the surface does not take, an unknown hint or route class, a model that nobody has). Its cause has the
            details.
    """
    try:
        if call.surface is None:
            return _outside(call, options.over(rules.defaults))
        asked = _with_hints(call.hints, options)
        if rules.edge is not None and leaves_to_edge(call, rules):
            return to_edge(call, call.surface, rules, asked.over(rules.defaults))
        if _has_class(call, call.surface, rules, asked):
            return _classed(call, call.surface, rules, asked, excluded)
        return _inside(call, call.surface, rules, asked.over(rules.defaults))
    except ConfigurationError as error:
        raise Refused(error.problem, where=error.where, remedy=error.remedy) from error


def _has_class(call: Call, surface: Surface, rules: Rules, options: Options) -> bool:
    if options.route_class is not None or rules.defaults.route_class is not None:
        return True
    policy = rules.policy
    if policy is not None and (policy.infer or policy.default_class is not None):
        return True
    # Most requests name no class, and are told so without a look into their JSON.
    request = call.request
    if isinstance(request.tree, dict):
        model: object = request.tree.get("model")
        if isinstance(model, str) and model.startswith(ALIAS):
            return True
    if ALIAS_IN_BODY not in (request.body or b"") and ALIAS_IN_PATH not in surface.endpoint:
        return False
    try:  # a prompt may speak of an alias too: only the model's own place counts
        return alias_in(surface, tree_of(call, rules)) is not None
    except Unkeyable:
        return False


def _classed(call: Call, surface: Surface, rules: Rules, options: Options, excluded: Mapping[str, str]) -> Plan:
    from ._route import route  # noqa: PLC0415  (policy, catalog and selection load with the first call of a class)

    routed = route(call, surface, rules, options, excluded)
    plan = _inside(routed.call, routed.surface, rules, routed.options)
    if routed.side_effects and _SKIP not in plan.headers and not _is_plain_workers_ai(routed.surface, plan.headers):
        raise ConfigurationError(
            "cache",
            f"route class {plan.route_class} has side effects, which a cached answer would not repeat",
            remedy="Leave the cache off, or use another class",
        )
    return replace(
        plan,
        body=routed.body,
        selection=routed.selection,
        capabilities=routed.capabilities,
        fallbacks=routed.fallbacks,
        reasons=(*routed.reasons, *plan.reasons),
    )


def _outside(call: Call, options: Options) -> Plan:
    request = call.request
    own_keys = [pair for pair in call.credentials if _PLACEHOLDER not in pair[1] and not request.left_gateway]
    return Plan(
        request.method,
        request.url,
        (*call.kept, *own_keys),
        None,
        CacheIntent.off,
        deadline=options.deadline,
        reasons=("not an AI Gateway URL: no Cloudflare header is sent",),
    )


def _with_hints(hints: Mapping[str, str], options: Options) -> Options:
    if not hints:
        return options
    unknown = sorted(set(hints) - _HINTS)
    if unknown:
        raise ConfigurationError(unknown[0], "is no hint we know", remedy=f"Use {', '.join(sorted(_HINTS))}")
    cache = hints.get("x-aig-cache")
    said = Options(
        cache=CacheIntent.parse(cache) if cache is not None else None,
        tenant=hints.get("x-aig-tenant"),
        route_class=hints.get("x-aig-route-class"),
        targeting_key=hints.get("x-aig-targeting-key"),
    )
    return said.over(options)


def _inside(call: Call, surface: Surface, rules: Rules, options: Options) -> Plan:
    gateway, unknown = _with_own(call, surface, options.gateway)
    headers = [*call.kept]
    headers += _credentials(call, surface, rules)
    written = rules.written(surface, gateway, options.route_class)
    headers += written
    headers += unknown
    intent = options.cache or CacheIntent.off
    key: CacheKey | None = None
    tree = call.request.tree
    reasons: tuple[str, ...] = ()
    if gateway is not None and _says_cache(gateway):
        intent, reasons = CacheIntent.gateway_default, ("the caller's own cache headers are sent as they are",)
    elif intent.mode == "gateway-default":
        reasons = ("cache left to the gateway's settings, as asked",)
    elif _is_plain_workers_ai(surface, written):
        if intent.mode == "response" or unknown:
            raise ConfigurationError("gateway_id", "is required for an @cf/ model on the REST API")
        reasons = ("plain Workers AI, not the gateway: no cf-aig-* header is sent",)
    else:
        if intent.mode == "response":
            tree = tree_of(call, rules)
            obstacle = _obstacle(call, surface, tree, intent)
            if obstacle is None:
                key = _key(call, surface, tree, rules, options=options, gateway=gateway)
                headers += [(b"cf-aig-cache-key", key.value.encode()), (b"cf-aig-cache-ttl", str(intent.ttl).encode())]
                reasons = ("cached by intent",)
            else:
                intent, reasons = CacheIntent.off, (f"cache off: {obstacle}",)
        else:
            reasons = _NOBODY_ASKED
        if key is None:
            headers.append(_SKIP)
    return Plan(
        call.request.method,
        call.request.url,
        tuple(headers),
        surface,
        intent,
        key,
        options.route_class,
        model_of(surface, tree),
        wants_stream(surface, tree),
        options.deadline,
        reasons,
        today=call.request.today,
    )


def _is_plain_workers_ai(surface: Surface, written: RawHeaders) -> bool:
    """``/ai/run/@cf/...`` without a gateway id (contract 3.7.2)."""
    return (
        surface.family == "rest"
        and surface.endpoint.startswith("/run/@cf/")
        and not any(name == b"cf-aig-gateway-id" for name, _ in written)
    )


def _credentials(call: Call, surface: Surface, rules: Rules) -> list[tuple[bytes, bytes]]:
    """The caller's credentials that go along. On REST ``Authorization`` is Cloudflare's own (contract 3.3)."""
    theirs = [pair for pair in call.credentials if _PLACEHOLDER not in pair[1]]
    if surface.family == "rest":
        return [pair for pair in theirs if pair[0].lower() == b"authorization"] if rules.token is None else []
    return theirs if rules.credential == "request" else []


def _with_own(
    call: Call, surface: Surface, gateway: GatewayMetadata | None
) -> tuple[GatewayMetadata | None, list[tuple[bytes, bytes]]]:
    """``gateway`` under what the caller set by hand, and the ``cf-aig-*`` headers that the contract does not know."""
    if not call.own:
        return gateway, []
    unknown = [
        (name.encode(), value.encode("latin-1"))
        for name, value in call.own
        if name not in DEPRECATED and supported_on(name, surface.family) is None
    ]
    own = gateway_metadata_from_headers(call.own)
    return (gateway.merged(own) if gateway else own), unknown


def _says_cache(gateway: GatewayMetadata) -> bool:
    return gateway.skip_cache is not None or gateway.cache_ttl is not None or gateway.cache_key is not None


def _obstacle(call: Call, surface: Surface, tree: object, intent: CacheIntent) -> str | None:
    """Why this request is not cached although its caller would have it so."""
    request = call.request
    if request.method != "POST":
        return f"{request.method} is not keyed, only POST is"
    if tree is UNSET:
        return "the body is not JSON"
    if request.body is not None and len(request.body) > CACHEABLE_MAX:
        return "the body is larger than the gateway caches (25 MB)"
    if intent.force:
        return None
    if wants_stream(surface, tree):
        return "the answer is a stream"
    return "the request has tools" if wants_tools(tree) else None


def _key(
    call: Call, surface: Surface, tree: object, rules: Rules, *, options: Options, gateway: GatewayMetadata | None
) -> CacheKey:
    if options.tenant is None:
        raise ConfigurationError(
            "tenant",
            "is needed to cache a response, and there is no default",
            remedy="Set tenant='...', or tenant=SHARED to share answers between all callers",
        )
    credential: str = rules.credential
    if credential == "stored" and gateway is not None and gateway.byok_alias:
        credential = f"stored:{gateway.byok_alias}"
    scope = KeyScope.of(
        surface,
        tree,
        tenant=options.tenant,
        credential=credential,
        namespace=rules.namespace,
        policy_epoch=rules.policy_epoch,
        variant=variant_of(call.kept),
    )
    told = options.route_class or rules.principal or (gateway is not None and gateway.metadata)
    if scope.model.startswith("dynamic/") and told:
        raise ConfigurationError(
            "cache",
            "a dynamic route may branch on cf-aig-metadata, which no key covers",
            remedy="Turn the cache off for this call, or send no metadata with it",
        )
    return rules.maker.key(scope, tree, secret=rules.secret)


def without_cache(plan: Plan) -> Plan:
    """The same plan, told to go past the cache: for an error that the cache would serve again and again."""
    headers = tuple(pair for pair in plan.headers if not pair[0].startswith(b"cf-aig-cache-"))
    return replace(
        plan,
        headers=(*headers, _SKIP),
        intent=CacheIntent.off,
        key=None,
        reasons=(*plan.reasons, "asked again past the cache: it held an error"),
    )
