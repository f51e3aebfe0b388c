"""The asynchronous shell: answers the gateway's questions and carries its answers out. It decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.lowlevel

from ._asks import Buffer, Call, Exchange, Relay, Sleep
from ._gateway import Gateway
from ._messages import Answered, Body, Break, GatewayRequest, Headers, NoAnswer, Part, Pause, ProviderAnswer, Reply
from ._tamper import StreamTamper, provider_instead

if TYPE_CHECKING:  # without an upstream no HTTP client is loaded
    from ._upstream import UpstreamAnswer, Upstreams

Clock = Callable[[], float]
"""Gives the time in Unix seconds."""


# Stands for an answer that comes too late to be seen.
_SILENCE = ProviderAnswer(200, (), ())


class Sink(Protocol):
    """Where an answer goes: an HTTP response, or messages of a WebSocket."""

    async def whole(self, status: int, headers: Headers, body: bytes) -> None: ...

    async def head(self, status: int, headers: Headers) -> None: ...

    async def part(self, chunk: bytes) -> None: ...

    async def end(self) -> None: ...

    async def abort(self) -> None:
        """Break the connection off."""
        ...


class Shell:
    """Serves exchanges of one gateway."""

    def __init__(self, gateway: Gateway, clock: Clock, upstreams: Upstreams | None) -> None:
        self.gateway = gateway
        self.clock = clock
        self.upstreams = upstreams

    def serve(self, request: GatewayRequest, sink: Sink) -> Awaitable[None]:
        """Answer one request."""
        return self.carry(self.gateway.exchange(request, self.clock()), sink)

    async def carry(self, exchange: Exchange, sink: Sink) -> None:
        """Drive an exchange to its end."""
        hand: _Hand | None = None
        answer: object = None
        outcome: object = None
        try:
            while True:
                question = exchange.send(answer)
                if isinstance(question, Call):
                    if hand is not None:
                        hand.drop()
                    hand, answer = await self._call(question)
                elif isinstance(question, Sleep):
                    await anyio.sleep(question.seconds)
                    answer = self.clock()
                elif isinstance(question, Buffer):
                    assert hand is not None
                    answer = await self._buffer(hand, question.limit)
                else:
                    assert isinstance(question, Relay)
                    assert hand is not None
                    await self._relay(exchange, question, hand, sink)
                    return
        except StopIteration as ended:
            outcome = ended.value
        finally:
            exchange.close()
            if hand is not None:
                hand.drop()
        if isinstance(outcome, Reply):
            await sink.whole(outcome.status, outcome.headers, outcome.body)
        else:
            await sink.abort()

    async def _call(self, call: Call) -> tuple[_Hand | None, Answered | NoAnswer]:
        scripted = call.directive is not None and call.directive.scripted
        if self.upstreams is not None and not scripted and self.upstreams.has(call.request.provider):
            return await self._call_upstream(self.upstreams, call)
        answer = self.gateway.imitate(call, self.clock())
        return await self._hold(call, answer)

    async def _hold(self, call: Call, answer: ProviderAnswer) -> tuple[_Hand | None, Answered | NoAnswer]:
        if answer.delay:
            if call.timeout is not None and answer.delay > call.timeout:
                await anyio.sleep(call.timeout)
                return None, NoAnswer("timeout", self.clock())
            await anyio.sleep(answer.delay)
        if answer.parts and isinstance(answer.parts[0], Break):
            return None, NoAnswer("unreachable", self.clock())
        return _Hand(answer.parts), Answered(answer.status, answer.headers, self.clock())

    async def _call_upstream(self, upstreams: Upstreams, call: Call) -> tuple[_Hand | None, Answered | NoAnswer]:
        delay, instead = provider_instead(call.faults, call.request, call.attempt)
        if instead is not None or (call.timeout is not None and delay > call.timeout):
            return await self._hold(call, replace(instead or _SILENCE, delay=delay))
        if delay:
            await anyio.sleep(delay)
        try:
            if call.timeout is None:
                answer = await upstreams.ask(call.request)
            else:
                with anyio.fail_after(call.timeout):
                    answer = await upstreams.ask(call.request)
        except TimeoutError:
            return None, NoAnswer("timeout", self.clock())
        if answer is None:
            return None, NoAnswer("unreachable", self.clock())
        status, headers, coming = answer.status, answer.headers, answer.parts()
        if call.faults:
            tamper = StreamTamper(call.faults, call.request, call.attempt)
            status, headers = tamper.head(status, headers)
            coming = _tampered(coming, tamper)
        return _Hand((), coming, answer), Answered(status, headers, self.clock())

    async def _buffer(self, hand: _Hand, limit: int) -> Body:
        kept = bytearray()
        async for part in hand.parts():
            if isinstance(part, Pause):
                await anyio.sleep(part.seconds)
            elif isinstance(part, Break) or len(kept) + len(part) > limit:
                return Body(None, False, self.clock())
            else:
                kept += part
        return Body(bytes(kept), True, self.clock())

    async def _relay(self, exchange: Exchange, relay: Relay, hand: _Hand, sink: Sink) -> None:
        whole = hand.whole()
        if whole is not None:
            # Kept before the first byte leaves: who has read the answer may count on the entry.
            body = b"".join(whole)
            _finish(exchange, Body(body if len(body) <= relay.limit else None, True, self.clock()))
            if len(whole) == 1:
                await sink.whole(relay.status, relay.headers, body)
                return
            await sink.head(relay.status, relay.headers)
            for chunk in whole:
                await sink.part(chunk)
                # Lets the server write this frame out and serve others: a stream must arrive as a stream.
                await anyio.lowlevel.checkpoint()
            await sink.end()
            return
        complete, data = await self._pass_on(relay, hand, sink)
        _finish(exchange, Body(data, complete, self.clock()))
        # After the head only a broken connection is honest.
        await (sink.end() if complete else sink.abort())

    async def _pass_on(self, relay: Relay, hand: _Hand, sink: Sink) -> tuple[bool, bytes | None]:
        await sink.head(relay.status, relay.headers)
        kept: bytearray | None = bytearray()
        async for part in hand.parts():
            if isinstance(part, Pause):
                await anyio.sleep(part.seconds)
            elif isinstance(part, Break):
                return False, None
            else:
                await sink.part(part)
                if kept is not None:
                    kept += part
                    if len(kept) > relay.limit:
                        kept = None
        return True, None if kept is None else bytes(kept)


class _Hand:
    """A provider's answer whose head has been seen: parts that are there, or parts that are still to come."""

    __slots__ = ("_coming", "_source", "_there")

    def __init__(
        self,
        there: tuple[Part, ...],
        coming: AsyncIterator[Part] | None = None,
        source: UpstreamAnswer | None = None,
    ) -> None:
        self._there = there
        self._coming = coming
        self._source = source

    def whole(self) -> tuple[bytes, ...] | None:
        """All of it, where no part is missing or waits."""
        if self._coming is not None:
            return None
        there = tuple(part for part in self._there if isinstance(part, bytes))
        return there if len(there) == len(self._there) else None

    def parts(self) -> AsyncIterator[Part]:
        return _each(self._there) if self._coming is None else self._coming

    def drop(self) -> None:
        """Let go of the connection that it comes from."""
        if self._source is not None:
            self._source.close()


async def _each(parts: tuple[Part, ...]) -> AsyncIterator[Part]:
    for part in parts:
        yield part


async def _tampered(coming: AsyncIterator[Part], tamper: StreamTamper) -> AsyncIterator[Part]:
    async for given in coming:
        if isinstance(given, bytes):
            for part in tamper.feed(given):
                yield part
        else:
            yield given
            if isinstance(given, Break):
                return
    for part in tamper.finish():
        yield part


def _finish(exchange: Exchange, body: Body) -> None:
    try:
        exchange.send(body)
    except StopIteration:
        return
    raise AssertionError("an exchange ends with its relay")
