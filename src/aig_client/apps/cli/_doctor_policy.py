"""Checks of the policy: whether it loads, what overrides it, what it names, and how old the catalog below it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from ...core import price_of
from ...schema._settings import OVERRIDE_PREFIX
from ._doctor_findings import Finding
from ._doctor_situation import Situation
from ._policy_checks import findings_of
from ._printable import cut

OLD_DAYS: Final = 90
"""Prices and retirements are announced about so long before they hold."""

_ALMOST: Final = re.compile(r"(?i)AIG_?MODELS?_")
_UPDATE: Final = "pip install -U aig-client, or describe what changed in [models] of aig.toml"


def loads(situation: Situation) -> Iterator[Finding]:
    """Where the policy comes from, or why there is none."""
    problem, settings = situation.policy_problem, situation.problem
    if problem is not None:
        if settings is None or (settings.field, settings.problem) != (problem.field, problem.problem):
            fix = problem.remedy or f"correct it in {problem.source or 'aig.toml'}"
            yield Finding("policy", "error", f"{problem.field} {problem.problem}", fix, problem.source)
    elif situation.policy is not None:
        count = len(situation.policy.classes)
        what = f"the policy is {_called(situation.policy_source)}: {count} route classes"
        yield Finding("policy", "ok", what, where=situation.policy_source)


def _called(source: str) -> str:
    return "the built-in one" if source == "built-in" else f"that of {source}"


def variables(situation: Situation) -> Iterator[Finding]:
    """Variables that override nothing: with a mistake in them every client fails, with one in front nobody sees it."""
    for problem in situation.override_problems:
        what = f"{problem.source or 'an override'}: {problem.problem}, so no client starts"
        yield Finding("override", "error", what, problem.remedy, problem.source)
    for name in sorted(situation.environ):
        source = f"environment {name}"
        if name.startswith(OVERRIDE_PREFIX):
            if not situation.environ[name]:
                what = f"{cut(name, 80)} is empty and overrides nothing"
                yield Finding("override", "info", what, "give it a model, or unset it", source)
        elif _ALMOST.match(name):
            what = f"{cut(name, 80)} matches nothing: nobody reads it"
            yield Finding(
                "override", "warning", what, f"write it as {OVERRIDE_PREFIX}CLASS__PROVIDER, or unset it", source
            )


def soundness(situation: Situation) -> Iterator[Finding]:
    """What `aig policy lint` finds, with the overrides of the environment."""
    if situation.policy is not None:
        yield from findings_of(situation.policy, situation.now.date().isoformat())


def catalog(situation: Situation) -> Iterator[Finding]:
    """How old the models' rows are, and their prices with them."""
    if situation.policy is None:
        return
    today = situation.now.date()
    rows = situation.policy.catalog.rows
    days = [(today - date.fromisoformat(row.as_of)).days for row in rows if row.as_of]
    old = sum(each > OLD_DAYS for each in days)
    where = "aig-client" if situation.policy_source == "built-in" else situation.policy_source
    if old:
        what = f"{old} of {len(rows)} models, and their prices, were looked up {max(days)} days ago or less"
        yield Finding("catalog", "warning", f"{what}, more than {OLD_DAYS}", _UPDATE, where)
    elif days:
        newest = min(row.as_of for row in rows if row.as_of)
        yield Finding("catalog", "ok", f"{len(rows)} models, looked up on {newest} or later", where=where)
    unpriced = [row.name for row in rows if price_of(row, input_tokens=None, today=today.isoformat()) is None]
    if unpriced:
        names = f"{', '.join(unpriced[:3])}{f' and {len(unpriced) - 3} more' if len(unpriced) > 3 else ''}"
        what = f"no price is known of {names}: their cost is unknown in receipts"
        fix = "give prices in [models] of aig.toml, where that matters"
        yield Finding("prices", "info", what, fix, where)
    else:
        yield Finding("prices", "ok", f"a price is known of each of {len(rows)} models", where=where)
