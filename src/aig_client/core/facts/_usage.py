"""What an answer used, out of its first and last bytes.

Nothing here parses a stream: usage objects are found in the bytes that the meter kept, and only when somebody asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from .._depth import shallow
from ._answer import readable
from ._usage_dialects import fitting, usage_dialect
from ._usage_normal import normalize_usage, read_usage
from ._usage_record import Usage, UsageSource, estimate_usage, says_anything
from ._usage_rows import ROWS, UsageDialect

__all__ = [
    "Usage",
    "UsageDialect",
    "UsageSource",
    "estimate_usage",
    "normalize_usage",
    "usage_dialect",
    "usage_of",
]

# A quote inside a JSON string is escaped, so an unescaped one begins a real member. x_groq's usage is a "usage" too.
_USAGE: Final = re.compile(rb'(?<!\\)"(usage|usageMetadata|meta|metadata)"\s*:\s*(?=\{)')
# Members that mean something else everywhere but there; OpenAI's metadata is the caller's own.
_ONLY_OF: Final[dict[bytes, UsageDialect]] = {b"meta": "cohere", b"metadata": "vertex-predict"}
_DOCUMENT: Final = re.compile(rb"\s*[{\[]")
_OBJECT: Final = 8 * 1024  # no usage object is longer; without a limit, many that are none would take minutes


def usage_of(
    start: bytes,
    tail: bytes,
    *,
    encoding: str | None = None,
    whole: bool = False,
    dialect: UsageDialect | None = None,
    complete: bool = True,
) -> Usage | None:
    """The usage reported in an answer's first and last bytes, or None where no count is in them.

    The last object that holds a count wins. Anthropic says the input at the start of a stream and the output at its
    end, so both ends are read and joined. A compressed body can be read only when it is here as a ``whole``.
    """
    text = readable(start, tail, encoding, whole=whole)
    if text is None:
        return None
    start, tail = text
    found = [*_usages(start, dialect), *_usages(tail, dialect)]
    found = [one for one in found if one[0] == dialect] or found
    streamed = not _DOCUMENT.match(start or tail)
    for place in range(len(found) - 1, -1, -1):
        fits, payload = found[place]
        if streamed and ROWS[fits].joins:
            payload = _joined([earlier for like, earlier in found[: place + 1] if like == fits])
        usage = read_usage(fits, payload, by_shape=fits != dialect, complete=complete)
        if says_anything(usage):
            return usage
    return None


def _usages(text: bytes, dialect: UsageDialect | None) -> Iterator[tuple[UsageDialect, dict[str, object]]]:
    for match in _USAGE.finditer(text):
        try:
            payload, _ = json.JSONDecoder().raw_decode(
                shallow(text[match.end() : match.end() + _OBJECT].decode("utf-8", "replace"))
            )
        except (ValueError, RecursionError):
            continue
        if isinstance(payload, dict):
            fits = fitting(dialect, payload)
            if fits is not None and _ONLY_OF.get(match[1], fits) == fits:
                yield fits, payload


def _joined(parts: list[dict[str, object]]) -> dict[str, object]:
    """Cumulative parts as one object: the later word counts, and null is no word."""
    joined: dict[str, object] = {}
    for part in parts:
        joined.update((name, value) for name, value in part.items() if value is not None)
    return joined
