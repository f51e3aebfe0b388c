"""What a principal of the edge may reach: which endpoints, providers and models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .._values import Plan
from ..facts._classes import RouteClass
from ..facts._providers import PROVIDERS, EndpointKind, any_model_in_path, asks_a_model, kind_of
from ..facts._shapes import SHAPES
from ..facts._surfaces import Surface, named
from ._addressing import takes_choice
from ._edge import EdgeRefused
from ._principal import Principal
from ._read import Call, model_of
from ._rules import Rules

_ENTRY_HEADERS: Final = frozenset({"content-type", "accept", "anthropic-version", "anthropic-beta"})
# Not `config`: like an entry's headers, it counts for more than the headers of the request (contract 1.1), and so could
# name another tenant's cache key.
_ENTRY: Final = frozenset({"provider", "endpoint", "headers", "query"})
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
        known = isinstance(provider, str) and (provider in PROVIDERS or provider.startswith("custom-"))
        if not known or (allowed and provider not in allowed):
            raise EdgeRefused(403, "forbidden_provider", f"/{index}/provider is none of yours.", "universal")
        endpoint = _endpoint(entry)
        plain = _PLAIN_PATH.fullmatch(endpoint) and "//" not in endpoint and ".." not in endpoint
        if not plain or not asks_a_model(endpoint, "POST"):
            raise EdgeRefused(403, "forbidden_endpoint", f"/{index}/endpoint puts no question to a model.", "universal")
        if principal.models and "/".join(map(str, _asked_of(entry))) not in principal.models:
            raise EdgeRefused(403, "forbidden_model", f"/{index} asks a model that is none of yours.", "universal")


def _endpoint(entry: dict[str, object]) -> str:
    said = str(entry.get("endpoint") or "")
    return said if said.startswith("/") else f"/{said}"


def _asked_of(entry: dict[str, object]) -> tuple[str, object]:
    """The provider and the model of a Universal entry."""
    provider, query = str(entry.get("provider")), entry.get("query")
    model = any_model_in_path(provider, _endpoint(entry))
    return provider, model or (query.get("model") if isinstance(query, dict) else None)


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
    if principal.models and isinstance(tree, dict) and "models" in tree:
        # OpenRouter's own fallbacks: models that nobody here chooses, or sees.
        raise EdgeRefused(403, "forbidden_model", "Name one model: /models names others beside it.", surface.kind)
    if plan.selection is not None or surface.kind == "universal" or not (allowed or principal.models):
        return
    provider, model = _named(call, plan, surface)
    if allowed and provider not in allowed:
        raise EdgeRefused(403, "forbidden_provider", "This provider is none of yours.", surface.kind)
    if principal.models and f"{provider}/{model}" not in principal.models:
        raise EdgeRefused(403, "forbidden_model", "This model is none of yours.", surface.kind)


def _named(call: Call, plan: Plan, surface: Surface) -> tuple[str | None, str | None]:
    in_path = any_model_in_path(surface.provider, surface.endpoint)
    if in_path is not None:
        return surface.provider, in_path
    return named(surface, plan.model or model_of(surface, call.request.tree))


def check_class(call: Call, plan: Plan, rules: Rules) -> None:
    """Hold a request whose model no class can choose against its class all the same.

    Universal entries name their models themselves, and completions, images or ``/run`` have bodies that no class
    rewrites: what the class says of models and output would be void there.

    Raises:
        EdgeRefused: another model than the class's, where it checks or chooses; or more output than it allows.
    """
    surface, policy, tree = plan.surface, rules.policy, call.request.tree
    assert surface is not None
    assert policy is not None
    route_class = policy.classes.get(plan.route_class) if plan.route_class is not None else None
    if route_class is None or call.request.method != "POST" or takes_choice(surface, "POST"):
        return
    if surface.kind != "universal":
        _hold(route_class, surface.kind, _named(call, plan, surface), tree)
        return
    for entry in tree if isinstance(tree, list) else [tree]:
        assert isinstance(entry, dict), "the entries were checked"
        generates = kind_of(_endpoint(entry)) in _GENERATING
        _hold(route_class, "universal", _asked_of(entry), entry.get("query"), generates=generates)


def _hold(
    route_class: RouteClass,
    kind: EndpointKind,
    name: tuple[str | None, object],
    body: object,
    *,
    generates: bool = False,
) -> None:
    targets = {target.name for target in route_class.targets}
    if route_class.asked_model != "keep" and targets and f"{name[0]}/{name[1]}" not in targets:
        raise EdgeRefused(403, "forbidden_model", f"This is no model of route class {route_class.name}.", kind)
    most = route_class.limits.max_output_tokens
    if most is None:
        return
    bounds = list(_bounds(body))
    if any(bound > most for bound in bounds) or (generates and not bounds):
        problem = f"Route class {route_class.name} allows {most} tokens of output here: say no more, and say it."
        raise EdgeRefused(403, "forbidden_output", problem, kind)


def _bounds(body: object) -> Iterator[float]:
    """Every bound on the output that stands in a body, whatever the dialect: at its top, or in what it wraps."""
    for holder in (body, *(body.get(name) for name in _WRAPPING)) if isinstance(body, dict) else ():
        for name in _CAPS:
            value = holder.get(name) if isinstance(holder, dict) else None
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
                value = int(value)  # protobuf's JSON
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield value


_GENERATING: Final = frozenset[EndpointKind]({"chat", "responses", "messages", "generate_content"})
_WRAPPING: Final = ("input", "generationConfig", "generation_config", "inferenceConfig")
_CAPS: Final = (*dict.fromkeys(name for shape in SHAPES.values() for name in shape.caps), "max_new_tokens")
