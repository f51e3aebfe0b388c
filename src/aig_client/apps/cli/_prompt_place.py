"""How near the front of a prompt a place is: from there on a provider's prompt cache misses, since it keeps prefixes.

Providers read tools, then system, then messages (Anthropic API, page Prompt caching); to OpenAI tools and messages are
one prefix too (page Prompt caching).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

READ_IN_ORDER: Final = (
    "tools",
    "functions",
    "system",
    "systemInstruction",
    "instructions",
    "prompt",
    "contents",
    "messages",
    "input",
)

_FRONT: Final = 0.25


@dataclass(frozen=True, slots=True)
class PromptPlace:
    """``before`` characters of a prompt of ``total`` stand before a place."""

    before: int
    total: int

    @property
    def near_front(self) -> bool:
        """Whether most of the prompt is behind it."""
        return self.before <= self.total * _FRONT


def prompt_place(body: object, path: tuple[str | int, ...], offset: int) -> PromptPlace | None:
    """Where a text at ``path``, after ``offset`` of its characters, stands in the prompt; None outside the prompt."""
    if not isinstance(body, dict) or not path or path[0] not in READ_IN_ORDER:
        return None
    before = total = 0
    found = False
    for member in READ_IN_ORDER:
        for place, size in _texts(body.get(member), (member,)):
            found = found or place[: len(path)] == path
            before += 0 if found else size
            total += size
    return PromptPlace(before + offset, max(total, before + offset)) if found else None


def _texts(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Every scalar of a value with its length, in order."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif value is not None:
        yield path, len(value) if isinstance(value, str) else 1
