"""The connection to a real provider, against servers that say exactly these bytes."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aig_client.apps.emulator import EmulatorConfig, ProviderRequest, _upstream, _upstream_connection, serve_in_thread
from aig_client.apps.emulator._messages import Break, Part
from aig_client.apps.emulator._upstream import Upstreams

from .driver import KEY

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-One: 1\r\n\r\nok"
END = None
"""The server closes the connection."""

Say = bytes | float | None


class Provider:
    """Answers every request with the same pieces; a number is a pause in seconds."""

    def __init__(self, *pieces: Say) -> None:
        self.pieces = pieces
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.closed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed += 1
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        lengths = [
            line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        ]
        self.bodies.append(await reader.readexactly(int(lengths[0]) if lengths else 0))
        for piece in self.pieces:
            if piece is None:
                return False
            if isinstance(piece, float | int):
                await asyncio.sleep(piece)
            else:
                writer.write(piece)
                await writer.drain()
        return True


@asynccontextmanager
async def calling(provider: Provider, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Upstreams]:
    async with await asyncio.start_server(provider.serve, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        upstreams = Upstreams({"openai": f"http{'s' if tls else ''}://127.0.0.1:{port}/v1/"})
        try:
            yield upstreams
        finally:
            upstreams.close()
            await asyncio.sleep(0)


def request(method: str = "POST", *headers: tuple[str, str], path: str = "/x", body: bytes = b"") -> ProviderRequest:
    return ProviderRequest(provider="openai", method=method, path=path, headers=headers, body=body)


Told = tuple[int, tuple[tuple[str, str], ...], bytes, bool]


async def told(upstreams: Upstreams, asked: ProviderRequest) -> Told | None:
    """Status, headers, body, and whether it came to its end."""
    answer = await upstreams.ask(asked)
    if answer is None:
        return None
    parts: list[Part] = [part async for part in answer.parts()]
    answer.close()
    whole = not any(isinstance(part, Break) for part in parts)
    return answer.status, answer.headers, b"".join(part for part in parts if isinstance(part, bytes)), whole


def run(provider: Provider, *requests: ProviderRequest) -> list[Told | None]:
    async def ask() -> list[Told | None]:
        async with calling(provider) as upstreams:
            return [await told(upstreams, one) for one in requests]

    return asyncio.run(ask())


def only(provider: Provider, asked: ProviderRequest) -> Told | None:
    (answer,) = run(provider, asked)
    return answer


def test_a_request_leaves_as_it_is() -> None:
    provider = Provider(OK)
    assert only(provider, request("POST", ("authorization", "Bearer k"), body=b"{}")) == (
        200,
        (("content-length", "2"), ("x-one", "1")),
        b"ok",
        True,
    )
    port = provider.heads[0].split(b"127.0.0.1:")[1].split(b"\r\n")[0]
    assert provider.heads == [
        b"POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1:" + port + b"\r\nauthorization: Bearer k\r\n"
        b"accept-encoding: identity\r\ncontent-length: 2\r\n\r\n"
    ]
    assert provider.bodies == [b"{}"]


def test_a_connection_is_used_again() -> None:
    provider = Provider(OK)
    assert [answer and answer[2] for answer in run(provider, request(), request("GET"), request())] == [b"ok"] * 3
    assert provider.connections == 1
    assert [b"content-length: 0" in head for head in provider.heads] == [True, False, True]


@pytest.mark.parametrize(
    ("pieces", "body", "whole"),
    [
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", b"1\r\nc\r\n0\r\n\r\n"], b"abc", True),
        ([b"HTTP/1.1 200 OK\r\n\r\nab", 0.01, b"c", END], b"abc", True),
        ([b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc", END], b"abc", True),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", OK], b"ok", True),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], b"", True),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", END], b"abc", False),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", 0.01, END], b"abc", False),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", 0.01, b"nonsense\r\n"], b"abc", False),
    ],
    ids=["chunked", "until the end", "close", "interim answers", "no content", "short", "cut", "malformed"],
)
def test_where_an_answer_ends(pieces: list[Say], body: bytes, whole: bool) -> None:
    answer = only(Provider(*pieces), request())
    assert answer is not None
    assert answer[2:] == (body, whole)
    assert ("link", "x") not in answer[1]


@pytest.mark.parametrize(
    "pieces",
    [
        [END],
        [b"nonsense\r\n\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n", END],
        [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n"],
    ],
    ids=["nothing", "nonsense", "another protocol", "half a head", "too long a head"],
)
def test_what_is_no_answer(pieces: list[Say]) -> None:
    assert only(Provider(*pieces), request()) is None


def test_a_head_has_no_body_whatever_it_says() -> None:
    provider = Provider(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")
    assert [answer and answer[2:] for answer in run(provider, request("HEAD"), request("HEAD"))] == [(b"", True)] * 2
    assert provider.connections == 2


def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    provider = Provider(OK + OK.replace(b"1\r\n\r\nok", b"2\r\n\r\nno"))
    answers = run(provider, request(), request())
    assert [answer and (answer[1][1], answer[2]) for answer in answers] == [(("x-one", "1"), b"ok")] * 2
    assert provider.connections == 2


def test_a_connection_that_the_provider_closed_is_not_used_again() -> None:
    async def ask() -> None:
        provider = Provider(OK, END)
        async with calling(provider) as upstreams:
            for _ in range(2):
                assert await told(upstreams, request()) is not None
                await asyncio.sleep(0.05)
            assert provider.connections == 2

    asyncio.run(ask())


def test_an_idle_connection_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_upstream, "_KEEP_SECONDS", 0.0)
    provider = Provider(OK)
    run(provider, request(), request())
    assert provider.connections == 2


def test_a_silent_provider_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_upstream_connection, "_READ_SECONDS", 0.1)
    assert only(Provider(5.0), request()) is None
    # Silence is no end, not even of an answer without a length.
    answer = only(Provider(b"HTTP/1.1 200 OK\r\n\r\nab", 5.0), request())
    assert answer is not None
    assert answer[2:] == (b"ab", False)


def test_a_slow_reader_makes_the_provider_wait() -> None:
    size = 20_000_000

    async def ask() -> None:
        provider = Provider(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size, b"x" * size)
        async with calling(provider) as upstreams:
            answer = await upstreams.ask(request())
            assert answer is not None
            await asyncio.sleep(0.2)
            held = answer._connection._buffered
            assert held < 2_000_000
            read = 0
            async for part in answer.parts():
                assert isinstance(part, bytes)
                read += len(part)
            answer.close()
            assert read == size

    asyncio.run(ask())


def test_who_leaves_early_closes_the_connection() -> None:
    async def ask() -> None:
        provider = Provider(0.05, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", 0.05, b"c")
        async with calling(provider) as upstreams:
            answer = await upstreams.ask(request())
            assert answer is not None
            answer.close()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(upstreams.ask(request()), 0.01)
            await asyncio.sleep(0.2)
            assert (provider.connections, provider.closed) == (2, 2)

    asyncio.run(ask())


@pytest.mark.parametrize(
    "asked",
    [
        request(path="/x y"),
        request(path="/x\r\nx: y"),
        request(path="/é"),
        request("POST", ("x", "1\r\ny: 2")),
        request("POST", ("x", "1\x00")),
        request("POST", ("x", "\N{SNOWMAN}")),
        request("POST", ("x y", "1")),
        request("POST", ("", "1")),
        request("GET /other HTTP/1.1\r\n\r\nPOST"),
    ],
)
def test_what_would_be_another_request_is_not_sent(asked: ProviderRequest) -> None:
    provider = Provider(OK)
    assert only(provider, asked) is None
    assert provider.heads == []


def test_nor_by_an_entry_of_a_universal_request() -> None:
    with serve_in_thread(EmulatorConfig(upstreams={"openai": "http://127.0.0.1:9"})) as emulator:
        entry = {"provider": "openai", "endpoint": "x\r\ny: z", "headers": KEY, "query": {}}
        answer = httpx.post(emulator.gateway_url, content=json.dumps([entry]))
    assert (answer.status_code, answer.json()["internalCode"]) == (400, 2005)


def self_signed(folder: Path) -> Path:
    """A certificate of our own for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "provider.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_tls_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = self_signed(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)

    async def ask() -> Told | None:
        async with calling(Provider(OK), server) as upstreams:
            return await told(upstreams, request())

    assert asyncio.run(ask()) is None
    trusting = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr("aig_client.http._async_httpx_pool.shared_ssl_context", lambda: trusting)
    answer = asyncio.run(ask())
    assert answer is not None
    assert answer[2:] == (b"ok", True)
