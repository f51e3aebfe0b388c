"""`aig bench FILE.jsonl`: the figures, and a replay against the emulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.cli._bench_figures import Sample, figures_of, latency_of, percentile
from aig_client.apps.emulator import RunningEmulator

from .running import run

BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Say hello"}]}
LONG = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Say hello, and mean it. " * 20}]}
CLAUDE = {
    "provider": "anthropic",
    "tenant": "globex",
    "body": {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": BODY["messages"]},
}


def lines(folder: Path, *values: object) -> str:
    text = "\n".join(value if isinstance(value, str) else json.dumps(value) for value in values)
    (folder / "r.jsonl").write_text(text + "\n", "utf-8")
    return "r.jsonl"


# --- arithmetic -------------------------------------------------------------------------------------


def sample(**values: object) -> Sample:
    usual: dict[str, object] = {"line": 1, "run": 1, "latency": 1.0, "cache_status": "MISS", "input_tokens": 10}
    usual |= {"output_tokens": 1, "error": None, "status": 200, "log_id": None}
    return Sample(**usual | values)  # type: ignore[arg-type]


def test_rates() -> None:
    figures = figures_of(
        [
            sample(cache_status="HIT", input_tokens=90, latency=0.1),
            sample(input_tokens=10, latency=2.0),
            sample(cache_status="HIT", input_tokens=None, latency=0.3),
            sample(cache_status=None, input_tokens=20, latency=3.0),
            sample(error="rate_limited", cache_status=None, input_tokens=None, status=429, latency=9.0),
        ]
    )
    assert (figures.requests, figures.errors, figures.hits, figures.misses, figures.unknown) == (5, 1, 2, 1, 1)
    assert figures.hit_rate == 0.5  # of answers: an error is none, an unknown status is no miss
    assert figures.token_hit_rate == 90 / 120
    assert (figures.input_tokens, figures.input_tokens_of_hits, figures.unmetered) == (120, 90, 1)
    assert figures.errors_by_meaning == {"rate_limited": 1}
    assert [one.latency for one in figures.slowest] == [9.0, 3.0, 2.0, 0.3, 0.1]
    assert (figures.hit_latency.p50, figures.hit_latency.p99, figures.hit_latency.count) == (0.1, 0.3, 2)


def test_money() -> None:
    figures = figures_of(
        [
            sample(nanodollars=500, saved_nanodollars=0, model="a"),
            sample(nanodollars=None, saved_nanodollars=None, model="b"),
            sample(cache_status="HIT", nanodollars=0, saved_nanodollars=500, model="a"),
            sample(cache_status="HIT", nanodollars=0, saved_nanodollars=None, model="b"),
            sample(error="rate_limited", cache_status=None, nanodollars=None, model=None),
        ]
    )
    assert (figures.nanodollars, figures.unpriced) == (500, 1)  # an error is no answer of unknown cost
    assert (figures.saved_nanodollars, figures.unsaved) == (500, 1)
    assert figures.answers_by_model == {"a": 2, "b": 2}


def test_nothing_is_not_zero() -> None:
    figures = figures_of([sample(error="x", input_tokens=None)])
    assert figures.hit_rate is None
    assert figures.token_hit_rate is None
    assert figures.hit_latency.p50 is None


def test_percentiles_are_nearest_rank() -> None:
    times = [float(n) for n in range(1, 101)]
    assert [percentile(times, part) for part in (50, 95, 99)] == [50.0, 95.0, 99.0]
    assert percentile([7.0], 99) == 7.0
    assert percentile([], 50) is None


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1))
def test_percentiles_are_values_that_occurred_and_in_order(times: list[float]) -> None:
    latency = latency_of(sample(latency=time) for time in times)
    shown = [latency.p50, latency.p95, latency.p99]
    assert all(value in times for value in shown)
    assert shown == sorted(shown, key=lambda value: value or 0)


# --- replays ----------------------------------------------------------------------------------------


def test_a_replay(emulator: RunningEmulator, folder: Path) -> None:
    name = lines(folder, BODY, "", LONG, CLAUDE)
    ran = run("bench", name, "--cache", "300", "--tenant", "acme", "--repeat", "3", "--concurrency", "2", "--json")
    assert (ran.code, ran.err) == (0, "")
    data = ran.data
    figures = data["figures"]
    assert (figures["requests"], figures["hits"], figures["misses"], figures["errors"]) == (9, 6, 3, 0)
    assert figures["hit_rate"] == pytest.approx(2 / 3)
    assert figures["token_hit_rate"] == pytest.approx(2 / 3)
    assert (figures["hit_latency"]["count"], figures["miss_latency"]["count"]) == (6, 3)
    assert {one["line"] for one in figures["slowest"]} <= {1, 3, 4}
    assert (data["passes"], data["cache"], data["concurrency"]) == (3, 300, 2)
    assert len(emulator.provider_calls) == 3
    assert len({entry.cf_aig["cf-aig-cache-key"] for entry in emulator.log}) == 3


def test_the_token_weighted_rate_is_another(emulator: RunningEmulator, folder: Path) -> None:
    options = ("--cache", "300", "--shared", "--json", "--concurrency", "1")
    run("bench", lines(folder, BODY), *options)
    figures = run("bench", lines(folder, BODY, LONG), *options).data["figures"]
    assert figures["hit_rate"] == 0.5
    assert figures["token_hit_rate"] < 0.2


@pytest.mark.usefixtures("emulator")
def test_what_people_see(folder: Path) -> None:
    ran = run("bench", lines(folder, BODY, LONG), "--cache", "300", "--tenant", "acme", "--repeat", "2")
    assert ran.code == 0
    shown = ran.out.splitlines()
    assert shown[0].startswith("requests        4 in ")
    assert "hits            2, 2 misses, 0 unknown" in shown
    assert "hit rate        50.0 %" in shown
    assert any(line.startswith("token-weighted  50.0 % (") for line in shown)
    assert any(line.split() == ["latency", "p50", "p95", "p99", "requests"] for line in shown)
    uncached = run("bench", lines(folder, BODY))
    assert "cached          not, unless the class says so: --cache SECONDS turns it on" in uncached.out


def test_a_request_that_fails_is_counted(emulator: RunningEmulator, folder: Path) -> None:
    name = lines(folder, BODY, {"provider": "groq", "body": BODY})
    ran = run("bench", name, "--json")
    assert ran.code == 1
    figures = ran.data["figures"]
    assert figures["errors"] == 1
    assert sum(figures["errors_by_meaning"].values()) == 1
    assert run("bench", name).code == 1
    assert emulator.log


URL = {"url": "https://x.example", "body": BODY}
BAD: list[tuple[list[object], list[str], str]] = [
    (["{"], [], "r.jsonl:1 is not JSON at line 1, column 2: correct it there."),
    ([BODY, "7"], [], "r.jsonl:2 holds a number, not a request: give the JSON object that a provider is sent."),
    ([BODY, '{"a": 1}'], [], "r.jsonl:2 has the shape of no request that aig knows: give --provider and --endpoint, "),
    (["[]"], [], "r.jsonl:1 holds a list: write one JSON object on each line."),
    ([{"provider": "opnai", "body": BODY}], [], "r.jsonl:1: provider: AI Gateway has no slug 'opnai'."),
    ([URL], [], "r.jsonl:1 names a URL, and aig bench sends to the gateway that is configured: remove it."),
    ([BODY], ["--cache", "300"], "Line 1: a cached answer belongs to a tenant: give --tenant NAME, --shared, or a "),
    ([{**BODY, "x": "\ud800"}], [], "Line 1: json: cannot be written as JSON (UnicodeEncodeError)"),
    ([{**BODY, "x": 2**60}], ["--cache", "60", "--shared"], "Line 1: body/x: holds an integer beyond 2^53 - 1."),
]


@pytest.mark.parametrize(("values", "words", "sentence"), BAD, ids=[case[2][:40] for case in BAD])
def test_bad_lines_are_named_before_anything_is_sent(
    emulator: RunningEmulator, folder: Path, values: list[object], words: list[str], sentence: str
) -> None:
    ran = run("bench", lines(folder, *values), *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence.startswith(f"Nothing was sent. {sentence}")
    assert not emulator.log


def test_an_empty_file_is_told(folder: Path) -> None:
    assert run("bench", lines(folder)).sentence == "r.jsonl holds no request: write one JSON object on each line."


def test_many_bad_lines_are_counted(folder: Path) -> None:
    sentence = run("bench", lines(folder, *["x"] * 9)).sentence
    assert sentence.count("is not JSON") == 5
    assert sentence.endswith(" And 4 more lines.")


def test_wrong_usage(folder: Path) -> None:
    name = lines(folder, BODY)
    for words in (("--concurrency", "65"), ("--repeat", "0"), ("--cache", "x"), ("--tenant", "a", "--shared")):
        assert run("bench", name, *words).code == 2
    assert run("bench", "none.jsonl").sentence.startswith("none.jsonl: there is no such file.")


@pytest.mark.usefixtures("emulator")
def test_what_it_cost_and_what_hits_saved(folder: Path) -> None:
    name = lines(folder, BODY)
    words = ("bench", name, "--cache", "300", "--tenant", "money", "--repeat", "3", "--concurrency", "1")
    figures = run(*words, "--json").data["figures"]
    assert figures["nanodollars"] > 0
    assert figures["saved_nanodollars"] == 2 * figures["nanodollars"]
    assert (figures["unpriced"], figures["unsaved"]) == (0, 0)
    assert figures["answers_by_model"] == {"gpt-4.1-mini": 3}
    out = run(*words).out
    assert "cost            $0.00\n" in out  # all of it was cached by then
    assert " by hits\n" in out


@pytest.mark.usefixtures("emulator")
def test_an_unknown_price_is_not_nothing(folder: Path) -> None:
    name = lines(folder, {**BODY, "model": "nobody-knows-this"})
    ran = run("bench", name)
    assert "cost            $0.00, without 1 answer of unknown cost\n" in ran.out


@pytest.mark.usefixtures("emulator")
def test_lines_without_a_model_and_a_class(folder: Path) -> None:
    name = lines(folder, {"messages": BODY["messages"]})
    figures = run("bench", name, "--route-class", "cost_effective", "--json").data["figures"]
    (model,) = figures["answers_by_model"]
    assert model == run("plan", name, "--route-class", "cost_effective", "--json").data["model"]
