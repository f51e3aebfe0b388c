"""What a body says in any dialect, whether or not its endpoint reads it: bounds on the output, and further models.

Who holds a caller to a policy may not look in the usual place alone: another host reads another place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..facts._elsewhere import (
    ANSWERS,
    CAPS,
    HOLDERS,
    MODELS,
    QUESTIONS,
    RIVALS,
    ROUTED,
    THINKING,
    TOOLS,
    WRITTEN_AS_TEXT,
)
from ..facts._shapes import Shape
from ._ledger import MOST
from ._tools import inner_of, is_object


def bounds_in(body: object) -> Iterator[object]:
    """Every value that may bound the output: at the top, in what holds settings, and of models to fall back to."""
    for holder in _holders(body):
        for name in CAPS:
            value = holder.get(name)
            if value is not None:
                yield value
        for name, member in THINKING:
            thought = holder.get(name)
            if isinstance(thought, dict) and thought.get(member) is not None:
                yield thought[member]


def answers_in(body: object) -> int:
    """How many answers are asked for, each as long as the bound: of each question, and of each in a list of them."""
    asked = [
        tokens_in(value) or 1
        for holder in _holders(body)
        for name in ANSWERS
        if not isinstance(value := holder.get(name), str) or name in WRITTEN_AS_TEXT
    ]
    questions = len(_listed(body.get(QUESTIONS))) if isinstance(body, dict) else 0
    return max([1, *asked]) * max(1, questions)


def _holders(body: object) -> Iterator[Mapping[str, object]]:
    if not isinstance(body, dict):
        return
    yield body
    for name in HOLDERS:
        held = body.get(name)
        if isinstance(held, dict):
            yield held
    for name in (*RIVALS, QUESTIONS):
        yield from (one for one in _listed(body.get(name)) if isinstance(one, dict))


def tokens_in(value: object) -> int | None:
    """A bound as a whole number of tokens, one or more; None for what is none. Protobuf writes numbers as text."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 1:
        return None
    if value >= MOST:
        return MOST
    return int(value) if value == int(value) else None


def is_bounded(shape: Shape, tree: object) -> bool:
    """Whether a bound stands where bodies of this shape have it; under a younger name alone, it may be overlooked."""
    inner = inner_of(shape, tree)[1] if is_object(tree) else {}
    holders = [inner, *(held for name in shape.config if is_object(held := inner.get(name)))]
    found = {cap for holder in holders for cap in shape.caps if _is_bound(shape, holder.get(cap))}
    return bool(found) and (shape.added_cap is None or shape.added_cap in found or "max_completion_tokens" not in found)


def _is_bound(shape: Shape, value: object) -> bool:
    return tokens_in(value) is not None and (shape.numbers_as_text or not isinstance(value, str))


def models_beside(body: object) -> Iterator[str]:
    """Models that a body names beside its own, for its host to fall back to: OpenRouter's, and Anthropic's."""
    if not isinstance(body, dict):
        return
    for one in (one for member in RIVALS for one in _listed(body.get(member))):
        name = one.get("model") if isinstance(one, dict) else one
        if isinstance(name, str):
            yield name


def further_models(body: object) -> Iterator[str]:
    """Every model that a body names but in ``model``: where other hosts read one, in its tools, and those beside."""
    if not isinstance(body, dict):
        return
    for member in MODELS:
        name = body.get(member)
        if isinstance(name, str):
            yield name
    for tool in (tool for member in TOOLS for tool in _listed(body.get(member))):
        if isinstance(tool, dict):
            own = tool.get("parameters")
            said = [tool.get("model"), own.get("model") if isinstance(own, dict) else None]
            said += [name for member in ROUTED for name in _listed(tool.get(member))]
            yield from (name for name in said if isinstance(name, str))
    yield from models_beside(body)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
