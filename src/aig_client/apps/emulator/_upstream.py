"""Real providers behind the emulator, by option: passes bytes on as they arrive."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx

from ._messages import Forward

_TIMEOUT = httpx.Timeout(connect=5.0, read=600.0, write=60.0, pool=60.0)
# httpx scans its whole pool for each request, so a far larger one would be slower, not faster.
_LIMITS = httpx.Limits(max_connections=128, max_keepalive_connections=64)


class Upstreams:
    """Calls the real provider of a slug that has one. Close it when the server ends."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = {slug: url.rstrip("/") for slug, url in targets.items()}
        # No proxy and no netrc from the environment: a request goes where the option says, as it is.
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, limits=_LIMITS, trust_env=False, follow_redirects=False)

    def has(self, provider: str) -> bool:
        return provider in self._targets

    @asynccontextmanager
    async def open(self, forward: Forward) -> AsyncGenerator[httpx.Response, None]:
        """The provider's response with its body unread. Raises `httpx.HTTPError` when nobody answers."""
        url = self._targets[forward.provider] + forward.path
        if forward.request.query:
            url = f"{url}?{forward.request.query}"
        # `identity`: bytes are stored and replayed as they come, to callers that may accept no compression.
        headers = [*forward.headers, ("accept-encoding", "identity")]
        async with self._client.stream(forward.request.method, url, headers=headers, content=forward.body) as response:
            yield response

    async def aclose(self) -> None:
        await self._client.aclose()
