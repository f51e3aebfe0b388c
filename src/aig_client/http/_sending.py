"""What a plan needs of the shell to become a request."""

from __future__ import annotations

from time import gmtime, strftime, time
from typing import Final

from ..core import RawHeaders

_DAY: Final = 86_400
_today: tuple[int, str] = (-1, "")


def today() -> str:
    """The day in UTC as ``YYYY-MM-DD``. Every request asks, so it is written once a day."""
    global _today  # noqa: PLW0603  (a pair, replaced at once: threads see the old or the new one)
    day = int(time() // _DAY)
    known = _today
    if known[0] != day:
        known = _today = (day, strftime("%Y-%m-%d", gmtime(day * _DAY)))
    return known[1]


_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})


def rewritten_headers(headers: RawHeaders, host: bytes, size: int) -> RawHeaders:
    """The headers of a request whose body or URL is not the caller's any more."""
    kept = [pair for pair in headers if pair[0].lower() not in _FRAMING]
    return ((b"Host", host), *kept, (b"Content-Length", str(size).encode()))
