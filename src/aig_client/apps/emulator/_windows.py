"""Counters over windows of time: two numbers for each key, whatever the traffic."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from ._json import JsonValue, array_of
from ._settings import Technique

Key: TypeAlias = tuple[str, ...]

MOST_KEYS = 10_000


@dataclass(slots=True)
class _Counter:
    """Sums of the window with this index and of the one before it."""

    index: int
    current: int = 0
    previous: int = 0


class Windows:
    """Sums of whole numbers by key and window. Written by one thread.

    Windows are aligned to the clock: the one of `now` is `floor(now / window)` (contract 9, row 19). At most `most`
    keys are kept; the one that was not asked for the longest goes first, and its sum with it.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._counters: OrderedDict[tuple[int, Key], _Counter] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counters)

    def add(self, key: Key, amount: int, window: int, now: float) -> None:
        """Count `amount` in the window of `now`. window: seconds.

        Time does not run backwards here: an earlier moment counts in the newest window, so that nothing gets lost.
        """
        index = _index(now, window)
        counter = self._find(key, window)
        if counter is None:
            counter = self._counters[window, key] = _Counter(index)
            if len(self._counters) > self._most:
                self._counters.popitem(last=False)
        elif index > counter.index:
            counter.previous = counter.current if index == counter.index + 1 else 0
            counter.current = 0
            counter.index = index
        counter.current += amount

    def total(self, key: Key, window: int, technique: Technique, now: float) -> float:
        """What was counted in the window of `now`.

        `fixed`: that, a whole number. `sliding`: and of the window before it the part that the last `window` seconds
        still touch.
        """
        counter = self._find(key, window)
        if counter is None:
            return 0
        passed = _index(now, window) - counter.index
        current = counter.current if passed <= 0 else 0
        if technique == "fixed":
            return current
        previous = counter.previous if passed <= 0 else counter.current if passed == 1 else 0
        elapsed = now % window if passed >= 0 else 0
        return current + previous * (window - elapsed) / window

    def dump(self) -> list[JsonValue]:
        """All counters as plain JSON, the longest unused first."""
        return [
            [window, counter.index, counter.current, counter.previous, *key]
            for (window, key), counter in self._counters.items()
        ]

    def load(self, dumped: JsonValue) -> None:
        """Start again from what `dump` gave. What cannot be one of its rows is left out."""
        self._counters.clear()
        for row in array_of(dumped)[-self._most :]:
            numbers, key = _parts(array_of(row))
            if len(numbers) == 4 and numbers[0] > 0 and key:
                window, index, current, previous = numbers
                self._counters[window, key] = _Counter(index, current, previous)

    def _find(self, key: Key, window: int) -> _Counter | None:
        counter = self._counters.get((window, key))
        if counter is not None:
            self._counters.move_to_end((window, key))
        return counter


def _index(now: float, window: int) -> int:
    return int(now // window)


def _parts(row: list[JsonValue]) -> tuple[list[int], Key]:
    numbers = [value for value in row[:4] if isinstance(value, int) and not isinstance(value, bool)]
    key = tuple(value for value in row[4:] if isinstance(value, str))
    return numbers, key
