"""What one client decides by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from .._errors import ConfigurationError
from .._values import NO_OPTIONS, Options, RawHeaders
from ..facts._headers import GatewayMetadata
from ..facts._surfaces import Surface, declare
from ._keys import KeyMaker, check_secret

if TYPE_CHECKING:
    from ._policy import Policy

ChooseModel = Callable[[str, str], str | None]
"""Given a route class and a provider's slug, the model that is to be taken there, or None to leave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one client decides by; the same for all its calls.

    Attributes:
        token: the Cloudflare token; it goes to the header and host that the surface wants, and nowhere else.
        credential: ``"stored"`` (BYOK or Unified Billing: every provider auth header is removed) or ``"request"``.
        gateway_id: sent as ``cf-aig-gateway-id`` on the REST API, whose URL does not name the gateway.
        gateways: declared base URLs, see ``surface_of``.
        namespace, policy_epoch, secret: see ``cache_key``.
        defaults: options that calls inherit.
        policy: the route classes and what belongs to them; None stands for the built-in ones.
        choose_model: overrides the models of route classes, see ``ChooseModel``.
        edge: the base URL of a Worker of ours: what goes there is left to it.
        principal: who asks, where that was proven; stamped first into the metadata, over whatever says so there.

    Raises:
        ConfigurationError: at construction, naming the field.
    """

    token: str | None = field(default=None, repr=False)
    credential: Literal["stored", "request"] = "stored"
    gateway_id: str | None = None
    gateways: tuple[str, ...] = ()
    namespace: str = ""
    policy_epoch: str = ""
    secret: bytes | None = field(default=None, repr=False)
    defaults: Options = NO_OPTIONS
    policy: Policy | None = field(default=None, repr=False)
    choose_model: ChooseModel | None = field(default=None, repr=False)
    edge: str | None = None
    principal: str | None = None
    maker: KeyMaker = field(default_factory=KeyMaker, repr=False, compare=False)
    by_class: dict[str, Options] = field(default_factory=dict, init=False, repr=False, compare=False)
    _written: dict[object, RawHeaders] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        declare(self.gateways)
        GatewayMetadata(authorization=self.token, gateway_id=self.gateway_id)
        if self.credential not in ("stored", "request"):
            raise ConfigurationError("credential", "must be 'stored' or 'request'")
        if self.secret is not None:
            check_secret(self.secret)

    def written(self, surface: Surface, gateway: GatewayMetadata | None, route_class: str | None) -> RawHeaders:
        """The ``cf-aig-*`` headers of ``gateway``, with the token and the route class, as ``surface`` takes them.

        What the client's own defaults give, or those of a route class, is written once and remembered.

        Raises:
            ConfigurationError: a header that the surface does not take, or a sixth metadata entry.
        """
        # On REST the endpoint decides too: plain Workers AI, and Payment-Method under /ai/run only.
        memo = (surface.family, surface.endpoint[:9] if surface.family == "rest" else "", route_class)
        classed = self.by_class.get(route_class) if route_class is not None else None
        usual = gateway is (self.defaults.gateway if classed is None else classed.gateway)
        if usual and (found := self._written.get(memo)) is not None:
            return found
        metadata = gateway or _NOTHING
        # First in order: Cloudflare keeps the first five entries, and these are what logs are sorted by.
        stamped = {} if self.principal is None else {"principal": self.principal}
        if route_class is not None:
            stamped["route_class"] = route_class
        if stamped:
            metadata = replace(metadata, metadata={**stamped, **(metadata.metadata or {}), **stamped})
        bearer: RawHeaders = ()
        if surface.family == "rest":
            if self.token is not None:
                bearer = ((b"Authorization", b"Bearer " + self.token.encode("latin-1")),)
            if metadata.gateway_id is None and self.gateway_id is not None:
                metadata = replace(metadata, gateway_id=self.gateway_id)
        elif self.token is not None and metadata.authorization is None:
            metadata = replace(metadata, authorization=self.token)
        headers = metadata.headers(surface).items()
        written = (*bearer, *((name.encode(), value.encode("latin-1")) for name, value in headers))
        if usual and len(self._written) < _MEMO_MAX:
            self._written[memo] = written
        return written


_NOTHING: Final = GatewayMetadata()
_MEMO_MAX: Final = 256
