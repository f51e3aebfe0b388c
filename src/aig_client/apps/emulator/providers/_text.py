"""What every fake model says: words drawn from its request, and rough token counts."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from .._json import JsonObject, JsonValue, write

EPOCH = 1_760_000_000
"""Every fake timestamp, in Unix seconds: an answer is a function of its request alone."""

CHARS_PER_TOKEN = 4

_WORDS = (
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "inlet",
    "juniper",
    "kelp",
    "lagoon",
    "meadow",
    "north",
    "orchard",
    "prairie",
    "quarry",
    "river",
    "summit",
    "tundra",
    "upland",
    "valley",
    "willow",
    "yarrow",
    "zephyr",
    "anchor",
    "beacon",
    "canyon",
    "dune",
    "estuary",
    "fern",
    "glacier",
)
_TRANSPORT_FIELDS = frozenset(("stream", "stream_options"))
_PIECES = re.compile(r"\s*\S+|\s+")
_THOUGHT_WORDS = 8


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall:
    """A tool that the request forces, with arguments that fit its schema."""

    name: str
    arguments: dict[str, object]

    @property
    def json(self) -> str:
        return write(self.arguments).decode("ascii")


@dataclass(frozen=True, slots=True, repr=False)
class Saying:
    """One choice: its text in pieces of a token each. cut: the token limit ended it."""

    pieces: tuple[str, ...]
    cut: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """What a fake model says before any provider's dress: the same for a stream and for a whole answer.

    reasoning_tokens stand beside visible_tokens. thought: what a provider shows of the reasoning, in pieces.
    """

    digest: str
    sayings: tuple[Saying, ...]
    prompt_tokens: int
    tool: ToolCall | None = None
    reasoning_tokens: int = 0
    thought: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.sayings[0].text

    @property
    def pieces(self) -> tuple[str, ...]:
        return self.sayings[0].pieces

    @property
    def cut(self) -> bool:
        return self.tool is None and self.sayings[0].cut

    @property
    def visible_tokens(self) -> int:
        if self.tool is not None:
            return tokens_in(self.tool.arguments) * len(self.sayings)
        return sum(len(saying.pieces) for saying in self.sayings)

    @property
    def output_tokens(self) -> int:
        return self.visible_tokens + self.reasoning_tokens


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Wish:
    """What shapes a draft beside its prompt.

    limit: the token limit as the request has it. reasoning: tokens a thinking model would spend. value: JSON that has
    to be said. say: a text that has to be said, which beats tool and value. choices: how many answers.
    """

    limit: JsonValue = None
    tool: ToolCall | None = None
    reasoning: int = 0
    value: object = None
    has_value: bool = False
    say: str | None = None
    choices: int = 1


def draft(model: str, payload: JsonObject, prompt: JsonValue, wish: Wish) -> Draft:
    """Words drawn from a hash of the request (less the fields that only choose between stream and JSON).

    A thinking model spends at most half of its limit on thought, so that a small limit still gives text; a real one
    can spend all of it.
    """
    asked = {name: value for name, value in payload.items() if name not in _TRANSPORT_FIELDS}
    canonical = json.dumps([model, asked], sort_keys=True, separators=(",", ":"))
    raw = hashlib.sha256(canonical.encode("ascii")).digest()
    limit = _limit(wish.limit)
    reasoning = wish.reasoning if limit is None else min(wish.reasoning, limit // 2)
    allowed = None if limit is None else limit - reasoning
    fixed = _fixed(wish)
    sayings = tuple(_saying(raw, index, fixed, allowed) for index in range(wish.choices))
    thought = _words(hashlib.sha256(raw).digest(), _THOUGHT_WORDS) if reasoning else ()
    tool = None if wish.say is not None else wish.tool
    return Draft(raw.hex(), sayings, tokens_in(prompt), tool, reasoning, thought)


def draw(seed: object, count: int) -> str:
    """So many words, drawn from whatever JSON can carry."""
    return "".join(_words(hashlib.sha256(json.dumps(seed, sort_keys=True).encode("ascii")).digest(), count))


def tokens_in(value: object) -> int:
    """About one token for four characters of JSON; at least one."""
    return max(1, len(json.dumps(value)) // CHARS_PER_TOKEN)


def is_count(value: object) -> bool:
    """A whole number, and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def _limit(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and is_count(value) and value > 0 else None


def _fixed(wish: Wish) -> tuple[str, ...] | None:
    if wish.say is not None:
        return tuple(_PIECES.findall(wish.say))
    if not wish.has_value:
        return None
    text = write(wish.value).decode("ascii")
    return tuple(text[start : start + CHARS_PER_TOKEN] for start in range(0, len(text), CHARS_PER_TOKEN))


def _saying(raw: bytes, index: int, fixed: tuple[str, ...] | None, allowed: int | None) -> Saying:
    if fixed is None:
        seed = raw if index == 0 else hashlib.sha256(raw + index.to_bytes(2, "big")).digest()
        fixed = _words(seed, 12 + seed[0] % 13)
    if allowed is None or allowed >= len(fixed):
        return Saying(fixed)
    return Saying(fixed[:allowed], cut=True)


def _words(seed: bytes, count: int) -> tuple[str, ...]:
    stream = hashlib.shake_256(seed).digest(count)
    words = [_WORDS[byte % len(_WORDS)] for byte in stream]
    return tuple(word if place == 0 else f" {word}" for place, word in enumerate(words))
