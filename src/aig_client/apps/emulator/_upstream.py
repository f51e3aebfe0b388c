"""Real providers behind the emulator, by option: passes bytes on as they arrive. On asyncio."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import anyio

from ._messages import Headers, Part, ProviderRequest
from ._upstream_connection import UpstreamConnection

_CONNECT_SECONDS = 5.0
_KEEP_SECONDS = 30.0
_MOST_IDLE = 64
_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\0\r\n]*")
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


@dataclass(slots=True)
class _Host:
    """Where a provider's requests go, and the connections to it that wait for the next one, the newest last."""

    name: str
    port: int
    tls: ssl.SSLContext | None
    header: str
    path: str
    idle: deque[UpstreamConnection] = field(default_factory=deque[UpstreamConnection])

    async def lend(self) -> UpstreamConnection:
        """A connection that is free. Raises `OSError` where none can be made, and `UnicodeError` for no host's name."""
        loop = asyncio.get_running_loop()
        while self.idle:
            connection = self.idle.pop()
            if connection.reusable and loop.time() - connection.idle_since < _KEEP_SECONDS:
                return connection
            connection.close()
        name = self.name if self.tls is not None else None
        with anyio.fail_after(_CONNECT_SECONDS):
            _, connection = await loop.create_connection(
                UpstreamConnection, self.name, self.port, ssl=self.tls, server_hostname=name
            )
        return connection

    def give_back(self, connection: UpstreamConnection) -> None:
        if not connection.reusable or len(self.idle) >= _MOST_IDLE:
            connection.close()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self.idle.append(connection)


class UpstreamAnswer:
    """A provider's answer whose head has arrived. Close it, read or not."""

    __slots__ = ("_connection", "_host", "headers", "status")

    def __init__(self, connection: UpstreamConnection, host: _Host) -> None:
        self._connection = connection
        self._host = host
        self.status = connection.status
        self.headers: Headers = connection.headers

    def parts(self) -> AsyncIterator[Part]:
        """Its body as it arrives, and a `Break` where it breaks off."""
        return self._connection.parts()

    def close(self) -> None:
        """Keep the connection for the next request, if this answer has been read to its end."""
        self._host.give_back(self._connection)


class Upstreams:
    """Calls the real provider of a slug that has one. Close it when the server ends.

    No redirects, no cookies, no proxy and no netrc from the environment: a request goes where the option says, as it
    is.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._hosts = {slug: _host_of(url) for slug, url in targets.items()}

    def has(self, provider: str) -> bool:
        return provider in self._hosts

    async def ask(self, request: ProviderRequest) -> UpstreamAnswer | None:
        """The provider's answer with its body unread; `None` when nobody answers, or it cannot be asked so."""
        host = self._hosts[request.provider]
        head = _head(request, host)
        if head is None:
            return None
        try:
            connection = await host.lend()
        except (OSError, UnicodeError):
            return None
        if await connection.ask(head, request.body, without_body=request.method == "HEAD"):
            return UpstreamAnswer(connection, host)
        connection.close()
        return None

    def close(self) -> None:
        for host in self._hosts.values():
            while host.idle:
                host.idle.pop().close()


def _host_of(url: str) -> _Host:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    header = parts.netloc.rpartition("@")[2]
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    return _Host(parts.hostname or "", parts.port or (443 if secure else 80), _tls() if secure else None, header, path)


def _tls() -> ssl.SSLContext:
    # The client's own trust. Here, because it brings httpx.
    from ...http._async_httpx_pool import shared_ssl_context

    context = shared_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _head(request: ProviderRequest, host: _Host) -> bytes | None:
    """`None`: an entry of a Universal request has put into a path or a header what cannot stand there."""
    target = f"{host.path}{request.path}{'?' + request.query if request.query else ''}"
    # `identity`: bytes are stored and replayed as they come, to callers that may accept no compression.
    lines = [("host", host.header), *request.headers, ("accept-encoding", "identity")]
    if request.body or request.method in _WITH_BODY:
        lines.append(("content-length", str(len(request.body))))
    fit = _NAME.fullmatch(request.method) and _TARGET.fullmatch(target)
    if not fit or not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in lines):
        return None
    text = "".join(
        [f"{request.method} {target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in lines), "\r\n"]
    )
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None
