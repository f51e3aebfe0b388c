"""256 asynchronous calls at once: requests per second with each client's own pool, for a bounded time.

Each contestant runs in a process of its own, because a pool that has collapsed may take minutes to be closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
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


def _one(name: str, base_url: str, seconds: float) -> None:
    pin(0)
    print(json.dumps(asyncio.new_event_loop().run_until_complete(_run(name, base_url, seconds))), flush=True)
    os._exit(0)  # without waiting for a collapsed pool to close 256 connections


def _in_a_process(name: str, base_url: str, seconds: float, flags: Flags) -> tuple[float, float]:
    command = [sys.executable, str(Path(__file__)), "--one", name, base_url, str(seconds), str(flags.orjson)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60 + 10 * seconds, check=True)
    per_second, cpu = json.loads(done.stdout)
    return per_second, cpu


def measure(flags: Flags) -> list[Row]:
    """Every contestant once per round."""
    rounds, seconds = (1, 1.0) if flags.quick else (5, 2.0)
    per_second: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    cpu: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    chance, order = random.Random(SEED), list(CONTESTANTS)
    with upstream() as base_url:
        for _ in range(rounds):
            chance.shuffle(order)
            for name in order:
                rate, cost = _in_a_process(name, base_url, seconds, flags)
                per_second[name].append(rate)
                cpu[name].append(cost)
    rows = []
    for name in CONTESTANTS:
        ratio = median(mine / its for mine, its in zip(per_second[name], per_second[BASE], strict=True))
        rate = median(per_second[name])
        low, high = middle_half(per_second[name])
        rows.append(
            Row(
                f"Concurrency: {AT_ONCE} asynchronous calls at once, {flags.encoder}",
                name,
                f"{rate:.0f} /s",
                BASE,
                f"{low:.0f}-{high:.0f}",
                f"{ratio:.2f}x, CPU {median(cpu[name]) * 1e6:.0f} µs",
                f">= {LEAST:.0f} /s" if name in OURS else "",
                rate >= LEAST if name in OURS else None,
            )
        )
    return rows


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        if sys.argv[5] == "False":
            hide_orjson()
        _one(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    main_of_section(measure)
