"""The questions that the pure gateway asks its shell. ``yield from`` a question gives the typed answer.

The shells are the ASGI server and the in-process transports. A shell answers in order; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from ._faults import FaultSpec
from ._messages import Answered, Body, Hangup, Headers, NoAnswer, ProviderRequest, Reply
from ._scenario import Directive

T = TypeVar("T")


class Ask(Generic[T]):
    """A question that only a shell can answer."""

    __slots__ = ()

    def __iter__(self) -> Generator[Ask[Any], Any, T]:
        answer: T = yield self
        return answer


@dataclass(frozen=True, slots=True)
class Call(Ask[Answered | NoAnswer]):
    """Ask the provider. Wait `timeout` seconds for its head, or as long as it takes (`None`).

    An answer in hand from an earlier call is dropped. faults, directive: what the caller or the scenario asked for;
    attempt counts from 0.
    """

    request: ProviderRequest
    timeout: float | None
    faults: tuple[FaultSpec, ...] = ()
    directive: Directive | None = field(default=None, repr=False)
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Sleep(Ask[float]):
    """Let this many seconds pass. The answer is the new moment."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Buffer(Ask[Body]):
    """Read the answer in hand to its end, at most `limit` bytes of it."""

    limit: int


@dataclass(frozen=True, slots=True)
class Relay(Ask[Body]):
    """Pass the answer in hand to the caller under this head, as it arrives; give back at most `limit` bytes of it.

    The shell asks back before the caller can know that the answer has ended: who has read it all may count on the
    entry in cache and log.
    """

    status: int
    headers: Headers = field(repr=False)
    limit: int


Exchange: TypeAlias = Generator[Ask[Any], Any, Reply | Hangup | None]
"""One request at the gateway. It returns what to send; `None` after a `Relay`, which has sent already."""
