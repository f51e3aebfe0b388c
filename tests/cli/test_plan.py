"""`aig plan FILE`: what would be decided, without sending."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aig_client import CacheIntent, GatewayClient

from .policies import POLICY, toml
from .running import Ran, run, write

ACCOUNT = "0123456789abcdef0123456789abcdef"
BASE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
ASKED = {"messages": [{"role": "user", "content": "the quick brown fox"}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SECRET = "S3cr3tS3cr3tS3cr3t"


@pytest.fixture
def body(folder: Path) -> str:
    toml(folder)
    return write(folder, "body.json", ASKED)


def names(ran: Ran) -> list[str]:
    return [one["model"] for one in ran.data["selection"]["ranking"]]


def test_a_class_named_by_an_option(body: str) -> None:
    ran = run("plan", body, "--provider", "fireworks", "--route-class", "summary", "--json")
    assert ran.code == 0
    data = ran.data
    assert (data["ok"], data["refused"], data["route_class"]) == (True, None, "summary")
    assert (data["provider"], data["model"], data["body_rewritten"]) == ("fireworks", "small", True)
    assert data["selection"]["chosen"] == "fireworks/small"
    assert names(ran) == ["fireworks/small", "baseten/mid", "fireworks/large", "fireworks/mute"]  # no price comes last
    assert data["fallbacks"] == ["baseten/mid"]
    assert data["deadline"] == 20
    assert json.loads(data["headers"]["cf-aig-metadata"]) == {"route_class": "summary"}
    assert data["policy"] == {"source": "aig.toml", "digest": data["policy"]["digest"], "epoch": "7"}
    assert data["policy"]["digest"].startswith("sha256:")


def test_a_class_named_in_the_body(folder: Path, body: str) -> None:
    by_option = run("plan", body, "--provider", "fireworks", "--route-class", "summary", "--json").data
    named = write(folder, "named.json", {**ASKED, "model": "aig/summary"})
    assert run("plan", named, "--provider", "fireworks", "--json").data == by_option
    assert run("plan", named, "--json").data["selection"] == by_option["selection"]  # nobody named a provider


def test_a_model_that_the_body_names_stays(folder: Path, body: str) -> None:
    named = write(folder, "named.json", {**ASKED, "model": "gpt-4.1-mini"})
    data = run("plan", named, "--json").data
    assert (data["route_class"], data["model"], data["selection"]) == (None, "gpt-4.1-mini", None)
    assert data["body_rewritten"] is False
    assert run("plan", named).out.startswith("route class  none: the request leaves as the caller made it\n")


def test_neither_model_nor_class(body: str) -> None:
    ran = run("plan", body, "--provider", "fireworks")
    assert (ran.code, ran.err) == (0, "")
    assert "none: the body names none, and no class chose one" in ran.out


def test_standard_input() -> None:
    text = json.dumps({**ASKED, "model": "aig/summary"})
    assert run("plan", "-", "--json", given=text).data["route_class"] == "summary"
    assert run("plan", "-", given=text).out.startswith("route class  summary\n")


def test_a_policy_of_another_name(folder: Path) -> None:
    body = write(folder, "body.json", ASKED)
    named = toml(folder, POLICY.replace('epoch = "7"', 'epoch = "8"'), "other.toml")
    words = ("plan", body, "--provider", "fireworks", "--route-class", "summary", "--json")
    data = run(*words, "--policy", named).data
    assert (data["policy"]["source"], data["policy"]["epoch"]) == ("other.toml", "8")
    assert data["selection"]["chosen"] == "fireworks/small"
    assert run("policy", "compile", named, "-o", "policy.json").code == 0
    compiled = run(*words, "--policy", "policy.json").data
    assert compiled["policy"] == {**data["policy"], "source": "policy.json"}
    assert compiled["selection"] == data["selection"]
    assert run("plan", body, "--route-class", "summary", "--json").data["policy"]["source"] == "built-in"


def test_a_targeting_key_stays_with_its_arm(body: str) -> None:
    def arm(key: str) -> str:
        words = ("--provider", "fireworks", "--route-class", "split", "--targeting-key", key)
        model: str = run("plan", body, *words, "--json").data["model"]
        return model

    arms = [arm(f"user-{number}") for number in range(16)]
    assert set(arms) == {"small", "large"}
    assert [arm(f"user-{number}") for number in range(16)] == arms
    ran = run("plan", body, "--provider", "fireworks", "--route-class", "split", "--targeting-key", "user-17")
    assert "by targeting key" in ran.out
    assert "user-17" not in ran.out


def test_limits_and_stripped_tools(folder: Path, body: str) -> None:
    asked = write(folder, "tools.json", {**ASKED, "tools": [TOOL], "temperature": 1, "max_tokens": 999})
    limited = run("plan", asked, "--provider", "fireworks", "--endpoint", "chat", "--route-class", "summary", "--json")
    told = " ".join(limited.data["reasons"])
    assert "temperature" in told
    assert "100" in told
    stripped = run("plan", asked, "--provider", "fireworks", "--endpoint", "chat", "--route-class", "plain", "--json")
    assert stripped.data["selection"]["chosen"] == "fireworks/mute"  # which has no tools
    assert any("tools" in reason for reason in stripped.data["reasons"])


def test_an_unknown_class_is_one_sentence(body: str) -> None:
    ran = run("plan", body, "--provider", "fireworks", "--route-class", "sumary")
    assert (ran.code, ran.out) == (1, "")
    assert ran.sentence.startswith("route_class: the policy has no class 'sumary'. Did you mean 'summary'? There are: ")
    as_json = run("plan", body, "--provider", "fireworks", "--route-class", "sumary", "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert as_json.data["ok"] is False
    assert as_json.data["refused"]["sentence"] == ran.sentence
    assert as_json.data["refused"]["where"] == "route_class"


def test_nobody_left_shows_why(folder: Path, body: str) -> None:
    asked = {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA"}}]}]}
    asked_for_sound = write(folder, "sound.json", {**asked, "model": "aig/summary"})
    ran = run("plan", asked_for_sound, "--provider", "fireworks")
    assert ran.code == 1
    assert ran.sentence.startswith("route_class: no model is left for summary, of 4 that were considered: ")
    assert "takes no audio (4):\n    baseten/mid, fireworks/large, fireworks/mute, fireworks/small" in ran.out
    selection = run("plan", asked_for_sound, "--provider", "fireworks", "--json").data["selection"]
    assert (selection["chosen"], selection["ranking"]) == (None, [])
    assert {one["reason"] for one in selection["rejected"]} == {"takes no audio"}


def test_nobody_left_of_a_class_named_by_an_option(folder: Path, body: str) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    asked = write(folder, "schema.json", {**ASKED, "tools": [TOOL], "response_format": schema})
    words = ("plan", asked, "--provider", "fireworks", "--endpoint", "chat", "--route-class", "plain")
    ran = run(*words, "--json")
    assert ran.code == 1
    # Not for its tools, which the class strips.
    assert ran.data["selection"]["rejected"] == [
        {"model": "fireworks/mute", "reason": "structured output is unknown, native is required"}
    ]
    assert "structured output is unknown, native is required (1)" in run(*words).sentence


def test_a_capture_brings_its_headers(folder: Path, body: str) -> None:
    headers = {"x-aig-route-class": "summary", "Host": "example.com", "Content-Length": "9"}
    capture = write(folder, "capture.json", {"headers": headers, "body": ASKED})
    assert run("plan", capture, "--provider", "fireworks", "--json").data["route_class"] == "summary"


def test_a_policy_that_does_not_load_is_wrong_input(folder: Path, body: str) -> None:
    toml(folder, "[classes.summary]\ntols = 'strip'\n", "bad.toml")
    ran = run("plan", body, "--provider", "fireworks", "--policy", "bad.toml")
    assert ran.code == 2
    assert ran.sentence.startswith("tols (bad.toml [classes.summary]): is no field that we know. Did you mean 'tools'?")


def test_a_list_has_no_plan(folder: Path) -> None:
    body = write(folder, "list.json", [{"provider": "openai", "query": {}}])
    assert run("plan", body).sentence == "list.json holds a list: a Universal request says itself who answers."


def test_without_a_gateway_one_stands_in(body: str) -> None:
    words = ("plan", body, "--provider", "fireworks", "--route-class", "summary")
    ran = run(*words)
    assert "sent to      fireworks/chat/completions, below a gateway: none is configured\n" in ran.out
    assert run(*words, "--json").data["configured"] is False
    there = run(*words, "--json", env={"AIG_BASE_URL": BASE}).data
    assert there["configured"] is True
    assert there["url"].startswith(f"{BASE}/fireworks/")


def test_it_is_the_plan_of_the_client(body: str) -> None:
    words = ("--provider", "fireworks", "--route-class", "summary", "--cache", "300", "--tenant", "acme")
    data = run("plan", body, *words, "--json", env={"AIG_BASE_URL": BASE}).data
    with GatewayClient(base_url=BASE, tenant="acme") as client:
        url = data["url"].removeprefix(f"{BASE}/")
        plan = client.plan(url, json=ASKED, route_class="summary", cache=CacheIntent.response(300))
    assert plan.key is not None
    assert (data["key"], data["ttl"], data["intent"]) == (plan.key.value, 300, "response")
    assert data["reasons"] == list(plan.reasons)


def test_no_secret_is_shown(folder: Path, body: str) -> None:
    env = {"CF_AIG_TOKEN": SECRET, "AIG_BASE_URL": BASE, "OPENAI_API_KEY": SECRET}
    capture = {"provider": "fireworks", "headers": {"Authorization": f"Bearer {SECRET}"}, "body": ASKED}
    for name in (body, write(folder, "capture.json", capture)):
        for more in ((), ("--json",)):
            ran = run("plan", name, "--provider", "fireworks", "--route-class", "summary", *more, env=env)
            assert ran.code == 0
            assert SECRET not in ran.out + ran.err
            assert "quick brown fox" not in ran.out + ran.err


def test_the_other_models_are_told_with_the_reason(body: str) -> None:
    ran = run("plan", body, "--provider", "fireworks", "--route-class", "vision")
    assert "Not these\n  takes no image (3):\n    baseten/mid, fireworks/mute, fireworks/small\n" in ran.out
    assert "Models of vision, by score\n" in ran.out
