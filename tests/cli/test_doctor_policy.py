"""The doctor on the policy: whether it loads, what overrides it, what goes out of service, how old the catalog is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aig_client.apps.cli import _doctor_policy as policy

from .checking import GATEWAY, found, short
from .policies import POLICY
from .running import run

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
OVERRIDE = "AIG_MODEL__SPLIT__FIREWORKS"


def test_the_built_in_policy() -> None:
    assert short(found(policy.loads, GATEWAY)) == ["ok: the policy is the built-in one: 10 route classes"]
    assert not found(policy.variables, GATEWAY)
    assert not [one for one in found(policy.soundness, GATEWAY, now=NOW) if one.severity in ("error", "warning")]


def test_a_file_is_named() -> None:
    (one,) = found(policy.loads, GATEWAY, file=POLICY)
    assert (one.severity, one.what, one.where) == ("ok", "the policy is that of aig.toml: 12 route classes", "aig.toml")
    (one,) = found(policy.loads, GATEWAY, file='[gateway]\nnamespace = "x"\n')
    assert one.what.startswith("the policy is the built-in one")


def test_a_file_that_does_not_load() -> None:
    (one,) = found(policy.loads, GATEWAY, file="[classes.summary]\ntols = 1\n")
    assert (one.severity, one.what) == ("error", "tols is no field that we know")
    assert one.where is not None
    assert one.where.endswith("aig.toml [classes.summary]")
    assert one.fix is not None
    assert one.fix.startswith("Did you mean 'tools'?")
    assert not found(policy.soundness, GATEWAY, file="[classes.summary]\ntols = 1\n")
    assert not found(policy.catalog, GATEWAY, file="[classes.summary]\ntols = 1\n")


def test_what_the_settings_say_already_is_not_said_twice() -> None:
    assert not found(policy.loads, GATEWAY, file="[gateway\n")


def test_each_variable_is_judged_by_itself() -> None:
    environ = {
        "AIG_MODEL__NOBODY__FIREWORKS": "x",
        "AIG_MODEL__SPLIT__NOWHERE": "x",
        "AIG_MODEL__SPLIT": "x",
        "AIG_MODEL__SPLIT__BASETEN": "tiny",
        OVERRIDE: "large",
    }
    said = found(policy.variables, environ, file=POLICY)
    assert [one.severity for one in said] == ["error"] * 4
    assert {one.where for one in said} == {f"environment {name}" for name in environ if name != OVERRIDE}
    assert any("'nobody' is no class, so no client starts" in one.what for one in said)
    (info,) = [one for one in found(policy.soundness, environ, file=POLICY, now=NOW) if one.check == "override"]
    assert (info.severity, info.what) == ("info", "class split takes fireworks/large at fireworks")
    assert info.where == f"environment {OVERRIDE}"


def test_every_good_variable_counts() -> None:
    environ = {OVERRIDE: "large", "AIG_MODEL__SUMMARY__BASETEN": "mid", "AIG_MODEL__ZZZ__BASETEN": "mid"}
    said = [one.what for one in found(policy.soundness, environ, file=POLICY, now=NOW) if one.check == "override"]
    assert said == ["class split takes fireworks/large at fireworks", "class summary takes baseten/mid at baseten"]


def test_a_forced_override_is_warned_of() -> None:
    said = found(policy.soundness, {OVERRIDE: "forced:huge"}, file=POLICY, now=NOW)
    assert [one.what for one in said if one.severity == "warning"] == [
        "class split takes fireworks/huge at fireworks, forced: nobody checks that it can"
    ]


@pytest.mark.parametrize("name", ["AIG_MODEL_SPLIT__FIREWORKS", "AIGMODEL__X__Y", "aig_model__split__fireworks"])
def test_a_variable_that_matches_nothing(name: str) -> None:
    (one,) = found(policy.variables, {name: "small"}, file=POLICY)
    assert (one.severity, one.what) == ("warning", f"{name} matches nothing: nobody reads it")


def test_an_empty_variable_says_nothing() -> None:
    (one,) = found(policy.variables, {OVERRIDE: ""}, file=POLICY)
    assert (one.severity, one.where) == ("info", f"environment {OVERRIDE}")


@pytest.mark.parametrize(("days", "severity"), [(0, "ok"), (90, "ok"), (91, "warning"), (400, "warning")])
def test_the_age_of_the_catalog(days: int, severity: str) -> None:
    then = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days)
    (one,) = [one for one in found(policy.catalog, {}, file=POLICY, now=then) if one.check == "catalog"]
    assert one.severity == severity
    if severity == "warning":
        assert one.what.startswith("4 of 4 models, and their prices, were looked up ")
        assert one.fix is not None
        assert "pip install -U aig-client" in one.fix


def test_models_without_a_price() -> None:
    (one,) = [one for one in found(policy.catalog, {}, file=POLICY, now=NOW) if one.check == "prices"]
    assert (one.severity, one.what) == (
        "info",
        "no price is known of fireworks/mute: their cost is unknown in receipts",
    )


def test_targets_that_retire_soon() -> None:
    text = POLICY.replace('source = "made up"', 'retired_on = "2026-12-01"')
    said = [one for one in found(policy.soundness, {}, file=text, now=NOW) if one.severity == "warning"]
    assert [one.what for one in said] == ["class split: fireworks/small retires on 2026-12-01, in 10 days"]
    assert not [
        one for one in found(policy.soundness, {}, file=text, now=NOW - timedelta(days=60)) if one.severity == "warning"
    ]


def test_no_secret_of_a_variable_is_shown() -> None:
    ran = run("doctor", "--json", env={**GATEWAY, "AIG_MODEL__SUMMARY__OPENAI": "sk-proj-0123456789abcdef"})
    assert "0123456789abcdef" not in ran.out
    assert "override" in {one["check"] for one in ran.data["findings"]}
