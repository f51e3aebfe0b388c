"""Money for people and for JSON: nano-dollars come in, dollars go out."""

from __future__ import annotations

from typing import Final

_NANO: Final = 1_000_000_000


def exact_dollars(nanodollars: int | None) -> str | None:
    """Dollars as text, exactly, with two digits after the point or more; None is unknown."""
    if nanodollars is None:
        return None
    whole, rest = divmod(abs(nanodollars), _NANO)
    digits = f"{rest:09d}".rstrip("0")
    return f"{'-' if nanodollars < 0 else ''}{whole}.{digits:0<2}"


def dollars(nanodollars: int | None) -> str | None:
    """An amount with its sign, to be read: ``$0.00025``."""
    text = exact_dollars(nanodollars)
    if text is None:
        return None
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"
