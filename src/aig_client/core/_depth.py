"""How deep JSON may nest, the same in every runtime.

``json.loads`` has no limit of its own: CPython 3.11 gives up near 1000 levels, later ones elsewhere; in Pyodide 4500
overflow V8's stack, which no ``except`` catches and which ends the Worker's isolate.
"""

from __future__ import annotations

import re
from typing import Final

DEEPEST: Final = 500
_TEXTS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# Possessive, and a string that never ends is one match up to the end of the text: else a body of escaped quotes takes
# the square of its length, hours for a megabyte.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BETWEEN: Final = re.compile(r"[^\[\]{}]+")


def shallow(text: str) -> str:
    """The text itself, where no part of it is nested deeper than 500.

    Raises:
        RecursionError: it is.
    """
    if text.count("[") + text.count("{") <= DEEPEST:
        return text
    depth = 0
    for bracket in _BETWEEN.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise RecursionError
    return text


def crowded(text: bytes, most: int) -> bool:
    """Whether JSON holds more values than that: objects, lists and members, of 50 to 200 bytes each, and four items of
    a list for one, which are small numbers more often than not. Megabytes of ``{},`` are more than an isolate has.
    Told by its punctuation, which is counted in strings only as long as that is little.
    """
    if _marks(text) <= most:
        return False
    return _marks(_TEXTS.sub(b"", text)) > most


def _marks(text: bytes) -> int:
    return text.count(b":") + text.count(b"{") + text.count(b"[") + text.count(b",") // 4
