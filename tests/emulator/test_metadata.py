"""`cf-aig-metadata` as the service reads it (contract 1.4)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._json import write
from aig_client.apps.emulator._metadata import metadata_text, read_metadata

SCALARS = st.text() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


def test_scalars_are_kept_with_their_types() -> None:
    kept = read_metadata('{"team":"red","n":7,"half":0.5,"yes":true}')
    assert kept == {"team": "red", "n": 7, "half": 0.5, "yes": True}
    assert isinstance(kept["yes"], bool)


def test_the_first_five_stay_in_the_order_sent() -> None:
    sent = {name: place for place, name in enumerate("gfedcba")}
    assert list(read_metadata(json.dumps(sent))) == ["g", "f", "e", "d", "c"]


@pytest.mark.parametrize("bad", ["null", "{}", "[]", '{"a":1}', "1e999", "9" * 400])
@pytest.mark.parametrize("place", ["first", "sixth"])
def test_one_value_that_is_no_scalar_drops_the_whole(bad: str, place: str) -> None:
    good = ",".join(f'"k{number}":{number}' for number in range(5))
    parts = [f'"bad":{bad}', good] if place == "first" else [good, f'"bad":{bad}']
    assert read_metadata("{" + ",".join(parts) + "}") == {}


def test_characters_that_no_encoding_has_are_no_reason_to_fail() -> None:
    assert read_metadata('{"a":"\ud800"}') == {"a": "?"}
    assert read_metadata('{"a":"\\ud800"}') == {"a": "\ud800"}


def test_reserved_keys_are_stripped_and_take_no_place() -> None:
    sent = {"cf.user_id": "me", "cf.x": 1, **{f"k{number}": number for number in range(5)}}
    assert list(read_metadata(json.dumps(sent))) == ["k0", "k1", "k2", "k3", "k4"]
    assert read_metadata('{"cfx":1,"CF.x":2}') == {"cfx": 1, "CF.x": 2}


@pytest.mark.parametrize(
    "header", [None, "", "team=red", "[1]", '"text"', "7", "null", "{", "[" * 100_000, '{"a":NaN}']
)
def test_what_is_no_object_is_ignored(header: str | None) -> None:
    assert read_metadata(header) == {}


@given(st.text() | JSON.map(json.dumps))
def test_any_header_reads_to_at_most_five_scalars_that_are_json(header: str) -> None:
    kept = read_metadata(header)
    assert len(kept) <= 5
    assert not any(name.startswith("cf.") for name in kept)
    assert json.loads(write(kept)) == kept
    assert all(isinstance(metadata_text(value), str) for value in kept.values())


@given(st.dictionaries(st.text(), SCALARS, max_size=8))
def test_an_object_of_scalars_loses_only_what_the_contract_says(sent: dict[str, str | bool | int | float]) -> None:
    kept = read_metadata(json.dumps(sent))
    expected = [name for name in sent if not name.startswith("cf.")][:5]
    assert [(name, kept[name]) for name in kept] == [(name, sent[name]) for name in expected]


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (7, "7"), (7.0, "7"), (0.5, "0.5"), ("7", "7"), ("", "")]
)
def test_values_as_text(value: str | bool | float, text: str) -> None:
    assert metadata_text(value) == text
