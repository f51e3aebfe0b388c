"""Interleaved rounds: every contestant once per turn in random order, ratios inside a round, medians over rounds.

A round's ratio compares measurements that were taken milliseconds apart, so a neighbour that is busy for a second slows
both sides of it. Absolute times say what the ratios mean here; only the ratios are claims.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from statistics import median, quantiles
from time import perf_counter, process_time

SEED = 20
Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]


class Race:
    """What each contestant took in each round: seconds per call, by the wall and by this process's CPU."""

    def __init__(self, names: list[str]) -> None:
        self.wall: dict[str, list[float]] = {name: [] for name in names}
        self.cpu: dict[str, list[float]] = {name: [] for name in names}

    def ratios(self, name: str, base: str, *, cpu: bool = False) -> list[float]:
        """The contestant against ``base``, round by round."""
        taken = self.cpu if cpu else self.wall
        return [mine / its for mine, its in zip(taken[name], taken[base], strict=True)]

    def seconds(self, name: str, *, cpu: bool = False) -> float:
        """The median over rounds."""
        return median((self.cpu if cpu else self.wall)[name])

    def add(self, name: str, wall: list[float], cpu: list[float]) -> None:
        """One round of one contestant: its median turn."""
        self.wall[name].append(median(wall))
        self.cpu[name].append(median(cpu))


def middle_half(values: list[float]) -> tuple[float, float]:
    """The lower and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def loops_for(call: Call, seconds: float) -> int:
    """How many calls fill a turn of so many seconds."""
    call()
    start = perf_counter()
    call()
    return max(1, int(seconds / max(perf_counter() - start, 1e-7)))


def race(
    contestants: Mapping[str, Call],
    *,
    rounds: int,
    turns: int = 1,
    turn_seconds: float = 0.0,
    warm: int = 3,
    prepare: Collection[str] = (),
) -> Race:
    """Race synchronous calls.

    Args:
        contestants: name to call.
        rounds: how many ratios to take.
        turns: how many turns a round's median is of.
        turn_seconds: makes a turn of many calls, for what is too short to time alone.
        warm: calls of each before the first round.
        prepare: contestants that get one untimed call before each turn.
    """
    names = list(contestants)
    loops = {name: loops_for(contestants[name], turn_seconds) if turn_seconds else 1 for name in names}
    for name in names:
        for _ in range(warm):
            contestants[name]()
    result, order, chance = Race(names), list(names), random.Random(SEED)
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        wall: dict[str, list[float]] = {name: [] for name in names}
        cpu: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(turns):
            chance.shuffle(order)
            for name in order:
                call, count = contestants[name], loops[name]
                if name in prepare:
                    call()
                cpu_start, start = process_time(), perf_counter()
                if count == 1:
                    call()
                else:
                    for _ in range(count):
                        call()
                end, cpu_end = perf_counter(), process_time()
                wall[name].append((end - start) / count)
                cpu[name].append((cpu_end - cpu_start) / count)
        for name in names:
            result.add(name, wall[name], cpu[name])
    gc.unfreeze()
    return result


async def race_async(
    contestants: Mapping[str, AsyncCall], *, rounds: int, turns: int = 1, warm: int = 3, own_clock: bool = False
) -> Race:
    """Race asynchronous calls, one at a time in one event loop. With ``own_clock`` calls return their seconds."""
    names = list(contestants)
    for name in names:
        for _ in range(warm):
            await contestants[name]()
    result, order, chance = Race(names), list(names), random.Random(SEED)
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        wall: dict[str, list[float]] = {name: [] for name in names}
        cpu: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(turns):
            chance.shuffle(order)
            for name in order:
                call = contestants[name]
                cpu_start, start = process_time(), perf_counter()
                returned = await call()
                end, cpu_end = perf_counter(), process_time()
                wall[name].append(returned if own_clock and isinstance(returned, float) else end - start)
                cpu[name].append(cpu_end - cpu_start)
        for name in names:
            result.add(name, wall[name], cpu[name])
    gc.unfreeze()
    return result
