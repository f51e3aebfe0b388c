"""256 asynchronous calls at once: requests per second with each client's own pool, for a bounded time.

Each contestant runs in a process of its own, so that no pool meets another one's event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from importlib import import_module
from statistics import median
from time import perf_counter, process_time

from _bodies import fresh_chat
from _clients import PATH, answer_text, gateway_arguments
from _rounds import SEED, AsyncCall, middle_half
from _rows import Flags, Row, hide_orjson, main_of_section, pin
from _upstream import upstream

AT_ONCE = 256
LEAST = 800.0
BASE = "bare httpx2, its default pool"
OURS = {"AsyncGatewayClient, httpx, cached": "httpx", "AsyncGatewayClient, httpx2, cached": "httpx2"}
CONTESTANTS = (
    BASE,
    "bare httpx2, pool of 1000/1000",
    "bare httpx, its default pool",
    "bare httpx, pool of 1000/1000",
    *OURS,
)


def _call(name: str, base_url: str) -> AsyncCall:
    body = fresh_chat()
    if name in OURS:
        from aig_client import AsyncGatewayClient

        gateway = AsyncGatewayClient(http=OURS[name], **gateway_arguments(base_url, cached=True))  # type: ignore[arg-type]

        async def ours() -> object:
            return answer_text((await gateway.chat(body())).data)

        return ours
    module = import_module(name.split()[1].rstrip(","))
    limits = module.Limits(max_connections=1000, max_keepalive_connections=1000)
    # Without a timeout for a place in the pool: waiting for one is what is measured here.
    timeout = module.Timeout(600, pool=None)
    client = module.AsyncClient(timeout=timeout, **({"limits": limits} if "1000" in name else {}))

    async def bare() -> object:
        return answer_text((await client.post(base_url + PATH, json=body())).json())

    return bare


async def _steady(call: AsyncCall, seconds: float) -> tuple[float, float]:
    """256 callers, each of which asks again as soon as it was answered. The first 256 answers open the connections."""
    answered = 0
    opened = asyncio.Event()

    async def caller() -> None:
        nonlocal answered
        while True:
            await call()
            answered += 1
            if answered == AT_ONCE:
                opened.set()

    callers = [asyncio.create_task(caller()) for _ in range(AT_ONCE)]
    await opened.wait()
    start, cpu, before = perf_counter(), process_time(), answered
    await asyncio.sleep(seconds)
    rate = _rate(answered - before, start, cpu)
    for failed in [one for one in callers if one.done()]:
        failed.result()
    return rate


async def _bursts(call: AsyncCall, seconds: float) -> tuple[float, float]:
    """256 calls at once, and when all are answered the next 256. The first burst opens the connections."""
    await asyncio.gather(*(call() for _ in range(AT_ONCE)))
    start, cpu, answered = perf_counter(), process_time(), 0
    while perf_counter() - start < seconds:
        await asyncio.gather(*(call() for _ in range(AT_ONCE)))
        answered += AT_ONCE
    return _rate(answered, start, cpu)


def _rate(answered: int, start: float, cpu: float) -> tuple[float, float]:
    return answered / (perf_counter() - start), (process_time() - cpu) / max(answered, 1)


_PATTERNS = {"steady": _steady, "bursts": _bursts}


def _one(name: str, pattern: str, base_url: str, seconds: float) -> None:
    pin(0)

    async def run() -> tuple[float, float]:
        call = _call(name, base_url)
        await call()
        return await _PATTERNS[pattern](call, seconds)

    print(json.dumps(asyncio.new_event_loop().run_until_complete(run())), flush=True)
    os._exit(0)  # without waiting for 256 callers and their connections to end


def _in_a_process(name: str, pattern: str, base_url: str, seconds: float, flags: Flags) -> tuple[float, float]:
    command = [sys.executable, __file__, "--one", name, pattern, base_url, str(seconds), str(flags.orjson)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60 + 10 * seconds, check=True)
    per_second, cpu = json.loads(done.stdout)
    return per_second, cpu


def measure(flags: Flags) -> list[Row]:
    """Every contestant once per round in either pattern; with ``--quick`` only ours and the base."""
    rounds, seconds = (1, 0.7) if flags.quick else (3, 1.5)
    contestants = (BASE, *OURS) if flags.quick else CONTESTANTS
    runs = [(name, pattern) for name in contestants for pattern in _PATTERNS]
    per_second: dict[tuple[str, str], list[float]] = {run: [] for run in runs}
    cpu: dict[tuple[str, str], list[float]] = {run: [] for run in runs}
    chance, order = random.Random(SEED), list(runs)
    with upstream() as base_url:
        for _ in range(rounds):
            chance.shuffle(order)
            for run in order:
                rate, cost = _in_a_process(*run, base_url, seconds, flags)
                per_second[run].append(rate)
                cpu[run].append(cost)
    rows = []
    for name, pattern in runs:
        rates = per_second[name, pattern]
        ratio = median(mine / its for mine, its in zip(rates, per_second[BASE, pattern], strict=True))
        low, high = middle_half(rates)
        ours = name in OURS
        rows.append(
            Row(
                f"Concurrency: {AT_ONCE} calls at once, {flags.encoder}",
                f"{name}, {pattern}",
                f"{median(rates):.0f} /s",
                f"{BASE}: {ratio:.2f}x",
                f"{low:.0f}-{high:.0f}",
                f"CPU {median(cpu[name, pattern]) * 1e6:.0f} µs per call",
                target=f">= {LEAST:.0f} /s" if ours else "",
                kept=median(rates) >= LEAST if ours else None,
            )
        )
    return rows


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        if sys.argv[6] == "False":
            hide_orjson()
        _one(sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5]))
    main_of_section(measure)
