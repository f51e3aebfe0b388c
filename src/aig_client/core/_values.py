"""The values that travel down the path, from request to plan. All frozen; none shows a secret, prompt or answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from ._errors import ConfigurationError
from .facts._headers import GatewayMetadata
from .facts._surfaces import Surface

if TYPE_CHECKING:
    from .facts._catalog import Capabilities
    from .path._select import Selection

RawHeaders = tuple[tuple[bytes, bytes], ...]


class Unset(Enum):
    """The type of ``UNSET``."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Nothing was given; None may be a value of its own."""

PLACEHOLDER: Final = "aig-stored-key"
"""What SDKs that insist on an API key are given when the gateway holds the real one. It is removed before sending."""


class Shared(Enum):
    """The type of ``SHARED``."""

    SHARED = "shared"


SHARED: Final = Shared.SHARED
"""Said on purpose: answers may be shared between all callers. Equal to no tenant's name."""

Tenant = str | Shared


@dataclass(frozen=True, slots=True)
class CacheKey:
    """A key for ``cf-aig-cache-key``: 48 or 49 ASCII characters that show nothing of what they stand for.

    Attributes:
        value: ``aig1.`` (or ``aig1s.`` when sealed) and 43 characters of base64url.
        sealed: made with a secret (HMAC-SHA256), so nobody without it can compute or guess the key.
    """

    value: str
    sealed: bool

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class CacheIntent:
    """What a request wants of the gateway's response cache. Use ``off``, ``gateway_default`` or ``response(ttl)``.

    ``off`` sends ``cf-aig-skip-cache: true`` and is the default everywhere: an unset dashboard switch is no promise.
    ``response`` sends key and TTL together, never one of them. ``gateway_default`` sends nothing, on purpose.
    """

    mode: Literal["off", "response", "gateway-default"]
    ttl: int | None = None
    force: bool = False

    off: ClassVar[CacheIntent]
    gateway_default: ClassVar[CacheIntent]

    def __post_init__(self) -> None:
        if (self.mode == "response") != (self.ttl is not None):
            raise ConfigurationError("ttl", "belongs to CacheIntent.response and to nothing else")
        if self.ttl is not None:
            GatewayMetadata(cache_ttl=self.ttl)

    @classmethod
    def response(cls, ttl: int, *, force: bool = False) -> CacheIntent:
        """Cache the answer for ``ttl`` seconds (60 to 2 592 000).

        Streams and requests with tools stay uncached, and an error served from the cache is asked for again, unless
        ``force`` is True.

        Raises:
            ConfigurationError: the TTL is out of range.
        """
        return cls("response", ttl, force)

    @classmethod
    def parse(cls, text: str) -> CacheIntent:
        """Read ``off``, ``gateway-default`` or ``response; ttl=300`` (and ``; force``), as ``x-aig-cache`` carries it.

        Raises:
            ConfigurationError: it says something else.
        """
        mode, *parameters = [part.strip() for part in text.lower().split(";")]
        values: dict[str, str] = {}
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            values[name] = value
        if mode in ("off", "gateway-default") and not values:
            return cls.off if mode == "off" else cls.gateway_default
        ttl = values.get("ttl", "")
        if mode == "response" and ttl.isascii() and ttl.isdigit() and len(ttl) < 10 and set(values) <= {"ttl", "force"}:
            return cls.response(int(ttl), force="force" in values)
        raise ConfigurationError(
            "x-aig-cache", "is not understood", remedy="Use 'off', 'gateway-default' or 'response; ttl=SECONDS'"
        )


CacheIntent.off = CacheIntent("off")
CacheIntent.gateway_default = CacheIntent("gateway-default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may differ from call to call; None leaves it to the next wider scope.

    Attributes:
        cache: the cache intent.
        tenant: who may see a cached answer again.
        route_class: the kind of work: a class of the policy, whose rules hold for the call; stamped into
            ``cf-aig-metadata`` as ``route_class``.
        gateway: further ``cf-aig-*`` headers. Cache fields in here are the plain Cloudflare headers, sent as they are.
        deadline: seconds for the whole call, answer included.
        targeting_key: who or what stays with one arm where a route class splits its traffic by weight (a user's id, a
            session's); it is hashed and never sent.
    """

    cache: CacheIntent | None = None
    tenant: Tenant | None = field(default=None, repr=False)
    route_class: str | None = None
    gateway: GatewayMetadata | None = None
    deadline: float | None = None
    targeting_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.cache is not None and not isinstance(self.cache, CacheIntent):
            raise ConfigurationError(
                "cache", "is no CacheIntent", remedy="Use CacheIntent.off, .gateway_default or .response(ttl)"
            )
        if self.tenant is not None and not isinstance(self.tenant, (str, Shared)):
            raise ConfigurationError("tenant", "must be a string or SHARED")
        if self.deadline is not None and not (0 < self.deadline < float("inf")):
            raise ConfigurationError("deadline", "must be a positive number of seconds")
        if self.tenant == "":
            raise ConfigurationError("tenant", "is empty", remedy="Name the tenant, or say SHARED")

    def over(self, wider: Options) -> Options:
        """These options where they are set, ``wider`` where they are not; the two ``gateway`` values are joined."""
        if wider is NO_OPTIONS:
            return self
        if self is NO_OPTIONS:
            return wider
        gateway = self.gateway or wider.gateway
        if self.gateway is not None and wider.gateway is not None:
            gateway = wider.gateway.merged(self.gateway)
        return Options(
            cache=self.cache or wider.cache,
            tenant=self.tenant or wider.tenant,
            route_class=self.route_class or wider.route_class,
            gateway=gateway,
            deadline=self.deadline or wider.deadline,
            targeting_key=self.targeting_key or wider.targeting_key,
        )


NO_OPTIONS: Final = Options()


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the shell hands it in: any header may be in it, nothing was decided yet.

    ``left_gateway`` says that a gateway redirected here: outside, no credential goes along. ``today`` is the day
    (``YYYY-MM-DD``, UTC): models retire and prices change on days, and the core has no clock.
    """

    method: str
    url: str = field(repr=False)
    headers: RawHeaders = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    tree: object = field(default=UNSET, repr=False)
    left_gateway: bool = False
    today: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent, and why. ``reasons`` are sentences for people; no secret, prompt or tenant's name is in them.

    ``model`` and ``stream`` are None where nobody needed to look into the body: an SDK's call that is not cached.
    ``body`` is what replaces the caller's bytes; None where those leave as they are. ``selection`` tells how a route
    class chose the model; None where the caller did. ``capabilities`` is what is known of that model, where a class
    made anybody look. ``fallbacks`` are the models that may be tried after it. ``today`` is the request's.
    """

    method: str
    url: str = field(repr=False)
    headers: RawHeaders = field(repr=False)
    surface: Surface | None
    intent: CacheIntent
    key: CacheKey | None = None
    route_class: str | None = None
    model: str | None = None
    stream: bool | None = None
    deadline: float | None = None
    reasons: tuple[str, ...] = ()
    body: bytes | None = field(default=None, repr=False)
    selection: Selection | None = None
    capabilities: Capabilities | None = field(default=None, repr=False)
    today: str | None = None
    fallbacks: tuple[str, ...] = ()

    @property
    def ttl(self) -> int | None:
        """Seconds the answer may live in the gateway's cache, when a key is sent."""
        return self.intent.ttl if self.key is not None else None
