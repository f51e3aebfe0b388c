"""The figures of a bench run: pure arithmetic over what each request came to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

SLOWEST: Final = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: its line in the file, its pass, and what came of it."""

    line: int
    run: int
    latency: float | None
    cache_status: str | None
    input_tokens: int | None
    output_tokens: int | None
    error: str | None
    status: int | None
    log_id: str | None
    model: str | None = None
    nanodollars: int | None = None
    saved_nanodollars: int | None = None

    @property
    def hit(self) -> bool:
        """Only a HIT is one: unknown is neither."""
        return self.error is None and self.cache_status == "HIT"

    @property
    def miss(self) -> bool:
        """Only a MISS is one."""
        return self.error is None and self.cache_status == "MISS"


@dataclass(frozen=True, slots=True)
class Latency:
    """Nearest-rank percentiles, in seconds; None of nothing."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to.

    Attributes:
        hit_rate: hits over answers; None without an answer.
        token_hit_rate: input tokens of hits over the input tokens of all answers that report them.
        unmetered: answers that report no input tokens, and so are in no token rate.
        nanodollars: what all answers cost whose cost is known; ``unpriced`` counts the others.
        saved_nanodollars: what hits saved, as far as that is known; ``unsaved`` counts the other hits.
        answers_by_model: how many answers each model gave.
    """

    requests: int
    errors: int
    hits: int
    misses: int
    unknown: int
    hit_rate: float | None
    token_hit_rate: float | None
    input_tokens: int
    input_tokens_of_hits: int
    output_tokens: int
    unmetered: int
    nanodollars: int
    unpriced: int
    saved_nanodollars: int
    unsaved: int
    answers_by_model: dict[str, int]
    hit_latency: Latency
    miss_latency: Latency
    errors_by_meaning: dict[str, int]
    slowest: tuple[Sample, ...]


def figures_of(samples: Sequence[Sample]) -> Figures:
    """The figures of some samples."""
    answers = [one for one in samples if one.error is None]
    hits, misses = [one for one in answers if one.hit], [one for one in answers if one.miss]
    tokens = sum(one.input_tokens or 0 for one in answers)
    saved = sum(one.input_tokens or 0 for one in hits)
    timed = [one for one in samples if one.latency is not None]
    return Figures(
        requests=len(samples),
        errors=len(samples) - len(answers),
        hits=len(hits),
        misses=len(misses),
        unknown=len(answers) - len(hits) - len(misses),
        hit_rate=_rate(len(hits), len(answers)),
        token_hit_rate=_rate(saved, tokens),
        input_tokens=tokens,
        input_tokens_of_hits=saved,
        output_tokens=sum(one.output_tokens or 0 for one in answers),
        unmetered=sum(one.input_tokens is None for one in answers),
        nanodollars=sum(one.nanodollars or 0 for one in answers),
        unpriced=sum(one.nanodollars is None for one in answers),
        saved_nanodollars=sum(one.saved_nanodollars or 0 for one in hits),
        unsaved=sum(one.saved_nanodollars is None for one in hits),
        answers_by_model=dict(sorted(Counter(one.model for one in answers if one.model is not None).items())),
        hit_latency=latency_of(hits),
        miss_latency=latency_of(misses),
        errors_by_meaning=dict(Counter(one.error for one in samples if one.error is not None)),
        slowest=tuple(sorted(timed, key=lambda one: one.latency or 0, reverse=True)[:SLOWEST]),
    )


def latency_of(samples: Iterable[Sample]) -> Latency:
    """The percentiles of some samples."""
    times = sorted(one.latency for one in samples if one.latency is not None)
    return Latency(len(times), *(percentile(times, part) for part in (50, 95, 99)))


def percentile(times: Sequence[float], part: int) -> float | None:
    """The nearest-rank percentile of sorted values: always one that occurred."""
    return times[max(0, math.ceil(len(times) * part / 100) - 1)] if times else None


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
