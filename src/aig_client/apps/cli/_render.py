"""Prints an outcome: as tables for people, or as exactly one JSON object. Nothing is decided here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from ._outcome import Block, Cell, Grid, Line, Outcome, Prose, Result, Style
from ._printable import flat, one_line, printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPE_WIDTH: Final = 100
"""Into a pipe or a file the width is fixed, so that the same command prints the same bytes everywhere."""

_COLOURS: Final[Mapping[Style, str]] = {
    "": "",
    "good": "green",
    "bad": "bold red",
    "careful": "yellow",
    "faint": "dim",
    "strong": "bold",
}
_GAP: Final = 2


def show(outcome: Outcome[Any], *, as_json: bool) -> None:
    """Print an outcome."""
    if as_json:
        click.echo(json_text(outcome.result))
        return
    blocks = tuple(outcome.blocks())
    if all(isinstance(block, Line) and not any(cell.style for cell in block.cells) for block in blocks):
        for block in blocks:
            assert isinstance(block, Line)
            click.echo(_text(block), err=block.error)  # a bare key needs no rich, which takes longer than the key
        return
    out, err = _console(error=False, blocks=blocks), _console(error=True, blocks=blocks)
    for block in blocks:
        _print(block, err if isinstance(block, Line) and block.error else out)


def json_text(result: Result) -> str:
    """A result as one JSON object, its schema first; ASCII, so that no terminal can fail at it."""
    document = {"schema": result.SCHEMA, **asdict(result)}
    return json.dumps(document, indent=2 if sys.stdout.isatty() else None, allow_nan=False)


def _text(block: Line) -> str:
    return "".join(printable(cell.text) if block.raw else flat(cell.text) for cell in block.cells)


def _console(*, error: bool, blocks: Iterable[Block]) -> Console:
    from rich.console import Console

    console = Console(stderr=error, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max([PIPE_WIDTH, *(_needs(block) for block in blocks if isinstance(block, Grid))])
    return console


def _needs(grid: Grid) -> int:
    """The width at which no column but the last is wrapped, and the last has some room."""
    from rich.cells import cell_len

    fixed = [[cell_len(_cell(cell).text) for cell in row[:-1]] for row in (grid.titles, *grid.rows) if row]
    columns: list[tuple[int, ...]] = list(zip(*fixed, strict=True))
    return sum(max(widths) + _GAP for widths in columns) + PIPE_WIDTH // 2


def _print(block: Block, console: Console) -> None:
    from rich.padding import Padding
    from rich.text import Text

    if isinstance(block, Line):
        parts = [(cell, printable(cell.text) if block.raw else flat(cell.text)) for cell in block.cells]
        console.print(Text.assemble(*((text, _COLOURS[cell.style]) for cell, text in parts)), soft_wrap=True)
    elif isinstance(block, Prose):
        text = Text(one_line(block.text), _COLOURS[block.style], overflow="fold")
        _write(Padding(text, (0, 0, 0, block.indent), expand=False), console, min(console.width, PIPE_WIDTH))
    else:
        _print_grid(block, console)


def _write(what: RenderableType, console: Console, width: int | None = None) -> None:
    with console.capture() as capture:
        console.print(what, soft_wrap=False, width=width)
    for text in capture.get().splitlines():
        # rich fills lines up with blanks; a document that shows the output must not hold them.
        console.file.write(text.rstrip() + "\n")


def _print_grid(grid: Grid, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), show_header=bool(grid.titles), header_style="bold", pad_edge=False)
    columns = max([len(grid.titles), *(len(row) for row in grid.rows)], default=0)
    for number in range(columns):
        title = grid.titles[number] if grid.titles else ""
        table.add_column(title, overflow="fold", no_wrap=number < columns - 1 and not console.is_terminal)
    for row in grid.rows:
        cells = [_cell(cell) for cell in row]
        table.add_row(*(Text(one_line(cell.text), _COLOURS[cell.style]) for cell in cells))
    _write(table, console)


def _cell(cell: Cell | str) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell)
