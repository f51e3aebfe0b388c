"""The Logs API: list, read, rate, delete (contract 6.1, 6.3). It shows what was collected, never a secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType

from .._json import JsonObject, JsonValue
from .._log import LogEntry, Scalar
from .._messages import Reply
from .._metadata import MOST_ENTRIES, RESERVED_PREFIX
from ._call import Call
from ._envelope import absent, granted
from ._fields import Fields
from ._log_filters import KEYS, read_filters, read_tests
from ._log_rows import finite, log_detail, log_row, total_tokens
from ._query import Page, Query

MOST_PER_PAGE = 50
"""More is 400 with code 7001 (field)."""

_LIST_ORDERS = ("created_at", "provider", "model", "model_type", "success", "cached")
_DELETE_ORDERS = (*_LIST_ORDERS, "cost", "tokens_in", "tokens_out", "duration", "feedback")
_DIRECTIONS = ("asc", "desc")
_MOST_DELETED = 10_000_000
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{1,256}")

# What `meta_info` adds to a list's `result_info`: the span of each number among the logs that were found.
_SPANS: MappingProxyType[str, Callable[[LogEntry], float | None]] = MappingProxyType(
    {
        "cost": lambda entry: finite(entry.cost),
        "duration": lambda entry: finite(entry.duration),
        "tokens_in": lambda entry: entry.tokens_in,
        "tokens_out": lambda entry: entry.tokens_out,
        "total_tokens": total_tokens,
    }
)


def list_logs(call: Call) -> Reply:
    page = Page.read(call.query, MOST_PER_PAGE)
    tests = read_tests(call.query)
    wants_spans = call.query.flag("meta_info")
    found = [entry for entry in _ordered(call, _LIST_ORDERS) if all(test(entry) for test in tests)]
    info = page.info(found)
    if wants_spans:
        info |= _spans(found)
    return granted([log_row(entry) for entry in page.cut(found)], info)


def delete_logs(call: Call) -> Reply:
    """Those that `filters` mean, at most `limit`. Without filters all of the gateway's (undocumented)."""
    limit = call.query.whole("limit", 1, _MOST_DELETED)
    tests = read_filters(call.query)
    found = [entry for entry in _ordered(call, _DELETE_ORDERS) if all(test(entry) for test in tests)]
    for entry in found[:limit]:
        call.stores.log.drop(entry.log_id)
    return granted({"success": True})


def get_log(call: Call) -> Reply:
    return granted(log_detail(_entry(call)))


def get_request(call: Call) -> Reply:
    """The body that the caller sent, as it was."""
    entry = _entry(call)
    return _payload(entry.request_body, entry.request_content_type)


def get_response(call: Call) -> Reply:
    """The body that the caller got, as it was."""
    entry = _entry(call)
    return _payload(entry.response_body, entry.response_content_type)


def edit_log(call: Call) -> Reply:
    """Human feedback (contract 5). What is not named stays; null clears."""
    entry = _entry(call)
    fields = call.fields()
    changes: dict[str, object] = {}
    if "feedback" in fields.names():
        changes["feedback"] = _feedback(fields)
    if "score" in fields.names():
        changes["score"] = fields.number("score", 0, 100)
    if "metadata" in fields.names():
        changes["metadata"] = _metadata(fields)
    fields.done()
    if call.stores.log.change(entry.log_id, **changes) is None:
        raise absent("Log")
    return granted({})


def _feedback(fields: Fields) -> int | None:
    value = fields.number("feedback", -1, 1)
    if value not in (None, -1, 1):
        fields.fail("feedback", "must be 1, -1 or null")
    return None if value is None else int(value)


def _metadata(fields: Fields) -> dict[str, Scalar]:
    inner = fields.inside("metadata")
    if inner is None:
        return {}
    found: dict[str, Scalar] = {}
    for name in inner.names():
        value = inner.raw(name)
        if not isinstance(value, str | bool | int | float):
            fields.fail("metadata", f"{name[:64]} must be a string, a number or a boolean")
        elif name.startswith(RESERVED_PREFIX):
            fields.fail("metadata", f"keys that begin with {RESERVED_PREFIX} are reserved")
        else:
            found[name] = value
    if len(found) > MOST_ENTRIES:
        fields.fail("metadata", f"has {len(found)} entries; at most {MOST_ENTRIES}")
    return found


def _entry(call: Call) -> LogEntry:
    gateway = call.gateway()
    entry = call.stores.log.get(call.args[1])
    if entry is None or not _belongs(entry, call.account, gateway.id):
        raise absent("Log")
    return entry


def _belongs(entry: LogEntry, account: str, gateway: str) -> bool:
    return entry.collected and entry.account == account and entry.gateway == gateway


def _ordered(call: Call, orders: Sequence[str]) -> list[LogEntry]:
    """The gateway's logs, newest first unless another order is asked for."""
    gateway = call.gateway()
    order = call.query.choice("order_by", orders) or "created_at"
    entries = [entry for entry in call.stores.log.snapshot() if _belongs(entry, call.account, gateway.id)]
    # Stable, and logs without a value first. A number and a text never meet, for one key has one kind.
    entries.sort(key=KEYS[order].values)
    if _descends(call.query):
        entries.reverse()
    return entries


def _descends(query: Query) -> bool:
    """`direction` is the older name; the newer one wins."""
    old, new = query.choice("direction", _DIRECTIONS), query.choice("order_by_direction", _DIRECTIONS)
    return (new or old) != "asc"


def _spans(entries: list[LogEntry]) -> JsonObject:
    found: dict[str, JsonValue] = {}
    for name, value_of in _SPANS.items():
        values = [value for value in map(value_of, entries) if value is not None]
        found[f"min_{name}"] = min(values, default=None)
        found[f"max_{name}"] = max(values, default=None)
    return found


def _payload(body: bytes | None, content_type: str) -> Reply:
    if body is None:
        raise absent("Payload")
    kind = content_type if _HEADER_VALUE.fullmatch(content_type) else "application/octet-stream"
    return Reply(200, (("content-type", kind),), body)
