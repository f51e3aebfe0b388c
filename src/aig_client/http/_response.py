"""What the direct client gives back, in either colour."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ..core import (
    GatewayError,
    ProviderError,
    Receipt,
    ResponseMetadata,
    ServerSentEvent,
    Usage,
    error_from_response,
)
from . import _codec
from ._record import Record


class StreamEvent(ServerSentEvent):
    """One server-sent event of a streamed answer."""

    def json(self) -> Any:  # noqa: ANN401  (the JSON boundary)
        """The data as JSON; ``ValueError`` where it is none (OpenAI ends its streams with ``[DONE]``)."""
        return _codec.loads(self.data)


class GatewayResponse:
    """A whole answer: ``data``, ``metadata`` and ``receipt`` beside the HTTP facts.

    Attributes:
        status: the HTTP status, always below 400 (the client raises above).
        content: the body's bytes, decoded.
    """

    def __init__(self, record: Record, content: bytes) -> None:
        assert record.head is not None
        assert record.receipt is not None
        self.status: int = record.head.status
        self.content = content
        self.receipt: Receipt = record.receipt

    def __repr__(self) -> str:
        return f"<GatewayResponse {self.status} {self.receipt.cache_status or 'no cache status'}>"

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Response headers, lower-case names; repeated ones joined with ``, ``."""
        return headers_of(self.receipt)

    @property
    def metadata(self) -> ResponseMetadata:
        """What the gateway said about this answer."""
        return self.receipt.metadata

    @property
    def usage(self) -> Usage | None:
        """Tokens, as the provider reported them."""
        return self.receipt.usage

    @cached_property
    def data(self) -> Any:  # noqa: ANN401  (the JSON boundary)
        """The body as JSON, parsed once; ``ValueError`` where it is none."""
        return _codec.loads(self.content)

    def json(self) -> Any:  # noqa: ANN401
        """The same as ``data``."""
        return self.data

    @property
    def text(self) -> str:
        """The body as UTF-8 text; what is not UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")


def headers_of(receipt: Receipt) -> Mapping[str, str]:
    """The response headers of a receipt by lower-case name."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in receipt.head.headers if receipt.head is not None else ():
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return MappingProxyType(joined)


def error_of(record: Record, content: bytes) -> GatewayError | ProviderError:
    """The typed error of an answer that is no success."""
    receipt = record.receipt
    assert receipt is not None
    assert receipt.status is not None
    surface = receipt.plan.surface
    error = error_from_response(
        receipt.status,
        headers_of(receipt),
        content,
        provider=receipt.metadata.provider or (surface.provider if surface is not None else None),
        rest_run=surface is not None and surface.family == "rest" and surface.endpoint == "/run",
    )
    error.receipt = receipt
    return error
