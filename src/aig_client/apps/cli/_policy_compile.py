"""`aig policy compile`: an aig.toml as one plain JSON document, resolved and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from ...schema import compile_policy
from ._choices import today
from ._guard import InputError
from ._policies import tables_of

EXAMPLE: Final = """\b
Example:
  aig policy compile -o policy.json
  aig policy compile services/search/aig.toml > policy.json
  aig policy compile --edge --python -o worker/floor.py

The same input gives the same bytes. The document needs no schema around it: it is the policy.

Exit codes: 0 compiled, 1 it could not be written, 2 wrong usage or input.
"""

_MODULE: Final = '''\
"""The edge document that is deployed with the code, by `aig policy compile --edge --python`: change aig.toml."""

# fmt: off
# ruff: noqa
TEXT: str | None = (
{lines}
)
'''
_LINE: Final = 100


@click.command("compile", epilog=EXAMPLE, short_help="Turn an aig.toml into a policy.json.")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--output", "-o", metavar="OUT", help="Write it there.  [default: the standard output]")
@click.option("--with-environment", is_flag=True, help="With the AIG_MODEL__ overrides of the environment.")
@click.option("--edge", is_flag=True, help="The document of a Worker: the policy, and who may call.")
@click.option("--python", is_flag=True, help="With --edge: as the module worker/floor.py.")
def command(file: str | None, output: str | None, with_environment: bool, edge: bool, python: bool) -> None:
    """Compile FILE, by default ./aig.toml: classes complete, every model with what it can do and costs.

    Without --with-environment nothing of this machine is in it.
    """
    if python and not edge:
        raise InputError("--python writes the document of a Worker: give --edge too.")
    tables, source = tables_of(file)
    environ = os.environ if with_environment else {}
    text = _edge(tables, environ, source, python=python) if edge else _policy(tables, environ, source)
    if output is None or output == "-":
        click.echo(text, nl=False)
        return
    try:
        _write(Path(output), text)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written ({error.strerror}): choose another place.") from None


def _policy(tables: Mapping[str, object], environ: Mapping[str, str], source: str) -> str:
    document = compile_policy(tables, environ=environ, today=today(), source=source)
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _edge(tables: Mapping[str, object], environ: Mapping[str, str], source: str, *, python: bool) -> str:
    from ...schema._edge import compile_edge, edge_text

    text = edge_text(compile_edge(tables, environ=environ, today=today(), source=source))
    return _MODULE.format(lines="\n".join(f"    {part!r}" for part in _parts(text))) if python else text


def _parts(text: str) -> Iterator[str]:
    """Short lines: a whole document on one shows no difference to anybody."""
    for start in range(0, len(text), _LINE):
        yield text[start : start + _LINE]


def _write(place: Path, text: str) -> None:
    """All of it or nothing: a service may be reading the old one."""
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
