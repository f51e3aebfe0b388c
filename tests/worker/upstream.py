"""A server that the test leads by the hand: it sends what it is told, when it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"


class Upstream:
    """One server; ``outbox`` holds what its next answer sends, an empty piece ends it."""

    def __init__(self) -> None:
        self.outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.abandoned = asyncio.Event()
        """Set when the other side went away before the answer was complete."""
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        gone = asyncio.create_task(reader.read())
        try:
            while True:
                told = asyncio.create_task(self.outbox.get())
                await asyncio.wait({gone, told}, return_when=asyncio.FIRST_COMPLETED)
                if not told.done():
                    told.cancel()
                    self.abandoned.set()
                    return
                piece = told.result()
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                if not piece:
                    return
        finally:
            gone.cancel()
            with suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()


@asynccontextmanager
async def upstream() -> AsyncGenerator[Upstream]:
    one = Upstream()
    server = await asyncio.start_server(one.answer, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        yield one
