"""Text from outside made fit for a terminal: a file or an answer must not move the cursor or turn the line around."""

from __future__ import annotations

import re
from typing import Final

# Control characters but tab and newline, surrogates, line separators, and what reorders text (Unicode TR 36).
_UNFIT: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SPACE: Final = re.compile(r"\s+")


def printable(text: str) -> str:
    """``text`` with everything that is not for printing written as an escape; tabs and newlines stay."""
    return _UNFIT.sub(lambda found: _escape(found[0]), text)


def one_line(text: str) -> str:
    """``text`` on one line."""
    return _SPACE.sub(" ", printable(text)).strip()


def flat(text: str) -> str:
    """``text`` as a part of a line."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def cut(text: str, most: int) -> str:
    """``text`` with at most ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
