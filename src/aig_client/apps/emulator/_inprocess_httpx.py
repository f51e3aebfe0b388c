"""Transports of httpx and httpx2 that end in this process. Written once; a family's classes are made when asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, cast

from ._inprocess_carrier import Carrier, Carrying, CutOffError, LostError, Streamed, TooSlowError
from ._messages import GatewayRequest, Reply

if TYPE_CHECKING:
    import httpx

Family: TypeAlias = Literal["httpx", "httpx2"]
FAMILIES: tuple[Family, ...] = ("httpx", "httpx2")

Origin: TypeAlias = "tuple[bytes, bytes, int | None]"
"""Scheme, host and port; no port is the scheme's usual one."""

_BODYLESS = frozenset((204, 304))
_RESET = "the connection was reset (by the emulator)"
_CUT = "the connection was closed in the middle of the body (by the emulator)"
_LATE = "nothing came in time (in the emulator's time)"


class HttpModule(Protocol):
    """What httpx and httpx2 both are."""

    AsyncBaseTransport: type[httpx.AsyncBaseTransport]
    AsyncByteStream: type[httpx.AsyncByteStream]
    AsyncClient: type[httpx.AsyncClient]
    AsyncHTTPTransport: type[httpx.AsyncHTTPTransport]
    BaseTransport: type[httpx.BaseTransport]
    ByteStream: type[httpx.ByteStream]
    Client: type[httpx.Client]
    ConnectError: type[httpx.ConnectError]
    HTTPTransport: type[httpx.HTTPTransport]
    ReadError: type[httpx.ReadError]
    ReadTimeout: type[httpx.ReadTimeout]
    RemoteProtocolError: type[httpx.RemoteProtocolError]
    Response: type[httpx.Response]
    SyncByteStream: type[httpx.SyncByteStream]


def http_module(http: Family) -> HttpModule:
    """The family. Raises `ValueError` if there is no such family, `ModuleNotFoundError` if it is not installed."""
    if http not in FAMILIES:
        raise ValueError(f"http must be 'httpx' or 'httpx2', not {http!r}")
    return cast("HttpModule", import_module(http))


def origin_of(url: httpx.URL) -> Origin:
    return (url.raw_scheme, url.raw_host, url.port)


class _Kinds(NamedTuple):
    """What one family needs: itself, and classes of ours below its own."""

    family: HttpModule
    transport: type[SyncEnding]
    async_transport: type[AsyncEnding]
    stream: type[_Parts]
    async_stream: type[_AsyncParts]


@cache
def kinds_of(http: Family) -> _Kinds:
    """The classes are below the family's, because clients and wrappers ask whose they are."""
    family = http_module(http)

    def made(name: str, *bases: type) -> type:
        # Who asks by module, as aig-client does, cannot go by the base: openai writes itself into httpx2's.
        return type(name, bases, {"__module__": http})

    return _Kinds(
        family,
        made("InProcessTransport", SyncEnding, family.BaseTransport),
        made("AsyncInProcessTransport", AsyncEnding, family.AsyncBaseTransport),
        made("InProcessStream", _Parts, family.SyncByteStream),
        made("AsyncInProcessStream", _AsyncParts, family.AsyncByteStream),
    )


class _Ending:
    """What both colours share: a request is read, an answer or an error is written."""

    def __init__(self, carrier: Carrier, origins: Collection[Origin], http: Family) -> None:
        self._carrier = carrier
        self._clock = carrier.clock
        self._origins = origins
        self._kinds = kinds_of(http)
        self._response = self._kinds.family.Response
        self._bytes = self._kinds.family.ByteStream

    def _begin(self, request: httpx.Request, body: bytes) -> Carrying:
        url = request.url
        if origin_of(url) not in self._origins:
            where = url.netloc.decode("latin-1")
            raise self._kinds.family.ConnectError(
                f"the emulator does not serve {url.scheme}://{where}: this request would have gone past the gateway",
                request=request,
            )
        headers: dict[str, str] = {}
        for raw_name, raw_value in request.headers.raw:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        path, _, query = url.raw_path.decode("latin-1").partition("?")
        timeouts: dict[str, float | None] = request.extensions.get("timeout") or {}
        return self._carrier.carry(GatewayRequest(request.method, path, query, headers, body), timeouts.get("read"))

    def _whole(self, request: httpx.Request, reply: Reply) -> httpx.Response:
        """Its body is still to be read, as one from a network is."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
        body = reply.body
        if reply.status in _BODYLESS:
            body = b""
        else:
            headers.append((b"content-length", str(len(body)).encode()))
        if request.method == "HEAD":
            body = b""
        return self._response(reply.status, headers=headers, stream=self._bytes(body))

    def error(self, error: LostError) -> httpx.TransportError:
        """The family's word for it."""
        family = self._kinds.family
        if isinstance(error, TooSlowError):
            return family.ReadTimeout(_LATE)
        return family.RemoteProtocolError(_CUT) if isinstance(error, CutOffError) else family.ReadError(_RESET)


class SyncEnding(_Ending):
    """The transport of a `Client`, but for its base class."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        steps = self._begin(request, request.read())
        answer: Reply | Streamed
        try:
            while True:
                self._clock.reach(next(steps))
        except StopIteration as ended:
            answer = ended.value
        except LostError as error:
            raise self.error(error) from None
        if isinstance(answer, Reply):
            return self._whole(request, answer)
        stream = cast("httpx.SyncByteStream", self._kinds.stream(self, answer))
        return self._response(answer.status, headers=answer.headers, stream=stream)


class AsyncEnding(_Ending):
    """The transport of an `AsyncClient`, but for its base class."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        from anyio.lowlevel import checkpoint  # comes with either family

        steps = self._begin(request, await request.aread())
        answer: Reply | Streamed
        try:
            while True:
                moment = next(steps)
                await checkpoint()
                self._clock.reach(moment)
        except StopIteration as ended:
            answer = ended.value
        except LostError as error:
            raise self.error(error) from None
        finally:
            steps.close()  # cancelled meanwhile: the exchange ends
        if isinstance(answer, Reply):
            return self._whole(request, answer)
        stream = cast("httpx.AsyncByteStream", self._kinds.async_stream(self, answer))
        return self._response(answer.status, headers=answer.headers, stream=stream)


class _Parts:
    def __init__(self, ending: SyncEnding, answer: Streamed) -> None:
        self._ending = ending
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        try:
            for part in answer.parts:
                if isinstance(part, bytes):
                    yield part
                else:
                    answer.clock.reach(part)
        except LostError as error:
            raise self._ending.error(error) from None

    def close(self) -> None:
        self._answer.close()


class _AsyncParts:
    def __init__(self, ending: AsyncEnding, answer: Streamed) -> None:
        self._ending = ending
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        from anyio.lowlevel import checkpoint

        answer = self._answer
        try:
            for part in answer.parts:
                await checkpoint()  # a stream arrives piece by piece, and others come to their turn
                if isinstance(part, bytes):
                    yield part
                else:
                    answer.clock.reach(part)
        except LostError as error:
            raise self._ending.error(error) from None

    async def aclose(self) -> None:
        self._answer.close()
