"""What an SDK's call may say about caching, tenants and the gateway: in headers, and in a block."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import anyio
import anyio.lowlevel
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from aig_client import (
    SHARED,
    AsyncGatewayClient,
    CacheIntent,
    GatewayClient,
    GatewayMetadata,
    metadata_of,
    options,
)
from aig_client.apps.emulator import RunningEmulator

from ..http.asks import last, last_headers, settings
from .plugs import Plug, every_plug

pytestmark = pytest.mark.anyio

CACHED = CacheIntent.response(300)
CLASSES = ("balanced", "code_draft", "cost_effective", "high_performance", "planning", "summary")
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


@every_plug
async def test_without_a_word_nothing_is_cached(plug: Plug, emulator: RunningEmulator) -> None:
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        for call in (plug.ask, plug.stream):
            await call(client, "nobody asked for a cache")
            assert last_headers(emulator) == {"cf-aig-skip-cache": "true"}


@every_plug
async def test_hints_in_headers(plug: Plug, emulator: RunningEmulator) -> None:
    text = str(uuid4())
    hints = {"x-aig-cache": "response; ttl=120", "x-aig-tenant": "acme", "x-aig-route-class": "summary"}
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        answers = [await plug.ask(client, text, headers=hints) for _ in range(2)]
        sent = last_headers(emulator)
        other = await plug.ask(client, text, headers={**hints, "x-aig-tenant": "globex"})
    assert [metadata_of(answer).hit for answer in answers] == [False, True]
    assert not metadata_of(other).hit
    assert sent["cf-aig-cache-ttl"] == "120"
    assert json.loads(sent["cf-aig-metadata"]) == {"route_class": "summary"}
    assert not [name for name in last(emulator).header_names if name.startswith("x-aig")]


@every_plug
async def test_cloudflares_own_headers(plug: Plug, emulator: RunningEmulator) -> None:
    text, key = str(uuid4()), f"key-{uuid4()}"
    own = {"cf-aig-cache-key": key, "cf-aig-cache-ttl": "90", "cf-aig-metadata": '{"team":"search"}'}
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        answers = [await plug.ask(client, text, headers=own) for _ in range(2)]
        assert last_headers(emulator) == own
        await plug.ask(client, text, headers={"cf-cache-ttl": "90", "cf-aig-collect-log": "false"})
        assert last_headers(emulator) == {"cf-aig-cache-ttl": "90", "cf-aig-collect-log": "false"}
    assert [metadata_of(answer).hit for answer in answers] == [False, True]


@every_plug
async def test_options_of_a_block(plug: Plug, emulator: RunningEmulator) -> None:
    text = str(uuid4())
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        with options(cache=CACHED, tenant=SHARED, gateway=GatewayMetadata(max_attempts=2)) as scope:
            answers = [await plug.ask(client, text) for _ in range(2)]
            assert last_headers(emulator)["cf-aig-max-attempts"] == "2"
            past = await plug.ask(client, text, headers={"x-aig-cache": "off"})
        outside = await plug.ask(client, text)
    assert [metadata_of(one).hit for one in (*answers, past, outside)] == [False, True, False, False]
    first, second, third = scope.receipts
    assert first.plan.key == second.plan.key is not None
    assert third.plan.key is None


@every_plug
async def test_a_forced_stream_is_served_from_the_cache(plug: Plug, emulator: RunningEmulator) -> None:
    text = str(uuid4())
    async with plug.gateway(**settings(emulator), tenant="acme") as gateway:
        client = plug.client(gateway)
        with options(cache=CacheIntent.response(300, force=True)) as scope:
            for _ in range(2):
                await plug.stream(client, text)
        with options(cache=CACHED) as unforced:
            await plug.stream(client, text)
    assert [receipt.metadata.hit for receipt in scope.receipts] == [False, True]
    assert {receipt.ended for receipt in scope.receipts} == {"complete"}
    assert unforced.last is not None
    assert "stream" in unforced.last.plan.reasons[0]


async def test_an_sdk_and_the_direct_client_share_a_cache(emulator: RunningEmulator) -> None:
    text = str(uuid4())
    with GatewayClient(**settings(emulator), cache=CACHED, tenant="acme") as gateway:
        sdk = openai.OpenAI(**gateway.openai())
        raw = sdk.chat.completions.with_raw_response.create(model="gpt-5", messages=[{"role": "user", "content": text}])
        direct = gateway.chat({"messages": [{"content": text, "role": "user"}], "model": "gpt-5"})
    assert not metadata_of(raw).hit
    assert direct.metadata.hit


async def test_tasks_of_one_async_client_keep_their_options_apart(emulator: RunningEmulator) -> None:
    seen: dict[str, list[str | None]] = {}

    async with AsyncGatewayClient(**settings(emulator)) as gateway:
        client = openai.AsyncOpenAI(**gateway.openai())

        async def work(name: str) -> None:
            with options(route_class=name) as scope:
                await client.chat.completions.create(model="gpt-5", messages=HELLO)
                stream = await client.chat.completions.create(model="gpt-5", messages=HELLO, stream=True)
                async for _ in stream:
                    await anyio.lowlevel.checkpoint()
            seen[name] = [receipt.plan.route_class for receipt in scope.receipts]

        async with anyio.create_task_group() as tasks:
            for name in CLASSES:
                tasks.start_soon(work, name)
    assert seen == {name: [name] * 2 for name in CLASSES}


async def test_threads_of_one_sync_client_keep_their_options_apart(emulator: RunningEmulator) -> None:
    together = threading.Barrier(6)

    with GatewayClient(**settings(emulator)) as gateway:
        client = openai.OpenAI(**gateway.openai())

        def work(name: str) -> list[str | None]:
            with options(route_class=name) as scope:
                together.wait(5)
                for _ in range(2):
                    client.chat.completions.create(model="gpt-5", messages=HELLO)
            return [receipt.plan.route_class for receipt in scope.receipts]

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(work, CLASSES)) == [[name] * 2 for name in CLASSES]
