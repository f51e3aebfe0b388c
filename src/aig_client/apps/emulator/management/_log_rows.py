"""One log as the Logs API shows it (contract 6.3)."""

from __future__ import annotations

import codecs
import math
import re

from .._json import JsonObject, JsonValue
from .._log import LogEntry
from ._moments import iso

HEAD_BYTES = 1024
"""How much of a payload a log's detail shows. Undocumented."""

_NATIVE = re.compile(r"/v1/[0-9a-f]{32}/[^/]+/(?:[a-z0-9-]+/)?")

# Undocumented, the values too: what the path's end says of the model's kind.
_MODEL_TYPES = (
    (re.compile(r"/(?:chat/completions|completions|messages|responses)$|:(?:g|streamG)enerateContent$"), "chat"),
    (re.compile(r"/embeddings$|:(?:embedContent|batchEmbedContents)$"), "embeddings"),
)


def model_type(entry: LogEntry) -> str | None:
    return next((name for pattern, name in _MODEL_TYPES if pattern.search(entry.path)), None)


def total_tokens(entry: LogEntry) -> int | None:
    if entry.tokens_in is None and entry.tokens_out is None:
        return None
    return (entry.tokens_in or 0) + (entry.tokens_out or 0)


def finite(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None


def log_row(entry: LogEntry) -> JsonObject:
    """The members of a list's row. What the SDK's model wants as text is empty where it is not known."""
    metadata: JsonObject = dict(entry.metadata)
    return {
        "id": entry.log_id,
        "created_at": iso(entry.at),
        "provider": entry.provider or "",
        "model": entry.model or "",
        "model_type": model_type(entry),
        # What follows the provider in the URL; the account and the gateway are known already.
        "path": _NATIVE.sub("", entry.path, count=1),
        "duration": round(finite(entry.duration) or 0),
        "request_type": entry.request_type,
        "request_content_type": entry.request_content_type,
        "response_content_type": entry.response_content_type,
        "status_code": entry.status,
        "success": entry.success,
        "cached": entry.cached,
        "tokens_in": entry.tokens_in,
        "tokens_out": entry.tokens_out,
        "usage_metadata": _usage(entry),
        "timings": {"total": finite(entry.duration)},
        "cost": finite(entry.cost),
        "custom_cost": entry.custom_cost,
        "metadata": metadata,
        "step": entry.step,
        "event_id": entry.event_id,
        "authentication": entry.authentication,
        "byok": entry.byok,
        "wholesale": entry.wholesale,
        "user_agent": entry.user_agent,
        "dlp_action": entry.dlp_action,
        "guardrails": list[JsonValue](entry.guardrails),
        "feedback": entry.feedback,
        "score": finite(entry.score),
    }


def log_detail(entry: LogEntry) -> JsonObject:
    """The row, and how each payload begins. A log whose payload was not collected has sizes alone."""
    return {
        **log_row(entry),
        "request_head": _head(entry.request_body),
        "request_head_complete": _is_complete(entry.request_body),
        "request_size": entry.request_size,
        "response_head": _head(entry.response_body),
        "response_head_complete": _is_complete(entry.response_body),
        "response_size": entry.response_size,
    }


def _usage(entry: LogEntry) -> JsonObject:
    return {
        "input_tokens": entry.tokens_in,
        "output_tokens": entry.tokens_out,
        "total_tokens": total_tokens(entry),
    }


def _head(payload: bytes | None) -> str | None:
    if payload is None:
        return None
    # Incremental: a character that the cut goes through is left out, not replaced.
    return codecs.getincrementaldecoder("utf-8")("replace").decode(payload[:HEAD_BYTES], len(payload) <= HEAD_BYTES)


def _is_complete(payload: bytes | None) -> bool:
    return payload is not None and len(payload) <= HEAD_BYTES
