"""Route classes: kinds of work, and what each may cost, keep and use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from ._catalog import StructuredOutput

Strategy = Literal["score", "fixed", "cheapest", "fastest", "quality", "weighted", "difficulty"]
CacheStrategy = Literal["off", "provider-prefix", "response", "both"]
ToolRule = Literal["keep", "strip", "deny"]
AskedModel = Literal["keep", "check", "replace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A model that a class prefers. ``weight`` is its share where the strategy is ``weighted`` (0 takes it out)."""

    provider: str
    model: str
    weight: int = 1

    @property
    def name(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What every model of a class must be able to do, beside what the request itself needs.

    Attributes:
        tools, vision, audio, streaming, web_search: must be able to.
        structured_output: at least so reliable; None where it does not matter.
        context: at least so many tokens of context window.
        reasoning: ``required`` (optional or always), ``forbidden`` (never, or only where asked) or ``allowed``.
        reasoning_traces: whether thoughts in the answer are acceptable.
    """

    tools: bool = False
    vision: bool = False
    audio: bool = False
    streaming: bool = False
    web_search: bool = False
    structured_output: StructuredOutput | None = None
    context: int = 0
    reasoning: Literal["allowed", "required", "forbidden"] = "allowed"
    reasoning_traces: Literal["allowed", "forbidden"] = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHints:
    """What may be cached, and where.

    Attributes:
        strategy: ``off``; ``provider-prefix`` (the provider's prompt cache only); ``response`` (the gateway's
            response cache: key and TTL are sent); ``both``.
        ttl: seconds that a response may live (60 to 2 592 000); needed by ``response`` and ``both``, else None.
        scope: who may see a cached response again: the caller's ``tenant``, or everybody (``shared``).
        prefix_ttl: seconds that a marked prefix is asked to live, where the provider can be asked (300 or 3600).
    """

    strategy: CacheStrategy = "off"
    ttl: int | None = None
    scope: Literal["tenant", "shared"] = "tenant"
    prefix_ttl: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a request; None leaves it as it is.

    Attributes:
        max_output_tokens: a higher or missing value is lowered to this.
        min_temperature, max_temperature: a value outside is moved to the bound; a missing one stays missing.
        request_timeout: seconds until the gateway gives up on the provider (``cf-aig-request-timeout``).
        deadline: seconds for the whole call.
    """

    max_output_tokens: int | None = None
    min_temperature: float | None = None
    max_temperature: float | None = None
    request_timeout: float | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """What the gateway tries again (``cf-aig-max-attempts`` 1 to 5, ``cf-aig-retry-delay`` ms, ``cf-aig-backoff``)."""

    max_attempts: int
    delay: int | None = None
    backoff: Literal["constant", "linear", "exponential"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWeights:
    """How much each term of the score counts, 0 to 10."""

    cost: int = 3
    speed: int = 3
    quality: int = 3
    context: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteClass:
    """One kind of work.

    Attributes:
        name: lower case, ``[a-z][a-z0-9_]*``.
        description: one sentence for people.
        targets: models in order of preference; empty: every model of the catalog at the usable providers.
        strategy: how one candidate is chosen.
        weights: of the score, where ``strategy`` is ``score``.
        requirements: see ``Requirements``.
        cache: see ``CacheHints``.
        tools: ``keep`` passes a request's tools on, ``strip`` removes them, ``deny`` refuses the request.
        limits, retries: see there.
        fallbacks: how many further candidates may be tried when one cannot answer.
        log_payload: ``cf-aig-collect-log-payload``; None leaves it to the gateway.
        metadata: stamped into ``cf-aig-metadata``.
        asked_model: what becomes of a model that the request names: ``keep`` it, ``check`` it against the class, or
            ``replace`` it by the class's choice.
        require_price: refuse models whose price is unknown.
        external_billing: allow models that another one than their host bills.
        side_effects: answers have effects that must not be replayed; such a class is never response-cached.
    """

    name: str
    description: str = ""
    targets: tuple[Target, ...] = ()
    strategy: Strategy = "score"
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    requirements: Requirements = field(default_factory=Requirements)
    cache: CacheHints = field(default_factory=CacheHints)
    tools: ToolRule = "keep"
    limits: Limits = field(default_factory=Limits)
    retries: Retries | None = None
    fallbacks: int = 0
    log_payload: bool | None = None
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=lambda: MappingProxyType({}))
    asked_model: AskedModel = "keep"
    require_price: bool = False
    external_billing: bool = False
    side_effects: bool = False
