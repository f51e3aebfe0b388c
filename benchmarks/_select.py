"""Selection: what choosing among 70 models costs, and what reading a request's needs costs before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING

import _bodies
from _rounds import Call, middle_half, race
from _rows import Flags, Row, main_of_section, pin, time_text

if TYPE_CHECKING:
    from aig_client.core.facts._catalog import Capabilities
    from aig_client.core.path._select import Context

MODELS = 70
TARGET = 60e-6
READING = "work_of, 10 KB chat body"
FLOOR = "a sort of 70 numbers"


def _catalog() -> tuple[Capabilities, ...]:
    """Seventy models that pass every filter, so that all of them are ranked: the dearest case."""
    from aig_client.core.facts._catalog import Capabilities
    from aig_client.core.facts._prices import Price

    return tuple(
        Capabilities(
            provider=("openai", "groq", "mistral")[number % 3],
            model=f"model-{number}",
            context_window=128_000 * (1 + number % 4),
            tools=True,
            streaming=True,
            structured_output="native",
            reasoning="optional",
            speed=1 + number % 10,
            quality=1 + number * 7 % 10,
            prices=(Price(input=(1 + number) * 10_000_000, output=(1 + number) * 40_000_000),),
        )
        for number in range(MODELS)
    )


def _contexts() -> dict[str, Context]:
    from aig_client.core.path._select import Context

    providers = ("openai", "groq", "mistral")
    plain = Context(today="2026-11-21", providers=providers, speaks=frozenset(providers), targeting_key="user-7")
    moved = replace(
        plain,
        health={"groq": 0.8},
        warm=frozenset({"openai/model-3"}),
        remaining_nanodollars=10**10,
        excluded={"openai/model-0": "answered 503"},
    )
    return {"": plain, ", with health, budget, warmth and one excluded": moved}


def _contestants() -> Iterator[tuple[str, Call]]:
    from aig_client.core.facts._classes import RouteClass
    from aig_client.core.path._select import select
    from aig_client.core.path._work import work_of

    models, body = _catalog(), _bodies.SHAPES["text"](10_000)
    # Sizes differ from request to request, so that no two neighbours are answered by one comparison.
    works = [replace(work_of("chat", body), estimated_input_tokens=size) for size in range(100, 9_000, 700)]
    for more, context in _contexts().items():
        for strategy in ("score", "cheapest", "fixed", "difficulty"):
            route_class, turn = RouteClass(name="bench", strategy=strategy), cycle(works)
            yield (
                f"{strategy}{more}",
                lambda route_class=route_class, turn=turn, context=context: (
                    select(route_class, next(turn), models, context).chosen
                ),
            )
    numbers = [number * 7919 % 71 for number in range(MODELS)]
    yield FLOOR, lambda: sorted(numbers)
    yield READING, lambda: work_of("chat", body)


def measure(flags: Flags) -> list[Row]:
    """One table: each strategy with its target, then the floor and the reading of a body."""
    pin(0)
    contestants = dict(_contestants())
    result = race(contestants, rounds=7 if flags.quick else 31, turn_seconds=0.001 if flags.quick else 0.003, warm=20)
    group = f"Selection: {MODELS} models, all of which can"
    rows: list[Row] = []
    for name in contestants:
        taken = result.cpu[name]
        low, high = middle_half(taken)
        aimed = name not in (FLOOR, READING) and "," not in name
        rows.append(
            Row(
                group,
                name,
                time_text(median(taken)),
                spread=f"{low * 1e6:.1f}-{high * 1e6:.1f} µs",
                target=f"<= {TARGET * 1e6:.0f} µs" if aimed else "",
                kept=median(taken) <= TARGET if aimed else None,
                close=aimed and low <= TARGET <= high,
            )
        )
    return rows


if __name__ == "__main__":
    main_of_section(measure)
