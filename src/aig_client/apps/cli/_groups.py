"""Groups of commands that import a command when it is used: `aig --help` must not pay for what it only lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its name, the module whose ``command`` it is, and its line in the list."""

    name: str
    module: str
    help: str


class LazyGroup(click.Group):
    """A group over a table of entries."""

    def __init__(self, *args: Any, entries: Sequence[Entry] = (), **settings: Any) -> None:  # noqa: ANN401  (click's)
        super().__init__(*args, **settings)
        self.entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """The names, in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, imported now."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module, __package__).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but a misspelt name is held against the table."""
        name = args[0]
        if name not in self.entries and not name.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(name, self.entries, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.entries)}."
            raise click.UsageError(f"There is no command {name!r}: {hint}", ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in self.entries.values()])


class DefaultGroup(LazyGroup):
    """A group whose first command is meant where no command is named: `aig key FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the first command in front, unless one is named or help is asked for."""
        default = next(iter(self.entries))
        if args and args[0] not in self.entries and args[0] != "--help":
            near = get_close_matches(args[0], self.entries, n=1, cutoff=0.7)
            if near and len(args) > 1 and not Path(args[0]).exists():
                raise click.UsageError(
                    f"There is no file {args[0]!r}: did you mean '{ctx.command_path} {near[0]}'?", ctx
                )
            args = [default, *args]
        return super().parse_args(ctx, args)
