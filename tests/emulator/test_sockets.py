"""Over real sockets with plain httpx."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, create_app, serve_in_thread

from .driver import KEY, chat

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(headers=KEY, timeout=20) as client:
        yield client


def url(emulator: RunningEmulator, path: str = "/chat/completions") -> str:
    return emulator.base_url("openai") + path


def test_miss_then_hit_then_expiry(http: httpx.Client) -> None:
    with serve_in_thread() as emulator:
        headers = {"cf-aig-cache-key": "k", "cf-aig-cache-ttl": "60"}

        def status() -> str:
            return http.post(url(emulator), content=chat(), headers=headers).headers["cf-aig-cache-status"]

        assert [status(), status()] == ["MISS", "HIT"]
        emulator.advance(61)
        assert status() == "MISS"
        assert [entry.cache_status for entry in emulator.log] == ["MISS", "HIT", "MISS"]
        assert len(emulator.provider_calls) == 2


def test_a_hit_is_faster_than_the_provider(http: httpx.Client) -> None:
    with serve_in_thread(EmulatorConfig(latency_ms=300)) as emulator:
        times: list[float] = []
        for _ in range(2):
            start = time.perf_counter()
            http.post(url(emulator), content=chat(), headers={"cf-aig-cache-key": "k"})
            times.append(time.perf_counter() - start)
    assert times[0] >= 0.3
    assert times[1] < 0.3


def test_a_stream_comes_with_its_ids_and_is_replayed_on_a_hit(emulator: RunningEmulator, http: httpx.Client) -> None:
    bodies: list[bytes] = []
    for status in ("MISS", "HIT"):
        headers = {"cf-aig-cache-key": "stream"}
        with http.stream("POST", url(emulator), content=chat(stream=True), headers=headers) as response:
            assert response.headers["cf-aig-cache-status"] == status
            assert response.headers["cf-aig-log-id"]
            assert response.headers["content-type"].startswith("text/event-stream")
            bodies.append(response.read())
    assert bodies[0] == bodies[1]


def test_e1_over_the_wire(guarded: RunningEmulator, http: httpx.Client) -> None:
    response = http.post(url(guarded), content=chat())
    assert response.status_code == 401
    assert response.json()["error"] == [{"code": 2009, "message": "Unauthorized"}]


def test_gateway_headers_stop_at_the_gateway(guarded: RunningEmulator, http: httpx.Client) -> None:
    headers = {
        "cf-aig-authorization": "Bearer local-token",
        "cf-aig-metadata": "{}",
        "cf-aig-skip-cache": "true",
    }
    assert http.post(url(guarded), content=chat(), headers=headers).status_code == 200
    call = guarded.provider_calls[-1]
    assert not [name for name in call.header_names if name.startswith("cf-")]
    assert "authorization" in call.header_names


def test_too_large_a_body_is_413_and_the_server_stays_up(http: httpx.Client) -> None:
    with serve_in_thread(EmulatorConfig(max_body_bytes=MEBIBYTE)) as emulator:
        assert http.post(url(emulator), content=b"x" * (MEBIBYTE + 1)).status_code == 413
        chunked = (b"x" * 65_536 for _ in range(32))
        assert http.post(url(emulator), content=chunked).status_code == 413
        assert http.post(url(emulator), content=chat()).status_code == 200
        assert [entry.status for entry in emulator.log] == [413, 413, 200]


def test_an_uncacheable_large_body_is_served(http: httpx.Client) -> None:
    with serve_in_thread(EmulatorConfig(cacheable_bytes=MEBIBYTE)) as emulator:
        big = chat("x" * MEBIBYTE)
        headers = {"cf-aig-cache-key": "k"}
        statuses = [
            http.post(url(emulator), content=big, headers=headers).headers["cf-aig-cache-status"] for _ in range(2)
        ]
    assert statuses == ["MISS", "MISS"]


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /%00%ff%zz HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ],
    ids=["nonsense", "tls", "negative", "aborted", "long-path", "long-header", "bad-percent", "websocket"],
)
def test_broken_http_leaves_the_server_up(emulator: RunningEmulator, http: httpx.Client, raw: bytes) -> None:
    port = urlsplit(emulator.origin).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=5) as peer:
        peer.settimeout(0.3)
        try:
            peer.sendall(raw)
            peer.recv(65_536)
        except (TimeoutError, ConnectionError):
            pass
    assert http.post(url(emulator), content=chat()).status_code == 200


def test_a_client_that_leaves_in_mid_stream_leaves_the_server_up(emulator: RunningEmulator, http: httpx.Client) -> None:
    for _ in range(20):
        with http.stream("POST", url(emulator), content=chat(stream=True)) as response:
            next(response.iter_raw(1))
    assert http.post(url(emulator), content=chat()).status_code == 200


@pytest.mark.anyio
async def test_200_concurrent_requests(emulator: RunningEmulator) -> None:
    outcomes: list[tuple[int, str]] = []

    async def one(client: httpx.AsyncClient, number: int) -> None:
        headers = {"cf-aig-cache-key": f"c-{number % 10}"}
        stream = number % 2 == 0
        response = await client.post(url(emulator), content=chat(stream=stream), headers=headers)
        outcomes.append((response.status_code, response.headers["cf-aig-cache-status"]))

    async with httpx.AsyncClient(headers=KEY, timeout=30) as client, anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(one, client, number)
    assert len(outcomes) == 200
    assert {status for status, _ in outcomes} == {200}
    assert {cache for _, cache in outcomes} == {"MISS", "HIT"}


@pytest.mark.anyio
async def test_concurrent_identical_misses_both_reach_the_provider() -> None:
    with serve_in_thread(EmulatorConfig(latency_ms=200)) as emulator:
        caches: list[str] = []

        async def one(client: httpx.AsyncClient) -> None:
            response = await client.post(url(emulator), content=chat(), headers={"cf-aig-cache-key": "k"})
            caches.append(response.headers["cf-aig-cache-status"])

        async with httpx.AsyncClient(headers=KEY, timeout=30) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(one, client)
            tasks.start_soon(one, client)
        assert caches == ["MISS", "MISS"]
        assert len(emulator.provider_calls) == 2


@pytest.mark.anyio
async def test_create_app_runs_in_process_with_an_injected_clock_and_ids() -> None:
    now = 1_800_000_000.0
    app = create_app(EmulatorConfig(), clock=lambda: now, ids=lambda moment: f"id-at-{moment:.0f}")
    transport = httpx.ASGITransport(app=app)
    base = f"http://local/v1/{EmulatorConfig().account}/demo/openai"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=KEY) as client:
        response = await client.post("/chat/completions", content=chat())
    assert response.headers["cf-aig-log-id"] == "id-at-1800000000"
    assert app.state.gateway.log[0].at == now


def test_emulators_stop_cleanly_and_free_their_port() -> None:
    before = threading.active_count()
    origins: set[str] = set()
    for _ in range(3):
        with serve_in_thread() as emulator:
            origins.add(emulator.origin)
            assert httpx.get(emulator.origin).status_code == 404
        with pytest.raises(httpx.ConnectError):
            httpx.get(emulator.origin)
    assert threading.active_count() == before


def test_answers_do_not_wait_for_an_ack(emulator: RunningEmulator, http: httpx.Client) -> None:
    """Without TCP_NODELAY each answer on a kept connection takes 40 ms."""
    headers = {"cf-aig-cache-key": "nodelay"}
    times: list[float] = []
    for _ in range(20):
        start = time.perf_counter()
        http.post(url(emulator), content=chat(), headers=headers)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.03
