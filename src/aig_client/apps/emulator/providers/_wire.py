"""How an answer leaves: JSON, server-sent events, bytes."""

from __future__ import annotations

from collections.abc import Iterable

from .._json import write
from .._messages import Headers, ProviderAnswer


def json_answer(status: int, value: object, headers: Headers = ()) -> ProviderAnswer:
    return ProviderAnswer(status, (("content-type", "application/json"), *headers), (write(value),))


def sse_answer(frames: Iterable[bytes], headers: Headers = ()) -> ProviderAnswer:
    content_type = ("content-type", "text/event-stream; charset=utf-8")
    return ProviderAnswer(200, (content_type, ("cache-control", "no-cache"), *headers), tuple(frames))


def bytes_answer(content_type: str, body: bytes, headers: Headers = ()) -> ProviderAnswer:
    return ProviderAnswer(200, (("content-type", content_type), *headers), (body,))


def sse(value: object, event: str | None = None) -> bytes:
    """One server-sent event."""
    name = f"event: {event}\n".encode("ascii") if event else b""
    return name + b"data: " + write(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"
"""What ends a stream of OpenAI's, and of all who follow it."""
