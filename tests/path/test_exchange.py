"""The path as a conversation: what is asked, in which order, and what is never asked twice."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.core import (
    CacheIntent,
    Deliver,
    Meter,
    NoAnswer,
    Options,
    Refused,
    Request,
    Rules,
    Send,
    Unkeyable,
    decide,
    read,
)

from .asks import OUTSIDE, Exchange, asked, cache_headers, head, planned, sent

CACHED: dict[str, Any] = {"cache": CacheIntent.response(300), "tenant": "acme"}
FORCED: dict[str, Any] = {"cache": CacheIntent.response(300, force=True), "tenant": "acme"}
HIT, MISS = [("CF-AIG-Cache-Status", " hit ")], [("cf-aig-cache-status", "MISS")]
DONE = Meter(2, "complete", 2.0, b"{}", b"{}", True)


def test_an_answer_is_delivered_and_settled() -> None:
    exchange, answer = Exchange(), head()
    questions = [exchange.open]
    assert exchange.answer(answer) is None
    questions.append(exchange.open)
    assert questions == [Send(planned()), Deliver(planned(), answer)]
    receipt = exchange.answer(DONE)
    assert receipt is not None
    assert (receipt.plan, receipt.head, receipt.meter, receipt.no_answer) == (planned(), answer, DONE, None)
    assert (receipt.ended, receipt.attempts, receipt.status) == ("complete", 1, 200)


def test_outside_of_every_gateway_the_conversation_is_the_same() -> None:
    exchange = Exchange(asked(OUTSIDE))
    assert exchange.answer(head(headers=[("cf-aig-cache-status", "HIT"), ("cf-aig-log-id", "l")])) is None
    receipt = exchange.answer(DONE)
    assert receipt is not None
    assert (receipt.ended, receipt.cache_status, receipt.metadata.log_id) == ("complete", None, None)


@pytest.mark.parametrize("kind", ["connect", "timeout", "deadline", "protocol"])
def test_when_nobody_answers_there_is_a_receipt_all_the_same(kind: Any) -> None:
    answer = NoAnswer(kind, "nobody there", 1.0, 3.5)
    receipt = Exchange().answer(answer)
    assert receipt is not None
    assert (receipt.ended, receipt.attempts, receipt.no_answer) == ("unreachable", 1, answer)
    assert (receipt.head, receipt.meter, receipt.status, receipt.usage) == (None, None, None, None)
    assert (receipt.latency, receipt.time_to_first_byte, receipt.cache_status) == (2.5, None, None)
    assert receipt.as_dict()["ended"] == "unreachable"


@pytest.mark.parametrize("status", [301, 304, 400, 401, 404, 408, 429, 500, 502, 599])
def test_an_error_out_of_the_cache_is_asked_for_again_past_the_cache(status: int) -> None:
    exchange = Exchange(**CACHED)
    assert set(cache_headers(exchange.plan)) == {"cache-key", "cache-ttl"}
    assert exchange.answer(head(status, HIT)) is None
    assert isinstance(exchange.open, Send)
    again = exchange.plan
    assert cache_headers(again) == {"skip-cache": "true"}
    assert again.intent is CacheIntent.off
    assert (again.key, again.ttl) == (None, None)
    assert again.reasons == ("cached by intent", "asked again past the cache: it held an error")
    assert {**sent(exchange.sends[0]), "cf-aig-skip-cache": "true"}.items() >= sent(again).items()
    assert exchange.answer(head(200, MISS)) is None
    receipt = exchange.answer(DONE)
    assert receipt is not None
    assert (receipt.attempts, receipt.status, receipt.plan) == (2, 200, again)


def test_an_error_is_asked_for_again_only_once() -> None:
    exchange = Exchange(**CACHED)
    exchange.answer(head(500, HIT))
    exchange.answer(head(500, HIT))
    assert isinstance(exchange.open, Deliver)
    receipt = exchange.answer(DONE)
    assert receipt is not None
    assert (receipt.attempts, receipt.status) == (2, 500)
    assert len(exchange.sends) == 2


def test_nobody_may_answer_the_second_time() -> None:
    exchange = Exchange(**CACHED)
    exchange.answer(head(500, HIT))
    receipt = exchange.answer(NoAnswer("connect", "gone", 2.0, 3.0))
    assert receipt is not None
    assert (receipt.ended, receipt.attempts) == ("unreachable", 2)


@pytest.mark.parametrize(
    ("options", "request_", "status", "headers"),
    [
        (CACHED, asked(), 200, HIT),
        (CACHED, asked(), 204, HIT),
        (CACHED, asked(), 500, MISS),
        (CACHED, asked(), 500, []),
        (CACHED, asked(), 500, [("cf-aig-cache-status", "EXPIRED")]),
        (CACHED, asked(), 500, [("cf-cache-status", "HIT")]),
        (FORCED, asked(), 500, HIT),
        ({}, asked(), 500, HIT),
        ({"cache": CacheIntent.gateway_default}, asked(), 500, HIT),
        (CACHED, asked(headers=[("cf-aig-cache-key", "mine"), ("cf-aig-cache-ttl", "60")]), 500, HIT),
        (CACHED, asked(OUTSIDE), 500, HIT),
    ],
    ids=[
        "a success", "a success without a body", "no hit", "no status", "an unknown status", "another cache", "forced",
        "never cached", "the gateway's own cache", "the caller's own key", "no gateway",
    ],
)  # fmt: skip
def test_nothing_else_is_asked_for_again(options: dict[str, Any], request_: Any, status: int, headers: Any) -> None:
    exchange = Exchange(request_, **options)
    exchange.answer(head(status, headers))
    assert isinstance(exchange.open, Deliver)
    receipt = exchange.answer(DONE)
    assert receipt is not None
    assert (receipt.attempts, receipt.status) == (1, status)


@pytest.mark.parametrize(
    ("request_", "options", "error"),
    [
        (asked(), {"cache": CacheIntent.response(300)}, Refused),
        (asked(body=b'{"a":1,"a":2}'), CACHED, Unkeyable),
        (asked(headers=[("cf-aig-cache-ttl", "1")]), {}, Refused),
        (asked(headers=[("x-aig-what", "1")]), {}, Refused),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_sent(
    request_: Any, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Exchange(request_, **options)


def test_one_set_of_rules_serves_many_requests_alike() -> None:
    rules = Rules(token="t")
    first = [Exchange(asked(), rules, route_class=name).plan for name in ("summary", "planning", "summary")]
    assert first[0] == first[2] != first[1]


def test_a_client_s_deadline_holds_outside_the_gateway_too() -> None:
    request = Request("POST", "https://example.org/v1/chat", (), b"{}")
    rules = Rules(defaults=Options(deadline=3.0))
    plan = decide(read(request, rules), rules)
    assert plan.surface is None
    assert plan.deadline == 3.0
