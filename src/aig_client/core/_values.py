"""The values that travel along the path, in the order they appear. All frozen; none shows a secret, prompt or
answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from ._errors import ConfigurationError, NoAnswerKind
from .facts._headers import GatewayMetadata
from .facts._response import CacheStatus, ResponseMetadata
from .facts._surfaces import Surface
from .facts._usage import Usage, usage_dialect, usage_of

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
        route_class: the kind of work; stamped into ``cf-aig-metadata`` as ``route_class``.
        gateway: further ``cf-aig-*`` headers. Cache fields in here are the plain Cloudflare headers, sent as they are.
        deadline: seconds for the whole call, answer included.
    """

    cache: CacheIntent | None = None
    tenant: Tenant | None = field(default=None, repr=False)
    route_class: str | None = None
    gateway: GatewayMetadata | None = None
    deadline: float | None = None

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
        )


NO_OPTIONS: Final = Options()


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the shell hands it in: any header may be in it, nothing was decided yet.

    ``left_gateway`` says that a gateway redirected here: outside, no credential goes along.
    """

    method: str
    url: str = field(repr=False)
    headers: RawHeaders = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    tree: object = field(default=UNSET, repr=False)
    left_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent, and why. ``reasons`` are sentences for people; no secret, prompt or tenant's name is in them.

    ``model`` and ``stream`` are None where nobody needed to look into the body: an SDK's call that is not cached.
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

    @property
    def ttl(self) -> int | None:
        """Seconds the answer may live in the gateway's cache, when a key is sent."""
        return self.intent.ttl if self.key is not None else None


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of an answer. ``sent_at`` and ``at`` are seconds on the shell's own clock."""

    status: int
    headers: RawHeaders = field(repr=False)
    sent_at: float
    at: float

    def header(self, name: bytes) -> bytes | None:
        """The first header of this lower-case name, trimmed."""
        for key, value in self.headers:
            if len(key) == len(name) and key.lower() == name:
                return value.strip()
        return None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody answered: a value, not an exception, so that the path can speak about it."""

    kind: NoAnswerKind
    problem: str
    sent_at: float
    at: float


Ended = Literal["complete", "cut", "cancelled", "errored"]


@dataclass(frozen=True, slots=True)
class Meter:
    """What went by while the answer was handed over.

    ``size`` counts the body's bytes as they came over the wire. ``start`` and ``tail`` are the first and the last
    bytes as they came, for usage and the end marker, never shown.
    ``whole`` says that ``tail`` is the complete body. ``ended`` is the shell's word: ``complete`` means that the body
    came to its end as HTTP frames it.
    """

    size: int
    ended: Ended
    at: float
    start: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)
    whole: bool = False


@dataclass(frozen=True)
class Receipt:
    """The one record of what happened; response metadata, logs and tests are views of it.

    Attributes:
        plan: what was decided.
        head: the answer's first bytes; None when nobody answered.
        meter: how the answer passed; None when there was none.
        no_answer: how nobody answered, otherwise None.
        ended: ``complete``, ``cut`` (the bytes stopped before the end), ``cancelled`` (the caller left),
            ``errored`` (the stream itself carried an error, or a deadline passed) or ``unreachable``.
        attempts: how many times a request was sent.
    """

    plan: Plan
    head: Head | None
    meter: Meter | None
    no_answer: NoAnswer | None
    ended: Ended | Literal["unreachable"]
    attempts: int

    @cached_property
    def metadata(self) -> ResponseMetadata:
        """What the gateway said; empty when the answer came from no gateway."""
        if self.head is None or self.plan.surface is None:
            return _NO_METADATA
        return ResponseMetadata.from_headers(self.head.headers)

    @cached_property
    def usage(self) -> Usage | None:
        """What the provider reported; None where it did not, or where it passed unread.

        ``complete`` is False where the answer did not come to its end: the counts are those until then.
        """
        if self.head is None or self.meter is None:
            return None
        surface = self.plan.surface
        provider = self.metadata.provider or (surface.provider if surface is not None else None)
        return usage_of(
            self.meter.start,
            self.meter.tail,
            encoding=self.header("content-encoding"),
            whole=self.meter.whole,
            dialect=usage_dialect(provider, surface.kind) if surface is not None else None,
            complete=self.ended == "complete",
        )

    @property
    def status(self) -> int | None:
        """The HTTP status, when anybody answered."""
        return None if self.head is None else self.head.status

    @property
    def cache_status(self) -> CacheStatus | None:
        """``cf-aig-cache-status``, typed."""
        return self.metadata.ai_gateway_cache_status

    @property
    def latency(self) -> float | None:
        """Seconds from sending to the end of the answer (or to giving up)."""
        first = self.head or self.no_answer
        last = self.meter or first
        return None if first is None or last is None else last.at - first.sent_at

    @property
    def time_to_first_byte(self) -> float | None:
        """Seconds from sending to the answer's headers."""
        return None if self.head is None else self.head.at - self.head.sent_at

    def header(self, name: str) -> str | None:
        """One response header by its lower-case name."""
        value = self.head.header(name.encode("latin-1")) if self.head is not None else None
        return value.decode("latin-1") if value is not None else None

    def as_dict(self) -> Mapping[str, object]:
        """The receipt as plain, safe values: for a log line or a test."""
        surface = self.plan.surface
        usage = self.usage
        return MappingProxyType(
            {
                "surface": surface.family if surface else None,
                "provider": surface.provider if surface else None,
                "endpoint": surface.kind if surface else None,
                "model": self.plan.model,
                "route_class": self.plan.route_class,
                "intent": self.plan.intent.mode,
                "key": self.plan.key.value if self.plan.key else None,
                "ttl": self.plan.ttl,
                "reasons": list(self.plan.reasons),
                "status": self.status,
                "cache_status": self.cache_status.value if self.cache_status else None,
                "log_id": self.metadata.log_id,
                "ended": self.ended,
                "attempts": self.attempts,
                "latency": self.latency,
                "usage": dict(usage.as_dict()) if usage else None,
            }
        )


_NO_METADATA: Final = ResponseMetadata()
