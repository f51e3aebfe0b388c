"""Gateway metadata from whatever an SDK gives back."""

from __future__ import annotations

from collections.abc import Mapping

from ..core import Receipt, ResponseMetadata
from ._record import EXTENSION, Record
from ._response import GatewayResponse

# Where SDK objects keep the HTTP response: openai and anthropic raw responses ("http_response"), their streams
# ("response"), google-genai models ("sdk_http_response").
_INSIDE = ("http_response", "response", "sdk_http_response", "_response")


def metadata_of(response: object) -> ResponseMetadata:
    """What the gateway said about a response: an httpx or httpx2 response, an openai or anthropic raw response or
    stream, a google-genai response or chunk, a ``GatewayResponse``, or a plain mapping of headers.

    Raises:
        TypeError: nothing of the kind; parsed SDK models do not keep their headers, ask for the raw response.
    """
    if isinstance(response, ResponseMetadata):
        return response
    if isinstance(response, (GatewayResponse, Receipt)):
        return response.metadata
    if isinstance(response, Mapping):
        return ResponseMetadata.from_headers(response)
    record = _record_of(response)
    if record is not None:
        return record.metadata
    headers = _headers_of(response)
    if headers is None:
        raise TypeError(
            f"{type(response).__name__} has no response headers; with the openai and anthropic SDKs call "
            "with_raw_response or with_streaming_response, or use aig_client.options() and its receipts"
        )
    return ResponseMetadata.from_headers(headers)


def receipt_of(response: object) -> Receipt | None:
    """The receipt of a response, or None while its answer is still under way (or did not come through us)."""
    if isinstance(response, GatewayResponse):
        return response.receipt
    record = _record_of(response)
    return record.receipt if record is not None else None


def _layers(response: object) -> list[object]:
    layers = [response]
    for layer in layers:  # grows while it is walked
        for name in _INSIDE:
            inner = getattr(layer, name, None)
            if inner is not None and len(layers) < 8:
                layers.append(inner)
    return layers


def _record_of(response: object) -> Record | None:
    for layer in _layers(response):
        extensions = getattr(layer, "extensions", None)
        record = extensions.get(EXTENSION) if isinstance(extensions, Mapping) else None
        if isinstance(record, Record):
            return record
    return None


def _headers_of(response: object) -> Mapping[str, str] | None:
    for layer in _layers(response):
        headers = getattr(layer, "headers", None)
        if isinstance(headers, Mapping):
            return headers
    return None
