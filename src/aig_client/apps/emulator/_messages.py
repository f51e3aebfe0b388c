"""The values that cross between the pure gateway and the shell that carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ._json import JsonObject

Headers = tuple[tuple[str, str], ...]
"""Header lines in order, names in lower case."""

IdSource = Callable[[float], str]
"""Gives a new identifier for a moment in Unix seconds; real ones are lower-case UUIDv7s."""


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One HTTP request as the gateway saw it.

    `path` is still percent-encoded and holds no query. Header names are lower case; repeated lines are joined
    with a comma and a space, as HTTP permits.
    """

    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: a cache hit, or an error of the gateway's own."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What caching means for one request: the digest of its key and the life of an entry in seconds."""

    key: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of one request. All are equal in a one-step request, unless the caller set the event id."""

    log_id: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Decision: ask the provider. `headers` are exactly what it may see; `payload` is a body that is JSON."""

    request: GatewayRequest
    identity: Identity
    provider: str
    model: str | None
    path: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    payload: JsonObject | None = field(repr=False)
    compat: bool
    plan: CachePlan | None


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of a provider's answer as the caller gets them; `keep`: the body is to be stored."""

    status: int
    headers: Headers
    keep: bool


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a fake provider says. More than one frame means a stream."""

    status: int
    headers: Headers
    frames: tuple[bytes, ...] = field(repr=False)
