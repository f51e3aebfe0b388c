"""Settings and their spelling in the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._settings import (
    HAZARDS,
    MAX_CACHE_TTL,
    Action,
    Check,
    DlpPolicy,
    GatewaySettings,
    Guardrails,
    SpendRule,
)
from aig_client.apps.emulator.management import ApiError, read_settings, write_settings

from .desk import UPDATE


def _read(**more: Any) -> GatewaySettings:
    return read_settings({**UPDATE, **more})


def test_guardrails() -> None:
    wire = {"prompt": {"P1": "BLOCK", "S1": "FLAG"}, "response": {"S13": "BLOCK"}}
    settings = _read(guardrails=wire)
    assert settings.guardrails == Guardrails(prompt={"P1": "BLOCK", "S1": "FLAG"}, response={"S13": "BLOCK"})
    assert write_settings(settings)["guardrails"] == wire
    assert _read(guardrails=None).guardrails is None


def test_dlp_in_its_short_shape_checks_both_sides() -> None:
    wire = {"enabled": True, "action": "FLAG", "profiles": ["p1", "p2"]}
    settings = _read(dlp=wire)
    checks: frozenset[Check] = frozenset(("REQUEST", "RESPONSE"))
    assert settings.dlp == (DlpPolicy(id="default", action="FLAG", checks=checks, profiles=("p1", "p2")),)
    assert write_settings(settings)["dlp"] == wire


def test_dlp_in_its_long_shape() -> None:
    policy = {"id": "a", "action": "BLOCK", "check": ["RESPONSE"], "enabled": False, "profiles": []}
    wire = {"enabled": True, "policies": [policy]}
    settings = _read(dlp=wire)
    assert settings.dlp == (DlpPolicy(id="a", action="BLOCK", checks=frozenset(("RESPONSE",)), enabled=False),)
    assert write_settings(settings)["dlp"] == wire


@pytest.mark.parametrize(
    "wire",
    [
        {"enabled": False, "action": "BLOCK", "profiles": ["p"]},
        {
            "enabled": False,
            "policies": [{"id": "a", "action": "FLAG", "check": ["REQUEST"], "enabled": True, "profiles": ["p"]}],
        },
    ],
)
def test_dlp_that_is_off_as_a_whole_has_no_policy_but_is_given_back(wire: dict[str, Any]) -> None:
    settings = _read(dlp=wire)
    assert settings.dlp == ()
    assert write_settings(settings)["dlp"] == wire


def test_spend_rules() -> None:
    rule = {
        "id": "team",
        "limit": 2.5,
        "limitType": "cost",
        "window": 3600,
        "technique": "sliding",
        "enabled": False,
        "model": {"mode": "filter", "values": ["gpt-5"]},
        "provider": {"mode": "filter", "values": ["openai"]},
        "metadata": {"user": {"mode": "partition"}, "team": {"mode": "filter", "values": ["a", "b"]}},
    }
    settings = _read(spend_limits={"enabled": True, "rules": [rule]})
    assert settings.spend_limits == (
        SpendRule(
            id="team",
            limit=2.5,
            window=3600,
            technique="sliding",
            enabled=False,
            models=frozenset(("gpt-5",)),
            providers=frozenset(("openai",)),
            metadata={"user": None, "team": frozenset(("a", "b"))},
        ),
    )
    assert write_settings(settings)["spend_limits"] == {"enabled": True, "rules": [rule]}


def test_a_rule_without_an_id_gets_one_that_stays() -> None:
    plain = {"limit": 1, "limitType": "cost", "window": 60}
    rules = [{**plain, "id": "rule-2"}, plain, plain]
    first, again = (_read(spend_limits={"rules": rules}).spend_limits for _ in range(2))
    assert [rule.id for rule in first] == ["rule-2", "rule-2-", "rule-3"]
    assert first == again


def test_a_rule_id_twice_is_refused() -> None:
    plain = {"id": "a", "limit": 1, "limitType": "cost", "window": 60}
    with pytest.raises(ApiError, match="twice"):
        _read(spend_limits={"rules": [plain, plain]})


def test_rules_that_are_off_as_a_whole_do_not_act_but_are_given_back() -> None:
    wire = {"enabled": False, "rules": [{"limit": 1, "limitType": "cost", "window": 60}]}
    settings = _read(spend_limits=wire)
    assert settings.spend_limits == ()
    assert write_settings(settings)["spend_limits"] == wire


def test_settings_that_changed_since_win_over_the_spelling_that_was_kept() -> None:
    settings = _read(dlp={"enabled": True, "action": "FLAG", "profiles": ["p"]})
    changed = replace(settings, dlp=(DlpPolicy(id="new"),))
    wire = write_settings(changed)["dlp"]
    assert wire == {
        "enabled": True,
        "policies": [{"id": "new", "action": "BLOCK", "check": ["REQUEST"], "enabled": True, "profiles": []}],
    }


def test_what_the_server_says_of_itself_is_never_taken() -> None:
    own = {"id": "x", "created_at": "now", "modified_at": "now", "is_default": True, "account_id": "a"}
    assert _read(**own).other == {}


def test_a_gateway_that_caches_without_a_ttl_shows_the_life_that_it_gives() -> None:
    assert write_settings(GatewaySettings(caching=True))["cache_ttl"] == 300
    assert write_settings(GatewaySettings(caching=False, cache_ttl=600))["cache_ttl"] == 0


_names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
_actions = st.sampled_from(list[Action](("FLAG", "BLOCK")))
_hazards = st.dictionaries(st.sampled_from(HAZARDS), _actions, max_size=3)
_rules = st.builds(
    SpendRule,
    id=_names,
    limit=st.floats(0, 1e6, allow_nan=False),
    window=st.integers(1, 86_400),
    technique=st.sampled_from(["fixed", "sliding"]),
    enabled=st.booleans(),
    models=st.frozensets(_names, max_size=2),
    providers=st.frozensets(_names, max_size=2),
    metadata=st.dictionaries(_names, st.none() | st.frozensets(_names, max_size=2), max_size=2),
)
_policies = st.builds(
    DlpPolicy,
    id=_names,
    action=_actions,
    checks=st.frozensets(st.sampled_from(["REQUEST", "RESPONSE"])),
    profiles=st.lists(_names, max_size=2).map(tuple),
    enabled=st.booleans(),
)
_ttls = st.none() | st.integers(60, MAX_CACHE_TTL)
_settings = st.builds(
    lambda ttl, **more: GatewaySettings(caching=ttl is not None, cache_ttl=ttl, **more),
    ttl=_ttls,
    authentication=st.booleans(),
    byok_only=st.booleans(),
    cache_invalidate_on_update=st.booleans(),
    collect_logs=st.booleans(),
    log_management=st.none() | st.integers(10_000, 10_000_000),
    log_management_strategy=st.sampled_from(["STOP_INSERTING", "DELETE_OLDEST"]),
    rate_limiting_limit=st.integers(0, 1000),
    rate_limiting_interval=st.integers(0, 86_400),
    rate_limiting_technique=st.sampled_from(["fixed", "sliding"]),
    retry_max_attempts=st.none() | st.integers(1, 5),
    retry_delay=st.none() | st.integers(0, 60_000),
    retry_backoff=st.sampled_from([None, "constant", "linear", "exponential"]),
    guardrails=st.none() | st.builds(Guardrails, prompt=_hazards, response=_hazards),
    dlp=st.lists(_policies, max_size=3, unique_by=lambda policy: policy.id).map(tuple),
    spend_limits=st.lists(_rules, max_size=3, unique_by=lambda rule: rule.id).map(tuple),
    zdr=st.booleans(),
    workers_ai_billing_mode=st.sampled_from(["postpaid", "unified"]),
)


@given(_settings)
def test_settings_survive_the_wire(settings: GatewaySettings) -> None:
    wire = write_settings(settings)
    assert replace(read_settings(wire), other={}) == settings
    assert write_settings(read_settings(wire)) == wire
