"""The canonical form: against the ``rfc8785`` package, between encoders, between the fast way and the definition."""

from __future__ import annotations

import itertools
import json
import random
import string
import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, IntEnum, StrEnum
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.core import Encoder, Leaves, Unkeyable, canonical_json, decode_strictly
from aig_client.core._exact import MAX_DEPTH, write_exactly
from aig_client.core._reduce import LONG, Reducer, exactly
from aig_client.core.facts._fields import ORDERED_MEMBERS

from ..keys import bodies
from ..keys.bodies import ENCODERS

CASES = 50_000
encoders = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def reduced(body: object, encode: Encoder, leaves: Leaves | None = None) -> bytes:
    return b"".join(Reducer(encode, leaves or Leaves()).parts(body))


# --- RFC 8785 ----------------------------------------------------------------------------------------


def test_canonical_json_is_rfc_8785_on_fifty_thousand_values() -> None:
    rng = random.Random(8785)
    for _ in range(CASES):
        value = bodies.container(rng)
        expected = rfc8785.dumps(value)
        for name, encode in ENCODERS.items():
            assert canonical_json(value, encode=encode) == expected, (name, value)
        assert write_exactly(value) == expected, value


def test_a_float_of_any_magnitude_is_written_as_ecmascript_does() -> None:
    rng = random.Random(754)
    for _ in range(CASES):
        value = bodies.number(rng)
        assert write_exactly(value) == rfc8785.dumps(value), value
        assert canonical_json([value], encode=ENCODERS["orjson"]) == b"[%s]" % rfc8785.dumps(value), value


safe_integers = st.integers(1 - 2**53, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | safe_integers | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))


@settings(max_examples=400, deadline=None)
@given(values)
def test_canonical_json_is_rfc_8785_where_hypothesis_looks(value: Any) -> None:
    expected = rfc8785.dumps(value)
    assert [canonical_json(value, encode=encode) for encode in ENCODERS.values()] == [expected, expected]


@encoders
def test_canonical_json_is_read_back_as_it_was(encode: Encoder) -> None:
    rng = random.Random(1)
    for _ in range(2_000):
        value = bodies.value(rng)
        text = canonical_json(value, encode=encode)
        assert json.loads(text, parse_int=float) == json.loads(json.dumps(value), parse_int=float)


# --- The reduced form --------------------------------------------------------------------------------


def body(rng: random.Random) -> Any:
    """A value that is likely to hold long strings, schemas, tools and marks of our own."""
    tree = bodies.container(rng, 5, names=[*bodies.SCHEMA_NAMES, "tools", "messages"])
    if rng.random() < 0.5:
        tree = {
            "messages": [{"role": "user", "content": bodies.string(rng) * rng.choice((1, 1, 300, 2000))}],
            "x": tree,
        }
    if isinstance(tree, dict) and rng.random() < 0.5:
        parameters = bodies.value(rng, 3, names=bodies.SCHEMA_NAMES)
        tree["tools"] = [{"type": "function", "function": {"parameters": parameters, "name": bodies.string(rng)}}]
    return tree


def test_every_way_leads_to_the_same_reduced_text() -> None:
    rng = random.Random(2)
    fast = {name: Reducer(encode, Leaves(400_000)) for name, encode in ENCODERS.items()}
    for _ in range(8_000):
        value = body(rng)
        expected = exactly(value)
        for name, reducer in fast.items():
            for _again in range(3):  # cold, with tools that are met again, and from memory
                assert b"".join(reducer.parts(value)) == expected, (name, value)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*bodies.SCHEMA_NAMES, *bodies.NAMES, "tools"]), inner, max_size=4)
        ),
    )
)
def test_every_way_leads_to_the_same_reduced_text_where_hypothesis_looks(value: Any) -> None:
    assert [reduced(value, encode) for encode in ENCODERS.values()] == [exactly(value)] * 2


@encoders
def test_bytes_and_their_tree_are_one_body(encode: Encoder) -> None:
    rng = random.Random(3)
    for _ in range(2_000):
        value = body(rng)
        assert reduced(decode_strictly(orjson.dumps(value)), encode) == reduced(value, encode)


@encoders
def test_member_order_does_not_count_outside_schemas(encode: Encoder) -> None:
    rng = random.Random(4)
    for _ in range(3_000):
        value = body(rng)
        assert reduced(bodies.shuffled(rng, value, keep=ORDERED_MEMBERS), encode) == reduced(value, encode)


@encoders
@pytest.mark.parametrize("name", sorted(ORDERED_MEMBERS))
def test_member_order_counts_inside_schemas(name: str, encode: Encoder) -> None:
    one = {"a": [{name: {"x": [{"first": 1, "second": 2}]}}]}
    other = {"a": [{name: {"x": [{"second": 2, "first": 1}]}}]}
    assert reduced(one, encode) != reduced(other, encode)
    assert reduced(one, encode) == b'{"a":[{"%s":{"x":[{"first":1,"second":2}]}}]}' % name.encode()


def paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(tree, dict) and tree:
        return [found for name, item in tree.items() for found in paths(item, (*path, name))]
    if isinstance(tree, (list, tuple)) and tree:
        return [found for index, item in enumerate(tree) for found in paths(item, (*path, index))]
    return [path]


def changed(tree: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    if not path:
        return leaf
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = changed(tree[path[0]], path[1:], leaf)
    return copy


@encoders
def test_a_change_of_any_leaf_changes_the_text(encode: Encoder) -> None:
    rng = random.Random(5)
    leaves = Leaves()
    for _ in range(1_500):
        value = body(rng)
        path = rng.choice(paths(value))
        before = reduced(value, encode, leaves)
        assert reduced(changed(value, path, "a leaf that no generator makes"), encode, leaves) != before
        assert reduced(changed(value, path, "x" * (LONG + 1)), encode, leaves) != before


@encoders
@settings(max_examples=150, deadline=None)
@given(a=values, b=values)
def test_two_values_have_one_text_only_if_they_are_one_value(encode: Encoder, a: Any, b: Any) -> None:
    assert (reduced(a, encode) == reduced(b, encode)) == (rfc8785.dumps(a) == rfc8785.dumps(b))


# --- Long strings ------------------------------------------------------------------------------------


@encoders
def test_a_string_is_long_beyond_the_threshold_in_code_points(encode: Encoder) -> None:
    for char in ("x", "é", "東", "\U0001f600"):
        assert reduced({"a": char * LONG}, encode) == b'{"a":"%s"}' % (char * LONG).encode()
        assert reduced({"a": char * (LONG + 1)}, encode).startswith(b'{"a":[0.0,"')
    assert reduced(["x" * (LONG + 1)], encode).startswith(b'[[0.0,"')
    assert reduced("x" * (LONG + 1), encode).startswith(b'[0.0,"')
    for value in ({"parameters": "x" * (LONG + 1)}, ["x" * (LONG + 1)], {"a": ["x" * LONG, "é" * 2 * LONG]}):
        assert reduced(value, encode) == exactly(value)


@encoders
def test_nothing_genuine_passes_for_a_long_string(encode: Encoder) -> None:
    text = "x" * (LONG + 1)
    token = reduced(text, encode)
    digest = json.loads(token)[1]
    forged: list[Any] = [
        token.decode(),
        digest,
        [0.0, digest],
        [0, digest],
        [-0.0, digest],
        ["0.0", digest],
        (0.0, digest),
    ]
    texts = [reduced({"a": value}, encode) for value in [text, *forged]]
    assert len(set(texts)) == len({rfc8785.dumps(value) for value in forged}) + 1
    assert reduced({"parameters": [0.0, digest]}, encode) != reduced({"parameters": text}, encode)


@encoders
def test_nothing_genuine_passes_for_a_place(encode: Encoder) -> None:
    schema = {"type": "object"}
    for mark in ("\x7f0\x7f", "\x7f", '"\x7f0\x7f"', "\x7f1\x7f", "\x7f9\x7f"):
        for value in ({"a": mark, "parameters": schema}, {"parameters": {"a": mark}}, {mark: 1, "parameters": schema}):
            assert reduced(value, encode) == exactly(value)


@encoders
def test_strings_within_schemas_are_written_out(encode: Encoder) -> None:
    text = "x" * (LONG + 1)
    assert text.encode() in reduced({"tools": [{"parameters": {"description": text}}]}, encode)
    assert text.encode() not in reduced({"tools": [{"description": text, "parameters": {}}]}, encode)


# --- Subclasses --------------------------------------------------------------------------------------


class Role(StrEnum):
    USER = "user"


class Old(str, Enum):  # noqa: UP042  (what StrEnum replaces is still in use, and formats otherwise)
    USER = "user"


class Level(IntEnum):
    ONE = 1


class Real(float):
    pass


@encoders
def test_subclasses_of_json_types_count_as_what_they_are(encode: Encoder) -> None:
    odd = OrderedDict(a=Role.USER, b=Old.USER, c=Level.ONE, d=Real(0.5), e=(1, Role.USER), f={Role.USER: Real(1.0)})
    plain = {"a": "user", "b": "user", "c": 1, "d": 0.5, "e": [1, "user"], "f": {"user": 1}}
    for wrap in (
        lambda value: value,
        lambda value: {"parameters": value},
        lambda value: {"tools": [{"schema": value}]},
    ):
        tree = wrap(odd)
        for _again in range(2):
            assert reduced(tree, encode) == reduced(wrap(plain), encode)
        assert canonical_json(tree, encode=encode) == rfc8785.dumps(wrap(plain))


# --- Refusals ----------------------------------------------------------------------------------------

DEEP: Any = "bottom"
for _ in range(MAX_DEPTH + 1):
    DEEP = [DEEP]
LOOP: list[Any] = []
LOOP.append(LOOP)

REFUSED: dict[str, tuple[Any, str]] = {
    "NaN": (float("nan"), ""),
    "infinity": (float("inf"), ""),
    "minus infinity": (float("-inf"), ""),
    "large integer": (2**53, ""),
    "large negative integer": (-(2**53), ""),
    "integer beyond 64 bits": (2**64, ""),
    "large integer of a subclass": (IntEnum("Large", {"X": 2**53}).X, ""),  # type: ignore[attr-defined]
    "lone surrogate": ("\ud800", ""),
    "lone surrogate in a long string": ("\udfff" + "x" * LONG, ""),
    "lone surrogate in a name": ({"\ud800": 1}, ""),
    "integer as name": ({1: 2}, ""),
    "None as name": ({None: 2}, ""),
    "integer among names": ({"a": 1, 1: 2}, ""),
    "boolean as name": ([{True: 2}], "/0"),
    "bytes": (b"x", ""),
    "set": ({1}, ""),
    "complex": (1j, ""),
    "enum": (Enum("Plain", {"X": "x"}).X, ""),  # type: ignore[attr-defined]
    "fragment of an encoder": (orjson.Fragment(b"1"), ""),
    "too deep": (DEEP, "/0" * (MAX_DEPTH - 2)),
    "endless": (LOOP, ""),
}
WRAPS: dict[str, Callable[[Any], Any]] = {
    "/a": lambda value: {"a": value},
    "/parameters": lambda value: {"parameters": value},
    "/messages/1/content/0/text": lambda value: {"messages": [{"content": ""}, {"content": [{"text": value}]}]},
    "/tools/0/function/parameters/properties/~0~1": lambda value: {
        "tools": [{"function": {"parameters": {"properties": {"~/": value}}}}]
    },
}


@encoders
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_one_form_is_refused_with_its_pointer(case: str, wrap: str, encode: Encoder) -> None:
    value, below = REFUSED[case]
    tree = WRAPS[wrap](value)
    calls: list[Callable[[], bytes]] = [
        lambda: reduced(tree, encode),
        lambda: canonical_json(tree, encode=encode),
        lambda: exactly(tree),
    ]
    for call in calls:
        with pytest.raises(Unkeyable) as caught:
            call()
        if case in ("too deep", "endless"):
            assert caught.value.pointer.count("/") == MAX_DEPTH
        else:
            assert caught.value.pointer == wrap + below


@encoders
def test_tools_that_are_met_again_are_refused_again(encode: Encoder) -> None:
    leaves = Leaves()
    tree: dict[str, Any] = {"tools": [{"parameters": {"maximum": 1.5}, "x": "y"}]}
    for _ in range(3):
        reduced(tree, encode, leaves)
    for bad in (float("nan"), 2**53, b"x", {1: 1}, "\ud800"):
        tree["tools"][0]["parameters"]["maximum"] = bad
        for _ in range(3):
            with pytest.raises(Unkeyable) as caught:
                reduced(tree, encode, leaves)
            assert caught.value.pointer == "/tools/0/parameters/maximum"
    tree["tools"][0]["parameters"]["maximum"] = 1.5
    assert reduced(tree, encode, leaves) == exactly(tree)


@encoders
@pytest.mark.parametrize("name", ["x", "parameters"])
def test_depth_ends_at_the_same_level_for_every_encoder(name: str, encode: Encoder) -> None:
    for depth in (*range(58, 70), *range(MAX_DEPTH - 3, MAX_DEPTH + 3)):
        for make in (lambda inner: [inner], lambda inner: {"a": inner}):
            tree: Any = 1
            for _ in range(depth - 1):
                tree = make(tree)
            tree = {name: tree}
            if depth <= MAX_DEPTH:
                assert reduced(tree, encode) == exactly(tree)
                assert canonical_json(tree, encode=encode) == rfc8785.dumps(tree)
            else:
                for call in (reduced, lambda value, encode: canonical_json(value, encode=encode)):
                    with pytest.raises(Unkeyable, match="deep"):
                        call(tree, encode)


@encoders
def test_depth_is_counted_through_a_schema(encode: Encoder) -> None:
    for outside, inside in itertools.product((1, 63, 64, 65, 126), (1, 2, 62, 63, 64, 65)):
        tree: Any = 1
        for _ in range(inside):
            tree = [tree]
        tree = {"parameters": tree}
        for _ in range(outside - 1):
            tree = {"a": tree}
        if outside + inside <= MAX_DEPTH:
            assert reduced(tree, encode) == exactly(tree)
        else:
            with pytest.raises(Unkeyable, match="deep") as caught:
                reduced(tree, encode)
            assert caught.value.pointer.count("/") == MAX_DEPTH


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a":1,"a":1}', "/a"),
        (b'{"a":[{"b":{"c/d":1,"x":2,"c/d":3}}]}', "/a/0/b/c~1d"),
        (b"[NaN]", "/0"),
        (b'{"a":{"b":-Infinity}}', "/a/b"),
        (b'{"a":[1,Infinity],"b":{"c":1,"c":2}}', "/a/1"),
        (b'{"a":"\xff"}', ""),
        (b"\xef\xbb\xbf{}", ""),
        (b"{", ""),
        (b"", ""),
        (b"[1,]", ""),
        (b"{} {}", ""),
        (b"'a'", ""),
        (b"[" * 100_000, ""),
        (b"[" + b"9" * 5000 + b"]", ""),
    ],
)
def test_bytes_with_two_meanings_or_none_are_refused(raw: bytes, pointer: str) -> None:
    with pytest.raises(Unkeyable) as caught:
        decode_strictly(raw)
    assert caught.value.pointer == pointer


@encoders
def test_bytes_may_spell_what_a_tree_may_not_hold(encode: Encoder) -> None:
    for raw, pointer in ((b'{"a":1e400}', "/a"), (b'{"a":["\\ud800"]}', "/a/0"), (b'{"a":9007199254740992}', "/a")):
        with pytest.raises(Unkeyable) as caught:
            reduced(decode_strictly(raw), encode)
        assert caught.value.pointer == pointer


# --- The memory --------------------------------------------------------------------------------------


def test_the_memory_stays_within_its_room() -> None:
    room = 1_000_000
    leaves = Leaves(room)
    rng = random.Random(6)
    for number in range(2_000):
        leaves.token(f"{number}" + rng.choice("xé東😀") * rng.randint(LONG, 20_000))
        leaves.tools.put(rng.randbytes(rng.randint(1, 20_000)), b"")
        assert leaves.strings.held() + leaves.tools.held() <= room
    assert leaves.strings.held() > room // 4


def test_a_leaf_larger_than_the_room_is_digested_and_not_kept() -> None:
    leaves = Leaves(10_000)
    text = "x" * 100_000
    assert leaves.token(text) == Leaves().token(text)
    assert leaves.strings.held() == 0


def test_what_is_used_again_outlives_what_is_not() -> None:
    leaves = Leaves(200_000)
    kept, lost = "kept" * LONG, "lost" * LONG
    first, second = leaves.token(kept), leaves.token(lost)
    for number in range(200):
        leaves.token(f"{number}" * LONG)
        assert leaves.token(kept) is first
    assert leaves.strings.get(lost) is None
    assert leaves.token(lost) == second


def test_forget_lets_go_of_everything() -> None:
    leaves = Leaves()
    tree = {"tools": [{"parameters": {}}], "messages": ["x" * 2000]}
    reducer = Reducer(ENCODERS["stdlib"], leaves)
    texts = [b"".join(reducer.parts(tree)) for _ in range(3)]
    assert leaves.strings.held()
    assert leaves.tools.held()
    leaves.forget()
    assert leaves.strings.held() == leaves.tools.held() == 0
    assert b"".join(reducer.parts(tree)) == texts[0] == texts[1] == texts[2]


def test_the_memory_is_by_value_not_by_identity() -> None:
    leaves = Leaves()
    reducer = Reducer(ENCODERS["orjson"], leaves)
    tools: list[Any] = [{"name": "a", "parameters": {"x": 1, "y": 2}}]
    tree = {"tools": tools}
    for _ in range(3):
        reducer.parts(tree)
    for change in ({"y": 2, "x": 1}, {"x": True, "y": 2}, {"x": 1.5, "y": 2}, {"x": 1, "y": 2}):
        tools[0]["parameters"] = change
        assert b"".join(reducer.parts(tree)) == exactly(tree)


@encoders
def test_eight_threads_with_one_memory_agree(encode: Encoder) -> None:
    rng = random.Random(7)
    letters = string.ascii_letters
    pool = ["".join(rng.choices(letters, k=40)) * 60 for _ in range(60)]
    tools = [[{"parameters": {"x": number}}] for number in range(4)]
    trees = [{"messages": rng.sample(pool, 6), "tools": rng.choice(tools)} for _ in range(200)]
    expected = [exactly(tree) for tree in trees]
    leaves = Leaves(120_000)  # small: generations turn over while they are read
    reducer = Reducer(encode, leaves)
    wrong: list[int] = []
    together = threading.Barrier(8)

    def work(seed: int) -> None:
        together.wait()
        for number in random.Random(seed).sample(range(len(trees)), len(trees)):
            if b"".join(reducer.parts(trees[number])) != expected[number]:
                wrong.append(number)
            if number == seed:
                leaves.forget()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert leaves.strings.held() + leaves.tools.held() <= 2 * 120_000
