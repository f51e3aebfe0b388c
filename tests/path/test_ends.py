"""How a stream really ended: what it says itself beats how its bytes stopped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aig_client.core import Ended, Meter

from .asks import BASE, OUTSIDE, SURFACES, Exchange, asked, head

EVENTS = [("content-type", "text/event-stream; charset=utf-8")]
GEMINI = f"{BASE}/google-ai-studio/v1beta/models/m:streamGenerateContent?alt=sse"


def ended(url: str, tail: bytes, how: Ended, *, status: int = 200, headers: Any = EVENTS) -> str:
    exchange = Exchange(asked(url))
    exchange.answer(head(status, headers))
    receipt = exchange.answer(Meter(len(tail), how, 2.0, tail[:100], tail, True))
    assert receipt is not None
    assert receipt.meter is not None
    assert receipt.meter.ended == receipt.ended
    return receipt.ended


def data(value: object, *, event: str | None = None, end: str = "\n\n") -> bytes:
    lines = ([f"event: {event}"] if event else []) + [f"data: {json.dumps(value)}"]
    return ("\n".join(lines) + end).encode()


CHUNK = data({"choices": [{"delta": {"content": "Hello"}}]})
GEMINI_LAST = data({"candidates": [{"content": {"parts": [{"text": "."}]}, "finishReason": "STOP"}]}, end="\r\n\r\n")
WHOLE = {
    "chat": (SURFACES["native"], CHUNK + b"data: [DONE]\n\n"),
    "chat, no blank": (SURFACES["native"], CHUNK + b"data:[DONE]\n\n"),
    "chat, CRLF": (SURFACES["native"], CHUNK.replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n"),
    "chat, nothing else": (SURFACES["native"], b"data: [DONE]\n\n"),
    "compat": (SURFACES["compat"], CHUNK + b"data: [DONE]\n\n"),
    "custom domain": (SURFACES["custom domain"], CHUNK + b"data: [DONE]\n\n"),
    "rest": (SURFACES["rest"], CHUNK + b"data: [DONE]\n\n"),
    "responses": (f"{BASE}/openai/responses", data({"type": "response.completed"}, event="response.completed")),
    "responses, incomplete": (
        f"{BASE}/openai/responses",
        data({"type": "response.incomplete"}, event="response.incomplete"),
    ),
    "messages": (f"{BASE}/anthropic/v1/messages", data({"type": "message_stop"}, event="message_stop")),
    "messages, no event line": (f"{BASE}/anthropic/v1/messages", data({"type": "message_stop"})),
    "gemini": (GEMINI, GEMINI_LAST),
}


@pytest.mark.parametrize(("url", "tail"), WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("how", ["complete", "cancelled", "cut", "errored"])
def test_a_stream_that_said_its_end_is_complete_however_it_was_closed(url: str, tail: bytes, how: Ended) -> None:
    assert ended(url, tail, how) == "complete"


UNFINISHED = {
    "chat": (SURFACES["native"], CHUNK),
    "chat, half of the mark": (SURFACES["native"], CHUNK + b"data: [DO"),
    "chat, nothing": (SURFACES["native"], b""),
    "chat, the mark in the answer": (
        SURFACES["native"],
        data({"choices": [{"delta": {"content": "data: [DONE]\n\ndata: [DONE]"}}]}),
    ),
    "responses": (f"{BASE}/openai/responses", data({"type": "response.output_text.delta"})),
    "responses, the mark in the answer": (
        f"{BASE}/openai/responses",
        data({"type": "response.output_text.delta", "delta": '"type": "response.completed"'}),
    ),
    "messages": (f"{BASE}/anthropic/v1/messages", data({"type": "content_block_delta"}, event="content_block_delta")),
    "messages, the mark in the answer": (
        f"{BASE}/anthropic/v1/messages",
        data({"type": "content_block_delta", "delta": {"text": 'event: message_stop\n{"type": "message_stop"}'}}),
    ),
    "gemini": (GEMINI, data({"candidates": [{"content": {"parts": [{"text": '"finishReason": "STOP"'}]}}]})),
}


@pytest.mark.parametrize(("url", "tail"), UNFINISHED.values(), ids=UNFINISHED.keys())
@pytest.mark.parametrize(
    ("how", "really"), [("complete", "cut"), ("cut", "cut"), ("cancelled", "cancelled"), ("errored", "errored")]
)
def test_a_stream_that_never_said_its_end_is_cut_or_what_the_shell_saw(
    url: str, tail: bytes, how: Ended, really: str
) -> None:
    assert ended(url, tail, how) == really


ERRORS = {
    "OpenAI's": (SURFACES["native"], CHUNK + b'data: {"error": {"message": "x"}}\n\n'),
    "OpenAI's, then an end": (SURFACES["native"], CHUNK + b'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n'),
    "Responses'": (f"{BASE}/openai/responses", data({"type": "error", "message": "x"}, event="error")),
    "Responses', failed": (f"{BASE}/openai/responses", data({"type": "response.failed"}, event="response.failed")),
    "Anthropic's": (
        f"{BASE}/anthropic/v1/messages",
        data({"type": "error", "error": {"type": "overloaded_error"}}, event="error"),
    ),
    "Anthropic's, no event line": (
        f"{BASE}/anthropic/v1/messages",
        data({"type": "error", "error": {"type": "overloaded_error"}}),
    ),
    "Gemini's": (GEMINI, b'data: {"error": {"code": 503, "status": "UNAVAILABLE"}}\r\n\r\n'),
    "no gateway's": (OUTSIDE, CHUNK + b'data: {"error": {"message": "x"}}\n\n'),
}


@pytest.mark.parametrize(("url", "tail"), ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("how", ["complete", "cancelled", "cut"])
def test_a_stream_that_carries_an_error_is_errored(url: str, tail: bytes, how: Ended) -> None:
    assert ended(url, tail, how) == "errored"


def test_an_error_in_the_words_of_an_answer_is_none() -> None:
    answer = data({"choices": [{"delta": {"content": 'event: error\ndata: {"error": 1}'}}]})
    assert ended(SURFACES["native"], answer + b"data: [DONE]\n\n", "complete") == "complete"


@pytest.mark.parametrize("how", ["complete", "cut", "cancelled", "errored"])
def test_what_is_no_event_stream_ended_as_the_shell_saw_it(how: Ended) -> None:
    done = b"data: [DONE]\n\n"
    assert ended(SURFACES["native"], done, how, headers=[("content-type", "application/json")]) == how
    assert ended(SURFACES["native"], done, how, headers=[]) == how
    assert ended(SURFACES["native"], done, how, headers=[*EVENTS, ("Content-Encoding", "gzip")]) == how
    assert ended(SURFACES["native"], b'data: {"error":{}}\n\n', how, status=500) == how


@pytest.mark.parametrize("how", ["complete", "cut", "cancelled", "errored"])
@pytest.mark.parametrize("url", [SURFACES["universal"], OUTSIDE, f"{BASE}/replicate/predictions"])
def test_a_stream_whose_end_nobody_told_us_ended_as_the_shell_saw_it(url: str, how: Ended) -> None:
    assert ended(url, CHUNK, how) == how


def test_an_identity_encoding_is_none() -> None:
    headers = [("Content-Type", "Text/Event-Stream"), ("content-encoding", "Identity")]
    assert ended(SURFACES["native"], CHUNK, "complete", headers=headers) == "cut"
