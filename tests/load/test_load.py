"""A load of 2 000 at once, ten thousand keys, and readers that do not read. Memory is bounded; time is not asserted."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from .served import CHAT, MEBIBYTE, Served, served
from .wire import Answer, Peer, ask, chat, request

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")

AT_ONCE = 2_000
KEYS = 10_000
# All of a wave are under way before the first of these answers.
LATE = {"x-aig-fault": "latency;ms=500"}


def _of_a_wave(wave: int, number: int) -> tuple[str, bytes]:
    """A third hits, a third misses, a third streams."""
    kind = ("hit", "miss", "stream")[number % 3]
    if kind == "hit":
        return kind, _hot(wave)
    unique = {"cf-aig-cache-key": f"key-{wave}-{number}", **LATE}
    return kind, request(CHAT, chat(f"question {number}", stream=kind == "stream"), unique)


def _hot(wave: int) -> bytes:
    return request(CHAT, chat("hot"), {"cf-aig-cache-key": f"hot-{wave}"})


async def _held_back(port: int, raw: bytes, everybody: asyncio.Barrier) -> Answer:
    """Asks when everybody is connected and has only the last byte to send."""
    async with Peer.opened(port) as peer:
        peer.send(raw[:-1])
        await everybody.wait()
        peer.send(raw[-1:])
        return await peer.answer()


async def _wave(port: int, wave: int) -> Counter[tuple[str, int, str | None, bool]]:
    everybody = asyncio.Barrier(AT_ONCE)
    asked = [_of_a_wave(wave, number) for number in range(AT_ONCE)]
    answers = await asyncio.gather(*(_held_back(port, raw, everybody) for _, raw in asked))
    return Counter(
        (kind, answer.status, answer.cache, answer.body.endswith(b"data: [DONE]\n\n" if kind == "stream" else b"}"))
        for (kind, _), answer in zip(asked, answers, strict=True)
    )


async def test_2000_requests_at_once_are_held_without_error_and_without_growth(small: Served) -> None:
    expected = {("hit", 200, "HIT", True): 667, ("miss", 200, "MISS", True): 667, ("stream", 200, "MISS", True): 666}
    memory: list[int] = []
    for wave in range(3):
        assert (await ask(small.port, _hot(wave))).cache == "MISS"
        assert await _wave(small.port, wave) == expected
        memory.append(small.memory())
    assert memory[0] < 200 * MEBIBYTE
    # The first wave fills cache and log and pays for buffers that are kept. Of the others, 1.5 KB a request would show.
    assert max(memory[1:]) - memory[0] < 6 * MEBIBYTE, memory
    assert small.connections() < 100


async def test_ten_thousand_keys_leave_the_cache_within_its_bound() -> None:
    def key(number: int) -> bytes:
        return request(CHAT, chat(f"question {number}"), {"cf-aig-cache-key": f"one-of-many-{number}"})

    async def some(port: int, start: int) -> Counter[tuple[int, str | None]]:
        seen = Counter[tuple[int, str | None]]()
        async with Peer.opened(port) as peer:
            for number in range(start, KEYS, 16):
                peer.send(key(number))
                answer = await peer.answer()
                seen[answer.status, answer.cache] += 1
        return seen

    with served() as dev:
        seen = await asyncio.gather(*(some(dev.port, start) for start in range(16)))
        assert sum(seen, Counter[tuple[int, str | None]]()) == {(200, "MISS"): KEYS}
        newest, oldest = await ask(dev.port, key(KEYS - 20)), await ask(dev.port, key(20))
        assert (newest.cache, oldest.cache) == ("HIT", "MISS")
        assert dev.memory() < 80 * MEBIBYTE


async def test_readers_that_do_not_read_are_not_read_for() -> None:
    """Pass-through: what a slow caller has not taken stays with the provider, not in the emulator."""
    block, blocks, readers = b"x" * MEBIBYTE, 96, 4
    sent = Counter[int]()

    async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(blocks):
                writer.write(b"%x\r\n%b\r\n" % (len(block), block))
                await writer.drain()
                sent[id(writer)] += 1
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    upstream = await asyncio.start_server(provider, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    async with upstream:
        with served("--upstream", f"openai=http://127.0.0.1:{port}") as passing:
            before = passing.memory()
            peers = [await Peer.open(passing.port) for _ in range(readers)]
            for peer in peers:
                peer.send(request(CHAT))
                await peer.reader.readuntil(b"\r\n\r\n")
            for _ in range(10):
                await asyncio.sleep(0.05)
            assert max(sent.values()) < blocks
            # Sockets' buffers, and of each answer what has come, as long as it could be cached.
            assert passing.memory() - before < 64 * MEBIBYTE
            # Past the 16 MiB of the cache nothing is kept.
            for peer in peers:
                assert sum([len(chunk) async for chunk in peer.chunks()]) == blocks * len(block)
                peer.writer.close()
            assert passing.most_memory() - before < 64 * MEBIBYTE
