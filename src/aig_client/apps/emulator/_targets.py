"""Where a request goes, in the provider's own terms: the steps of a Universal body, prefixes of models, REST paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal
from urllib.parse import unquote

from ._errors import (
    INVALID_PROVIDER,
    Fault,
    bad_universal,
    compat_cannot,
    no_such_model,
    no_such_path,
)
from ._json import JsonObject, JsonValue, object_of, read_array, read_object, text_of, write
from ._messages import GatewayRequest
from ._routes import PROVIDERS, Provider, Route, provider_by_author, provider_by_compat_name, provider_of

_COMPAT_ENDPOINTS = frozenset(("/chat/completions", "/embeddings"))
_MODEL_IN_PATH = re.compile(r"/models?/([^/:]+)|/((?:@|%40)[a-z]+/[^/]+/[^/]+)$")
_MOST_STEPS = 20

# Names of an entry's `config` on the Universal endpoint, and of the options of the binding (contract 7.1).
_CONFIG = MappingProxyType(
    {
        "skipCache": "cf-aig-skip-cache",
        "cacheTtl": "cf-aig-cache-ttl",
        "cacheKey": "cf-aig-cache-key",
        "metadata": "cf-aig-metadata",
        "collectLog": "cf-aig-collect-log",
        "eventId": "cf-aig-event-id",
        "requestTimeout": "cf-aig-request-timeout",
        "maxAttempts": "cf-aig-max-attempts",
        "retryDelay": "cf-aig-retry-delay",
        "backoff": "cf-aig-backoff",
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    model: as the provider spells it. wrapped: the answer goes into the envelope of `/ai/run` (contract 3.8).
    """

    provider: Provider
    model: str | None
    path: str
    body: bytes = field(repr=False)
    payload: JsonObject | None = field(repr=False)
    dialect: Literal["native", "chat"] = "native"
    wrapped: bool = False


def universal_steps(request: GatewayRequest, route: Route) -> tuple[tuple[GatewayRequest, Route], ...] | Fault:
    """The entries of a Universal body, each as the native request that it stands for (contract 3.1, 1.1)."""
    entries = read_array(request.body)
    if not entries or len(entries) > _MOST_STEPS:
        return bad_universal(f"an array of 1 to {_MOST_STEPS} entries")
    steps: list[tuple[GatewayRequest, Route]] = []
    for entry in entries:
        step = universal_step(object_of(entry), request, route)
        if isinstance(step, Fault):
            return step
        steps.append(step)
    return tuple(steps)


def universal_step(entry: JsonObject, request: GatewayRequest, route: Route) -> tuple[GatewayRequest, Route] | Fault:
    """One entry. Its own headers and `config` beat the request's (contract 1.1)."""
    slug, endpoint = text_of(entry.get("provider")), text_of(entry.get("endpoint"))
    if slug is None or endpoint is None:
        return bad_universal("entries with provider and endpoint")
    path, _, query = endpoint.partition("?")
    headers = dict(request.headers)
    for name, header in _CONFIG.items():
        value = object_of(entry.get("config")).get(name)
        if value is not None:
            headers[header] = _header_value(value)
    for name, value in object_of(entry.get("headers")).items():
        headers[name.lower()] = _header_value(value)
    try:
        body = write(entry.get("query"))
    except (RecursionError, ValueError):
        return bad_universal("a query that JSON can carry")
    native = replace(route, kind="native", provider=slug.lower(), path="/" + path.lstrip("/"))
    return GatewayRequest("POST", request.path, query, headers, body), native


def _header_value(value: JsonValue) -> str:
    """Numbers, booleans and objects in headers are turned into strings (contract 7.1)."""
    return value if isinstance(value, str) else write(value).decode("ascii")


def find_target(request: GatewayRequest, route: Route) -> Target | Fault:
    """Resolve the provider; on `/compat` and REST it comes from the model, whose prefix is taken off."""
    if route.kind == "compat":
        return _compat_target(request, route)
    if route.kind == "rest":
        return _rest_target(request, route)
    provider = provider_of(route.provider)
    if provider is None:
        return INVALID_PROVIDER
    payload = read_object(request.body) if request.body else None
    return Target(provider, _model(payload, route.path), route.path, request.body, payload)


def _model(payload: JsonObject | None, path: str) -> str | None:
    model = text_of(payload.get("model")) if payload else None
    if model is not None:
        return model
    found = _MODEL_IN_PATH.search(path)
    return unquote(found[1] or found[2]) if found else None


def _compat_target(request: GatewayRequest, route: Route) -> Target | Fault:
    endpoint = route.path.rstrip("/")
    if endpoint == "/models":
        return INVALID_PROVIDER
    if endpoint not in _COMPAT_ENDPOINTS or request.method != "POST":
        return compat_cannot(f"{request.method} {endpoint or '/'}")
    payload = read_object(request.body)
    if payload is None:
        return compat_cannot("a body that is not a JSON object")
    name, slash, model = (text_of(payload.get("model")) or "").partition("/")
    provider = provider_by_compat_name(name)
    if not (provider and slash and model):
        return compat_cannot("a model that is not written as provider/model")
    found = _as_model(payload, model)
    if found is None:
        return compat_cannot("a body that is not a JSON object")
    return Target(provider, model, provider.compat_base + endpoint, *found, dialect="chat")


def _as_model(payload: JsonObject, model: str) -> tuple[bytes, JsonObject] | None:
    """The body with the model as its provider spells it."""
    changed: JsonObject = {**payload, "model": model}
    try:
        return write(changed), changed
    except (RecursionError, ValueError):
        return None


def _rest_target(request: GatewayRequest, route: Route) -> Target | Fault:
    path = route.path.rstrip("/")
    if request.method != "POST":
        return no_such_path(f"{request.method} {path}")
    if path.startswith("/run/"):
        return _workers_ai(unquote(path.removeprefix("/run/")), request.body, read_object(request.body))
    payload = read_object(request.body)
    if payload is None:
        return no_such_model("a JSON object with a model")
    model = text_of(payload.get("model")) or ""
    if path == "/run":
        inner = object_of(payload.get("input"))
        return _run(model, inner)
    endpoint = path.removeprefix("/v1")
    if endpoint not in ("/chat/completions", "/responses", "/messages") or not path.startswith("/v1/"):
        return no_such_path(path)
    if model.startswith("@cf/"):
        return Target(PROVIDERS["workers-ai"], model, path, request.body, payload, dialect="chat")
    return _third_party(model, endpoint, payload)


def _run(model: str, inner: JsonObject) -> Target | Fault:
    """`/ai/run` with the model in the body: the provider's own body stands in `input` (contract 3.8)."""
    if model.startswith("@cf/"):
        return _workers_ai(model, write(inner), inner)
    provider, native = _by_author(model)
    if provider is None:
        return no_such_model(model)
    found = _as_model(inner, native)
    if found is None:
        return no_such_model(model)
    path = provider.compat_base + (provider.own_chat or "/chat/completions")
    dialect: Literal["native", "chat"] = "native" if provider.own_chat else "chat"
    return Target(provider, native, path, *found, dialect=dialect, wrapped=True)


def _workers_ai(model: str, body: bytes, payload: JsonObject | None) -> Target:
    return Target(PROVIDERS["workers-ai"], model, f"/{model}", body, payload)


def _third_party(model: str, endpoint: str, payload: JsonObject) -> Target | Fault:
    provider, native = _by_author(model)
    if provider is None or (endpoint == "/messages" and provider.own_chat != endpoint):
        return no_such_model(model)
    found = _as_model(payload, native)
    if found is None:
        return no_such_model(model)
    dialect: Literal["native", "chat"] = "chat" if endpoint == "/chat/completions" else "native"
    return Target(provider, native, provider.compat_base + endpoint, *found, dialect=dialect)


def _by_author(model: str) -> tuple[Provider | None, str]:
    author, slash, name = model.partition("/")
    provider = provider_by_author(author) if slash and name else None
    return provider, name.replace(".", "-") if provider is not None and provider.dotted else name


def asks_for_route(request: GatewayRequest, route: Route) -> bool:
    """The model is a dynamic route, which the emulator does not walk."""
    if route.kind not in ("compat", "rest") or b"dynamic/" not in request.body:
        return False
    payload: Mapping[str, JsonValue] = read_object(request.body) or {}
    return (text_of(payload.get("model")) or "").startswith("dynamic/")
