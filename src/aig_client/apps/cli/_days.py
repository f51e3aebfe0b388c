"""Days as they are given on the command line."""

from __future__ import annotations

from datetime import date

from ._guard import InputError


def day_of(text: str) -> str:
    """A day, ``YYYY-MM-DD``.

    Raises:
        InputError: it is none.
    """
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise InputError(f"--on {text} is no day: write it as 2027-01-31.")
