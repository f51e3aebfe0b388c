"""What a choice of model depends on beside class, request and catalog, and what becomes of each candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..facts._catalog import Capabilities
from ..facts._prices import Tier

if TYPE_CHECKING:
    from ._policy import Override


def _nobody() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_health() -> Mapping[str, float]:
    return MappingProxyType({})


def _no_overrides() -> Mapping[str, Override]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a choice depends on beside class, request and catalog.

    Attributes:
        today: ``YYYY-MM-DD``; None judges each model by the day on which its row was written.
        providers: the slugs that may be used, in order of preference; others are not.
        speaks: the slugs that take this kind of request on this surface; see ``speakers``.
        health: 0 (unusable) to 1 (well) by ``provider/model``, else by provider; who is not in it is well.
        remaining_nanodollars: what is left to spend; None where nothing bounds it.
        warm: names (``provider/model``) whose prompt cache holds this conversation's beginning.
        tier: the service tier that is paid.
        targeting_key: who or what stays with one arm of a weighted split; hashed, never shown.
        overrides: the model that the class takes at a provider, whatever it would have chosen there.
        excluded: names that may not be chosen (any more), with the reason.
    """

    today: str | None = None
    providers: tuple[str, ...] = ()
    speaks: frozenset[str] = frozenset()
    health: Mapping[str, float] = field(default_factory=_no_health)
    remaining_nanodollars: int | None = None
    warm: frozenset[str] = frozenset()
    tier: Tier = "standard"
    targeting_key: str | None = field(default=None, repr=False)
    overrides: Mapping[str, Override] = field(default_factory=_no_overrides)
    excluded: Mapping[str, str] = field(default_factory=_nobody)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A candidate that cannot be chosen, and why, in words for people."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that can answer.

    Attributes:
        model: what it can do.
        score: the weighted score, whatever the strategy; see docs/reference/selection.md.
        terms: what the score is made of.
        forced: an override put it here past the filters.
        why: what put it into its place.
        estimated_nanodollars: what the request is expected to cost there; None where a price is unknown.
    """

    model: Capabilities
    score: int
    terms: Mapping[str, int]
    forced: bool
    why: str
    estimated_nanodollars: int | None

    def as_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "model": self.model.name,
            "score": self.score,
            "terms": dict(self.terms),
            "forced": self.forced,
            "why": self.why,
            "estimated_nanodollars": self.estimated_nanodollars,
        }
