"""The Worker under load: a policy that changes in KV while requests run, an epoch that moves, and the first moments."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread

from .edges import ACME, GATEWAY_TOKEN, GLOBEX, document, publish, variables
from .workerd import WRANGLER, Running, Tools, serve

AT_ONCE = 16
SECONDS = 3.0
FRESH = 0.2
"""How long this Worker uses a policy before it asks KV again: half a minute would be too long for a test."""
CACHED = "/c/cached/openai/chat/completions"


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    with serve_in_thread(
        EmulatorConfig(auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=frozenset({"openai"}))
    ) as running:
        yield running


@contextmanager
def served(harness: Tools, emulator: RunningEmulator, folder: Path) -> Iterator[Running]:
    """The project's Worker with a front door wide enough for a load, and a policy that is soon asked for again."""
    config = folder / "wrangler.toml"
    text = WRANGLER.read_text("utf-8")
    text = text.replace('"worker/entry.py"', f'"{WRANGLER.parent / "worker" / "entry.py"}"')
    config.write_text(text.replace("limit = 1000,", "limit = 1000000,"), "utf-8")
    log = folder / "log"
    with serve(harness, config, log, vars=variables(emulator, POLICY_FRESH_SECONDS=FRESH)) as running:
        yield running
    assert [line for line in log.read_text("utf-8").splitlines() if not line.startswith("log: ")] == []


@pytest.fixture(scope="module")
def edge(harness: Tools, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(harness, emulator, tmp_path_factory.mktemp("load")) as running:
        publish(running, 1, document())
        # The first moments have a test of their own.
        assert httpx.get(f"{running.url}/healthz", trust_env=False, timeout=20).status_code == 200
        yield running


VERSIONS = itertools.count(2)


def body(question: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}]}


async def ask(client: httpx.AsyncClient, question: str, token: str = ACME) -> httpx.Response:
    return await client.post(CACHED, json=body(question), headers={"authorization": f"Bearer {token}"})


def http(edge: Running) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    return httpx.AsyncClient(base_url=edge.url, trust_env=False, timeout=20, limits=limits)


async def until(client: httpx.AsyncClient, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask how the Worker is until it is so: it looks in the background, with the next request."""
    async with asyncio.timeout(10):
        while True:
            health: dict[str, Any] = (await client.get("/healthz")).json()
            if holds(health):
                return health
            await asyncio.sleep(0.05)


async def load(client: httpx.AsyncClient, seconds: float) -> Counter[tuple[int, str | None]]:
    """So many askers for so long, half of them with questions that repeat: statuses by how the cache answered."""
    seen: Counter[tuple[int, str | None]] = Counter()
    end = time.monotonic() + seconds

    async def asker(number: int) -> None:
        for turn in itertools.count():
            if time.monotonic() >= end:
                return
            question = f"{number % 4}" if turn % 2 else f"{number} {turn} {end}"
            answer = await ask(client, question, ACME if number % 2 else GLOBEX)
            seen[answer.status_code, answer.headers.get("cf-aig-cache-status")] += 1

    await asyncio.gather(*(asker(number) for number in range(AT_ONCE)))
    return seen


async def test_no_request_fails_while_the_policy_changes_again_and_again(edge: Running) -> None:
    published: list[int] = []

    async def publisher(stop: asyncio.Event) -> None:
        while not stop.is_set():
            version = next(VERSIONS)
            await asyncio.to_thread(publish, edge, version, document(epoch=f"{version}"))
            published.append(version)
            await asyncio.sleep(FRESH)

    async with http(edge) as client:
        stop = asyncio.Event()
        publishing = asyncio.create_task(publisher(stop))
        seen = await load(client, SECONDS)
        stop.set()
        await publishing
        health = await until(client, lambda one: one["policy"]["version"] == published[-1])
    assert {status for status, _ in seen} == {200}, seen
    assert len(published) >= 5
    assert seen[200, "HIT"]
    assert seen[200, "MISS"]
    assert sum(seen.values()) > 100
    assert health["ok"]


async def test_an_epoch_puts_what_was_cached_out_of_reach(edge: Running) -> None:
    async with http(edge) as client:
        for epoch in ("one", "two"):
            version = next(VERSIONS)
            publish(edge, version, document(epoch=epoch))
            await until(client, lambda one, wanted=version: one["policy"]["version"] == wanted)  # type: ignore[misc]
            statuses = [(await ask(client, "The same question")).headers["cf-aig-cache-status"] for _ in range(3)]
            assert statuses == ["MISS", "HIT", "HIT"]
        version = next(VERSIONS)
        publish(edge, version, document(epoch="one"))
        await until(client, lambda one: one["policy"]["version"] == version)
        assert (await ask(client, "The same question")).headers["cf-aig-cache-status"] == "HIT"


async def test_what_nobody_has_signed_changes_nothing_under_load(edge: Running) -> None:
    """The last good policy stays, what it has cached stays, and the Worker says that something is wrong."""
    async with http(edge) as client:
        good = next(VERSIONS)
        publish(edge, good, document(epoch="good"))
        await until(client, lambda one: one["policy"]["version"] == good)
        await ask(client, "Before")
        bad = next(VERSIONS)
        running = asyncio.create_task(load(client, 1.0))
        publish(edge, bad, document(epoch="forged"), key="somebody-else")
        seen = await running
        health = await until(client, lambda one: one["problem"] is not None)
        assert {status for status, _ in seen} == {200}
        assert (health["ok"], health["policy"]["version"]) == (False, good)
        assert "/signature" in health["problem"]
        assert (await ask(client, "Before")).headers["cf-aig-cache-status"] == "HIT"
        version = next(VERSIONS)
        publish(edge, version, document(epoch="good"))
        assert (await until(client, lambda one: one["policy"]["version"] == version))["ok"]


async def test_the_first_requests_of_an_isolate_wait_for_the_policy(
    harness: Tools, emulator: RunningEmulator, tmp_path: Path
) -> None:
    """They arrive together; the second must not be judged by the floor while the first one still asks KV."""
    with served(harness, emulator, tmp_path) as fresh:
        publish(fresh, 1, document())
        async with http(fresh) as client:
            answers = await asyncio.gather(*(ask(client, f"{number}") for number in range(AT_ONCE)))
    assert Counter(answer.status_code for answer in answers) == {200: AT_ONCE}
