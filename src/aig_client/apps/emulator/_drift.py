"""Usage that is not told as it used to be: counts under other names, as text, or not at all."""

from __future__ import annotations

import re

from ._faults import Drift
from ._json import JsonObject, JsonValue, read_array, read_object, write

# Where providers put it: OpenAI, Anthropic and most others; Google.
_USAGES = ("usage", "usageMetadata")
# What may stand around it: the Responses endpoint's and Anthropic's first events, Workers AI, Cohere's stream.
_AROUND = ("response", "message", "result", "delta")
_DATA_LINES = re.compile(rb"^data:[ ]?([^\r\n]*)(\r\n|\n|\r|$)", re.MULTILINE)


def drifted_body(body: bytes, how: Drift) -> bytes:
    """A whole JSON answer with its usage changed. The same bytes, if there is no usage to be found."""
    whole = read_object(body)
    documents: list[JsonValue] = [whole] if whole is not None else (read_array(body) or [])
    if not [document for document in documents if _change(document, how)]:
        return body
    return _written(whole if whole is not None else documents, body)


def drifted_event(event: bytes, how: Drift) -> bytes:
    """The same for one event of a stream, with its line ends."""
    lines = list(_DATA_LINES.finditer(event))
    data = b"\n".join(line[1] for line in lines)
    changed = drifted_body(data, how) if data else data
    if changed == data:
        return event
    return event[: lines[0].start()] + b"data: " + changed + lines[-1][2] + event[lines[-1].end() :]


def _change(document: JsonValue, how: Drift) -> bool:
    """Change the document in place; true if anything did."""
    if not isinstance(document, dict):
        return False
    changed = False
    for holder in (document, *(document.get(name) for name in _AROUND)):
        if isinstance(holder, dict):
            for name in _USAGES:
                usage = holder.get(name)
                if isinstance(usage, dict):
                    holder[name] = _usage(usage, how, 0)
                    changed = True
    return changed


def _usage(usage: JsonObject, how: Drift, depth: int) -> JsonObject:
    kept: JsonObject = {}
    for name, value in usage.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            if how != "drop":
                kept[f"{name}_v2" if how == "rename" else name] = value if how == "rename" else str(value)
        else:
            kept[name] = _inside(value, how, depth)
    return kept


def _inside(value: JsonValue, how: Drift, depth: int) -> JsonValue:
    # No provider nests its counts deeper; a hostile upstream might.
    if depth > 8:
        return value
    if isinstance(value, dict):
        return _usage(value, how, depth + 1)
    return [_inside(one, how, depth + 1) for one in value] if isinstance(value, list) else value


def _written(document: JsonValue, otherwise: bytes) -> bytes:
    try:
        return write(document)
    except (ValueError, RecursionError):
        # Nested past what can be written again, or a number such as 1e999.
        return otherwise
