"""Streams of 1 000 events: what passing on, counting and reading them costs, and how soon the first byte is here.

Every event is an HTTP chunk of its own and the upstream never waits, so parsing is all there is to see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Any

from _bodies import Body, fresh_chat
from _clients import FAMILIES, PATH, Family, HttpClient, gateway_arguments
from _rounds import AsyncCall, race_async
from _rows import Flags, Row, main_of_section, pin, ratio_row
from _upstream import CHUNKS, FIRST_BYTE, upstream

if TYPE_CHECKING:
    from aig_client import AsyncGatewayClient

BARE = "bare aiter_bytes"
TRANSPORT = "aiter_bytes through AsyncGatewayTransport"
BYTES = "AsyncGatewayStream.iter_bytes"
EVENTS = "AsyncGatewayStream, typed events"
EVENTS_JSON = "AsyncGatewayStream, typed events with .json()"
EVENT_SOURCE = "httpx2.EventSource, no JSON"
SDK = "openai SDK"
SDK_OURS = "openai SDK on our transport"


async def _taken(items: AsyncIterator[object], least: int, start: float) -> float:
    """Take everything; the seconds until the first item came."""
    seen, first = 0, 0.0
    async for _ in items:
        if not seen:
            first = perf_counter() - start
        seen += 1
    assert seen >= least, seen
    return first


async def _contestants(base_url: str, family: Family, stack: AsyncExitStack, *, first: bool) -> dict[str, AsyncCall]:
    """Streams of a thousand events, or with ``first`` of a few that pause after the first."""
    from aig_client import AsyncGatewayClient, AsyncGatewayTransport

    module, url = import_module(family), base_url + PATH
    body = fresh_chat(FIRST_BYTE) if first else fresh_chat()
    chunks = 2 if first else CHUNKS // 2  # how TCP cuts them may join a few
    events = 4 if first else CHUNKS
    enter = stack.enter_async_context
    bare = await enter(module.AsyncClient())
    gateway = await enter(AsyncGatewayClient(http=family, **gateway_arguments(base_url, cached=False)))
    plugged = await enter(module.AsyncClient(transport=AsyncGatewayTransport(gateway.rules, http=family)))

    def raw(client: HttpClient) -> AsyncCall:
        async def call() -> object:
            start = perf_counter()
            async with client.stream("POST", url, json=body() | {"stream": True}) as response:
                return await _taken(response.aiter_bytes(), chunks, start)

        return call

    async def our_bytes() -> object:
        start = perf_counter()
        async with gateway.stream("chat", body()) as stream:
            return await _taken(stream.iter_bytes(), chunks, start)

    async def our_events() -> object:
        start = perf_counter()
        async with gateway.stream("chat", body()) as stream:
            return await _taken(aiter(stream), events - 1, start)  # [DONE] is no event of ours

    async def our_json() -> object:
        seen = 0
        async with gateway.stream("chat", body()) as stream:
            async for event in stream:
                document: Any = event.json()
                seen += len(document["choices"])
        assert seen == events - 1
        return seen

    contestants = {BARE: raw(bare), TRANSPORT: raw(plugged), BYTES: our_bytes, EVENTS: our_events}
    if not first:
        contestants[EVENTS_JSON] = our_json
    if family == "httpx2":
        contestants |= await _in_httpx2(base_url, gateway, body, events, stack)
    return contestants


async def _in_httpx2(
    base_url: str, gateway: AsyncGatewayClient, body: Callable[[], Body], events: int, stack: AsyncExitStack
) -> dict[str, AsyncCall]:
    """What there is in that family only: its own events, and the SDK."""
    import httpx2
    from openai import AsyncOpenAI

    bare = await stack.enter_async_context(httpx2.AsyncClient())

    async def event_source() -> object:
        start = perf_counter()
        async with bare.stream("POST", base_url + PATH, json=body() | {"stream": True}) as response:
            return await _taken(aiter(httpx2.EventSource(response)), events, start)

    def sdk(client: AsyncOpenAI) -> AsyncCall:
        async def call() -> object:
            start = perf_counter()
            async with await client.chat.completions.create(**body(), stream=True) as answer:
                return await _taken(aiter(answer), events - 1, start)

        return call

    alone = AsyncOpenAI(base_url=f"{base_url}/openai", api_key="sk-test", max_retries=0)
    ours = AsyncOpenAI(**gateway.openai(), max_retries=0)
    return {
        EVENT_SOURCE: event_source,
        SDK: sdk(await stack.enter_async_context(alone)),
        SDK_OURS: sdk(await stack.enter_async_context(ours)),
    }


_TARGETS: tuple[tuple[str, str, float | None], ...] = (
    (TRANSPORT, BARE, 1.05),
    (BYTES, BARE, 1.05),
    (EVENTS, BARE, None),
    (EVENTS_JSON, BARE, None),
    (EVENT_SOURCE, BARE, None),
    (SDK, BARE, None),
    (SDK_OURS, SDK, 1.05),
)


async def _measure(flags: Flags) -> list[Row]:
    rows: list[Row] = []
    with upstream() as base_url:
        for family in FAMILIES:
            for first in (False, True):
                async with AsyncExitStack() as stack:
                    contestants = await _contestants(base_url, family, stack, first=first)
                    if first:
                        rounds, turns = (5, 8) if flags.quick else (25, 12)
                    else:
                        rounds, turns = (5, 1) if flags.quick else (25, 1)
                    result = await race_async(contestants, rounds=rounds, turns=turns, own_clock=first)
                what = "first byte" if first else f"{CHUNKS} events"
                group = f"Streams: {what}, {family}, {flags.encoder}"
                for name, base, most in _TARGETS:
                    if name == EVENTS_JSON:
                        most = 1.35 if flags.orjson else 1.6
                    if name in contestants:
                        rows.append(ratio_row(group, result, name, base, most=most))
    return rows


def measure(flags: Flags) -> list[Row]:
    """Both families; the SDK in its own."""
    pin(0)
    return asyncio.run(_measure(flags))


if __name__ == "__main__":
    main_of_section(measure)
