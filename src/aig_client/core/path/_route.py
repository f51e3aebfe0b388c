"""decide, for a call that has a route class: which class, which model, and what of the body follows from that."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .._errors import ConfigurationError
from .._values import PLACEHOLDER, SHARED, UNSET, CacheIntent, Options
from ..facts._catalog import Capabilities
from ..facts._classes import RouteClass, Target
from ..facts._headers import GatewayMetadata
from ..facts._providers import USUAL_PROVIDER
from ..facts._surfaces import Surface, named, surface_of
from ._addressing import ALIAS, AUTO, addressed, alias_in, speakers, takes_choice, without_their_headers
from ._policy import Override, Policy, builtin_policy, check_override, resolve_class
from ._read import Call, model_of, tree_of, wants_stream
from ._rewrite import encode_body, rewrite
from ._rules import Rules
from ._select import Context, Selection, select
from ._tools import strip_tools
from ._work import Work, infer_class, work_of

_PLACEHOLDER: Final = PLACEHOLDER.encode()
_HOOK: Final = "choose_model"


@dataclass(frozen=True, slots=True)
class Routed:
    """A call as its route class has it: where it goes, with which body and options.

    ``body`` is None where the caller's bytes leave as they are. ``side_effects``: no cache may answer.
    """

    call: Call
    surface: Surface
    options: Options
    body: bytes | None = field(repr=False)
    side_effects: bool
    selection: Selection | None
    capabilities: Capabilities | None
    fallbacks: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that a decision about one call rests on."""

    call: Call
    surface: Surface
    rules: Rules
    policy: Policy
    tree: object = field(repr=False)
    alias: str | None

    @property
    def today(self) -> str | None:
        return self.call.request.today


@dataclass(frozen=True, slots=True)
class _Target:
    """Which model, as far as that is known; ``selection`` where it was chosen here."""

    provider: str | None
    capabilities: Capabilities | None
    selection: Selection | None = None


def route(call: Call, surface: Surface, rules: Rules, options: Options, excluded: Mapping[str, str]) -> Routed:
    """Apply the route class of a call. ``options`` are the call's own; ``excluded`` models were tried already.

    Raises:
        ConfigurationError: an unknown class, a conflict, or something that the class forbids.
        Refused: no model is left, or the request needs what the class takes away.
    """
    tree = tree_of(call, rules)
    case = _Case(call, surface, rules, rules.policy or builtin_policy(), tree, alias_in(surface, tree))
    route_class, why, work = _class_of(case, options)
    merged = _options(route_class, options, rules)
    target = _target(case, route_class, work, merged, excluded)
    reasons = [f"route class {route_class.name}: {why}"]
    url, moved, spelled = call.request.url, surface, None
    if target.selection is not None:
        chosen = target.selection.chosen
        url, spelled = addressed(url, surface, chosen.model.provider, chosen.model.model)
        moved = surface_of(url, gateways=rules.gateways) or surface
        reasons.append(f"model {chosen.model.name}: {chosen.why}")
    new = tree
    if tree is not UNSET:
        rewritten = rewrite(
            surface.kind,
            target.provider or "",
            tree,
            route_class,
            model=spelled,
            capabilities=target.capabilities,
            prefix_key=_prefix_key(route_class, merged, rules),
            estimated_tokens=work.estimated_input_tokens,
            endpoint=moved.endpoint,
        )
        new = rewritten.tree
        reasons.extend(rewritten.notes)
    body = encode_body(new) if new is not tree else None
    request = replace(call.request, url=url, tree=new, body=call.request.body if body is None else body)
    kept = call.kept if moved.provider == surface.provider else without_their_headers(call.kept)
    return Routed(
        replace(call, request=request, kept=kept),
        moved,
        merged,
        body,
        route_class.side_effects,
        target.selection,
        target.capabilities,
        _fallbacks(route_class, target.selection),
        tuple(reasons),
    )


def _class_of(case: _Case, options: Options) -> tuple[RouteClass, str, Work]:
    alias, explicit = case.alias, options.route_class
    if alias is not None and alias != AUTO:
        if explicit is not None and explicit != alias:
            raise ConfigurationError(
                "route_class", f"is {explicit!r}, and the model is {ALIAS}{alias}", remedy="Name one class"
            )
        explicit = alias
    kind, tree = case.surface.kind, case.tree
    work = work_of(kind, tree, stream=wants_stream(case.surface, tree))
    default = case.rules.defaults.route_class
    infers = explicit is None and default is None and (case.policy.infer or alias == AUTO)
    inferred, sign = infer_class(work) if infers else (None, "")
    route_class, why = resolve_class(case.policy, explicit=explicit, default=default, inferred=inferred)
    if inferred == route_class.name and sign:
        why = f"{why} ({sign})"
    if route_class.tools == "strip" and tree is not UNSET:
        stripped = strip_tools(kind, tree, provider=case.surface.provider, check_history=False).tree
        if stripped is not tree:  # what is taken away needs no model that has it
            work = work_of(kind, stripped, stream=wants_stream(case.surface, stripped))
    return route_class, why, work


def _target(case: _Case, route_class: RouteClass, work: Work, options: Options, excluded: Mapping[str, str]) -> _Target:
    surface, tree, policy = case.surface, case.tree, case.policy
    provider, model = named(surface, model_of(surface, tree) if case.alias is None else None)
    if not takes_choice(surface, case.call.request.method) or not isinstance(tree, dict):
        if case.alias is not None:
            raise ConfigurationError("model", "cannot be chosen for this kind of request", remedy="Name a model")
        return _Target(provider, _known(policy, provider, model))
    if model is not None and route_class.asked_model == "keep":
        return _Target(provider, _known(policy, provider, model))
    if model is not None and route_class.asked_model == "check":
        route_class = _only(route_class, provider, model)
    overrides = _overrides(case, route_class)
    context = Context(
        today=case.today,
        providers=_providers(case, provider),
        speaks=speakers(surface.family, surface.kind, surface.provider),
        targeting_key=options.targeting_key,
        overrides=overrides,
        excluded=excluded,
    )
    models = (*policy.candidates(route_class), *_respelled(policy, overrides))
    selection = select(route_class, work, models, context)
    chosen = selection.chosen.model
    return _Target(chosen.provider, chosen, selection)


def _known(policy: Policy, provider: str | None, model: str | None) -> Capabilities | None:
    if provider is None or model is None:
        return None
    return policy.catalog.get(provider, model)


def _only(route_class: RouteClass, provider: str | None, model: str) -> RouteClass:
    """The class with the model that was asked for as its only target, where it is one of its targets."""
    name = f"{provider}/{model}"
    if provider is None or (route_class.targets and name not in {target.name for target in route_class.targets}):
        raise ConfigurationError(
            "model",
            f"{name} is no model of route class {route_class.name}",
            remedy=f"Ask for {ALIAS}{route_class.name}, and the class chooses",
        )
    return replace(route_class, targets=(Target(provider=provider, model=model),), strategy="fixed")


def _providers(case: _Case, provider: str | None) -> tuple[str, ...]:
    own_key = case.rules.credential == "request" and any(
        _PLACEHOLDER not in value for _, value in case.call.credentials
    )
    if own_key:
        # The key was made for one provider: whoever else received it could use it.
        if provider is None:
            raise ConfigurationError(
                "model", "has no provider, and the request brings a provider's key", remedy="Ask for provider/model"
            )
        return (provider,)
    usual = provider or USUAL_PROVIDER.get(case.surface.kind)
    return case.policy.providers or ((usual,) if usual is not None else ())


def _overrides(case: _Case, route_class: RouteClass) -> Mapping[str, Override]:
    """The overrides of a class by provider; what the hook says beats what the policy holds."""
    policy, choose = case.policy, case.rules.choose_model
    found = {provider: one for (name, provider), one in policy.overrides.items() if name == route_class.name}
    if choose is not None:
        for provider in _providers(case, case.surface.provider):
            model = choose(route_class.name, provider)
            if model is not None:
                check_override(policy, route_class, provider, model, forced=False, today=case.today)
                found[provider] = Override(model, forced=False, source=_HOOK)
    return found


def _respelled(policy: Policy, overrides: Mapping[str, Override]) -> Iterator[Capabilities]:
    """Rows of models that a hook spells otherwise than the catalog (a dated snapshot); the policy has its own ones."""
    for provider, one in overrides.items():
        row = policy.catalog.get(provider, one.model) if one.source == _HOOK else None
        if row is not None and row.model != one.model:
            yield replace(row, model=one.model)


def _options(route_class: RouteClass, options: Options, rules: Rules) -> Options:
    """The call's options over the class's over the client's defaults."""
    return replace(options, route_class=route_class.name).over(_class_options(route_class, rules))


def _class_options(route_class: RouteClass, rules: Rules) -> Options:
    found = rules.by_class.get(route_class.name)
    if found is None:
        hints, limits, retries = route_class.cache, route_class.limits, route_class.retries
        cached = hints.strategy in ("response", "both") and hints.ttl is not None
        timeout = limits.request_timeout
        gateway = GatewayMetadata(
            request_timeout_ms=None if timeout is None else max(1, round(timeout * 1000)),
            max_attempts=None if retries is None else retries.max_attempts,
            retry_delay_ms=None if retries is None else retries.delay,
            backoff=None if retries is None else retries.backoff,
            collect_log_payload=route_class.log_payload,
            metadata=dict(route_class.metadata) or None,
        )
        found = Options(
            cache=CacheIntent.response(hints.ttl) if cached and hints.ttl is not None else CacheIntent.off,
            tenant=SHARED if cached and hints.scope == "shared" else None,
            gateway=gateway if gateway != GatewayMetadata() else None,
            deadline=limits.deadline,
        ).over(rules.defaults)
        rules.by_class[route_class.name] = found
    return found


def _prefix_key(route_class: RouteClass, options: Options, rules: Rules) -> str | None:
    """A stable name for the prefixes of one class and tenant, which shows neither."""
    if route_class.cache.strategy not in ("provider-prefix", "both"):
        return None
    tenant = options.tenant if isinstance(options.tenant, str) else ""
    text = f"aig-prefix/1\0{rules.namespace}\0{route_class.name}\0{tenant}".encode()
    digest = hmac.new(rules.secret, text, hashlib.sha256) if rules.secret else hashlib.sha256(text)
    return f"aig-{digest.hexdigest()[:32]}"


def _fallbacks(route_class: RouteClass, selection: Selection | None) -> tuple[str, ...]:
    return selection.names[1 : 1 + route_class.fallbacks] if selection is not None else ()
