"""settle: what happened? The receipt, and how a stream really ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from .._receipt import Ended, Head, Meter, NoAnswer, Receipt
from ..facts._providers import EndpointKind
from ._dispatch import Dispatched

# What the last event of a whole stream looks like, per endpoint kind. Sources: the providers' streaming references.
# At the start of a line, or with unescaped quotes: a model may write these words too.
_END_MARKS: Final[Mapping[EndpointKind, re.Pattern[bytes]]] = {
    "chat": re.compile(rb"(?:\A|[\r\n])data: ?\[DONE\]"),
    "responses": re.compile(rb'"type": ?"response\.(?:completed|incomplete)"|(?:\A|[\r\n])data: ?\[DONE\]'),
    "messages": re.compile(rb'(?:\A|[\r\n])event: ?message_stop|"type": ?"message_stop"'),
    "generate_content": re.compile(rb'"finishReason": ?"'),
}
_ERROR_MARK: Final = re.compile(
    rb'(?:\A|[\r\n])(?:event: ?error\b|data: ?\{"(?:error|type": ?"error)")|"type": ?"response\.failed"'
)


def settle(dispatched: Dispatched, meter: Meter | None) -> Receipt:
    """The receipt of one exchange."""
    plan, answer = dispatched.plan, dispatched.answer
    if isinstance(answer, NoAnswer):
        return Receipt(plan, None, None, answer, "unreachable", dispatched.attempts)
    assert meter is not None, "an answer was dispatched, so it was delivered"
    ended = _how_it_ended(dispatched, answer, meter)
    if ended != meter.ended:
        meter = replace(meter, ended=ended)
    return Receipt(plan, answer, meter, None, ended, dispatched.attempts)


def _how_it_ended(dispatched: Dispatched, head: Head, meter: Meter) -> Ended:
    """What the stream itself says beats how the bytes stopped.

    HTTP framing cannot tell an event stream that stopped politely too early from a whole one; and SDKs close a stream
    as soon as they have read its last event, which to a socket looks like leaving.
    """
    if head.status >= 400 or not _is_plain_event_stream(head):
        return meter.ended
    if _ERROR_MARK.search(meter.tail):
        return "errored"
    surface = dispatched.plan.surface
    mark = _END_MARKS.get(surface.kind) if surface else None
    if mark is None:
        return meter.ended
    if mark.search(meter.tail):
        return "complete"
    return "cut" if meter.ended == "complete" else meter.ended


def _is_plain_event_stream(head: Head) -> bool:
    kind = head.header(b"content-type")
    if kind is None or not kind.lower().startswith(b"text/event-stream"):
        return False
    return (head.header(b"content-encoding") or b"identity").lower() == b"identity"
