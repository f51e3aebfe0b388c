"""`aig key explain FILE`: a digest of each component and field, which two services can compare by eye."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import click

from ...core import SHARED, KeyScope, surface_of
from ._command import OutcomeCommand
from ._documents import kind_of, read_document
from ._key_options import Explained, assumption, checked, explained, key_options
from ._outcome import Block, Cell, Grid, Outcome, line
from ._printable import cut

EXAMPLE: Final = """\b
Example:
  aig key explain body.json --tenant acme
  diff <(aig key explain a.json --shared) <(aig key explain b.json --shared)

Exit codes: 0 explained, 2 wrong usage or input.
"""

# Neither the tenant's name nor the body; the rest says how a request is sent, not what is in it.
_HIDDEN: Final = frozenset({"tenant", "variant"})


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the recipe."""

    name: str
    digest: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """A member of the body that is in the key."""

    pointer: str
    digest: str
    kind: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """A member of the body that is not."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """A key taken apart; with a secret every digest is sealed too."""

    SCHEMA: ClassVar[str] = "aig.key.explain/1"

    file: str
    key: str
    sealed: bool
    assumed: bool
    note: str | None
    components: tuple[Component, ...]
    fields: tuple[Field, ...]
    ignored: tuple[Ignored, ...]


@click.command("explain", cls=OutcomeCommand, epilog=EXAMPLE, short_help="A digest of each component and field.")
@click.argument("file", metavar="FILE")
@key_options
def command(file: str, **options: Any) -> Outcome[ExplainResult]:  # noqa: ANN401  (click's keywords)
    """Show a digest of each component of the key of the request in FILE, and of each field of its body.

    Where two digests are equal, the values are. No prompt, no answer and no tenant's name is shown.
    """
    return Outcome(_result(explained(read_document(file), checked(options))), _render)


def _result(found: Explained) -> ExplainResult:
    explanation = found.explanation
    members: Mapping[str, object] = explanation.body if isinstance(explanation.body, dict) else {}
    fields = tuple(
        Field(pointer, digest, kind_of(value), len(json.dumps(value, ensure_ascii=False).encode()))
        for (pointer, digest), value in zip(explanation.fields.items(), members.values(), strict=True)
    )
    shown = _values(found)
    return ExplainResult(
        file=found.document.name,
        key=explanation.key.value,
        sealed=explanation.key.sealed,
        assumed=found.target.assumed,
        note=assumption(found.target),
        components=tuple(Component(name, digest, shown.get(name)) for name, digest in explanation.components.items()),
        fields=fields,
        ignored=tuple(Ignored(name, reason) for name, reason in explanation.ignored.items()),
    )


def _values(found: Explained) -> dict[str, str]:
    """The components that may be shown, by name."""
    surface = surface_of(found.target.url, gateways=found.gateways)
    assert surface is not None
    scope = KeyScope.of(
        surface,
        found.document.body,
        tenant=SHARED,
        credential=found.credential,
        namespace=found.namespace,
        policy_epoch=found.policy_epoch,
        variant="",
    )
    # A query may hold a signature: only the path is shown.
    return {name: value for name, value in scope.parts() if name not in _HIDDEN} | {"endpoint": surface.endpoint}


def _render(result: ExplainResult) -> Iterable[Block]:
    if result.note:
        yield line(result.note, error=True)
    yield line(result.key, "strong")
    yield line()
    yield Grid(
        [(part.name, Cell(part.digest, "faint"), cut(part.value or "", 60)) for part in result.components],
        ("component", "digest", "value"),
    )
    yield line()
    yield Grid(
        [(field.pointer, Cell(field.digest, "faint"), f"{field.bytes} bytes, {field.kind}") for field in result.fields],
        ("field", "digest", "size"),
    )
    if result.ignored:
        yield line()
        yield Grid([(one.name, one.reason) for one in result.ignored], ("left out", "because"))
