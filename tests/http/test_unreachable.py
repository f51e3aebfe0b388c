"""Nobody answered, or the answer broke off: one error, with a kind and a receipt."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable

import pytest

from aig_client import CacheIntent, ProviderError, Unreachable

from .asks import chat
from .drivers import Driver, every_driver
from .servers import Peer, serving

pytestmark = [pytest.mark.anyio, every_driver]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def after_asking(act: Callable[[Peer], object]) -> Callable[[Peer], None]:
    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            act(peer)

    return handle


async def test_a_refused_connection_is_unreachable_with_a_receipt(driver: Driver) -> None:
    async with driver.gateway(base_url=f"http://127.0.0.1:{free_port()}/v1/{'0' * 32}/gone") as gateway:
        with pytest.raises(Unreachable) as caught:
            await gateway.chat(chat())
        with pytest.raises(Unreachable) as streamed:
            async with gateway.stream("chat", chat()):
                pytest.fail("it opened")
    for error in (caught.value, streamed.value):
        receipt = error.receipt
        assert error.kind == "connect"
        assert receipt is not None
        assert (receipt.ended, receipt.status, receipt.usage, receipt.attempts) == ("unreachable", None, None, 1)
        assert receipt.no_answer is not None
        assert receipt.no_answer.kind == "connect"
        assert receipt.latency is not None
        assert receipt.as_dict()["ended"] == "unreachable"


@pytest.mark.parametrize(
    "act",
    [
        lambda peer: None,
        lambda peer: peer.reset(),
        lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.6\r\n"),
        lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ],
    ids=["leaves", "resets", "speaks no http", "stops in the head"],
)
async def test_a_peer_without_an_answer_is_no_connection_problem(driver: Driver, act: Callable[[Peer], object]) -> None:
    """``connect`` says that nothing was sent, so that it is safe to send again; here everything was."""
    with serving(after_asking(act)) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
    assert len(server.requests) == 1
    assert caught.value.kind == "protocol"
    assert caught.value.receipt is not None
    assert caught.value.receipt.ended == "unreachable"


@pytest.mark.parametrize(
    "act",
    [
        lambda peer: peer.send(HEAD, b"Content-Length: 100\r\n\r\n", b'{"half":'),
        lambda peer: peer.send(CHUNKED, b"8\r\n", b'{"half":', b"\r\n"),
        lambda peer: (peer.send(CHUNKED, b"8\r\n", b'{"half":', b"\r\n"), peer.reset()),
        lambda peer: peer.send(CHUNKED, b"8\r\n", b'{"half":', b"\r\nzz\r\n"),
    ],
    ids=["content-length", "chunked", "reset", "a chunk that is none"],
)
async def test_an_answer_that_breaks_off_is_cut(driver: Driver, act: Callable[[Peer], object]) -> None:
    with serving(after_asking(act)) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
    receipt = caught.value.receipt
    assert caught.value.kind == "protocol"
    assert receipt is not None
    assert (receipt.ended, receipt.status) == ("cut", 200)
    assert receipt.meter is not None
    assert receipt.meter.size in (0, 8)
    assert receipt.no_answer is None


async def test_a_body_that_is_not_in_its_coding_is_unreachable_too(driver: Driver) -> None:
    broken = b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"
    with serving(after_asking(lambda peer: peer.send(HEAD, broken))) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
            async with gateway.stream("chat", chat()) as stream:
                with pytest.raises(Unreachable):
                    await anext(stream.iter_bytes())
            assert stream.receipt is not None
            assert stream.receipt.ended == "cancelled"
    assert caught.value.kind == "protocol"
    assert caught.value.receipt is not None
    assert caught.value.receipt.ended == "cancelled"  # by httpx, which stopped reading


async def test_a_compressed_answer_is_decoded_and_its_usage_is_read(driver: Driver) -> None:
    body = gzip.compress(b'{"usage":{"prompt_tokens":3,"completion_tokens":4}}')
    coding = f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving(after_asking(lambda peer: peer.send(HEAD, coding, body))) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            answer = await gateway.chat(chat())
    assert answer.data == {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 4)
    assert answer.receipt.meter is not None
    assert answer.receipt.meter.size == len(body)


async def test_an_error_whose_body_breaks_off_is_unreachable_and_keeps_its_status(driver: Driver) -> None:
    head = b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n"
    with serving(after_asking(lambda peer: peer.send(head, b"half"))) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
            with pytest.raises(Unreachable):
                async with gateway.stream("chat", chat()):
                    pytest.fail("it opened")
    assert caught.value.receipt is not None
    assert caught.value.receipt.status == 500


async def test_the_connection_that_asks_again_past_the_cache_may_fail_as_well(driver: Driver) -> None:
    def handle(peer: Peer) -> None:
        request = peer.read()
        if request is not None and "cf-aig-cache-key" in request.headers:
            peer.answer(500, [("cf-aig-cache-status", "HIT"), ("Connection", "close")])

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url, tenant="acme", cache=CacheIntent.response(60)) as gateway:
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
    assert len(server.requests) == 2
    assert caught.value.receipt is not None
    assert caught.value.receipt.attempts == 2


async def test_after_any_failure_the_same_client_works_on(driver: Driver) -> None:
    left = [lambda peer: peer.reset(), lambda peer: peer.send(HEAD, b"Content-Length: 9\r\n\r\nhalf")]

    def handle(peer: Peer) -> None:
        if peer.read() is not None:
            if left:
                left.pop()(peer)
            else:
                peer.answer(500)

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            for expected in (Unreachable, Unreachable, ProviderError):
                with pytest.raises(expected):
                    await gateway.chat(chat())
