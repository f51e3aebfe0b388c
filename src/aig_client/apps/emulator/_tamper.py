"""Faults as they happen: at the edge, in the place of a provider's answer, and to the bytes of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ._drift import drifted_body, drifted_event
from ._fault_answers import edge_page, edge_text, provider_error, provider_page
from ._faults import REPLACING, Damage, Drift, FaultSpec, Kind, Place
from ._messages import Break, GatewayRequest, Hangup, Headers, Part, Pause, ProviderAnswer, ProviderRequest, Reply

_EVENT_STREAM = "text/event-stream"
# Atomic, so that the two bytes of one line end are not taken for two line ends.
_EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_DATA = re.compile(rb"^data:[ ]?([^\r\n]*)", re.MULTILINE)
_NO_UTF8 = b"\xff"
_OF_THE_BODY: frozenset[Kind] = frozenset(("cut", "stall", "malformed-sse", "drift"))


def edge_outcome(
    faults: Iterable[FaultSpec], request: GatewayRequest, attempt: int
) -> tuple[float, Reply | Hangup | None]:
    """What the edge does: the seconds it waits, and then what it answers. `None`: the request goes on."""
    seconds, replacing = _at("edge", faults, attempt)
    if replacing is None:
        return seconds, None
    if replacing.kind == "reset":
        return seconds, Hangup()
    if replacing.kind == "html":
        return seconds, edge_page(request, replacing.code, replacing.retry_after)
    return seconds, edge_text(replacing.code, replacing.retry_after)


def provider_instead(
    faults: Iterable[FaultSpec], request: ProviderRequest, attempt: int
) -> tuple[float, ProviderAnswer | None]:
    """The seconds that a provider takes longer, and an answer in the place of its own.

    The seconds come on top of the answer's own delay. An answer from here is finished: `tamper` has seen it.
    """
    faults = tuple(faults)
    seconds, replacing = _at("provider", faults, attempt)
    if replacing is None:
        return seconds, None
    if replacing.kind == "reset":
        return seconds, ProviderAnswer(502, (), (Break(),))
    if replacing.kind == "html":
        answer = provider_page(replacing.code, replacing.retry_after)
    else:
        answer = provider_error(request, replacing.code, replacing.retry_after)
    return seconds, tamper(faults, request, answer, attempt)


def tamper(
    faults: Iterable[FaultSpec], request: ProviderRequest, answer: ProviderAnswer, attempt: int
) -> ProviderAnswer:
    """A provider's whole answer with the faults in it. Latency is not among them: see `provider_instead`."""
    stream = StreamTamper(faults, request, attempt)
    if not stream.acts:
        return answer
    status, headers = stream.head(answer.status, answer.headers)
    parts = [part for given in answer.parts for part in (stream.feed(given) if isinstance(given, bytes) else (given,))]
    parts += stream.finish()
    if parts and isinstance(parts[0], Break):
        # A head has arrived: a break as the first part would mean that none has.
        parts.insert(0, b"")
    return replace(answer, status=status, headers=headers, parts=tuple(parts))


class StreamTamper:
    """The same for an answer that is still coming: `head` once, `feed` for each chunk, `finish` at its end.

    It counts and changes whole events of a stream, and holds back what is not whole yet. Of an answer that is no event
    stream it counts bytes; to change the usage in one, it holds all of it back until `finish`.
    """

    def __init__(self, faults: Iterable[FaultSpec], request: ProviderRequest, attempt: int) -> None:  # noqa: ARG002
        happening = [fault for fault in faults if fault.at == "provider" and fault.applies(attempt)]
        self._types = [fault.value for fault in happening if fault.kind == "content-type"]
        self._body = [fault for fault in happening if fault.kind in _OF_THE_BODY]
        self._marks = _marks(self._body)
        self._damages: list[tuple[int, Damage]] = [
            (fault.after, fault.damage) for fault in self._body if fault.kind == "malformed-sse"
        ]
        self._damages.sort()
        self._drifts: list[Drift] = [fault.drift for fault in self._body if fault.kind == "drift"]
        self._events = True
        self._held = b""
        self._seen = 0
        self._broken = False

    @property
    def acts(self) -> bool:
        """Anything would be changed."""
        return bool(self._types or self._body)

    def head(self, status: int, headers: Headers) -> tuple[int, Headers]:
        """The head as it is passed on."""
        found = next((value for name, value in headers if name == "content-type"), "")
        self._events = found.strip().lower().startswith(_EVENT_STREAM)
        if self._body:
            headers = tuple(line for line in headers if line[0] != "content-length")
        if self._types:
            headers = tuple(line for line in headers if line[0] != "content-type")
            headers += (("content-type", self._types[0]),) if self._types[0] else ()
        return status, headers

    def feed(self, chunk: bytes) -> tuple[Part, ...]:
        """What becomes of the next bytes. After a `Break` comes nothing."""
        if not self._body:
            return (chunk,)
        if self._broken:
            return ()
        if self._events:
            return tuple(self._until_break(self._fed_events(chunk)))
        if self._drifts:
            self._held += chunk
            return ()
        return tuple(self._until_break(self._fed_bytes(chunk)))

    def finish(self) -> tuple[Part, ...]:
        """What was held back, at the end of the answer."""
        held, self._held = self._held, b""
        if self._broken:
            return ()
        if self._events:
            # The last event of some providers lacks its blank line.
            return tuple(self._until_break(self._one_event(held) if held else self._due()))
        for how in self._drifts:
            held = drifted_body(held, how)
        return tuple(self._until_break(self._fed_bytes(held)))

    def _fed_events(self, chunk: bytes) -> Iterator[Part]:
        # A line end may have come in two halves, and an event's end is two of them: three bytes back is far enough.
        start = max(0, len(self._held) - 3)
        self._held += chunk
        found = _EVENT_END.search(self._held, start)
        # A lone carriage return at the end may be half a line end: more will tell.
        while found is not None and not (found.end() == len(self._held) and self._held.endswith(b"\r")):
            event, self._held = self._held[: found.end()], self._held[found.end() :]
            yield from self._one_event(event)
            found = _EVENT_END.search(self._held)

    def _one_event(self, event: bytes) -> Iterator[Part]:
        yield from self._due()
        for how in self._drifts:
            event = drifted_event(event, how)
        if self._damages and self._damages[0][0] <= self._seen and _DATA.search(event):
            event = damaged(event, self._damages.pop(0)[1])
        yield event
        self._seen += 1
        yield from self._due()

    def _fed_bytes(self, chunk: bytes) -> Iterator[Part]:
        yield from self._due()
        while chunk:
            size = self._marks[0][0] - self._seen if self._marks else len(chunk)
            piece, chunk = chunk[:size], chunk[size:]
            yield piece
            self._seen += len(piece)
            yield from self._due()

    def _due(self) -> Iterator[Part]:
        while self._marks and self._marks[0][0] <= self._seen:
            yield self._marks.pop(0)[1]

    def _until_break(self, parts: Iterator[Part]) -> Iterator[Part]:
        for part in parts:
            yield part
            if isinstance(part, Break):
                self._broken, self._held = True, b""
                return


def damaged(event: bytes, how: Damage) -> bytes:
    """An event that no parser should take for a good one.

    `json`: its data end in the middle. `utf8`: a byte that is no UTF-8 stands in the middle. `joined`: the blank line
    is missing, so that it runs into the next event.
    """
    if how == "joined":
        end = _EVENT_END.search(event)
        return event if end is None else event[: end.start()] + end[0][: len(end[0]) // 2]
    data = _DATA.search(event)
    if data is None:
        return event
    middle = (data.start(1) + data.end(1)) // 2
    return event[:middle] + (_NO_UTF8 + event[middle:] if how == "utf8" else event[data.end(1) :])


def _at(place: Place, faults: Iterable[FaultSpec], attempt: int) -> tuple[float, FaultSpec | None]:
    """The seconds of latency at a place, and the first fault there that stands in the place of an answer."""
    happening = [fault for fault in faults if fault.at == place and fault.applies(attempt)]
    seconds = sum(fault.ms for fault in happening if fault.kind == "latency") / 1000
    return seconds, next((fault for fault in happening if fault.kind in REPLACING), None)


def _marks(faults: Iterable[FaultSpec]) -> list[tuple[int, Part]]:
    """Where the answer waits or ends, in order; at one place it waits first."""
    stalls: list[tuple[int, Part]] = [(fault.after, Pause(fault.seconds)) for fault in faults if fault.kind == "stall"]
    cuts: list[tuple[int, Part]] = [(fault.after, Break()) for fault in faults if fault.kind == "cut"]
    return sorted(stalls + cuts, key=lambda mark: mark[0])
