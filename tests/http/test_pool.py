"""The pool: many calls at once, few connections, and none that is not whole is used again."""

from __future__ import annotations

import ssl
import threading
from typing import Any

import anyio
import pytest

from aig_client import Refused, Unreachable

from .asks import chat, settings
from .drivers import Driver, every_driver
from .servers import SSE_HEAD, Peer, Recorded, answering, serving

pytestmark = [pytest.mark.anyio, every_driver]


async def together(count: int, call: Any) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(call)


async def test_64_calls_at_once_work_and_leave_reusable_connections(driver: Driver) -> None:
    crowd = threading.Barrier(64)
    crowded = threading.Event()

    def respond(_: Recorded, peer: Peer) -> None:
        if not crowded.is_set():
            crowd.wait(10)  # nobody is answered before all 64 have asked
            crowded.set()
        peer.answer()

    with serving(answering(respond)) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            statuses: list[int] = []

            async def call() -> None:
                statuses.append((await gateway.chat(chat())).status)

            await together(64, call)
            assert server.connection_count == 64
            await together(64, call)
            assert server.connection_count == 64
    assert statuses == [200] * 128
    assert len(server.requests) == 128


async def test_a_quiet_client_keeps_one_connection(driver: Driver) -> None:
    def respond(request: Recorded, peer: Peer) -> None:
        if b'"stream"' in request.body:
            peer.send(SSE_HEAD.replace(b"Connection: close\r\n", b""))
            peer.send_chunk(b"data: [DONE]\n\n")
            peer.send_chunk(b"")
        else:
            peer.answer(500 if "fail" in request.target else 200)

    with serving(answering(respond)) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            for _ in range(5):
                await gateway.chat(chat())
                async with gateway.stream("chat", chat()) as stream:
                    async for _event in stream:
                        pass
                with pytest.raises(Exception, match="answered 500"):
                    await gateway.post("openai/fail", json={})
    assert server.connection_count == 1


async def test_a_connection_is_kept_when_its_answer_was_whole_and_closed_when_not(driver: Driver) -> None:
    def handle(peer: Peer) -> None:
        while (request := peer.read()) is not None:
            if "reset" in request.target:
                return peer.reset()
            if "stall" in request.target:
                peer.wait_until_left()
                return None
            if b'"stream"' in request.body:
                peer.send(SSE_HEAD)
                peer.send_chunk(b"data: one\n\n")
                peer.wait_until_left()
                return None
            if "cut" in request.target:
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                return None
            peer.answer(404 if "none" in request.target else 200)
        return None

    pool = driver.pool()
    with serving(handle) as server:
        client = driver.http_client(transport=pool)
        async with driver.gateway(base_url=server.base_url, client=client) as gateway:
            await gateway.chat(chat())
            assert driver.idle(pool) == 1
            async with gateway.stream("chat", chat()) as stream:
                async for _ in stream:
                    assert driver.idle(pool) == 0
                    break
            assert driver.idle(pool) == 0
            for path, kept in (("none", 1), ("reset", 0), ("cut", 0), ("stall", 0)):
                with pytest.raises(Exception, match=r"answered|broke|deadline"):
                    await gateway.post(f"openai/{path}", json={}, deadline=0.05 if path == "stall" else None)
                assert driver.idle(pool) == kept, path
            await gateway.chat(chat())
            with pytest.raises(Refused):
                await gateway.post("openai/x", json={}, headers={"x-aig-nonsense": "1"})
            assert driver.idle(pool) == 1
        await driver.close(client)
    assert driver.idle(pool) == 0
    client = driver.http_client(transport=driver.pool())
    async with driver.gateway(base_url=server.base_url, client=client) as gateway:
        with pytest.raises(Unreachable):  # by now there is no server
            await gateway.chat(chat())
    await driver.close(client)


async def test_what_a_burst_leaves_is_closed(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.pool_module, "KEEP_IDLE", 2)
    crowd = threading.Barrier(6)
    pool = driver.pool()

    def respond(_: Recorded, peer: Peer) -> None:
        crowd.wait(10)
        peer.answer()

    with serving(answering(respond)) as server:
        client = driver.http_client(transport=pool)
        async with driver.gateway(base_url=server.base_url, client=client) as gateway:
            await together(6, lambda: gateway.chat(chat()))
            assert driver.idle(pool) == 2
        await driver.close(client)
    assert server.connection_count == 6


async def test_a_connection_that_the_server_closed_is_not_used_again(driver: Driver) -> None:
    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            peer.answer()  # and leaves, without saying that it will

    pool = driver.pool()
    with serving(handle) as server:
        client = driver.http_client(transport=pool)
        async with driver.gateway(base_url=server.base_url, client=client) as gateway:
            for _ in range(3):
                await gateway.chat(chat())
                await anyio.sleep(0.05)
        await driver.close(client)
    assert server.connection_count == 3


async def test_idle_connections_that_grew_old_are_closed_by_and_by(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver.pool_module, "KEEP_SECONDS", 0.05)
    crowd = threading.Barrier(3)
    crowded = threading.Event()
    pool = driver.pool()

    def respond(_: Recorded, peer: Peer) -> None:
        if not crowded.is_set():
            crowd.wait(10)
            crowded.set()
        peer.answer()

    with serving(answering(respond)) as server:
        client = driver.http_client(transport=pool)
        async with driver.gateway(base_url=server.base_url, client=client) as gateway:
            await together(3, lambda: gateway.chat(chat()))
            assert driver.idle(pool) == 3
            await anyio.sleep(0.1)
            await gateway.chat(chat())
            assert driver.idle(pool) == 1
        await driver.close(client)


async def test_two_clients_share_one_ssl_context(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    original = driver.module.create_ssl_context

    def counted(*args: Any, **options: Any) -> ssl.SSLContext:
        made.append(original(*args, **options))
        return made[-1]

    driver.pool_module.shared_ssl_context.cache_clear()
    monkeypatch.setattr(driver.module, "create_ssl_context", counted)
    with serving(answering(lambda _, peer: peer.answer())) as server:
        for _ in range(3):
            async with driver.gateway(base_url=server.base_url) as gateway:
                await gateway.chat(chat())
    assert len(made) == 1


async def test_the_first_calls_of_many_threads_share_one_pool(driver: Driver) -> None:
    crowd = threading.Barrier(8)

    def respond(_: Recorded, peer: Peer) -> None:
        crowd.wait(10)
        peer.answer()

    with serving(answering(respond)) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            await together(8, lambda: gateway.chat(chat()))
            await together(8, lambda: gateway.chat(chat()))
    assert server.connection_count == 8


async def test_a_closed_client_has_closed_its_connections(driver: Driver, emulator: Any) -> None:
    left = threading.Event()

    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            peer.answer()
            if peer.wait_until_left():
                left.set()

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            await gateway.chat(chat())
        assert left.wait(5)
    async with driver.gateway(**settings(emulator)) as gateway:
        await gateway.aclose()
        await gateway.aclose()
