"""What route classes cost beside selection: usage, its price, loading a policy, and the whole of ``decide``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from statistics import median

import _bodies
from _rounds import Call, middle_half, race
from _rows import Flags, Row, main_of_section, pin, time_text

CLASSES = 50
URL = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
# One whole object of each kind, as long as providers write them.
USAGES = {
    "openai-chat": {
        "prompt_tokens": 2006,
        "completion_tokens": 300,
        "total_tokens": 2306,
        "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 256,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    },
    "anthropic": {
        "input_tokens": 21,
        "cache_creation_input_tokens": 1880,
        "cache_read_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1880, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 393,
        "service_tier": "standard",
        "server_tool_use": {"web_search_requests": 0},
    },
    "gemini": {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 150,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 20}],
    },
}


def _policy() -> bytes:
    from aig_client.schema import compile_policy

    classes = {
        f"kind_{number}": {
            "strategy": "fixed",
            "targets": ["openai/gpt-5-mini", "openai/gpt-5-nano"],
            "limits": {"max_output_tokens": 500 + number, "deadline": 30},
            "retries": {"max_attempts": 3, "delay": 200, "backoff": "exponential"},
            "cache": {"strategy": "response", "ttl": 300},
            "metadata": {"team": f"team-{number}"},
            "fallbacks": 1,
        }
        for number in range(CLASSES - 10)
    }
    return json.dumps(compile_policy({"classes": classes})).encode()


def _contestants() -> Iterator[tuple[str, Call, float | None]]:
    from aig_client.core import (
        Options,
        Price,
        Request,
        Rules,
        builtin_policy,
        cost_of,
        decide,
        normalize_usage,
        policy_from_document,
        read,
    )

    for dialect, payload in USAGES.items():
        yield f"normalize_usage, {dialect}", partial(normalize_usage, dialect, payload), 15e-6
    usage, price = normalize_usage("openai-chat", USAGES["openai-chat"]), Price(input=10**9, output=4 * 10**9)
    yield "cost_of", lambda: cost_of(usage, price), None
    document = _policy()
    yield (
        f"a compiled policy of {CLASSES} classes, JSON included",
        lambda: policy_from_document(json.loads(document)),
        5e-3,
    )
    body = _bodies.SHAPES["text"](10_000)
    raw = json.dumps(body).encode()
    chosen = json.dumps({name: value for name, value in body.items() if name != "model"}).encode()
    rules = Rules(token="t", policy=builtin_policy())  # noqa: S106
    kind = ((b"content-type", b"application/json"),)
    plain, classed = Options(), Options(route_class="balanced")
    yield "decide, no class, 10 KB", lambda: decide(read(Request("POST", URL, kind, raw), rules), rules, plain), None
    yield (
        "decide, a class, the caller's model, 10 KB",
        lambda: decide(read(Request("POST", URL, kind, raw), rules), rules, classed),
        None,
    )
    yield (
        "decide, a class chooses the model, 10 KB",
        lambda: decide(read(Request("POST", URL, kind, chosen), rules), rules, classed),
        None,
    )


def measure(flags: Flags) -> list[Row]:
    """One table, each line by itself."""
    pin(0)
    lines = list(_contestants())
    turn = 0.002 if flags.quick else 0.006
    result = race({name: call for name, call, _ in lines}, rounds=7 if flags.quick else 31, turn_seconds=turn, warm=20)
    rows: list[Row] = []
    for name, _, most in lines:
        taken = result.cpu[name]
        low, high = middle_half(taken)
        rows.append(
            Row(
                "Route classes: what they cost",
                name,
                time_text(median(taken)),
                spread=f"{time_text(low)} to {time_text(high)}",
                target=f"<= {time_text(most)}" if most is not None else "",
                kept=median(taken) <= most if most is not None else None,
                close=most is not None and low <= most <= high,
            )
        )
    return rows


if __name__ == "__main__":
    main_of_section(measure)
