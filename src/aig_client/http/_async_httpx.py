"""The driver that answers the path's questions with httpx, asynchronously.

Hand-written. ``_sync_httpx``, ``_async_httpx2`` and ``_sync_httpx2`` are generated from this file by
``tools/unasync.py``; change this one and run ``make generate``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Final

import httpx

from ..core import NO_OPTIONS, NoAnswer, NoAnswerKind, Options, Plan, Receipt, Request, Rules, exchange
from ._async_httpx_pool import FAILURES, PoolStream, as_httpx, open_transport
from ._deadline import call_within_async, due_at, has_passed, shorten, until_async
from ._options import current
from ._record import EXTENSION, OnReceipt, Record, Tally
from ._sending import rewritten_headers, today

_LATE: Final = "the deadline for the whole call has passed"


class _Tapped(httpx.AsyncByteStream):
    """A response stream that is counted as it passes, chunk by chunk, unread."""

    def __init__(self, inner: httpx.AsyncByteStream, record: Record, due: float | None) -> None:
        self._inner = inner
        self._tally = Tally(record)
        self._due = due

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tally = self._tally
        # A pool of ours gives httpcore's own stream: a layer less for every chunk.
        inner = self._inner.source if isinstance(self._inner, PoolStream) else self._inner
        chunks = inner.__aiter__() if self._due is None else until_async(inner.__aiter__(), self._due)
        keep, limit, held = tally.parts.append, tally.limit, 0
        try:
            async for chunk in chunks:
                keep(chunk)
                held += len(chunk)
                if held > limit:
                    held, limit = tally.trim(held)
                yield chunk
        except TimeoutError as error:
            tally.end("errored")
            raise httpx.ReadTimeout(_LATE) from error
        except (httpx.TransportError, *FAILURES) as error:
            failure = error if isinstance(error, httpx.TransportError) else as_httpx(error)
            timed_out = isinstance(failure, httpx.TimeoutException)
            tally.end("errored" if timed_out else "cut")
            if timed_out and has_passed(self._due):
                raise httpx.ReadTimeout(_LATE) from TimeoutError(str(error))
            raise failure from error
        tally.end("complete")

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._tally.end("cancelled")


_KINDS: Final[tuple[tuple[type[Exception], NoAnswerKind], ...]] = (
    (httpx.ConnectTimeout, "connect"),
    (httpx.TimeoutException, "timeout"),
    (httpx.ConnectError, "connect"),
    (httpx.ProxyError, "connect"),
    (httpx.TransportError, "protocol"),
)


def no_answer_kind(error: Exception) -> NoAnswerKind:
    """How an httpx error says that nobody answered; ``connect`` only where nothing can have been sent."""
    if isinstance(error.__cause__, TimeoutError) and isinstance(error, httpx.ReadTimeout):
        return "deadline"
    for family, kind in _KINDS:
        if isinstance(error, family):
            return kind
    return "protocol"


_Sender = Callable[[httpx.Request], Awaitable[httpx.Response]]


class AsyncDriver:
    """Drives paths: sends what they ask to be sent, and taps what is delivered."""

    def __init__(self, rules: Rules, on_receipt: OnReceipt | None = None) -> None:
        self.rules = rules
        self.on_receipt = on_receipt

    def start(self, request: Request, options: Options = NO_OPTIONS, *, defaults: Options = NO_OPTIONS) -> Record:
        """Decide. ``options`` of the call beat those in force around the caller, and these beat ``defaults``.

        Raises:
            Refused: the request asks for something that cannot be done safely.
        """
        ambient, scopes = current()
        chosen = options.over(ambient).over(defaults)
        return Record(exchange(request, self.rules, chosen), scopes, self.on_receipt)

    async def run(self, record: Record, build: Callable[[Plan], httpx.Request], send: _Sender) -> httpx.Response:
        """Send what the path asks for; the body of the response is still to come, its record is in the extensions.

        Raises:
            httpx.TransportError: nobody answered. The record has its receipt by then.
        """
        due = due_at(record.plan.deadline)
        response = await self._sent(record, build, send, due)
        while response is None or record.wants_sending:
            if response is not None:
                await response.aclose()
            response = await self._sent(record, build, send, due)
        response.extensions[EXTENSION] = record
        if response.is_closed:  # it came whole, from a mock or from a cache of the caller's own
            tally = Tally(record)
            tally.parts.append(response.content)
            tally.end("complete")
            return response
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Tapped(response.stream, record, due)
        return response

    async def _sent(
        self, record: Record, build: Callable[[Plan], httpx.Request], send: _Sender, due: float | None
    ) -> httpx.Response | None:
        """Send once. None: nobody answered, and the path asks somebody else."""
        request = build(record.sending())
        try:
            if due is not None:
                request.extensions["timeout"] = shorten(request.extensions.get("timeout", {}), due)
            response = await call_within_async(partial(send, request), due)
        except TimeoutError as error:
            self._unanswered(record, "deadline", _LATE)
            raise httpx.ReadTimeout(_LATE, request=request) from error
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException) and has_passed(due):
                self._unanswered(record, "deadline", _LATE)
            else:
                self._unanswered(record, no_answer_kind(error), type(error).__name__)
            if record.wants_sending:
                return None
            raise
        record.answered(response.status_code, tuple(response.headers.raw))
        return response

    def _unanswered(self, record: Record, kind: NoAnswerKind, problem: str) -> None:
        record.unanswered(NoAnswer(kind, problem, record.sent_at, perf_counter()))


_FROM_GATEWAY: Final = "aig_client.from_gateway"
"""httpx carries a request's extensions over to its redirect, so there the transport finds its own mark again."""


class AsyncGatewayTransport(httpx.AsyncBaseTransport):
    """An httpx transport that makes every request to AI Gateway obey ``rules``, and leaves every other one bare.

    Give it to an SDK inside an ``httpx.AsyncClient``. It wraps ``inner`` (by default a pool of its own), never retries,
    raises nothing of ours but ``Refused``, and hands HTTP statuses back as responses.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        inner: httpx.AsyncBaseTransport | None = None,
        options: Options = NO_OPTIONS,
        on_receipt: Callable[[Receipt], None] | None = None,
    ) -> None:
        self._driver = AsyncDriver(rules, on_receipt)
        self._inner = inner if inner is not None else open_transport()
        self._options = options

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Decide, send, and tap the answer.

        Raises:
            Refused: the request asks for something that cannot be done safely.
        """
        try:
            body: bytes | None = request.content
        except httpx.RequestNotRead:
            body = None  # a stream or a multipart form: passed on untouched, never keyed

        def build(plan: Plan) -> httpx.Request:
            # A new request: the caller's keeps its headers, or a redirect would carry ours to another host.
            url = request.url if plan.url == asked.url else httpx.URL(plan.url)
            if plan.body is None and url is request.url:
                stream, headers = request.stream, plan.headers
            else:
                content = plan.body if plan.body is not None else body or b""
                stream = httpx.ByteStream(content)
                headers = rewritten_headers(plan.headers, url.netloc, len(content))
            return httpx.Request(plan.method, url, headers=headers, stream=stream, extensions=request.extensions)

        asked = Request(
            request.method,
            str(request.url),
            tuple(request.headers.raw),
            body,
            left_gateway=_FROM_GATEWAY in request.extensions,
            today=today(),
        )
        record = self._driver.start(asked, defaults=self._options)
        if record.plan.surface is not None:
            request.extensions[_FROM_GATEWAY] = True
        return await self._driver.run(record, build, self._inner.handle_async_request)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()
