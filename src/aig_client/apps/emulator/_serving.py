"""Runs the emulator under uvicorn: on loopback only, in this process or in a thread of it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from ._config import EmulatorConfig
from ._gateway import Gateway
from ._ids import id_source
from ._journal import Journal
from ._messages import IdSource
from ._protocol import EmulatorProtocol
from ._running import MovableClock, RunningEmulator
from ._scenario import Scenario
from ._server import app_around

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_BACKLOG = 2048
_IDLE_SECONDS = 75
_MOST_MESSAGE_BYTES = 1024 * 1024


class Server(uvicorn.Server):
    """A uvicorn server that tells when it is ready and ends quietly on a signal."""

    def __init__(self, app: ASGIApp, on_ready: Callable[[], None], *, exit_after: float | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                interface="asgi3",
                lifespan="on",
                http=EmulatorProtocol,
                ws="websockets-sansio",
                ws_max_size=_MOST_MESSAGE_BYTES,
                timeout_keep_alive=_IDLE_SECONDS,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=2,
            )
        )
        self._on_ready = on_ready
        self._exit_after = exit_after

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self._exit_after is not None:
            asyncio.get_running_loop().call_later(self._exit_after, self.stop)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's signature)
        # uvicorn would raise the signal again after its clean end; a stopped emulator has ended well.
        self.force_exit = self.should_exit
        self.should_exit = True

    def stop(self) -> None:
        self.should_exit = True


def loopback_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `ValueError` if the host is not loopback, `OSError` if the port is taken."""
    if host not in LOOPBACK_HOSTS:
        raise ValueError(f"the emulator binds to loopback only ({', '.join(LOOPBACK_HOSTS)}), not to {host!r}")
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it answers wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1" if host == "localhost" else host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def origin_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_until_stopped(
    gateway: Gateway,
    listener: socket.socket,
    on_ready: Callable[[str], None],
    while_idle: Callable[[], None],
    exit_after: float | None = None,
) -> None:
    """Serve until a signal, or for `exit_after` seconds. `on_ready` gets the origin."""
    app = app_around(gateway, time.time, while_idle=while_idle)
    Server(app, lambda: on_ready(origin_of(listener)), exit_after=exit_after).run([listener])
    while_idle()


@contextmanager
def serve_in_thread(
    config: EmulatorConfig | None = None,
    *,
    scenario: Scenario | None = None,
    journal: Journal | None = None,
    ids: IdSource | None = None,
) -> Generator[RunningEmulator, None, None]:
    """Serve on a free port of 127.0.0.1 in a daemon thread for the length of a `with` block."""
    settings = config or EmulatorConfig()
    source = ids or id_source(settings.log_id_shape)
    gateway = Gateway(settings, ids=source, scenario=scenario, journal=journal)
    clock = MovableClock()
    ready = threading.Event()
    listener = loopback_socket("127.0.0.1", 0)
    origin = origin_of(listener)
    server = Server(app_around(gateway, clock), ready.set)
    thread = threading.Thread(target=server.run, args=([listener],), name="aig-emulator", daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise RuntimeError("the emulator did not start")
        yield RunningEmulator(origin, gateway, clock)
    finally:
        server.stop()
        thread.join(_STOP_SECONDS)
        listener.close()
