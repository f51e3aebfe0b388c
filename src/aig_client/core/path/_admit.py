"""admit: may we afford it? The most that a request may use before it is sent, and what it did use after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .._receipt import Receipt
from .._values import Plan
from ..facts._catalog_lookup import builtin_catalog, price_of
from ..facts._cost import estimate_cost
from ..facts._surfaces import named
from ._ledger import Amounts, Limit
from ._read import Call
from ._work import work_of

USUAL_OUTPUT: Final = 4096
"""Tokens that are held for an answer where neither the request nor the catalog bounds it."""


def most_of(call: Call, plan: Plan, limits: Sequence[Limit]) -> Amounts | None:
    """The most that a request may use. None: its cost cannot be bounded, and a limit is about cost.

    ``call`` is the one that was decided about; where the class changed its body, the change only makes it smaller.
    """
    surface = plan.surface
    assert surface is not None, "nobody is asked at the edge but the gateway"
    work = work_of(surface.kind, call.request.tree, stream=plan.stream)
    row = plan.capabilities
    if row is None:
        provider, model = named(surface, plan.model)
        row = builtin_catalog().get(provider, model) if provider is not None and model is not None else None
    size = len(call.request.body or b"")
    given = max(work.estimated_input_tokens, size // 4 if work.estimated_input_tokens == 0 else 0)
    output = work.max_output_tokens or (row.max_output_tokens if row is not None else None) or USUAL_OUTPUT
    cost = 0
    if any(limit.what == "nanodollars" for limit in limits):
        price = price_of(row, input_tokens=given, today=plan.today) if row is not None else None
        estimate = estimate_cost(input_tokens=given, max_output_tokens=output, price=price).nanodollars
        if estimate is None:
            return None
        cost = estimate
    return Amounts(tokens=given + output, nanodollars=cost)


def used_by(receipt: Receipt, held: Amounts) -> Amounts:
    """What a request did use. A hit of the gateway's cache and an error spend nothing but the request itself.

    Where nobody said how much it was, what was held is taken for it.
    """
    if receipt.status is None or receipt.status >= 400 or receipt.metadata.hit:
        return Amounts()
    usage, cost = receipt.usage, receipt.cost
    tokens = usage.total_tokens if usage is not None else None
    nanodollars = cost.nanodollars if cost is not None else None
    return Amounts(
        tokens=held.tokens if tokens is None else tokens,
        nanodollars=held.nanodollars if nanodollars is None else nanodollars,
    )
