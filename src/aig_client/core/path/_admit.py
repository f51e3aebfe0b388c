"""admit: may we afford it? The most that a request may use before it is sent, and what it did use after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .._receipt import Receipt
from .._values import Plan
from ._ledger import MOST, Amounts, Limit
from ._most import USUAL_OUTPUT, cost_of_most, questions_of, tokens_of
from ._read import Call

__all__ = ["USUAL_OUTPUT", "most_of", "used_by"]

_TOO_MUCH: Final = MOST + 1
"""More than any limit has; a caller may ask for what no isolate could carry."""


def most_of(call: Call, plan: Plan, limits: Sequence[Limit]) -> Amounts | None:
    """The most that a request may use. None: its cost cannot be bounded, and a limit is about cost.

    ``call`` is the one that was decided about; where the class changed its body, the change only makes it smaller.
    Where several may answer (fallbacks, entries of a Universal request), the most is that of the dearest.
    """
    surface = plan.surface
    assert surface is not None, "nobody is asked at the edge but the gateway"
    counts_cost = any(limit.what == "nanodollars" for limit in limits)
    body = call.request.body or b""
    tokens = nanodollars = 0
    for question in questions_of(call, plan, surface):
        given, output = tokens_of(question, body)
        tokens = max(tokens, given + output)
        if counts_cost:
            cost = cost_of_most(question, given, output, plan.today)
            if cost is None:
                return None
            nanodollars = max(nanodollars, cost)
    return Amounts(tokens=min(tokens, _TOO_MUCH), nanodollars=min(nanodollars, _TOO_MUCH))


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
