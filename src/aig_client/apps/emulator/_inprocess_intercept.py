"""Leads what httpx and httpx2 send to a gateway's hosts to a transport in this process, whoever made the client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Generator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias, cast

from ._inprocess_httpx import FAMILIES, Family, Origin, http_module, kinds_of, origin_of

if TYPE_CHECKING:
    import httpx

    from ._inprocess_carrier import Carrier

_Handle: TypeAlias = "Callable[[object, httpx.Request], httpx.Response]"
_AsyncHandle: TypeAlias = "Callable[[object, httpx.Request], Awaitable[httpx.Response]]"


@contextmanager
def intercepted(carrier: Carrier, origins: Collection[Origin]) -> Generator[None, None, None]:
    """For the length of a `with` block, in all threads. Other hosts are reached as before.

    It replaces the transports' own methods, where mocks do it too, so a pool of aig-client's sees it and steps aside.
    """
    with ExitStack() as stack:
        for http in FAMILIES:
            if find_spec(http) is not None:
                stack.enter_context(_family_intercepted(http, carrier, origins))
        yield


@contextmanager
def _family_intercepted(http: Family, carrier: Carrier, origins: Collection[Origin]) -> Generator[None, None, None]:
    family, kinds = http_module(http), kinds_of(http)
    here, there = kinds.transport(carrier, origins, http), kinds.async_transport(carrier, origins, http)
    genuine = cast("_Handle", family.HTTPTransport.handle_request)
    genuine_async = cast("_AsyncHandle", family.AsyncHTTPTransport.handle_async_request)

    def handle_request(self: object, request: httpx.Request) -> httpx.Response:
        return here.handle_request(request) if origin_of(request.url) in origins else genuine(self, request)

    async def handle_async_request(self: object, request: httpx.Request) -> httpx.Response:
        if origin_of(request.url) in origins:
            return await there.handle_async_request(request)
        return await genuine_async(self, request)

    with (
        _replaced(family.HTTPTransport, "handle_request", handle_request),
        _replaced(family.AsyncHTTPTransport, "handle_async_request", handle_async_request),
    ):
        yield


@contextmanager
def _replaced(owner: type, name: str, method: object) -> Generator[None, None, None]:
    genuine: object = vars(owner)[name]
    setattr(owner, name, method)
    try:
        yield
    finally:
        setattr(owner, name, genuine)
