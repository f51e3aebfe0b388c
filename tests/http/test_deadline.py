"""The total deadline: async the clock interrupts, sync each read is bounded by what is left."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from aig_client import CacheIntent, ConfigurationError, Unreachable, options

from .asks import chat
from .drivers import Driver, every_driver
from .servers import SSE_HEAD, Peer, Recorded, answering, serving

pytestmark = [pytest.mark.anyio, every_driver]

DEADLINE = 0.25
SLACK = 0.35
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def stalls(peer: Peer) -> None:
    if peer.read() is not None:
        peer.wait_until_left()


def stalls_in_the_body(peer: Peer) -> None:
    if peer.read() is not None:
        peer.send(HEAD)
        peer.send_chunk(b'{"a":')
        peer.wait_until_left()


def trickles(peer: Peer) -> None:
    if peer.read() is not None:
        peer.send(SSE_HEAD)
        while peer.send_chunk(b"data: x\n\n"):
            time.sleep(0.02)


@asynccontextmanager
async def takes(low: float, high: float) -> AsyncIterator[None]:
    start = time.perf_counter()
    yield
    assert low - 0.01 <= time.perf_counter() - start <= high


async def test_a_peer_that_never_answers(driver: Driver) -> None:
    with serving(stalls) as server:
        async with driver.gateway(base_url=server.base_url) as gateway, takes(DEADLINE, DEADLINE + SLACK):
            with pytest.raises(Unreachable, match="deadline") as caught:
                await gateway.chat(chat(), deadline=DEADLINE)
    assert caught.value.kind == "deadline"
    receipt = caught.value.receipt
    assert receipt is not None
    assert receipt.no_answer is not None
    assert (receipt.ended, receipt.no_answer.kind) == ("unreachable", "deadline")
    assert receipt.latency is not None
    assert DEADLINE - 0.01 <= receipt.latency <= DEADLINE + SLACK


async def test_a_peer_that_stops_in_the_body(driver: Driver) -> None:
    """Exact in async. In sync a read that began in time may last as long as was left when the body began."""
    bound = DEADLINE * (1 if driver.colour == "async" else 2) + SLACK
    with serving(stalls_in_the_body) as server:
        async with driver.gateway(base_url=server.base_url) as gateway, takes(DEADLINE, bound):
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat(), deadline=DEADLINE)
    assert caught.value.kind == "deadline"
    assert caught.value.receipt is not None
    assert (caught.value.receipt.ended, caught.value.receipt.status) == ("errored", 200)


async def test_a_peer_that_trickles_does_not_outlast_the_deadline(driver: Driver) -> None:
    with serving(trickles) as server:
        async with (
            driver.gateway(base_url=server.base_url) as gateway,
            takes(DEADLINE, DEADLINE + SLACK),
            gateway.stream("chat", chat(), deadline=DEADLINE) as stream,
        ):
            with pytest.raises(Unreachable) as caught:
                assert {event.data async for event in stream} == {b"x"}
    assert caught.value.kind == "deadline"
    assert stream.receipt is not None
    assert stream.receipt.ended == "errored"
    assert stream.receipt.meter is not None
    assert stream.receipt.meter.size > 9


async def test_the_deadline_is_for_both_attempts_together(driver: Driver) -> None:
    def handle(peer: Peer) -> None:
        request = peer.read()
        if request is not None and "cf-aig-cache-key" in request.headers:
            time.sleep(DEADLINE / 2)
            peer.answer(500, [("cf-aig-cache-status", "HIT"), ("Connection", "close")])
        elif request is not None:
            peer.wait_until_left()

    with serving(handle) as server:
        cached = CacheIntent.response(60)
        async with (
            driver.gateway(base_url=server.base_url, tenant="t", cache=cached) as gateway,
            takes(DEADLINE, DEADLINE + SLACK),
        ):
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat(), deadline=DEADLINE)
    assert caught.value.kind == "deadline"
    assert len(server.requests) == 2


async def test_the_deadline_of_a_client_and_of_a_block_bound_each_call_anew(driver: Driver) -> None:
    def respond(_: Recorded, peer: Peer) -> None:
        time.sleep(0.05)
        peer.answer()

    with serving(answering(respond)) as server:
        async with driver.gateway(base_url=server.base_url, deadline=0.2) as gateway:
            for _ in range(5):
                await gateway.chat(chat())
            with options(deadline=0.02), pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
            assert caught.value.kind == "deadline"
            with options(deadline=0.02):
                await gateway.chat(chat(), deadline=5)


async def test_an_answer_in_time_knows_nothing_of_its_deadline(driver: Driver) -> None:
    with serving(answering(lambda _, peer: peer.answer())) as server:
        async with driver.gateway(base_url=server.base_url, deadline=30) as gateway:
            answers = [await gateway.chat(chat()) for _ in range(3)]
        assert {one.receipt.ended for one in answers} == {"complete"}
        assert server.connection_count == 1


async def test_a_read_timeout_of_ones_own_client_stays_in_force_beside_a_deadline(driver: Driver) -> None:
    with serving(stalls) as server:
        client = driver.http_client(timeout=0.1)
        async with driver.gateway(base_url=server.base_url, client=client) as gateway:
            for deadline in (None, 20.0):
                async with takes(0.1, 0.1 + SLACK):
                    with pytest.raises(Unreachable) as caught:
                        await gateway.chat(chat(), deadline=deadline)
                assert caught.value.kind == "timeout"
        await driver.close(client)


async def test_a_transport_keeps_the_deadline_and_says_so_in_httpxs_own_words(driver: Driver) -> None:
    with serving(stalls) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            client = driver.http_client(transport=driver.transport(gateway.rules))
            async with takes(DEADLINE, DEADLINE + SLACK):
                with options(deadline=DEADLINE) as scope, pytest.raises(driver.module.ReadTimeout):
                    await driver.send(client, "POST", f"{server.base_url}/openai/chat/completions", json=chat())
            await driver.close(client)
    assert scope.last is not None
    assert scope.last.no_answer is not None
    assert scope.last.no_answer.kind == "deadline"


@pytest.mark.parametrize("deadline", [0, -1, float("inf"), float("nan")])
async def test_a_deadline_that_is_none_is_a_configuration_error(driver: Driver, deadline: float) -> None:
    with pytest.raises(ConfigurationError, match="deadline"):
        async with driver.gateway(base_url="http://127.0.0.1:9/v1/" + "0" * 32 + "/x", deadline=deadline):
            pass
