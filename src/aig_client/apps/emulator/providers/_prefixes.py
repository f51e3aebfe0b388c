"""Providers' own prompt caches: what they remember of the beginnings of prompts. Digests only, bounded, with a life."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass

from ._text import CHARS_PER_TOKEN

_DIGEST_BYTES = 16
# Of a longer prompt the beginning alone is remembered.
_MOST_BLOCKS = 4096


@dataclass(frozen=True, slots=True)
class PrefixRule:
    """An implicit cache: prompts of `minimum` tokens and more, in steps, for `life` seconds after each use.

    writes: the provider reports what it wrote. keyed: it caches only with a `prompt_cache_key`.
    """

    minimum: int
    step: int
    life: float
    writes: bool = False
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Cached:
    """Tokens of a prompt that came from a cache, and that went into one."""

    read: int = 0
    written: int = 0


class PrefixMemory:
    """Digests of prefixes, each until its moment; the one that was used longest ago goes first."""

    def __init__(self, entries: int = 32_768) -> None:
        self._most = entries
        self._until: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def holds(self, digest: bytes, now: float) -> bool:
        """This prefix is remembered, and its life has not ended."""
        found = self._until.get(digest)
        return found is not None and now < found[0]

    def refresh(self, digest: bytes, now: float) -> None:
        """A read gives a prefix its whole life again."""
        _, life = self._until[digest]
        self.write(digest, now, life)

    def write(self, digest: bytes, now: float, life: float) -> None:
        self._until[digest] = (now + life, life)
        self._until.move_to_end(digest)
        while len(self._until) > self._most:
            self._until.popitem(last=False)


def chain(before: bytes, part: bytes) -> bytes:
    """The digest of a prefix that is one part longer."""
    return hashlib.sha256(before + part).digest()[:_DIGEST_BYTES]


def seed(*parts: object) -> bytes:
    """The digest under which prefixes begin: who asks whom, and what stands before the prompt."""
    return chain(b"", json.dumps(parts, sort_keys=True).encode("ascii"))


def recall(memory: PrefixMemory, rule: PrefixRule | None, start: bytes, prompt: object, now: float) -> Cached:
    """Read what the cache holds of a prompt, then write all of it."""
    if rule is None:
        return Cached()
    text = json.dumps(prompt).encode("ascii")
    size = rule.step * CHARS_PER_TOKEN
    blocks = min(len(text) // size, _MOST_BLOCKS)
    if blocks * rule.step < rule.minimum:
        return Cached()
    digests: list[bytes] = []
    for place in range(blocks):
        start = chain(start, text[place * size : (place + 1) * size])
        digests.append(start)
    known = next((place for place, digest in enumerate(digests) if not memory.holds(digest, now)), len(digests))
    # The last first: what is forgotten first then stands at the end of a prompt.
    for digest in reversed(digests):
        memory.write(digest, now, rule.life)
    read = known * rule.step
    read = read if read >= rule.minimum else 0
    return Cached(read, len(digests) * rule.step - read if rule.writes else 0)
