"""HTTP/1.1 by hand: a client that may also send what no client sends."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

_RESET = struct.pack("ii", 1, 0)
_PATIENCE = 20.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cache(self) -> str | None:
        return self.headers.get("cf-aig-cache-status")


def chat(text: str = "Hello", **fields: object) -> bytes:
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": text}], **fields}
    return json.dumps(body).encode()


def request(
    path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, *, length: int | None = None
) -> bytes:
    """A POST. length: what its head promises, where that is not the truth."""
    content = chat() if body is None else body
    lines = {"host": "127.0.0.1", "authorization": "Bearer sk-test-load", "content-type": "application/json"}
    lines |= {"content-length": str(len(content) if length is None else length), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + content


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Peer:
        peer = cls(*await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), _PATIENCE))
        peer._socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer

    @classmethod
    @asynccontextmanager
    async def opened(cls, port: int) -> AsyncGenerator[Peer]:
        peer = await cls.open(port)
        try:
            yield peer
        finally:
            peer.writer.close()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        """A whole answer. Raises `asyncio.IncompleteReadError` or `ConnectionError` if none comes."""
        return await asyncio.wait_for(self._answer(), _PATIENCE)

    async def _answer(self) -> Answer:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, b"".join([chunk async for chunk in self.chunks()]))
        return Answer(status, headers, await self.reader.readexactly(int(headers["content-length"])))

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The chunks of a body whose head has been read."""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)

    def reset(self) -> None:
        """Break off: the server sees a reset, as from a client that crashed."""
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()

    def _socket(self) -> socket.socket:
        found: socket.socket = self.writer.get_extra_info("socket")
        return found


async def ask(port: int, raw: bytes) -> Answer:
    async with Peer.opened(port) as peer:
        peer.send(raw)
        return await peer.answer()
