"""`aig policy compile`: an aig.toml as one plain JSON document, resolved and checked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import click

from ...schema import compile_policy
from ._choices import today
from ._policies import tables_of

EXAMPLE: Final = """\b
Example:
  aig policy compile -o policy.json
  aig policy compile services/search/aig.toml > policy.json

The same input gives the same bytes. The document needs no schema around it: it is the policy.

Exit codes: 0 compiled, 1 it could not be written, 2 wrong usage or input.
"""


@click.command("compile", epilog=EXAMPLE, short_help="Turn an aig.toml into a policy.json.")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--output", "-o", metavar="OUT", help="Write it there.  [default: the standard output]")
@click.option("--with-environment", is_flag=True, help="With the AIG_MODEL__ overrides of the environment.")
def command(file: str | None, output: str | None, with_environment: bool) -> None:
    """Compile FILE, by default ./aig.toml: classes complete, every model with what it can do and costs.

    Without --with-environment nothing of this machine is in it.
    """
    tables, source = tables_of(file)
    environ = os.environ if with_environment else {}
    document = compile_policy(tables, environ=environ, today=today(), source=source)
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    if output is None or output == "-":
        click.echo(text, nl=False)
        return
    try:
        _write(Path(output), text)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written ({error.strerror}): choose another place.") from None


def _write(place: Path, text: str) -> None:
    """All of it or nothing: a service may be reading the old one."""
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
