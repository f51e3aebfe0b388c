"""Differences folded for people: nothing that `diff_keys` finds is lost, and nothing is made up."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client import SHARED, diff_keys, explain_key
from aig_client.apps.cli._advice import advice_on, place_of
from aig_client.apps.cli._differences import Difference, differences
from aig_client.apps.cli._prompt_place import PromptPlace, prompt_place

URL = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"

BODY: dict[str, Any] = {
    "model": "gpt-4.1-mini",
    "temperature": 0,
    "messages": [
        {"role": "system", "content": "You are the help desk. It is 2026-11-23T09:14:02Z."},
        {"role": "user", "content": "How do I reset my password?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": name, "parameters": {"type": "object", "properties": {"a": {}, "b": {}}}},
        }
        for name in ("search", "open", "close")
    ],
    "metadata": {"request": "0195e3a4-7c2d-7b1a-9f3e-0242ac120002"},
}


def found(a: object, b: object) -> list[Difference]:
    one, two = explain_key(URL, a, tenant=SHARED), explain_key(URL, b, tenant=SHARED)
    return differences(one.body, two.body, diff_keys(one, two).pointers)


def changed(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(BODY) | changes


def short(one: Difference) -> tuple[str, str, str]:
    return one.pointer, one.how, one.change.kind


def system(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": text}, BODY["messages"][1]]


TOOLS = BODY["tools"]
SCHEMA = copy.deepcopy(TOOLS)
SCHEMA[1]["function"]["parameters"]["properties"] = {"b": {}, "a": {}}

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    ("nothing", changed(), []),
    ("ignored", changed(user="u-1"), []),
    ("number", changed(temperature=0.5), [("/temperature", "changed", "number")]),
    ("added", changed(seed=7), [("/seed", "added", "presence")]),
    ("removed", {k: v for k, v in BODY.items() if k != "metadata"}, [("/metadata", "removed", "presence")]),
    ("time", changed(messages=system("You are the help desk. It is 2026-11-24T10:00:00Z.")),
     [("/messages/0/content", "changed", "time")]),
    ("tools in another order", changed(tools=TOOLS[::-1]), [("/tools", "changed", "order")]),
    ("schema in another order", changed(tools=SCHEMA),
     [("/tools/1/function/parameters/properties", "changed", "order")]),
    ("a tool put in front", changed(tools=[{"type": "x"}, *TOOLS]), [("/tools/0", "added", "presence")]),
    ("a tool put between", changed(tools=[*TOOLS[:1], {"type": "x"}, *TOOLS[1:]]), [("/tools/1", "added", "presence")]),
    ("a tool taken out", changed(tools=TOOLS[1:]), [("/tools/0", "removed", "presence")]),
    ("a turn more", changed(messages=[*BODY["messages"], {"role": "assistant", "content": "So."}]),
     [("/messages/2", "added", "presence")]),
    ("a list for a text", changed(messages=system([{"type": "text"}])), [("/messages/0/content", "changed", "type")]),  # type: ignore[arg-type]
    ("all of it", changed(messages=system("Other."), temperature=1, metadata={"request": 1}),
     [("/messages/0/content", "changed", "text"), ("/metadata/request", "changed", "type"),
      ("/temperature", "changed", "number")]),
]  # fmt: skip


@pytest.mark.parametrize(("other", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_change_is_one_line(other: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert sorted(short(one) for one in found(BODY, other)) == sorted(expected)


def test_they_come_in_the_order_in_which_a_provider_reads() -> None:
    other = changed(temperature=1, tools=TOOLS[::-1], messages=system("Other."), metadata={})
    assert [one.pointer for one in found(BODY, other)] == [
        "/tools",
        "/messages/0/content",
        "/metadata/request",
        "/temperature",
    ]


def test_pointers_are_escaped() -> None:
    assert [one.pointer for one in found(changed(**{"a/b~c": 1}), changed(**{"a/b~c": [1]}))] == ["/a~1b~0c"]


def test_items_beyond_the_ninth_are_in_order() -> None:
    a = {"messages": [{"content": f"{n}"} for n in range(12)], "model": "m"}
    b = {"messages": [{"content": f"x{n}"} for n in range(12)], "model": "m"}
    assert [one.path[1] for one in found(a, b)] == list(range(12))


# --- the place in the prompt ------------------------------------------------------------------------


def test_where_in_the_prompt() -> None:
    body = {"messages": [{"content": "12345"}, {"content": "6789"}], "system": "abc", "tools": ["t"]}
    assert prompt_place(body, ("tools", 0), 0) == PromptPlace(0, 13)
    assert prompt_place(body, ("system",), 2) == PromptPlace(3, 13)
    assert prompt_place(body, ("messages", 1, "content"), 1) == PromptPlace(10, 13)
    assert prompt_place(body, ("temperature",), 0) is None
    assert prompt_place(body, (), 0) is None
    assert prompt_place([], ("messages",), 0) is None
    assert PromptPlace(1, 13).near_front
    assert not PromptPlace(10, 13).near_front


def test_a_place_in_words() -> None:
    (time,) = found(BODY, changed(messages=system("You are the help desk. It is 2026-11-24T10:00:00Z.")))
    assert place_of(time) == "At character 30, after 92 of 144 characters of the prompt"
    (order,) = found(BODY, changed(tools=TOOLS[::-1]))
    assert place_of(order) == "At the very front of the prompt"
    (number,) = found(BODY, changed(temperature=1))
    assert place_of(number) is None


def test_advice_fits_the_place() -> None:
    inside = found(BODY, changed(messages=system("You are the help desk. It is 2026-11-24T10:00:00Z.")))[0]
    outside = found(BODY, changed(metadata={"request": "0195e8cb-11f0-7c55-8a6d-0242ac120002"}))[0]
    number = found(BODY, changed(temperature=1.5))[0]
    assert "end of the last message" in (advice_on(inside) or "")
    assert "cf-aig-metadata" in (advice_on(outside) or "")
    assert advice_on(number) is None


# --- properties -------------------------------------------------------------------------------------

NAMES = st.sampled_from(["messages", "tools", "parameters", "content", "a", "b/c", "~"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "2026-11-23", "2026-11-24"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=4)


@settings(deadline=None, max_examples=200)
@given(BODIES, BODIES)
def test_every_pointer_of_diff_keys_is_covered_and_no_other(a: dict[str, Any], b: dict[str, Any]) -> None:
    one, two = explain_key(URL, a, tenant=SHARED), explain_key(URL, b, tenant=SHARED)
    diff = diff_keys(one, two)
    shown = [each.pointer for each in differences(one.body, two.body, diff.pointers)]
    assert bool(shown) == bool(diff.pointers)
    assert len(shown) == len(set(shown))
    # Folding says "item 0 was put in" for what diff_keys sees at every index behind it, so lists are compared as such.
    for pointer in diff.pointers:
        assert any(_covers(each, pointer) for each in shown), (pointer, shown)
    for each in shown:
        assert any(_covers(each, pointer) for pointer in diff.pointers), (each, diff.pointers)


def _covers(shown: str, pointer: str) -> bool:
    """The one is the other, above it, or they lie in one list."""
    if f"{pointer}/".startswith(f"{shown}/"):
        return True
    parent, _, last = shown.rpartition("/")
    return last.isdigit() and f"{pointer}/".startswith(f"{parent}/")


@settings(deadline=None)
@given(st.permutations(list(range(5))))
def test_an_order_is_one_difference(order: list[int]) -> None:
    a = {"tools": [{"name": str(n)} for n in range(5)]}
    b = {"tools": [{"name": str(n)} for n in order]}
    expected = [] if order == sorted(order) else [("/tools", "changed", "order")]
    assert [short(one) for one in found(a, b)] == expected
