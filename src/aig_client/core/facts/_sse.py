"""An incremental reader of event streams (WHATWG HTML, "Server-sent events"), fed with bytes split anywhere."""

from __future__ import annotations

import json
from typing import Any, Final, Generic, NamedTuple, TypeVar

from .._depth import shallow

END_MARK: Final = b"[DONE]"
"""The data of OpenAI's last event, which is no JSON and says nothing that the end does not."""

_BOM: Final = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: ``data`` as UTF-8 bytes, lines joined by LF; ``event`` is ``"message"`` unless it was named."""

    data: bytes
    event: str = "message"
    id: str = ""

    def json(self) -> Any:  # noqa: ANN401  (the JSON boundary)
        """The data as JSON; ``ValueError`` where it is none (OpenAI ends its streams with ``[DONE]``)."""
        return json.loads(shallow(self.data.decode("utf-8", "surrogatepass")))


Event = TypeVar("Event", bound=ServerSentEvent)


class EventReader(Generic[Event]):
    """Bytes in, events out. An event that its blank line never followed is dropped, as the standard has it."""

    __slots__ = ("_buffer", "_cr", "_first", "_kind", "_last_id")

    def __init__(self, kind: type[Event]) -> None:
        self._kind = kind
        self._buffer = b""
        self._cr = False
        self._first = True
        self._last_id = ""

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes and return the events that they complete."""
        # One whole event of one data line: what providers send, almost always.
        one_line = chunk[:6] == b"data: " and chunk.find(b"\n") == len(chunk) - 2 and chunk[-1:] == b"\n"
        if one_line and not self._buffer and not self._cr and b"\r" not in chunk:
            self._first = False
            return [self._kind(chunk[6:-2], "message", self._last_id)]
        if not chunk:
            return []  # else it would come between a CR and its LF
        if self._cr or b"\r" in chunk:
            chunk = self._unify(chunk)
        buffer = self._buffer + chunk if self._buffer else chunk
        if self._first:
            if len(buffer) < 3 and _BOM.startswith(buffer):
                self._buffer = buffer
                return []
            self._first = False
            buffer = buffer.removeprefix(_BOM)
        if b"\n\n" not in buffer and not buffer.startswith(b"\n"):
            self._buffer = buffer
            return []
        *blocks, self._buffer = buffer.split(b"\n\n")
        events = []
        for block in blocks:
            event = self._event(block)
            if event is not None:
                events.append(event)
        # "a\n\n\nb": the third newline is an empty line of its own and begins the rest.
        self._buffer = self._buffer.lstrip(b"\n")
        return events

    def _unify(self, chunk: bytes) -> bytes:
        """Turn CRLF and CR into LF, with a CR at the very end held in mind: its LF may come next."""
        ends_in_cr = chunk.endswith(b"\r")
        if self._cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._cr = ends_in_cr
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _event(self, block: bytes) -> Event | None:
        if block.startswith(b"data: ") and b"\n" not in block:
            return self._kind(block[6:], id=self._last_id)
        data: list[bytes] = []
        name = b""
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
            elif field == b"id" and b"\0" not in value:
                self._last_id = value.decode("utf-8", "replace")
        if not data:
            return None
        return self._kind(b"\n".join(data), name.decode("utf-8", "replace") or "message", self._last_id)
