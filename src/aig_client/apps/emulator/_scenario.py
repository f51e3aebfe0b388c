"""Rules of faults and scripted answers that apply without a header. Deterministic: rules count, nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import count

from ._faults import FaultSpec, FaultSyntaxError, parse_faults
from ._inspection import texts_of
from ._json import JsonValue, write
from ._messages import ProviderAnswer, ProviderRequest
from ._routes import PROVIDERS, is_slug

_JSON = (("content-type", "application/json"),)
_GLOB = frozenset("*?[")
_STREAMS = ":streamGenerateContent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests a rule is for: those that fit all that is given, as the provider would get them.

    provider, path, model: a glob (`*`, `?`, `[ab]`); the path is what follows the provider's slug, percent-encoded.
    contains: text in the body as it was sent, or in one of its JSON strings. header: name to glob. stream: whether a
    stream is asked for. Raises `ValueError`, naming the field, for a provider that there is not.
    """

    provider: str | None = None
    path: str | None = None
    model: str | None = None
    contains: str | None = field(default=None, repr=False)
    header: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    stream: bool | None = None

    def __post_init__(self) -> None:
        name = self.provider
        if name is not None and not _GLOB.intersection(name) and not is_slug(name):
            near = get_close_matches(name, PROVIDERS, n=1)
            raise ValueError(f"provider: there is no {name!r}{f'; did you mean {near[0]}?' if near else ''}")
        object.__setattr__(self, "header", {key.lower(): value for key, value in self.header.items()})

    def fits(self, request: ProviderRequest) -> bool:
        """This request is one of them."""
        globs = ((self.provider, request.provider), (self.path, request.path), (self.model, request.model))
        return (
            all(wanted is None or _is_like(found, wanted) for wanted, found in globs)
            and all(_is_like(request.header(name), wanted) for name, wanted in self.header.items())
            and self.stream in (None, _asks_to_stream(request))
            and (self.contains is None or _holds(request.body, self.contains))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What happens to the requests that fit. Raises `ValueError`, naming the field, for a rule that could not act.

    fault: as in the header `x-aig-fault`; its `times` counts attempts over all requests of this rule.
    say: the text that the fake provider answers with. json: a whole body instead, with `status`; a string is sent as
    it is.
    after: so many fitting requests go unharmed. Of the others, first: only so many are meant; every: the third, sixth,
    ninth and so on for 3.
    """

    match: Match = field(default_factory=Match)
    fault: str = ""
    say: str | None = field(default=None, repr=False)
    json: JsonValue = field(default=None, repr=False)
    status: int = 200
    first: int | None = None
    every: int | None = None
    after: int = 0
    name: str = ""
    faults: tuple[FaultSpec, ...] = field(init=False, repr=False, compare=False)
    body: bytes | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "faults", parse_faults(self.fault, per_rule=True))
        except FaultSyntaxError as error:
            raise ValueError(f"fault: {error}") from None
        object.__setattr__(self, "body", None if self.json is None else _body(self.json))
        if not self.faults and not self.scripted:
            raise ValueError("fault: a rule needs fault, say or json")
        if self.say is not None and self.json is not None:
            raise ValueError("say: a rule has say or json, not both")
        if self.status != 200 and self.json is None:
            raise ValueError("status: it goes with json; a fault has its own code")
        if not 200 <= self.status <= 599:
            raise ValueError(f"status: it must be 200 to 599, not {self.status}")
        for name, value, low in (("first", self.first, 1), ("every", self.every, 1), ("after", self.after, 0)):
            if value is not None and value < low:
                raise ValueError(f"{name}: it must be at least {low}, not {value}")

    @property
    def scripted(self) -> bool:
        """It has an answer to give."""
        return self.say is not None or self.json is not None

    def acts_on(self, number: int) -> bool:
        """It acts on this one of the requests that fit, counted from 0."""
        number -= self.after
        return (
            number >= 0
            and (self.first is None or number < self.first)
            and (self.every is None or (number + 1) % self.every == 0)
        )


@dataclass(frozen=True, slots=True)
class Directive:
    """What a scenario says to one request. say: the text of the answer. body: a whole JSON body, with `status`.

    rule_names: the rules that act, in order; a rule without a name goes by its place, counted from 1.
    """

    faults: tuple[FaultSpec, ...] = ()
    say: str | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    status: int = 200
    rule_names: tuple[str, ...] = ()

    @property
    def scripted(self) -> bool:
        """There is an answer to give, so that no real provider need be asked."""
        return self.say is not None or self.body is not None

    def answer(self, request: ProviderRequest) -> ProviderAnswer | None:  # noqa: ARG002
        """The whole answer, where the scenario gives one. A text alone is for the fake provider to dress."""
        return None if self.body is None else ProviderAnswer(self.status, _JSON, (self.body,))


class Scenario:
    """Rules, and how often each one fitted. The faults of all rules that act add up; the first answer wins.

    It may be added to while requests are served.
    """

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self._first = tuple(rules)
        self.reset()

    def __repr__(self) -> str:
        return f"Scenario({len(self._counts)} rules)"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in order."""
        return tuple(counts.rule for counts in self._counts)

    def add(self, *rules: Rule) -> None:
        """Put rules after those that there are, until the next `reset`."""
        self._counts += tuple(_Counts(rule) for rule in rules)

    def reset(self) -> None:
        """Start over: the rules it was made with, and nothing counted."""
        self._counts = tuple(_Counts(rule) for rule in self._first)

    def directive(self, request: ProviderRequest) -> Directive:
        """What holds for this request, and count it. Ask once for each request, before any attempt."""
        faults: list[FaultSpec] = []
        names: list[str] = []
        answer: Rule | None = None
        for place, counts in enumerate(self._counts, start=1):
            rule = counts.rule
            # An answer that comes too late is not counted either, so that answers can follow one another.
            if (answer is not None and not rule.faults) or not counts.acts_on_next(request):
                continue
            faults += counts.faults()
            names.append(rule.name or f"rule {place}")
            if answer is None and rule.scripted:
                answer = rule
        if answer is None:
            return Directive(tuple(faults), rule_names=tuple(names))
        return Directive(tuple(faults), answer.say, answer.body, answer.status, tuple(names))


class _Counts:
    """A rule, and what it has counted: requests that fitted, and attempts."""

    __slots__ = ("_attempts", "_fitted", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._fitted = count()
        self._attempts = count()

    def acts_on_next(self, request: ProviderRequest) -> bool:
        return self.rule.match.fits(request) and self.rule.acts_on(next(self._fitted))

    def faults(self) -> Iterator[FaultSpec]:
        """Its faults for one request."""
        attempts = _Attempts(self._attempts)
        for fault in self.rule.faults:
            yield fault if fault.times is None else fault.counted_by(attempts)


class _Attempts:
    """The attempts of one request as its rule counts them: each draws the rule's next number once."""

    __slots__ = ("_drawn", "_numbers")

    def __init__(self, numbers: count[int]) -> None:
        self._numbers = numbers
        self._drawn: dict[int, int] = {}

    def __call__(self, attempt: int) -> int:
        if attempt not in self._drawn:
            self._drawn[attempt] = next(self._numbers)
        return self._drawn[attempt]


def _body(json: JsonValue) -> bytes:
    if isinstance(json, str):
        return json.encode()
    try:
        return write(json)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("json: it must be what JSON can carry") from None


def _is_like(found: str | None, wanted: str) -> bool:
    return found is not None and fnmatchcase(found, wanted)


def _asks_to_stream(request: ProviderRequest) -> bool:
    return request.path.endswith(_STREAMS) or (request.payload is not None and request.payload.get("stream") is True)


def _holds(body: bytes, wanted: str) -> bool:
    # Callers differ in what they escape, so the decoded strings are looked at too.
    return wanted in body.decode("utf-8", "replace") or any(wanted in text for text in texts_of(body))
