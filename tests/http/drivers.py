"""The four drivers behind one face: tests are written once, in async, and run over each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Any, Literal, Self, cast

import anyio
import pytest

from aig_client import AsyncGatewayClient, AsyncGatewayStream, GatewayClient, GatewayStream
from aig_client.http._wiring import HttpFamily

_CALLS = frozenset({"request", "post", "chat", "responses", "messages", "embeddings"})


class _Awaited:
    """A sync client as an async one: each call runs in a thread, in the context of its caller."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return partial(_in_thread, found) if name in _CALLS else found

    def stream(self, *args: Any, **options: Any) -> _AwaitedStream:
        return _AwaitedStream(self._client.stream(*args, **options))

    async def aclose(self) -> None:
        self._client.close()


class _AwaitedStream:
    def __init__(self, stream: GatewayStream) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Self:
        await _in_thread(self._stream.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _in_thread(self._stream.__exit__, kind, error, trace)

    def __aiter__(self) -> AsyncIterator[Any]:
        return _stepped(iter(self._stream))

    def iter_bytes(self) -> AsyncIterator[bytes]:
        return _stepped(self._stream.iter_bytes())


_END = object()


async def _stepped(items: Iterator[Any]) -> AsyncIterator[Any]:
    while (item := await _in_thread(partial(next, items, _END))) is not _END:
        yield item


async def _in_thread(call: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    # Not `anyio.to_thread`, whose worker threads are shared and limited to 40.
    return await anyio.to_thread.run_sync(partial(call, *args, **options), limiter=anyio.CapacityLimiter(1))


@dataclass(frozen=True)
class Driver:
    """One HTTP family in one colour."""

    family: HttpFamily
    colour: Literal["sync", "async"]

    def __str__(self) -> str:
        return f"{self.family}-{self.colour}"

    @property
    def module(self) -> Any:
        """httpx or httpx2."""
        return import_module(self.family)

    @property
    def driver_module(self) -> Any:
        """Where the family's transport and pool live."""
        return import_module(f"aig_client.http._{self.colour}_{self.family}")

    def transport(self, *args: Any, **options: Any) -> Any:
        """A gateway transport of this family and colour."""
        kind = "AsyncGatewayTransport" if self.colour == "async" else "GatewayTransport"
        return getattr(self.driver_module, kind)(*args, **options)

    def http_client(self, **options: Any) -> Any:
        """A bare client of this family and colour."""
        kind = "AsyncClient" if self.colour == "async" else "Client"
        return getattr(self.module, kind)(**options)

    @property
    def pool_module(self) -> Any:
        """Where the family's connections live."""
        return import_module(f"aig_client.http._{self.colour}_{self.family}_pool")

    def pool(self) -> Any:
        """A pool of this family and colour."""
        return getattr(self.pool_module, "AsyncPool" if self.colour == "async" else "Pool")()

    def idle(self, pool: Any) -> int:
        """How many connections it keeps for later."""
        return sum(len(idle) for idle in pool._idle.values())

    async def send(self, client: Any, method: str, url: str, **options: Any) -> Any:
        """One request with a bare client of either colour."""
        if self.colour == "async":
            return await client.request(method, url, **options)
        return await _in_thread(client.request, method, url, **options)

    async def close(self, client: Any) -> None:
        """Close a bare client of either colour."""
        await (client.aclose() if self.colour == "async" else _in_thread(client.close))

    @asynccontextmanager
    async def gateway(self, **options: Any) -> AsyncIterator[AsyncGatewayClient]:
        """A gateway client with an async face, whichever its colour."""
        options.setdefault("http", None if "client" in options else self.family)
        made: Any = AsyncGatewayClient(**options) if self.colour == "async" else _Awaited(GatewayClient(**options))
        try:
            yield cast("AsyncGatewayClient", made)
        finally:
            await made.aclose()


DRIVERS = tuple(Driver(family, colour) for family in ("httpx", "httpx2") for colour in ("sync", "async"))
every_driver = pytest.mark.parametrize("driver", DRIVERS, ids=str)
async_drivers = pytest.mark.parametrize("driver", [one for one in DRIVERS if one.colour == "async"], ids=str)
sync_drivers = pytest.mark.parametrize("driver", [one for one in DRIVERS if one.colour == "sync"], ids=str)

Stream = AsyncGatewayStream
Call = Callable[[], Awaitable[object]]
