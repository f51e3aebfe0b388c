"""The edge: a Worker in front of the gateway, what it decides by, and where a request that arrives there goes.

Pure like the rest of the path. Whoever runs it hands in what arrived and answers the path's questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from .._errors import ConfigurationError
from ..facts._catalog import Capabilities
from ..facts._edge import refusal, strip
from ..facts._providers import PROVIDERS, EndpointKind, kind_of
from ..facts._queries import without_account, without_credentials
from ..facts._surfaces import Surface, base_url, surface_of
from ._policy import Policy
from ._principal import Principal
from ._rules import Rules

Dispatch = Literal["fetch", "binding"]
_CLASS_PATH: Final = re.compile(r"/c/([^/]{1,80})(/.*|)")


class EdgeRefused(Exception):  # noqa: N818  (the same word as the error it stands for at the client)
    """The edge says no. ``body()`` is the error object in the caller's dialect; ``principal`` who asked, once known."""

    def __init__(self, status: int, code: str, message: str, kind: EndpointKind = "other") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind: EndpointKind = kind
        self.retry_after: int | None = None
        self.principal = ""

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
        dispatch: how the gateway is reached: by ``fetch`` and the token, or through the Worker's ``AI`` binding.
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
    dispatch: Dispatch = "fetch"
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
                principal=principal.name,
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
    rows = {row.provider for row in policy.catalog.rows}
    if not models and principal.models and all(name.partition("/")[0] in rows for name in principal.models):
        # Deployments and voices are in no catalog; of a provider that is there, another name is a slip.
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
    # Google takes a key in the query; a caller's goes on in a header, where its policy lets it, and in no URL.
    url = f"{edge.base}{rest}{without_account(without_credentials(f'?{query}')) if query else ''}"
    surface = None if _ENDS.search(rest) else surface_of(url, gateways=edge.gateways)
    expected = edge.base.rpartition("/")[2]
    known = surface is not None and (surface.provider is None or surface.provider in PROVIDERS or _is_custom(surface))
    if surface is None or not known or (surface.account, surface.gateway) != (edge.account_id, expected):
        said = "There is no such endpoint: put a provider's slug and its path here."
        raise EdgeRefused(404, "not_found", said, kind_of(path))
    return Arrival(url, surface, route_class, kept, seen)


# An encoded `?` or `#`: whoever decodes it sees a shorter path.
_ENDS: Final = re.compile(r"%(?:3[fF]|23)")


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
