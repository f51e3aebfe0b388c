"""One request's account with the ledger: reserve, settle, and what is left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from aig_client.core import EndpointKind, Plan, Receipt
from aig_client.core.path import Call
from aig_client.core.path._admit import most_of, used_by
from aig_client.core.path._edge import EdgeRefused
from aig_client.core.path._ledger import Amounts, limits_from_plain

HOLD_SECONDS: Final = 900
"""Longer than any answer takes. A hold that nobody settles by then is booked as used; a variable says otherwise."""
_DAY: Final = 86_400


def hold_seconds(env: Any, kind: EndpointKind) -> float:
    """How long a request's hold lasts: the deployment's variable ``HOLD_SECONDS``, else a quarter of an hour.

    Raises:
        EdgeRefused: the variable is no number of seconds.
    """
    told = getattr(env, "HOLD_SECONDS", HOLD_SECONDS)
    try:
        seconds = float(told)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 1 <= seconds <= _DAY:
        raise EdgeRefused(500, "bad_variable", f"HOLD_SECONDS must be seconds, from 1 to {_DAY}.", kind)
    return seconds


def most_held(call: Call, plan: Plan, limits: list[object]) -> Amounts:
    """What a request reserves: the most that it may use.

    Raises:
        EdgeRefused: there is a limit on cost, and what this may cost is unknown.
    """
    held = most_of(call, plan, limits_from_plain(limits))
    if held is None:
        kind = plan.surface.kind if plan.surface is not None else "other"
        problem = "What this may cost is unknown, and there is a limit on cost."
        raise EdgeRefused(403, "unknown_price", problem, kind)
    return held


class Account:
    """What one request holds."""

    def __init__(self, ledger: Any, hold_id: str, held: Amounts, seconds: float = HOLD_SECONDS) -> None:
        self._ledger = ledger
        self._hold = hold_id
        self._held = held
        self._seconds = seconds
        self._left: Sequence[Mapping[str, Any]] = ()

    async def reserve(self, limits: list[object], plan: Plan) -> Mapping[str, Any]:
        """Ask for the most that the request may use."""
        question = {
            "limits": limits,
            "hold": self._hold,
            "route_class": plan.route_class,
            "amounts": asdict(self._held),
            "seconds": self._seconds,
        }
        outcome: Mapping[str, Any] = json.loads(await self._ledger.reserve(json.dumps(question)))
        self._left = outcome.get("left", ())
        return outcome

    async def settle(self, receipt: Receipt) -> None:
        """Book what it did use: nothing where nobody could be reached, all of it where the answer was too late."""
        late = receipt.no_answer is not None and receipt.no_answer.kind == "deadline"
        used = used_by(receipt, self._held) if receipt.head is not None else self._held if late else None
        amounts = None if used is None else asdict(used)
        await self._ledger.settle(json.dumps({"hold": self._hold, "amounts": amounts}))

    def headers(self) -> list[tuple[str, str]]:
        """What is left, the least of each kind, with this request's own hold taken off."""
        least: dict[str, int] = {}
        for one in self._left:
            least[one["what"]] = min(one["left"], least.get(one["what"], one["left"]))
        return [(f"x-aig-remaining-{what}", str(left)) for what, left in least.items()]
