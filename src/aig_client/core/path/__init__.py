"""The one natural path, told once: read, decide, dispatch, deliver, settle.

``exchange`` is a generator that asks typed questions (``Send``, ``Deliver``). Every host - four HTTP drivers, later the
Worker - is a loop that answers them. It asks no clock and touches no socket; what it needs arrives inside the answers.
"""

from __future__ import annotations

from .._asks import Deliver, Path
from .._values import NO_OPTIONS, NoAnswer, Options, Receipt, Request
from ._decide import decide
from ._dispatch import dispatch
from ._read import read
from ._rules import Rules
from ._settle import settle

__all__ = ["Rules", "decide", "exchange", "read"]


def exchange(request: Request, rules: Rules, options: Options = NO_OPTIONS) -> Path[Receipt]:
    """One request from question to receipt.

    Raises:
        Refused: before anything is sent.
    """
    plan = decide(read(request, rules), rules, options)
    dispatched = yield from dispatch(plan)
    if isinstance(dispatched.answer, NoAnswer):
        return settle(dispatched, None)
    meter = yield from Deliver(dispatched.plan, dispatched.answer)
    return settle(dispatched, meter)
