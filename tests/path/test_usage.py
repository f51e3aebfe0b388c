"""Tokens out of an answer's first and last bytes, with one meaning across providers."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.core import Meter, Usage
from aig_client.core.facts._usage import usage_of

from .asks import Exchange, head

TEXT = 'She said: "usage": {"prompt_tokens": 999, "completion_tokens": 999}'
# The providers' API references, usage objects; Anthropic's input_tokens leave out what its prompt cache read and wrote.
OPENAI_CHAT = {
    "choices": [{"message": {"content": TEXT}}],
    "usage": {
        "prompt_tokens": 2006,
        "completion_tokens": 300,
        "total_tokens": 2306,
        "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 256},
    },
}
OPENAI_RESPONSES = {
    "output": [{"content": [{"text": TEXT}]}],
    "usage": {
        "input_tokens": 75,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 1186,
        "output_tokens_details": {"reasoning_tokens": 1024},
        "total_tokens": 1261,
    },
}
EMBEDDINGS = {"data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 8, "total_tokens": 8}}
ANTHROPIC = {
    "content": [{"type": "text", "text": TEXT}],
    "usage": {
        "input_tokens": 21,
        "cache_creation_input_tokens": 188086,
        "cache_read_input_tokens": 1000,
        "output_tokens": 393,
    },
}
ANTHROPIC_PLAIN = {"content": [], "usage": {"input_tokens": 21, "output_tokens": 393}}
GEMINI = {
    "candidates": [{"content": {"parts": [{"text": TEXT}]}}],
    "usageMetadata": {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 150,
    },
}
WHOLE: dict[str, tuple[Any, Usage]] = {
    "OpenAI chat": (OPENAI_CHAT, Usage(2006, 300, 1920, None)),
    "OpenAI Responses": (OPENAI_RESPONSES, Usage(75, 1186, 64, None)),
    "OpenAI embeddings": (EMBEDDINGS, Usage(8, None, None, None)),
    "Anthropic": (ANTHROPIC, Usage(21 + 188086 + 1000, 393, 1000, 188086)),
    "Anthropic, no cache": (ANTHROPIC_PLAIN, Usage(21, 393, None, None)),
    "Gemini": (GEMINI, Usage(100, 50, 60, None)),
}


def said(start: bytes, tail: bytes, *, encoding: str | None = None, whole: bool = False) -> Usage | None:
    """The four counts alone: what else a usage says has its own tests in tests/facts."""
    return totals(usage_of(start, tail, encoding=encoding, whole=whole))


def totals(usage: Usage | None) -> Usage | None:
    if usage is None:
        return None
    return Usage(usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens, usage.cache_write_input_tokens)


def events(*documents: Any) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(document).encode() + b"\n\n" for document in documents)


CHAT_STREAM = (
    events(
        {"choices": [{"delta": {"content": TEXT}}], "usage": None},
        {"choices": [], "usage": OPENAI_CHAT["usage"]},
    )
    + b"data: [DONE]\n\n"
)
RESPONSES_STREAM = events(
    {"type": "response.created", "response": {"usage": None}},
    {"type": "response.completed", "response": OPENAI_RESPONSES},
)
ANTHROPIC_START = {
    "type": "message_start",
    "message": {
        "usage": {
            "input_tokens": 21,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": 9,
            "output_tokens": 1,
        }
    },
}
ANTHROPIC_STREAM = events(
    ANTHROPIC_START,
    {"type": "content_block_delta", "delta": {"text": TEXT}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}},
    {"type": "message_stop"},
)
ANTHROPIC_CUMULATIVE = events(
    ANTHROPIC_START,
    {
        "type": "message_delta",
        "usage": {
            "input_tokens": 21,
            "cache_creation_input_tokens": 5,
            "cache_read_input_tokens": 9,
            "output_tokens": 15,
        },
    },
)
GEMINI_STREAM = events(
    {"candidates": [{}], "usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100}},
    {"candidates": [{"content": {"parts": [{"text": TEXT}]}}], "usageMetadata": GEMINI["usageMetadata"]},
)
STREAMS = {
    "OpenAI chat": (CHAT_STREAM, Usage(2006, 300, 1920, None)),
    "OpenAI Responses": (RESPONSES_STREAM, Usage(75, 1186, 64, None)),
    "Anthropic": (ANTHROPIC_STREAM, Usage(35, 15, 9, 5)),
    "Anthropic, cumulative": (ANTHROPIC_CUMULATIVE, Usage(35, 15, 9, 5)),
    "Gemini": (GEMINI_STREAM, Usage(100, 50, 60, None)),
}


@pytest.mark.parametrize(("document", "usage"), WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("indent", [None, 2])
def test_an_answer_says_its_tokens(document: Any, usage: Usage, indent: int | None) -> None:
    body = json.dumps(document, indent=indent).encode()
    assert said(body, body, whole=True) == usage
    assert said(b"", body[-16_384:]) == usage


@pytest.mark.parametrize(("stream", "usage"), STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_says_its_tokens(stream: bytes, usage: Usage) -> None:
    assert said(stream, stream, whole=True) == usage


def test_both_ends_of_a_long_stream_are_read() -> None:
    start, end = events(ANTHROPIC_START), events({"type": "message_delta", "usage": {"output_tokens": 15}})
    assert said(start, end) == Usage(35, 15, 9, 5)
    assert said(start, b"") == Usage(35, 1, 9, 5)


@pytest.mark.parametrize(("document", "usage"), WHOLE.values(), ids=WHOLE.keys())
def test_a_compressed_answer_is_read_when_it_is_here_as_a_whole(document: Any, usage: Usage) -> None:
    body = json.dumps(document).encode()
    for encoding, packed in (
        ("gzip", gzip.compress(body)),
        ("GZIP", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
    ):
        assert said(packed, packed, encoding=encoding, whole=True) == usage
        assert usage_of(packed, packed, encoding=encoding) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "x"])
def test_what_cannot_be_unpacked_says_nothing(encoding: str) -> None:
    body = json.dumps(OPENAI_CHAT).encode()
    assert usage_of(body, body, encoding=encoding, whole=True) is None
    assert usage_of(b"", b"no gzip", encoding="gzip", whole=True) is None


def test_a_compressed_answer_is_not_unpacked_without_end() -> None:
    bomb = gzip.compress(b" " * (256 * 1024 * 1024), 1)
    assert usage_of(b"", bomb, encoding="gzip", whole=True) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"usage":null}',
        b'{"usage":{}}',
        b'{"usage":{"prompt_tokens":"7"}}',
        b'{"usage":{"prompt_tokens":true,"completion_tokens":-1}}',
        b'{"usage":{"prompt_tokens":1.5}}',
        b'{"usage":{"prompt_tokens":7',
        b'{"usage":[{"prompt_tokens":7}]}',
        b'{"my \\"usage":{"prompt_tokens":7}}',
        json.dumps({"choices": [{"message": {"content": TEXT}}]}).encode(),
        json.dumps({"a": json.dumps({"b": json.dumps({"usage": {"prompt_tokens": 7}})})}).encode(),
    ],
)
def test_an_answer_that_does_not_say_says_nothing(body: bytes) -> None:
    assert usage_of(body, body, whole=True) is None


def test_zero_is_zero_and_not_unknown() -> None:
    body = b'{"usage":{"prompt_tokens":0,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":0}}}'
    assert said(b"", body) == Usage(0, 0, 0, None)


def test_a_receipt_reads_its_meter() -> None:
    body = gzip.compress(json.dumps(ANTHROPIC).encode())
    exchange = Exchange()
    exchange.answer(head(200, [("Content-Encoding", "gzip")]))
    receipt = exchange.answer(Meter(len(body), "complete", 2.0, body, body, True))
    assert receipt is not None
    assert totals(receipt.usage) == Usage(189107, 393, 1000, 188086)
    assert receipt.usage is not None
    assert receipt.as_dict()["usage"] == receipt.usage.as_dict()


def test_seven_megabytes_of_usages_that_are_none_are_read_through() -> None:
    """In seconds; each one read to the end of the body would take many minutes."""
    body = gzip.compress(b'"usage":{"x":"' * 500_000)
    assert usage_of(b"", body, encoding="gzip", whole=True) is None


@given(st.binary(), st.binary(), st.sampled_from([None, "gzip", "identity", "br"]), st.booleans())
def test_no_bytes_make_it_raise(start: bytes, tail: bytes, encoding: str | None, whole: bool) -> None:
    usage_of(start, b'{"usage":{' + tail, encoding=encoding, whole=whole)
