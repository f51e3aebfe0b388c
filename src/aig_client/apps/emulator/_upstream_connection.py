"""One connection to a real provider: HTTP/1.1 on asyncio, parsed by httptools as the other side of the emulator is.

A client library between them would take longer than all that the emulator does itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools

from ._messages import Break, Headers, Part

_READ_SECONDS = 600.0
_MOST_HEADER_BYTES = 128 * 1024
# What a reader may lag behind before the provider is made to wait.
_HIGH_WATER = 256 * 1024
# Up to here head and body leave in one piece.
_SMALL = 64 * 1024


class UpstreamConnection(asyncio.Protocol):
    """Carries one exchange after another: `ask`, then `parts`, then it is `reusable` or it is to be closed."""

    __slots__ = (
        "_buffered",
        "_complete",
        "_header_bytes",
        "_lines",
        "_lost",
        "_parser",
        "_pieces",
        "_transport",
        "_until_close",
        "_waiter",
        "_without_body",
        "idle_since",
        "status",
    )

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._lost = False
        self._waiter: asyncio.Future[None] | None = None
        self.idle_since = 0.0
        self._begin(without_body=False)
        self._complete = True

    def _begin(self, *, without_body: bool) -> None:
        self.status = 0
        self._lines: list[tuple[bytes, bytes]] = []
        self._header_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._complete = False
        self._until_close = False
        self._without_body = without_body

    # --- What an exchange needs ---

    async def ask(self, head: bytes, body: bytes, *, without_body: bool) -> bool:
        """Send a request, and wait for the head of its answer. False: none came.

        without_body: the answer has none, whatever it says of its length.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        self._begin(without_body=without_body)
        if len(body) <= _SMALL:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        while not self.status and await self._more():
            pass
        return self.status > 0

    @property
    def headers(self) -> Headers:
        """Of the answer; names in lower case."""
        return tuple((name.lower().decode("latin-1"), value.decode("latin-1")) for name, value in self._lines)

    async def parts(self) -> AsyncIterator[Part]:
        """The body of the answer as it arrives, and a `Break` where it breaks off."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                before, self._buffered = self._buffered, self._buffered - len(piece)
                if before > _HIGH_WATER >= self._buffered and self._transport is not None:
                    self._transport.resume_reading()
                yield piece
            if self._complete:
                return
            if not await self._more():
                yield Break()
                return

    @property
    def reusable(self) -> bool:
        """The last answer was read to its end, and both sides keep the connection."""
        whole = self._complete and not self._pieces and not self._lost
        return whole and self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Without a farewell: what is still to come is not wanted."""
        self._until_close = False
        if self._transport is not None:
            self._transport.abort()

    async def _more(self) -> bool:
        """Wait until something has come. False: nothing came, or nothing will."""
        if self._lost:
            return False
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(_READ_SECONDS, self.close)
        try:
            await self._waiter
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiter = None
        return bool(self._pieces or self._complete or not self._lost)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- What asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._complete:
            # Nobody asked.
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        # An answer without a length ends with its connection.
        self._complete = self._complete or (exc is None and self._until_close)
        self._wake()

    # --- What httptools calls; it stops at an exception, and `data_received` closes the connection ---

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("an answer to nothing")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MOST_HEADER_BYTES:
            raise ValueError("a head without an end")
        self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        names = {name.lower() for name, _ in self._lines}
        self._until_close = not names & {b"content-length", b"transfer-encoding"}
        self.status = status
        if self._without_body:
            self._end(keep=False)  # the parser waits for a body
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self._without_body:
            return
        self._pieces.append(body)
        before, self._buffered = self._buffered, self._buffered + len(body)
        if before <= _HIGH_WATER < self._buffered and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self.status:
            self._end(keep=self._parser.should_keep_alive())
        else:
            # 100 Continue, 103 Early Hints: the answer is still to come.
            self._lines.clear()

    def _end(self, *, keep: bool) -> None:
        self._complete = True
        if not keep and self._transport is not None:
            self._transport.close()
        self._wake()
