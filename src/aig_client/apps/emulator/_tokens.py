"""The gateway's own reading of a finished answer: how many tokens it took, whatever dialect reports them.

The work is bounded: of a stream the first frames and the last 64 KiB are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ._json import JsonObject, JsonValue, object_of, read_array, read_object, text_of

_LARGEST_JSON = 16 * 1024 * 1024
# Anthropic tells the input in its first frame, which repeats nothing long.
_HEAD = 16 * 1024
_TAIL = 64 * 1024
# A frame that began before the tail is still read if it is not longer than this: Responses ends with its whole answer.
_LONGEST_FRAME = 4 * 1024 * 1024
_MOST_TOKENS = 10**12

_FRAME_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_DATA = re.compile(rb"(?:^|[\r\n])data:[ ]?([^\r\n]*)")
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts of one answer; `None` is "did not say". Input counts all of it, what a prompt cache read or wrote too."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class _Dialect:
    """One way to write usage. It is meant where one of `marks` is there.

    into, out: counts that add up, if the first one is there; with `alone` any one of the output will do. read, write:
    the first that is there. aside: output that is not in `out` where the total says so. Dots lead into objects.
    """

    marks: tuple[str, ...]
    into: tuple[str, ...]
    out: tuple[str, ...]
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    alone: bool = False
    aside: str = ""
    total: str = ""


_READ, _WRITE = "cache_read_input_tokens", "cache_creation_input_tokens"

_DIALECTS = (
    # Anthropic: input leaves out what the cache read or wrote.
    _Dialect((_READ, _WRITE), ("input_tokens", _READ, _WRITE), ("output_tokens",), (_READ,), (_WRITE,)),
    # Gemini: thoughts stand beside the candidates; the prompt holds what was cached.
    _Dialect(
        ("promptTokenCount", "candidatesTokenCount"),
        ("promptTokenCount", "toolUsePromptTokenCount"),
        ("candidatesTokenCount", "thoughtsTokenCount"),
        ("cachedContentTokenCount",),
        alone=True,
    ),
    # Chat completions; DeepSeek's name for what was cached, and xAI's reasoning beside the completion.
    _Dialect(
        ("prompt_tokens", "completion_tokens"),
        ("prompt_tokens",),
        ("completion_tokens",),
        ("prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens"),
        ("prompt_tokens_details.cache_write_tokens",),
        aside="completion_tokens_details.reasoning_tokens",
        total="total_tokens",
    ),
    # Bedrock's Converse: as Anthropic, in other letters.
    _Dialect(
        ("inputTokens", "outputTokens"),
        ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
        ("outputTokens",),
        ("cacheReadInputTokens",),
        ("cacheWriteInputTokens",),
    ),
    # Cohere: what was processed, else what was billed.
    _Dialect(("tokens",), ("tokens.input_tokens",), ("tokens.output_tokens",), ("cached_tokens",)),
    _Dialect(("billed_units",), ("billed_units.input_tokens",), ("billed_units.output_tokens",)),
    # Responses, images, speech, transcriptions; Anthropic without a cache.
    _Dialect(
        ("input_tokens", "output_tokens"),
        ("input_tokens",),
        ("output_tokens",),
        ("input_tokens_details.cached_tokens",),
        ("input_tokens_details.cache_write_tokens",),
    ),
)

# Where usage stands: at the top; in Anthropic's and the Responses endpoint's events; in Cohere's; in Groq's.
_PLACES = (
    "usage",
    "usageMetadata",
    "message.usage",
    "response.usage",
    "delta.usage",
    "meta",
    "response.meta",
    "x_groq.usage",
)
_MODELS = ("model", "modelVersion", "message.model", "response.model")
_HINTS = (b'"usage', b'"meta"')


def read_tokens(content_type: str, body: bytes) -> Tokens | None:
    """What an answer says of its tokens; `None` if it says nothing that is understood. Never raises."""
    kind = content_type.partition(";")[0].strip().lower()
    found = Tokens()
    for document in _documents(kind, body):
        found = _joined(found, _read(document))
    return None if found.tokens_in is None and found.tokens_out is None else found


def _documents(kind: str, body: bytes) -> Iterator[JsonObject]:
    if kind == "text/event-stream":
        yield from _of_lines(_FRAME_END, body)
    elif kind in ("application/stream+json", "application/x-ndjson", "application/jsonl"):
        yield from _of_lines(_LINE_END, body)
    elif kind.endswith("json") and len(body) <= _LARGEST_JSON:
        whole = read_object(body)
        if whole is not None:
            yield whole
        else:
            # Google streams one array of chunks where no SSE is asked for.
            yield from (one for one in read_array(body) or () if isinstance(one, dict))


def _of_lines(end: re.Pattern[bytes], body: bytes) -> Iterator[JsonObject]:
    """The JSON objects in the frames at the beginning and at the end; those between are not looked at."""
    if len(body) <= _HEAD + _TAIL:
        parts = [body]
    else:
        # The tail begins with the frame that is running there.
        start = max((body.rfind(mark, 0, len(body) - _TAIL) for mark in (b"\n\n", b"\r\n\r\n", b"\r\r")), default=-1)
        if end is _LINE_END:
            start = body.rfind(b"\n", 0, len(body) - _TAIL)
        head, tail = body[:_HEAD], body[max(start, 0) :]
        # The last frame of the head may be cut.
        parts = [head, tail if len(tail) <= _LONGEST_FRAME else body[-_TAIL:]]
    for part in parts:
        for number, frame in enumerate(end.split(part)):
            if number == 0 or any(hint in frame for hint in _HINTS):
                found = read_object(b"\n".join(_DATA.findall(frame)) if end is _FRAME_END else frame)
                if found is not None:
                    yield found


def _read(document: JsonObject) -> Tokens:
    """One document, unwrapped: Cloudflare's envelope, and what `/ai/run` puts into it, hold a `result`."""
    for _ in range(2):
        if "result" in document and ("success" in document or "state" in document):
            document = object_of(document["result"])
    found = Tokens(model=next((text for text in map(text_of, _all(document, _MODELS)) if text), None))
    for usage in _all(document, _PLACES):
        if isinstance(usage, dict):
            found = _joined(found, _counts(usage))
    return found


def _counts(usage: JsonObject) -> Tokens:
    for dialect in _DIALECTS:
        if any(mark in usage for mark in dialect.marks):
            out = _sum(usage, dialect.out, alone=dialect.alone)
            if out is not None and dialect.aside:
                out += _aside(usage, dialect, out)
            return Tokens(
                _sum(usage, dialect.into),
                out,
                _first(usage, dialect.read),
                _first(usage, dialect.write),
            )
    return Tokens()


def _aside(usage: JsonObject, dialect: _Dialect, out: int) -> int:
    """Tokens that only the total counts."""
    aside = _first(usage, (dialect.aside,)) or 0
    known = (_sum(usage, dialect.into) or 0) + out
    return aside if _first(usage, (dialect.total,)) == known + aside else 0


def _joined(first: Tokens, last: Tokens) -> Tokens:
    """The later word wins, where there is one."""
    named = {
        name: value
        for name in ("tokens_in", "tokens_out", "cache_read", "cache_write", "model")
        if (value := getattr(last, name)) is not None
    }
    return replace(first, **named)


def _sum(usage: JsonObject, names: tuple[str, ...], *, alone: bool = False) -> int | None:
    """The first count is what makes it one, and the others add to it; or any of them is."""
    counts = [_count(_at(usage, name)) for name in names]
    known = [count for count in counts if count is not None]
    return sum(known) if counts[0] is not None or (alone and known) else None


def _first(usage: JsonObject, names: tuple[str, ...]) -> int | None:
    return next((count for count in (_count(_at(usage, name)) for name in names) if count is not None), None)


def _count(value: JsonValue) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 <= value <= _MOST_TOKENS else None


def _all(document: JsonObject, names: tuple[str, ...]) -> Iterator[JsonValue]:
    return (_at(document, name) for name in names)


def _at(document: JsonObject, name: str) -> JsonValue:
    here: JsonValue = document
    for step in name.split("."):
        here = object_of(here).get(step)
    return here
