"""The hands: drivers that answer the path's questions over HTTP, the direct client, and the SDK plugs.

Nothing of httpx or httpx2 is imported until a client or a transport of that family is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._async_client import AsyncGatewayClient
    from ._async_httpx import AsyncGatewayTransport as AsyncHttpxTransport
    from ._async_httpx2 import AsyncGatewayTransport as AsyncHttpx2Transport
    from ._async_stream import AsyncGatewayStream
    from ._keys import cache_key, explain_key
    from ._metadata_of import metadata_of, receipt_of
    from ._options import Scope, options
    from ._response import GatewayResponse, StreamEvent
    from ._sync_client import GatewayClient
    from ._sync_httpx import GatewayTransport as HttpxTransport
    from ._sync_httpx2 import GatewayTransport as Httpx2Transport
    from ._sync_stream import GatewayStream
    from ._transports import AsyncGatewayTransport, GatewayTransport

_HOMES = {
    "AsyncGatewayClient": ("_async_client", "AsyncGatewayClient"),
    "AsyncGatewayStream": ("_async_stream", "AsyncGatewayStream"),
    "AsyncGatewayTransport": ("_transports", "AsyncGatewayTransport"),
    "AsyncHttpx2Transport": ("_async_httpx2", "AsyncGatewayTransport"),
    "AsyncHttpxTransport": ("_async_httpx", "AsyncGatewayTransport"),
    "GatewayClient": ("_sync_client", "GatewayClient"),
    "GatewayResponse": ("_response", "GatewayResponse"),
    "GatewayStream": ("_sync_stream", "GatewayStream"),
    "GatewayTransport": ("_transports", "GatewayTransport"),
    "Httpx2Transport": ("_sync_httpx2", "GatewayTransport"),
    "HttpxTransport": ("_sync_httpx", "GatewayTransport"),
    "Scope": ("_options", "Scope"),
    "StreamEvent": ("_response", "StreamEvent"),
    "cache_key": ("_keys", "cache_key"),
    "explain_key": ("_keys", "explain_key"),
    "metadata_of": ("_metadata_of", "metadata_of"),
    "options": ("_options", "options"),
    "receipt_of": ("_metadata_of", "receipt_of"),
}

__all__ = [
    "AsyncGatewayClient",
    "AsyncGatewayStream",
    "AsyncGatewayTransport",
    "AsyncHttpx2Transport",
    "AsyncHttpxTransport",
    "GatewayClient",
    "GatewayResponse",
    "GatewayStream",
    "GatewayTransport",
    "Httpx2Transport",
    "HttpxTransport",
    "Scope",
    "StreamEvent",
    "cache_key",
    "explain_key",
    "metadata_of",
    "options",
    "receipt_of",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home[0]}"), home[1])
    globals()[name] = value
    return value
