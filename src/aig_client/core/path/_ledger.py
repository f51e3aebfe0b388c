"""The ledger: what may still be spent in a window of time. Integers only; held before, booked after, never oversold.

A request reserves the most that it may use. What it did use takes the reservation's place once that is known. A hold
that nobody settles in time is booked as used in full: what happened is not known, and the safe guess is all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast, get_args

from .._errors import ConfigurationError

What = Literal["requests", "tokens", "nanodollars"]
LONGEST: Final = 366 * 86_400
MOST: Final = 10**15  # exact in JavaScript, which carries these numbers between isolates
MOST_LIMITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So much of something in each window of so many seconds; windows begin at multiples of their length since 1970.

    ``route_class`` None: all classes together.
    """

    what: What
    limit: int
    window: int
    route_class: str | None = None

    @property
    def name(self) -> str:
        """What its counters are kept under."""
        return f"{self.what}/{self.window}/{self.route_class or '*'}"

    def begins(self, now: float) -> int:
        """The start of the window that a moment (Unix seconds) lies in."""
        return int(now // self.window) * self.window


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What a request uses, or may use at the most."""

    requests: int = 1
    tokens: int = 0
    nanodollars: int = 0

    def of(self, what: What) -> int:
        """One of them."""
        return {"requests": self.requests, "tokens": self.tokens, "nanodollars": self.nanodollars}[what]


@dataclass(frozen=True, slots=True)
class Taken:
    """A part of a hold: so much of what one counter has."""

    limit: str
    begins: int
    what: What
    amount: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation that is not settled yet; ``expires`` in Unix seconds."""

    expires: float
    taken: tuple[Taken, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """What one limit still has, and when its window ends (Unix seconds)."""

    what: What
    route_class: str | None
    left: int
    resets: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """It may go ahead. ``left`` is what every limit that applies has after it."""

    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not: ``limit`` has too little; ``retry_after`` seconds later its window is a new one."""

    limit: Limit
    left: int
    retry_after: int


class Book(Protocol):
    """Where counters and holds are kept: a dict here, SQLite in a Durable Object. A counter is (used, held)."""

    def counter(self, limit: str, begins: int) -> tuple[int, int]: ...
    def write(self, limit: str, begins: int, used: int, held: int) -> None: ...
    def forget(self, limit: str, before: int) -> None: ...
    def hold(self, hold_id: str) -> Hold | None: ...
    def keep(self, hold_id: str, hold: Hold) -> None: ...
    def drop(self, hold_id: str) -> None: ...
    def due(self, now: float) -> Sequence[str]: ...
    def next_expiry(self) -> float | None: ...


def limits_from_plain(plain: Iterable[object], where: str = "") -> tuple[Limit, ...]:
    """Limits as a policy writes them: ``{"what": "requests", "limit": 100, "window": 60, "route_class": null}``.

    Raises:
        ConfigurationError: with the JSON pointer of what is wrong.
    """
    found: list[Limit] = []
    for index, one in enumerate(plain):
        at = f"{where}/{index}"
        if not isinstance(one, Mapping) or not set(one) <= {"what", "limit", "window", "route_class"}:
            raise ConfigurationError(at, "must hold what, limit and window, and route_class if any")
        what, limit, window, route_class = (one.get(name) for name in ("what", "limit", "window", "route_class"))
        if what not in get_args(What):
            raise ConfigurationError(f"{at}/what", f"must be one of {', '.join(get_args(What))}")
        if type(limit) is not int or not 0 <= limit <= MOST:
            raise ConfigurationError(f"{at}/limit", "must be an integer, zero or more")
        if type(window) is not int or not 1 <= window <= LONGEST:
            raise ConfigurationError(f"{at}/window", "must be seconds, from 1 to a year")
        if route_class is not None and not isinstance(route_class, str):
            raise ConfigurationError(f"{at}/route_class", "must be a string or null")
        made = Limit(what=cast("What", what), limit=limit, window=window, route_class=route_class)
        if made.name in {other.name for other in found}:
            raise ConfigurationError(at, "limits again what another one does")
        found.append(made)
    if len(found) > MOST_LIMITS:
        raise ConfigurationError(where or "/", f"holds more than {MOST_LIMITS} limits")
    return tuple(found)


def _applying(limits: Iterable[Limit], route_class: str | None) -> list[Limit]:
    return [limit for limit in limits if limit.route_class in (None, route_class)]


def remaining(book: Book, limits: Iterable[Limit], route_class: str | None, now: float) -> tuple[Left, ...]:
    """What every limit that applies still has."""
    found: list[Left] = []
    for limit in _applying(limits, route_class):
        begins = limit.begins(now)
        used, held = book.counter(limit.name, begins)
        found.append(Left(limit.what, limit.route_class, max(0, limit.limit - used - held), begins + limit.window))
    return tuple(found)


def reserve(
    book: Book,
    limits: Sequence[Limit],
    hold_id: str,
    *,
    route_class: str | None,
    amounts: Amounts,
    now: float,
    seconds: float,
) -> Reserved | Denied:
    """Take the most that a request may use from every limit that applies, or nothing at all.

    Asked again for a hold that there is, nothing more is taken. ``seconds`` later the hold is due.
    """
    expire(book, now)
    if book.hold(hold_id) is not None:
        return Reserved(remaining(book, limits, route_class, now))
    taken: list[Taken] = []
    applying = _applying(limits, route_class)
    for limit in applying:
        begins, amount = limit.begins(now), amounts.of(limit.what)
        used, held = book.counter(limit.name, begins)
        if used + held + amount > limit.limit:
            wait = max(1, -int(-(begins + limit.window - now) // 1))
            return Denied(limit, max(0, limit.limit - used - held), wait)
        taken.append(Taken(limit.name, begins, limit.what, amount))
    for limit, part in zip(applying, taken, strict=True):
        used, held = book.counter(part.limit, part.begins)
        book.write(part.limit, part.begins, used, held + part.amount)
        # The window before stays: a clock that steps back into it must not find it unused.
        book.forget(part.limit, part.begins - limit.window)
    book.keep(hold_id, Hold(now + seconds, tuple(taken)))
    return Reserved(remaining(book, limits, route_class, now))


def settle(book: Book, hold_id: str, actual: Amounts) -> bool:
    """Book what was used in the place of what was held, in the windows where it was held. False: there is no such hold.

    More than was held is booked as well: it is true, and the next reservation will be denied.
    """
    return _close(book, hold_id, actual)


def release(book: Book, hold_id: str) -> bool:
    """Give a hold back: nothing was used. False: there is no such hold."""
    return _close(book, hold_id, Amounts(requests=0))


def expire(book: Book, now: float) -> int:
    """Book every hold that is due as used in full, and say how many there were."""
    due = book.due(now)
    for hold_id in due:
        _close(book, hold_id, None)
    return len(due)


def _close(book: Book, hold_id: str, actual: Amounts | None) -> bool:
    hold = book.hold(hold_id)
    if hold is None:
        return False
    for part in hold.taken:
        used, held = book.counter(part.limit, part.begins)
        spent = part.amount if actual is None else max(0, actual.of(part.what))
        book.write(part.limit, part.begins, used + spent, held - part.amount)
    book.drop(hold_id)
    return True


class MemoryBook:
    """A book in memory: for one process, and for tests."""

    def __init__(self) -> None:
        self.counters: dict[tuple[str, int], tuple[int, int]] = {}
        self.holds: dict[str, Hold] = {}

    def counter(self, limit: str, begins: int) -> tuple[int, int]:
        """Used and held in one window."""
        return self.counters.get((limit, begins), (0, 0))

    def write(self, limit: str, begins: int, used: int, held: int) -> None:
        """Replace both."""
        self.counters[limit, begins] = (used, held)

    def forget(self, limit: str, before: int) -> None:
        """Let go of earlier windows in which nothing is held."""
        for name, begins in [*self.counters]:
            if name == limit and begins < before and self.counters[name, begins][1] == 0:
                del self.counters[name, begins]

    def hold(self, hold_id: str) -> Hold | None:
        """A hold, if there is one of this id."""
        return self.holds.get(hold_id)

    def keep(self, hold_id: str, hold: Hold) -> None:
        """Keep a hold."""
        self.holds[hold_id] = hold

    def drop(self, hold_id: str) -> None:
        """Let a hold go."""
        self.holds.pop(hold_id, None)

    def due(self, now: float) -> Sequence[str]:
        """The holds whose time is over."""
        return [hold_id for hold_id, hold in self.holds.items() if hold.expires <= now]

    def next_expiry(self) -> float | None:
        """When the next hold is due."""
        return min((hold.expires for hold in self.holds.values()), default=None)
