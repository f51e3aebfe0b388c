"""What a client asks of its HTTP family, and what the two families have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .._version import __version__
from ..core import NoAnswerKind, Options, Request, Unreachable
from ._record import Record

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 600.0
"""Seconds between two reads; a model may think for minutes before its first byte. ``deadline`` bounds the whole."""

USER_AGENT = f"aig-client/{__version__}"


class AsyncClosable(Protocol):
    """An http client that an SDK was given."""

    @property
    def is_closed(self) -> bool: ...
    async def aclose(self) -> None: ...


class AsyncOpened(Protocol):
    """An answer whose body is still to come."""

    record: Record

    async def read(self) -> bytes: ...
    def iter_bytes(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class AsyncHands(Protocol):
    """One HTTP family, asynchronously."""

    async def open(self, request: Request, options: Options) -> AsyncOpened: ...
    async def aclose(self) -> None: ...


class Closable(Protocol):
    """An http client that an SDK was given."""

    @property
    def is_closed(self) -> bool: ...
    def close(self) -> None: ...


class Opened(Protocol):
    """An answer whose body is still to come."""

    record: Record

    def read(self) -> bytes: ...
    def iter_bytes(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class Hands(Protocol):
    """One HTTP family, synchronously."""

    def open(self, request: Request, options: Options) -> Opened: ...
    def close(self) -> None: ...


def environment_proxy(base_url: str) -> str | None:
    """The proxy that the environment (``HTTPS_PROXY``, ``NO_PROXY``, ...) wants for this base URL.

    httpx looks there only for clients without a transport of their own, and ours have one.
    """
    url = urlsplit(base_url)
    proxies = getproxies()
    if not proxies or not url.hostname or proxy_bypass(url.hostname):
        return None
    found = proxies.get(url.scheme) or proxies.get("all")
    return found if found is None or "://" in found else f"http://{found}"


def unreachable(record: Record, error: Exception) -> Unreachable:
    """The error of a call that nobody answered, or whose answer broke off."""
    receipt = record.receipt
    if receipt is not None and receipt.no_answer is not None:
        answer = receipt.no_answer
        return Unreachable(f"nobody answered: {answer.problem}", kind=answer.kind, receipt=receipt)
    if isinstance(error.__cause__, TimeoutError):
        return Unreachable("the deadline passed before the answer had ended", kind="deadline", receipt=receipt)
    kind: NoAnswerKind = "timeout" if "Timeout" in type(error).__name__ else "protocol"
    return Unreachable(f"the answer broke off ({type(error).__name__})", kind=kind, receipt=receipt)
