"""Implicit prompt caches: what a second prompt with the same beginning reads, and for how long."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator.providers import FakeProviders
from aig_client.apps.emulator.providers._prefixes import PrefixMemory, PrefixRule, chain, recall

from .desk import Desk

# Some 2500 tokens.
LONG = "A sentence that fills a prompt. " * 320


def usage(desk: Desk, provider: str = "openai", text: str = LONG, **fields: Any) -> dict[str, Any]:
    path = "/chat/completions" if provider == "openai" else "/v1/chat/completions"
    found: dict[str, Any] = desk.chat(provider, text, path=path, **fields).json["usage"]
    return found


def cached(desk: Desk, provider: str = "openai", text: str = LONG, **fields: Any) -> int:
    found: int = usage(desk, provider, text, **fields)["prompt_tokens_details"]["cached_tokens"]
    return found


def test_the_second_use_reads_in_steps_of_128() -> None:
    desk = Desk()
    assert cached(desk) == 0
    read = cached(desk)
    prompt = usage(desk)["prompt_tokens"]
    assert prompt - 128 < read <= prompt
    assert read % 128 == 0


def test_a_longer_conversation_reads_what_it_shares() -> None:
    desk = Desk()
    first = [{"role": "user", "content": LONG}]
    before = desk.chat(messages=first).json["usage"]["prompt_tokens"]
    more = [*first, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": LONG}]
    after = desk.chat(messages=more).json["usage"]
    assert before - 128 <= after["prompt_tokens_details"]["cached_tokens"] <= before
    assert after["prompt_tokens"] > 2 * before - 10


def test_a_changed_beginning_reads_nothing() -> None:
    desk = Desk()
    cached(desk)
    assert cached(desk, text="B" + LONG[1:]) == 0
    # A change in the middle leaves the beginning.
    middle = len(LONG) // 2
    part = cached(desk, text=LONG[:middle] + "#" + LONG[middle + 1 :])
    assert 1024 <= part <= middle // 4 + 20


def test_nobody_shares_a_cache() -> None:
    desk = Desk()
    cached(desk)
    assert cached(desk, model="gpt-4.1") == 0
    assert cached(desk, headers={"authorization": "Bearer sk-test-other"}) == 0
    assert cached(desk, tools=[{"type": "function", "function": {"name": "t"}}]) == 0
    assert cached(desk, "grok") == 0
    assert cached(desk, prompt_cache_key="mine") == 0
    assert cached(desk) > 0
    assert cached(Desk()) == 0


def test_short_prompts_are_not_cached() -> None:
    desk = Desk()
    short = "x" * 3900
    assert cached(desk, text=short) == cached(desk, text=short) == 0
    just = "x" * 4200
    assert (cached(desk, text=just), cached(desk, text=just)) == (0, 1024)


def test_an_entry_lives_from_its_last_use() -> None:
    desk = Desk()
    cached(desk)
    for _ in range(3):
        desk.now += 299
        assert cached(desk) > 0
    desk.now += 300
    assert cached(desk) == 0


def test_from_gpt_5_6_on_writes_are_reported_and_live_longer() -> None:
    desk = Desk()
    first = usage(desk, model="gpt-5.6")["prompt_tokens_details"]
    assert (first["cached_tokens"], first["cache_write_tokens"] > 1024) == (0, True)
    desk.now += 1799
    second = usage(desk, model="gpt-5.6")["prompt_tokens_details"]
    assert second["cached_tokens"] == first["cache_write_tokens"]
    assert "cache_write_tokens" not in second
    assert "cache_write_tokens" not in usage(desk, model="gpt-5.5")["prompt_tokens_details"]


def test_a_stream_and_responses_use_it_too() -> None:
    desk = Desk()
    read = [
        desk.chat("openai", LONG, stream=True, stream_options={"include_usage": True}).events[-1]["usage"]
        for _ in range(2)
    ]
    assert [one["prompt_tokens_details"]["cached_tokens"] > 0 for one in read] == [False, True]
    body = {"model": "gpt-4.1", "input": LONG}
    found = [desk.ask("openai", "/responses", body).json["usage"]["input_tokens_details"] for _ in range(2)]
    assert [one["cached_tokens"] > 0 for one in found] == [False, True]
    assert found[1]["cache_write_tokens"] == 0


def test_a_translated_request_uses_its_provider_s_cache() -> None:
    desk = Desk()
    sent: dict[str, Any] = {"path": "/chat/completions", "dialect": "chat"}
    read = [
        desk.chat("groq", LONG, model="openai/gpt-oss-20b", **sent).json["usage"]["prompt_tokens_details"]
        for _ in range(2)
    ]
    assert [one["cached_tokens"] > 0 for one in read] == [False, True]
    assert desk.chat("anthropic", LONG, **sent).json["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


@pytest.mark.parametrize("provider", ["cerebras", "grok", "openrouter", "fireworks", "azure-openai"])
def test_who_reports_cached_tokens(provider: str) -> None:
    desk = Desk()
    path = "/r/d/chat/completions" if provider == "azure-openai" else "/v1/chat/completions"
    found = [desk.chat(provider, LONG, path=path).json["usage"]["prompt_tokens_details"] for _ in range(2)]
    assert [one["cached_tokens"] > 0 for one in found] == [False, True]


def test_deepseek_reports_hits_and_misses() -> None:
    desk = Desk()
    first, second = usage(desk, "deepseek"), usage(desk, "deepseek")
    assert (first["prompt_cache_hit_tokens"], first["prompt_cache_miss_tokens"]) == (0, first["prompt_tokens"])
    assert second["prompt_cache_hit_tokens"] > 2000
    assert second["prompt_cache_hit_tokens"] + second["prompt_cache_miss_tokens"] == second["prompt_tokens"]
    assert second["prompt_tokens_details"]["cached_tokens"] == second["prompt_cache_hit_tokens"]


def test_mistral_wants_a_key_for_its_cache() -> None:
    desk = Desk()
    assert cached(desk, "mistral") == cached(desk, "mistral") == 0
    assert cached(desk, "mistral", prompt_cache_key="a") == 0
    assert cached(desk, "mistral", prompt_cache_key="a") > 0
    assert cached(desk, "mistral", prompt_cache_key="b") == 0


def test_groq_reports_only_what_there_is() -> None:
    desk = Desk()
    model = "openai/gpt-oss-120b"
    assert "prompt_tokens_details" not in usage(desk, "groq", model=model)
    assert usage(desk, "groq", model=model)["prompt_tokens_details"]["cached_tokens"] > 0
    assert "prompt_tokens_details" not in usage(desk, "groq", model="llama-3.3-70b-versatile")
    assert "prompt_tokens_details" not in usage(desk, "groq", model="llama-3.3-70b-versatile")


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = PrefixMemory(entries=3)
    digests = [chain(b"", bytes([number])) for number in range(4)]
    for digest in digests:
        memory.write(digest, 0.0, 10.0)
    assert len(memory) == 3
    assert [memory.holds(digest, 1.0) for digest in digests] == [False, True, True, True]
    memory.refresh(digests[1], 5.0)
    memory.write(digests[0], 5.0, 10.0)
    assert [memory.holds(digest, 6.0) for digest in digests] == [True, True, False, True]
    assert not memory.holds(digests[3], 10.0)
    small = Desk(FakeProviders(remembered=4))
    # The beginning of a prompt is what stays.
    assert cached(small) == 0
    assert cached(small) == 0
    desk = Desk(FakeProviders(remembered=12))
    assert cached(desk) == 0
    assert cached(desk) == 12 * 128


@settings(max_examples=200, deadline=None)
@given(
    first=st.text(max_size=400),
    second=st.text(max_size=400),
    shared=st.text(max_size=400),
    minimum=st.integers(1, 60),
    step=st.integers(1, 20),
)
def test_what_is_read_is_what_is_shared(first: str, second: str, shared: str, minimum: int, step: int) -> None:
    memory, rule = PrefixMemory(), PrefixRule(minimum, step, 10.0, writes=True)
    one, other = [shared + first], [shared + second]
    start = recall(memory, rule, b"", one, 0.0)
    assert start.read == 0
    again = recall(memory, rule, b"", one, 1.0)
    assert again.read == start.written
    assert again.written == 0
    found = recall(memory, rule, b"", other, 2.0)
    # What both have in common as JSON, in characters; four of them are a token.
    pairs = zip(json.dumps(one), json.dumps(other), strict=False)
    length = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
    assert found.read <= length // 4
    assert found.read > length // 4 - step or found.read == 0
    assert found.read % step == 0
    assert found.read == 0 or found.read >= minimum
    assert recall(memory, rule, b"other", one, 2.0).read == 0
    assert recall(memory, rule, b"", one, 100.0).read == 0
