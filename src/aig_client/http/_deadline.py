"""The total deadline, in both colours.

Async, the clock interrupts whatever is awaited. Sync, nothing can interrupt a blocking read, so each read gets at most
the time that is left and the clock is looked at between reads: a peer that trickles can overrun by one read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


def due_at(seconds: float | None) -> float | None:
    """The moment that a deadline of so many seconds means, on this module's clock."""
    return None if seconds is None else perf_counter() + seconds


def left(due: float) -> float:
    """Seconds left until ``due``; ``TimeoutError`` when there are none."""
    seconds = due - perf_counter()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def has_passed(due: float | None) -> bool:
    """Whether there is a deadline and it is over."""
    return due is not None and perf_counter() >= due


def shorten(timeouts: dict[str, float | None], due: float) -> dict[str, float | None]:
    """Per-operation timeouts, none of them longer than what is left."""
    seconds = left(due)
    return {
        name: seconds if timeouts.get(name) is None else min(seconds, timeouts[name] or 0.0)
        for name in ("connect", "read", "write", "pool")
    }


async def call_within_async(call: Callable[[], Awaitable[T]], due: float | None) -> T:
    """Await a call; ``TimeoutError`` when it is due first."""
    if due is None:
        return await call()
    import anyio

    with anyio.fail_after(left(due)):
        return await call()


def call_within(call: Callable[[], T], due: float | None) -> T:
    """Make a call; ``TimeoutError`` when it is due already."""
    if due is not None:
        left(due)
    return call()


async def until_async(chunks: AsyncIterator[bytes], due: float) -> AsyncIterator[bytes]:
    """The chunks, as long as they come in time."""
    import anyio

    while True:
        try:
            with anyio.fail_after(left(due)):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        yield chunk


def until(chunks: Iterator[bytes], due: float) -> Iterator[bytes]:
    """The chunks, as long as they come in time."""
    for chunk in chunks:
        yield chunk
        left(due)
