"""Options of a block: they hold for its calls and for nobody else's, under tasks and threads."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from aig_client import (
    CacheIntent,
    ConfigurationError,
    GatewayClient,
    GatewayMetadata,
    Options,
    Receipt,
    Unreachable,
    options,
)
from aig_client.apps.emulator import RunningEmulator

from .asks import chat, last_headers, settings
from .drivers import Driver, every_driver
from .servers import answering, serving

pytestmark = pytest.mark.anyio

CACHED = CacheIntent.response(60)


@every_driver
async def test_a_block_sets_options_and_collects_receipts(driver: Driver, emulator: RunningEmulator) -> None:
    body = chat()
    async with driver.gateway(**settings(emulator)) as gateway:
        with options(cache=CACHED, tenant="acme", route_class="summary") as scope:
            assert not scope.receipts
            first = await gateway.chat(body)
            again = await gateway.chat(body)
        outside = await gateway.chat(body)
    assert list(scope.receipts) == [first.receipt, again.receipt]
    assert scope.last is again.receipt
    assert [one.plan.route_class for one in scope.receipts] == ["summary", "summary"]
    assert again.metadata.hit
    assert outside.receipt.plan.key is None
    assert outside.receipt.plan.route_class is None


@every_driver
async def test_inner_blocks_lay_their_options_over_outer_ones(driver: Driver, emulator: RunningEmulator) -> None:
    team = GatewayMetadata(metadata={"team": "search"}, collect_log=False)
    async with driver.gateway(**settings(emulator), tenant="client") as gateway:
        with options(tenant="outer", cache=CACHED, gateway=team) as outer:
            with options(tenant="inner", gateway=GatewayMetadata(metadata={"env": "test"})) as inner:
                nested = await gateway.chat(chat("same for all"))
                sent = last_headers(emulator)
            wide = await gateway.chat(chat("same for all"))
            explicit = await gateway.chat(chat("same for all"), tenant="inner")
    assert json.loads(sent["cf-aig-metadata"]) == {"team": "search", "env": "test"}
    assert sent["cf-aig-collect-log"] == "false"
    assert list(inner.receipts) == [nested.receipt]
    assert list(outer.receipts) == [nested.receipt, wide.receipt, explicit.receipt]
    assert nested.receipt.plan.key == explicit.receipt.plan.key != wide.receipt.plan.key


@every_driver
async def test_a_clients_own_block_is_the_same_block(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        with gateway.options(route_class="summary") as scope:
            answer = await gateway.chat(chat())
        with pytest.raises(ConfigurationError), gateway.options(tenant=""):
            pytest.fail("it opened")
    assert scope.last is answer.receipt
    assert answer.receipt.plan.route_class == "summary"


@every_driver
async def test_a_block_that_fails_gives_its_options_back(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        with pytest.raises(LookupError), options(route_class="lost"):
            raise LookupError
        with pytest.raises(ConfigurationError), options(deadline=-1):
            pytest.fail("it opened")
        answer = await gateway.chat(chat())
    assert answer.receipt.plan.route_class is None


@every_driver
async def test_a_stream_that_outlives_its_block_still_reports_to_it(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        with options(route_class="planning") as scope:
            stream = gateway.stream("chat", chat())
            await stream.__aenter__()
        assert not scope.receipts
        async for _ in stream:
            pass
        await stream.__aexit__(None, None, None)
    assert [receipt.plan.route_class for receipt in scope.receipts] == ["planning"]
    assert scope.last is stream.receipt


@every_driver
async def test_what_nobody_answered_is_collected_too(driver: Driver) -> None:
    heard: list[Receipt] = []
    base_url = "http://127.0.0.1:9/v1/" + "0" * 32 + "/gone"
    async with driver.gateway(base_url=base_url, on_receipt=heard.append) as gateway:
        with options() as scope, pytest.raises(Unreachable):
            await gateway.chat(chat())
    assert heard == list(scope.receipts)
    assert heard[0].ended == "unreachable"


CLASSES = (
    *("balanced", "code_draft", "cost_effective", "high_performance"),
    *("long_context", "planning", "summary", "vision"),
)


@every_driver
async def test_tasks_do_not_see_each_others_options(driver: Driver, emulator: RunningEmulator) -> None:
    seen: dict[str, list[str | None]] = {}

    async with driver.gateway(**settings(emulator)) as gateway:

        async def work(name: str) -> None:
            with options(route_class=name) as scope:
                for _ in range(3):
                    await gateway.chat(chat())
                    await anyio.lowlevel.checkpoint()
            seen[name] = [receipt.plan.route_class for receipt in scope.receipts]

        with options(route_class="research") as parent:
            async with anyio.create_task_group() as tasks:
                for name in CLASSES:
                    tasks.start_soon(work, name)
            answer = await gateway.chat(chat())
    assert seen == {name: [name] * 3 for name in CLASSES}
    assert answer.receipt.plan.route_class == "research"
    assert len(parent.receipts) == len(CLASSES) * 3 + 1  # a task begins in its parent's block


def test_threads_do_not_see_each_others_options(emulator: RunningEmulator) -> None:
    seen: dict[str, list[str | None]] = {}
    bare: list[str | None] = []
    together = threading.Barrier(8)

    with GatewayClient(**settings(emulator)) as gateway:

        def work(name: str) -> None:
            bare.append(gateway.chat(chat()).receipt.plan.route_class)
            with options(route_class=name) as scope:
                for _ in range(3):
                    together.wait(5)
                    gateway.chat(chat())
            seen[name] = [receipt.plan.route_class for receipt in scope.receipts]

        with options(route_class="research"), ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(work, name) for name in CLASSES]:
                future.result()
            copied = pool.submit(copy_context().run, partial(gateway.chat, chat())).result()
    assert seen == {name: [name] * 3 for name in CLASSES}
    assert bare == [None] * 8  # a new thread begins with nothing
    assert copied.receipt.plan.route_class == "research"  # unless it is handed its parent's context


@every_driver
async def test_a_listener_hears_every_receipt_and_its_faults_stay_its_own(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Receipt] = []

    def listen(receipt: Receipt) -> None:
        heard.append(receipt)
        raise LookupError("the listener's own")

    with serving(answering(lambda _, peer: peer.answer())) as server:
        async with driver.gateway(base_url=server.base_url, on_receipt=listen) as gateway:
            answer = await gateway.chat(chat())
            outside = await gateway.request("GET", server.url("/elsewhere"))
    assert [receipt.plan.surface is None for receipt in heard] == [False, True]
    assert heard == [answer.receipt, outside.receipt]
    assert "on_receipt failed" in caplog.text


@every_driver
async def test_a_block_beats_what_a_transport_was_given(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        given = Options(tenant="acme", route_class="planning")
        client = driver.http_client(transport=driver.transport(gateway.rules, options=given))
        url = f"{gateway.base_url}/openai/chat/completions"
        with options() as plain:
            await driver.send(client, "POST", url, json=chat())
        with options(route_class="summary", cache=CACHED) as scope:
            await driver.send(client, "POST", url, json=chat())
        await driver.close(client)
    assert plain.last is not None
    assert plain.last.plan.route_class == "planning"
    assert scope.last is not None
    assert scope.last.plan.route_class == "summary"
    assert scope.last.plan.key is not None  # the tenant is still the transport's
