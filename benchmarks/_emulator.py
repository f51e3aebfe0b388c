"""The local gateway: what passing through adds, cached answers per second, readiness, memory, in-process, the command.

The server has one CPU; the load generator and the upstream share the other. Latencies are those of one request at a
time. CPU per request is the server's own, and depends least on what else the machine does.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from statistics import median

from _bodies import fresh_chat, wire
from _clients import PATH, five_headers
from _inprocess import in_process
from _load import NUMBER, Job, LoadGenerator, Outcome, held_open, load_generator
from _rounds import SEED, middle_half
from _rows import Flags, Row, main_of_section, pin, time_text
from _servers import BARE, DEV, RAW, Server, environment, serving

ROUTE = "/v1/0123456789abcdef0123456789abcdef/demo" + PATH
KEY = {"authorization": "Bearer sk-test-1"}
CACHED = {"cf-aig-cache-key": "bench", "cf-aig-cache-ttl": "600"}
AT_ONCE = 32
STREAMS = 2_000
KEYS = 10_000
LEAST_RATE = 3_500.0
MOST_ADDED = 0.8e-3
"""Half of the 1.6 ms that Portkey's gateway adds on the machine of these benchmarks (1.15.2, node)."""
MOST_MEGABYTES = 80.0
MOST_READY = 1.0
MOST_HELP = 0.15

DIRECT = "the upstream, asked directly"
GENERATOR = "a raw asyncio server: what the load generator can do"
STARLETTE = "a bare Starlette answer"
PASSING = "aig dev --upstream, passing through"
HIT = "aig dev, a cached answer"
LOGGED = "with its request log"
OURS = "asked with the five headers of our client"


def _request(path: str, headers: dict[str, str], **changes: object) -> str:
    body = wire({**fresh_chat(size=1_000)(), **changes}).decode()
    usual = {"host": "127.0.0.1", "accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "bench"}
    usual |= {"content-type": "application/json", "content-length": str(len(body.encode()))}
    lines = [f"{name}: {value}" for name, value in (usual | KEY | headers).items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", body])


# --- Passing through, and cached answers -----------------------------------------------------------------------------


class _Runs:
    """Outcomes of every contestant, round by round, and what each answer cost its server."""

    def __init__(self, generator: LoadGenerator) -> None:
        self._generator = generator
        self.outcomes: dict[str, list[Outcome]] = {}
        self.cpu: dict[str, list[float]] = {}

    def add(self, name: str, server: Server, job: Job) -> None:
        before = server.cpu_seconds()
        outcome = self._generator.run(job)
        self.outcomes.setdefault(name, []).append(outcome)
        self.cpu.setdefault(name, []).append((server.cpu_seconds() - before) / outcome.answered)

    def here(self, name: str) -> str:
        return f"server CPU {median(self.cpu[name]) * 1e6:.0f} µs each"


def _loads(flags: Flags) -> list[Row]:
    cached, plain = _request(ROUTE, CACHED), _request(ROUTE, {})
    ours = _request(ROUTE, five_headers(f"http://127.0.0.1:9{ROUTE.removesuffix(PATH)}"))
    hit = "cf-aig-cache-status: HIT"
    with ExitStack() as held:
        generator = held.enter_context(load_generator())

        def started(*command: str, cpu: int = 0) -> Server:
            return held.enter_context(serving(*command, cpu=cpu))

        raw, near, bare = started(*RAW), started(*RAW, cpu=1), started(*BARE)
        quiet, logging = started(*DEV, "--quiet"), started(*DEV)
        upstream = ("--upstream", f"openai=http://127.0.0.1:{near.port}")
        passing, passing_logged = started(*DEV, "--quiet", *upstream), started(*DEV, *upstream)
        contestants = {
            DIRECT: (near, plain, ""),
            STARLETTE: (bare, plain, ""),
            HIT: (quiet, cached, hit),
            PASSING: (passing, plain, "MISS"),
            f"{PASSING}, {LOGGED}": (passing_logged, plain, "MISS"),
        }
        single = _taken(generator, contestants, *((5, 1, 150) if flags.quick else (15, 1, 400)))
        contestants = {
            GENERATOR: (raw, plain, ""),
            STARLETTE: (bare, plain, ""),
            HIT: (quiet, cached, hit),
            f"{HIT}, {LOGGED}": (logging, cached, hit),
            f"{HIT}, {OURS}": (quiet, ours, hit),
        }
        crowd = _taken(generator, contestants, *((3, AT_ONCE, 400) if flags.quick else (5, AT_ONCE, 1_000)))
    return [*_added(single), *_rates(crowd)]


def _taken(
    generator: LoadGenerator, contestants: dict[str, tuple[Server, str, str]], rounds: int, connections: int, limit: int
) -> _Runs:
    """`limit`: answers over one connection, milliseconds over more."""
    more = {"answers": limit} if connections == 1 else {"seconds": limit / 1000}
    jobs: dict[str, tuple[Server, Job]] = {}
    for name, (server, request, expect) in contestants.items():
        generator.run(Job(server.port, request, 4, answers=50))
        jobs[name] = server, Job(server.port, request, connections, expect, **more)
    runs, order, chance = _Runs(generator), list(contestants), random.Random(SEED)
    for _ in range(rounds):
        chance.shuffle(order)
        for name in order:
            runs.add(name, *jobs[name])
    return runs


def _added(runs: _Runs) -> Iterator[Row]:
    direct = [outcome.p50 for outcome in runs.outcomes[DIRECT]]
    tail = median(outcome.p99 for outcome in runs.outcomes[DIRECT])
    group = "Emulator: one request at a time, added to the upstream's own p50"
    yield Row(group, DIRECT, time_text(median(direct)), here=f"p99 {time_text(tail)}")
    for name, outcomes in runs.outcomes.items():
        if name == DIRECT:
            continue
        added = [mine.p50 - its for mine, its in zip(outcomes, direct, strict=True)]
        low, high = middle_half(added)
        p99 = median(outcome.p99 for outcome in outcomes)
        target = name.startswith(PASSING)
        yield Row(
            group,
            name,
            time_text(median(added)),
            DIRECT,
            f"{low * 1e3:.2f}-{high * 1e3:.2f}",
            f"p99 {time_text(p99)}, {runs.here(name)}",
            f"<= {MOST_ADDED * 1e3:g} ms" if target else "",
            median(added) <= MOST_ADDED if target else None,
            close=target and low <= MOST_ADDED <= high,
        )


def _rates(runs: _Runs) -> Iterator[Row]:
    bare = [outcome.per_second for outcome in runs.outcomes[STARLETTE]]
    for name, outcomes in runs.outcomes.items():
        rates = [outcome.per_second for outcome in outcomes]
        ratio = median(mine / its for mine, its in zip(rates, bare, strict=True))
        low, high = middle_half(rates)
        busy = f"generator {median(outcome.busy for outcome in outcomes):.0%} busy"
        target = name.startswith(HIT)
        yield Row(
            f"Emulator: {AT_ONCE} requests at once, one worker",
            name,
            f"{median(rates):.0f} /s",
            f"{STARLETTE}: {ratio:.2f}x",
            f"{low:.0f}-{high:.0f}",
            f"{runs.here(name)}, {busy}",
            f">= {LEAST_RATE:.0f} /s" if target else "",
            median(rates) >= LEAST_RATE if target else None,
            close=target and low <= LEAST_RATE <= high,
        )


# --- Readiness and memory --------------------------------------------------------------------------------------------


def _starts(flags: Flags) -> Iterator[Row]:
    """From the start of the process to its URL, and to its first answer, which is what a test waits for."""
    commands = {STARLETTE: BARE, "aig dev": (*DEV, "--quiet")}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    runs, chance = list(product(commands, range(3 if flags.quick else 7))), random.Random(SEED)
    chance.shuffle(runs)
    request = _request(ROUTE, {}).encode()
    for name, _ in runs:
        start = time.perf_counter()
        with serving(*commands[name]) as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
                peer.sendall(request)
                assert peer.recv(65_536).startswith(b"HTTP/1.1 200")
            taken[name].append((time.perf_counter() - start, server.ready))
    for name, starts in taken.items():
        answered = [first for first, _ in starts]
        low, high = middle_half(answered)
        target = name != STARLETTE
        yield Row(
            "Emulator: from nothing to the first answer",
            name,
            time_text(median(answered)),
            spread=f"{low * 1e3:.0f}-{high * 1e3:.0f}",
            here=f"its first line after {time_text(median(line for _, line in starts))}",
            target=f"<= {MOST_READY:g} s" if target else "",
            kept=median(answered) <= MOST_READY if target else None,
        )


def _memory(flags: Flags) -> Iterator[Row]:  # noqa: ARG001 (the target's numbers are never made smaller)
    with serving(*DEV, "--quiet") as server, load_generator() as generator:
        time.sleep(0.3)
        yield _megabytes("idle", server)
        headers = {**CACHED, "cf-aig-cache-key": NUMBER}
        job = Job(server.port, _request(ROUTE, headers), AT_ONCE, answers=KEYS)
        outcome = generator.run(job)
        yield _megabytes(f"after {KEYS} keys", server, f"{outcome.per_second:.0f} misses /s")
    with serving(*DEV, "--quiet") as server:
        request = _request(ROUTE, {"x-aig-fault": "stall;after=1;seconds=60"}, stream=True)
        with held_open(server.port, request.encode(), STREAMS) as begun:
            assert begun == STREAMS, f"only {begun} of {STREAMS} streams have begun"
            yield _megabytes(f"under {STREAMS} streams at once", server)
        deadline = time.perf_counter() + 5
        while server.connections() > STREAMS // 20 and time.perf_counter() < deadline:
            time.sleep(0.05)
        yield _megabytes("after they were all broken off", server)


def _megabytes(name: str, server: Server, *more: str) -> Row:
    group, now, most = "Emulator: resident memory", server.megabytes(), server.megabytes("VmHWM")
    if now is None:
        return Row(group, name, "unknown: there is no /proc here")
    here = ", ".join([f"at most {most:.1f} MB so far", *more])
    return Row(group, name, f"{now:.1f} MB", "", "", here, f"< {MOST_MEGABYTES:g} MB", now < MOST_MEGABYTES)


# --- The command -----------------------------------------------------------------------------------------------------


def _help(flags: Flags) -> Iterator[Row]:
    script = shutil.which("aig", path=str(Path(sys.executable).parent))
    aig = [script] if script else [sys.executable, "-m", "aig_client.apps.cli"]
    commands = {
        "a bare interpreter": [sys.executable, "-c", ""],
        "import click": [sys.executable, "-c", "import click"],
        "aig --help": [*aig, "--help"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    chance, order = random.Random(SEED), list(commands)
    for number in range(5 if flags.quick else 15):
        chance.shuffle(order)
        for name in order:
            start = time.perf_counter()
            subprocess.run(commands[name], env=environment(), stdout=subprocess.DEVNULL, check=True)
            if number:  # the first one may have to write byte code
                taken[name].append(time.perf_counter() - start)
    for name, values in taken.items():
        low, high = middle_half(values)
        target = name == "aig --help"
        yield Row(
            "Emulator: the command line, whole processes",
            name,
            time_text(median(values)),
            spread=f"{low * 1e3:.0f}-{high * 1e3:.0f}",
            target=f"<= {MOST_HELP * 1e3:g} ms" if target else "",
            kept=median(values) <= MOST_HELP if target else None,
            close=target and low <= MOST_HELP <= high,
        )


def measure(flags: Flags) -> list[Row]:
    """Every part; the in-process one last, for it keeps this process on one CPU."""
    load = os.getloadavg()[0]
    parts: tuple[Callable[[Flags], Iterator[Row] | list[Row]], ...] = (_loads, _starts, _memory, _help)
    rows: list[Row] = []
    for part in parts:
        start = time.perf_counter()
        rows += part(flags)
        print(f"  {part.__name__}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
    pin(0)
    rows += in_process(flags)
    busy = f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    return [*rows, Row("Emulator: how busy the machine was", "processes that want a CPU", busy)]


if __name__ == "__main__":
    main_of_section(measure)
