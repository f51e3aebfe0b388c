"""What a principal of the edge may reach: which endpoints, providers and models."""

from __future__ import annotations

import re
from typing import Final

from .._values import Plan
from ..facts._providers import PROVIDERS, asks_a_model, model_in_path
from ..facts._surfaces import named
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
        provider, query = entry.get("provider"), entry.get("query")
        known = isinstance(provider, str) and (provider in PROVIDERS or provider.startswith("custom-"))
        if not known or (allowed and provider not in allowed):
            raise EdgeRefused(403, "forbidden_provider", f"/{index}/provider is none of yours.", "universal")
        endpoint = str(entry.get("endpoint") or "")
        endpoint = endpoint if endpoint.startswith("/") else f"/{endpoint}"
        plain = _PLAIN_PATH.fullmatch(endpoint) and "//" not in endpoint and ".." not in endpoint
        if not plain or not asks_a_model(endpoint, "POST"):
            raise EdgeRefused(403, "forbidden_endpoint", f"/{index}/endpoint puts no question to a model.", "universal")
        model = model_in_path(endpoint) or (query.get("model") if isinstance(query, dict) else None)
        if principal.models and f"{provider}/{model}" not in principal.models:
            raise EdgeRefused(403, "forbidden_model", f"/{index} asks a model that is none of yours.", "universal")


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
    provider, model = named(surface, plan.model or model_of(surface, call.request.tree))
    if allowed and provider not in allowed:
        raise EdgeRefused(403, "forbidden_provider", "This provider is none of yours.", surface.kind)
    if principal.models and f"{provider}/{model}" not in principal.models:
        raise EdgeRefused(403, "forbidden_model", "This model is none of yours.", surface.kind)
