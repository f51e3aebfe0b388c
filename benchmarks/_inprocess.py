"""A cached answer from the gateway in this process, against a mock transport that gives the same bytes and headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from _bodies import fresh_chat, wire
from _clients import FAMILIES, PATH, Family
from _rounds import AsyncCall, Call, Race, race, race_async
from _rows import Flags, Row, ratio_row

MOST = 2.0
_AT_A_TIME = 10
Http = Any
"""Either family, and its transports: the two have no type in common."""


def in_process(flags: Flags) -> list[Row]:
    """Both families and both colours. Keep this process on one CPU before."""
    from aig_client.apps.emulator import LocalGateway

    rows: list[Row] = []
    for family in FAMILIES:
        http = import_module(family)
        gateway = LocalGateway()
        caching = {"cf-aig-cache-key": "bench", "cf-aig-cache-ttl": "600", "content-type": "application/json"}
        call = _Call(gateway.base_url() + PATH, gateway.auth_headers | caching)
        mock = _mock(http, gateway.transport(family), call)
        rows += _synchronous(family, call.asking(http, mock), call.asking(http, gateway.transport(family)), flags)
        local = call.asking_async(http, gateway.async_transport(family))
        rows += _asynchronous(family, call.asking_async(http, mock), local, flags)
    return rows


class _Call:
    """The same question to every transport."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._more = {"content": wire(fresh_chat(size=1_000)()), "headers": headers}

    def answered(self, client: Http) -> Http:
        return client.post(self._url, **self._more)

    def asking(self, http: Http, transport: Http) -> Call:
        client = http.Client(transport=transport)
        return lambda: self.answered(client).content

    def asking_async(self, http: Http, transport: Http) -> AsyncCall:
        client = http.AsyncClient(transport=transport)

        async def ask() -> None:
            for _ in range(_AT_A_TIME):
                (await client.post(self._url, **self._more)).content  # noqa: B018 (as the other side reads it)

        return ask


def _mock(http: Http, local: Http, call: _Call) -> Http:
    with http.Client(transport=local) as client:
        call.answered(client)
        stored = call.answered(client)
    assert stored.headers["cf-aig-cache-status"] == "HIT"
    headers, content = list(stored.headers.raw), stored.content
    return http.MockTransport(lambda request: http.Response(200, headers=headers, content=content))  # noqa: ARG005


def _synchronous(family: Family, mock: Call, local: Call, flags: Flags) -> Iterator[Row]:
    base, name = f"{family}.MockTransport", f"LocalGateway, {family}"
    rounds, turns = (15, 3) if flags.quick else (60, 5)
    taken = race({base: mock, name: local}, rounds=rounds, turns=turns, turn_seconds=0.004)
    yield from _rows(taken, base, name)


def _asynchronous(family: Family, mock: AsyncCall, local: AsyncCall, flags: Flags) -> Iterator[Row]:
    base, name = f"{family}.MockTransport, asynchronously", f"LocalGateway, {family}, asynchronously"
    rounds, turns = (15, 3) if flags.quick else (60, 5)
    taken = asyncio.run(race_async({base: mock, name: local}, rounds=rounds, turns=turns))
    single = Race([base, name])
    single.wall = {key: [seconds / _AT_A_TIME for seconds in values] for key, values in taken.wall.items()}
    single.cpu = {key: [seconds / _AT_A_TIME for seconds in values] for key, values in taken.cpu.items()}
    yield from _rows(single, base, name)


def _rows(taken: Race, base: str, name: str) -> Iterator[Row]:
    group = "Emulator: a cached answer in this process"
    yield ratio_row(group, taken, base, base)
    yield ratio_row(group, taken, name, base, most=MOST)
