"""`aig policy token`: a new service token for a principal of the edge, and the form in which a file may hold it."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

import click

from ...core.path._principal import stored_token
from ._command import OutcomeCommand
from ._guard import InputError
from ._outcome import Block, Outcome, line

EXAMPLE: Final = """\b
Example:
  aig policy token acme
  aig policy token --stored < token.txt

The token is shown this once. Put its stored form into tokens of [principals.NAME] in aig.toml.

Exit codes: 0 made, 2 wrong usage or input.
"""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_TOKEN: Final = re.compile(r"[!-~]{20,512}")
_RANDOM_BYTES: Final = 32
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class TokenResult:
    """A service token and its stored form. ``token`` is None where it was given, not made."""

    SCHEMA: ClassVar[str] = "aig.policy.token/1"

    principal: str | None
    token: str | None = field(repr=False)
    stored: str


@click.command("token", cls=OutcomeCommand, epilog=EXAMPLE, short_help="Make a service token.")
@click.argument("principal", metavar="[PRINCIPAL]", required=False)
@click.option("--stored", is_flag=True, help="The stored form of the token on the standard input.")
def command(principal: str | None, stored: bool) -> Outcome[TokenResult]:
    """Make a service token for PRINCIPAL and print it, once, with the form that goes into aig.toml.

    The stored form is a salted digest: nobody can call with it. With --stored no token is made.
    """
    salt = secrets.token_hex(_SALT_BYTES)
    if stored:
        if principal is not None:
            raise InputError("--stored takes its token from the standard input: leave the name out.")
        return Outcome(TokenResult(None, None, stored_token(_given(), salt)), _render)
    if principal is None:
        raise InputError("Say for whom: aig policy token acme, with the name of a table [principals.acme].")
    if not _NAME.fullmatch(principal):
        raise InputError("A principal's name is made of a to z, 0 to 9, - and _, at most 64: choose another.")
    token = f"aig_{principal}_{secrets.token_hex(_RANDOM_BYTES)}"
    return Outcome(TokenResult(principal, token, stored_token(token, salt)), _render)


def _given() -> str:
    text = sys.stdin.read(4096).strip()
    if not _TOKEN.fullmatch(text):
        # A digest without a stretched salt hides only what nobody could guess.
        raise InputError("The standard input must hold one token of 20 to 512 visible ASCII characters.")
    return text


def _render(result: TokenResult) -> Iterable[Block]:
    # Lines, and no table: a table would break them where the terminal ends.
    if result.token is None:
        yield line(result.stored)
        return
    yield line(f"token   {result.token}")
    yield line(f"stored  {result.stored}")
