"""The ``cf-aig-*`` request headers: contract 1.2 as rows, and which surface takes which (contract 1.2, last part)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal

from .._depth import shallow
from .._errors import ConfigurationError
from ._surfaces import Family, Surface

Scalar = str | int | float | bool
Backoff = Literal["constant", "linear", "exponential"]

TTL_MIN: Final = 60
TTL_MAX: Final = 2_592_000  # "one month": 30 days in seconds is a third party's reading, the docs give no number
METADATA_MAX: Final = 5
_ENDLESS: Final = 999_999_999_999  # milliseconds, 31 years; the contract gives no limit, a header needs one

_NATIVE: Final[frozenset[Family]] = frozenset({"native"})
_GATEWAY_HOST: Final[frozenset[Family]] = frozenset({"native", "compat", "universal"})
_REST: Final[frozenset[Family]] = frozenset({"rest"})
_EVERYWHERE: Final = _GATEWAY_HOST | _REST

DEPRECATED: Final[Mapping[str, str]] = {"cf-cache-ttl": "cf-aig-cache-ttl", "cf-skip-cache": "cf-aig-skip-cache"}
"""Understood when a caller set them, replaced by the current name; never sent (contract 1.2)."""


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(name, "must be a non-empty string")
    if value != value.strip():
        raise ConfigurationError(name, "begins or ends with white space, which HTTP does not carry")
    return _plain(name, value)


def _plain(name: str, value: str) -> str:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
        raise ConfigurationError(name, "holds a control character (CR, LF, ...)", remedy="Use plain text")
    if not value.isascii() and any(ord(char) > 0xFF for char in value):
        raise ConfigurationError(name, "holds a character outside Latin-1", remedy="Use an ASCII identifier")
    return value


def _flag(name: str, value: object) -> str:
    if not isinstance(value, bool):
        raise ConfigurationError(name, "must be True or False")
    return "true" if value else "false"


def _only_true(name: str, value: object) -> str:
    if value is not True:
        raise ConfigurationError(name, "has one value, True", remedy="Leave it out otherwise")
    return "true"


def _integer(low: int, high: int, unit: str) -> Callable[[str, object], str]:
    limits = f"from {low} to {high} {unit}"

    def write(name: str, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigurationError(name, f"must be an integer {limits}")
        if not low <= value <= high:
            raise ConfigurationError(name, "is out of range", remedy=f"Use an integer {limits}")
        return str(value)

    return write


def _pattern(pattern: str, what: str) -> Callable[[str, object], str]:
    compiled = re.compile(pattern)

    def write(name: str, value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ConfigurationError(name, f"must be {what}")
        return value

    return write


def _list(name: str, value: object) -> str:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(name, "must be a list of strings")
    parts = [_text(name, part) for part in value]
    if not parts or any("," in part for part in parts):
        raise ConfigurationError(name, "must hold at least one entry, and no entry may hold a comma")
    return ",".join(parts)


def _bearer(name: str, value: object) -> str:
    text = _text(name, value)
    if " " in text:
        raise ConfigurationError(name, "holds a space", remedy="Give the bare token, without 'Bearer'")
    return f"Bearer {text}"


def _metadata(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        raise ConfigurationError(name, "must be a mapping of names to scalars")
    if len(value) > METADATA_MAX:
        raise ConfigurationError(
            name,
            f"has {len(value)} entries; Cloudflare keeps {METADATA_MAX} and drops the rest silently",
            remedy="Remove some",
        )
    for key, item in value.items():
        where = f"{name}[{key!r}]"
        _text(where, key)
        if str(key).startswith("cf."):
            raise ConfigurationError(where, "the prefix 'cf.' is Cloudflare's own and is stripped")
        if isinstance(item, str):
            _plain(where, item)
        elif isinstance(item, (bool, int, float)):
            if not _finite(item):
                raise ConfigurationError(where, "is not a finite number")
        else:
            # One null or nested value makes the gateway drop the whole object (contract 1.4).
            raise ConfigurationError(where, f"is a {type(item).__name__}; only string, number and boolean are kept")
    return json.dumps(dict(value), separators=(",", ":"))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every double, which is what a reader of JSON makes of it
        return False


_COST_FIELDS: Final = ("per_token_in", "per_token_out", "per_cache_read_token", "per_cache_write_token", "total_cost")


def _cost(name: str, value: object) -> str:
    if not isinstance(value, Mapping) or not value:
        raise ConfigurationError(name, f"must be a mapping with some of {', '.join(_COST_FIELDS)}")
    for key, item in value.items():
        if key not in _COST_FIELDS:
            raise ConfigurationError(f"{name}[{key!r}]", "is no cost field", remedy=f"Use {', '.join(_COST_FIELDS)}")
        if isinstance(item, bool) or not isinstance(item, (int, float)) or not _finite(item) or item < 0:
            raise ConfigurationError(f"{name}[{key!r}]", "must be a finite number of US dollars, zero or more")
    return json.dumps(dict(value), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """One row of contract 1.2: the field that holds it, its wire name, its writer and the surfaces that take it."""

    field: str
    name: str
    write: Callable[[str, object], str]
    families: frozenset[Family]
    under: str = ""  # the one endpoint that takes it, where that is narrower than the surface


REQUEST_HEADERS: Final[tuple[RequestHeader, ...]] = (
    RequestHeader("authorization", "cf-aig-authorization", _bearer, _GATEWAY_HOST),
    RequestHeader(
        "gateway_id", "cf-aig-gateway-id", _pattern(r"[\x21-\x2e\x30-\x7e]{1,64}", "1 to 64 characters"), _REST
    ),
    RequestHeader("skip_cache", "cf-aig-skip-cache", _flag, _EVERYWHERE),
    RequestHeader("cache_ttl", "cf-aig-cache-ttl", _integer(TTL_MIN, TTL_MAX, "seconds"), _EVERYWHERE),
    RequestHeader("cache_key", "cf-aig-cache-key", _text, _EVERYWHERE),
    RequestHeader("metadata", "cf-aig-metadata", _metadata, _EVERYWHERE),
    RequestHeader("custom_cost", "cf-aig-custom-cost", _cost, _GATEWAY_HOST),
    RequestHeader("collect_log", "cf-aig-collect-log", _flag, _EVERYWHERE),
    RequestHeader("collect_log_payload", "cf-aig-collect-log-payload", _flag, _GATEWAY_HOST),
    RequestHeader("event_id", "cf-aig-event-id", _text, _GATEWAY_HOST),
    RequestHeader("request_timeout_ms", "cf-aig-request-timeout", _integer(1, _ENDLESS, "milliseconds"), _EVERYWHERE),
    RequestHeader("max_attempts", "cf-aig-max-attempts", _integer(1, 5, "attempts"), _EVERYWHERE),
    RequestHeader("retry_delay_ms", "cf-aig-retry-delay", _integer(0, 60_000, "milliseconds"), _EVERYWHERE),
    RequestHeader(
        "backoff",
        "cf-aig-backoff",
        _pattern("constant|linear|exponential", "constant, linear or exponential"),
        _EVERYWHERE,
    ),
    # "Provider-native endpoints only" (BYOK page), which is narrower than the general statement for the host.
    RequestHeader("byok_alias", "cf-aig-byok-alias", _text, _NATIVE),
    RequestHeader("no_wholesale", "cf-aig-no-wholesale", _only_true, _GATEWAY_HOST),
    RequestHeader("zdr", "cf-aig-zdr", _flag, _GATEWAY_HOST),
    RequestHeader(
        "otel_trace_id", "cf-aig-otel-trace-id", _pattern("[0-9a-fA-F]{32}", "32 hex characters"), _GATEWAY_HOST
    ),
    RequestHeader(
        "otel_parent_span_id",
        "cf-aig-otel-parent-span-id",
        _pattern("[0-9a-fA-F]{16}", "16 hex characters"),
        _GATEWAY_HOST,
    ),
    RequestHeader("session_id", "cf-aig-session-id", _text, _REST),
    RequestHeader("turn_id", "cf-aig-turn-id", _text, _REST),
    RequestHeader("no_session_affinity", "cf-aig-no-session-affinity", _flag, _REST),
    RequestHeader("allowed_models", "cf-aig-allowed-models", _list, _REST),
    RequestHeader("allowed_providers", "cf-aig-allowed-providers", _list, _REST),
    RequestHeader("payment_method", "Payment-Method", _pattern("x402", "'x402'"), _REST, under="/run"),
)

_BY_FIELD: Final = {row.field: row for row in REQUEST_HEADERS}
_BY_NAME: Final = {row.name.lower(): row for row in REQUEST_HEADERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMetadata:
    """The request headers of AI Gateway as one value; None leaves a header out.

    Times are in the unit of the wire: ``cache_ttl`` in seconds (60 to 2 592 000), the others in milliseconds.
    ``authorization`` is the bare Cloudflare token and never shown. Source of every range: contract 1.2.

    Raises:
        ConfigurationError: at construction, naming the field that is out of range, of the wrong type, or not
            something that HTTP or Cloudflare carries.
    """

    authorization: str | None = field(default=None, repr=False)
    gateway_id: str | None = None
    skip_cache: bool | None = None
    cache_ttl: int | None = None
    cache_key: str | None = None
    metadata: Mapping[str, Scalar] | None = None
    custom_cost: Mapping[str, float] | None = None
    collect_log: bool | None = None
    collect_log_payload: bool | None = None
    event_id: str | None = None
    request_timeout_ms: int | None = None
    max_attempts: int | None = None
    retry_delay_ms: int | None = None
    backoff: Backoff | None = None
    byok_alias: str | None = None
    no_wholesale: bool | None = None
    zdr: bool | None = None
    otel_trace_id: str | None = None
    otel_parent_span_id: str | None = None
    session_id: str | None = None
    turn_id: str | None = None
    no_session_affinity: bool | None = None
    allowed_models: tuple[str, ...] | None = None
    allowed_providers: tuple[str, ...] | None = None
    payment_method: Literal["x402"] | None = None

    def __post_init__(self) -> None:
        self._written()
        if self.skip_cache and (self.cache_key is not None or self.cache_ttl is not None):
            raise ConfigurationError(
                "skip_cache", "cannot be True beside cache_key or cache_ttl", remedy="State one cache intent"
            )

    def _written(self) -> list[tuple[RequestHeader, str]]:
        return [
            (row, row.write(row.field, value))
            for row in REQUEST_HEADERS
            if (value := getattr(self, row.field)) is not None
        ]

    def headers(self, surface: Surface | None) -> dict[str, str]:
        """The exact headers for ``surface``; ``{}`` when it is None, that is when the URL is no gateway.

        Raises:
            ConfigurationError: a field that this surface does not take; a setting that does nothing is an error.
        """
        if surface is None:
            return {}
        if surface.family == "rest" and surface.endpoint.startswith("/run/@cf/") and self.gateway_id is None:
            if self != GatewayMetadata():
                raise ConfigurationError(
                    "gateway_id",
                    "is required for an @cf/ model on the REST API; without it the call is plain Workers AI",
                )
            return {}
        headers: dict[str, str] = {}
        for row, value in self._written():
            if surface.family not in row.families or not surface.endpoint.startswith(row.under):
                where = ", ".join(sorted(row.families)) + (f" (/ai{row.under} only)" if row.under else "")
                raise ConfigurationError(
                    row.field,
                    f"{row.name} does nothing on the {surface.family} surface",
                    remedy=f"It works on: {where}",
                )
            headers[row.name] = value
        return headers

    def merged(self, other: GatewayMetadata | None) -> GatewayMetadata:
        """This value with every field that ``other`` sets laid over it; the two ``metadata`` objects are joined."""
        if other is None:
            return self
        changes = {f.name: value for f in fields(other) if (value := getattr(other, f.name)) is not None}
        if other.skip_cache:  # one cache intent: the narrower one
            changes |= {"cache_key": None, "cache_ttl": None}
        elif other.cache_key is not None or other.cache_ttl is not None:
            changes["skip_cache"] = other.skip_cache
        if self.metadata and other.metadata:
            changes["metadata"] = {
                **other.metadata,
                **{k: v for k, v in self.metadata.items() if k not in other.metadata},
            }
        return replace(self, **changes)


def supported_on(name: str, family: Family) -> bool | None:
    """Whether a header works on a surface family; None for a ``cf-aig-*`` name that the contract does not know."""
    row = _BY_NAME.get(name.lower())
    return None if row is None else family in row.families


def gateway_metadata_from_headers(headers: Iterable[tuple[str, str]]) -> GatewayMetadata:
    """Read the ``cf-aig-*`` headers that a caller set by hand, deprecated names included; a current name wins.

    Raises:
        ConfigurationError: a value that the header does not take, under its header name.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        lowered = name.lower()
        current = DEPRECATED.get(lowered)
        if current is not None:
            found.setdefault(current, value)
        elif lowered in _BY_NAME:
            found[lowered] = value
    values: dict[str, object] = {_BY_NAME[name].field: _read(name, value.strip()) for name, value in found.items()}
    try:
        return GatewayMetadata(**values)  # type: ignore[arg-type]
    except ConfigurationError as error:
        name, bracket, rest = error.field.partition("[")
        raise ConfigurationError(_BY_FIELD[name].name + bracket + rest, error.problem, remedy=error.remedy) from None


_INTEGERS: Final = frozenset({"cache_ttl", "request_timeout_ms", "max_attempts", "retry_delay_ms"})
_FLAGS: Final = frozenset(row.field for row in REQUEST_HEADERS if row.write in (_flag, _only_true))
_JSON: Final = frozenset({"metadata", "custom_cost"})
_LISTS: Final = frozenset({"allowed_models", "allowed_providers"})


def _read(name: str, value: str) -> object:
    kind = _BY_NAME[name].field
    if kind in _INTEGERS:
        if not re.fullmatch(r"-?[0-9]{1,12}", value):
            raise ConfigurationError(name, "is not a decimal integer")
        return int(value)
    if kind in _FLAGS:
        if value.lower() not in ("true", "false"):
            raise ConfigurationError(name, "is neither 'true' nor 'false'")
        return value.lower() == "true"
    if kind in _JSON:
        try:
            return json.loads(shallow(value))
        except (ValueError, RecursionError):
            raise ConfigurationError(name, "is not a JSON object") from None
    if kind in _LISTS:
        return tuple(part.strip() for part in value.split(","))
    if kind == "authorization":
        return value[7:].strip() if value[:7].lower() == "bearer " else value
    return value
