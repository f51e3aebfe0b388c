"""dispatch: who answers, and how often do we try?

Retries belong to the SDK, the gateway or a later room. Here are the repetitions that only we can make: an error that
came out of the gateway's cache is asked for again, past the cache; and where a route class chose the model and says so,
the next one is asked when the first cannot answer. Both end before the first byte is handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .._asks import Path, Send
from .._errors import Refused
from .._receipt import Head, NoAnswer
from .._values import Plan
from ..facts._failures import RETRYABLE
from ._decide import without_cache

Again = Callable[[Mapping[str, str]], Plan]
"""Decides once more, without the models that were tried."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Who answered at last, to which plan, after how many attempts."""

    plan: Plan
    answer: Head | NoAnswer
    attempts: int


def dispatch(plan: Plan, again: Again) -> Path[Dispatched]:
    """Send the plan; once more past the cache if that served an error; and to the class's next models."""
    answer = yield from Send(plan)
    attempts = 1
    tried: dict[str, str] = {}
    left = len(plan.fallbacks)
    while True:
        if plan.key is not None and not plan.intent.force and isinstance(answer, Head) and _is_cached_error(answer):
            # Whether the gateway stores errors is undocumented.
            plan = without_cache(plan)
            answer = yield from Send(plan)
            attempts += 1
        why = _unanswered(answer)
        if why is None or left <= 0 or plan.selection is None:
            return Dispatched(plan, answer, attempts)
        name = plan.selection.chosen.model.name
        tried[name] = why
        try:
            following = again(tried)
        except Refused:  # nobody is left
            return Dispatched(plan, answer, attempts)
        told = f"{name} {why}: went on to the next"
        plan = replace(following, reasons=(*plan.reasons, told, *following.reasons), deadline=plan.deadline)
        answer = yield from Send(plan)
        attempts += 1
        left -= 1


def _unanswered(answer: Head | NoAnswer) -> str | None:
    """Why another model should be asked; None where this is an answer, or the whole call is over.

    What a caller did wrong is wrong everywhere: it goes to nobody else.
    """
    if isinstance(answer, NoAnswer):
        return None if answer.kind == "deadline" else f"gave no answer ({answer.kind})"
    return f"answered {answer.status}" if answer.status in RETRYABLE else None


def _is_cached_error(head: Head) -> bool:
    if 200 <= head.status < 300:  # contract 1.3.11: nothing else is cacheable
        return False
    return (head.header(b"cf-aig-cache-status") or b"").upper() == b"HIT"
