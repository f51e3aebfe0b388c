"""What the journal keeps, as JSON: gateways, log rows, cached answers.

Writing leaves out what must not reach a disk: the log's prompts and answers, and credentials among a gateway's fields
without effect. Reading takes only what writing gives: anything else is `None`. A field that is absent has its default,
so that a newer emulator reads what an older one wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from operator import attrgetter

from ._cache import Entry
from ._json import JsonObject, JsonValue
from ._log import LogEntry
from ._registry import GatewayRecord
from ._routes import is_account_id, is_gateway_id
from ._settings import DlpPolicy, GatewaySettings, Guardrails, Policy, SpendRule
from ._state_shape import (
    Shape,
    flag,
    header,
    json_object,
    map_of,
    maybe,
    moment,
    named,
    number,
    one_of,
    scalar,
    set_of,
    status,
    text,
    tuple_of,
    whole,
)

_MASK = "[redacted]"

# `json.dumps` with options would build an encoder for each row.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def write_gateway(record: GatewayRecord) -> bytes:
    """Raises `ValueError` or `RecursionError` for what JSON cannot say; so do the others."""
    plain = _plain(record)
    assert isinstance(plain, dict)
    settings = plain["settings"]
    assert isinstance(settings, dict)
    settings["other"] = _masked(settings["other"])
    return _encode(plain).encode("ascii")


def read_gateway(value: bytes) -> GatewayRecord | None:
    return _RECORD.read(value)


def write_log(entry: LogEntry) -> bytes:
    """Without the two bodies: a file outlives the run, and nobody asked for prompts in it."""
    row = dict(zip(_LOG.names, _log_values(entry), strict=True))
    row["cf_aig"], row["metadata"] = dict(entry.cf_aig), dict(entry.metadata)
    return _encode(row).encode("ascii")


def read_log(value: bytes) -> LogEntry | None:
    return _LOG.read(value)


def write_answer(entry: Entry) -> bytes:
    """Without the body, which stands beside it."""
    row = {name: getattr(entry, name) for name in _ANSWER.names}
    return _encode(row).encode("ascii")


def read_answer(value: bytes, body: bytes) -> Entry | None:
    return _ANSWER.read(value, body=body)


def _plain(value: object) -> JsonValue:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, frozenset):
        return [_plain(inner) for inner in sorted(value)]
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    assert is_dataclass(value)
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _masked(value: JsonValue) -> JsonValue:
    """Without credentials: those of `otel` and `stripe`, which have no effect here."""
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found: JsonObject = {}
    for name, inner in value.items():
        if name == "authorization" and inner is not None:
            found[name] = _MASK
        elif name == "headers" and isinstance(inner, dict):
            found[name] = dict.fromkeys(inner, _MASK)
        else:
            found[name] = _masked(inner)
    return found


_ACTION = one_of("FLAG", "BLOCK")
_TECHNIQUE = one_of("fixed", "sliding")

_GUARDRAILS = Shape(Guardrails, {"prompt": map_of(_ACTION), "response": map_of(_ACTION)})
_DLP = Shape(
    DlpPolicy,
    {
        "id": text,
        "action": _ACTION,
        "checks": set_of(one_of("REQUEST", "RESPONSE")),
        "profiles": tuple_of(text),
        "enabled": flag,
    },
)
_SPEND = Shape(
    SpendRule,
    {
        "id": text,
        "limit": number,
        "window": whole,
        "technique": _TECHNIQUE,
        "enabled": flag,
        "models": set_of(text),
        "providers": set_of(text),
        "metadata": map_of(maybe(set_of(text))),
    },
)
_POLICY = Shape(
    Policy,
    {
        "id": text,
        "action": one_of("no-limit", "block", "limit"),
        "metadata": map_of(set_of(text)),
        "limit": number,
        "window": whole,
    },
)
_SETTINGS = Shape(
    GatewaySettings,
    {
        "authentication": maybe(flag),
        "byok_only": flag,
        "caching": flag,
        "cache_ttl": maybe(whole),
        "cache_invalidate_on_update": flag,
        "collect_logs": flag,
        "log_management": maybe(whole),
        "log_management_strategy": one_of("STOP_INSERTING", "DELETE_OLDEST"),
        "rate_limiting_limit": whole,
        "rate_limiting_interval": whole,
        "rate_limiting_technique": _TECHNIQUE,
        "retry_max_attempts": maybe(whole),
        "retry_delay": maybe(whole),
        "retry_backoff": maybe(one_of("constant", "linear", "exponential")),
        "guardrails": maybe(_GUARDRAILS.of),
        "dlp": tuple_of(_DLP.of),
        "spend_limits": tuple_of(_SPEND.of),
        "policies": tuple_of(_POLICY.of),
        "zdr": flag,
        "workers_ai_billing_mode": one_of("postpaid", "unified"),
        "other": json_object,
    },
)
_RECORD = Shape(
    GatewayRecord,
    {
        "account": named(is_account_id),
        "id": named(is_gateway_id),
        "settings": _SETTINGS.of,
        "created_at": moment,
        "modified_at": moment,
        "generation": whole,
    },
)
_ANSWER = Shape(
    Entry,
    {
        "status": status,
        "headers": tuple_of(header),
        "provider": text,
        "model": maybe(text),
        "expires_at": moment,
    },
    beside=frozenset(("body",)),
)
_LOG = Shape(
    LogEntry,
    {
        "log_id": text,
        "at": moment,
        "account": text,
        "gateway": text,
        "method": text,
        "path": text,
        "provider": maybe(text),
        "model": maybe(text),
        "cache_status": maybe(one_of("HIT", "MISS")),
        "key_digest": maybe(text),
        "status": whole,
        "code": maybe(whole),
        "header_names": tuple_of(text),
        "cf_aig": map_of(text),
        "event_id": text,
        "step": whole,
        "attempts": whole,
        "metadata": map_of(scalar),
        "request_type": text,
        "request_content_type": text,
        "response_content_type": text,
        "duration": number,
        "tokens_in": maybe(whole),
        "tokens_out": maybe(whole),
        "cost": maybe(number),
        "custom_cost": flag,
        "authentication": flag,
        "byok": flag,
        "wholesale": flag,
        "user_agent": text,
        "dlp_action": maybe(text),
        "guardrails": tuple_of(text),
        "feedback": maybe(whole),
        "score": maybe(number),
        "collected": flag,
        "request_size": whole,
        "response_size": whole,
        "fault": maybe(text),
    },
)
_log_values = attrgetter(*_LOG.names)
