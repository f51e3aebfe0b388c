"""The ASGI shell: reads requests, asks the pure gateway, carries its decisions out. It decides nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import httpx
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from ._config import EmulatorConfig
from ._gateway import Gateway
from ._ids import random_ids
from ._messages import Forward, GatewayRequest, Head, Headers, IdSource, ProviderAnswer, Reply
from ._providers import provider_answer
from ._upstream import Upstreams

Clock = Callable[[], float]
"""Gives the time in Unix seconds."""

# How much of a body past the limit is read and thrown away, so that the client gets to read its 413.
_DRAIN_FACTOR = 4
_BODYLESS = frozenset((204, 304))


def create_app(
    config: EmulatorConfig | None = None, *, clock: Clock = time.time, ids: IdSource | None = None
) -> Starlette:
    """An ASGI application that is one emulated gateway. Its `Gateway` is `app.state.gateway`.

    clock: Unix seconds. ids: one new identifier for each request; by default random UUIDv7s.
    """
    settings = config or EmulatorConfig()
    return app_around(Gateway(settings, ids=ids or random_ids()), clock)


def app_around(gateway: Gateway, clock: Clock) -> Starlette:
    """The same, around a gateway that the caller already holds."""
    shell = _Shell(gateway, clock)
    app = Starlette(routes=[Mount("/", app=shell)], lifespan=shell.lifespan)
    app.state.gateway = gateway
    return app


class _ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class _Shell:
    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._limit = gateway.config.max_body_bytes
        self._latency = gateway.config.latency_ms / 1000
        self._upstreams: Upstreams | None = None

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None, None]:
        targets = self._gateway.config.upstreams
        if not targets:
            yield
            return
        self._upstreams = Upstreams(targets)
        try:
            yield
        finally:
            await self._upstreams.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the emulator speaks HTTP only, not {scope['type']}")
        try:
            body = await _read_body(receive, self._limit)
        except _ClientGoneError:
            return
        now = self._clock()
        request = _request(scope, body or b"")
        decision = self._gateway.too_large(request, now) if body is None else self._gateway.receive(request, now)
        if isinstance(decision, Reply):
            await _send_whole(send, decision.status, decision.headers, decision.body, request.method)
            return
        self._gateway.called(decision)
        if self._upstreams is not None and self._upstreams.has(decision.provider):
            await self._pass_through(self._upstreams, decision, receive, send)
        else:
            await self._imitate(decision, send)

    async def _imitate(self, forward: Forward, send: Send) -> None:
        if self._latency:
            await anyio.sleep(self._latency)
        answer = provider_answer(forward, self._gateway.config.provider_keys)
        now = self._clock()
        head = self._gateway.answered(forward, answer.status, answer.headers, now)
        # Stored before the last byte leaves: who has read the answer may count on the entry.
        if head.keep:
            self._gateway.store(forward, head, b"".join(answer.frames), now)
        if len(answer.frames) == 1:
            await _send_whole(send, head.status, head.headers, answer.frames[0], forward.request.method)
        else:
            await _send_frames(send, head, answer)

    async def _pass_through(self, upstreams: Upstreams, forward: Forward, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
            await self._carry(upstreams, forward, send)
            tasks.cancel_scope.cancel()

    async def _carry(self, upstreams: Upstreams, forward: Forward, send: Send) -> None:
        started = False
        try:
            async with upstreams.open(forward) as response:
                lines = tuple((name.lower(), value) for name, value in response.headers.multi_items())
                head = self._gateway.answered(forward, response.status_code, lines, self._clock())
                await _send_head(send, head.status, head.headers)
                started = True
                kept = bytearray()
                async for chunk in response.aiter_raw():
                    await _send_part(send, chunk)
                    if head.keep and len(kept) <= self._gateway.config.cache_bytes:
                        kept += chunk
                if len(kept) <= self._gateway.config.cache_bytes:
                    self._gateway.store(forward, head, bytes(kept), self._clock())
                await _send_end(send)
        except httpx.HTTPError:
            # After the head only an aborted connection is honest: the server closes it when no end is sent.
            if not started:
                reply = self._gateway.unreachable(forward, self._clock())
                await _send_whole(send, reply.status, reply.headers, reply.body, forward.request.method)


def _request(scope: Scope, body: bytes) -> GatewayRequest:
    headers: dict[str, str] = {}
    raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    method: str = scope["method"]
    return GatewayRequest(method, path.decode("latin-1"), query.decode("latin-1"), headers, body)


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body. `None`: it is larger than the limit, and was read on for a while and dropped."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _ClientGoneError
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(first) <= limit:
        return first
    parts, size = [first], len(first)
    more: bool = message.get("more_body", False)
    while more and size <= limit * _DRAIN_FACTOR:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size <= limit:
            parts.append(part)
        else:
            parts.clear()
    return b"".join(parts) if size <= limit else None


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _send_whole(send: Send, status: int, headers: Headers, body: bytes, method: str) -> None:
    empty = status in _BODYLESS
    length: Headers = () if empty else (("content-length", str(len(body))),)
    await _send_head(send, status, headers + length)
    await send({"type": "http.response.body", "body": b"" if empty or method == "HEAD" else body, "more_body": False})


async def _send_frames(send: Send, head: Head, answer: ProviderAnswer) -> None:
    await _send_head(send, head.status, head.headers)
    for frame in answer.frames:
        await _send_part(send, frame)
        # Lets the server write this frame out and serve others: a stream must arrive as a stream.
        await anyio.lowlevel.checkpoint()
    await _send_end(send)


async def _send_head(send: Send, status: int, headers: Headers) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _send_part(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


async def _send_end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})
