"""Usage with one meaning: provider by provider in ``usage.json``, and what no vector can say."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any, get_args

import pytest

from aig_client.core import (
    PROVIDERS,
    ConfigurationError,
    Usage,
    UsageDialect,
    estimate_usage,
    normalize_usage,
    usage_dialect,
)
from aig_client.core.facts._usage import usage_of
from aig_client.core.facts._usage_rows import ROWS

from .vectors import cases, document

COUNTS = [field.name for field in fields(Usage) if field.default is None and field.name != "dialect"]


def counts(usage: Usage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in COUNTS if getattr(usage, name) is not None}


def parts_add_up(usage: Usage) -> bool:
    def total(*parts: int | None) -> int:
        return sum(part or 0 for part in parts)

    taken = total(usage.fresh_input_tokens, usage.cache_read_input_tokens, usage.cache_write_input_tokens)
    given = total(
        usage.output_text_tokens, usage.reasoning_tokens, usage.output_audio_tokens, usage.output_image_tokens
    )
    return usage.input_tokens in (None, taken) and usage.output_tokens in (None, given)


def check(usage: Usage, case: dict[str, Any]) -> None:
    assert counts(usage) == case["expect"]
    assert {name: getattr(usage, name) for name in case.get("derived", ())} == case.get("derived", {})
    assert list(usage.contradictions) == case.get("contradictions", [])
    assert usage.source == "reported"
    assert parts_add_up(usage) or usage.contradictions


@cases("usage.json", "objects")
def test_a_usage_object_has_one_meaning(case: dict[str, Any]) -> None:
    usage = normalize_usage(case["dialect"], case["payload"])
    check(usage, case)
    assert usage.dialect == (case.get("read_as", case["dialect"]) or None)
    assert usage.by_shape == bool(case.get("read_as"))
    assert usage.complete
    assert type(usage.audio_seconds) in (float, type(None))


@cases("usage.json", "answers")
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_answers_bytes_say_its_usage(case: dict[str, Any], newline: str) -> None:
    start, tail = (case[end].replace("\n", newline).encode() for end in ("start", "tail"))
    usage = usage_of(start, tail, whole=case["whole"], dialect=case["dialect"], complete=case["complete"])
    if case["expect"] is None:
        assert usage is None
        return
    assert usage is not None
    check(usage, case)
    assert usage.dialect == case.get("read_as", case["dialect"])
    assert (usage.by_shape, usage.complete) == ("read_as" in case, case["complete"])


@cases("usage.json", "dialects")
def test_provider_and_endpoint_say_the_dialect(case: dict[str, Any]) -> None:
    assert usage_dialect(case["provider"], case["kind"]) == case["dialect"]


def test_every_dialect_has_a_row_and_a_vector() -> None:
    assert set(ROWS) == set(get_args(UsageDialect))
    told = {case["dialect"] for case in document("usage.json")["objects"]}
    assert told - {None} == set(ROWS)


def test_providers_without_a_dialect_are_known() -> None:
    """Where no usage is documented, the shape decides; a new provider is put on one of the two lists."""
    silent = {slug for slug in PROVIDERS if usage_dialect(slug, "chat") is None}
    assert silent == {
        *("huggingface", "replicate", "parallel", "fal", "ideogram", "cartesia", "deepgram", "elevenlabs"),
        "adobe-firefly",
    }


@pytest.mark.parametrize("payload", [None, 7, "usage", [], (), b"{}", object()])
@pytest.mark.parametrize("dialect", [None, "openai-chat", "no such thing", 7, ["groq"], {}])
def test_whatever_it_is_given_it_answers(dialect: Any, payload: Any) -> None:
    assert normalize_usage(dialect, payload).contradictions == ("not_an_object",)
    read = normalize_usage(dialect, {"prompt_tokens": 3})
    assert (read.input_tokens, read.by_shape) == (3, dialect != "openai-chat")


def test_what_is_nested_too_deep_is_not_looked_for() -> None:
    payload: dict[str, Any] = {"prompt_tokens": 3}
    for _ in range(10_000):
        payload = {"response": payload}
    assert normalize_usage(None, payload).contradictions == ("no_usage",)


def test_contradictions_name_members_and_never_values() -> None:
    payload = {
        "prompt_tokens": "s3cret",
        "s3cret": -1,
        "prompt_tokens_details": {"cached_tokens": "s3cret", "s3cret": 1},
    }
    usage = normalize_usage("openai-chat", payload)
    assert usage.contradictions == ("invalid:/prompt_tokens", "invalid:/prompt_tokens_details/cached_tokens")
    assert "s3cret" not in repr(usage) + json.dumps(dict(usage.as_dict()))


def test_a_usage_object_is_left_as_it_was() -> None:
    for case in document("usage.json")["objects"]:
        before = deepcopy(case["payload"])
        normalize_usage(case["dialect"], case["payload"])
        assert case["payload"] == before


def test_a_cut_answer_says_so() -> None:
    assert not normalize_usage("openai-chat", {"prompt_tokens": 3}, complete=False).complete


def test_as_a_dict_it_holds_what_is_known() -> None:
    usage = normalize_usage("anthropic", {"input_tokens": 1, "cache_read_input_tokens": 2, "output_tokens": 0})
    assert json.loads(json.dumps(dict(usage.as_dict()))) == {
        "input_tokens": 3,
        "output_tokens": 0,
        "cache_read_input_tokens": 2,
        "cached_input_tokens": 2,
        "fresh_input_tokens": 1,
        "output_text_tokens": 0,
        "total_tokens": 3,
        "source": "reported",
        "dialect": "anthropic",
        "by_shape": False,
        "complete": True,
        "contradictions": [],
    }


def test_usage_is_a_frozen_value() -> None:
    usage = Usage(1, 2, 3, 4)
    assert (usage.input_tokens, usage.output_tokens) == (1, 2)
    assert (usage.cache_read_input_tokens, usage.cache_write_input_tokens) == (3, 4)
    assert usage == Usage(1, 2, 3, 4)
    assert usage != Usage(1, 2, 3, 4, reasoning_tokens=1)
    assert len({usage, Usage(1, 2, 3, 4)}) == 1
    with pytest.raises(FrozenInstanceError):
        usage.input_tokens = 2  # type: ignore[misc]


def test_an_estimate_is_marked_as_one() -> None:
    assert estimate_usage(input_characters=10, output_characters=0) == Usage(3, 0, source="estimated")
    assert estimate_usage(input_characters=9, characters_per_token=1.5) == Usage(6, source="estimated")
    assert estimate_usage() == Usage(source="estimated")


def test_an_estimate_keeps_what_was_reported() -> None:
    told = Usage(100, 5, 60, dialect="anthropic")
    assert estimate_usage(input_characters=8, output_characters=4000, reported=told) is told
    cut = replace(told, output_tokens=1, complete=False)
    guessed = estimate_usage(input_characters=8, output_characters=400, reported=cut)
    assert guessed == replace(cut, output_tokens=100, source="estimated")
    assert estimate_usage(output_characters=1, reported=cut) is cut
    half = Usage(100, None)
    assert estimate_usage(output_characters=40, reported=half) == Usage(100, 10, source="estimated")
    assert estimate_usage(input_characters=8, reported=half) is half


@pytest.mark.parametrize(
    "arguments",
    [
        {"input_characters": -1},
        {"output_characters": 10**13},
        {"input_characters": 1, "characters_per_token": 0},
        {"characters_per_token": float("nan")},
        {"characters_per_token": float("inf")},
    ],
)
def test_a_guess_from_nonsense_is_refused(arguments: Any) -> None:
    with pytest.raises(ConfigurationError):
        estimate_usage(**arguments)
