"""What a process remembers of the bodies it has made keys for. ADR 0003."""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Generic, TypeVar

TOKEN_MARK: Final = 0.0
"""A long string is written as ``[0.0,"digest"]``. RFC 8785 writes no number with a zero fraction, so nothing
genuine can pass for that; every encoder writes this one as ``0.0``."""

STRING_DOMAIN: Final = b"aig-key/1 string\0"

Token = list[float | str]
Key = TypeVar("Key", str, bytes)
Value = TypeVar("Value", Token, bytes)

_ENTRY: Final = 300  # bytes of a token, or of an object's head, with its place in the dictionary
_MET: Final = 1024


def string_digest(text: str) -> str:
    """The digest that stands for a long string; a lone surrogate raises ``UnicodeEncodeError``."""
    return sha256(STRING_DOMAIN + text.encode()).hexdigest()


class Remembered(Generic[Key, Value]):
    """A memory by value, bounded by the bytes of its keys.

    Two generations: when the young one fills half the room it becomes the old one, and what is used again
    moves back. Every step is one dictionary operation, so threads need no lock; a lost race costs a digest,
    never a wrong one.
    """

    __slots__ = ("_half", "_old", "_used", "young")

    def __init__(self, room: int) -> None:
        self._half = room // 2
        self.forget()

    def forget(self) -> None:
        """Let go of everything."""
        self.young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}
        self._used = 0

    def get(self, key: Key) -> Value | None:
        """What is remembered for ``key``."""
        value = self.young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember ``value``, unless ``key`` alone would fill a generation."""
        size = key.__sizeof__() + _ENTRY
        if size > self._half:
            return
        self._used += size
        if self._used > self._half:
            self._old, self.young = self.young, {}
            self._used = size
        self.young[key] = value

    def held(self) -> int:
        """About how many bytes are held."""
        return sum(key.__sizeof__() + _ENTRY for key in [*self.young, *self._old])


class Leaves:
    """Remembers long strings' digests and tools' texts, by value. Safe under threads.

    Args:
        room: how many bytes to hold at most, roughly.
    """

    __slots__ = ("_met", "strings", "tools")

    def __init__(self, room: int = 64 * 1024 * 1024) -> None:
        self.strings: Remembered[str, Token] = Remembered(room * 3 // 4)
        self.tools: Remembered[bytes, bytes] = Remembered(room // 8)  # a text is about as large as its key
        self._met: set[tuple[int, int]] = set()

    def forget(self) -> None:
        """Let go of everything that is remembered."""
        self.strings.forget()
        self.tools.forget()
        self._met = set()

    def token(self, text: str) -> Token:
        """The token of a long string."""
        token = self.strings.get(text)
        if token is None:
            token = [TOKEN_MARK, string_digest(text)]
            self.strings.put(text, token)
        return token

    def meets_again(self, tools: list[object]) -> bool:
        """Whether a list was probably here before. A guess: a wrong one costs time and nothing else."""
        mark = (id(tools), len(tools))
        if mark in self._met:
            return True
        if len(self._met) >= _MET:
            self._met = set()
        self._met.add(mark)
        return False
