"""Counters over windows of time (contract 9, row 19)."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._json import JsonValue, write
from aig_client.apps.emulator._windows import Windows

NOW = 1_760_000_000.0  # on a boundary of every window that divides 1 000 seconds
KEY = ("a", "b")

MOMENTS = st.lists(st.floats(0, 1000, allow_nan=False), min_size=1, max_size=40).map(sorted)


def test_a_fixed_window_is_aligned_to_the_clock() -> None:
    windows = Windows()
    windows.add(KEY, 5, 60, NOW + 59)
    boundary = math.ceil((NOW + 59) / 60) * 60
    assert windows.total(KEY, 60, "fixed", boundary - 0.001) == 5
    assert windows.total(KEY, 60, "fixed", boundary) == 0


def test_a_sliding_total_weighs_the_window_before() -> None:
    windows = Windows()
    windows.add(KEY, 40, 100, NOW + 10)
    windows.add(KEY, 7, 100, NOW + 125)
    assert windows.total(KEY, 100, "sliding", NOW + 125) == 7 + 40 * 0.75
    assert windows.total(KEY, 100, "sliding", NOW + 199) == pytest.approx(7 + 40 * 0.01)
    assert windows.total(KEY, 100, "sliding", NOW + 200) == 7
    assert windows.total(KEY, 100, "sliding", NOW + 300) == 0


def test_a_window_that_nothing_was_counted_in_is_empty() -> None:
    windows = Windows()
    windows.add(KEY, 40, 100, NOW)
    windows.add(KEY, 1, 100, NOW + 250)
    assert windows.total(KEY, 100, "sliding", NOW + 250) == 1


def test_keys_and_window_lengths_are_apart() -> None:
    windows = Windows()
    windows.add(KEY, 1, 60, NOW)
    assert windows.total(("a", "c"), 60, "fixed", NOW) == 0
    assert windows.total(KEY, 61, "fixed", NOW) == 0


def test_an_earlier_moment_loses_nothing() -> None:
    windows = Windows()
    windows.add(KEY, 3, 100, NOW + 150)
    windows.add(KEY, 4, 100, NOW + 20)
    assert windows.total(KEY, 100, "fixed", NOW + 150) == 7
    assert windows.total(KEY, 100, "fixed", NOW + 20) == 7
    assert windows.total(KEY, 100, "sliding", NOW + 20) == 7


def test_the_longest_unused_key_goes_first() -> None:
    windows = Windows(most=2)
    windows.add(("old",), 1, 60, NOW)
    windows.add(("asked",), 1, 60, NOW)
    windows.total(("old",), 60, "fixed", NOW)
    windows.add(("new",), 1, 60, NOW)
    assert len(windows) == 2
    assert windows.total(("old",), 60, "fixed", NOW) == 1
    assert windows.total(("asked",), 60, "fixed", NOW) == 0


@given(MOMENTS, st.integers(1, 300))
def test_a_fixed_window_never_undercounts(moments: list[float], window: int) -> None:
    windows = Windows()
    for place, now in enumerate(moments):
        windows.add(KEY, 2, window, now)
        same = sum(2 for other in moments[: place + 1] if other // window == now // window)
        assert windows.total(KEY, window, "fixed", now) == same


@given(MOMENTS, st.integers(1, 300), st.floats(0, 1000, allow_nan=False))
def test_a_sliding_total_stands_between_its_bounds(moments: list[float], window: int, later: float) -> None:
    windows = Windows()
    for now in moments:
        windows.add(KEY, 2, window, now)
    now = moments[-1] + later
    index = now // window
    this = sum(2 for moment in moments if moment // window == index)
    before = sum(2 for moment in moments if moment // window == index - 1)
    share = 1 - (now % window) / window
    assert windows.total(KEY, window, "sliding", now) == pytest.approx(this + before * share)
    assert this <= windows.total(KEY, window, "sliding", now) <= this + before


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 10**12), st.integers(1, 90), st.floats(0, 500)),
        max_size=30,
    )
)
def test_a_dump_is_json_and_loads_to_the_same(added: list[tuple[str, int, int, float]]) -> None:
    windows, copy = Windows(), Windows()
    for name, amount, window, now in added:
        windows.add((name, "x"), amount, window, now)
    copy.load(json.loads(write(windows.dump())))
    assert copy.dump() == windows.dump()
    for name, _, window, now in added:
        key, later = (name, "x"), now + window
        assert copy.total(key, window, "sliding", later) == windows.total(key, window, "sliding", later)
        assert copy.total(key, window, "fixed", now) == windows.total(key, window, "fixed", now)


@pytest.mark.parametrize(
    "dumped", [None, 7, "x", {}, [1], [[]], [[60, 1, 1, 1]], [[60, True, 1, 1, "k"]], [[0, 1, 1, 1, "k"]]]
)
def test_a_dump_that_is_none_loads_nothing(dumped: JsonValue) -> None:
    windows = Windows()
    windows.add(KEY, 1, 60, NOW)
    windows.load(dumped)
    assert len(windows) == 0
