"""Whatever goes wrong ends as one sentence that says what to change, and an exit code that means something."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import click

from ._printable import one_line

GOOD: Final = 0
SAID_NO: Final = 1
WRONG_INPUT: Final = 2
INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it

ERROR_SCHEMA: Final = "aig.error/1"


class InputError(Exception):
    """What was given cannot work; the sentence says what to change."""


@dataclass(frozen=True, slots=True)
class Said:
    """An error as it is said. ``kind`` is one of the words in ``schemas/error.json``."""

    kind: str
    sentence: str
    exit_code: int


def guarded(run: Callable[[], object], *, as_json: bool) -> int:
    """Run a command: the exit code that it returns, or that of what went wrong."""
    try:
        code = run()
        sys.stdout.flush()  # a full disk or a closed pipe is found out here, not after the last exit
    except SystemExit as left:  # click's own way out where nobody reads the output any more
        return left.code if isinstance(left.code, int) else SAID_NO
    except BrokenPipeError:
        # What is still buffered has no reader either; Python would say so on its way out. `| head` is no mistake.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SAID_NO
    except Exception as error:  # noqa: BLE001  (the last line of defence: no traceback)
        return _report(error, as_json=as_json)
    except KeyboardInterrupt as error:
        return _report(error, as_json=as_json)
    return code if isinstance(code, int) else GOOD


def _report(error: BaseException, *, as_json: bool) -> int:
    if os.environ.get("AIG_DEBUG"):
        import traceback

        traceback.print_exception(error)
    said = said_of(error)
    sentence = one_line(said.sentence)
    try:
        if as_json:
            document = {"kind": said.kind, "message": sentence, "exit_code": said.exit_code}
            click.echo(json.dumps({"schema": ERROR_SCHEMA, "error": document}))
        else:
            click.echo(f"aig: {sentence}", err=True)
    except OSError:  # nobody listens any more
        pass
    return said.exit_code


def said_of(error: BaseException) -> Said:
    """What is said about an error."""
    if isinstance(error, InputError):
        return Said("input", str(error), WRONG_INPUT)
    if isinstance(error, click.UsageError):
        return Said("usage", _usage(error), error.exit_code)
    if isinstance(error, click.ClickException):
        return Said("failed", error.format_message(), error.exit_code)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return Said("interrupted", "Stopped.", INTERRUPTED)
    return _of_ours(error) or _of_python(error)


def _usage(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx is not None else "aig"
    text = error.format_message().strip()
    return f"{text}{'' if text.endswith(('.', '?')) else '.'} See '{command} --help'."


def _of_ours(error: BaseException) -> Said | None:
    """An error of the library, which is imported by now if it is one."""
    from ...core import AigError, ConfigurationError, Refused

    if isinstance(error, ConfigurationError):
        return Said("configuration", str(error), WRONG_INPUT)
    if isinstance(error, Refused):
        return Said("refused", str(error), WRONG_INPUT)
    return Said("failed", str(error), SAID_NO) if isinstance(error, AigError) else None


def _of_python(error: BaseException) -> Said:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return Said("failed", f"{where}{error.strerror or type(error).__name__}.", SAID_NO)
    if isinstance(error, UnicodeError):
        return Said("input", "A text is not UTF-8: save it as UTF-8.", WRONG_INPUT)
    if isinstance(error, json.JSONDecodeError):
        return Said("input", f"A text is not JSON at line {error.lineno}: correct it there.", WRONG_INPUT)
    if isinstance(error, RecursionError):
        return Said("input", "The input is nested too deeply: send something flatter.", WRONG_INPUT)
    name = type(error).__name__
    return Said("internal", f"This is a mistake in aig ({name}): AIG_DEBUG=1 shows where; please report it.", SAID_NO)
