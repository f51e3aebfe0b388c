"""The in-process shell: answers the gateway's questions with virtual time. It decides nothing.

Written once for both colours: it yields the moments to which the clock must go, and whoever drives it decides what
else may happen meanwhile. The driver of a thread does nothing, that of an event loop lets other tasks run.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import TypeAlias

from ._asks import Buffer, Call, Exchange, Relay, Sleep
from ._gateway import Gateway
from ._messages import Answered, Body, Break, GatewayRequest, Headers, NoAnswer, Part, Pause, Reply

START = 1_800_000_000.0
"""When the clock of a test begins: 2027-01-15T08:00:00Z, in every run."""


class ManualClock:
    """Unix seconds that pass only when they are told to. May be called from any thread."""

    def __init__(self, start: float = START) -> None:
        self._now = start
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises `ValueError` for a negative number."""
        if seconds < 0:
            raise ValueError("the clock moves forward only")
        with self._lock:
            self._now += seconds

    def set(self, moment: float) -> None:
        """Start over."""
        with self._lock:
            self._now = moment

    def reach(self, moment: float) -> None:
        """Go to a moment; stay where that moment is past. So waits that overlap do not add up."""
        if moment > self._now:
            with self._lock:
                self._now = max(self._now, moment)


class LostError(Exception):
    """The answer did not come whole."""


class HungUpError(LostError):
    """The connection was reset before an answer."""


class CutOffError(LostError):
    """The connection ended in the middle of a body."""


class TooSlowError(LostError):
    """Nothing came for as long as the caller waits."""


Moments: TypeAlias = "Generator[float, None, None]"


class _Patience:
    """How long a caller still waits for the next byte."""

    __slots__ = ("_clock", "_limit", "_waited")

    def __init__(self, clock: ManualClock, limit: float | None) -> None:
        self._clock = clock
        self._limit = limit
        self._waited = 0.0

    def wait(self, seconds: float) -> Moments:
        """Let time pass. Raises `TooSlowError` at the moment when the caller gives up."""
        now = self._clock()
        if self._limit is not None and self._waited + seconds > self._limit:
            yield now + max(0.0, self._limit - self._waited)
            raise TooSlowError
        self._waited += seconds
        yield now + seconds

    def renew(self) -> None:
        """A byte has come."""
        self._waited = 0.0


class Streamed:
    """An answer whose body comes in parts. Close it: a caller who leaves early ends the exchange."""

    __slots__ = ("_carrier", "_exchange", "_patience", "_there", "clock", "headers", "parts", "status")

    def __init__(
        self, carrier: Carrier, exchange: Exchange, relay: Relay, there: tuple[Part, ...], patience: _Patience
    ) -> None:
        self.status = relay.status
        self.headers: Headers = relay.headers
        self.clock = carrier.clock
        self._carrier = carrier
        self._exchange = exchange
        self._there = there
        self._patience = patience
        self.parts: Generator[float | bytes, None, None] = self._pass_on(relay.limit)

    def _pass_on(self, limit: int) -> Generator[float | bytes, None, None]:
        """Chunks, and moments to wait for.

        The gateway gets the body back before the last chunk is handed over: SDKs hang up on `[DONE]` without
        reading on, and who has read it all may count on the entry in cache and log.
        """
        self._patience.renew()
        kept, size = list[bytes](), 0
        final = len(self._there) - 1
        for index, part in enumerate(self._there):
            if isinstance(part, Break):
                self._carrier.finish(self._exchange, Body(None, False, self.clock()))
                raise CutOffError
            if isinstance(part, Pause):
                yield from self._patience.wait(part.seconds)
            else:
                size += len(part)
                if size <= limit:
                    kept.append(part)
                self._patience.renew()
            if index == final:
                body = b"".join(kept) if size <= limit else None
                self._carrier.finish(self._exchange, Body(body, True, self.clock()))
            if isinstance(part, bytes):
                yield part

    def close(self) -> None:
        self.parts.close()
        self._carrier.drop(self._exchange)


Carrying: TypeAlias = "Generator[float, None, Reply | Streamed]"


class Carrier:
    """Carries requests to one gateway. Its state is used under a lock, so that threads may share it."""

    def __init__(self, gateway: Gateway, clock: ManualClock) -> None:
        self.gateway = gateway
        self.clock = clock
        self._lock = threading.RLock()

    def restart(self, gateway: Gateway, moment: float) -> None:
        """Another gateway from now on. Transports stay good."""
        with self._lock:
            self.gateway = gateway
            self.clock.set(moment)

    def carry(self, request: GatewayRequest, patience: float | None) -> Carrying:
        """Serve one request. `patience`: for how many seconds the caller waits for each byte.

        Raises `LostError`, after as many seconds as the caller waited.
        """
        if len(request.body) > self.gateway.config.max_body_bytes:
            with self._lock:
                return self.gateway.too_large(request, self.clock())
        waiting = _Patience(self.clock, patience)
        exchange = self.gateway.exchange(request, self.clock())
        try:
            outcome = yield from self._drive(exchange, waiting)
        except BaseException:
            self.drop(exchange)
            raise
        if outcome is None:
            raise HungUpError
        return outcome

    def _drive(self, exchange: Exchange, patience: _Patience) -> Generator[float, None, Reply | Streamed | None]:
        there: tuple[Part, ...] = ()
        answer: object = None
        try:
            while True:
                with self._lock:
                    question = exchange.send(answer)
                if isinstance(question, Call):
                    there, answer = yield from self._call(question, patience)
                elif isinstance(question, Sleep):
                    yield from patience.wait(question.seconds)
                    answer = self.clock()
                elif isinstance(question, Buffer):
                    answer = yield from self._buffer(there, question.limit, patience)
                else:
                    assert isinstance(question, Relay)
                    return self._relay(exchange, question, there, patience)
        except StopIteration as ended:
            return ended.value if isinstance(ended.value, Reply) else None

    def _call(
        self, call: Call, patience: _Patience
    ) -> Generator[float, None, tuple[tuple[Part, ...], Answered | NoAnswer]]:
        with self._lock:
            said = self.gateway.imitate(call, self.clock())
        if call.timeout is not None and said.delay > call.timeout:
            yield from patience.wait(call.timeout)
            return (), NoAnswer("timeout", self.clock())
        # Also for no time at all: while a provider is asked, other tasks come to their turn, as on a network.
        yield from patience.wait(said.delay)
        if said.parts and isinstance(said.parts[0], Break):
            return (), NoAnswer("unreachable", self.clock())
        return said.parts, Answered(said.status, said.headers, self.clock())

    def _buffer(self, there: tuple[Part, ...], limit: int, patience: _Patience) -> Generator[float, None, Body]:
        kept = bytearray()
        for part in there:
            if isinstance(part, Pause):
                yield from patience.wait(part.seconds)
            elif isinstance(part, Break) or len(kept) + len(part) > limit:
                return Body(None, False, self.clock())
            else:
                kept += part
        return Body(bytes(kept), True, self.clock())

    def _relay(
        self, exchange: Exchange, relay: Relay, there: tuple[Part, ...], patience: _Patience
    ) -> Reply | Streamed:
        if len(there) > 1 or not all(isinstance(part, bytes) for part in there):
            return Streamed(self, exchange, relay, there, patience)
        body = b"".join(part for part in there if isinstance(part, bytes))
        self.finish(exchange, Body(body if len(body) <= relay.limit else None, True, self.clock()))
        return Reply(relay.status, relay.headers, body)

    def finish(self, exchange: Exchange, body: Body) -> None:
        """Give a relayed body back, with which an exchange ends."""
        with self._lock:
            try:
                exchange.send(body)
            except StopIteration:
                return
        raise AssertionError("an exchange ends with its relay")

    def drop(self, exchange: Exchange) -> None:
        """Nobody waits any more. Nothing happens to an exchange that has ended."""
        with self._lock:
            exchange.close()
