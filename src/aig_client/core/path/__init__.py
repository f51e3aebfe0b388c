"""The one natural path, told once: read, decide, dispatch, deliver, settle.

``exchange`` is a generator that asks typed questions (``Send``, ``Deliver``). Every host - four HTTP drivers, later the
Worker - is a loop that answers them. It asks no clock and touches no socket; what it needs arrives inside the answers.
"""

from __future__ import annotations

from .._asks import Deliver, Path
from .._receipt import NoAnswer, Receipt
from .._values import NO_OPTIONS, Options, Plan, Request
from ._decide import decide
from ._dispatch import dispatch
from ._read import Call, read
from ._rules import ChooseModel, Rules
from ._settle import settle

__all__ = ["Call", "ChooseModel", "Rules", "carry_out", "decide", "exchange", "read"]


def exchange(request: Request, rules: Rules, options: Options = NO_OPTIONS) -> Path[Receipt]:
    """One request from question to receipt.

    Raises:
        Refused: before anything is sent.
    """
    call = read(request, rules)
    return (yield from carry_out(call, decide(call, rules, options), rules, options))


def carry_out(call: Call, plan: Plan, rules: Rules, options: Options) -> Path[Receipt]:
    """The rest of the path, for who has decided already: dispatch, deliver, settle."""
    dispatched = yield from dispatch(plan, lambda tried: decide(call, rules, options, excluded=tried))
    if isinstance(dispatched.answer, NoAnswer):
        return settle(dispatched, None)
    meter = yield from Deliver(dispatched.plan, dispatched.answer)
    return settle(dispatched, meter)
