"""Requests that are wrong, rude or gigantic: the documented answer, and a server that stays up and stays small."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .served import CHAT, MEBIBYTE, PREFIX, Served
from .wire import Answer, Peer, ask, chat, request

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")

COMPAT = f"{PREFIX}/compat/chat/completions"
REST = "/client/v4/accounts/0123456789abcdef0123456789abcdef/ai/v1/chat/completions"
BAD_UTF8 = b'{"model": "gpt-4.1-mini", "messages": "\xff\xfe"}'
DEEP = b"[" * 200_000
STREAM = request(CHAT, chat(stream=True), {"x-aig-fault": "stall;after=1;seconds=1"})


@pytest.fixture(autouse=True)
async def _it_stays_up_and_small(dev: Served) -> AsyncIterator[None]:
    dev.watch_memory()
    yield
    assert await dev.is_well()
    assert dev.memory() < 200 * MEBIBYTE


def _code(answer: Answer) -> int:
    document = json.loads(answer.body)
    code: int = document["internalCode"] if "internalCode" in document else document["errors"][0]["code"]
    return code


# --- Bodies ---


@pytest.mark.parametrize("body", [b"{", b"nonsense", b"", b"[]", b"null", BAD_UTF8, DEEP, b'{"a": NaN}'])
@pytest.mark.parametrize(("path", "status", "code"), [(COMPAT, 400, 2019), (REST, 404, 7003), (PREFIX, 400, 2008)])
async def test_a_body_that_is_no_json_object_gets_the_gateways_own_error(
    dev: Served, path: str, status: int, code: int, body: bytes
) -> None:
    answer = await ask(dev.port, request(path, body))
    assert (answer.status, _code(answer)) == (status, code)


@pytest.mark.parametrize("body", [b"{", b"nonsense", BAD_UTF8, DEEP, b'{"a": NaN}'])
async def test_on_a_native_url_it_is_the_providers_error(dev: Served, body: bytes) -> None:
    answer = await ask(dev.port, request(CHAT, body))
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["type"] == "invalid_request_error"


async def test_a_body_of_more_than_25_mb_passes_uncached(dev: Served) -> None:
    body = chat("x" * (26 * MEBIBYTE))
    for _ in range(2):
        answer = await ask(dev.port, request(CHAT, body, {"cf-aig-cache-key": "big"}))
        assert (answer.status, answer.cache) == (200, "MISS")
    assert dev.most_memory() < 350 * MEBIBYTE


async def test_bodies_over_the_limit_are_413_in_plain_text(dev: Served) -> None:
    raw = request(CHAT, b"x" * (33 * MEBIBYTE))
    for answer in await asyncio.gather(*(ask(dev.port, raw) for _ in range(3))):
        assert (answer.status, answer.headers["content-type"]) == (413, "text/plain; charset=utf-8")
    # What was read before it was too much.
    assert dev.most_memory() < 240 * MEBIBYTE


async def test_a_body_without_a_length_is_measured_as_it_comes(dev: Served) -> None:
    head = request(CHAT, b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    async with Peer.opened(dev.port) as peer:
        peer.send(head)
        for _ in range(33):
            peer.send(b"100000\r\n" + b"x" * MEBIBYTE + b"\r\n")
            await peer.writer.drain()
        peer.send(b"0\r\n\r\n")
        assert (await peer.answer()).status == 413


async def test_a_body_that_does_not_end_is_answered_all_the_same(dev: Served) -> None:
    block = b"x" * MEBIBYTE
    async with Peer.opened(dev.port) as peer:
        peer.send(request(CHAT, b"", length=2**40))
        for _ in range(200):
            peer.send(block)
            await peer.writer.drain()
        assert (await peer.answer()).status == 413
    # Once, and then nothing of it.
    assert dev.most_memory() < 140 * MEBIBYTE


# --- HTTP ---


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nno-number\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    ],
    ids=["nonsense", "tls", "negative", "two-lengths", "smuggled", "chunk-size", "space-in-name", "version"],
)
async def test_what_is_no_http_is_refused_and_hung_up_on(dev: Served, raw: bytes) -> None:
    async with Peer.opened(dev.port) as peer:
        peer.send(raw)
        answer = await peer.answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert await peer.reader.read() == b""


@pytest.mark.parametrize(
    "headers",
    [{"x-long": "a" * 100_000}, {f"x-{number}": "b" * 20 for number in range(2_000)}, {"x-odd": "\xff\xe9\x80"}],
    ids=["long", "many", "latin-1"],
)
async def test_large_and_odd_headers_are_served(dev: Served, headers: dict[str, str]) -> None:
    assert (await ask(dev.port, request(CHAT, None, headers))).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"x-long": "a" * 2_000_000}, {f"x-{number}": "b" * 200 for number in range(2_000)}],
    ids=["long", "many"],
)
async def test_gigantic_headers_are_hung_up_on(dev: Served, headers: dict[str, str]) -> None:
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await ask(dev.port, request(CHAT, None, headers))


# --- Manners ---


async def test_a_byte_at_a_time_is_a_request_too(dev: Served) -> None:
    raw = request(CHAT)
    async with Peer.opened(dev.port) as peer:
        for place in range(len(raw)):
            peer.send(raw[place : place + 1])
            await asyncio.sleep(0)
        assert (await peer.answer()).status == 200


async def test_a_thousand_half_requests_keep_nobody_waiting(dev: Served) -> None:
    before = dev.memory()
    halves = [request(CHAT)[:40], request(CHAT)[:-1]]
    peers = [await Peer.open(dev.port) for _ in range(1_000)]
    try:
        for number, peer in enumerate(peers):
            peer.send(halves[number % 2])
        assert await dev.is_well()
        assert dev.memory() - before < 60 * MEBIBYTE
    finally:
        for peer in peers:
            peer.writer.close()
    await _all_let_go(dev)


async def test_callers_who_leave_in_the_middle_of_their_request_are_let_go(dev: Served) -> None:
    raw = request(CHAT, chat("x" * 100_000))
    for place in (1, 60, 1_000, len(raw) - 1):
        peers = [await Peer.open(dev.port) for _ in range(75)]
        for number, peer in enumerate(peers):
            peer.send(raw[:place])
            await peer.writer.drain()
            peer.reset() if number % 2 else peer.writer.close()
    await _all_let_go(dev)


async def test_callers_who_leave_in_the_middle_of_their_answer_are_let_go(dev: Served) -> None:
    peers = [await Peer.open(dev.port) for _ in range(300)]
    for peer in peers:
        peer.send(STREAM)
    for number, peer in enumerate(peers):
        await peer.reader.readuntil(b"data: ")
        peer.reset() if number % 2 else peer.writer.close()
    await _all_let_go(dev)


async def _all_let_go(dev: Served) -> None:
    """Nothing is held for those who have gone."""
    for _ in range(200):
        if dev.connections() < 50:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{dev.connections()} descriptors are still open")
