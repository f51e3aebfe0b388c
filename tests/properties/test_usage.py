"""Whatever a provider says, the parts add up to the totals or the record says why not; and nothing ever raises."""

from __future__ import annotations

import json
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.core import Usage, UsageDialect, estimate_usage, normalize_usage
from aig_client.core.facts._usage import usage_of
from aig_client.core.facts._usage_record import MOST
from aig_client.core.facts._usage_rows import ROWS, DialectRow

from ..facts.test_usage import COUNTS, parts_add_up

DIALECTS = st.sampled_from(get_args(UsageDialect))
TOKENS = st.integers(0, 2_000_000)
ANYTHING = st.one_of(
    TOKENS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["modality", "tokenCount", "ttl"]), st.integers() | st.just("AUDIO"))),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
PATHS = [
    path
    for row in ROWS.values()
    for name in DialectRow.__slots__
    if isinstance(value := getattr(row, name), tuple)
    for path in value
]


def put(payload: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = payload.get(name)
        payload = inner if isinstance(inner, dict) else payload.setdefault(name, {}) if name not in payload else {}
    payload[path[-1]] = value


@st.composite
def payloads(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=14)):
        put(payload, path, draw(values))
    return payload


@settings(max_examples=400)
@given(DIALECTS | st.none(), payloads(ANYTHING))
def test_parts_add_up_or_the_record_says_why_not(dialect: Any, payload: dict[str, Any]) -> None:
    usage = normalize_usage(dialect, payload)
    assert parts_add_up(usage) or usage.contradictions
    for name in COUNTS:
        value = getattr(usage, name)
        assert value is None or (type(value) in (int, float) and 0 <= value <= 10 * MOST)
    if usage.total_tokens is not None and None not in (usage.input_tokens, usage.output_tokens):
        assert usage.total_tokens == (usage.input_tokens or 0) + (usage.output_tokens or 0)
    json.dumps(dict(usage.as_dict()), allow_nan=False)


@settings(max_examples=400)
@given(DIALECTS | st.none(), payloads(TOKENS))
def test_a_reported_total_is_the_sum_or_the_record_says_why_not(dialect: Any, payload: dict[str, Any]) -> None:
    usage = normalize_usage(dialect, payload)
    row = ROWS[usage.dialect] if usage.dialect is not None else None
    known = None not in (usage.input_tokens, usage.output_tokens, usage.reported_total_tokens)
    if known and row is not None and not row.plain_total:
        assert usage.reported_total_tokens == usage.total_tokens or "total" in usage.contradictions


@given(
    st.recursive(
        ANYTHING,
        lambda inner: st.dictionaries(
            st.sampled_from(["usage", "meta", "delta", "prompt_tokens", "input_tokens", "tokens", "x_groq"])
            | st.text(),
            inner,
            max_size=4,
        ),
    ),
    DIALECTS | st.none(),
)
def test_nothing_makes_it_raise(payload: Any, dialect: Any) -> None:
    normalize_usage(dialect, payload)
    usage_of(b"", json.dumps({"usage": payload}, default=str).encode(), dialect=dialect)


@given(TOKENS, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)
def test_one_call_means_the_same_in_every_dialect(
    fresh: int, read: int, short: int, long: int, text: int, thought: int
) -> None:
    """The same prompt and answer, written as three providers write them."""
    taken, given_, write = fresh + read + short + long, text + thought, short + long
    anthropic = normalize_usage(
        "anthropic",
        {
            "input_tokens": fresh,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": write,
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
            "output_tokens": given_,
            "output_tokens_details": {"thinking_tokens": thought},
        },
    )
    chat = normalize_usage(
        "openai-chat",
        {
            "prompt_tokens": taken,
            "completion_tokens": given_,
            "total_tokens": taken + given_,
            "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
            "completion_tokens_details": {"reasoning_tokens": thought},
        },
    )
    gemini = normalize_usage(
        "gemini",
        {
            "promptTokenCount": taken,
            "cachedContentTokenCount": read,
            "candidatesTokenCount": text,
            "thoughtsTokenCount": thought,
            "totalTokenCount": taken + given_,
        },
    )
    xai = normalize_usage(
        "xai",
        {
            "prompt_tokens": taken,
            "completion_tokens": text,
            "total_tokens": taken + given_,
            "prompt_tokens_details": {"cached_tokens": read},
            "completion_tokens_details": {"reasoning_tokens": thought},
        },
    )
    for usage in (anthropic, chat, gemini, xai):
        assert usage.contradictions == ()
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (taken, given_, taken + given_)
        assert (usage.cached_input_tokens, usage.reasoning_tokens, usage.output_text_tokens) == (read, thought, text)
    assert anthropic.fresh_input_tokens == chat.fresh_input_tokens == fresh
    assert gemini.fresh_input_tokens == xai.fresh_input_tokens == fresh + write


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_cumulative_stream_says_its_last_word_wherever_it_is_cut(outputs: list[int], fresh: int, read: int) -> None:
    def event(**usage: int | None) -> bytes:
        return b"data: " + json.dumps({"usage": usage}).encode() + b"\n\n"

    start = event(input_tokens=fresh, cache_read_input_tokens=read, output_tokens=1)
    tail = b"".join(event(output_tokens=count, input_tokens=None) for count in outputs)
    usage = usage_of(start, tail, dialect="anthropic")
    assert usage is not None
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (fresh + read, read, outputs[-1])
    cut = usage_of(start, tail[: len(tail) // 2], dialect="anthropic", complete=False)
    assert cut is not None
    assert (cut.input_tokens, cut.complete) == (fresh + read, False)
    assert cut.output_tokens in (1, *outputs)


@given(st.none() | TOKENS, st.none() | TOKENS, st.none() | TOKENS, st.none() | TOKENS, st.floats(0.1, 100))
def test_an_estimate_never_overrides_what_was_reported(
    taken: int | None, given_: int | None, wide: int | None, long: int | None, per: float
) -> None:
    told = Usage(taken, given_)
    usage = estimate_usage(input_characters=wide, output_characters=long, characters_per_token=per, reported=told)
    assert taken in (None, usage.input_tokens)
    assert given_ in (None, usage.output_tokens)
    assert (usage.source == "estimated") == ((usage.input_tokens, usage.output_tokens) != (taken, given_))
