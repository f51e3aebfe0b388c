"""What a client is made of: settings, rules, and the requests that its typed helpers stand for. Colourless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from ..core import (
    NEEDED_HEADERS,
    UNSET,
    CacheIntent,
    ConfigurationError,
    EndpointKind,
    GatewayMetadata,
    Options,
    Request,
    Rules,
    Tenant,
    declare,
    endpoint_path,
    provider_row,
    surface_of,
)
from ..schema import Settings
from . import _codec

if TYPE_CHECKING:
    from ..core import ChooseModel, Policy

HttpFamily = Literal["httpx", "httpx2"]
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_JSON: Final = (b"content-type", b"application/json")
_WRITTEN_BY_US: Final = frozenset({"host", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that the two colours of a client share."""

    base_url: str
    rules: Rules
    own_key_rules: Rules
    provider_keys: Mapping[str, str] = field(repr=False)
    family: HttpFamily = "httpx"

    def provider_of(self, url: str) -> str | None:
        """The provider that a URL goes to, where provider keys make that matter."""
        surface = surface_of(url, gateways=self.rules.gateways) if self.provider_keys else None
        return surface.provider if surface is not None else None

    def rules_for(self, request: Request) -> Rules:
        """The rules of a request: the caller's own key passes where there is one for its provider."""
        return self.own_key_rules if self.provider_of(request.url) in self.provider_keys else self.rules


class CallOptions(TypedDict, total=False):
    """The options that every call takes by keyword, see ``Options``."""

    cache: CacheIntent | None
    tenant: Tenant | None
    route_class: str | None
    gateway: GatewayMetadata | None
    deadline: float | None
    targeting_key: str | None


def wire(
    *,
    settings: Settings,
    gateways: Iterable[str],
    provider_keys: Mapping[str, str] | None,
    credential: Literal["stored", "request"],
    secret: bytes | str | None,
    defaults: Options,
    policy: Policy | str | None,
    choose_model: ChooseModel | None,
    config: str | None,
    family: HttpFamily,
) -> Wiring:
    """Put a client's rules together.

    Raises:
        ConfigurationError: naming the field and where its value came from.
    """
    base_url = settings.base_url.rstrip("/")
    declared = tuple(gateways)
    if surface_of(f"{base_url}/openai", gateways=declared) is None:
        try:
            declared = declare((*declared, base_url))  # configured as the gateway, so declared as one
        except ConfigurationError as error:
            source = settings.source_of("base_url")
            raise ConfigurationError("base_url", error.problem, remedy=error.remedy, source=source) from None
    if surface_of(f"{base_url}/openai", gateways=declared) is None:
        raise ConfigurationError(
            "base_url",
            "has no provider below it: neither /v1/{account}/{gateway} nor a custom domain",
            source=settings.source_of("base_url"),
        )
    for provider in provider_keys or {}:
        provider_row(provider)
    chosen = _policy(policy, config, settings)
    if defaults.route_class is not None and settings.edge is None:
        from ..core import builtin_policy

        (chosen or builtin_policy()).route_class(defaults.route_class)  # unknown? then now, not at the first call
    rules = Rules(
        token=settings.token,
        credential=credential,
        gateway_id=settings.gateway_id,
        gateways=declared,
        namespace=settings.namespace,
        policy_epoch=settings.policy_epoch or (chosen.epoch if chosen is not None else ""),
        secret=secret.encode() if isinstance(secret, str) else secret,
        defaults=defaults,
        policy=chosen,
        choose_model=choose_model,
        edge=settings.edge,
        maker=_codec.maker,
    )
    return Wiring(base_url, rules, replace(rules, credential="request"), dict(provider_keys or {}), family)


def _policy(policy: Policy | str | None, config: str | None, settings: Settings) -> Policy | None:
    """The policy of a client; None stands for the built-in one, which then loads with the first call of a class."""
    if policy is not None and not isinstance(policy, str):
        return policy
    if policy is None and not settings.has_policy:
        return None
    from ..schema import load_policy

    return load_policy(policy or config)


def build_request(
    wiring: Wiring,
    method: str,
    url: str,
    *,
    json: object = UNSET,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request to ``url``, which may be relative to the client's base URL.

    Raises:
        ConfigurationError: both ``json`` and ``content`` were given, or a header is no header.
    """
    if not _ABSOLUTE.match(url):
        url = f"{wiring.base_url}/{url.lstrip('/')}"
    raw: list[tuple[bytes, bytes]] = []
    for name, value in (headers or {}).items():
        _check_header(name, value)
        raw.append((name.encode("latin-1"), value.encode("latin-1")))
    if json is not UNSET:
        if content is not None:
            raise ConfigurationError("json", "was given beside content", remedy="Give one of them")
        content = encode(json)
        if not any(name.lower() == b"content-type" for name, _ in raw):
            raw.append(_JSON)
    provider = wiring.provider_of(url)
    key = wiring.provider_keys.get(provider) if provider else None
    if provider and key is not None:
        row = provider_row(provider)
        raw.append((row.credential.encode(), f"{row.scheme} {key}".strip().encode("latin-1")))
    return Request(method.upper(), url, tuple(raw), content, json)


def encode(json: object) -> bytes:
    """A body's bytes.

    Raises:
        ConfigurationError: it is not JSON, or holds NaN.
    """
    try:
        return _codec.dumps(json)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError("json", f"cannot be written as JSON ({type(error).__name__})") from None


def _check_header(name: str, value: str) -> None:
    if not name.isascii() or not name or any(char <= " " or char in ":\x7f" for char in name):
        raise ConfigurationError("headers", "holds a name that is no HTTP field name")
    if any(char in "\r\n\0" or char > "\xff" for char in value):
        raise ConfigurationError(f"headers[{name!r}]", "holds a character that no HTTP header carries")
    if name.lower() in _WRITTEN_BY_US:
        raise ConfigurationError(f"headers[{name!r}]", "follows from the URL and the body", remedy="Leave it out")


def endpoint_request(wiring: Wiring, provider: str, kind: EndpointKind, body: Mapping[str, object]) -> Request:
    """The request that a typed helper stands for.

    Raises:
        ConfigurationError: the provider has no such endpoint.
    """
    model = body.get("model")
    path = endpoint_path(provider, kind, model=model if isinstance(model, str) else None)
    request = build_request(wiring, "POST", f"{wiring.base_url}/{provider}{path}", json=body)
    needed = NEEDED_HEADERS.get(kind)
    return replace(request, headers=(*request.headers, *needed)) if needed else request
