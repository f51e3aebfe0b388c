"""`aig schema COMMAND`: the JSON Schema of what a command prints with `--json`."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import click

from ._guard import InputError

EXAMPLE: Final = """\b
Example:
  aig schema key.diff

Exit codes: 0 printed, 2 wrong usage or input.
"""


@click.command("schema", epilog=EXAMPLE, short_help="Print a JSON Schema.")
@click.argument("name", metavar="NAME")
def command(name: str) -> None:
    """Print the JSON Schema (2020-12) of NAME: key, key.explain, key.diff, plan, policy.show, policy.lint,
    policy.diff, policy.simulate, policy.token, policy.push, models, call, bench, url, dev, doctor or error.

    A schema may gain members under the same number; one is never taken away or given another meaning.
    """
    folder = files("aig_client.apps.cli") / "schemas"
    known = sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    if name not in known:
        raise InputError(f"There is no schema {name!r}: there are {', '.join(known)}.")
    click.echo((folder / f"{name}.json").read_text("utf-8"), nl=False)
