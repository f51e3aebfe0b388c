"""A caller that is cancelled: the connection closes, its place is free again, and the client works on."""

from __future__ import annotations

import threading

import anyio
import pytest

from aig_client import options

from .asks import chat
from .drivers import Driver, async_drivers
from .servers import SSE_HEAD, Peer, serving

pytestmark = [pytest.mark.anyio, async_drivers]


class Stalling:
    """Stalls before or in the answer, and notes who left; answers once it is told to."""

    def __init__(self, *, in_body: bool) -> None:
        self._in_body = in_body
        self.asked = threading.Semaphore(0)
        self.left: list[bool] = []
        self.answers = False

    def __call__(self, peer: Peer) -> None:
        while peer.read() is not None:
            if self.answers:
                peer.answer()
                continue
            if self._in_body:
                peer.send(SSE_HEAD)
                peer.send_chunk(b"data: one\n\n")
            self.asked.release()
            self.left.append(peer.wait_until_left())
            return


async def test_a_call_cancelled_before_its_answer(driver: Driver) -> None:
    stalling = Stalling(in_body=False)
    with serving(stalling) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(gateway.chat, chat())
                for _ in range(20):
                    await anyio.to_thread.run_sync(stalling.asked.acquire)
                tasks.cancel_scope.cancel()
            stalling.answers = True
            await gateway.chat(chat())
    assert stalling.left == [True] * 20


async def test_a_cancelled_call_s_connection_is_not_used_again(driver: Driver) -> None:
    stalling = Stalling(in_body=False)
    pool = driver.pool()
    with serving(stalling) as server:
        client = driver.http_client(transport=pool)
        async with driver.gateway(base_url=server.base_url, client=client) as gateway:
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(gateway.chat, chat())
                for _ in range(20):
                    await anyio.to_thread.run_sync(stalling.asked.acquire)
                tasks.cancel_scope.cancel()
            assert driver.idle(pool) == 0
            stalling.answers = True
            await gateway.chat(chat())
            assert driver.idle(pool) == 1
        await driver.close(client)


async def test_a_stream_cancelled_between_two_events(driver: Driver) -> None:
    stalling = Stalling(in_body=True)
    with serving(stalling) as server, options() as scope:
        async with driver.gateway(base_url=server.base_url) as gateway:
            got: list[bytes] = []
            first = anyio.Event()

            async def listen() -> None:
                async with gateway.stream("chat", chat()) as stream:
                    async for event in stream:
                        got.append(event.data)
                        first.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                await anyio.to_thread.run_sync(stalling.asked.acquire)
                with anyio.fail_after(5):
                    await first.wait()
                tasks.cancel_scope.cancel()
    assert got == [b"one"]
    assert stalling.left == [True]
    assert [receipt.ended for receipt in scope.receipts] == ["cancelled"]


async def test_a_whole_answer_cancelled_in_its_body(driver: Driver) -> None:
    stalling = Stalling(in_body=True)
    with serving(stalling) as server, options() as scope:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with anyio.move_on_after(0.1) as timer:
                await gateway.chat(chat())
            assert timer.cancelled_caught
            stalling.answers = True
            await gateway.chat(chat())
    assert stalling.left == [True]
    assert [receipt.ended for receipt in scope.receipts] == ["cancelled", "complete"]


async def test_a_timeout_of_the_callers_own_is_no_deadline_of_ours(driver: Driver) -> None:
    stalling = Stalling(in_body=False)
    with serving(stalling) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(TimeoutError), anyio.fail_after(0.1):
                await gateway.chat(chat(), deadline=30)
    assert stalling.left == [True]
