"""Policies (beta): shape E3, deny by default, spend caps."""

from __future__ import annotations

import pytest

from aig_client.apps.emulator import EmulatorConfig, GatewaySettings, Policy

from .driver import Outcome, Pure, chat

ALPHA = Policy(id="alpha", metadata={"team": frozenset({"alpha", "7"})})


def pure(*policies: Policy) -> Pure:
    return Pure(EmulatorConfig(settings=GatewaySettings(policies=policies)))


def as_team(driver: Pure, team: str, text: str = "Hello", cost: float = 1) -> Outcome:
    headers = {"cf-aig-metadata": f'{{"team": {team}}}', "cf-aig-custom-cost": f'{{"total_cost": {cost}}}'}
    return driver.send(headers=headers, body=chat(text))


@pytest.mark.parametrize(("team", "status"), [('"alpha"', 200), ("7", 200), ("7.0", 200), ('"beta"', 403)])
def test_what_no_policy_matches_is_denied_once_there_is_one(team: str, status: int) -> None:
    outcome = as_team(pure(ALPHA), team)
    assert outcome.status == status
    if status == 403:
        assert outcome.json == {"success": False, "error": {"message": "No policy matches this request"}}


def test_a_block_beats_what_allows() -> None:
    driver = pure(Policy(id="all"), Policy(id="no-alpha", action="block", metadata=ALPHA.metadata))
    assert as_team(driver, '"beta"').status == 200
    outcome = as_team(driver, '"alpha"')
    assert (outcome.status, outcome.json["error"]) == (403, {"message": "Request blocked by policy"})
    assert not driver.gateway.log[-1].attempts


def test_a_spend_cap_names_its_bucket_and_ends_with_its_window() -> None:
    driver = pure(Policy(id="hourly", action="limit", limit=1.5, window=3600))
    driver.now = 3600.0 * 500_000
    assert [as_team(driver, '"a"').status for _ in range(3)] == [200, 200, 429]
    error = as_team(driver, '"a"').json["error"]
    assert (error["bucket"], error["spent"], error["limit"]) == ("hourly", 2.0, 1.5)
    driver.now += 3599
    assert as_team(driver, '"a"').status == 429
    driver.now += 1
    assert as_team(driver, '"a"').status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "limit"},
        {"action": "limit", "limit": 1.0},
        {"action": "limit", "limit": float("nan"), "window": 60},
        {"action": "block", "limit": 1.0, "window": 60},
        {"window": 60},
    ],
)
def test_a_policy_that_could_not_act_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="policy 'p'"):
        Policy(id="p", **wrong)  # type: ignore[arg-type]
