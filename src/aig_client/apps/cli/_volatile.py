"""How two JSON values differ, and whether that looks like chance: pure, total, standard library only.

It compares two texts by what is left when their times, ids and numbers are taken out. Where nothing is left to differ,
those tokens are the whole difference; where something is, they are named beside it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, Literal

from ._tokens import Token, TokenKind, epoch_unit, tokens

ChangeKind = Literal[
    TokenKind, "counter", "seed", "whitespace", "unicode", "order", "text", "number", "flag", "type", "presence"
]
Nature = Literal["volatile", "accidental", "content"]
"""``volatile``: new at every call. ``accidental``: the same meaning in other bytes. ``content``: another request."""

NATURE: Final[dict[ChangeKind, Nature]] = {
    **dict.fromkeys(("time", "date", "epoch", "uuid", "ulid", "hex", "id", "nonce", "counter", "seed"), "volatile"),
    **dict.fromkeys(("whitespace", "unicode", "order"), "accidental"),
    **dict.fromkeys(("text", "number", "flag", "type", "presence"), "content"),
}

# What people set on purpose: two values of one of these are two requests, however near they are.
SETTINGS: Final = frozenset(
    {
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
        *("budget_tokens", "thinkingBudget"),
        *("n", "candidateCount"),
        *("temperature", "top_p", "topP", "top_k", "topK", "top_logprobs"),
        *("dimensions",),
        *("minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength"),
        *("count", "limit"),
    }
)
_LITTLE: Final = 1000
"""Counters of calls, turns and retries are this near each other, most of the time."""

_AROUND: Final = 100
"""How far around a difference a token may reach; the rest of a long prompt is the same and need not be read."""

_LONGEST: Final = 300_000
"""Where more than this differs, it is another text, whatever stands in it."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """A token that differs; ``offset`` counts the characters before it in the first text."""

    kind: ChangeKind
    what: str
    offset: int


@dataclass(frozen=True, slots=True)
class Change:
    """How two values differ.

    Attributes:
        kind: what the difference is, in one word.
        what: the same in a few words, without a value.
        offset: characters before the first difference, in texts.
        length_a, length_b: characters that differ on either side, in texts.
        culprits: the tokens that differ, in order; in ``text`` they are a part of the difference only.
    """

    kind: ChangeKind
    what: str
    offset: int | None = None
    length_a: int | None = None
    length_b: int | None = None
    culprits: tuple[Culprit, ...] = ()

    @property
    def nature(self) -> Nature:
        """What the kind is a sign of."""
        return NATURE[self.kind]


def change_of(a: object, b: object, *, name: str = "") -> Change:
    """How two different JSON values differ; ``name`` is the last token of their JSON pointer."""
    if isinstance(a, str) and isinstance(b, str):
        return _texts(a, b, name)
    if _is_number(a) and _is_number(b):
        return _numbers(a, b, name)
    if isinstance(a, bool) and isinstance(b, bool):
        return Change("flag", "true on one side, false on the other")
    return Change("type", "values of two types")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numbers(a: object, b: object, name: str) -> Change:
    if name == "seed":
        return Change("seed", "a seed")
    if isinstance(a, int) and isinstance(b, int):
        units = {epoch_unit(str(value)) for value in (a, b)}
        unit = units.pop()
        if unit is not None and not units:
            return Change("epoch", f"a Unix time in {unit}")
        if name not in SETTINGS and abs(a - b) <= _LITTLE:
            return Change("counter", "numbers that differ by a little, as a counter's do")
    if isinstance(a, float) and isinstance(b, float) and all(1e9 <= value < 4.2e9 for value in (a, b)):
        return Change("epoch", "a Unix time in seconds")
    return Change("number", "another number")


def _texts(a: str, b: str, name: str) -> Change:
    start, end = _ends(a, b)
    span = (start, len(a) - start - end, len(b) - start - end)
    if "".join(a.split()) == "".join(b.split()):
        return Change("whitespace", "the same text with other white space", *span)
    if unicodedata.normalize("NFC", a) == unicodedata.normalize("NFC", b):
        return Change("unicode", "the same text in another Unicode form", *span)
    if name == "seed":
        return Change("seed", "a seed", *span)
    if max(span[1:]) > _LONGEST:
        return Change("text", "another text", *span)
    cut = a.rfind(" ", 0, max(0, start - _AROUND)) + 1
    tail = max(0, end - _AROUND)
    culprits, whole = _culprits(a[cut : len(a) - tail], b[cut : len(b) - tail], cut)
    if not culprits:
        return Change("text", "another text", *span)
    first = culprits[0]
    offset = min(start, first.offset)  # the token begins before the first character that differs
    if not whole:
        return Change("text", "another text", offset, *span[1:], culprits)
    return Change(first.kind, names_of(culprits), offset, *span[1:], culprits)


def names_of(culprits: tuple[Culprit, ...]) -> str:
    """What they are, each kind once."""
    *names, last = dict.fromkeys(culprit.what for culprit in culprits)
    return f"{', '.join(names)} and {last}" if names else last


def _ends(a: str, b: str) -> tuple[int, int]:
    """The lengths of the common start and, behind it, of the common end."""
    most = min(len(a), len(b))
    start = _common(a, b, most)
    return start, _common(a[start:][::-1], b[start:][::-1], most - start)


def _common(a: str, b: str, most: int) -> int:
    low, high = 0, most  # equality of slices runs at the speed of memory; a loop over characters does not
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _culprits(a: str, b: str, before: int) -> tuple[tuple[Culprit, ...], bool]:
    """The tokens that differ, and whether they are the whole difference."""
    pieces_a, pieces_b = _pieces(a), _pieces(b)
    same = _matching(pieces_a, pieces_b, a, b)
    whole = same == len(pieces_a) == len(pieces_b)
    pairs = list(zip(pieces_a[:same], pieces_b[:same], strict=True))
    if not whole:
        rest_a, rest_b = pieces_a[same:][::-1], pieces_b[same:][::-1]
        behind = _matching(rest_a, rest_b, a, b)
        pairs += list(zip(rest_a[:behind], rest_b[:behind], strict=True))[::-1]
    found = [
        _culprit(one, a[one.start : one.end], b[other.start : other.end], before)
        for one, other in pairs
        if isinstance(one, Token) and isinstance(other, Token) and a[one.start : one.end] != b[other.start : other.end]
    ]
    return tuple(found), whole


@dataclass(frozen=True, slots=True)
class _Plain:
    start: int
    end: int


def _pieces(text: str) -> list[Token | _Plain]:
    pieces: list[Token | _Plain] = []
    at = 0
    for token in tokens(text):
        pieces += [_Plain(at, token.start), token]
        at = token.end
    return [*pieces, _Plain(at, len(text))]


def _matching(pieces_a: list[Token | _Plain], pieces_b: list[Token | _Plain], a: str, b: str) -> int:
    """How many pieces are alike: tokens of one kind, or the same text between them."""
    for count, (one, other) in enumerate(zip_longest(pieces_a, pieces_b)):
        if one is None or other is None:
            return count
        if isinstance(one, Token) and isinstance(other, Token):
            alike = one.kind == other.kind
        else:
            alike = type(one) is type(other) and a[one.start : one.end] == b[other.start : other.end]
        if not alike:
            return count
    return len(pieces_a)


def _culprit(token: Token, a: str, b: str, before: int) -> Culprit:
    if token.kind != "number":
        return Culprit(token.kind, token.shape, before + token.start)
    near = len(a) < 16 and len(b) < 16 and abs(float(a) - float(b)) <= _LITTLE
    what = "a number that differs by a little, as a counter does" if near else "a number"
    return Culprit("counter", what, before + token.start)
