"""The text that guardrails and DLP look at: what stands in a body, decoded, and a stream's pieces put together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeAlias

from ._json import JsonValue

_DATA_LINE = re.compile(r"^data:[ ]?([^\r\n]*)", re.MULTILINE)

_Path: TypeAlias = "tuple[str | int, ...]"


def texts_of(body: bytes) -> Iterator[str]:
    """Every text of a body, for one pass over it. Never raises, whatever the bytes.

    Of JSON these are its strings, unescaped; numbers and names of members are not text. The events of a stream (SSE,
    or an array of objects as Google streams it) are read together: strings that stand in the same place of successive
    events are one text, because a word may be cut between two of them. What is no JSON is one text as a whole.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        # An upload, say. Every byte has a character here, so a marker in ASCII is still found.
        yield body.decode("latin-1")
        return
    try:
        document: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        events = [_event(line) for line in _DATA_LINE.findall(text)]
        yield from _joined([*events, _DATA_LINE.sub("", text)])
        return
    yield from _joined(document) if isinstance(document, list) else _strings(document)


def _event(line: str) -> JsonValue:
    try:
        event: JsonValue = json.loads(line)
    except (ValueError, RecursionError):
        return line
    return event


def _strings(document: JsonValue) -> Iterator[str]:
    """All strings, without recursion: the nesting is the caller's."""
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value


def _joined(events: list[JsonValue]) -> Iterator[str]:
    texts: dict[_Path, list[str]] = {}
    for place, event in enumerate(events):
        # A bare string is no event of a stream: it is joined to nothing.
        left: list[tuple[_Path, JsonValue]] = [(() if isinstance(event, dict) else (place,), event)]
        while left:
            path, value = left.pop()
            if isinstance(value, str):
                texts.setdefault(path, []).append(value)
            elif isinstance(value, dict):
                # Parallel choices and content blocks tell themselves apart by an index.
                index = value.get("index")
                inside = (*path, index) if isinstance(index, int) else path
                left += [((*inside, name), part) for name, part in value.items()]
            elif isinstance(value, list):
                left += [((*path, position), part) for position, part in enumerate(value)]
    for pieces in texts.values():
        yield "".join(pieces)
