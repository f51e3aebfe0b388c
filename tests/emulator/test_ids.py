"""Identifiers: two historic shapes, each random or counted (contract 2)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._ids import counted_ids, counted_ulids, id_source, random_ids, random_ulids
from aig_client.apps.emulator._messages import IdSource

NOW = 1_800_000_000.123
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID = re.compile(rf"[0-7][{CROCKFORD}]{{25}}")

EVERY: list[Callable[[], IdSource]] = [random_ids, counted_ids, random_ulids, counted_ulids]
# To the year 10889, where 48 bits of milliseconds end.
moments = st.integers(0, (1 << 48) - 1)


def ulid_number(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 32 + CROCKFORD.index(letter)
    return number


@pytest.mark.parametrize("source", [random_ids, counted_ids])
@given(milliseconds=moments)
def test_a_uuid_has_version_variant_and_millisecond(source: Callable[[], IdSource], milliseconds: int) -> None:
    text = source()(milliseconds / 1000)
    parsed = uuid.UUID(text)
    assert text == str(parsed)  # lower case, with hyphens
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    # A float of seconds is not always exact to the millisecond: its own reading is what counts.
    assert parsed.int >> 80 == int(milliseconds / 1000 * 1000)


@pytest.mark.parametrize("source", [random_ulids, counted_ulids])
@given(milliseconds=moments)
def test_a_ulid_decodes_to_the_millisecond(source: Callable[[], IdSource], milliseconds: int) -> None:
    text = source()(milliseconds / 1000)
    assert ULID.fullmatch(text)
    assert ulid_number(text) >> 80 == int(milliseconds / 1000 * 1000)


def test_a_known_ulid() -> None:
    # The ULID specification's own example has this time part.
    assert counted_ulids()(1_469_922_850.259) == "01ARZ3NDEK" + "1".rjust(16, "0")


@pytest.mark.parametrize("source", EVERY)
@given(times=st.lists(moments, min_size=2, max_size=8, unique=True))
def test_they_sort_by_time(source: Callable[[], IdSource], times: list[int]) -> None:
    new_id = source()
    # Half a millisecond keeps a float's last bit from moving a moment into its neighbour.
    made = [new_id((milliseconds + 0.5) / 1000) for milliseconds in times]
    assert sorted(made) == [made[place] for place in sorted(range(len(times)), key=times.__getitem__)]


@pytest.mark.parametrize("source", [counted_ids, counted_ulids])
def test_counted_ones_are_the_same_again_and_sort_within_a_moment(source: Callable[[], IdSource]) -> None:
    one, other = source(), source()
    made = [one(NOW) for _ in range(100)]
    assert made == [other(NOW) for _ in range(100)]
    assert made == sorted(set(made))


@pytest.mark.parametrize("source", [random_ids, random_ulids])
def test_random_ones_differ(source: Callable[[], IdSource]) -> None:
    one, other = source(), source()
    assert len({new(NOW) for new in (one, other) for _ in range(100)}) == 200


def test_the_shape_is_chosen_by_name() -> None:
    assert uuid.UUID(id_source("uuid7")(NOW)).version == 7
    assert ULID.fullmatch(id_source("ulid")(NOW))
    assert id_source("uuid7")(NOW) != id_source("uuid7")(NOW)
    assert id_source("ulid")(NOW) != id_source("ulid")(NOW)
    assert id_source("uuid7", counted=True)(NOW) == counted_ids()(NOW)
    assert id_source("ulid", counted=True)(NOW) == counted_ulids()(NOW)
