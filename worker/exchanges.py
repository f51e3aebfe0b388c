"""The Worker's driver of the shared path: fetch answers ``Send``, a stream that Python need not touch ``Deliver``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import crossing
from binding import through
from js import AbortSignal

from aig_client.core import Deliver, Ended, Head, Meter, NoAnswer, Path, Plan, Receipt, Request, Send

_TAIL: Final = 16 * 1024
_NOT_ON: Final = frozenset(
    {
        *("connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te", "proxy-authenticate"),
        *("content-length", "set-cookie", "cf-ray", "server", "alt-svc"),
    }
)
Settled = Callable[[Receipt], Any]


class Exchange:
    """One exchange: ask, hand over, and settle once the answer has passed."""

    def __init__(self, path: Path[Receipt], request: Request, ai: Any = None) -> None:
        self._path = path
        self._request = request
        self._ai = ai  # where the gateway is reached through the Worker's binding
        self._upstream: Any = None
        self.receipt: Receipt | None = None
        self.plan: Plan | None = None
        self.head: Head | None = None

    async def open(self) -> Any:
        """Send until somebody answers: JavaScript's ``Response``. None: nobody did, and the receipt says why."""
        ask = next(self._path)
        while True:
            if isinstance(ask, Send):
                answer: Head | NoAnswer = await self._send(ask.plan)
            else:
                assert isinstance(ask, Deliver)
                self.plan, self.head = ask.plan, ask.head
                return self._upstream
            try:
                ask = self._path.send(answer)
            except StopIteration as stop:
                self.receipt = stop.value
                return None

    async def _send(self, plan: Plan) -> Head | NoAnswer:
        if self._upstream is not None and self._upstream.body:
            await self._upstream.body.cancel()
        self._upstream = None
        body = plan.body if plan.body is not None else self._request.body
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in plan.headers]
        sent = time.time()
        try:
            signal = AbortSignal.timeout(max(1, int(plan.deadline * 1000))) if plan.deadline is not None else None
            if self._ai is not None:
                upstream = await through(self._ai, plan, self._request, signal)
            else:
                upstream = await crossing.ask(plan.url, method=plan.method, headers=headers, body=body, signal=signal)
        except OSError as error:
            late = plan.deadline is not None and time.time() - sent >= plan.deadline * 0.9
            return NoAnswer("deadline" if late else "connect", type(error).__name__, sent, time.time())
        self._upstream = upstream
        pairs = tuple(
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in crossing.pairs_of(upstream.headers)
        )
        return Head(upstream.status, pairs, sent, time.time())

    def settle(self, meter: Meter) -> Receipt:
        """The end of the path."""
        try:
            self._path.send(meter)
        except StopIteration as stop:
            self.receipt = stop.value
        assert self.receipt is not None, "settling asks nothing"
        return self.receipt

    def unmetered(self) -> Receipt:
        """Settle an answer that nobody looks at."""
        return self.settle(Meter(0, "complete", time.time()))

    async def metered(self, stream: Any) -> Receipt:
        """Read our branch of the answer to its end: its first and its last bytes are kept, the rest is counted."""
        start, tail, size = b"", b"", 0
        ended: Ended = "complete"

        def take(chunk: bytes) -> None:
            nonlocal start, tail, size
            size += len(chunk)
            start = start or chunk[:_TAIL]
            tail = (tail + chunk)[-_TAIL:] if len(tail) + len(chunk) > 2 * _TAIL else tail + chunk

        try:
            await crossing.drain(stream, take)
        except OSError:
            ended = "cut"
        # What was compressed on the wire is not, here: the runtime has decoded it.
        return self.settle(Meter(size, ended, time.time(), start, tail, size == len(tail)))


def answer_headers(head: Head, told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that go back: the upstream's, less those of its connection, and ours."""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in head.headers]
    kept = [(name, value) for name, value in pairs if name not in _NOT_ON and not name.startswith("x-aig-")]
    return [*kept, *told]
