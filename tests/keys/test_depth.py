"""How deep JSON may nest, and that finding out takes a time in proportion to the text."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.core._depth import _STRING, DEEPEST, shallow

VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='"\\[]{}a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='"\\[]{}a'), inner),
)


@given(VALUES)
def test_only_the_structure_of_a_text_is_left_without_its_strings(value: object) -> None:
    def shape(one: object) -> str:
        if isinstance(one, dict):
            return "{" + "".join(map(shape, one.values())) + "}"
        return "[" + "".join(map(shape, one)) + "]" if isinstance(one, list) else ""

    assert re.sub(r"[^\[\]{}]+", "", _STRING.sub("", json.dumps(value))) == shape(value)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_five_hundred_levels_are_the_deepest(opening: str, closing: str) -> None:
    above = DEEPEST - 2
    deepest = opening * above + "[[],[]]" + closing * above
    assert shallow(deepest) == deepest
    with pytest.raises(RecursionError):
        shallow(opening + deepest + closing)


def test_brackets_inside_strings_are_no_levels() -> None:
    text = json.dumps(["[" * 1000, '"[' * 1000, "\\[" * 1000])
    assert shallow(text) == text


@pytest.mark.parametrize("tail", ['\\"' * 20_000, '\\"' * 20_000 + "\\", '"' * 20_000, "\\" * 20_000, "a" * 20_000])
def test_a_string_that_never_ends_costs_no_more_than_its_length(tail: str) -> None:
    text = "[]" * (DEEPEST + 1) + '"' + tail
    began = time.process_time()
    assert shallow(text) == text
    assert time.process_time() - began < 0.5  # a millisecond, where the square of the length takes seconds
