"""What a test tells its gateway to do, while it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from ._json import JsonValue
from ._scenario import Match, Rule, Scenario


class Scripted(ABC):
    """Adds rules of answers and faults, until the next `reset`.

    Rules apply in the order in which they were given, and the first that has an answer answers; so
    `say("one", first=1)` and then `say("two")` is a sequence. A rule of the scenario comes before any of the test's.
    """

    @property
    @abstractmethod
    def scenario(self) -> Scenario:
        """The rules that are in force."""

    def say(
        self,
        text: str,
        match: Match | None = None,
        *,
        contains: str | None = None,
        first: int | None = None,
        every: int | None = None,
        after: int = 0,
    ) -> None:
        """The provider answers with this text, in its own format, as a stream where one is asked for.

        match, contains: which requests; all, if nothing is said. first, every, after: which of those, see `Rule`.
        A cache hit is not asked for.
        """
        rule = Rule(match=_meant(match, contains), say=text, first=first, every=every, after=after)
        self.scenario.add(rule)

    def reply(
        self,
        json: JsonValue,
        match: Match | None = None,
        *,
        status: int = 200,
        contains: str | None = None,
        first: int | None = None,
        every: int | None = None,
        after: int = 0,
    ) -> None:
        """The provider answers with this JSON body and this status. The rest as for `say`."""
        rule = Rule(match=_meant(match, contains), json=json, status=status, first=first, every=every, after=after)
        self.scenario.add(rule)

    def fault(
        self,
        fault: str,
        match: Match | None = None,
        *,
        contains: str | None = None,
        first: int | None = None,
        every: int | None = None,
        after: int = 0,
    ) -> None:
        """Something goes wrong: `"status;code=429"`, `"latency;ms=800"`, `"cut;after=3"`, ... as in `x-aig-fault`.

        The rest as for `say`. Raises `ValueError` for a fault that there is not.
        """
        rule = Rule(match=_meant(match, contains), fault=fault, first=first, every=every, after=after)
        self.scenario.add(rule)


def _meant(match: Match | None, contains: str | None) -> Match:
    match = match or Match()
    return match if contains is None else replace(match, contains=contains)
