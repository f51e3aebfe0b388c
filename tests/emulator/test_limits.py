"""Rate limits and spend limits (contract 5)."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._json import write
from aig_client.apps.emulator._limits import RateLimits, SpendLimits
from aig_client.apps.emulator._registry import GatewayRecord
from aig_client.apps.emulator._settings import GatewaySettings, SpendRule, Technique

ACCOUNT = "0" * 32
NOW = 1_760_000_000.0  # on a boundary of every window that divides 1 000 seconds
DOLLAR = 1_000_000_000


def gateway(settings: GatewaySettings | None = None, *, name: str = "demo", account: str = ACCOUNT) -> GatewayRecord:
    return GatewayRecord(account, name, settings or GatewaySettings(), 0.0, 0.0)


def limited(limit: int, interval: int, technique: Technique = "fixed") -> GatewayRecord:
    settings = GatewaySettings(
        rate_limiting_limit=limit, rate_limiting_interval=interval, rate_limiting_technique=technique
    )
    return gateway(settings)


def spending(*rules: SpendRule, name: str = "demo") -> GatewayRecord:
    return gateway(GatewaySettings(spend_limits=rules), name=name)


class TestRateLimits:
    def test_no_limit_without_both_numbers(self) -> None:
        for record in (gateway(), limited(0, 60), limited(1, 0)):
            rates = RateLimits()
            assert all(rates.admit(record, NOW) for _ in range(5))

    @given(st.integers(1, 20), st.integers(1, 100), st.lists(st.floats(0, 0.999), min_size=25, max_size=30))
    def test_a_limit_of_n_admits_n_in_a_fixed_window(self, limit: int, interval: int, parts: list[float]) -> None:
        rates, record = RateLimits(), limited(limit, interval)
        start = math.ceil(NOW / interval) * interval
        for window in (start, start + interval):
            admitted = [rates.admit(record, window + part * interval) for part in sorted(parts)]
            assert admitted == [True] * limit + [False] * (len(parts) - limit)

    @given(st.integers(1, 20), st.lists(st.floats(0, 500, allow_nan=False), max_size=60).map(sorted))
    def test_a_sliding_window_never_weighs_more_than_its_limit(self, limit: int, moments: list[float]) -> None:
        rates, record = RateLimits(), limited(limit, 100, "sliding")
        admitted: list[float] = []
        for now in moments:
            if rates.admit(record, now):
                admitted.append(now)
            this = sum(1 for moment in admitted if moment // 100 == now // 100)
            before = sum(1 for moment in admitted if moment // 100 == now // 100 - 1)
            assert this + before * (1 - (now % 100) / 100) <= limit + 1e-9

    def test_a_sliding_window_remembers_the_one_before(self) -> None:
        rates, record = RateLimits(), limited(4, 100, "sliding")
        assert [rates.admit(record, NOW + 90) for _ in range(5)] == [True] * 4 + [False]
        assert not rates.admit(record, NOW + 100)
        assert rates.admit(record, NOW + 125)
        assert not rates.admit(record, NOW + 126)

    def test_gateways_and_accounts_are_apart(self) -> None:
        rates, record = RateLimits(), limited(1, 60)
        assert rates.admit(record, NOW)
        assert not rates.admit(record, NOW)
        assert rates.admit(replace(record, id="other"), NOW)
        assert rates.admit(replace(record, account="f" * 32), NOW)

    def test_unified_billing_serves_200_requests_a_minute_beside_the_gateways_own_limit(self) -> None:
        rates, record = RateLimits(), limited(1, 60)
        start = math.ceil(NOW / 60) * 60
        admitted = sum(rates.admit_unified(record, start + number / 10) for number in range(300))
        assert admitted == 200
        assert rates.admit(record, start)
        assert rates.admit_unified(record, start + 60)


class TestSpendLimits:
    RULE = SpendRule(id="r1", limit=1.0, window=100)

    @staticmethod
    def refused(
        spend: SpendLimits,
        record: GatewayRecord,
        *,
        provider: str = "openai",
        model: str | None = "gpt-5",
        metadata: dict[str, str | bool | int | float] | None = None,
        now: float = NOW,
    ) -> str | None:
        rule = spend.refused(record, provider, model, metadata or {}, now)
        return rule.id if rule else None

    def test_the_limit_is_reached_after_the_answer_that_reaches_it(self) -> None:
        spend, record = SpendLimits(), spending(self.RULE)
        spend.add(record, "openai", "gpt-5", {}, DOLLAR - 1, NOW)
        assert self.refused(spend, record) is None
        spend.add(record, "openai", "gpt-5", {}, 1, NOW)
        assert self.refused(spend, record) == "r1"
        assert self.refused(spend, record, now=NOW + 100) is None

    def test_ten_dimes_are_a_dollar(self) -> None:
        spend, record = SpendLimits(), spending(self.RULE)
        for _ in range(10):
            assert self.refused(spend, record) is None
            spend.add(record, "openai", "gpt-5", {}, DOLLAR // 10, NOW)
        assert self.refused(spend, record) == "r1"

    def test_a_sliding_limit_forgets_slowly(self) -> None:
        spend, record = SpendLimits(), spending(replace(self.RULE, technique="sliding"))
        spend.add(record, "openai", "gpt-5", {}, 2 * DOLLAR, NOW)
        assert self.refused(spend, record, now=NOW + 150) == "r1"
        assert self.refused(spend, record, now=NOW + 151) is None

    def test_any_rule_refuses(self) -> None:
        large = replace(self.RULE, id="large", limit=5.0)
        spend, record = SpendLimits(), spending(large, self.RULE)
        spend.add(record, "openai", "gpt-5", {}, DOLLAR, NOW)
        assert self.refused(spend, record) == "r1"

    def test_a_disabled_rule_neither_counts_nor_refuses(self) -> None:
        spend, off = SpendLimits(), spending(replace(self.RULE, enabled=False))
        spend.add(off, "openai", "gpt-5", {}, 5 * DOLLAR, NOW)
        assert self.refused(spend, off) is None
        assert self.refused(spend, spending(self.RULE)) is None

    def test_a_counter_survives_its_rule_being_put_again(self) -> None:
        spend = SpendLimits()
        spend.add(spending(self.RULE), "openai", "gpt-5", {}, 2 * DOLLAR, NOW)
        assert self.refused(spend, spending(replace(self.RULE, limit=3.0))) is None
        assert self.refused(spend, spending(replace(self.RULE, limit=2.0, technique="sliding"))) == "r1"
        assert self.refused(spend, spending(replace(self.RULE, id="r2"))) is None
        assert self.refused(spend, spending(replace(self.RULE, window=200))) is None

    @pytest.mark.parametrize("spelling", ["gemini-3", "google-ai-studio/gemini-3", "google/gemini-3"])
    def test_a_model_by_any_of_its_names(self, spelling: str) -> None:
        spend, record = SpendLimits(), spending(replace(self.RULE, models=frozenset({spelling})))
        spend.add(record, "google-ai-studio", "gemini-3", {}, DOLLAR, NOW)
        assert self.refused(spend, record, provider="google-ai-studio", model="gemini-3") == "r1"
        assert self.refused(spend, record, provider="google-ai-studio", model="gemini-2") is None
        assert self.refused(spend, record, provider="google-ai-studio", model=None) is None

    @pytest.mark.parametrize("spelling", ["grok", "xai"])
    def test_a_provider_by_any_of_its_names(self, spelling: str) -> None:
        spend, record = SpendLimits(), spending(replace(self.RULE, providers=frozenset({spelling})))
        spend.add(record, "grok", "grok-4", {}, DOLLAR, NOW)
        assert self.refused(spend, record, provider="grok", model="other") == "r1"
        assert self.refused(spend, record, provider="openai") is None

    def test_a_custom_providers_name(self) -> None:
        rule = replace(self.RULE, providers=frozenset({"custom-mine"}), models=frozenset({"custom-mine/m"}))
        spend, record = SpendLimits(), spending(rule)
        spend.add(record, "custom-mine", "m", {}, DOLLAR, NOW)
        assert self.refused(spend, record, provider="custom-mine", model="m") == "r1"

    def test_a_metadata_filter_compares_text(self) -> None:
        rule = replace(self.RULE, metadata={"team": frozenset({"red", "7"}), "env": frozenset({"true"})})
        spend, record = SpendLimits(), spending(rule)
        spend.add(record, "openai", "gpt-5", {"team": 7, "env": True}, DOLLAR, NOW)
        assert self.refused(spend, record, metadata={"team": "red", "env": "true"}) == "r1"
        assert self.refused(spend, record, metadata={"team": "red"}) is None
        assert self.refused(spend, record, metadata={"team": "blue", "env": True}) is None

    def test_requests_without_the_partitions_key_share_one_counter(self) -> None:
        spend, record = SpendLimits(), spending(replace(self.RULE, metadata={"user": None}))
        spend.add(record, "openai", "gpt-5", {}, DOLLAR, NOW)
        assert self.refused(spend, record) == "r1"
        assert self.refused(spend, record, metadata={"user": ""}) is None

    def test_a_long_value_is_a_partition_too(self) -> None:
        spend, record = SpendLimits(), spending(replace(self.RULE, metadata={"user": None}))
        spend.add(record, "openai", "gpt-5", {"user": "é" * 9000}, DOLLAR, NOW)
        assert self.refused(spend, record, metadata={"user": "é" * 9000}) == "r1"
        assert self.refused(spend, record, metadata={"user": "é" * 8999}) is None
        assert len(write(spend.dump())) < 500

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["demo", "other"]),
                st.sampled_from(["u1", "u2", 1, "1", True, 1.5]),
                st.sampled_from(["t1", "t2"]),
                st.integers(0, 2 * DOLLAR),
            ),
            max_size=20,
        )
    )
    def test_partitions_are_independent(self, spent: list[tuple[str, str | bool | float, str, int]]) -> None:
        rule = replace(self.RULE, limit=2.0, metadata={"user": None, "team": None})
        spend = SpendLimits()
        totals: dict[tuple[str, str, str], int] = {}
        for name, user, team, nano in spent:
            record = spending(rule, name=name)
            spend.add(record, "openai", "gpt-5", {"team": team, "user": user}, nano, NOW)
            text = json.dumps(user) if isinstance(user, bool) else str(user)
            totals[name, text, team] = totals.get((name, text, team), 0) + nano
            for (gateway_id, who, whose), total in totals.items():
                metadata: dict[str, str | bool | int | float] = {"user": who, "team": whose}
                refused = self.refused(spend, spending(rule, name=gateway_id), metadata=metadata)
                assert (refused is not None) == (total >= 2 * DOLLAR)

    def test_a_dump_carries_the_counters_over(self) -> None:
        spend, later = SpendLimits(), SpendLimits()
        record = spending(replace(self.RULE, metadata={"user": None}))
        spend.add(record, "openai", "gpt-5", {"user": "u1"}, DOLLAR, NOW)
        later.load(json.loads(write(spend.dump())))
        assert self.refused(later, record, metadata={"user": "u1"}) == "r1"
        assert self.refused(later, record, metadata={"user": "u2"}) is None
