"""One gateway's settings, by the names of Cloudflare's API (contract 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal, TypeAlias

from ._json import JsonValue

MIN_CACHE_TTL = 60
MAX_CACHE_TTL = 2_592_000
"""One month in seconds. The docs give no number; this one is a third party's reading (contract 1.2)."""
MAX_ATTEMPTS = 5
MAX_RETRY_DELAY_MS = 60_000
MOST_SPEND_RULES = 20

Action: TypeAlias = Literal["FLAG", "BLOCK"]
Technique: TypeAlias = Literal["fixed", "sliding"]
Backoff: TypeAlias = Literal["constant", "linear", "exponential"]
Check: TypeAlias = Literal["REQUEST", "RESPONSE"]

HAZARDS = ("P1", *(f"S{number}" for number in range(1, 14)))
"""Guardrail categories: prompt injection and the thirteen hazards of Llama Guard 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """What happens to a hazard, by its category, in prompts and in responses."""

    prompt: Mapping[str, Action] = field(default_factory=dict[str, Action])
    response: Mapping[str, Action] = field(default_factory=dict[str, Action])

    def __post_init__(self) -> None:
        for side, rules in (("prompt", self.prompt), ("response", self.response)):
            for category, action in rules.items():
                if category not in HAZARDS:
                    raise ValueError(f"guardrails.{side} names the unknown category {category!r}")
                if action not in ("FLAG", "BLOCK"):
                    raise ValueError(f"guardrails.{side}.{category} must be FLAG or BLOCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class DlpPolicy:
    """One data loss prevention policy. `profiles` are ids of detection profiles."""

    id: str
    action: Action = "BLOCK"
    checks: frozenset[Check] = frozenset(("REQUEST",))
    profiles: tuple[str, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRule:
    """One spend limit: US dollars per window of seconds.

    models, providers: which requests it counts; empty means all. metadata: key to the values it counts, or to
    `None`, which gives each value of that key a limit of its own (a partition).
    """

    id: str
    limit: float
    window: int
    technique: Technique = "fixed"
    enabled: bool = True
    models: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    metadata: Mapping[str, frozenset[str] | None] = field(default_factory=dict[str, "frozenset[str] | None"])

    def __post_init__(self) -> None:
        if not 0 <= self.limit < inf or self.window < 1:
            raise ValueError(f"spend limit {self.id!r}: limit must not be negative and window at least 1 second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy (beta): what happens to requests with this metadata. Empty metadata means every request.

    action: `no-limit` lets them pass, `block` does not, `limit` lets them spend `limit` US dollars in `window` seconds.
    """

    id: str
    action: Literal["no-limit", "block", "limit"] = "no-limit"
    metadata: Mapping[str, frozenset[str]] = field(default_factory=dict[str, "frozenset[str]"])
    limit: float = 0.0
    window: int = 0

    def __post_init__(self) -> None:
        limits = 0 <= self.limit < inf and self.window >= 1
        silent = self.limit == 0 and self.window == 0
        if not (limits if self.action == "limit" else silent):
            raise ValueError(f"policy {self.id!r}: limit and window (at least 1 second) go with the action limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What one gateway does. Raises `ValueError`, naming the field, for a value out of its range.

    authentication: a Cloudflare token is needed. `None`: it is when the emulator was given tokens.
    caching: responses are cached for all requests that support it; `cache_ttl` is their life in seconds. The API
    has one field for both: there, a `cache_ttl` above zero turns caching on (inferred).
    rate_limiting_limit: requests per `rate_limiting_interval` seconds; 0 in either means no limit.
    retry_delay: milliseconds. spend_limits: at most 20 rules. policies: with the first one, what none allows is denied.
    other: fields of the API that have no effect here; they are kept and given back.
    """

    authentication: bool | None = None
    byok_only: bool = False
    caching: bool = False
    cache_ttl: int | None = None
    cache_invalidate_on_update: bool = False
    collect_logs: bool = True
    log_management: int | None = None
    log_management_strategy: Literal["STOP_INSERTING", "DELETE_OLDEST"] = "DELETE_OLDEST"
    rate_limiting_limit: int = 0
    rate_limiting_interval: int = 0
    rate_limiting_technique: Technique = "fixed"
    retry_max_attempts: int | None = None
    retry_delay: int | None = None
    retry_backoff: Backoff | None = None
    guardrails: Guardrails | None = None
    dlp: tuple[DlpPolicy, ...] = ()
    spend_limits: tuple[SpendRule, ...] = ()
    policies: tuple[Policy, ...] = ()
    zdr: bool = False
    workers_ai_billing_mode: Literal["postpaid", "unified"] = "postpaid"
    other: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue], repr=False)

    def __post_init__(self) -> None:
        _in_range("cache_ttl", self.cache_ttl, MIN_CACHE_TTL, MAX_CACHE_TTL)
        _in_range("retry_max_attempts", self.retry_max_attempts, 1, MAX_ATTEMPTS)
        _in_range("retry_delay", self.retry_delay, 0, MAX_RETRY_DELAY_MS)
        _in_range("rate_limiting_limit", self.rate_limiting_limit, 0, None)
        _in_range("rate_limiting_interval", self.rate_limiting_interval, 0, None)
        _in_range("log_management", self.log_management, 1, None)
        if len(self.spend_limits) > MOST_SPEND_RULES:
            raise ValueError(f"spend_limits holds {len(self.spend_limits)} rules; at most {MOST_SPEND_RULES}")


def _in_range(name: str, value: int | None, low: int, high: int | None) -> None:
    if value is None or (value >= low and (high is None or value <= high)):
        return
    span = f"{low} to {high}" if high is not None else f"at least {low}"
    raise ValueError(f"{name} must be {span}, not {value}")
