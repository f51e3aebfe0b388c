"""The values that come back up the path, from an answer's first bytes to the receipt. None shows a secret, prompt or
answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from ._errors import NoAnswerKind
from ._values import Plan, RawHeaders
from .facts._answer import model_said, readable, tier_said
from .facts._response import CacheStatus, ResponseMetadata
from .facts._surfaces import named
from .facts._usage import Usage, usage_dialect, usage_of

if TYPE_CHECKING:
    from .facts._catalog import Capabilities
    from .facts._cost import Cost


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
        return usage_of(
            self.meter.start,
            self.meter.tail,
            encoding=self.header("content-encoding"),
            whole=self.meter.whole,
            dialect=usage_dialect(self._provider, surface.kind) if surface is not None else None,
            complete=self.ended == "complete",
        )

    @cached_property
    def model(self) -> str | None:
        """The model that answered: by the gateway's word, else the answer's own, else the one that was asked."""
        said = self.metadata.routed_model or self.metadata.model
        return said or model_said(*self._text) or self.plan.model

    @cached_property
    def cost(self) -> Cost | None:
        """What the answer cost at the provider; None where nobody answered, or no tokens can have been spent.

        A HIT of the gateway's cache cost nothing and says what it saved. An unknown price is an unknown cost.
        """
        if self.head is None or self.meter is None or self.plan.surface is None or not 200 <= self.head.status < 300:
            return None
        from .facts._catalog_lookup import price_of  # noqa: PLC0415  (prices load when somebody asks what it cost)
        from .facts._cost import cost_of  # noqa: PLC0415

        usage, row = self.usage, self._row
        if row is None:
            return cost_of(
                usage, None, cached=self.metadata.hit, why_no_price=f"{self.model or 'the model'} is unknown"
            )
        tier = tier_said(*self._text)
        length = usage.input_tokens if usage is not None else None
        price = price_of(row, input_tokens=length, tier=tier, today=self.plan.today)
        why = "" if price is not None else f"no {tier} price of {row.name} is known"
        return cost_of(usage, price, cached=self.metadata.hit, why_no_price=why)

    @property
    def _row(self) -> Capabilities | None:
        """What is known of the model that answered: as the plan has it, else as the catalog has it."""
        from .facts._catalog_lookup import builtin_catalog  # noqa: PLC0415

        planned, surface, said = self.plan.capabilities, self.plan.surface, self.model
        if surface is None or said is None or (planned is not None and planned.model == said):
            return planned
        provider, model = named(surface, said)
        provider = self.metadata.provider or provider or named(surface, self.plan.model)[0]
        found = builtin_catalog().get(provider, model) if provider is not None and model is not None else None
        # The catalog knows a dated snapshot by its model's row, and the policy's row of that model beats it.
        return planned if found is None or (planned is not None and planned.name == found.name) else found

    @property
    def _provider(self) -> str | None:
        surface = self.plan.surface
        return self.metadata.provider or (surface.provider if surface is not None else None)

    @property
    def _text(self) -> tuple[bytes, bytes]:
        if self.meter is None:
            return b"", b""
        meter = self.meter
        text = readable(meter.start, meter.tail, self.header("content-encoding"), whole=meter.whole)
        return text or (b"", b"")

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
        usage, cost = self.usage, self.cost
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
                "model_served": self.model,
                "usage": dict(usage.as_dict()) if usage else None,
                "cost": dict(cost.as_dict()) if cost else None,
            }
        )


_NO_METADATA: Final = ResponseMetadata()
