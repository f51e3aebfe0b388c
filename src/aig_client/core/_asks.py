"""The questions the path asks its shell. ``yield from`` a question gives the typed answer. ADR 0002.

A new question changes every driver, and so needs an ADR.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ._receipt import Head, Meter, NoAnswer
from ._values import Plan

T = TypeVar("T")


class Ask(Generic[T]):
    """A question only the shell can answer."""

    __slots__ = ()

    def __iter__(self) -> Generator[Ask[Any], Any, T]:
        answer: T = yield self
        return answer


@dataclass(frozen=True, slots=True)
class Send(Ask[Head | NoAnswer]):
    """Send this plan's request; answer with the head, or say that nobody answered. A second one replaces the first."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Deliver(Ask[Meter]):
    """Hand the answer to the caller; answer with the meter once it has passed."""

    plan: Plan
    head: Head


Path = Generator[Ask[Any], Any, T]
