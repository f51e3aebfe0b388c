"""The Worker on real workerd: what it adds to a request, what a decision costs in Pyodide, lag, size, import, memory.

Everything is asked over one kept-alive connection of 127.0.0.1, one request at a time, from one process. The emulator
is not behind it: the upstream is the benchmarks' own, which answers at once. workerd here is the harness of the tests
(Pyodide from npm, no snapshot); its latencies were those of the real runtime within a tenth where both were measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from shutil import copy
from statistics import median
from time import perf_counter
from urllib.parse import quote, urlsplit

from _bodies import fresh_chat, text, wire
from _rounds import Race, middle_half, race
from _rows import Flags, Row, main_of_section, ratio_row, ratio_text, time_text
from _upstream import ACCOUNT, upstream

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # what installs and starts the harness is the tests' own: one way to do it

from tests.worker.edges import ACME, GATEWAY_TOKEN, POLICY_KEY, document, pointer  # noqa: E402
from tests.worker.workerd import (  # noqa: E402
    HARNESS,
    NoNpmError,
    Running,
    Tools,
    environment,
    install,
    serve,
    tools,
    vendor,
)

PATH = "/c/cached/openai/chat/completions"
JSON = {"content-type": "application/json", "accept-encoding": "identity"}
TOKEN = {"authorization": f"Bearer {ACME}"}
DIRECT = "the upstream, asked directly: POST of 4 KB"
GET = "workerd and Python alone: GET"
POST = "workerd and Python alone: POST of 4 KB, its body read"
PROXY = "a Worker that only passes on: POST of 4 KB, one fetch"
WORKER = "our Worker: POST of 4 KB; token, policy, key, headers, one fetch, metered"
DOOR = "our Worker behind its rate limit, which the harness counts in a Durable Object's SQLite"
NO_DOOR = "?door=off"
MOST_RATIO = 2.0
MOST_DECISION = {"4 KB": 1.5e-3, "100 KB": 6e-3}
MOST_LAG = 2e-3
MOST_UPLOAD = 100.0
MOST_IMPORT = 0.150
MOST_HEAP = 128.0
ADDED = "Worker: one request at a time"
COSTS = "Worker: what it costs"


# --- The Worker under measurement ------------------------------------------------------------------------------------


@contextmanager
def _worker(found: Tools, origin: str) -> Iterator[Running]:
    """The project's Worker and its bindings, with the measuring routes, and a front door that lets a load in."""
    with tempfile.TemporaryDirectory(prefix="aig-bench-") as folder:
        for module in (*(ROOT / "worker").glob("*.py"), Path(__file__).parent / "_worker_entry.py"):
            copy(module, folder)
        text = (ROOT / "wrangler.toml").read_text("utf-8").replace('"worker/entry.py"', '"_worker_entry.py"')
        config = Path(folder) / "wrangler.toml"
        config.write_text(text.replace("limit = 1000,", "limit = 1000000,"), "utf-8")
        variables = {
            "ACCOUNT_ID": ACCOUNT,
            "GATEWAY_ID": "bench",
            "GATEWAY_ORIGIN": origin,
            "GATEWAY_TOKEN": GATEWAY_TOKEN,
            "KEY_SECRET": "0123456789abcdef0123456789abcdef",
            "POLICY_KEY": POLICY_KEY,
        }
        with serve(found, config, Path(folder) / "log", vars=variables) as running:
            edge = document()
            running.put("POLICY", "edge/1", edge)
            running.put("POLICY", "current", pointer(1, edge))
            yield running


class _Asker:
    """One kept-alive connection."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = HTTPConnection(place.hostname or "", place.port, timeout=60)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        self._connection.request(method, path, body, {**JSON, **TOKEN, **headers})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {content[-500:]!r}")
        return content

    def taken(self, method: str, path: str, body: bytes | None = None) -> float:
        start = perf_counter()
        self.ask(method, path, body)
        return perf_counter() - start


# --- One request at a time -------------------------------------------------------------------------------------------


def _requests(worker: Running, base: str, *, quick: bool) -> Iterator[Row]:
    edge, direct = _Asker(worker.url), _Asker(base)
    fresh, route = fresh_chat(), urlsplit(base).path + "/openai/chat/completions"
    proxy = f"/_bench/proxy?to={quote(base)}/openai/chat/completions"
    contestants: dict[str, Callable[[], object]] = {
        GET: lambda: edge.ask("GET", "/_bench/get"),
        POST: lambda: edge.ask("POST", "/_bench/post", wire(fresh())),
        DIRECT: lambda: direct.ask("POST", route, wire(fresh())),
        PROXY: lambda: edge.ask("POST", proxy, wire(fresh())),
        # In production the rate limit is counted in memory; here it is a second request, to a Durable Object.
        WORKER: lambda: edge.ask("POST", PATH + NO_DOOR, wire(fresh())),
        DOOR: lambda: edge.ask("POST", PATH, wire(fresh())),
    }
    result = race(contestants, rounds=5 if quick else 15, turns=15 if quick else 30, warm=30)
    for name in (WORKER, DOOR):
        yield _added(result, name, POST, most=MOST_RATIO)
    for name, base_name in ((WORKER, POST), (WORKER, GET), (WORKER, PROXY), (DOOR, POST)):
        # The CPU that a race knows is its own, and the Worker's is in another process.
        yield replace(ratio_row(ADDED, result, name, base_name), here=time_text(result.seconds(name)))
    for name in contestants:
        yield Row(ADDED, f"p50, {name}", time_text(result.seconds(name)))
    for name, base_name in ((WORKER, DIRECT), (WORKER, PROXY), (PROXY, DIRECT)):
        added = [mine - its for mine, its in zip(result.wall[name], result.wall[base_name], strict=True)]
        low, high = middle_half(added)
        named = "our Worker" if name == WORKER else "a Worker that only passes on"
        yield Row(
            ADDED, f"added by {named}", time_text(median(added)), base_name, f"{time_text(low)}-{time_text(high)}"
        )


def _added(result: Race, name: str, base: str, *, most: float) -> Row:
    """What a contestant takes beyond the base, in times the base."""
    ratios = [mine / its - 1 for mine, its in zip(result.wall[name], result.wall[base], strict=True)]
    value, (low, high) = median(ratios), middle_half(ratios)
    return Row(
        ADDED,
        f"added by {name}",
        ratio_text(value),
        base,
        f"{low:.3f}-{high:.3f}",
        time_text(result.seconds(name) - result.seconds(base)),
        f"<= {most:g}x",
        value <= most,
        close=low <= most <= high,
    )


# --- Decisions, import, memory, upload -------------------------------------------------------------------------------


def _per(asker: _Asker, path: str, body: bytes | None, times: int, rounds: int) -> list[float]:
    """Seconds of one, round by round: a request that does it ``times`` over, less one that does not do it.

    The Worker's own clock stands still while it computes, so whoever asks measures. Nothing else runs: it is CPU.
    """
    method = "GET" if body is None else "POST"
    asker.ask(method, f"{path}?times=1", body)
    rows: list[float] = []
    for _ in range(rounds):
        none = asker.taken(method, f"{path}?times=0", body)
        rows.append((asker.taken(method, f"{path}?times={times}", body) - none) / times)
    return rows


def _costs(worker: Running, *, quick: bool) -> Iterator[Row]:
    asker = _Asker(worker.url)
    asker.ask("POST", PATH, wire(fresh_chat()()))  # takes the policy
    rounds = 5 if quick else 11
    for size, body in (("4 KB", fresh_chat()()), ("100 KB", text(100_000))):
        for message in body["messages"]:
            message["content"] = f"NUMBER {message['content']}"
        taken = _per(asker, "/_bench/decide", wire(body), 20, rounds)
        name = f"one decision in Pyodide: token, policy, selection, key, headers; {size}"
        yield _row(name, taken, MOST_DECISION[size])
    heap = json.loads(asker.ask("GET", "/_bench/memory"))["heap"] / 2**20
    requests = 500 if quick else 5_000
    _many(worker, requests)
    asker = _Asker(worker.url)  # workerd has closed the other one meanwhile: it was idle
    after = json.loads(asker.ask("GET", "/_bench/memory"))["heap"] / 2**20
    name = f"Wasm heap after {requests} requests, 4 at once"
    most = f"<= {MOST_HEAP:g} MB"
    yield Row(COSTS, name, f"{after:.0f} MB", here=f"before: {heap:.0f} MB", target=most, kept=after <= MOST_HEAP)
    # Last: it leaves the isolate with modules of several imports.
    for path, how, most in (("import", "", MOST_IMPORT), ("again", "; compiled before", None)):
        taken = _per(asker, f"/_bench/{path}", None, 1, 5)
        yield _row(f"importing the Worker's modules, above the SDK's{how}", taken, most)


def _row(name: str, taken: list[float], most: float | None) -> Row:
    value, (low, high) = median(taken), middle_half(taken)
    spread = f"{time_text(low)}-{time_text(high)}"
    if most is None:
        return Row(COSTS, name, time_text(value), "", spread)
    target = f"<= {time_text(most)}"
    return Row(COSTS, name, time_text(value), "", spread, "", target, value <= most, close=low <= most <= high)


def _many(worker: Running, requests: int) -> None:
    numbers, fresh = count(), fresh_chat()

    def asker(_: int) -> None:
        one = _Asker(worker.url)
        while next(numbers) < requests:
            one.ask("POST", PATH, wire(fresh()))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(asker, range(4)))


def _upload(found: Tools) -> Row:
    wrangler = str(HARNESS / "node_modules" / "wrangler" / "bin" / "wrangler.js")
    with tempfile.TemporaryDirectory() as folder:
        command = [found.node, wrangler, "deploy", "--dry-run", "--outdir", folder]
        ran = subprocess.run(
            command, cwd=ROOT, env=environment(found), text=True, capture_output=True, timeout=120, check=True
        )
    size = re.search(r"Total Upload: ([\d.]+) KiB / gzip: ([\d.]+) KiB", ran.stdout)
    assert size is not None, ran.stdout
    packed = float(size[2])
    most = f"<= {MOST_UPLOAD:g} KiB"
    name = "upload, compressed: core, Worker and SDK"
    return Row(COSTS, name, f"{packed:.0f} KiB", here=f"plain: {size[1]} KiB", target=most, kept=packed <= MOST_UPLOAD)


# --- A stream's events -----------------------------------------------------------------------------------------------

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
_STREAMED = wire({**fresh_chat()(), "stream": True})
EVENTS = 200


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Events that carry the moment at which they were written."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = re.search(rb"content-length: *(\d+)", head.lower())
    await reader.readexactly(int(size[1]) if size else 0)
    writer.write(_HEAD)
    for _ in range(EVENTS):
        await asyncio.sleep(0.004)
        event = b'data: {"choices":[],"at":%.7f}\n\n' % perf_counter()
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


async def _lags(url: str, path: str) -> list[float]:
    """Seconds from writing to reading, event by event."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = [f"POST {path} HTTP/1.1", "host: bench", "content-type: application/json", "connection: close"]
    lines += [f"authorization: Bearer {ACME}", f"content-length: {len(_STREAMED)}", "", ""]
    writer.write("\r\n".join(lines).encode() + _STREAMED)
    lags: list[float] = []
    async for piece in _pieces(reader):
        now = perf_counter()
        lags += [now - float(at) for at in re.findall(rb'"at":([\d.]+)', piece)]
    writer.close()
    if len(lags) != EVENTS:
        raise RuntimeError(f"{path}: {len(lags)} of {EVENTS} events came")
    return lags


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(65536):
        yield piece


async def _streams(found: Tools, *, quick: bool) -> list[Row]:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        with _worker(found, base) as running:
            ways = {
                "asked directly": (base, "/"),
                "a Worker that only passes on": (running.url, f"/_bench/stream?to={quote(base)}"),
                "our Worker, metered": (running.url, PATH),
            }
            taken: dict[str, list[float]] = {name: [] for name in ways}
            for way in ways.values():
                await _lags(*way)
            for _ in range(2 if quick else 5):
                for name, way in ways.items():
                    taken[name].append(median(await _lags(*way)))
    rows: list[Row] = []
    for name, medians in taken.items():
        value, (low, high) = median(medians), middle_half(medians)
        ours = name.startswith("our")
        rows.append(
            Row(
                "Worker: lag of a stream's event, p50",
                name,
                time_text(value),
                spread=f"{time_text(low)}-{time_text(high)}",
                here=f"{EVENTS} events, 4 ms apart",
                target=f"<= {time_text(MOST_LAG)}" if ours else "",
                kept=value <= MOST_LAG if ours else None,
                close=ours and low <= MOST_LAG <= high,
            )
        )
    return rows


def _measure(flags: Flags) -> list[Row]:
    try:
        found = tools()
    except (NoNpmError, RuntimeError) as error:
        return [Row(COSTS, "the Worker", "not measured", here=str(error))]
    install(found)
    vendor()
    rows: list[Row] = []
    with upstream() as base:
        origin = base.partition("/v1/")[0]
        with _worker(found, origin) as running:
            rows += _requests(running, base, quick=flags.quick)
            rows += _costs(running, quick=flags.quick)
    rows.append(_upload(found))
    rows += asyncio.run(_streams(found, quick=flags.quick))
    return rows


if __name__ == "__main__":
    main_of_section(_measure)
