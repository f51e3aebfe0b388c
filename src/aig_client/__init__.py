"""aig-client: Python services behind Cloudflare AI Gateway, safe, cheap and visible.

Importing this module loads nothing; a name loads its home when it is first used (PEP 562).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._version import __version__
    from .core import (
        SHARED,
        AigError,
        CacheIntent,
        CacheKey,
        CacheStatus,
        Capabilities,
        ConfigurationError,
        Cost,
        GatewayError,
        GatewayMetadata,
        Options,
        Plan,
        Policy,
        ProviderError,
        Receipt,
        Refused,
        ResponseMetadata,
        Rules,
        Selection,
        Surface,
        Unkeyable,
        Unreachable,
        Usage,
        base_url,
        canonical_json,
        capabilities,
        diff_keys,
        find_models,
        normalize_usage,
        surface_of,
    )
    from .http import (
        AsyncGatewayClient,
        AsyncGatewayStream,
        AsyncGatewayTransport,
        GatewayClient,
        GatewayResponse,
        GatewayStream,
        GatewayTransport,
        StreamEvent,
        cache_key,
        explain_key,
        metadata_of,
        options,
        receipt_of,
    )
    from .schema import load_policy

_HOMES = {
    "._version": "__version__",
    ".core": "SHARED AigError CacheIntent CacheKey CacheStatus Capabilities ConfigurationError Cost GatewayError"
    " GatewayMetadata Options Plan Policy ProviderError Receipt Refused ResponseMetadata Rules Selection"
    " Surface Unkeyable Unreachable Usage base_url canonical_json capabilities diff_keys find_models"
    " normalize_usage surface_of",
    ".http": "AsyncGatewayClient AsyncGatewayStream AsyncGatewayTransport GatewayClient GatewayResponse GatewayStream"
    " GatewayTransport StreamEvent cache_key explain_key metadata_of options receipt_of",
    ".schema": "load_policy",
}

__all__ = [
    "SHARED",
    "AigError",
    "AsyncGatewayClient",
    "AsyncGatewayStream",
    "AsyncGatewayTransport",
    "CacheIntent",
    "CacheKey",
    "CacheStatus",
    "Capabilities",
    "ConfigurationError",
    "Cost",
    "GatewayClient",
    "GatewayError",
    "GatewayMetadata",
    "GatewayResponse",
    "GatewayStream",
    "GatewayTransport",
    "Options",
    "Plan",
    "Policy",
    "ProviderError",
    "Receipt",
    "Refused",
    "ResponseMetadata",
    "Rules",
    "Selection",
    "StreamEvent",
    "Surface",
    "Unkeyable",
    "Unreachable",
    "Usage",
    "__version__",
    "base_url",
    "cache_key",
    "canonical_json",
    "capabilities",
    "diff_keys",
    "explain_key",
    "find_models",
    "load_policy",
    "metadata_of",
    "normalize_usage",
    "options",
    "receipt_of",
    "surface_of",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names.split():
            from importlib import import_module

            value: object = getattr(import_module(home, __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
