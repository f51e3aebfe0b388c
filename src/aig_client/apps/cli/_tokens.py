"""Times, ids and numbers inside a text: what changes from call to call although nobody means it to. Standard library.

Three sieves, coarse last: shapes that are what they look like (a UUID, an ISO date), runs of characters that look
random, and plain numbers. What a sieve lets through goes to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

TokenKind = Literal["time", "date", "epoch", "uuid", "ulid", "hex", "id", "nonce", "number"]


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a text and where it stands; ``shape`` says it more closely than ``kind``."""

    kind: TokenKind
    shape: str
    start: int
    end: int


_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY: Final = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_ZONE: Final = r"(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?"
_WRITTEN: Final = rf"(?:{_DAY},?\s)?(?:{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}|\d{{1,2}}\s{_MONTH}\s\d{{4}})"

# Name of the group, pattern, kind, how it is called. The first that matches at a place wins.
_SHAPES: Final[tuple[tuple[str, str, TokenKind, str], ...]] = (
    ("iso", rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}{_ZONE}|\d{{8}}T\d{{4,6}}Z?", "time", "a time (ISO 8601)"),
    ("written_time", rf"{_WRITTEN},?\s(?:at\s)?{_CLOCK}{_ZONE}", "time", "a date and time"),
    ("iso_date", r"\d{4}-\d{2}-\d{2}", "date", "a date (ISO 8601)"),
    ("written_date", rf"{_WRITTEN}|{_MONTH}\s\d{{4}}", "date", "a date"),
    ("slashed", r"\d{1,4}/\d{1,2}/\d{1,4}|\d{1,2}\.\d{1,2}\.\d{4}", "date", "a date"),
    ("clock", rf"{_CLOCK}{_ZONE}", "time", "a time of day"),
    ("day", _DAY, "date", "a day of the week"),
    ("uuid", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", "uuid", "a UUID"),
    ("ulid", r"[0-7][0-9A-HJKMNP-TV-Z]{25}", "ulid", "a ULID"),
    ("epoch", r"[1-4]\d{9}(?:\d{3}){0,3}(?:\.\d{1,9})?", "epoch", "a Unix time"),
    ("hex", r"(?:0x)?(?:[0-9a-f]{12,}|[0-9A-F]{12,})", "hex", "a hexadecimal id"),
    ("id", r"[A-Za-z]{2,12}[_-][A-Za-z0-9]{8,}", "id", "an id with a prefix"),
)
_FIRST: Final = re.compile(
    "(?<![A-Za-z0-9])(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern, _, _ in _SHAPES) + ")(?![A-Za-z0-9])"
)
_ROWS: Final[dict[str, tuple[TokenKind, str]]] = {name: (kind, shape) for name, _, kind, shape in _SHAPES}
_SECOND: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9+/_-]{10,}={0,2}(?![A-Za-z0-9])")
_THIRD: Final = re.compile(r"\d+(?:\.\d+)?")
_SWITCH: Final = re.compile(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]")

# Unix times from 2001 to 2100, in seconds; with 3, 6 or 9 more digits in smaller units.
EPOCH: Final = range(1_000_000_000, 4_102_444_800)
_UNITS: Final = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}


def tokens(text: str) -> list[Token]:
    """The tokens of a text, in order and without overlap."""
    return list(_sieve(text, 0, len(text), 0))


def epoch_unit(digits: str) -> str | None:
    """The unit in which an integer would be a Unix time of our days, if in any."""
    unit = _UNITS.get(len(digits))
    return unit if unit is not None and int(digits[:10]) in EPOCH else None


def _sieve(text: str, start: int, end: int, level: int) -> Iterator[Token]:
    if level == len(_SIEVES):
        return
    pattern, read = _SIEVES[level]
    for match in pattern.finditer(text, start, end):
        token = read(match)
        if token is not None:
            yield from _sieve(text, start, match.start(), level + 1)
            yield token
            start = match.end()
    yield from _sieve(text, start, end, level + 1)


def _shaped(match: re.Match[str]) -> Token | None:
    name = match.lastgroup or ""
    kind, shape = _ROWS[name]
    found = match[0]
    if name == "epoch":
        unit = epoch_unit(found.partition(".")[0])
        if unit is None:
            return None
        shape = f"{shape} in {unit}"
    if name == "hex" and not (re.search(r"\d", found) and re.search("[a-fA-F]", found)):
        return None
    if name == "id" and not _random(re.split("[_-]", found, maxsplit=1)[1], 2):
        return None
    if name == "uuid" and found[14] in "12345678":
        shape = f"{shape} (version {found[14]})"
    return Token(kind, shape, match.start(), match.end())


def _nonce(match: re.Match[str]) -> Token | None:
    return Token("nonce", "a random text", match.start(), match.end()) if _random(match[0], 3) else None


def _number(match: re.Match[str]) -> Token:
    return Token("number", "a number", match.start(), match.end())


def _random(text: str, switches: int) -> bool:
    """Letters and digits mixed as no word mixes them: by how often they change places."""
    return len(_SWITCH.findall(text)) >= switches


_SIEVES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Token | None]], ...]] = (
    (_FIRST, _shaped),
    (_SECOND, _nonce),
    (_THIRD, _number),
)
