"""Our own connections on the wire: TLS, large bodies, early answers, several origins."""

from __future__ import annotations

import datetime as dt
import random
import ssl
import threading
from importlib import import_module
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aig_client import ProviderError, Unreachable

from .asks import TOKEN, chat
from .drivers import Driver, every_driver
from .leaks import LOADED, TEMPTING, check_clean, check_gateway
from .servers import SSE_HEAD, Peer, Recorded, answering, serving

pytestmark = [pytest.mark.anyio, every_driver]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for localhost, with its key; good for a day, and gone with the tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.2"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def trust(driver: Driver, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(driver.pool_module, "shared_ssl_context", lambda: context)


def whole_or_stream(request: Recorded, peer: Peer) -> None:
    if b'"stream"' in request.body:
        peer.send(SSE_HEAD)
        for part in (b"data: one\n\n", b"data: [DONE]\n\n", b""):
            peer.send_chunk(part)
    else:
        peer.answer(200, [("cf-aig-cache-status", "HIT")])


async def test_over_tls_everything_is_as_over_tcp(
    driver: Driver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(driver, certificate, monkeypatch)
    with serving(answering(whole_or_stream), tls=server_side(certificate)) as server:
        base_url = server.base_url.replace("127.0.0.1", "localhost")
        async with driver.gateway(base_url=base_url, token=TOKEN) as gateway:
            for _ in range(3):
                assert (await gateway.chat(chat("x" * 200_000))).metadata.hit
            async with gateway.stream("chat", chat()) as stream:
                assert [event.data async for event in stream] == [b"one"]
    assert server.connection_count == 1
    for request in server.requests:
        check_gateway(request)
    assert len(server.requests[0].body) > 200_000


@pytest.mark.parametrize("trusted", [True, False], ids=["of another name", "of nobody we know"])
async def test_a_certificate_that_is_not_right_gets_nothing(
    driver: Driver, certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        trust(driver, certificate, monkeypatch)
    with serving(answering(whole_or_stream), tls=server_side(certificate)) as server:
        host = "127.0.0.1" if trusted else "localhost"
        async with driver.gateway(base_url=server.base_url.replace("127.0.0.1", host), token=TOKEN) as gateway:
            with pytest.raises(Unreachable) as caught:
                await gateway.chat(chat())
    assert caught.value.kind == "connect"
    assert not server.requests


async def test_a_redirect_from_tls_to_plain_http_leaves_everything_behind(
    driver: Driver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(driver, certificate, monkeypatch)
    with serving(answering(whole_or_stream)) as outsider:
        landing = [("Location", outsider.url("/landing", host="localhost"))]
        with serving(answering(lambda _, peer: peer.answer(307, landing)), tls=server_side(certificate)) as server:
            base_url = server.base_url.replace("127.0.0.1", "localhost")
            async with driver.gateway(base_url=base_url, **LOADED) as gateway:
                client = gateway.openai(http=driver.family)["http_client"]
                await driver.send(
                    client, "POST", f"{base_url}/openai/chat/completions", json=chat("x"), headers=TEMPTING
                )
    check_gateway(server.requests[0])
    check_clean(outsider, 1)


async def test_bodies_of_every_size_arrive_whole(driver: Driver) -> None:
    """Head and body leave in one ``send`` where they fit; whatever the size, not a byte is lost or doubled."""
    with serving(answering(lambda request, peer: peer.answer(body=request.body or b"{}"))) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            for size in (0, 1, 4096, 65_535, 65_536, 65_537, 131_072, 3_000_000):
                body = random.Random(size).randbytes(size)
                answer = await gateway.post("openai/files", content=body, headers={"content-type": "text/plain"})
                assert answer.content == (body or b"{}")
    assert server.connection_count == 1


async def test_an_answer_may_come_before_the_body_was_read(driver: Driver) -> None:
    def handle(peer: Peer) -> None:
        while peer.read_head() is not None:
            peer.answer(413, [("Connection", "close")], b"too large")
            peer.drain()

    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:
            with pytest.raises(ProviderError) as caught:
                await gateway.post("openai/files", content=b"x" * 5_000_000)
            with pytest.raises(ProviderError):
                await gateway.post("openai/files", content=b"x" * 5_000_000)
    assert caught.value.status == 413
    assert caught.value.receipt is not None


async def test_a_peer_that_answered_and_left_is_still_heard(driver: Driver) -> None:
    """As in httpcore: a write that fails says nothing yet, for the answer may be there to read."""
    core = import_module(driver.family.replace("httpx", "httpcore"))

    def write(*_: object) -> None:
        raise core.WriteError

    def read(*_: object) -> bytes:
        return b"HTTP/1.1 413"

    async def write_async(*_: object) -> None:
        write()

    async def read_async(*_: object) -> bytes:
        return read()

    if driver.colour == "async":
        stream = driver.pool_module._OneSendStream(SimpleNamespace(write=write_async, read=read_async))
        await stream.write(b"POST")
        assert await stream.read(9) == b"HTTP/1.1 413"
    else:
        stream = driver.pool_module._OneSendStream(SimpleNamespace(write=write, read=read))
        stream.write(b"POST")
        assert stream.read(9) == b"HTTP/1.1 413"


async def test_each_origin_has_its_own_connections(driver: Driver) -> None:
    with (
        serving(answering(whole_or_stream)) as first,
        serving(answering(whole_or_stream)) as second,
    ):
        async with driver.gateway(base_url=first.base_url) as gateway:
            for _ in range(3):
                await gateway.chat(chat())
                await gateway.request("GET", second.url("/elsewhere"))
                await gateway.request("GET", second.url("/elsewhere", host="localhost"))
    assert (first.connection_count, second.connection_count) == (1, 2)
    assert {request.headers["host"] for request in second.requests} == {
        f"127.0.0.1:{second.port}",
        f"localhost:{second.port}",
    }


async def test_after_a_storm_of_failures_no_connection_is_left_open(driver: Driver) -> None:
    """Whole, cut, reset and stalled answers at once, in an order that changes: all of them end, and all are closed."""
    open_now: set[int] = set()
    lock = threading.Lock()
    kinds = random.Random(7).sample(("whole", "cut", "reset", "stall") * 12, 48)

    def handle(peer: Peer) -> None:
        with lock:
            open_now.add(id(peer))
        try:
            while (request := peer.read()) is not None:
                if "reset" in request.target:
                    return peer.reset()
                if "cut" in request.target:
                    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                    return None
                if "stall" in request.target:
                    peer.wait_until_left()
                    return None
                peer.answer()
            return None
        finally:
            with lock:
                open_now.discard(id(peer))

    ended: list[str] = []
    with serving(handle) as server:
        async with driver.gateway(base_url=server.base_url) as gateway:

            async def call(kind: str) -> None:
                deadline = 0.3 if kind == "stall" else 20  # a busy machine may take its time over the others
                try:
                    answer: Any = await gateway.post(f"openai/{kind}", json={}, deadline=deadline)
                except Unreachable as error:
                    answer = error
                ended.append(answer.receipt.ended)

            async with anyio.create_task_group() as tasks:
                for kind in kinds:
                    tasks.start_soon(call, kind)
            assert (await gateway.post("openai/whole", json={})).status == 200
        with anyio.fail_after(5):
            while open_now:  # noqa: ASYNC110  (the server's threads have no event of ours)
                await anyio.sleep(0.01)
    assert sorted(set(ended)) == ["complete", "cut", "unreachable"]
    assert ended.count("complete") == 12
