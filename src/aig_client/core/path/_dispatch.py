"""dispatch: who answers, and how often do we try?

Retries belong to the SDK, the gateway or a later room; here is the one repetition that only we can make, because it
costs no provider anything: an error that came out of the gateway's cache is asked for again, past the cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._asks import Path, Send
from .._values import Head, NoAnswer, Plan
from ._decide import without_cache


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Who answered at last, to which plan, after how many attempts."""

    plan: Plan
    answer: Head | NoAnswer
    attempts: int


def dispatch(plan: Plan) -> Path[Dispatched]:
    """Send the plan, and once more if the cache served an error (whether the gateway stores errors is undocumented)."""
    answer = yield from Send(plan)
    if plan.key is not None and not plan.intent.force and isinstance(answer, Head) and _is_cached_error(answer):
        plan = without_cache(plan)
        return Dispatched(plan, (yield from Send(plan)), 2)
    return Dispatched(plan, answer, 1)


def _is_cached_error(head: Head) -> bool:
    if 200 <= head.status < 300:  # contract 1.3.11: nothing else is cacheable
        return False
    return (head.header(b"cf-aig-cache-status") or b"").upper() == b"HIT"
