"""The client and the transport against the bare client of the same family, call by call over loopback keep-alive."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from importlib import import_module
from typing import Any

from _bodies import fresh_chat
from _clients import FAMILIES, PATH, Family, HttpClient, Json, answer_text, five_headers, gateway_arguments
from _rounds import AsyncCall, Call, Race, race, race_async
from _rows import Flags, Row, main_of_section, pin, ratio_row
from _upstream import upstream

BARE = "bare client"
HEADERS = "bare client sending the same five headers"
CLIENT = "GatewayClient, cached"
CLIENT_USAGE = "GatewayClient, cached, metadata and usage read"
CLIENT_PER_CALL = "GatewayClient, cached, metadata given per call"
CLIENT_OFF = "GatewayClient, no cache"
TRANSPORT = "GatewayTransport in a bare client, cached"
TRANSPORT_OFF = "GatewayTransport in a bare client, no cache"
SDK = "openai SDK"
SDK_OURS = "openai SDK on our transport, cached"
SDK_OURS_OFF = "openai SDK on our transport, no cache"

_TARGETS: tuple[tuple[str, str, dict[str, float]], ...] = (
    (HEADERS, BARE, {}),
    (CLIENT, BARE, {"sync": 1.08, "async": 1.06}),
    (CLIENT_USAGE, BARE, {}),
    (CLIENT_PER_CALL, BARE, {}),
    (CLIENT_OFF, BARE, {"sync": 1.05, "async": 1.05}),
    (TRANSPORT, BARE, {"sync": 1.08, "async": 1.06}),
    (TRANSPORT_OFF, BARE, {"sync": 1.05, "async": 1.05}),
    (CLIENT, HEADERS, {}),
    (TRANSPORT, HEADERS, {}),
    (SDK, BARE, {}),
    (SDK_OURS, SDK, {"sync": 1.03, "async": 1.03}),
    (SDK_OURS_OFF, SDK, {"sync": 1.03, "async": 1.03}),
)


def _per_call() -> dict[str, Any]:
    from aig_client import GatewayMetadata

    return {"gateway": GatewayMetadata(metadata={"user": "u-4711"})}


def sync_contestants(base_url: str, family: Family, stack: ExitStack) -> dict[str, Call]:
    """Each contestant ends with the answer's text, and starts from the same objects."""
    from aig_client import GatewayClient, GatewayTransport

    module, url, body = import_module(family), base_url + PATH, fresh_chat()
    headers = five_headers(base_url)
    bare = stack.enter_context(module.Client())
    with_headers = stack.enter_context(module.Client())
    cached = stack.enter_context(GatewayClient(http=family, **gateway_arguments(base_url, cached=True)))
    off = stack.enter_context(GatewayClient(http=family, **gateway_arguments(base_url, cached=False)))
    plugged = stack.enter_context(module.Client(transport=GatewayTransport(cached.rules, http=family)))
    plugged_off = stack.enter_context(module.Client(transport=GatewayTransport(off.rules, http=family)))

    def usage() -> object:
        answer = cached.chat(body())
        assert answer.usage is not None
        assert answer.metadata.log_id
        return answer_text(answer.data)

    return {
        BARE: lambda: answer_text(bare.post(url, json=body()).json()),
        HEADERS: lambda: answer_text(with_headers.post(url, json=body(), headers=headers).json()),
        CLIENT: lambda: answer_text(cached.chat(body()).data),
        CLIENT_USAGE: usage,
        CLIENT_PER_CALL: lambda: answer_text(cached.chat(body(), **_per_call()).data),
        CLIENT_OFF: lambda: answer_text(off.chat(body()).data),
        TRANSPORT: lambda: answer_text(plugged.post(url, json=body()).json()),
        TRANSPORT_OFF: lambda: answer_text(plugged_off.post(url, json=body()).json()),
    }


def sync_sdk(base_url: str, stack: ExitStack) -> dict[str, Call]:
    """The openai SDK alone and on our transport, retries off."""
    from openai import OpenAI

    from aig_client import GatewayClient

    body = fresh_chat()
    cached = stack.enter_context(GatewayClient(**gateway_arguments(base_url, cached=True)))
    off = stack.enter_context(GatewayClient(**gateway_arguments(base_url, cached=False)))
    clients = {
        SDK: OpenAI(base_url=f"{base_url}/openai", api_key="sk-test", max_retries=0),
        SDK_OURS: OpenAI(**cached.openai(), max_retries=0),
        SDK_OURS_OFF: OpenAI(**off.openai(), max_retries=0),
    }

    def ask(client: OpenAI) -> Call:
        return lambda: client.chat.completions.create(**body()).choices[0].message.content

    return {name: ask(stack.enter_context(client)) for name, client in clients.items()}


async def async_contestants(base_url: str, family: Family, stack: AsyncExitStack) -> dict[str, AsyncCall]:
    """The same, asynchronously."""
    from aig_client import AsyncGatewayClient, AsyncGatewayTransport

    module, url, body = import_module(family), base_url + PATH, fresh_chat()
    headers = five_headers(base_url)
    enter = stack.enter_async_context
    bare = await enter(module.AsyncClient())
    with_headers = await enter(module.AsyncClient())
    cached = await enter(AsyncGatewayClient(http=family, **gateway_arguments(base_url, cached=True)))
    off = await enter(AsyncGatewayClient(http=family, **gateway_arguments(base_url, cached=False)))
    plugged = await enter(module.AsyncClient(transport=AsyncGatewayTransport(cached.rules, http=family)))
    plugged_off = await enter(module.AsyncClient(transport=AsyncGatewayTransport(off.rules, http=family)))

    def post(client: HttpClient, **more: Json) -> AsyncCall:
        async def call() -> object:
            return answer_text((await client.post(url, json=body(), **more)).json())

        return call

    def chat(client: AsyncGatewayClient) -> AsyncCall:
        async def call() -> object:
            return answer_text((await client.chat(body())).data)

        return call

    async def usage() -> object:
        answer = await cached.chat(body())
        assert answer.usage is not None
        assert answer.metadata.log_id
        return answer_text(answer.data)

    async def per_call() -> object:
        return answer_text((await cached.chat(body(), **_per_call())).data)

    return {
        BARE: post(bare),
        HEADERS: post(with_headers, headers=headers),
        CLIENT: chat(cached),
        CLIENT_USAGE: usage,
        CLIENT_PER_CALL: per_call,
        CLIENT_OFF: chat(off),
        TRANSPORT: post(plugged),
        TRANSPORT_OFF: post(plugged_off),
    }


async def async_sdk(base_url: str, stack: AsyncExitStack) -> dict[str, AsyncCall]:
    """The openai SDK alone and on our transport, retries off."""
    from openai import AsyncOpenAI

    from aig_client import AsyncGatewayClient

    body = fresh_chat()
    cached = await stack.enter_async_context(AsyncGatewayClient(**gateway_arguments(base_url, cached=True)))
    off = await stack.enter_async_context(AsyncGatewayClient(**gateway_arguments(base_url, cached=False)))
    clients = {
        SDK: AsyncOpenAI(base_url=f"{base_url}/openai", api_key="sk-test", max_retries=0),
        SDK_OURS: AsyncOpenAI(**cached.openai(), max_retries=0),
        SDK_OURS_OFF: AsyncOpenAI(**off.openai(), max_retries=0),
    }

    def ask(client: AsyncOpenAI) -> AsyncCall:
        async def call() -> object:
            return (await client.chat.completions.create(**body())).choices[0].message.content

        return call

    return {name: ask(await stack.enter_async_context(client)) for name, client in clients.items()}


def _rows(race_: Race, colour: str, group: str) -> list[Row]:
    present = race_.wall
    return [
        ratio_row(group, race_, name, base, most=targets.get(colour))
        for name, base, targets in _TARGETS
        if name in present and base in present
    ]


async def _async_races(base_url: str, flags: Flags, rounds: int, turns: int) -> list[Row]:
    rows: list[Row] = []
    for family in FAMILIES:
        async with AsyncExitStack() as stack:
            contestants = await async_contestants(base_url, family, stack)
            result = await race_async(contestants, rounds=rounds, turns=turns, warm=20)
            rows += _rows(result, "async", f"Client: {family}, async, {flags.encoder}")
    async with AsyncExitStack() as stack:
        contestants = await async_sdk(base_url, stack)
        result = await race_async(contestants, rounds=rounds, turns=turns, warm=20)
        rows += _rows(result, "async", f"Client: openai SDK, async, {flags.encoder}")
    return rows


def measure(flags: Flags) -> list[Row]:
    """Both families, both colours, and the openai SDK."""
    pin(0)
    rounds, turns = (8, 6) if flags.quick else (40, 15)
    rows: list[Row] = []
    with upstream() as base_url:
        for family in FAMILIES:
            with ExitStack() as stack:
                result = race(sync_contestants(base_url, family, stack), rounds=rounds, turns=turns, warm=20)
                rows += _rows(result, "sync", f"Client: {family}, sync, {flags.encoder}")
        with ExitStack() as stack:
            result = race(sync_sdk(base_url, stack), rounds=rounds, turns=turns, warm=20)
            rows += _rows(result, "sync", f"Client: openai SDK, sync, {flags.encoder}")
        rows += asyncio.run(_async_races(base_url, flags, rounds, turns))
    return rows


if __name__ == "__main__":
    main_of_section(measure)
