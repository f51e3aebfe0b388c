"""Real providers behind the emulator, by option: passes bytes on as they arrive."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache

import httpx

from ...http._async_httpx_pool import open_transport
from ._messages import ProviderRequest

_EXTENSIONS = {"timeout": {"connect": 5.0, "read": 600.0, "write": 60.0, "pool": 60.0}}


class Upstreams:
    """Calls the real provider of a slug that has one. Close it when the server ends.

    A bare transport: no redirects, no cookies, no proxy and no netrc from the environment. A request goes where the
    option says, as it is.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = {slug: httpx.URL(url.rstrip("/")) for slug, url in targets.items()}
        self._transport = open_transport()
        # Building a URL is a tenth of a call, and most callers use a few.
        self._url = lru_cache(256)(self._find)

    def has(self, provider: str) -> bool:
        return provider in self._targets

    @asynccontextmanager
    async def open(self, request: ProviderRequest) -> AsyncGenerator[httpx.Response, None]:
        """The provider's response with its body unread. Raises `httpx.HTTPError` when nobody answers."""
        url = self._url(request.provider, request.path, request.query)
        # `identity`: bytes are stored and replayed as they come, to callers that may accept no compression.
        headers = [*request.headers, ("accept-encoding", "identity")]
        outgoing = httpx.Request(request.method, url, headers=headers, content=request.body, extensions=_EXTENSIONS)
        response = await self._transport.handle_async_request(outgoing)
        try:
            yield response
        finally:
            await response.aclose()

    def _find(self, provider: str, path: str, query: str) -> httpx.URL:
        base = self._targets[provider]
        whole = base.raw_path.rstrip(b"/") + path.encode("ascii", "replace")
        if query:
            whole += b"?" + query.encode("ascii", "replace")
        return base.copy_with(raw_path=whole)

    async def aclose(self) -> None:
        await self._transport.aclose()
