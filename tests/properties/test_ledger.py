"""Whatever comes in whatever order, nothing is oversold and nothing is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.core.path._ledger import (
    Amounts,
    Denied,
    Limit,
    MemoryBook,
    Reserved,
    expire,
    release,
    reserve,
    settle,
)

LIMITS = (
    Limit(what="requests", limit=7, window=10),
    Limit(what="tokens", limit=500, window=25),
    Limit(what="nanodollars", limit=90, window=10, route_class="cheap"),
)
HOLDS = st.integers(0, 12).map(str)
AMOUNTS = st.builds(Amounts, requests=st.just(1), tokens=st.integers(0, 300), nanodollars=st.integers(0, 60))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), HOLDS, AMOUNTS, st.sampled_from([None, "cheap"])),
        st.tuples(st.just("settle"), HOLDS, st.integers(0, 100), st.none()),
        st.tuples(st.just("release"), HOLDS, st.none(), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 12), st.none(), st.none()),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS)
def test_nothing_is_oversold_and_nothing_is_lost(steps: list[tuple[str, object, object, str | None]]) -> None:
    book, now = MemoryBook(), 1000.0
    held: dict[str, Amounts] = {}
    for step, what, value, route_class in steps:
        if step == "wait":
            assert isinstance(what, int)
            now += what
            expire(book, now)
            held = {name: amounts for name, amounts in held.items() if name in book.holds}
        elif step == "reserve":
            assert isinstance(what, str)
            assert isinstance(value, Amounts)
            fresh = what not in held
            before = dict(book.counters)
            outcome = reserve(book, LIMITS, what, route_class=route_class, amounts=value, now=now, seconds=8)
            if isinstance(outcome, Reserved) and fresh:
                held[what] = value
            if isinstance(outcome, Denied):
                assert book.counters == before
                assert 0 < outcome.retry_after <= outcome.limit.window
                assert value.of(outcome.limit.what) > outcome.left
        elif step == "settle" and what in held:
            assert isinstance(what, str)
            assert isinstance(value, int)
            most = held.pop(what)
            used = Amounts(tokens=most.tokens * value // 100, nanodollars=most.nanodollars * value // 100)
            assert settle(book, what, used)
        elif step == "release" and what in held:
            assert isinstance(what, str)
            held.pop(what)
            assert release(book, what)
        assert set(book.holds) == set(held)
        by_name = {limit.name: limit.limit for limit in LIMITS}
        in_holds: dict[tuple[str, int], int] = {}
        for hold in book.holds.values():
            for part in hold.taken:
                at = (part.limit, part.begins)
                in_holds[at] = in_holds.get(at, 0) + part.amount
        for (name, begins), (used_, held_) in book.counters.items():
            assert used_ >= 0
            assert held_ == in_holds.get((name, begins), 0)
            assert used_ + held_ <= by_name[name]
