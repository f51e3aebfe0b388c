"""Billing (contract 6.1): what the emulator counts, and nothing it would have to make up."""

from __future__ import annotations

import math

from .._json import JsonObject, JsonValue
from .._messages import Reply
from ._call import Call
from ._envelope import BAD_TOKEN, ApiError, Problem, absent, granted, invalid
from ._log_rows import finite
from ._moments import month_of

_WINDOWS = {"hour": 3_600_000, "day": 86_400_000}
_LATEST = 4_102_444_800_000
"""The year 2100, in Unix milliseconds."""


def credit_balance(call: Call) -> Reply:
    """US dollars that are left."""
    balance = call.stores.purse.dollars if call.stores.config.unified_billing else 0.0
    return granted(
        {
            "balance": round(balance, 9),
            "has_default_payment_method": False,
            "payment_method": None,
            "topup_config": _NO_TOPUP,
        }
    )


def usage_history(call: Call) -> Reply:
    """Costs paid from credits, by window. `aggregated_value` is in US dollars (undocumented)."""
    name = call.query.choice("value_grouping_window", tuple(_WINDOWS))
    if name is None:
        raise invalid("value_grouping_window: required", "query", "value_grouping_window")
    window = _WINDOWS[name]
    begin = call.query.whole("start_time", 0, _LATEST) or 0
    end = call.query.whole("end_time", 0, _LATEST)
    totals: dict[int, float] = {}
    for moment, cost in _paid(call):
        if moment >= begin and (end is None or moment < end):
            bucket = math.floor(moment / window)
            totals[bucket] = totals.get(bucket, 0.0) + cost
    history: list[JsonValue] = [
        {
            "id": f"{name}-{bucket}",
            "aggregated_value": round(total, 9),
            "start_time": bucket * window,
            "end_time": (bucket + 1) * window,
        }
        for bucket, total in sorted(totals.items())
    ]
    return granted({"history": history})


def invoice_history(call: Call) -> Reply:
    call.query.choice("type", ("auto", "all", "manual"))
    pagination: JsonObject = {"has_more": False, "page": 1, "per_page": 20, "total_count": 0}
    return granted({"invoices": [], "pagination": pagination})


def invoice_preview(call: Call) -> Reply:
    begin, end = month_of(call.now)
    return granted(
        {
            "id": "",
            "amount_due": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "currency": "usd",
            "invoice_lines": [],
            "period_start": begin,
            "period_end": end,
            "status": "draft",
        }
    )


def topup(call: Call) -> Reply:
    """Nothing is ever bought here."""
    fields = call.fields()
    fields.require("amount")
    fields.whole("amount", 1000)
    fields.done()
    raise invalid("there is no payment method", "body", "amount")


def topup_status(call: Call) -> Reply:
    fields = call.fields()
    fields.require("payment_intent_id")
    fields.text("payment_intent_id")
    fields.done()
    raise absent("Top-up")


_NO_TOPUP: JsonObject = {"amount": None, "threshold": None, "disabledReason": None, "error": None, "lastFailedAt": None}


def topup_config(call: Call) -> Reply:  # noqa: ARG001 (the answer is the same for all)
    return granted(_NO_TOPUP)


def change_topup_config(call: Call) -> Reply:  # noqa: ARG001 (refused whoever asks)
    """The SDK's documentation: API tokens are rejected with 403, only the dashboard may do this."""
    raise ApiError(403, BAD_TOKEN, Problem("Only dashboard sessions can change automatic top-up"))


def _paid(call: Call) -> list[tuple[int, float]]:
    """Unix milliseconds and US dollars of what was paid from credits. They are one purse, for every account."""
    return [
        (int(entry.at * 1000), finite(entry.cost) or 0.0)
        for entry in call.stores.log.snapshot()
        if entry.wholesale and not entry.cached
    ]
