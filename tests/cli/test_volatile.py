"""What looks volatile: a table of pairs, and properties that hold for any two values."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from aig_client.apps.cli._tokens import tokens
from aig_client.apps.cli._volatile import NATURE, change_of

# a, b, kind, what (in part), characters before
PAIRS: list[tuple[Any, Any, str, str, int | None]] = [
    ("Now: 2026-11-23T09:14:02Z.", "Now: 2026-11-24T10:00:00.123+01:00.", "time", "ISO 8601", 5),
    ("20261123T091402Z", "20261124T091402Z", "time", "ISO 8601", 0),
    ("at 9:14 am", "at 11:02 pm", "time", "time of day", 3),
    ("Mon, 23 Nov 2026 09:14:02 GMT", "Tue, 24 Nov 2026 09:14:31 GMT", "time", "date and time", 0),
    ("It is 2026-11-23.", "It is 2026-11-24.", "date", "ISO 8601", 6),
    ("It is Monday, November 23, 2026.", "It is Tuesday, November 24, 2026.", "date", "a date", 6),
    ("It is Monday.", "It is Tuesday.", "date", "day of the week", 6),
    ("on 11/23/2026", "on 11/24/2026", "date", "a date", 3),
    ("at 1763888042 s", "at 1763888055 s", "epoch", "seconds", 3),
    (1763888042, 1763888055, "epoch", "seconds", None),
    (1763888042123, 1763888055123, "epoch", "milliseconds", None),
    (1763888042.5, 1763888055.25, "epoch", "seconds", None),
    ("1763888042123", "1763888055123", "epoch", "milliseconds", 0),
    ("0195e3a4-7c2d-7b1a-9f3e-0242ac120002", "0195e8cb-11f0-7c55-8a6d-0242ac120002", "uuid", "version 7", 0),
    ("id F47AC10B-58CC-4372-A567-0E02B2C3D479", "id 9C858901-8A57-4791-81FE-4C455B099BC9", "uuid", "version 4", 3),
    ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ", "ulid", "ULID", 0),
    ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 00f067aa0ba902b7a3ce929d0e0e4736", "hex", "hexadecimal", 6),
    ("req_011CSxyz123AB", "req_09Kqw88Zt21xx", "id", "prefix", 0),
    ("n kJ8x2mPq9Lw3zT5", "n Zp0q7Rt5Wn1mB8c", "nonce", "random", 2),
    ("call 7 of 12", "call 8 of 12", "counter", "by a little", 5),
    ("turn 3", "turn 12000", "counter", "a number", 5),
    (41, 42, "counter", "by a little", None),
    ("a  b", "a b", "whitespace", "white space", 2),
    ("a\n", "a", "whitespace", "white space", 1),
    ("caf\u00e9", "cafe\u0301", "unicode", "Unicode", 3),
    ("at 9:14", "at 2026-11-23", "text", "another text", 3),
    ("Hello world", "Goodbye world", "text", "another text", 0),
    ("", "a", "text", "another text", 0),
    (1, 1_000_000, "number", "another number", None),
    (0.1, 0.2, "number", "another number", None),
    (True, False, "flag", "true on one side", None),
    ("1", 1, "type", "two types", None),
    (None, "x", "type", "two types", None),
    ([], {}, "type", "two types", None),
]


@pytest.mark.parametrize(("a", "b", "kind", "what", "offset"), PAIRS, ids=[f"{p[2]}: {p[0]!r:.24}" for p in PAIRS])
def test_a_pair(a: object, b: object, kind: str, what: str, offset: int | None) -> None:
    for one, other in ((a, b), (b, a)):
        change = change_of(one, other)
        assert (change.kind, change.offset) == (kind, offset)
        assert what in change.what


@pytest.mark.parametrize("name", ["max_tokens", "n", "top_k", "dimensions", "budget_tokens"])
def test_what_people_set_is_no_counter(name: str) -> None:
    assert change_of(100, 101, name=name).kind == "number"


def test_a_seed_is_chance_by_its_name() -> None:
    assert change_of(1, 10**9, name="seed").kind == "seed"
    assert change_of("a", "b", name="seed").kind == "seed"


def test_two_tokens_are_both_named() -> None:
    one = "Trace 4bf92f3577b34da6a3ce929d0e0e4736 at 2026-11-23 for you"
    two = "Trace 00f067aa0ba902b7a3ce929d0e0e4736 at 2026-11-24 for you"
    change = change_of(one, two)
    assert change.what == "a hexadecimal id and a date (ISO 8601)"
    assert [(culprit.kind, culprit.offset) for culprit in change.culprits] == [("hex", 6), ("date", 42)]


def test_a_token_beside_another_text_is_named_too() -> None:
    change = change_of("At 2026-11-23T09:14:02Z. How are you?", "At 2026-11-24T09:14:02Z. What is it?")
    assert (change.kind, change.nature, change.offset) == ("text", "content", 3)
    assert [culprit.kind for culprit in change.culprits] == ["time"]
    assert not change_of("Red 2026-11-23", "Blue 2026-11-23").culprits


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("presentation", "organization"),
        ("GatewayClientTransport", "AsyncGatewayTransport"),
        ("internationalisation", "characterisation"),
        ("user_request_handler", "user_response_handler"),
        ("deadbeef", "decade"),
        ("gateway2client", "gateway3server"),
        ("abcdefabcdefabcdef", "fedcbafedcbafedcba"),
    ],
)
def test_words_are_no_nonces(a: str, b: str) -> None:
    assert change_of(a, b).kind == "text"


def test_a_long_prompt_is_no_long_wait() -> None:
    same = "The same words again and again, 12 of them. " * 20_000
    change = change_of(f"{same}2026-11-23 {same}", f"{same}2026-11-24 {same}")
    assert (change.kind, change.offset) == ("date", len(same))
    other = change_of("a" * 400_000, "b" * 400_000)
    assert (other.kind, other.length_a) == ("text", 400_000)


# --- properties --------------------------------------------------------------------------------------

WORDS = st.lists(st.sampled_from(["the", "quick", "brown", "fox", "jumps", "over", "dogs"]), max_size=8).map(" ".join)
MOMENTS = st.datetimes(datetime(2001, 9, 10), datetime(2099, 1, 1))  # noqa: DTZ001  (written without a zone)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(WORDS, WORDS, MOMENTS, MOMENTS)
def test_any_two_times_in_any_prompt(before: str, after: str, one: datetime, two: datetime) -> None:
    assume(one != two)
    change = change_of(f"{before} {one.isoformat()} {after}", f"{before} {two.isoformat()} {after}")
    assert (change.kind, change.nature, change.offset) == ("time", "volatile", len(before) + 1)


@settings(deadline=None)
@given(WORDS, WORDS, MOMENTS, st.timedeltas(timedelta(days=1), timedelta(days=365)))
def test_any_two_days_written_out(before: str, after: str, one: datetime, later: timedelta) -> None:
    two = one + later
    assume(one.date() != two.date())
    texts = [f"{before} {moment:%A, %B} {moment.day}, {moment.year} {after}" for moment in (one, two)]
    assert change_of(*texts).kind == "date"


@settings(deadline=None)
@given(WORDS, WORDS, st.uuids(version=4), st.uuids(version=4))
@example("", "", UUID(int=0), UUID(int=1))
def test_any_two_uuids(before: str, after: str, one: UUID, two: UUID) -> None:
    assume(one != two)
    change = change_of(f"{before} {one} {after}", f"{before} {two} {after}")
    assert (change.kind, change.offset) == ("uuid", len(before) + 1)


@settings(deadline=None)
@given(WORDS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_texts_that_differ_in_digits_alone(words: str, one: int, two: int) -> None:
    assume(one != two)
    assert change_of(f"{words} {one} times", f"{words} {two} times").kind == "counter"


@settings(deadline=None)
@given(JSON, JSON, st.sampled_from(["", "seed", "n"]))
def test_it_is_total_and_says_the_same_from_both_sides(a: object, b: object, name: str) -> None:
    assume(json.dumps(a) != json.dumps(b))
    one, two = change_of(a, b, name=name), change_of(b, a, name=name)
    assert one.kind == two.kind
    assert one.nature == NATURE[one.kind]
    assert (one.length_a, one.length_b) == (two.length_b, two.length_a)


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text())
def test_the_span_is_where_they_differ(a: str, b: str) -> None:
    assume(a != b)
    change = change_of(a, b)
    assert change.offset is not None
    assert change.length_a is not None
    assert change.length_b is not None
    assert a[: change.offset] == b[: change.offset]
    assert len(a) - change.length_a == len(b) - change.length_b  # what is common to both


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "Z"]), max_size=60))
def test_tokens_are_in_order_and_do_not_overlap(text: str) -> None:
    found = tokens(text)
    places = [place for token in found for place in (token.start, token.end)]
    assert places == sorted(places)
    assert all(token.start < token.end <= len(text) for token in found)


def test_it_is_the_standard_library_alone() -> None:
    """The detection can move anywhere: into the core, into a Worker."""
    script = """
import sys
before = set(sys.modules)
import importlib.util, types
package = types.ModuleType("p"); package.__path__ = [sys.argv[1]]; sys.modules["p"] = package
import importlib
for name in ("_volatile", "_prompt_place"):
    importlib.import_module(f"p.{name}")
print(sorted({m.partition(".")[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names) - {"p"}))
"""
    folder = str(__import__("aig_client.apps.cli").apps.cli.__path__[0])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, folder], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
