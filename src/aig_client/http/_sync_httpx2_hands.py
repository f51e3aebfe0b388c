"""What the client asks of httpx2: open an answer, read it, close.

Hand-written, as ``_sync_httpx2``; its three siblings are generated.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import httpx2

from ..core import Options, Plan, RawHeaders, Refused, Request, Rules, Unreachable
from ._sync_httpx2 import Driver, GatewayTransport, Pool
from ._hands import CONNECT_TIMEOUT, READ_TIMEOUT, USER_AGENT, environment_proxy, unreachable
from ._record import OnReceipt, Record

_REQUEST_OWN: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})


def open_client(base_url: str, *, proxy: str | None = None) -> httpx2.Client:
    """An httpx2 client with our pool, whose proxy is the given one or the environment's."""
    pool = Pool(proxy=proxy or environment_proxy(base_url))
    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None)
    return httpx2.Client(transport=pool, timeout=timeout, headers={"User-Agent": USER_AGENT})


def open_sdk_client(
    base_url: str, rules: Rules, *, proxy: str | None = None, on_receipt: OnReceipt | None = None
) -> httpx2.Client:
    """The http client that an SDK is given: it follows redirects, as SDKs expect, and our headers do not."""
    pool = Pool(proxy=proxy or environment_proxy(base_url))
    transport = GatewayTransport(rules, inner=pool, on_receipt=on_receipt)
    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT, pool=None)
    return httpx2.Client(transport=transport, timeout=timeout, follow_redirects=True)


class Httpx2Opened:
    """An answer whose body is still to come."""

    __slots__ = ("_response", "record")

    def __init__(self, response: httpx2.Response, record: Record) -> None:
        self._response = response
        self.record = record

    def read(self) -> bytes:
        """The whole body, decoded."""
        try:
            return self._response.read()
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._broken(error) from error

    def iter_bytes(self) -> Iterator[bytes]:
        """The body's chunks as they come, decoded."""
        try:
            for chunk in self._response.iter_bytes():
                yield chunk
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> Unreachable:
        self._response.close()  # settles the receipt, which the error carries
        return unreachable(self.record, error)

    def close(self) -> None:
        """Leave; an answer that was not read to its end is cancelled."""
        self._response.close()


class Httpx2Hands:
    """A client's httpx2: its own client, or the one it was given."""

    def __init__(
        self,
        rules: Rules,
        base_url: str,
        *,
        client: httpx2.Client | None = None,
        proxy: str | None = None,
        on_receipt: OnReceipt | None = None,
    ) -> None:
        self._driver = Driver(rules, on_receipt)
        self._owned = client is None
        self._client = client if client is not None else open_client(base_url, proxy=proxy)
        # Redirects are never followed: they would take our headers along.
        self._send = partial(self._client.send, stream=True, follow_redirects=False)
        self._usual = [pair for pair in self._client.headers.raw if pair[0].lower() not in _REQUEST_OWN]
        self._usual_names = {name.lower() for name, _ in self._usual}
        self._timeout = self._client.timeout.as_dict()
        self._urls: dict[str, tuple[httpx2.URL, bytes]] = {}

    def open(self, request: Request, options: Options) -> Httpx2Opened:
        """Exchange ``request`` for an answer.

        Raises:
            Refused: before anything is sent.
            Unreachable: nobody answered.
        """
        url, host = self._url(request.url)
        asked = Request(request.method, request.url, self._with_usual(request.headers), request.body, request.tree)
        body = request.body or b""

        def build(plan: Plan) -> httpx2.Request:
            headers = [(b"Host", host), *plan.headers]
            if body or plan.method not in ("GET", "HEAD"):
                headers.append((b"Content-Length", str(len(body)).encode()))
            return httpx2.Request(
                plan.method, url, headers=headers, stream=httpx2.ByteStream(body), extensions={"timeout": self._timeout}
            )

        record = self._driver.start(asked, options)
        try:
            return Httpx2Opened(self._driver.run(record, build, self._send), record)
        except httpx2.TransportError as error:
            raise unreachable(record, error) from error

    def _with_usual(self, headers: RawHeaders) -> RawHeaders:
        """The client's usual headers, less those that the request brings itself."""
        said = [lowered for name, _ in headers if (lowered := name.lower()) in self._usual_names]
        usual = [pair for pair in self._usual if pair[0].lower() not in said] if said else self._usual
        return (*usual, *headers)

    def _url(self, text: str) -> tuple[httpx2.URL, bytes]:
        found = self._urls.get(text)
        if found is None:
            try:
                url = httpx2.URL(text)
            except httpx2.InvalidURL as error:
                raise Refused(f"is no URL ({error})", where="url") from None
            if url.port is not None and url.port > 65_535:  # else asyncio's OverflowError, in a group, at connecting
                raise Refused("is no URL (the port is above 65535)", where="url")
            found = (url, url.netloc)
            if len(self._urls) < 256:
                self._urls[text] = found
        return found

    def close(self) -> None:
        """Close the client if it is ours."""
        if self._owned:
            self._client.close()
