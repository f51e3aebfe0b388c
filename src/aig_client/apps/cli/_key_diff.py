"""`aig key diff A B`: the JSON pointers that caused a miss, and which of them look like chance."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import click

from ...core import SHARED, diff_keys
from ._advice import PREFIX_LOST, advice_on, place_of
from ._command import OutcomeCommand
from ._differences import ABSENT, Difference, differences
from ._documents import read_document
from ._guard import GOOD, SAID_NO, InputError
from ._key_options import Explained, KeyOptions, assumption, checked, explained, key_options, tenant_of
from ._outcome import Block, Cell, Grid, Line, Outcome, Prose, Style, line
from ._printable import cut

EXAMPLE: Final = """\b
Example:
  aig key diff monday.json tuesday.json

Exit codes: 0 the keys are equal, 1 they differ, 2 wrong usage or input.
"""

_MOST_SHOWN: Final = 30
_MOST_VALUE: Final = 60
_STYLES: Final[dict[str, Style]] = {"volatile": "bad", "accidental": "careful", "content": ""}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two requests; its key is there when a tenant was named."""

    file: str
    key: str | None
    provider: str | None
    endpoint: str
    assumed: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class CulpritRow:
    """A token that differs."""

    kind: str
    what: str
    offset: int


@dataclass(frozen=True, slots=True)
class Row:
    """One place where the bodies part. Only values that were asked for are in it."""

    pointer: str
    how: str
    nature: str
    kind: str
    what: str
    a: str
    b: str
    offset: int | None
    prompt_offset: int | None
    prompt_length: int | None
    near_front: bool
    culprits: tuple[CulpritRow, ...]
    where: str | None
    advice: str | None
    value_a: str | None
    value_b: str | None


@dataclass(frozen=True, slots=True)
class DiffResult:
    """Whether and where two requests part."""

    SCHEMA: ClassVar[str] = "aig.key.diff/1"

    same: bool
    summary: str
    a: Side
    b: Side
    components: tuple[str, ...]
    differences: tuple[Row, ...]


@click.command("diff", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Why two requests missed each other.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--show-values", is_flag=True, help="Show values too, cut to 60 characters: they may be prompts.")
@key_options
def command(a: str, b: str, show_values: bool, **options: Any) -> Outcome[DiffResult]:  # noqa: ANN401  (click's)
    """Say at which JSON pointers the requests in A and B part, so that they have two cache keys.

    Times, ids, counters, white space and order are named as likely culprits, and how near the front of the prompt they
    stand. No value is shown. The options hold for both sides; without a tenant both are taken to be the same one's.
    """
    if a == b == "-":
        raise InputError("Only one of the two can be the standard input: give the other as a file.")
    chosen = checked(options)
    one, other = (explained(read_document(path), chosen, without_tenant=SHARED) for path in (a, b))
    result = _result(one, other, chosen, show_values=show_values)
    return Outcome(result, _render, GOOD if result.same else SAID_NO)


def _result(one: Explained, other: Explained, chosen: KeyOptions, *, show_values: bool) -> DiffResult:
    diff = diff_keys(one.explanation, other.explanation)
    found = differences(one.explanation.body, other.explanation.body, diff.pointers)
    pointers = {difference.pointer for difference in found}
    components = tuple(name for name in diff.components if f"/{name}" not in pointers)
    rows = tuple(_row(difference, show_values=show_values) for difference in found)
    return DiffResult(
        same=not diff,
        summary=_summary(rows, components),
        a=_side(one, chosen),
        b=_side(other, chosen),
        components=components,
        differences=rows,
    )


def _side(found: Explained, chosen: KeyOptions) -> Side:
    named = tenant_of(found.document, chosen) is not None
    target = found.target
    return Side(
        found.document.name,
        found.explanation.key.value if named else None,
        target.provider,
        target.endpoint,
        target.assumed,
        assumption(target),
    )


def _row(difference: Difference, *, show_values: bool) -> Row:
    change, place = difference.change, difference.place
    return Row(
        pointer=difference.pointer,
        how=difference.how,
        nature=change.nature,
        kind=change.kind,
        what=change.what,
        a=difference.kind_a,
        b=difference.kind_b,
        offset=change.offset,
        prompt_offset=place.before if place else None,
        prompt_length=place.total if place else None,
        near_front=bool(place and place.near_front),
        culprits=tuple(CulpritRow(one.kind, one.what, one.offset) for one in change.culprits),
        where=place_of(difference),
        advice=advice_on(difference),
        value_a=_value(difference.a, change.offset) if show_values else None,
        value_b=_value(difference.b, change.offset) if show_values else None,
    )


def _value(value: object, offset: int | None) -> str | None:
    if value is ABSENT:
        return None
    if isinstance(value, str) and offset:
        value = value[max(0, offset - 10) :]
    text = json.dumps(value if not isinstance(value, str) else value[: _MOST_VALUE * 2], ensure_ascii=False)
    return cut(text, _MOST_VALUE)


def _summary(rows: tuple[Row, ...], components: tuple[str, ...]) -> str:
    if not rows and not components:
        return "The two requests have the same key."
    count = len(rows) + len(components)
    natures = [row.nature for row in rows]
    chance = {word: natures.count(word) for word in ("volatile", "accidental")}
    text = f"The keys differ in {count} place{'s' if count != 1 else ''}"
    if not any(chance.values()):
        return f"{text}, and nothing there looks like chance."
    content = count - sum(chance.values())
    parts = [f"{number} {word}" for word, number in chance.items() if number]
    return f"{text}: {', '.join([*parts, *([f'{content} of content'] if content else [])])}."


def _render(result: DiffResult) -> Iterable[Block]:
    notes = [side.note for side in (result.a, result.b)]
    if result.a.key or notes[0] != notes[1]:  # where both are assumed alike, only the keys depend on it
        yield from (line(note, error=True) for note in dict.fromkeys(notes) if note)
    yield line(result.summary, "good" if result.same else "strong")
    if result.a.key or result.b.key:
        yield line()
        yield Grid([(Cell(side.key or "no key: no tenant", "faint"), side.file) for side in (result.a, result.b)])
    if result.components:
        yield line()
        yield line(f"Outside the body: {', '.join(result.components)}")
    first = next((row for row in result.differences if row.prompt_offset is not None), None)
    for row in result.differences[:_MOST_SHOWN]:
        yield line()
        yield from _difference(row, first=row is first)
    left = len(result.differences) - _MOST_SHOWN
    if left > 0:
        yield line()
        yield line(f"and {left} more: --json has all of them", "faint")


def _difference(row: Row, *, first: bool) -> Iterable[Block]:
    style = _STYLES[row.nature]
    mark = row.nature if row.nature != "content" else row.how
    yield Line((Cell(row.pointer or "the whole body", "strong"), Cell("  "), Cell(f"{mark}: {_what(row)}", style)))
    if row.where:
        yield Prose(f"{row.where}{f': {PREFIX_LOST}' if first else ''}.")
    if row.value_a is not None:
        yield Prose(f"- {row.value_a}", style="faint")
    if row.value_b is not None:
        yield Prose(f"+ {row.value_b}", style="faint")
    if row.advice:
        yield Prose(row.advice)


def _what(row: Row) -> str:
    if row.how != "changed":
        return row.b if row.how == "added" else row.a
    if row.kind == "text" and row.culprits:
        return f"{row.what}, and in it {' and '.join(dict.fromkeys(one.what for one in row.culprits))}"
    if row.kind == "type":
        return f"{row.a}, then {row.b}"
    return row.what
