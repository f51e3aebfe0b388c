"""One exchange under way: what was decided, what came back, and, once the answer has passed, the receipt."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

from ..core import Ask, Ended, Head, Meter, NoAnswer, Path, Plan, RawHeaders, Receipt, ResponseMetadata, Send
from ._options import Scope

OnReceipt = Callable[[Receipt], None]

EXTENSION: Final = "aig_client"
"""Where an httpx response carries its record, in ``response.extensions``."""

_LOG: Final = logging.getLogger("aig_client")
_TAIL: Final = 16 * 1024
_WHOLE: Final = 1024 * 1024


class Record:
    """Runs one path for a driver: the driver does what ``ask`` says and reports what came of it."""

    __slots__ = ("_on_receipt", "_path", "_scopes", "ask", "head", "plan", "receipt", "sent_at")

    def __init__(self, path: Path[Receipt], scopes: tuple[Scope, ...], on_receipt: OnReceipt | None) -> None:
        self._path = path
        self._scopes = scopes
        self._on_receipt = on_receipt
        self.ask: Ask[Any] = next(path)
        assert isinstance(self.ask, Send)
        self.plan: Plan = self.ask.plan
        self.head: Head | None = None
        self.receipt: Receipt | None = None
        self.sent_at = 0.0

    @property
    def wants_sending(self) -> bool:
        """Whether the path asks for a request to be sent, the first time or again."""
        return isinstance(self.ask, Send) and self.receipt is None

    def sending(self) -> Plan:
        """Note the time and give the plan to send."""
        assert isinstance(self.ask, Send)
        self.plan = self.ask.plan
        self.sent_at = perf_counter()
        return self.plan

    def answered(self, status: int, headers: RawHeaders) -> None:
        """Report the first bytes of an answer."""
        self.head = Head(status, headers, self.sent_at, perf_counter())
        self._tell(self.head)

    def unanswered(self, answer: NoAnswer) -> None:
        """Report that nobody answered; the receipt is there afterwards."""
        self._tell(answer)

    def delivered(self, meter: Meter) -> None:
        """Report that the answer has passed; the receipt is there afterwards. Later reports change nothing."""
        if self.receipt is None:
            self._tell(meter)

    def _tell(self, answer: Head | NoAnswer | Meter) -> None:
        try:
            self.ask = self._path.send(answer)
        except StopIteration as stop:
            receipt: Receipt = stop.value
            self.receipt = receipt
            for scope in self._scopes:
                scope.receipts.append(receipt)
            if self._on_receipt is not None:
                try:
                    self._on_receipt(receipt)
                except Exception:  # noqa: BLE001  (a listener never steers: its fault is told, the answer goes on)
                    _LOG.exception("on_receipt failed")

    @property
    def metadata(self) -> ResponseMetadata:
        """What the gateway says in the headers; there from the first byte on."""
        if self.head is None or self.plan.surface is None:
            return ResponseMetadata()
        return ResponseMetadata.from_headers(self.head.headers)


class Tally:
    """Keeps the first chunk and the last 8 to 16 KiB of what passes, and counts it. No chunk is looked into.

    Whoever lets chunks pass appends them to ``parts`` and calls ``trim`` when more than ``limit`` bytes are held: what
    is done for every chunk is done in the loop itself. Kept chunks are memory that the next ones cannot use again, so
    few are.
    """

    __slots__ = ("_dropped", "_record", "_start", "limit", "parts")

    def __init__(self, record: Record) -> None:
        self._record = record
        self._start: bytes | None = None
        self._dropped = 0
        self.parts: deque[bytes] = deque()
        self.limit = _TAIL

    def trim(self, held: int) -> tuple[int, int]:
        """Let go of the oldest of ``held`` bytes; return how many are held now, and the limit from now on."""
        if self._start is None:
            self._start = self.parts[0]
            head = self._record.head
            if head is not None and head.header(b"content-encoding") is not None:
                self.limit = _WHOLE  # what is compressed can be read only as a whole
        if held > self.limit:
            while len(self.parts) > 1 and held - len(self.parts[0]) >= _TAIL // 2:
                size = len(self.parts.popleft())
                held -= size
                self._dropped += size
        return held, self.limit

    def end(self, ended: Ended) -> None:
        """The body is over; only the first report counts."""
        if self._record.receipt is not None:
            return
        start = self._start or b""
        tail = b"".join(self.parts)
        size = self._dropped + len(tail)
        self._record.delivered(Meter(size, ended, perf_counter(), start[:_TAIL], tail, whole=not self._dropped))
