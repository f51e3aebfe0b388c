"""Streams: events, bytes as they come, and how each of them ended."""

from __future__ import annotations

import json
import threading
from typing import Any, Literal

import pytest

from aig_client import AsyncGatewayStream, CacheStatus, Receipt, Unreachable
from aig_client.apps.emulator import RunningEmulator

from .asks import chat, message, settings
from .drivers import Driver, every_driver
from .servers import SSE_HEAD, Peer, serving

pytestmark = [pytest.mark.anyio, every_driver]

Endpoint = Literal["chat", "responses", "messages"]
DONE = {
    "chat": b"data: [DONE]\n\n",
    "responses": b'event: response.completed\ndata: {"type":"response.completed"}\n\n',
    "messages": b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}
FAILED = {
    "chat": b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n',
    "responses": b'event: error\ndata: {"type":"error","message":"overloaded"}\n\n',
    "messages": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
}


def receipt_now(stream: AsyncGatewayStream) -> Receipt | None:
    """The receipt, which a type checker believes to stay None once it was."""
    return stream.receipt


def body_of(endpoint: Endpoint) -> dict[str, object]:
    if endpoint == "responses":
        return {"model": "gpt-5", "input": "Hello"}
    return chat("Hello") if endpoint == "chat" else message("Hello")


@pytest.mark.parametrize("endpoint", ["chat", "responses", "messages"])
async def test_a_stream_gives_its_events_and_its_receipt_when_it_is_over(
    driver: Driver, emulator: RunningEmulator, endpoint: Endpoint
) -> None:
    async with (
        driver.gateway(**settings(emulator)) as gateway,
        gateway.stream(endpoint, body_of(endpoint)) as stream,
    ):
        assert stream.status == 200
        assert stream.metadata.ai_gateway_cache_status is CacheStatus.MISS
        assert receipt_now(stream) is None
        events = [event async for event in stream]
        receipt = receipt_now(stream)
    assert receipt is not None
    assert stream.receipt is receipt
    assert (receipt.ended, receipt.plan.stream) == ("complete", True)
    assert receipt.metadata == stream.metadata
    assert receipt.metadata.log_id == emulator.log[-1].log_id
    assert receipt.time_to_first_byte is not None
    assert len(events) > 10
    if endpoint == "chat":
        assert events[-1].data != b"[DONE]"  # the end mark is no event of the answer's
        parsed: Any = events[1].json()
        assert parsed["choices"][0]["delta"]["content"]
    else:
        assert receipt.usage is not None
        assert receipt.usage.output_tokens
        named: Any = events[0].json()
        assert events[0].event == named["type"]


async def test_a_stream_says_what_the_whole_answer_says(driver: Driver, emulator: RunningEmulator) -> None:
    asked = chat()
    async with driver.gateway(**settings(emulator)) as gateway:
        whole: Any = (await gateway.chat(asked)).data
        async with gateway.stream("chat", {**asked, "stream_options": {"include_usage": True}}) as stream:
            parsed: list[Any] = [json.loads(one.data) async for one in stream]
    said = "".join(one["choices"][0]["delta"].get("content") or "" for one in parsed if one["choices"])
    assert said == whole["choices"][0]["message"]["content"]
    assert stream.receipt is not None
    assert stream.receipt.usage is not None
    assert stream.receipt.usage.input_tokens == whole["usage"]["prompt_tokens"]


async def test_bytes_pass_as_they_come(driver: Driver) -> None:
    """The second chunk leaves the server only after the first one was seen."""
    seen = threading.Event()

    def handle(peer: Peer) -> None:
        assert peer.read() is not None
        peer.send(SSE_HEAD)
        peer.send_chunk(b"data: one\n\n")
        assert seen.wait(5), "the first chunk was held back"
        peer.send_chunk(b"data: two\n\n")
        peer.send_chunk(DONE["chat"])
        peer.send_chunk(b"")

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            async with gateway.stream("chat", chat()) as stream:
                chunks = []
                async for chunk in stream.iter_bytes():
                    chunks.append(chunk)
                    seen.set()
            seen.clear()
            async with gateway.stream("chat", chat()) as stream:
                async for _ in stream:
                    seen.set()
    assert chunks[0] == b"data: one\n\n"
    assert b"".join(chunks) == b"data: one\n\ndata: two\n\n" + DONE["chat"]
    assert stream.receipt is not None
    assert stream.receipt.meter is not None
    assert stream.receipt.meter.size == len(b"".join(chunks))


async def ended(driver: Driver, endpoint: Endpoint, *parts: bytes, finish: bool = True) -> tuple[str, bool]:
    """How a stream of these parts ended, and whether reading it raised."""

    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            peer.send(SSE_HEAD)
            for part in parts:
                peer.send_chunk(part)
            if finish:
                peer.send_chunk(b"")

    raised: Unreachable | None = None
    with serving(handle) as server:
        async with (
            driver.gateway(base_url=server.base_url) as gateway,
            gateway.stream(endpoint, body_of(endpoint)) as stream,
        ):
            try:
                async for _ in stream:
                    pass
            except Unreachable as error:
                raised = error
    assert stream.receipt is not None
    assert raised is None or raised.receipt is stream.receipt
    return stream.receipt.ended, raised is not None


@pytest.mark.parametrize("endpoint", ["chat", "responses", "messages"])
async def test_complete_cut_and_errored_are_told_apart(driver: Driver, endpoint: Endpoint) -> None:
    word, done, failed = b'data: {"x":"word"}\n\n', DONE[endpoint], FAILED[endpoint]
    assert await ended(driver, endpoint, word, done) == ("complete", False)
    assert await ended(driver, endpoint, word) == ("cut", False)
    assert await ended(driver, endpoint, word, finish=False) == ("cut", True)
    assert await ended(driver, endpoint, word, failed) == ("errored", False)
    assert await ended(driver, endpoint, failed, finish=False) == ("errored", True)
    assert await ended(driver, endpoint, word, done, finish=False) == ("complete", True)


async def test_the_end_mark_counts_however_the_stream_is_split(driver: Driver) -> None:
    split = [bytes([byte]) for byte in b"data: x\r\n\r\n" + DONE["chat"]]
    assert await ended(driver, "chat", *split) == ("complete", False)


async def test_a_word_that_looks_like_the_end_is_no_end(driver: Driver) -> None:
    quoting = b'data: {"choices":[{"delta":{"content":"say data: [DONE] now"}}]}\n\n'
    assert await ended(driver, "chat", quoting) == ("cut", False)


async def test_a_long_stream_is_counted_whole_and_its_last_words_are_read(driver: Driver) -> None:
    filler = [b'data: {"x":"' + b"y" * 4000 + b'"}\n\n'] * 60
    usage = b'data: {"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n'

    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            peer.send(SSE_HEAD)
            for part in (*filler, usage, DONE["chat"], b""):
                peer.send_chunk(part)

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway, gateway.stream("chat", chat()) as stream:
            count = len([event async for event in stream])
    receipt = stream.receipt
    assert count == 61
    assert receipt is not None
    assert receipt.meter is not None
    assert receipt.meter.size == sum(map(len, filler)) + len(usage) + len(DONE["chat"])
    assert len(receipt.meter.tail) < 64 * 1024
    assert receipt.usage is not None
    assert (receipt.usage.input_tokens, receipt.usage.output_tokens) == (3, 5)


async def test_leaving_early_cancels_and_closes_the_connection(driver: Driver) -> None:
    left: list[bool] = []

    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            peer.send(SSE_HEAD)
            peer.send_chunk(b"data: one\n\n")
            left.append(peer.wait_until_left())

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            async with gateway.stream("chat", chat()) as stream:
                async for _ in stream:
                    break
                assert receipt_now(stream) is None
            assert stream.receipt is not None
            assert stream.receipt.ended == "cancelled"
            async with gateway.stream("chat", chat()) as unread:
                pass
            assert unread.receipt is not None
            assert unread.receipt.ended == "cancelled"
            with pytest.raises(LookupError):
                async with gateway.stream("chat", chat()) as broken:
                    raise LookupError
            assert broken.receipt is not None
            assert broken.receipt.ended == "cancelled"
    assert left == [True, True, True]


async def test_a_stream_that_was_not_opened_says_so(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator)) as gateway:
        stream = gateway.stream("chat", chat())
        with pytest.raises(RuntimeError, match="with block"):
            stream.iter_bytes()
        with pytest.raises(RuntimeError, match="with block"):
            _ = stream.receipt


async def test_a_stream_that_answers_whole_is_still_an_answer(driver: Driver) -> None:
    with serving(lambda peer: peer.answer(200, [], b'{"whole":true}') if peer.read() else None) as server:
        async with driver.gateway(base_url=server.base_url) as gateway, gateway.stream("chat", chat()) as stream:
            content = b"".join([chunk async for chunk in stream.iter_bytes()])
    assert content == b'{"whole":true}'
    assert stream.receipt is not None
    assert stream.receipt.ended == "complete"
