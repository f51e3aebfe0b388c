"""Guardrails (contract 5), without the model that classifies: a marker in the text stands for its verdict.

The text `hazard:S1`, with any category of the thirteen hazards or `P1`, is what the imitation takes for that hazard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ._inspection import texts_of
from ._settings import HAZARDS, Action, Guardrails

# No category continues another one here: S1 is not in S10.
_MARKER = re.compile(rf"hazard:({'|'.join(HAZARDS)})(?!\w)")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What guardrails found: the categories that are flagged or blocked, in the order of `HAZARDS`."""

    blocked: bool = False
    categories: tuple[str, ...] = ()


def check_prompt(guardrails: Guardrails | None, body: bytes) -> Verdict:
    """Look at a request, the whole of it: system prompt, messages, tools."""
    return _check({} if guardrails is None else guardrails.prompt, body)


def check_response(guardrails: Guardrails | None, body: bytes) -> Verdict:
    """Look at an answer, also at a stream that was read to its end."""
    return _check({} if guardrails is None else guardrails.response, body)


def _check(rules: Mapping[str, Action], body: bytes) -> Verdict:
    """A category without a rule is ignored, as in the dashboard."""
    if not rules:
        return Verdict()
    found = {category for text in texts_of(body) for category in _MARKER.findall(text)}
    categories = tuple(category for category in HAZARDS if category in found and category in rules)
    return Verdict(any(rules[category] == "BLOCK" for category in categories), categories)
