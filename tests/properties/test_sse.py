"""An event stream means the same however it is cut, and what the standard says it means."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.core import EventReader, ServerSentEvent

Said = tuple[str, str, str]


def lines_of(text: str) -> list[str]:
    """The lines that an end of line closed: LF, CR, or CR and LF. What follows the last one is no line."""
    lines = [""]
    for position, character in enumerate(text):
        if character == "\n" and text[position - 1 : position] == "\r":
            continue  # the second half of one end of line
        if character in "\r\n":
            lines.append("")
        else:
            lines[-1] += character
    return lines[:-1]


def reference(stream: bytes) -> list[Said]:
    """WHATWG HTML 9.2.6, "Interpreting an event stream", word for word: (data, event type, last event ID)."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")  # "UTF-8 decode" strips one byte order mark
    events: list[Said] = []
    data_buffer = event_type_buffer = last_event_id_buffer = ""
    for line in lines_of(text):
        if line == "":
            if data_buffer != "":
                events.append((data_buffer.removesuffix("\n"), event_type_buffer or "message", last_event_id_buffer))
            data_buffer = event_type_buffer = ""
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                event_type_buffer = value
            elif field == "data":
                data_buffer += value + "\n"
            elif field == "id" and "\0" not in value:
                last_event_id_buffer = value
    return events  # pending data at the end of the file is discarded


def read(*chunks: bytes) -> list[Said]:
    reader = EventReader(ServerSentEvent)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [(event.data.decode("utf-8", "replace"), event.event, event.id) for event in events]


ENDS = st.sampled_from(["\n", "\r", "\r\n"])
FIELD_NAMES = st.sampled_from(
    ["data", "data", "data", "event", "id", "retry", "", "Data", "datax", " data", "other", "\ufeffdata"]
)
SEPARATORS = st.sampled_from([":", ": ", ":  ", "", " :", ":\t"])
VALUES = st.one_of(
    st.just(""),
    st.sampled_from(["[DONE]", '{"a":1}', "a: b", "\u00e9\u65e5\U0001f642", "x\0y", "0", "\ufeff"]),
    st.text(max_size=4),
)
LINES = st.one_of(
    st.builds(lambda name, separator, value: name + separator + value, FIELD_NAMES, SEPARATORS, VALUES),
    st.just(""),
    st.just(""),
)
TEXTS = st.lists(st.tuples(LINES, ENDS).map("".join), max_size=10).map("".join)
STREAMS = st.one_of(
    st.tuples(st.sampled_from(["", "", "\ufeff", "\ufeff\ufeff"]), TEXTS).map(lambda parts: "".join(parts).encode()),
    st.lists(
        st.sampled_from(
            [b"\n", b"\r", b"\r\n", b":", b" ", b"data", b"id", b"event", b"\xff", b"\xef\xbb", b"\0", b"x"]
        )
    ).map(b"".join),
    st.binary(),
)

WHOLE = {
    "the end of line LF": b"data: a\n\ndata: b\n\n",
    "the end of line CR": b"data: a\r\rdata: b\r\r",
    "the end of line CRLF": b"data: a\r\n\r\ndata: b\r\n\r\n",
    "the ends of line mixed": b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r",
    "a byte order mark": b"\xef\xbb\xbfdata: a\n\n",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "half of a byte order mark": b"\xef\xbbdata: a\n\n",
    "comments": b": ping\n\n:\ndata: a\n: b\ndata: c\n\n",
    "many lines of data, CRLF": b"event: x\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\ndata: d\r\n",
    "many lines of data": b"data: a\ndata\ndata:\ndata:  b\n\n",
    "empty data": b"data\n\ndata:\n\ndata: \n\n",
    "no data": b"event: x\nid: 7\n\ndata: a\n\n",
    "an id that stays": b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: 2\0\ndata: d\n\n",
    "a type that does not stay": b"event: x\ndata: a\n\ndata: b\n\nevent: y\nevent: z\ndata: c\n\nevent:\ndata: d\n\n",
    "a type without data is forgotten": b"event: x\n\ndata: a\n\n",
    "retry": b"retry: 3000\ndata: a\n\nretry: x\n\n",
    "an end that never came": b"data: a\n\ndata: b\n",
    "blank lines": b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n",
    "text in many bytes": "data: \u00e9\u65e5\U0001f642\r\n\r\n".encode(),
    "bad UTF-8": b"data: \xff\xc3\n\nevent: \xff\nid: \xe6\x97\ndata: a\n\n",
    "fields that are none": b"Data: a\ndata : b\n data: c\ndatax: d\n\n",
    "OpenAI": b'data: {"choices":[{"delta":{"content":"a\\n\\nb"}}]}\n\ndata: [DONE]\n\n',
    "Anthropic": b'event: message_start\ndata: {"type":"message_start"}\n\nevent: ping\ndata: {"type": "ping"}\n\n',
}


def assert_same_at_every_cut(stream: bytes) -> None:
    expected = reference(stream)
    assert read(stream) == expected
    for at in range(len(stream) + 1):
        assert read(stream[:at], stream[at:]) == expected, at
        assert read(stream[:at], b"", stream[at:]) == expected, (at, "with nothing in between")
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == expected


@pytest.mark.parametrize("stream", WHOLE.values(), ids=WHOLE.keys())
def test_a_stream_means_the_same_at_every_cut(stream: bytes) -> None:
    assert_same_at_every_cut(stream)


@given(STREAMS)
def test_any_stream_means_the_same_at_every_cut(stream: bytes) -> None:
    assert_same_at_every_cut(stream)


@settings(max_examples=200)
@given(STREAMS, st.data())
def test_any_stream_means_the_same_in_any_chunks(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*chunks) == reference(stream)


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    for end in (b"\n\n", b"\r\r", b"\r\n\r\n"):
        reader = EventReader(ServerSentEvent)
        assert reader.feed(b"data: a" + end[:-1]) == ([] if end != b"\r\n\r\n" else [ServerSentEvent(b"a")])
        assert reader.feed(end[-1:]) == ([ServerSentEvent(b"a")] if end != b"\r\n\r\n" else [])


def test_the_data_of_an_event_is_read_as_json_by_who_asks() -> None:
    event, end = EventReader(ServerSentEvent).feed(b'data: {"a":\ndata: 1}\n\ndata: [DONE]\n\n')
    assert event.json() == {"a": 1}
    with pytest.raises(ValueError, match="Expecting value"):
        end.json()


def test_events_are_of_the_kind_that_was_asked_for() -> None:
    class Mine(ServerSentEvent):
        pass

    first, second = EventReader(Mine).feed(b"data: a\n\nevent: x\nid: 1\ndata: b\n\n")
    assert type(first) is type(second) is Mine
    assert second == (b"b", "x", "1")
