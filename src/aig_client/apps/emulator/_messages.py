"""The values that cross between the pure gateway, its shells and its fake providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ._json import JsonObject

Headers = tuple[tuple[str, str], ...]
"""Header lines in order, names in lower case."""

IdSource = Callable[[float], str]
"""Gives a new identifier for a moment in Unix seconds; real ones are lower-case UUIDv7s."""

ABORT = "aig.abort"
"""The ASGI extension by which a server resets a connection. Under a server without it, an answer just ends."""

WHEN_GONE = "aig.when-gone"
"""The ASGI extension that calls back when the client hangs up. Without it a task of its own waits for that."""


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
    """A whole answer: a cache hit, an error of the gateway's own, an answer of the management API."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hangup:
    """No answer: the connection is reset."""


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What caching means for one request: the digest of its key and the life of an entry in seconds."""

    key: str
    ttl: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """What a provider is asked: `path` stands after its slug, `headers` are exactly what it may see.

    payload: the body, where it is a JSON object. model: as the provider spells it.
    dialect: `native` for the provider's own API; `chat` where the gateway translates and the answer has the shape
    of OpenAI's chat completions (`/compat`, REST).
    """

    provider: str
    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    payload: JsonObject | None = field(default=None, repr=False)
    model: str | None = None
    dialect: Literal["native", "chat"] = "native"

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in lower case."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Pause:
    """A provider says nothing for this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """A provider's connection ends before its answer does."""


Part: TypeAlias = bytes | Pause | Break


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a fake provider says, after `delay` seconds. More than one part means a stream."""

    status: int
    headers: Headers
    parts: tuple[Part, ...] = field(repr=False)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A provider's status and headers have arrived; its body is in hand, unread."""

    status: int
    headers: Headers
    now: float


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No status arrived: nobody there, or not in time."""

    reason: Literal["unreachable", "timeout"]
    now: float


@dataclass(frozen=True, slots=True)
class Body:
    """A provider's body at its end. `None`: it was cut, or is longer than was asked for.

    complete: it reached its own end, whatever its length.
    """

    data: bytes | None = field(repr=False)
    complete: bool
    now: float
