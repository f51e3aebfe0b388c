"""Servers of raw sockets: what they got is exactly what left the client, and they may misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

ACCOUNT: Final = "0123456789abcdef0123456789abcdef"
SSE_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n"  # handlers leave after one answer, and a client must not be left to find out
)
_PATIENCE: Final = 10.0


@dataclass(frozen=True)
class Recorded:
    """One request, byte for byte."""

    raw_head: bytes = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def method(self) -> str:
        return self.raw_head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.raw_head.split(b" ", 2)[1].decode()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        lines = self.raw_head.decode("latin-1").split("\r\n")[1:]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.pairs)


class Peer:
    """One accepted connection."""

    def __init__(self, connection: socket.socket, server: RawServer) -> None:
        self._connection = connection
        self._server = server
        self._buffer = b""

    def read(self) -> Recorded | None:
        """The next request, which the server notes; None when the client has left."""
        request = self.read_head()
        if request is None:
            return None
        if request.headers.get("transfer-encoding") == "chunked":
            while not self._buffer.endswith(b"0\r\n\r\n"):
                self._more()
            body, self._buffer = self._buffer, b""
        else:
            size = int(request.headers.get("content-length", "0"))
            while len(self._buffer) < size:
                self._more()
            body, self._buffer = self._buffer[:size], self._buffer[size:]
        request = Recorded(request.raw_head, body)
        self._server.requests.append(request)
        return request

    def read_head(self) -> Recorded | None:
        """The next request's head, with its body still to come."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return Recorded(head, b"")

    def drain(self) -> None:
        """Read and drop until the client leaves: to close on unread bytes would be to reset."""
        while self._more():
            self._buffer = b""

    def _more(self) -> bool:
        try:
            data = self._connection.recv(65_536)
        except OSError:
            return False
        self._buffer += data
        return bool(data)

    def send(self, *parts: bytes) -> bool:
        """Send raw bytes; False when the client has left."""
        try:
            self._connection.sendall(b"".join(parts))
        except OSError:
            return False
        return True

    def send_chunk(self, data: bytes) -> bool:
        """Send one chunk of a chunked body; ``b""`` ends it."""
        return self.send(f"{len(data):x}\r\n".encode(), data, b"\r\n")

    def answer(self, status: int = 200, headers: Sequence[tuple[str, str]] = (), body: bytes = b"{}") -> None:
        """Send a whole answer."""
        named = dict(headers)
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers)]
        if "content-type" not in {name.lower() for name in named}:
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1"), b"\r\n\r\n", body)

    def wait_until_left(self) -> bool:
        """Whether the client closed the connection, waiting for it a while."""
        self._connection.settimeout(_PATIENCE)
        try:
            return self._connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def reset(self) -> None:
        """Slam the door: the client sees a connection reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self._connection.close()


class RawServer:
    """Serves each connection with ``handle`` in a thread of its own, on a free port of 127.0.0.1."""

    def __init__(self, handle: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> None:
        self._handle = handle
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.requests: list[Recorded] = []
        self.failures: list[BaseException] = []
        self.port: int = self._listener.getsockname()[1]

    @property
    def connection_count(self) -> int:
        """How many connections were ever made."""
        return len(self._connections)

    def url(self, path: str = "", *, host: str = "127.0.0.1") -> str:
        """A URL at this server."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    @property
    def base_url(self) -> str:
        """The base URL of a gateway at this server."""
        return self.url(f"/v1/{ACCOUNT}/fake")

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except OSError:  # the client does not trust us
                    return
            self._handle(Peer(connection, self))
        except BaseException as error:  # noqa: BLE001  (shown by `serving`, in the test's own thread)
            if not self._closing:
                self.failures.append(error)
        finally:
            connection.close()

    def close(self) -> None:
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)


@contextmanager
def serving(handle: Callable[[Peer], None], *, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server for the length of a block; what went wrong in its threads is raised at the end."""
    server = RawServer(handle, tls)
    acceptor = threading.Thread(target=server.accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.close()
        acceptor.join(_PATIENCE)
    if server.failures:
        raise server.failures[0]


def answering(respond: Callable[[Recorded, Peer], None]) -> Callable[[Peer], None]:
    """Serve requests one after another, as long as the client stays."""

    def handle(peer: Peer) -> None:
        while (request := peer.read()) is not None:
            respond(request, peer)

    return handle


def json_for(request: Recorded) -> bytes:
    """An answer that the SDK which sent ``request`` can read."""
    if "messages" in request.target and "completions" not in request.target:
        return (
            b'{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],'
            b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}'
        )
    if "generateContent" in request.target:
        return b'{"candidates":[{"content":{"role":"model","parts":[{"text":"x"}]},"finishReason":"STOP"}]}'
    return (
        b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":'
        b'"stop","message":{"role":"assistant","content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,'
        b'"total_tokens":2}}'
    )
