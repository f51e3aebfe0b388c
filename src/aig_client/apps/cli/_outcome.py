"""What a command returns: a value, how it reads for people, and an exit code. Deciding is over when it is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

Style = Literal["", "good", "bad", "careful", "faint", "strong"]
"""What a text means; the renderer knows the colours."""


class Result(Protocol):
    """A dataclass of plain values: its fields are the members of the JSON, so it is the schema's twin."""

    SCHEMA: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a meaning."""

    text: str
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Cells side by side. ``raw`` keeps its newlines; ``error`` goes to the standard error."""

    cells: tuple[Cell, ...] = ()
    error: bool = False
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Prose:
    """A sentence or more, indented and wrapped to the width of the terminal."""

    text: str
    indent: int = 4
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; its last column is wrapped where it is too wide, the others are not. No titles, no head."""

    rows: Sequence[Sequence[Cell | str]]
    titles: Sequence[str] = ()


Block = Line | Prose | Grid

R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """What a command found. ``render`` makes blocks of the result alone, so the JSON says all that people are told."""

    result: R
    render: Callable[[R], Iterable[Block]]
    exit_code: int = 0

    def blocks(self) -> Iterable[Block]:
        """The result for people."""
        return self.render(self.result)


def line(text: str = "", style: Style = "", *, error: bool = False) -> Line:
    """A line of one cell."""
    return Line((Cell(text, style),), error=error)


def facts(rows: Iterable[tuple[str, object]]) -> Grid:
    """Names and values; what is None is not there."""
    return Grid([(Cell(name, "faint"), str(value)) for name, value in rows if value is not None])
