"""The command line ``aig``. It needs the extra ``cli``; `python -m aig_client.apps.cli` is the same command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without arguments, those of the process."""
    try:
        from ._app import cli
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("aig_client"):
            raise
        print(f"aig needs {error.name}: pip install 'aig-client[cli]'", file=sys.stderr)
        return 1
    return cli.run(arguments)
