"""Streams through the SDKs' own helpers, and how each ended."""

from __future__ import annotations

import threading
from typing import Any

import anthropic
import openai
import pytest

from aig_client import AsyncGatewayClient, GatewayClient, metadata_of, options, receipt_of
from aig_client.apps.emulator import RunningEmulator

from ..http.asks import last, settings
from ..http.servers import SSE_HEAD, Peer, serving
from .plugs import MODELS, Plug, every_plug

pytestmark = pytest.mark.anyio

HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_the_openai_helpers(emulator: RunningEmulator) -> None:
    with GatewayClient(**settings(emulator)) as gateway:
        client = openai.OpenAI(**gateway.openai())
        with client.chat.completions.stream(model=MODELS["openai"], messages=HELLO) as chat:
            assert metadata_of(chat).log_id == last(emulator).log_id
            assert receipt_of(chat) is None
            text = chat.get_final_completion().choices[0].message.content
        with client.responses.stream(model=MODELS["openai"], input="Hello") as responses:
            final = responses.get_final_response()
        with client.chat.completions.with_streaming_response.create(model=MODELS["openai"], messages=HELLO) as raw:
            assert metadata_of(raw).log_id == last(emulator).log_id
            assert raw.parse().choices[0].message.content == text
        compat = openai.OpenAI(**gateway.openai(provider="compat"))
        whole = compat.chat.completions.create(model="anthropic/claude-sonnet-5-5", messages=HELLO)
        vectors = client.embeddings.with_raw_response.create(model="text-embedding-3-small", input="a")
    assert text
    assert final.output_text
    assert whole.model == "claude-sonnet-5-5"
    assert receipt_of(vectors) is not None
    for stream in (chat, responses, raw):
        receipt = receipt_of(stream)
        assert receipt is not None
        assert receipt.ended == "complete"


async def test_the_anthropic_helpers(emulator: RunningEmulator) -> None:
    asked: Any = {"model": MODELS["anthropic"], "max_tokens": 64, "messages": HELLO}
    with (
        GatewayClient(**settings(emulator)) as gateway,
        anthropic.Anthropic(**gateway.anthropic()).messages.stream(**asked) as stream,
    ):
        assert metadata_of(stream).log_id == last(emulator).log_id
        message = stream.get_final_message()
    async with (
        AsyncGatewayClient(**settings(emulator)) as async_gateway,
        anthropic.AsyncAnthropic(**async_gateway.anthropic()).messages.stream(**asked) as async_stream,
    ):
        async_message = await async_stream.get_final_message()
    assert message.content[0].model_dump() == async_message.content[0].model_dump()
    for one in (stream, async_stream):
        receipt = receipt_of(one)
        assert receipt is not None
        assert receipt.ended == "complete"
        assert receipt.usage is not None
        assert receipt.usage.input_tokens == message.usage.input_tokens
        assert receipt.usage.output_tokens == message.usage.output_tokens


def test_a_model_keeps_no_headers_and_says_where_to_get_them(emulator: RunningEmulator) -> None:
    with GatewayClient(**settings(emulator)) as gateway:
        client = openai.OpenAI(**gateway.openai())
        with options() as scope:
            completion = client.chat.completions.create(model=MODELS["openai"], messages=HELLO)
    with pytest.raises(TypeError, match="with_raw_response"):
        metadata_of(completion)
    assert scope.last is not None
    assert scope.last.metadata.log_id == last(emulator).log_id


FRAMES = {
    "openai": b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n',
    "anthropic": b'event: ping\ndata: {"type":"ping"}\n\n',
    "google": b'data: {"candidates":[{"content":{"parts":[{"text":"x"}],"role":"model"}}]}\r\n\r\n',
}


@every_plug
async def test_a_stream_arrives_as_it_is_sent_and_one_that_stops_early_is_cut(plug: Plug) -> None:
    seen = threading.Event()

    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            peer.send(SSE_HEAD)
            peer.send_chunk(FRAMES[plug.sdk])
            assert seen.wait(5), "the first event was held back"
            peer.send_chunk(FRAMES[plug.sdk])
            peer.send_chunk(b"")

    with serving(handle) as server:
        async with plug.gateway(base_url=server.base_url) as gateway:
            with options(deadline=10) as scope:
                threading.Timer(0.05, seen.set).start() if plug.sdk == "anthropic" else None  # it hides its pings
                found = plug._create(plug.client(gateway), "Hello", None, stream=True)
                stream = await found if plug.colour == "async" else found
                count = 0
                if plug.colour == "async":
                    async for _ in stream:
                        count += 1
                        seen.set()
                else:
                    for _ in stream:
                        count += 1
                        seen.set()
    assert count == (0 if plug.sdk == "anthropic" else 2)
    assert scope.last is not None
    assert scope.last.ended == "cut"
