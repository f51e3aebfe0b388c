"""What the client asks of httpx, asynchronously: open an answer, read it, close.

Hand-written, as ``_async_httpx``; its three siblings are generated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import httpx

from ..core import Options, Plan, RawHeaders, Refused, Request, Rules, Unreachable
from ._async_httpx import AsyncDriver, AsyncGatewayTransport, AsyncPool
from ._hands import CONNECT_TIMEOUT, READ_TIMEOUT, USER_AGENT, environment_proxy, unreachable
from ._record import OnReceipt, Record

_REQUEST_OWN: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})


def open_client(base_url: str, *, proxy: str | None = None) -> httpx.AsyncClient:
    """An httpx client with our pool, whose proxy is the given one or the environment's."""
    pool = AsyncPool(proxy=proxy or environment_proxy(base_url))
    timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None)
    return httpx.AsyncClient(transport=pool, timeout=timeout, headers={"User-Agent": USER_AGENT})


def open_sdk_client(
    base_url: str, rules: Rules, *, proxy: str | None = None, on_receipt: OnReceipt | None = None
) -> httpx.AsyncClient:
    """The http client that an SDK is given: it follows redirects, as SDKs expect, and our headers do not."""
    pool = AsyncPool(proxy=proxy or environment_proxy(base_url))
    transport = AsyncGatewayTransport(rules, inner=pool, on_receipt=on_receipt)
    timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None)
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=True)


class AsyncHttpxOpened:
    """An answer whose body is still to come."""

    __slots__ = ("_response", "record")

    def __init__(self, response: httpx.Response, record: Record) -> None:
        self._response = response
        self.record = record

    async def read(self) -> bytes:
        """The whole body, decoded."""
        try:
            return await self._response.aread()
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise await self._broken(error) from error

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """The body's chunks as they come, decoded."""
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise await self._broken(error) from error

    async def _broken(self, error: Exception) -> Unreachable:
        await self._response.aclose()  # settles the receipt, which the error carries
        return unreachable(self.record, error)

    async def aclose(self) -> None:
        """Leave; an answer that was not read to its end is cancelled."""
        await self._response.aclose()


class AsyncHttpxHands:
    """A client's httpx: its own client, or the one it was given."""

    def __init__(
        self,
        rules: Rules,
        base_url: str,
        *,
        client: httpx.AsyncClient | None = None,
        proxy: str | None = None,
        on_receipt: OnReceipt | None = None,
    ) -> None:
        self._driver = AsyncDriver(rules, on_receipt)
        self._owned = client is None
        self._client = client if client is not None else open_client(base_url, proxy=proxy)
        # Redirects are never followed: they would take our headers along.
        self._send = partial(self._client.send, stream=True, follow_redirects=False)
        self._usual = [pair for pair in self._client.headers.raw if pair[0].lower() not in _REQUEST_OWN]
        self._usual_names = {name.lower() for name, _ in self._usual}
        self._timeout = self._client.timeout.as_dict()
        self._urls: dict[str, tuple[httpx.URL, bytes]] = {}

    async def open(self, request: Request, options: Options) -> AsyncHttpxOpened:
        """Exchange ``request`` for an answer.

        Raises:
            Refused: before anything is sent.
            Unreachable: nobody answered.
        """
        url, host = self._url(request.url)
        asked = Request(request.method, request.url, self._with_usual(request.headers), request.body, request.tree)
        body = request.body or b""

        def build(plan: Plan) -> httpx.Request:
            headers = [(b"Host", host), *plan.headers]
            if body or plan.method not in ("GET", "HEAD"):
                headers.append((b"Content-Length", str(len(body)).encode()))
            return httpx.Request(
                plan.method, url, headers=headers, stream=httpx.ByteStream(body), extensions={"timeout": self._timeout}
            )

        record = self._driver.start(asked, options)
        try:
            return AsyncHttpxOpened(await self._driver.run(record, build, self._send), record)
        except httpx.TransportError as error:
            raise unreachable(record, error) from error

    def _with_usual(self, headers: RawHeaders) -> RawHeaders:
        """The client's usual headers, less those that the request brings itself."""
        said = [lowered for name, _ in headers if (lowered := name.lower()) in self._usual_names]
        usual = [pair for pair in self._usual if pair[0].lower() not in said] if said else self._usual
        return (*usual, *headers)

    def _url(self, text: str) -> tuple[httpx.URL, bytes]:
        found = self._urls.get(text)
        if found is None:
            try:
                url = httpx.URL(text)
            except httpx.InvalidURL as error:
                raise Refused(f"is no URL ({error})", where="url") from None
            if url.port is not None and url.port > 65_535:  # else asyncio's OverflowError, in a group, at connecting
                raise Refused("is no URL (the port is above 65535)", where="url")
            found = (url, url.netloc)
            if len(self._urls) < 256:
                self._urls[text] = found
        return found

    async def aclose(self) -> None:
        """Close the client if it is ours."""
        if self._owned:
            await self._client.aclose()
