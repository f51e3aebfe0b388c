"""`aig key FILE`: the cache key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import click

from ._command import OutcomeCommand
from ._documents import read_document
from ._key_options import assumption, checked, explained, key_options
from ._outcome import Block, Outcome, line

EXAMPLE: Final = """\b
Example:
  aig key body.json --tenant acme
  curl ... | aig key - --provider anthropic --shared

Exit codes: 0 a key was printed, 2 wrong usage or input.
"""


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A key, and of what."""

    SCHEMA: ClassVar[str] = "aig.key/1"

    file: str
    key: str
    sealed: bool
    provider: str | None
    endpoint: str
    assumed: bool
    note: str | None


@click.command("print", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Print the key.")
@click.argument("file", metavar="FILE")
@key_options
def command(file: str, **options: Any) -> Outcome[KeyResult]:  # noqa: ANN401  (click's keywords)
    """Print the cache key of the request in FILE, as the clients send it.

    The secret that seals keys comes from a variable or a file: an argument could be read by every process.
    """
    found = explained(read_document(file), checked(options))
    key = found.explanation.key
    target = found.target
    return Outcome(
        KeyResult(
            found.document.name,
            key.value,
            key.sealed,
            target.provider,
            target.endpoint,
            target.assumed,
            assumption(target),
        ),
        _render,
    )


def _render(result: KeyResult) -> Iterable[Block]:
    if result.note:
        yield line(result.note, error=True)
    yield line(result.key)
