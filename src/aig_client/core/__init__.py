"""The mind: what AI Gateway is, and what to do about it. Standard library only; no clock, no environment, no chance.

This is the core's one public door. The package's own shell and the Worker import from here.
"""

from ._asks import Ask, Deliver, Path, Send
from ._canon import Encoder, canonical_json
from ._errors import (
    AigError,
    ConfigurationError,
    GatewayError,
    NoAnswerKind,
    ProviderError,
    Refused,
    Unkeyable,
    Unreachable,
)
from ._leaves import Leaves
from ._parse import Decoder, decode_strictly
from ._values import (
    NO_OPTIONS,
    PLACEHOLDER,
    SHARED,
    UNSET,
    CacheIntent,
    CacheKey,
    Ended,
    Head,
    Meter,
    NoAnswer,
    Options,
    Plan,
    RawHeaders,
    Receipt,
    Request,
    Shared,
    Tenant,
)
from .facts._failures import error_from_binding, error_from_response
from .facts._headers import GatewayMetadata
from .facts._providers import CREDENTIAL_HEADERS, NEEDED_HEADERS, PROVIDERS, USUAL_PROVIDER, EndpointKind, Provider
from .facts._response import CacheStatus, DlpFinding, ResponseMetadata
from .facts._sse import END_MARK, EventReader, ServerSentEvent
from .facts._surfaces import (
    Family,
    Surface,
    base_url,
    compat_model,
    declare,
    endpoint_path,
    provider_row,
    rest_base_url,
    rest_model,
    sdk_path,
    surface_of,
)
from .facts._usage import Usage
from .path import Rules, decide, exchange, read
from .path._keys import KeyDiff, KeyExplanation, KeyMaker, KeyScope, cache_key, diff_keys, explain_key

__all__ = [
    "CREDENTIAL_HEADERS",
    "END_MARK",
    "NEEDED_HEADERS",
    "NO_OPTIONS",
    "PLACEHOLDER",
    "PROVIDERS",
    "SHARED",
    "UNSET",
    "USUAL_PROVIDER",
    "AigError",
    "Ask",
    "CacheIntent",
    "CacheKey",
    "CacheStatus",
    "ConfigurationError",
    "Decoder",
    "Deliver",
    "DlpFinding",
    "Encoder",
    "Ended",
    "EndpointKind",
    "EventReader",
    "Family",
    "GatewayError",
    "GatewayMetadata",
    "Head",
    "KeyDiff",
    "KeyExplanation",
    "KeyMaker",
    "KeyScope",
    "Leaves",
    "Meter",
    "NoAnswer",
    "NoAnswerKind",
    "Options",
    "Path",
    "Plan",
    "Provider",
    "ProviderError",
    "RawHeaders",
    "Receipt",
    "Refused",
    "Request",
    "ResponseMetadata",
    "Rules",
    "Send",
    "ServerSentEvent",
    "Shared",
    "Surface",
    "Tenant",
    "Unkeyable",
    "Unreachable",
    "Usage",
    "base_url",
    "cache_key",
    "canonical_json",
    "compat_model",
    "decide",
    "declare",
    "decode_strictly",
    "diff_keys",
    "endpoint_path",
    "error_from_binding",
    "error_from_response",
    "exchange",
    "explain_key",
    "provider_row",
    "read",
    "rest_base_url",
    "rest_model",
    "sdk_path",
    "surface_of",
]
