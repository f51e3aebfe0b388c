"""The ASGI application: HTTP and WebSocket at the front, the shell behind."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from sys import intern

import anyio
import anyio.lowlevel
from starlette.applications import Starlette
from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ._config import EmulatorConfig
from ._gateway import FAULT_HEADER, Gateway
from ._ids import id_source
from ._journal import Journal
from ._messages import ABORT, WHEN_GONE, GatewayRequest, Headers, IdSource
from ._scenario import Scenario
from ._shell import Clock, Shell
from ._websocket import serve_websocket

# How much of a body past the limit is read and thrown away, so that the client gets to read its 413.
_DRAIN_FACTOR = 4
_BODYLESS = frozenset((204, 304))
_IDLE_SECONDS = 0.1


def create_app(
    config: EmulatorConfig | None = None,
    *,
    scenario: Scenario | None = None,
    journal: Journal | None = None,
    clock: Clock = time.time,
    ids: IdSource | None = None,
) -> Starlette:
    """An ASGI application that is one emulator. Its `Gateway` is `app.state.gateway`.

    It runs on asyncio where the config has upstreams. scenario: answers and faults by rule. journal: keeps state.
    clock: Unix seconds. ids: one new identifier for each request; by default random, in the configured shape.
    """
    settings = config or EmulatorConfig()
    source = ids or id_source(settings.log_id_shape)
    gateway = Gateway(settings, ids=source, scenario=scenario, journal=journal)
    front = _Front(gateway, clock, None)
    app = Starlette(routes=[Mount("/", app=front)], lifespan=front.lifespan)
    app.state.gateway = gateway
    return app


def app_around(gateway: Gateway, clock: Clock, *, while_idle: Callable[[], None] | None = None) -> ASGIApp:
    """The same for our own server, around a gateway that the caller already holds.

    Without Starlette's middleware, which would take a tenth of the memory of a stream. `while_idle` is called every
    tenth of a second.
    """
    front = _Front(gateway, clock, while_idle)
    starting = Router(lifespan=front.lifespan)

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (starting if scope["type"] == "lifespan" else front)(scope, receive, send)

    return serve


class _ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class _Front:
    def __init__(self, gateway: Gateway, clock: Clock, while_idle: Callable[[], None] | None) -> None:
        self._gateway = gateway
        self._while_idle = while_idle or (lambda: None)
        self._limit = gateway.config.max_body_bytes
        self._shell = Shell(gateway, clock, None)

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None, None]:
        targets = self._gateway.config.upstreams
        if targets:  # else no HTTP client is loaded
            from ._upstream import Upstreams

            self._shell.upstreams = Upstreams(targets)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_up)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                self._gateway.journal.close()
                if self._shell.upstreams is not None:
                    self._shell.upstreams.close()

    async def _keep_up(self) -> None:
        while True:
            await anyio.sleep(_IDLE_SECONDS)
            self._gateway.journal.commit()
            self._while_idle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await serve_websocket(self._shell, request_of(scope, b""), receive, send)
            return
        try:
            body = await _read_body(receive, self._limit)
        except _ClientGoneError:
            return
        request = request_of(scope, body or b"")
        sink = _HttpSink(send, request.method == "HEAD", scope.get("extensions", {}).get(ABORT))
        if body is None:
            reply = self._gateway.too_large(request, self._shell.clock())
            await sink.whole(reply.status, reply.headers, reply.body)
        elif self._may_wait(request):
            tell = scope.get("extensions", {}).get(WHEN_GONE)
            await _while_connected(receive, tell, lambda: self._shell.serve(request, sink))
        else:
            await self._shell.serve(request, sink)

    def _may_wait(self, request: GatewayRequest) -> bool:
        """An answer may take its time, so that it matters whether anybody waits for it."""
        slow = self._shell.upstreams is not None or bool(self._gateway.scenario.rules)
        return slow or FAULT_HEADER in request.headers


def request_of(scope: Scope, body: bytes) -> GatewayRequest:
    headers: dict[str, str] = {}
    raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
    for raw_name, raw_value in raw_headers:
        # Names recur from request to request, and the log keeps them.
        name, value = intern(raw_name.decode("latin-1")), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    # A WebSocket's handshake is a GET.
    method: str = scope.get("method", "GET")
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


async def _while_connected(
    receive: Receive, tell: Callable[[Callable[[], None]], None] | None, work: Callable[[], Awaitable[None]]
) -> None:
    if tell is not None:
        with anyio.CancelScope() as gone:
            tell(gone.cancel)
            await work()
        tell(_nothing)
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
        await work()
        tasks.cancel_scope.cancel()


def _nothing() -> None: ...


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


class _HttpSink:
    """Answers go to an HTTP response."""

    __slots__ = ("_abort", "_head_only", "_send", "_started")

    def __init__(self, send: Send, head_only: bool, abort: Callable[[bool], None] | None) -> None:
        self._send = send
        self._head_only = head_only
        self._abort = abort
        self._started = False

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        empty = status in _BODYLESS
        length: Headers = () if empty else (("content-length", str(len(body))),)
        await self.head(status, headers + length)
        sent = b"" if empty or self._head_only else body
        await self._send({"type": "http.response.body", "body": sent, "more_body": False})

    async def head(self, status: int, headers: Headers) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
        self._started = True

    async def part(self, chunk: bytes) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def abort(self) -> None:
        if self._abort is not None:
            self._abort(self._started)
            # Lets the server see that the connection is gone before this request ends without an end.
            await anyio.lowlevel.checkpoint()
        elif not self._started:
            await self.whole(502, (), b"")
        # Started and without the extension: the server closes the connection when no end is sent.
