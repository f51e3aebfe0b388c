"""`aig policy diff A B`: which classes, targets, rules and models two policies do not share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import click

from ...core import Policy
from ._choices import today
from ._command import OutcomeCommand
from ._guard import GOOD, SAID_NO
from ._outcome import Block, Cell, Grid, Outcome, Style, facts, line
from ._policies import load
from ._printable import cut
from ._settings_tree import flattened, shown

EXAMPLE: Final = """\b
Example:
  aig policy diff deployed.json aig.toml

Exit codes: 0 they decide alike, 1 they differ, 2 wrong usage or input.
"""

How = Literal["added", "removed", "changed"]
Part = Literal["policy", "classes", "overrides", "models"]

_PARTS: Final[tuple[tuple[Part, str], ...]] = (
    ("policy", "Policy"),
    ("classes", "Classes"),
    ("overrides", "Overrides"),
    ("models", "Models"),
)
_OF_THE_POLICY: Final = ("epoch", "providers", "default_class", "infer")
_STYLES: Final[dict[How, Style]] = {"added": "good", "removed": "bad", "changed": ""}
_MOST_ROWS: Final = 20
_MOST_VALUE: Final = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``field`` is a path within ``name``, or None where all of it came or went."""

    part: Part
    name: str
    field: str | None
    how: How
    a: object
    b: object


@dataclass(frozen=True, slots=True)
class PolicySide:
    """One of the two policies."""

    source: str
    digest: str


@dataclass(frozen=True, slots=True)
class PolicyDiffResult:
    """Whether and where two policies differ."""

    SCHEMA: ClassVar[str] = "aig.policy.diff/1"

    same: bool
    a: PolicySide
    b: PolicySide
    changes: tuple[Change, ...]


@click.command("diff", cls=OutcomeCommand, epilog=EXAMPLE, short_help="What changed between two policies.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
def command(a: str, b: str) -> Outcome[PolicyDiffResult]:
    """Compare two policies, each an aig.toml or a policy.json, without the environment's overrides.

    An aig.toml is compiled with the catalog of this version: beside an older policy.json, its models differ too.
    """
    one, other = (load(path, environ={}, day=today()) for path in (a, b))
    changes = tuple(changes_between(one.policy, other.policy))
    sides = [PolicySide(path, loaded.policy.digest) for path, loaded in ((a, one), (b, other))]
    result = PolicyDiffResult(not changes, sides[0], sides[1], changes)
    return Outcome(result, _render, GOOD if result.same else SAID_NO)


def changes_between(a: Policy, b: Policy) -> Iterator[Change]:
    """The differences of two policies, in the order of the parts and sorted within each."""
    documents = a.as_document(), b.as_document()
    for name in _OF_THE_POLICY:
        before, after = (document[name] for document in documents)
        if before != after:
            yield Change("policy", name, None, "changed", before, after)
    parts: tuple[Part, ...] = ("classes", "overrides", "models")
    for part in parts:
        yield from _entries(part, *(_objects(document[part]) for document in documents))


def _objects(value: object) -> dict[str, Mapping[str, object]]:
    assert isinstance(value, Mapping)
    return {str(name): one for name, one in value.items() if isinstance(one, Mapping)}


def _entries(part: Part, a: dict[str, Mapping[str, object]], b: dict[str, Mapping[str, object]]) -> Iterator[Change]:
    for name in sorted({*a, *b}):
        if name not in a or name not in b:
            there = a.get(name, b.get(name))
            how: How = "added" if name in b else "removed"
            yield Change(part, name, None, how, there if name in a else None, there if name in b else None)
            continue
        yield from _fields(part, name, dict(flattened(a[name])), dict(flattened(b[name])))


def _fields(
    part: Part, name: str, a: Mapping[tuple[str, ...], object], b: Mapping[tuple[str, ...], object]
) -> Iterator[Change]:
    for path in dict.fromkeys((*a, *b)):
        if part == "overrides" and path[-1] == "source":
            continue  # who said it decides nothing
        if (path in a, a.get(path)) != (path in b, b.get(path)):
            how: How = "added" if path not in a else "removed" if path not in b else "changed"
            yield Change(part, name, ".".join(path), how, a.get(path), b.get(path))


def _render(result: PolicyDiffResult) -> Iterable[Block]:
    yield line(
        "The two policies decide alike." if result.same else _summary(result), "good" if result.same else "strong"
    )
    yield line()
    yield facts([(side.source, side.digest) for side in (result.a, result.b)])
    for part, title in _PARTS:
        found = [one for one in result.changes if one.part == part]
        if not found:
            continue
        yield line()
        yield line(title, "strong")
        yield Grid([_row(one) for one in found[:_MOST_ROWS]])
        if len(found) > _MOST_ROWS:
            yield line(f"and {len(found) - _MOST_ROWS} more: --json has all of them", "faint")


def _summary(result: PolicyDiffResult) -> str:
    counts: dict[Part, int] = {
        part: len({one.name for one in result.changes if one.part == part}) for part, _ in _PARTS
    }
    words: dict[Part, tuple[str, str]] = {
        "policy": ("setting", "settings"),
        "classes": ("class", "classes"),
        "overrides": ("class's overrides", "classes' overrides"),
        "models": ("model", "models"),
    }
    named = [f"{count} {words[part][count != 1]}" for part, count in counts.items() if count]
    return f"They differ in {', '.join(named)}."


def _row(one: Change) -> tuple[Cell | str, ...]:
    place = one.name if one.field is None else f"{one.name}.{one.field}"
    return (Cell(one.how, _STYLES[one.how]), place, _values(one))


def _values(one: Change) -> str:
    if one.field is None and one.part != "policy":
        return ""
    before, after = cut(shown(one.a), _MOST_VALUE), cut(shown(one.b), _MOST_VALUE)
    if one.how == "added":
        return after
    return before if one.how == "removed" else f"{before} -> {after}"
