"""The ledger's arithmetic: windows, holds, denial, expiry."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.core import ConfigurationError
from aig_client.core.path._ledger import (
    Amounts,
    Denied,
    Limit,
    MemoryBook,
    Reserved,
    expire,
    limits_from_plain,
    release,
    remaining,
    reserve,
    settle,
)

REQUESTS = Limit(what="requests", limit=2, window=60)
TOKENS = Limit(what="tokens", limit=1000, window=3600)
CHEAP = Limit(what="nanodollars", limit=50, window=60, route_class="cheap")


def ask(
    book: MemoryBook,
    name: str,
    *limits: Limit,
    amounts: Amounts | None = None,
    now: float = 60,
    seconds: float = 30,
    route_class: str | None = None,
) -> Reserved | Denied:
    return reserve(book, limits, name, route_class=route_class, amounts=amounts or Amounts(), now=now, seconds=seconds)


def left(book: MemoryBook, *limits: Limit, now: float = 60, route_class: str | None = None) -> list[int]:
    return [one.left for one in remaining(book, limits, route_class, now)]


def test_what_is_held_is_not_there_for_others() -> None:
    book = MemoryBook()
    assert isinstance(ask(book, "a", REQUESTS), Reserved)
    assert isinstance(ask(book, "b", REQUESTS), Reserved)
    denied = ask(book, "c", REQUESTS, now=75.5)
    assert isinstance(denied, Denied)
    assert (denied.limit, denied.left, denied.retry_after) == (REQUESTS, 0, 45)  # 120 - 75.5 = 44.5 seconds
    assert isinstance(ask(book, "c", REQUESTS, now=120), Reserved)


def test_all_limits_or_none() -> None:
    book = MemoryBook()
    denied = ask(book, "a", REQUESTS, TOKENS, amounts=Amounts(tokens=1001))
    assert isinstance(denied, Denied)
    assert denied.limit is TOKENS
    assert left(book, REQUESTS, TOKENS) == [2, 1000]
    assert not book.holds


def test_a_hold_is_settled_by_what_was_used() -> None:
    book = MemoryBook()
    ask(book, "a", TOKENS, amounts=Amounts(tokens=800))
    assert left(book, TOKENS) == [200]
    assert settle(book, "a", Amounts(tokens=300))
    assert left(book, TOKENS) == [700]
    assert not settle(book, "a", Amounts(tokens=300))
    assert left(book, TOKENS) == [700]
    ask(book, "b", TOKENS, amounts=Amounts(tokens=700))
    settle(book, "b", Amounts(tokens=900))  # more than was held: it is true all the same
    assert left(book, TOKENS) == [0]
    assert isinstance(ask(book, "c", TOKENS, amounts=Amounts(tokens=1)), Denied)


def test_a_hold_is_booked_in_the_window_where_it_was_taken() -> None:
    book = MemoryBook()
    ask(book, "a", REQUESTS, now=119, seconds=30)
    settle(book, "a", Amounts())
    assert left(book, REQUESTS, now=119) == [1]
    assert left(book, REQUESTS, now=121) == [2]


def test_the_same_hold_twice_takes_once() -> None:
    book = MemoryBook()
    for _ in range(3):
        assert isinstance(ask(book, "a", REQUESTS), Reserved)
    assert left(book, REQUESTS) == [1]


def test_what_is_given_back_is_there_again() -> None:
    book = MemoryBook()
    ask(book, "a", REQUESTS, TOKENS, amounts=Amounts(tokens=10))
    assert release(book, "a")
    assert not release(book, "a")
    assert left(book, REQUESTS, TOKENS) == [2, 1000]


def test_a_hold_that_nobody_settles_is_booked_in_full() -> None:
    book = MemoryBook()
    ask(book, "a", TOKENS, amounts=Amounts(tokens=800), now=60, seconds=30)
    assert book.next_expiry() == 90
    assert expire(book, 89) == 0
    assert expire(book, 90) == 1
    assert left(book, TOKENS, now=90) == [200]
    assert not settle(book, "a", Amounts(tokens=1))
    assert book.next_expiry() is None


def test_a_limit_of_one_class_is_for_that_class() -> None:
    book = MemoryBook()
    dear = Amounts(nanodollars=60)
    assert isinstance(ask(book, "a", CHEAP, amounts=dear, route_class="cheap"), Denied)
    assert isinstance(ask(book, "a", CHEAP, amounts=dear, route_class="research"), Reserved)
    assert left(book, CHEAP, route_class="cheap") == [50]
    assert left(book, CHEAP, route_class="research") == []


def test_old_windows_are_let_go() -> None:
    book = MemoryBook()
    for minute in range(1, 50):
        ask(book, f"h{minute}", REQUESTS, now=minute * 60)
        settle(book, f"h{minute}", Amounts())
    assert len(book.counters) == 2, "this one and the one before"


def test_a_clock_that_steps_back_finds_a_window_as_it_was() -> None:
    book = MemoryBook()
    for name in ("a", "b"):
        ask(book, name, REQUESTS, now=119)
        settle(book, name, Amounts())
    assert isinstance(ask(book, "c", REQUESTS, now=121), Reserved)
    assert isinstance(ask(book, "d", REQUESTS, now=119), Denied)


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ([{"what": "euros", "limit": 1, "window": 60}], "/0/what"),
        ([{"what": "tokens", "limit": -1, "window": 60}], "/0/limit"),
        ([{"what": "tokens", "limit": True, "window": 60}], "/0/limit"),
        ([{"what": "tokens", "limit": 1, "window": 0}], "/0/window"),
        ([{"what": "tokens", "limit": 1, "window": 60, "route_class": 1}], "/0/route_class"),
        ([{"what": "tokens", "limit": 1, "window": 60, "else": 1}], "/0"),
        (["tokens"], "/0"),
        ([{"what": "tokens", "limit": 1, "window": 60}, {"what": "tokens", "limit": 2, "window": 60}], "/1"),
    ],
)
def test_what_is_no_limit_is_pointed_at(plain: list[Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        limits_from_plain(plain)
    assert caught.value.field == field


def test_limits_as_a_policy_writes_them() -> None:
    plain = [{"what": "tokens", "limit": 1000, "window": 3600}, {"what": "requests", "limit": 2, "window": 60}]
    assert limits_from_plain(plain) == (TOKENS, REQUESTS)
