"""A command whose function returns an outcome; it gets ``--json``, and prints what it returned."""

from __future__ import annotations

from typing import Any, Final

import click

from ._outcome import Outcome
from ._render import show

_META: Final = "aig_client.apps.cli.json"


class OutcomeCommand(click.Command):
    """Adds ``--json`` to a command, prints its outcome and exits with the outcome's code."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401  (click's)
        super().__init__(*args, **settings)
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                expose_value=False,
                callback=_remember,
                help="Print one JSON object instead; 'aig schema' says what is in it.",
            )
        )

    def invoke(self, ctx: click.Context) -> None:
        """Run, print, exit."""
        outcome = super().invoke(ctx)
        assert isinstance(outcome, Outcome)
        show(outcome, as_json=wants_json(ctx))
        ctx.exit(outcome.exit_code)


def wants_json(ctx: click.Context) -> bool:
    """Whether this run prints JSON: then nothing else may go to the standard output."""
    return bool(ctx.meta.get(_META))


def _remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    ctx.meta[_META] = value
