"""Faults on demand: which there are, where they happen, and how a header or a scenario asks for them.

A fault at the `edge` is seen by the caller alone: Cloudflare answers, or nobody does, and no provider is asked. A fault
at the `provider` is seen by the gateway, which may try again and passes on what it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from math import inf
from types import MappingProxyType
from typing import Literal, TypeAlias, TypeVar, get_args

from ._fault_syntax import FaultSyntaxError, Item, Token, parse_list, shown

__all__ = ["FaultSpec", "FaultSyntaxError", "parse_faults"]

Kind: TypeAlias = Literal[
    "status", "latency", "reset", "cut", "stall", "malformed-sse", "content-type", "drift", "html"
]
Place: TypeAlias = Literal["provider", "edge"]
Drift: TypeAlias = Literal["rename", "drop", "string"]
Damage: TypeAlias = Literal["json", "joined", "utf8"]

W = TypeVar("W", bound=str)

REPLACING: frozenset[Kind] = frozenset(("status", "html", "reset"))
"""Kinds that stand in the place of an answer. The first that acts wins."""

_MOST_FAULTS = 16
_MOST_TIMES = 1000
_MOST_MS = 600_000
_MOST_SECONDS = 3600
_MOST_AFTER = 1_000_000_000
_LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One fault. Its text is the fault as it is asked for.

    times: it happens to the first so many attempts; `None` is all of them.
    code: the status of `status` and `html`. retry_after: seconds, or the header's text as it is.
    ms: milliseconds of `latency`. after: events of a stream, or bytes of an answer that is none, before `cut`, `stall`
    or `malformed-sse`. seconds: how long `stall` lasts. value: the header of `content-type`; empty for none.
    ordinal: gives the number of an attempt, from 0, where a rule counts over many requests.
    """

    kind: Kind
    at: Place
    times: int | None = None
    code: int = 0
    retry_after: int | str | None = None
    ms: float = 0.0
    after: int = 1
    seconds: float = 30.0
    value: str = ""
    drift: Drift = "rename"
    damage: Damage = "json"
    text: str = field(default="", repr=False, compare=False)
    ordinal: Callable[[int], int] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    def applies(self, attempt: int) -> bool:
        """It happens to this attempt of the request, counted from 0."""
        if self.times is None:
            return True
        return (attempt if self.ordinal is None else self.ordinal(attempt)) < self.times

    def counted_by(self, ordinal: Callable[[int], int]) -> FaultSpec:
        """The same fault with its attempts counted so."""
        return replace(self, ordinal=ordinal)


def parse_faults(text: str, *, per_rule: bool = False) -> tuple[FaultSpec, ...]:
    """Read a list such as `latency;ms=50, status;code=503;times=2`. Raises `FaultSyntaxError` with one sentence.

    per_rule: attempts are counted over all requests of a scenario's rule; else over those for one request, which the
    edge sees once.
    """
    items = parse_list(text)
    if len(items) > _MOST_FAULTS:
        raise FaultSyntaxError(f"{len(items)} faults are asked for; at most {_MOST_FAULTS} can be")
    faults = tuple(_fault(item) for item in items)
    for fault in faults:
        if fault.at == "edge" and fault.times is not None and not per_rule:
            raise FaultSyntaxError(
                f"{fault.kind} at the edge happens once to a request: times needs at=provider, or a scenario's rule"
            )
    _check_each_can_happen(faults)
    return faults


def _fault(item: Item) -> FaultSpec:
    build = _BUILDERS.get(item.name)
    if build is None:
        raise FaultSyntaxError(f"there is no fault {shown(item.name)}{_instead(item.name, _BUILDERS)}")
    reader = _Reader(item)
    fault = build(reader)
    reader.finish()
    return fault


class _Reader:
    """Takes the parameters of one fault, and knows afterwards which ones it takes."""

    __slots__ = ("_asked", "_item")

    def __init__(self, item: Item) -> None:
        self._item = item
        self._asked: list[str] = []

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name, f"must be an integer from {low} to {high}")
        return value

    def number(self, name: str, high: int, default: float | None = None) -> float:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
            raise self._wrong(name, f"must be a number from 0 to {high}")
        return float(value)

    def text(self, name: str) -> str:
        value = self._take(name, None)
        if not isinstance(value, str) or isinstance(value, Token) or len(value) > _LONGEST_TEXT:
            raise self._wrong(name, f"must be a string in quotes of at most {_LONGEST_TEXT} characters")
        return value

    def times(self) -> int | None:
        return self.integer("times", 1, _MOST_TIMES) if self.has("times") else None

    def place(self, default: Place, *others: Place) -> Place:
        """Where it happens. `others` are the places that make sense beside the natural one."""
        value = self._take("at", default)
        for place in (default, *others):
            if value == place:
                return place
        if value in get_args(Place):
            raise self._wrong("at", f"must be {default}: it cannot happen at the {value}")
        raise self._wrong("at", "must be provider or edge")

    def word(self, name: str, *choices: W) -> W:
        """One of the choices; the first where nothing is said."""
        value = self._take(name, choices[0])
        for choice in choices:
            if value == choice:
                return choice
        raise self._wrong(name, f"must be {', '.join(choices[:-1])} or {choices[-1]}")

    def retry_after(self) -> int | str | None:
        """Seconds as an integer. Any other text, such as a date, in quotes."""
        if not self.has("retry-after"):
            return None
        if isinstance(self._item.parameters["retry-after"], int):
            return self.integer("retry-after", 0, _MOST_AFTER)
        return self.text("retry-after")

    def has(self, name: str) -> bool:
        self._asked.append(name)
        return name in self._item.parameters

    def finish(self) -> None:
        """Refuse what nothing asked for."""
        takes = list(dict.fromkeys(self._asked))
        for name in self._item.parameters:
            if name not in takes:
                raise FaultSyntaxError(f"{self._item.name} has no parameter {shown(name)}{_instead(name, takes)}")

    def _take(self, name: str, default: object) -> object:
        if not self.has(name):
            if default is None:
                raise FaultSyntaxError(f"{self._item.name} needs {name}, as in {_EXAMPLES[self._item.name]}")
            return default
        return self._item.parameters[name]

    def _wrong(self, name: str, sentence: str) -> FaultSyntaxError:
        return FaultSyntaxError(f"{name} of {self._item.name} {sentence}")

    @property
    def written(self) -> str:
        return str(self._item)


def _status(read: _Reader) -> FaultSpec:
    code = read.integer("code", 400, 599)
    # 520 to 529 are Cloudflare's own; 529 is Anthropic's too, which `at=provider` gives.
    at = read.place("edge", "provider") if 520 <= code <= 529 else read.place("provider", "edge")
    retry_after = read.retry_after()
    return FaultSpec(kind="status", at=at, times=read.times(), code=code, retry_after=retry_after, text=read.written)


def _html(read: _Reader) -> FaultSpec:
    code, at = read.integer("code", 200, 599, 502), read.place("edge", "provider")
    retry_after = read.retry_after()
    return FaultSpec(kind="html", at=at, times=read.times(), code=code, retry_after=retry_after, text=read.written)


def _latency(read: _Reader) -> FaultSpec:
    at = read.place("provider", "edge")
    return FaultSpec(kind="latency", at=at, times=read.times(), ms=read.number("ms", _MOST_MS), text=read.written)


def _reset(read: _Reader) -> FaultSpec:
    return FaultSpec(kind="reset", at=read.place("edge", "provider"), times=read.times(), text=read.written)


def _cut(read: _Reader) -> FaultSpec:
    after = read.integer("after", 0, _MOST_AFTER, 1)
    return FaultSpec(kind="cut", at=read.place("provider"), times=read.times(), after=after, text=read.written)


def _stall(read: _Reader) -> FaultSpec:
    after, seconds = read.integer("after", 0, _MOST_AFTER, 1), read.number("seconds", _MOST_SECONDS, 30.0)
    at, times = read.place("provider"), read.times()
    return FaultSpec(kind="stall", at=at, times=times, after=after, seconds=seconds, text=read.written)


def _malformed_sse(read: _Reader) -> FaultSpec:
    after = read.integer("after", 0, _MOST_AFTER, 1)
    damage: Damage = read.word("how", "json", "joined", "utf8")
    at, times = read.place("provider"), read.times()
    return FaultSpec(kind="malformed-sse", at=at, times=times, after=after, damage=damage, text=read.written)


def _content_type(read: _Reader) -> FaultSpec:
    at, value = read.place("provider"), read.text("value")
    return FaultSpec(kind="content-type", at=at, times=read.times(), value=value, text=read.written)


def _drift(read: _Reader) -> FaultSpec:
    how: Drift = read.word("how", "rename", "drop", "string")
    return FaultSpec(kind="drift", at=read.place("provider"), times=read.times(), drift=how, text=read.written)


_BUILDERS: MappingProxyType[str, Callable[[_Reader], FaultSpec]] = MappingProxyType(
    {
        "status": _status,
        "latency": _latency,
        "reset": _reset,
        "cut": _cut,
        "stall": _stall,
        "malformed-sse": _malformed_sse,
        "content-type": _content_type,
        "drift": _drift,
        "html": _html,
    }
)
_EXAMPLES = MappingProxyType(
    {
        "status": "status;code=429;retry-after=2",
        "latency": "latency;ms=500",
        "content-type": 'content-type;value="text/html"',
    }
)


def _check_each_can_happen(faults: Iterable[FaultSpec]) -> None:
    """A fault that another one always forestalls would do nothing, so it is refused."""
    covered: dict[Place, float] = {}
    for fault in faults:
        if fault.kind not in REPLACING:
            continue
        wanted = inf if fault.times is None else fault.times
        if covered.get(fault.at, 0) >= wanted:
            raise FaultSyntaxError(f"{fault} never happens: one before it answers each time")
        covered[fault.at] = wanted
    for fault in faults:
        if fault.at == "provider" and covered.get("edge") == inf:
            raise FaultSyntaxError(f"{fault} never happens: the edge answers before a provider is asked")


def _instead(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
