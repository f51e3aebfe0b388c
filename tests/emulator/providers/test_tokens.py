"""What the gateway reads of usage: from every fake's answers, from what providers really send, from anything."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator._tokens import Tokens, read_tokens

from .desk import Desk, Told

LONG = "A sentence that fills a prompt. " * 700
JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"


def read(told: Told) -> Tokens:
    assert told.status == 200
    found = read_tokens(told.headers["content-type"], told.body)
    assert found is not None
    return found


# --- what the fakes say ----------------------------------------------------------------------------

MESSAGES = [{"role": "user", "content": LONG}]
MARKED = [{"role": "user", "content": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]}]
CONTENTS = [{"parts": [{"text": LONG}]}]
GEMINI = "/v1beta/models/gemini-2.5-flash:"
# Whole and streamed; whether a second use reads from a cache; whether the first one is told as a write.
CASES: dict[str, tuple[str, str, dict[str, Any], str, dict[str, Any], bool, bool]] = {
    "openai": ("openai", "/chat/completions", {"messages": MESSAGES}, "/chat/completions", {}, True, False),
    "openai-5.6": (
        "openai",
        "/chat/completions",
        {"messages": MESSAGES, "model": "gpt-5.6"},
        "/chat/completions",
        {},
        True,
        True,
    ),
    "responses": ("openai", "/responses", {"input": LONG}, "/responses", {}, True, False),
    "anthropic": (
        "anthropic",
        "/v1/messages",
        {"messages": MARKED, "max_tokens": 50, "model": "claude-sonnet-5-5"},
        "/v1/messages",
        {},
        True,
        True,
    ),
    "gemini": (
        "google-ai-studio",
        GEMINI + "generateContent",
        {"contents": CONTENTS},
        GEMINI + "streamGenerateContent",
        {"query": "alt=sse"},
        True,
        False,
    ),
    "gemini-array": (
        "google-ai-studio",
        GEMINI + "generateContent",
        {"contents": CONTENTS},
        GEMINI + "streamGenerateContent",
        {},
        True,
        False,
    ),
    **{
        slug: (slug, "/v1/chat/completions", {"messages": MESSAGES}, "/v1/chat/completions", {}, cached, False)
        for slug, cached in (
            ("groq", False),
            ("cerebras", True),
            ("mistral", False),
            ("deepseek", True),
            ("grok", True),
            ("perplexity-ai", False),
            ("openrouter", True),
            ("workers-ai", False),
        )
    },
    "xai-thinking": (
        "grok",
        "/v1/chat/completions",
        {"messages": MESSAGES, "model": "grok-4"},
        "/v1/chat/completions",
        {},
        True,
        False,
    ),
    "workers-ai-run": ("workers-ai", "/@cf/meta/llama", {"messages": MESSAGES}, "/@cf/meta/llama", {}, False, False),
    "cohere-v1": ("cohere", "/v1/chat", {"message": LONG}, "/v1/chat", {}, False, False),
    "cohere-v2": ("cohere", "/v2/chat", {"messages": MESSAGES}, "/v2/chat", {}, False, False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_stream_is_read_as_the_whole_answer_is(name: str) -> None:
    slug, path, fields, stream_path, more, cached, writes = CASES[name]
    body = {"model": "gpt-4.1-mini", **fields}
    desk = Desk()
    first, second = read(desk.ask(slug, path, body)), read(desk.ask(slug, path, body))
    stream = {**body, "stream": True, "stream_options": {"include_usage": True}}
    third = read(desk.ask(slug, stream_path, stream, **more))
    assert second == third
    assert (first.tokens_in, first.tokens_out) == (second.tokens_in, second.tokens_out)
    assert first.tokens_in
    assert first.tokens_out
    # Everything that was sent is input, whatever a cache did with it.
    assert first.tokens_in > 5000
    assert (first.cache_write or 0) + (first.cache_read or 0) <= first.tokens_in
    assert bool(second.cache_read) is cached
    assert bool(first.cache_write) is writes
    assert not second.cache_write
    cohere = slug == "cohere" or name == "workers-ai-run"
    assert cohere or first.model in (body["model"], "gemini-2.5-flash")


def test_reasoning_counts_as_output_for_all() -> None:
    for slug, path, body in (
        ("openai", "/chat/completions", {"model": "gpt-5", "messages": MESSAGES}),
        ("grok", "/v1/chat/completions", {"model": "grok-4", "messages": MESSAGES}),
        ("google-ai-studio", GEMINI + "generateContent", {"contents": CONTENTS}),
    ):
        out = read(Desk().ask(slug, path, body)).tokens_out
        assert out
        assert out > 128


def test_other_answers_with_usage() -> None:
    desk = Desk()
    assert read(desk.ask("openai", "/embeddings", {"model": "m", "input": "abc"})) == Tokens(1, None, model="m")
    picture = read(desk.ask("openai", "/images/generations", {"model": "gpt-image-2", "prompt": "abc"}))
    assert picture.tokens_out == 1056
    speech = {"model": "m", "voice": "v", "input": "abc", "stream_format": "sse"}
    assert read(desk.ask("openai", "/audio/speech", speech)).tokens_in == 1


# --- what providers send ---------------------------------------------------------------------------


def frames(*documents: object) -> bytes:
    return b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents) + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # A real payload of xAI's: 10120 + 1499 + 2809 = 14428.
        (
            {
                "usage": {
                    "prompt_tokens": 10120,
                    "completion_tokens": 1499,
                    "total_tokens": 14428,
                    "prompt_tokens_details": {"cached_tokens": 128},
                    "completion_tokens_details": {"reasoning_tokens": 2809},
                }
            },
            Tokens(10120, 4308, 128),
        ),
        # OpenAI's: reasoning is in the completion.
        (
            {
                "model": "o3",
                "usage": {
                    "prompt_tokens": 10,
                    "completion_tokens": 30,
                    "total_tokens": 40,
                    "completion_tokens_details": {"reasoning_tokens": 20},
                },
            },
            Tokens(10, 30, model="o3"),
        ),
        (
            {"usage": {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}},
            Tokens(9, 1, 4),
        ),
        (
            {"usage": {"input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}},
            Tokens(125, None, 100, 20),
        ),
        ({"usage": {"input_tokens": 5, "output_tokens": 6}}, Tokens(5, 6)),
        (
            {
                "modelVersion": "gemini",
                "usageMetadata": {"promptTokenCount": 8, "toolUsePromptTokenCount": 2, "thoughtsTokenCount": 7},
            },
            Tokens(10, 7, model="gemini"),
        ),
        ({"usage": {"inputTokens": 5, "outputTokens": 6, "cacheReadInputTokens": 10}}, Tokens(15, 6, 10)),
        ({"meta": {"billed_units": {"input_tokens": 3, "output_tokens": 4}}}, Tokens(3, 4)),
        (
            {"usage": {"billed_units": {"input_tokens": 1}, "tokens": {"input_tokens": 3, "output_tokens": 4}}},
            Tokens(3, 4),
        ),
        ({"success": True, "result": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}}, Tokens(1, 2)),
        # `/ai/run` wraps a third party's answer twice.
        (
            {"success": True, "result": {"state": "Completed", "result": {"model": "m", "usage": {"input_tokens": 1}}}},
            Tokens(1, None, model="m"),
        ),
    ],
)
def test_documents(document: Any, expected: Tokens) -> None:
    assert read_tokens(JSON, json.dumps(document).encode()) == expected
    assert read_tokens(SSE, frames(document)) == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"usage": None},
        {"usage": {}},
        {"usage": {"type": "duration", "seconds": 3}},
        {"usage": [{"name": "sku_search", "count": 1}]},
        {"usage": {"prompt_tokens": "5", "completion_tokens": True}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": 1.5}},
        {"usage": {"prompt_tokens": 10**400}},
        {"model": "m", "choices": []},
    ],
)
def test_what_says_nothing(document: Any) -> None:
    assert read_tokens(JSON, json.dumps(document).encode()) is None
    assert read_tokens(SSE, frames(document)) is None


def test_media_types() -> None:
    body = b'{"usage": {"prompt_tokens": 1, "completion_tokens": 2}}'
    for kind in (JSON, "Application/JSON; charset=utf-8", "application/vnd.x+json"):
        assert read_tokens(kind, body) == Tokens(1, 2)
    for kind in ("", "text/plain", "image/png", "text/event-stream"):
        assert read_tokens(kind, body) is None
    assert read_tokens("application/x-ndjson", b'{"model":"m"}\n' + body) == Tokens(1, 2, model="m")


def test_line_ends_and_comments_of_streams() -> None:
    first = b'event: message_start\ndata: {"message": {"model": "m", "usage": {"input_tokens": 7}}}'
    last = b'event: message_delta\ndata: {"usage": {"output_tokens": 9}}'
    for end in (b"\n", b"\r\n", b"\r"):
        body = (b": hello\n\n" + first + b"\n\n" + last + b"\n\n").replace(b"\n", end)
        assert read_tokens(SSE, body) == Tokens(7, 9, model="m")
    cut = b'data: {"usage":\ndata: {"prompt_tokens": 1, "completion_tokens": 2}}\n\n'
    assert read_tokens(SSE, cut) == Tokens(1, 2)


def test_of_a_long_stream_the_first_frames_and_the_tail_are_read() -> None:
    start = b'data: {"message": {"model": "m", "usage": {"input_tokens": 7}}}\n\n'
    filler = b'data: {"delta": "' + b"x" * 100 + b'"}\n\n'
    end = b'data: {"usage": {"output_tokens": 9}}\n\n'
    assert read_tokens(SSE, start + filler * 20_000 + end) == Tokens(7, 9, model="m")
    # Usage in the middle is not looked for.
    hidden = b'data: {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n\n'
    assert read_tokens(SSE, filler * 2000 + hidden + filler * 2000) is None
    # The last frame may be longer than the tail: Responses ends with its whole answer.
    whole = json.dumps({"response": {"model": "m", "output": "x" * 200_000, "usage": {"input_tokens": 1}}}).encode()
    assert read_tokens(SSE, filler * 2000 + b"data: " + whole + b"\n\n") == Tokens(1, None, model="m")
    # There is a limit: such a frame is not read, though it could be; what follows it is.
    huge = whole.replace(b"x", b"x" * 50)
    assert read_tokens(SSE, filler * 2000 + b"data: " + huge + b"\n\n") is None
    assert read_tokens(SSE, filler * 2000 + b"data: " + huge + b"\n\n" + end) == Tokens(None, 9)


def test_a_long_hostile_body_is_read_in_time() -> None:
    started = time.perf_counter()
    for body in (
        b"[" * 5_000_000,
        b'{"usage":' * 500_000,
        b"data: " * 1_000_000,
        b"\n" * 8_000_000,
        b'data: {"usage": {"prompt_tokens": 1}}\n' * 100_000,
    ):
        for kind in (JSON, SSE, "application/x-ndjson"):
            read_tokens(kind, body)
    assert time.perf_counter() - started < 10


KINDS = st.sampled_from([JSON, SSE, "application/stream+json", "x"])
WORDS = """usage usageMetadata message response result success meta tokens prompt_tokens model completion_tokens
input_tokens output_tokens promptTokenCount x_groq delta total_tokens"""
NAMES = st.sampled_from(WORDS.split())
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.booleans() | st.text(max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(kind=KINDS, documents=st.lists(VALUES, max_size=4), raw=st.binary(max_size=40))
def test_nothing_breaks_the_reader(kind: str, documents: list[Any], raw: bytes) -> None:
    for body in (raw, frames(*documents) + raw, json.dumps(documents).encode(), raw + json.dumps(documents).encode()):
        found = read_tokens(kind, body)
        if found is not None:
            assert found.tokens_in is not None or found.tokens_out is not None
            for count in (found.tokens_in, found.tokens_out, found.cache_read, found.cache_write):
                assert count is None or count >= 0
