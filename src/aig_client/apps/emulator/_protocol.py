"""uvicorn's HTTP protocol, with what an emulator needs more: a way to reset a connection, and a bound on headers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ._messages import ABORT, WHEN_GONE

_MOST_HEADER_BYTES = 128 * 1024
# Linger for 0 seconds: the peer sees a reset, as from a crashed host, and not an orderly end.
_RESET = struct.pack("ii", 1, 0)


class EmulatorProtocol(HttpToolsProtocol):
    """One connection."""

    # In slots: two attributes more in its dict, and every connection would have a dict of its own, a kilobyte larger.
    __slots__ = ("_header_bytes", "_when_gone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (uvicorn's own)
        super().__init__(*args, **kwargs)
        self._header_bytes = 0
        self._when_gone: Callable[[], None] = _nothing

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        cast("dict[str, Any]", self.scope)["extensions"] = {ABORT: self._break_off, WHEN_GONE: self._tell_when_gone}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        # httptools itself has no bound.
        if self._header_bytes > _MOST_HEADER_BYTES:
            self.transport.abort()
            return
        super().on_header(name, value)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._when_gone()

    def _tell_when_gone(self, tell: Callable[[], None]) -> None:
        """Call this when the client is gone. The next request's call replaces it."""
        self._when_gone = tell

    def _break_off(self, started: bool) -> None:
        """Reset the connection; once an answer has started, only end it, so that what was sent arrives."""
        if started:
            self.transport.close()
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


def _nothing() -> None: ...
