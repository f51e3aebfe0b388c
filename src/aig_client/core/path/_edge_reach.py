"""What a principal of the edge may reach: which endpoints, providers and models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from .._values import Plan
from ..facts._classes import RouteClass
from ..facts._providers import (
    MUTE_ENDPOINTS,
    PROVIDERS,
    EndpointKind,
    any_model_in_path,
    asks_a_model,
    kind_of,
)
from ..facts._queries import is_batch, parameters_of
from ..facts._shapes import shape_of
from ..facts._surfaces import Surface, named
from ._addressing import takes_choice
from ._edge import EdgeRefused
from ._named import bounds_in, further_models, is_bounded, models_beside, tokens_in
from ._principal import Principal
from ._read import Call, model_of
from ._rules import Rules
from ._tools import deny_tools

_ENTRY_HEADERS: Final = frozenset({"content-type", "accept", "anthropic-version", "anthropic-beta"})
# Not `config`: like an entry's headers, it counts for more than the headers of the request (contract 1.1), and so could
# name another tenant's cache key.
_ENTRY: Final = frozenset({"provider", "endpoint", "headers", "query"})
_CUSTOM: Final = re.compile(r"custom-[a-z0-9][a-z0-9-]*")
_BENT: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)")
# Azure's version, and Gemini's format of a stream.
_PLAIN_QUERY: Final = re.compile(r"(?:(?:api-version|alt)=[A-Za-z0-9._-]+&?)*")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._:@/-]+")


def check_entries(tree: object, rules: Rules, principal: Principal) -> None:
    """Hold the entries of a Universal request against what the principal may reach: each is a request of its own.

    Their headers become headers of the gateway's requests, so that a key, or one of ours, must not stand there.

    Raises:
        EdgeRefused: an entry is none, or reaches further.
    """
    assert rules.policy is not None
    allowed = principal.providers or rules.policy.providers
    for index, entry in enumerate(tree if isinstance(tree, list) else [tree]):
        if not isinstance(entry, dict):
            raise EdgeRefused(400, "bad_body", f"/{index} is no object.", "universal")
        if not set(entry) <= _ENTRY:
            raise EdgeRefused(403, "forbidden_config", f"/{index} holds more than its request.", "universal")
        _check_headers(entry.get("headers"), index)
        provider = entry.get("provider")
        known = isinstance(provider, str) and (provider in PROVIDERS or _CUSTOM.fullmatch(provider))
        if not known or (allowed and provider not in allowed):
            raise EdgeRefused(403, "forbidden_provider", f"/{index}/provider is none of yours.", "universal")
        endpoint, query = _endpoint(entry), str(entry.get("endpoint") or "").partition("?")[2]
        plain = _PLAIN_PATH.fullmatch(endpoint) and not _BENT.search(endpoint[1:]) and ".." not in endpoint
        plain = plain and _PLAIN_QUERY.fullmatch(query) is not None
        if not plain or not asks_a_model(endpoint, "POST") or is_batch(endpoint, "", entry.get("query")):
            raise EdgeRefused(403, "forbidden_endpoint", f"/{index}/endpoint puts no question to a model.", "universal")
        if principal.models and not _all_allowed(*_asked_of(entry), _named_in(entry), principal):
            raise EdgeRefused(403, "forbidden_model", f"/{index} asks a model that is none of yours.", "universal")


def _endpoint(entry: dict[str, object]) -> str:
    said = str(entry.get("endpoint") or "").partition("?")[0]
    return said if said.startswith("/") else f"/{said}"


def _asked_of(entry: dict[str, object]) -> tuple[str, object]:
    """The provider and the model of a Universal entry."""
    provider, query = str(entry.get("provider")), entry.get("query")
    model = any_model_in_path(provider, _endpoint(entry))
    return provider, model or (query.get("model") if isinstance(query, dict) else None)


def _named_in(entry: dict[str, object]) -> Iterator[str]:
    return further_models(entry.get("query"))


def _check_headers(headers: object, index: int) -> None:
    if headers is None:
        return
    if not isinstance(headers, dict):
        raise EdgeRefused(400, "bad_body", f"/{index}/headers is no object.", "universal")
    if any(str(name).strip().lower() not in _ENTRY_HEADERS for name in headers):
        raise EdgeRefused(403, "forbidden_header", f"/{index}/headers holds more than a content type.", "universal")


def check_reach(call: Call, plan: Plan, rules: Rules, principal: Principal) -> None:
    """A model that the caller names is held against what the principal may reach; a chosen one comes from there."""
    surface = plan.surface
    assert surface is not None, "arrive has let no other URL through"
    assert rules.policy is not None
    allowed = principal.providers or rules.policy.providers
    tree = call.request.tree
    if principal.models and next(models_beside(tree), None) is not None:
        # Models for the host to fall back to, which nobody here chooses, or sees.
        raise EdgeRefused(403, "forbidden_model", "Name one model: this names others beside it.", surface.kind)
    if surface.kind == "universal" or not (allowed or principal.models):
        return
    provider, model = _named(call, plan, surface)
    if plan.selection is not None:
        chosen = plan.selection.chosen.model
        provider, model = chosen.provider, chosen.model
        if principal.models and not {chosen.name, *plan.fallbacks}.issubset(principal.models):
            raise EdgeRefused(403, "no_model", "None of your models can be chosen here: name one.", surface.kind)
    if allowed and provider not in allowed:
        raise EdgeRefused(403, "forbidden_provider", "This provider is none of yours.", surface.kind)
    if principal.models and not _all_allowed(provider, model, _further(surface, tree), principal):
        raise EdgeRefused(403, "forbidden_model", "This model is none of yours.", surface.kind)


def _all_allowed(provider: str | None, model: object, further: Iterable[str], principal: Principal) -> bool:
    """Whether every model that is named is allowed, and one is: some hosts read it elsewhere than in ``model``."""
    named = [*([model] if model is not None else []), *further]
    return bool(named) and all(f"{provider}/{one}" in principal.models for one in named)


def _further(surface: Surface, tree: object) -> Iterator[str]:
    """Models that stand elsewhere than where this kind of endpoint names its own: a host may read them there."""
    yield from further_models(tree)
    if surface.query:
        yield from (value for name, value in parameters_of(surface.query) if name in _QUERIED)


_QUERIED: Final = ("model", "model_id")


def _named(call: Call, plan: Plan, surface: Surface) -> tuple[str | None, str | None]:
    in_path = any_model_in_path(surface.provider, surface.endpoint)
    if in_path is not None:
        return surface.provider, in_path
    return named(surface, plan.model or model_of(surface, call.request.tree))


def check_class(call: Call, plan: Plan, rules: Rules) -> None:
    """Hold what leaves against its class, where the class could not see to it by itself.

    Universal entries name their models themselves; completions, images or ``/run`` have bodies that no class rewrites;
    and of several places where a bound on the output may stand, a class moves the usual one.

    Raises:
        EdgeRefused: another model than the class's, where it checks or chooses; more output than it allows, or nobody
            knows how much; a body that nobody has read, where the class has rules for what is in it.
        Refused: a Universal entry brings tools, and the class allows none.
    """
    surface, policy, tree = plan.surface, rules.policy, call.request.tree
    assert surface is not None
    assert policy is not None
    route_class = policy.classes.get(plan.route_class) if plan.route_class is not None else None
    if route_class is None or call.request.method != "POST":
        return
    if surface.kind == "universal":
        for entry in tree if isinstance(tree, list) else [tree]:
            assert isinstance(entry, dict), "the entries were checked"
            _check_entry(route_class, entry)
        return
    name = _named(call, plan, surface)
    _hold_model(route_class, surface.kind, None if takes_choice(surface, "POST") else name, tree)
    if not isinstance(tree, dict):
        if surface.kind == "run" and (route_class.tools != "keep" or route_class.limits.max_output_tokens is not None):
            problem = f"Send the body as application/json: route class {route_class.name} says what may be in it."
            raise EdgeRefused(415, "unsupported_type", problem, surface.kind)
        return
    own = plan.capabilities.max_output_tokens if plan.capabilities is not None else None
    leaving = tree if plan.body is None or route_class.limits.max_output_tokens is None else json.loads(plan.body)
    _hold_output(route_class, surface.kind, (name[0], surface.endpoint), leaving, own)


def _check_entry(route_class: RouteClass, entry: dict[str, object]) -> None:
    endpoint, query = _endpoint(entry), entry.get("query")
    if route_class.tools != "keep":
        deny_tools(kind_of(endpoint), query, provider=str(entry.get("provider")))
    _hold_model(route_class, "universal", _asked_of(entry), query)
    _hold_output(route_class, "universal", (str(entry.get("provider")), endpoint), query, None)


def _hold_model(
    route_class: RouteClass, kind: EndpointKind, name: tuple[str | None, object] | None, body: object
) -> None:
    """``name``: the provider and the model that are asked; None where the class has seen to it."""
    targets = {target.name for target in route_class.targets}
    if route_class.asked_model == "keep" or not targets:
        return
    if name is not None and f"{name[0]}/{name[1]}" not in targets:
        raise EdgeRefused(403, "forbidden_model", f"This is no model of route class {route_class.name}.", kind)
    if next(models_beside(body), None) is not None:
        raise EdgeRefused(403, "forbidden_model", "Name one model: this names others beside it.", kind)


def _hold_output(
    route_class: RouteClass, kind: EndpointKind, where: tuple[str | None, str], body: object, own: int | None
) -> None:
    """``where``: provider and endpoint. ``own``: what the model gives at the most, where that is known."""
    most = route_class.limits.max_output_tokens
    if most is None:
        return
    bounds = [tokens_in(value) for value in bounds_in(body)]
    short = own is not None and own <= most
    if any(bound is None or bound > most for bound in bounds) or not (short or _is_limited(where, body)):
        problem = f"Route class {route_class.name} allows {most} tokens of output here: say no more, and say it."
        raise EdgeRefused(403, "forbidden_output", problem, kind)


def _is_limited(where: tuple[str | None, str], body: object) -> bool:
    """Whether its host will find a bound, where it answers with text at all."""
    provider, endpoint = where
    kind = kind_of(endpoint)
    if endpoint.endswith((*MUTE_ENDPOINTS, "/compact")):
        return True
    if kind not in _GENERATING and not endpoint.endswith(_GENERATING_ENDS):
        return True
    shape = shape_of(kind, provider, body)
    known = shape is not None and bool(shape.caps) and (not shape.ends or endpoint.endswith(shape.ends))
    return is_bounded(shape, body) if known and shape is not None else any(True for _ in bounds_in(body))


_GENERATING: Final = frozenset[EndpointKind]({"chat", "responses", "messages", "generate_content"})
_GENERATING_ENDS: Final = ("/completions", "/converse", "/converse-stream")
