"""A gateway between the API's spelling and `GatewaySettings` (contract 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from .._json import JsonObject, JsonValue
from .._registry import GatewayRecord
from .._settings import MAX_ATTEMPTS, MAX_RETRY_DELAY_MS, Backoff, GatewaySettings, Technique
from ._envelope import invalid
from ._fields import Fields
from ._moments import iso
from ._rules_codec import (
    one_of,
    read_dlp,
    read_guardrails,
    read_spend_limits,
    write_dlp,
    write_guardrails,
    write_spend_limits,
)

DEFAULT_GATEWAY = "default"

_REQUIRED = ("cache_invalidate_on_update", "collect_logs")
_REQUIRED_OR_NULL = ("cache_ttl", "rate_limiting_interval", "rate_limiting_limit")
_SERVERS_OWN = frozenset(("id", "account_id", "account_tag", "created_at", "modified_at", "is_default"))
"""What a read gives and a full PUT therefore sends back; it is never taken from the caller."""

# The API's reference gives these bounds.
_FEWEST_LOGS, _MOST_LOGS = 10_000, 10_000_000
_SHORTEST_KEY, _LONGEST_KEY = 16, 1024
_LONGEST_INTERVAL = 366 * 86_400
_LIFE_WITHOUT_TTL = 300
"""Seconds that the emulator keeps what a caching gateway without a ttl stores; the API can say it no other way."""

_TECHNIQUES: Sequence[Technique] = ("fixed", "sliding")
_BACKOFFS: Sequence[Backoff] = ("constant", "linear", "exponential")
_STRATEGIES: Sequence[Literal["STOP_INSERTING", "DELETE_OLDEST"]] = ("STOP_INSERTING", "DELETE_OLDEST")
_BILLING: Sequence[Literal["postpaid", "unified"]] = ("postpaid", "unified")

_Check: TypeAlias = Callable[[Fields, str], object]

# Fields of the API that have no effect in the emulator. They are checked by kind, kept, and given back.
_INEFFECTIVE: tuple[tuple[str, _Check], ...] = (
    ("log_classification", Fields.flag),
    ("logpush", Fields.flag),
    ("logpush_public_key", lambda fields, name: fields.text(name, least=_SHORTEST_KEY, most=_LONGEST_KEY)),
    ("otel", lambda fields, name: _check_otel(fields.each(name))),
    ("store_id", Fields.text),
    ("stripe", lambda fields, name: _check_stripe(fields.inside(name))),
)


def read_settings(wire: JsonObject) -> GatewaySettings:
    """The settings that a create or a full update asks for. Raises `ApiError`, naming every field that is wrong."""
    return settings_of(Fields(wire))


def settings_of(fields: Fields) -> GatewaySettings:
    """The same of a body that is being read."""
    fields.require(*_REQUIRED)
    fields.require(*_REQUIRED_OR_NULL, nullable=True)
    ttl = fields.whole("cache_ttl") or None
    try:
        settings = GatewaySettings(
            authentication=fields.flag("authentication"),
            byok_only=fields.flag("byok_only") is True,
            caching=ttl is not None,
            cache_ttl=ttl,
            cache_invalidate_on_update=fields.flag("cache_invalidate_on_update") is True,
            collect_logs=fields.flag("collect_logs") is not False,
            log_management=fields.whole("log_management", _FEWEST_LOGS, _MOST_LOGS),
            log_management_strategy=one_of(fields, "log_management_strategy", _STRATEGIES) or "DELETE_OLDEST",
            rate_limiting_limit=fields.whole("rate_limiting_limit") or 0,
            rate_limiting_interval=fields.whole("rate_limiting_interval", 0, _LONGEST_INTERVAL) or 0,
            rate_limiting_technique=one_of(fields, "rate_limiting_technique", _TECHNIQUES) or "fixed",
            retry_max_attempts=fields.whole("retry_max_attempts", 1, MAX_ATTEMPTS),
            retry_delay=fields.whole("retry_delay", 0, MAX_RETRY_DELAY_MS),
            retry_backoff=one_of(fields, "retry_backoff", _BACKOFFS),
            guardrails=read_guardrails(fields),
            dlp=read_dlp(fields),
            spend_limits=read_spend_limits(fields),
            zdr=fields.flag("zdr") is True,
            workers_ai_billing_mode=one_of(fields, "workers_ai_billing_mode", _BILLING) or "postpaid",
            other=_other(fields),  # last: it takes what is left
        )
    except ValueError as error:
        # Its messages begin with the field's name and hold numbers only.
        message = str(error)
        fields.done()
        raise invalid(message, "body", message.partition(" ")[0]) from None
    fields.done()
    return settings


def _other(fields: Fields) -> JsonObject:
    """What has no place among the settings. DLP and spend limits as sent, for their spelling says more than ours."""
    kept = {name: fields.raw(name) for name in ("dlp", "spend_limits")}
    kept |= fields.rest()
    for name, check in _INEFFECTIVE:
        check(fields, name)
    return {name: value for name, value in kept.items() if value is not None and name not in _SERVERS_OWN}


def _check_otel(targets: list[Fields]) -> None:
    for target in targets:
        target.require("url", "headers")
        target.text("url", least=1)
        target.text("authorization")
        target.choice("content_type", ("json", "protobuf"))
        headers = target.inside("headers")
        if headers is not None:
            for name in headers.names():
                headers.text(name)


def _check_stripe(fields: Fields | None) -> None:
    if fields is None:
        return
    fields.require("authorization", "usage_events")
    fields.text("authorization")
    for event in fields.each("usage_events"):
        event.require("payload")
        event.text("payload")


def write_settings(settings: GatewaySettings) -> JsonObject:
    """The fields of the API. `authentication` is absent where the settings leave it open."""
    wire: JsonObject = {name: value for name, value in settings.other.items() if name not in ("dlp", "spend_limits")}
    if settings.authentication is not None:
        wire["authentication"] = settings.authentication
    wire |= {
        "byok_only": settings.byok_only,
        "cache_invalidate_on_update": settings.cache_invalidate_on_update,
        "cache_ttl": (settings.cache_ttl or _LIFE_WITHOUT_TTL) if settings.caching else 0,
        "collect_logs": settings.collect_logs,
        "guardrails": write_guardrails(settings.guardrails) if settings.guardrails else None,
        "log_management": settings.log_management,
        "log_management_strategy": settings.log_management_strategy,
        "rate_limiting_interval": settings.rate_limiting_interval,
        "rate_limiting_limit": settings.rate_limiting_limit,
        "rate_limiting_technique": settings.rate_limiting_technique,
        "retry_backoff": settings.retry_backoff,
        "retry_delay": settings.retry_delay,
        "retry_max_attempts": settings.retry_max_attempts,
        "workers_ai_billing_mode": settings.workers_ai_billing_mode,
        "zdr": settings.zdr,
    }
    dlp = _as_sent(settings, "dlp", lambda fields: read_dlp(fields) == settings.dlp)
    if dlp is not None or settings.dlp:
        wire["dlp"] = dlp if dlp is not None else write_dlp(settings.dlp)
    spend = _as_sent(settings, "spend_limits", lambda fields: read_spend_limits(fields) == settings.spend_limits)
    wire["spend_limits"] = spend if spend is not None else write_spend_limits(settings.spend_limits)
    return wire


def _as_sent(settings: GatewaySettings, name: str, agrees: Callable[[Fields], bool]) -> JsonValue:
    """The caller's own spelling of a field, as long as it still says what the settings say."""
    kept = settings.other.get(name)
    return kept if kept is not None and agrees(Fields({name: kept})) else None


def write_gateway(record: GatewayRecord, *, authentication: bool) -> JsonObject:
    """A gateway as the API shows it. authentication: it asks for a token, where its settings leave that open."""
    return {
        "id": record.id,
        "authentication": authentication,
        **write_settings(record.settings),
        "created_at": iso(record.created_at),
        "modified_at": iso(record.modified_at),
        "is_default": record.id == DEFAULT_GATEWAY,
    }
