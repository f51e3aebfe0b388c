"""The mind: what AI Gateway is, and what to do about it. Standard library only; no clock, no environment, no chance.

This is the core's one public door. The package's own shell and the Worker import from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
from ._receipt import Ended, Head, Meter, NoAnswer, Receipt
from ._values import (
    NO_OPTIONS,
    PLACEHOLDER,
    SHARED,
    UNSET,
    CacheIntent,
    CacheKey,
    Options,
    Plan,
    RawHeaders,
    Request,
    Shared,
    Tenant,
)
from .facts._failures import error_from_binding, error_from_response
from .facts._headers import REQUEST_HEADERS, GatewayMetadata
from .facts._providers import CREDENTIAL_HEADERS, NEEDED_HEADERS, PROVIDERS, USUAL_PROVIDER, EndpointKind, Provider
from .facts._response import CacheStatus, DlpFinding, ResponseMetadata
from .facts._sse import END_MARK, EventReader, ServerSentEvent
from .facts._surfaces import (
    GATEWAY_HOST,
    REST_HOST,
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
from .facts._usage import Usage, UsageDialect, estimate_usage, normalize_usage, usage_dialect
from .path import ChooseModel, Rules, decide, exchange, read
from .path._keys import KeyDiff, KeyExplanation, KeyMaker, KeyScope, cache_key, diff_keys, explain_key

if TYPE_CHECKING:
    from .facts._builtin_classes import BUILTIN_CLASSES
    from .facts._catalog import Capabilities
    from .facts._catalog_lookup import Catalog, builtin_catalog, capabilities, find_models, price_of, why_not
    from .facts._classes import CacheHints, Limits, Requirements, Retries, RouteClass, ScoreWeights, Target
    from .facts._cost import Cost, CostLine, cost_of, custom_cost_of, estimate_cost
    from .facts._fields import FIELDS
    from .facts._prices import Price
    from .path._policy import Override, Policy, builtin_policy, policy_from_document
    from .path._select import Candidate, Context, Rejected, Selection, select
    from .path._work import Work, work_of

# What belongs to route classes loads with the first name of it that is asked for.
_LATER = {
    ".facts._builtin_classes": "BUILTIN_CLASSES",
    ".facts._catalog": "Capabilities",
    ".facts._catalog_lookup": "Catalog builtin_catalog capabilities find_models price_of why_not",
    ".facts._classes": "CacheHints Limits Requirements Retries RouteClass ScoreWeights Target",
    ".facts._cost": "Cost CostLine cost_of custom_cost_of estimate_cost",
    ".facts._prices": "Price",
    ".facts._fields": "FIELDS",
    ".path._policy": "Override Policy builtin_policy policy_from_document",
    ".path._select": "Candidate Context Rejected Selection select",
    ".path._work": "Work work_of",
}
_HOME_OF = {name: home for home, names in _LATER.items() for name in names.split()}

__all__ = [
    "BUILTIN_CLASSES",
    "CREDENTIAL_HEADERS",
    "END_MARK",
    "FIELDS",
    "GATEWAY_HOST",
    "NEEDED_HEADERS",
    "NO_OPTIONS",
    "PLACEHOLDER",
    "PROVIDERS",
    "REQUEST_HEADERS",
    "REST_HOST",
    "SHARED",
    "UNSET",
    "USUAL_PROVIDER",
    "AigError",
    "Ask",
    "CacheHints",
    "CacheIntent",
    "CacheKey",
    "CacheStatus",
    "Candidate",
    "Capabilities",
    "Catalog",
    "ChooseModel",
    "ConfigurationError",
    "Context",
    "Cost",
    "CostLine",
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
    "Limits",
    "Meter",
    "NoAnswer",
    "NoAnswerKind",
    "Options",
    "Override",
    "Path",
    "Plan",
    "Policy",
    "Price",
    "Provider",
    "ProviderError",
    "RawHeaders",
    "Receipt",
    "Refused",
    "Rejected",
    "Request",
    "Requirements",
    "ResponseMetadata",
    "Retries",
    "RouteClass",
    "Rules",
    "ScoreWeights",
    "Selection",
    "Send",
    "ServerSentEvent",
    "Shared",
    "Surface",
    "Target",
    "Tenant",
    "Unkeyable",
    "Unreachable",
    "Usage",
    "UsageDialect",
    "Work",
    "base_url",
    "builtin_catalog",
    "builtin_policy",
    "cache_key",
    "canonical_json",
    "capabilities",
    "compat_model",
    "cost_of",
    "custom_cost_of",
    "decide",
    "declare",
    "decode_strictly",
    "diff_keys",
    "endpoint_path",
    "error_from_binding",
    "error_from_response",
    "estimate_cost",
    "estimate_usage",
    "exchange",
    "explain_key",
    "find_models",
    "normalize_usage",
    "policy_from_document",
    "price_of",
    "provider_row",
    "read",
    "rest_base_url",
    "rest_model",
    "sdk_path",
    "select",
    "surface_of",
    "usage_dialect",
    "why_not",
    "work_of",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
