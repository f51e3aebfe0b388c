"""What a request leaves in the gateway's log (contract 1.2, 1.4, 1.5, 5, 6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.apps.emulator import EmulatorConfig, GatewaySettings, LogEntry, Price

from .driver import Pure, chat


def last(pure: Pure) -> LogEntry:
    return pure.gateway.log[-1]


def with_settings(**settings: Any) -> Pure:
    return Pure(EmulatorConfig(settings=GatewaySettings(**settings)))


@pytest.mark.parametrize(
    ("by_gateway", "headers", "collected", "payload"),
    [
        (True, {}, True, True),
        (False, {}, False, False),
        (True, {"cf-aig-collect-log": "false"}, False, False),
        (False, {"cf-aig-collect-log": "true"}, True, True),
        (True, {"cf-aig-collect-log-payload": "false"}, True, False),
        (True, {"cf-aig-collect-log": "false", "cf-aig-collect-log-payload": "true"}, False, False),
    ],
)
def test_what_is_collected(by_gateway: bool, headers: dict[str, str], collected: bool, payload: bool) -> None:
    pure = with_settings(collect_logs=by_gateway)
    outcome = pure.send(headers=headers)
    entry = last(pure)
    assert entry.collected is collected
    assert (entry.request_body, entry.response_body) == ((chat(), outcome.body) if payload else (None, None))
    assert entry.tokens_in is not None
    assert entry.cost is not None


@pytest.mark.parametrize("strategy", ["STOP_INSERTING", "DELETE_OLDEST"])
def test_a_full_log_stops_or_loses_its_oldest(strategy: str) -> None:
    pure = with_settings(log_management=3, log_management_strategy=strategy)
    for number in range(7):
        pure.send(body=chat(str(number)))
    shown = [place for place, entry in enumerate(pure.gateway.log) if entry.collected]
    assert shown == ([0, 1, 2] if strategy == "STOP_INSERTING" else [4, 5, 6])


def test_a_row_exists_before_its_cost_does() -> None:
    pure = Pure()
    rows: list[LogEntry] = []
    put = pure.gateway.book.put

    def watched(entry: LogEntry) -> None:
        rows.append(entry)
        put(entry)

    pure.gateway.book.put = watched  # type: ignore[method-assign]
    pure.send()
    assert [(row.cost is None, row.tokens_in is None) for row in rows] == [(True, True), (False, False)]
    assert rows[0].log_id == rows[1].log_id


def test_cost_is_tokens_times_the_emulator_s_price() -> None:
    pure = Pure(EmulatorConfig(prices={"gpt-4.1-mini": Price(input=10.0, output=100.0)}))
    pure.send()
    entry = last(pure)
    assert entry.tokens_in
    assert entry.tokens_out
    assert entry.cost == pytest.approx(entry.tokens_in * 1e-5 + entry.tokens_out * 1e-4)
    assert not entry.custom_cost


def test_an_error_has_no_tokens_and_no_cost() -> None:
    pure = Pure()
    assert pure.send(auth={"authorization": "Bearer wrong"}).status == 401
    assert (last(pure).tokens_in, last(pure).cost, last(pure).success) == (None, None, False)


def test_metadata_and_who_asked() -> None:
    pure = Pure()
    pure.send(headers={"cf-aig-metadata": '{"team": "x", "n": 1}', "user-agent": "mine/1", "cf-aig-event-id": "e"})
    entry = last(pure)
    assert (dict(entry.metadata), entry.user_agent, entry.event_id) == ({"team": "x", "n": 1}, "mine/1", "e")
    assert (entry.provider, entry.model, entry.request_type) == ("openai", "gpt-4.1-mini", "native")


def test_a_cut_answer_keeps_its_row_without_tokens() -> None:
    pure = Pure()
    outcome = pure.send(headers={"x-aig-fault": "cut;after=2"}, body=chat(stream=True))
    assert not outcome.complete
    assert (last(pure).status, last(pure).tokens_in, last(pure).fault) == (200, None, "cut;after=2")


def test_the_payloads_of_a_log_are_bounded() -> None:
    pure = Pure(EmulatorConfig(log_bytes=20_000))
    for number in range(50):
        pure.send(body=chat(str(number) * 1000))
    kept = sum(len(entry.request_body or b"") + len(entry.response_body or b"") for entry in pure.gateway.log)
    assert 0 < kept <= 20_000
