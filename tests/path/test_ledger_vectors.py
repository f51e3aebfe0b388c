"""The cases of ``tests/vectors/v1/ledger.json``; sequences are held against a second telling too."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.core import ConfigurationError, Options, Plan, Receipt, Request, Rules, decide, read
from aig_client.core._receipt import Head, Meter, NoAnswer
from aig_client.core.path._admit import most_of, used_by
from aig_client.core.path._ledger import (
    Amounts,
    Denied,
    Left,
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
from aig_client.core.path._policy import Policy, digest_of, policy_from_document
from aig_client.core.path._read import Call, tree_of

from ..facts.vectors import cases, document

Case = dict[str, Any]
TODAY = "2026-11-21"
GATEWAY = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod"


@cases("ledger.json", "limits")
def test_limits_are_read_or_pointed_at(case: Case) -> None:
    where = case.get("where", "")
    if "field" in case:
        with pytest.raises(ConfigurationError) as caught:
            limits_from_plain(case["plain"], where)
        assert caught.value.field == case["field"]
        return
    found = limits_from_plain(case["plain"], where)
    assert [[one.what, one.limit, one.window, one.route_class] for one in found] == case["expect"]


# --- Sequences ---


class History:
    """Every hold there ever was, and nothing else: what is left is counted anew for each answer.

    Written from docs/reference/edge.md, and without a counter, so that it can make no mistake in keeping one.
    """

    def __init__(self, limits: list[Case]) -> None:
        self.limits = limits
        self.holds: list[Case] = []

    def applying(self, route_class: str | None) -> list[Case]:
        return [one for one in self.limits if one.get("route_class") in (None, route_class)]

    def left(self, limit: Case, now: float) -> int:
        start = Fraction(now) // limit["window"]
        what = limit["what"]
        spent = 0
        for hold in self.holds:
            held_here = any(limit is one for one in hold["limits"])
            if held_here and Fraction(hold["now"]) // limit["window"] == start:
                booked = hold["amounts"] if hold["booked"] is None else hold["booked"]
                spent += max(0, booked.get(what, 1 if what == "requests" else 0))
        return int(limit["limit"]) - spent

    def open(self, name: str) -> Case | None:
        return next((one for one in self.holds if one["name"] == name and one["open"]), None)

    def expire(self, now: float) -> int:
        due = [one for one in self.holds if one["open"] and Fraction(one["now"]) + Fraction(one["seconds"]) <= now]
        for one in due:
            one["open"] = False
        return len(due)

    def reserve(self, step: Case) -> Case | None:
        """The limit that is too short, or None."""
        now, amounts = step["now"], step.get("amounts", {})
        self.expire(now)
        if self.open(step["reserve"]) is not None:
            return None
        limits = self.applying(step.get("route_class"))
        for limit in limits:
            if amounts.get(limit["what"], 1 if limit["what"] == "requests" else 0) > self.left(limit, now):
                return limit
        hold = {"name": step["reserve"], "now": now, "seconds": step["seconds"], "limits": limits, "amounts": amounts}
        self.holds.append({**hold, "booked": None, "open": True})
        return None

    def close(self, name: str, booked: Case) -> bool:
        hold = self.open(name)
        if hold is not None:
            hold.update(open=False, booked=booked)
        return hold is not None


NOTHING = {"requests": 0, "tokens": 0, "nanodollars": 0}


def told_again(history: History, step: Case) -> Case:
    """What a step should say, by the history alone; in the words of the vectors."""
    if "settle" in step:
        return {"found": history.close(step["settle"], step["amounts"])}
    if "release" in step:
        return {"found": history.close(step["release"], NOTHING)}
    if "expire" in step:
        return {"count": history.expire(step["expire"])}
    now: float = step["now"] if "now" in step else step["remaining"]
    short = history.reserve(step) if "reserve" in step else None
    if short is not None:
        ends = (Fraction(now) // short["window"] + 1) * short["window"]
        index = history.limits.index(short)
        left = max(0, history.left(short, now))
        return {"short": index, "has": left, "retry_after": max(1, ceil(ends - Fraction(now)))}
    applying = history.applying(step.get("route_class"))
    said: Case = {"left": [max(0, history.left(one, now)) for one in applying]}
    if "resets" in step:
        said["resets"] = [int((Fraction(now) // one["window"] + 1) * one["window"]) for one in applying]
    return said


@cases("ledger.json", "sequences")
def test_a_sequence_says_what_its_history_says(case: Case) -> None:
    """The vectors themselves are held against a second telling, so that no wrong number stands in them."""
    history = History(case["limits"])
    for step in case["steps"]:
        said = told_again(history, step)
        assert said == {name: step[name] for name in said}, step


SAID = ("found", "count", "left", "resets", "short", "has", "retry_after")


def carried_out(book: MemoryBook, limits: tuple[Limit, ...], step: Case) -> Case:
    """What the core makes of a step, in the words of the vectors."""
    amounts, route_class = Amounts(**step.get("amounts", {})), step.get("route_class")
    if "settle" in step:
        return {"found": settle(book, step["settle"], amounts)}
    if "release" in step:
        return {"found": release(book, step["release"])}
    if "expire" in step:
        return {"count": expire(book, step["expire"])}
    if "remaining" in step:
        return _left(remaining(book, limits, route_class, step["remaining"]), step)
    asked: Any = {"amounts": amounts, "now": step["now"], "seconds": step["seconds"]}
    outcome = reserve(book, limits, step["reserve"], route_class=route_class, **asked)
    if isinstance(outcome, Denied):
        short = limits.index(outcome.limit)
        return {"short": short, "has": outcome.left, "retry_after": outcome.retry_after}
    assert isinstance(outcome, Reserved)
    return _left(outcome.left, step)


def _left(left: tuple[Left, ...], step: Case) -> Case:
    said: Case = {"left": [one.left for one in left]}
    return {**said, "resets": [one.resets for one in left]} if "resets" in step else said


def oversold(book: MemoryBook, limits: tuple[Limit, ...]) -> list[object]:
    most = {one.name: one.limit for one in limits}
    return [at for at, (used, held) in book.counters.items() if held and used + held > most[at[0]]]


@cases("ledger.json", "sequences")
def test_the_ledger_steps_as_expected(case: Case) -> None:
    book, limits = MemoryBook(), limits_from_plain(case["limits"])
    for step in case["steps"]:
        before = dict(book.counters)
        said = carried_out(book, limits, step)
        assert said == {name: step[name] for name in SAID if name in step}, step
        if said.get("found") is False:
            assert book.counters == before, "there was no such hold, and yet something was booked"
        if "now" in step:
            assert not oversold(book, limits), step
    assert all(held >= 0 and used >= 0 for used, held in book.counters.values())
    if not book.holds:
        assert all(held == 0 for _, held in book.counters.values()), "nothing is held, and yet something is"


LIMITS: list[Case] = [
    {"what": "requests", "limit": 3, "window": 7},
    {"what": "tokens", "limit": 20, "window": 10},
    {"what": "tokens", "limit": 12, "window": 10, "route_class": "cheap"},
]
NAMES = st.sampled_from(["a", "b", "c"])
AMOUNTS = st.fixed_dictionaries({"tokens": st.integers(0, 15)})
STEPS = st.one_of(
    st.fixed_dictionaries(
        {"reserve": NAMES, "amounts": AMOUNTS, "route_class": st.sampled_from([None, "cheap", "other"])}
    ),
    st.fixed_dictionaries({"settle": NAMES, "amounts": AMOUNTS}),
    st.fixed_dictionaries({"release": NAMES}),
)


@given(st.lists(st.tuples(st.integers(0, 12), STEPS), max_size=40))
def test_no_sequence_says_anything_else(sequence: list[tuple[int, Case]]) -> None:
    """Granted up to the limit and not beyond, settled once, booked where it was held: whatever the order."""
    book, limits, history, now = MemoryBook(), limits_from_plain(LIMITS), History(LIMITS), 100.0
    for quarters, drawn in sequence:
        now += quarters / 4
        steps: list[Case] = [{**drawn, "now": now, "seconds": 5}] if "reserve" in drawn else [{"expire": now}, drawn]
        for step in (*steps, {"remaining": now, "route_class": "cheap", "resets": []}):
            assert carried_out(book, limits, step) == told_again(history, step)


# --- Amounts ---


def policy() -> Policy:
    given = document("ledger.json")["policy"]
    return policy_from_document({**given, "digest": digest_of(given)})


RULES = Rules(token="t", policy=policy())


def decided(case: Case, body: bytes) -> tuple[Call, Plan]:
    """As the edge does it: the body is read once, and carried on."""
    said = case.get("content_type", "application/json").encode()
    request = Request("POST", GATEWAY + case["path"], ((b"content-type", said),), body, today=TODAY)
    call = read(request, RULES)
    call = replace(call, request=replace(request, tree=tree_of(call, RULES)))
    return call, decide(call, RULES, Options(route_class=case.get("route_class")))


def content_of(case: Case) -> bytes:
    if "raw" in case:
        return str(case["raw"]).encode()
    return json.dumps(case["body"]).encode() if "body" in case else b""


@cases("ledger.json", "most_of")
def test_the_most_that_a_request_may_use(case: Case) -> None:
    call, plan = decided(case, content_of(case))
    found = most_of(call, plan, limits_from_plain(case["limits"]))
    expected = case["expect"]
    assert found == (None if expected is None else Amounts(requests=1, **expected))


@cases("ledger.json", "used_by")
def test_what_an_answer_books(case: Case) -> None:
    asked = {"model": case["model"], "messages": [{"role": "user", "content": "Hello"}], "contents": []}
    _, plan = decided(case, json.dumps(asked).encode())
    content = content_of(case)
    if case["status"] is None:
        receipt = Receipt(plan, None, None, NoAnswer("connect", "refused", 1.0, 1.5), "unreachable", 1)
    else:
        headers = tuple((name.encode(), value.encode()) for name, value in case.get("answered", ()))
        meter = Meter(len(content), case["ended"], 1.5, content, content, case.get("whole", True))
        receipt = Receipt(plan, Head(case["status"], headers, 1.0, 1.25), meter, None, case["ended"], 1)
    assert used_by(receipt, Amounts(**case["held"])) == Amounts(**case["expect"])
