"""Timeouts, retries and backoff, with the final-attempt rule (contract 1.2)."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client.apps.emulator import EmulatorConfig, GatewaySettings, ProviderAnswer
from aig_client.apps.emulator._attempts import read_attempts
from aig_client.apps.emulator._messages import Break, ProviderRequest

from .driver import START, Pure

KIND = (("content-type", "application/json"),)


def provider(*answers: float | None) -> Any:
    """Answers in turn: a status; a float: 200 after so many seconds; `None`: not there. The last one stays."""
    left = list(answers)

    def answer(_request: ProviderRequest) -> ProviderAnswer:
        now: int | float | None = left.pop(0) if len(left) > 1 else left[0]
        if now is None:
            return ProviderAnswer(200, KIND, (Break(),))
        if isinstance(now, float):
            return ProviderAnswer(200, KIND, (b"{}",), delay=now)
        return ProviderAnswer(now, KIND, (b"{}",))

    return answer


@pytest.mark.parametrize("failure", [None, 408, 429, 500, 502, 529])
def test_a_failure_is_tried_again(failure: int | None) -> None:
    pure = Pure(provider=provider(failure, failure, 200))
    outcome = pure.send(headers={"cf-aig-max-attempts": "2", "cf-aig-retry-delay": "100"})
    assert (outcome.status, len(pure.calls), pure.gateway.log[0].attempts) == (200, 3, 3)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 422])
def test_another_try_would_not_mend_this(status: int) -> None:
    pure = Pure(provider=provider(status, 200))
    assert pure.send(headers={"cf-aig-max-attempts": "5"}).status == status
    assert len(pure.calls) == 1


def test_the_last_failure_is_the_answer() -> None:
    pure = Pure(provider=provider(503))
    assert pure.send(headers={"cf-aig-max-attempts": "2", "cf-aig-retry-delay": "0"}).status == 503
    assert len(pure.calls) == 3
    gone = Pure(provider=provider(None)).send(headers={"cf-aig-max-attempts": "1", "cf-aig-retry-delay": "0"})
    assert (gone.status, gone.code) == (400, 2005)


@pytest.mark.parametrize(
    ("backoff", "waited"), [("constant", 4.0), ("linear", 1.0 + 2 + 3 + 4), ("exponential", 1.0 + 2 + 4 + 8)]
)
def test_backoff(backoff: str, waited: float) -> None:
    pure = Pure(provider=provider(500))
    headers = {"cf-aig-max-attempts": "4", "cf-aig-retry-delay": "1000", "cf-aig-backoff": backoff}
    pure.send(headers=headers)
    assert pure.now - START == waited


def test_a_timeout_is_to_the_first_byte_and_is_an_error() -> None:
    pure = Pure(provider=provider(3.0))
    outcome = pure.send(headers={"cf-aig-request-timeout": "2000"})
    assert (outcome.status, outcome.code, pure.now - START) == (400, 2005, 2.0)
    assert Pure(provider=provider(2.0)).send(headers={"cf-aig-request-timeout": "2000"}).status == 200


def test_the_last_retry_waits_whatever_the_timeout_says() -> None:
    pure = Pure(provider=provider(9.0))
    headers = {"cf-aig-request-timeout": "2000", "cf-aig-max-attempts": "2", "cf-aig-retry-delay": "0"}
    assert pure.send(headers=headers).status == 200
    assert [call.timeout for call in pure.asked] == [2.0, 2.0, None]
    assert pure.now - START == 2 + 2 + 9


def test_the_gateway_s_own_retries_and_the_header_that_beats_them() -> None:
    settings = GatewaySettings(retry_max_attempts=3, retry_delay=2000, retry_backoff="linear")
    pure = Pure(EmulatorConfig(settings=settings), provider=provider(500))
    pure.send()
    assert (len(pure.calls), pure.now - START) == (4, 2.0 + 4 + 6)
    pure.send(headers={"cf-aig-max-attempts": "1", "cf-aig-retry-delay": "0"})
    assert len(pure.calls) == 4 + 2


@pytest.mark.parametrize("value", ["0", "6", "-1", "1.5", "many", "", "99999999999999"])
def test_a_bad_number_of_attempts_counts_as_not_sent(value: str) -> None:
    assert read_attempts({"cf-aig-max-attempts": value}, GatewaySettings()).retries == 0
    assert read_attempts({"cf-aig-max-attempts": value}, GatewaySettings(retry_max_attempts=2)).retries == 2


@pytest.mark.parametrize(("value", "seconds"), [("60000", 60.0), ("60001", 1.0), ("-1", 1.0), ("0", 0.0), ("x", 1.0)])
def test_retry_delay_is_at_most_a_minute(value: str, seconds: float) -> None:
    assert read_attempts({"cf-aig-retry-delay": value}, GatewaySettings()).delay == seconds


@pytest.mark.parametrize(("value", "seconds"), [("1", 0.001), ("0", None), ("-5", None), ("1s", None)])
def test_a_bad_timeout_counts_as_not_sent(value: str, seconds: float | None) -> None:
    assert read_attempts({"cf-aig-request-timeout": value}, GatewaySettings()).timeout == seconds


def test_a_retried_request_counts_once_for_the_rate_limit() -> None:
    limited = GatewaySettings(rate_limiting_limit=1, rate_limiting_interval=60, retry_max_attempts=5, retry_delay=0)
    pure = Pure(EmulatorConfig(settings=limited), provider=provider(500, 500, 200))
    assert pure.send().status == 200
    outcome = pure.send()
    assert (outcome.status, outcome.code) == (429, 2003)
    assert "retry-after" not in outcome.headers
