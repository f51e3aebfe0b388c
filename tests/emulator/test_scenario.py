"""Scenarios: which requests a rule is for, how it counts, and how a file says it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._config import EmulatorConfig, Price
from aig_client.apps.emulator._faults import FaultSpec
from aig_client.apps.emulator._messages import GatewayRequest, Hangup, ProviderRequest
from aig_client.apps.emulator._scenario import Directive, Match, Rule, Scenario
from aig_client.apps.emulator._scenario_file import ScenarioError, ScenarioFile, load_scenario, read_scenario
from aig_client.apps.emulator._settings import DlpPolicy, GatewaySettings, Guardrails, SpendRule
from aig_client.apps.emulator._tamper import edge_outcome, provider_instead

EDGE = GatewayRequest("POST", "/v1/x")
SECRET = "a text that is nobody's business"


def chat(text: str = "Hello", **fields: object) -> ProviderRequest:
    payload: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": text}], **fields}
    return ProviderRequest(
        provider="openai",
        method="POST",
        path="/chat/completions",
        headers=(("x-team", "blue"), ("user-agent", "tests/1")),
        body=json.dumps(payload).encode(),
        payload=payload,
        model="gpt-4.1",
    )


# --- which requests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(provider="openai"), True),
        (Match(provider="open*"), True),
        (Match(provider="anthropic"), False),
        (Match(path="/chat/completions"), True),
        (Match(path="/chat"), False),
        (Match(path="*/completions"), True),
        (Match(model="gpt-4.?"), True),
        (Match(model="gpt-[56]*"), False),
        (Match(contains="ell"), True),
        (Match(contains="hell"), False),
        (Match(contains='"role": "user"'), True),
        (Match(header={"X-Team": "blue"}), True),
        (Match(header={"x-team": "b*", "user-agent": "tests/*"}), True),
        (Match(header={"x-team": "red"}), False),
        (Match(header={"x-other": "*"}), False),
        (Match(stream=False), True),
        (Match(stream=True), False),
        (Match(provider="openai", model="claude*"), False),
    ],
)
def test_a_rule_is_for_the_requests_that_fit_all_of_it(match: Match, fits: bool) -> None:
    assert match.fits(chat()) is fits


def test_a_model_that_is_not_known_fits_no_glob() -> None:
    assert not Match(model="*").fits(replace(chat(), model=None))


@pytest.mark.parametrize("escaped", [True, False])
def test_text_is_found_however_the_caller_escapes_it(escaped: bool) -> None:
    body = json.dumps({"input": 'Say "Grüße"'}, ensure_ascii=escaped).encode()
    request = replace(chat(), body=body)
    assert Match(contains='Say "Grüße"').fits(request)
    assert not Match(contains="Gruesse").fits(request)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 10_000])
def test_any_body_may_be_searched(body: bytes) -> None:
    assert not Match(contains="hello").fits(replace(chat(), body=body, payload=None))


def test_streams_are_told_by_the_body_or_by_googles_path() -> None:
    google = replace(chat(), path="/v1beta/models/gemini:streamGenerateContent", payload={})
    for request, streams in ((chat(stream=True), True), (chat(stream=False), False), (google, True)):
        assert Match(stream=True).fits(request) is streams
        assert Match(stream=False).fits(request) is not streams


def test_a_provider_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"provider: there is no 'opnai'; did you mean openai\?"):
        Match(provider="opnai")
    assert Match(provider="custom-mine").provider == "custom-mine"


# --- what a rule may say --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "fault: a rule needs fault, say or json"),
        ({"fault": "statsu"}, "fault: there is no fault 'statsu'; did you mean status?"),
        ({"say": "a", "json": {}}, "say: a rule has say or json, not both"),
        ({"say": "a", "status": 500}, "status: it goes with json; a fault has its own code"),
        ({"json": {}, "status": 199}, "status: it must be 200 to 599, not 199"),
        ({"json": {"a": float("nan")}}, "json: it must be what JSON can carry"),
        ({"json": {"a": object()}}, "json: it must be what JSON can carry"),
        ({"say": "a", "first": 0}, "first: it must be at least 1, not 0"),
        ({"say": "a", "every": 0}, "every: it must be at least 1, not 0"),
        ({"say": "a", "after": -1}, "after: it must be at least 0, not -1"),
    ],
)
def test_a_rule_that_could_not_act_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Rule(**fields)


def test_a_rule_may_say_and_fail() -> None:
    directive = Scenario((Rule(say="Paris.", fault="cut;after=2"),)).directive(chat())
    assert directive.say == "Paris."
    assert [fault.kind for fault in directive.faults] == ["cut"]
    assert directive.scripted
    assert directive.answer(chat()) is None, "the fake provider dresses it"


@pytest.mark.parametrize(("value", "body"), [({"a": [1, None]}, b'{"a":[1,null]}'), ("no JSON", b"no JSON"), ("", b"")])
def test_a_whole_body_is_sent_as_it_is(value: Any, body: bytes) -> None:
    directive = Scenario((Rule(json=value, status=418),)).directive(chat())
    answer = directive.answer(chat())
    assert answer is not None
    assert (answer.status, answer.parts) == (418, (body,))
    assert answer.headers == (("content-type", "application/json"),)
    assert directive.scripted


def test_no_text_of_a_scenario_is_in_a_repr() -> None:
    rules = (
        Rule(say=SECRET, match=Match(contains=SECRET, header={"authorization": SECRET})),
        Rule(json={"a": SECRET}),
    )
    scenario = Scenario(rules)
    shown: list[object] = [rules, scenario, *(Scenario((rule,)).directive(chat(SECRET)) for rule in rules)]
    toml = f"[emulator]\nauth_tokens = ['{SECRET}']\n[[rule]]\nsay = '{SECRET}'\n".replace("nobody's", "nobodys")
    shown.append(read_scenario(toml))
    assert "nobody" not in repr(shown)


# --- how it counts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "acts"),
    [
        ({}, "xxxxxxxxx"),
        ({"first": 2}, "xx......."),
        ({"every": 3}, "..x..x..x"),
        ({"after": 5}, ".....xxxx"),
        ({"after": 2, "first": 3}, "..xxx...."),
        ({"after": 1, "every": 2}, "..x.x.x.x"),
        ({"first": 5, "every": 2}, ".x.x....."),
    ],
)
def test_a_rule_counts_the_requests_that_fit(fields: dict[str, Any], acts: str) -> None:
    scenario = Scenario((Rule(say="a", match=Match(contains="Hello"), **fields),))
    for _ in range(2):
        found = ""
        for _ in acts:
            assert scenario.directive(chat("something else")) == Directive(), "it does not count"
            found += "x" if scenario.directive(chat()).rule_names else "."
        assert found == acts
        scenario.reset()


def test_faults_add_up_and_the_first_answer_wins() -> None:
    scenario = Scenario(
        (
            Rule(fault="latency;ms=5", name="slow"),
            Rule(say="one", first=1),
            Rule(json={"two": 2}, fault="drift"),
            Rule(say="never", match=Match(provider="anthropic")),
        )
    )
    first, second = scenario.directive(chat()), scenario.directive(chat())
    assert (first.say, first.body, first.rule_names) == ("one", None, ("slow", "rule 2", "rule 3"))
    assert (second.say, second.body, second.rule_names) == (None, b'{"two":2}', ("slow", "rule 3"))
    assert [fault.kind for fault in first.faults] == ["latency", "drift"]


def test_answers_may_follow_one_another() -> None:
    scenario = Scenario(
        (Rule(say="one", first=1), Rule(json=2, first=2), Rule(fault="drift", say="three"), Rule(say="4"))
    )
    said = [scenario.directive(chat()) for _ in range(4)]
    assert [(directive.say, directive.body) for directive in said] == [
        ("one", None),
        (None, b"2"),
        (None, b"2"),
        ("three", None),
    ]
    assert [directive.rule_names for directive in said[:2]] == [("rule 1", "rule 3"), ("rule 2", "rule 3")]


def test_rules_may_be_added_until_the_next_reset() -> None:
    scenario = Scenario((Rule(say="one", first=1),))
    assert scenario.directive(chat()).say == "one"
    scenario.add(Rule(say="two", first=1), Rule(say="three"))
    assert [scenario.directive(chat()).say for _ in range(2)] == ["two", "three"]
    assert len(scenario.rules) == 3
    scenario.reset()
    assert [scenario.directive(chat()).say for _ in range(2)] == ["one", None]


def test_no_rule_is_no_directive() -> None:
    assert Scenario().directive(chat()) == Directive()
    assert not Scenario().directive(chat()).scripted
    assert Scenario().rules == ()


def statuses(faults: tuple[FaultSpec, ...], attempts: int) -> list[int]:
    """What the gateway gets from one attempt after another. Asked twice, as it does: the count must not run on."""
    found: list[int] = []
    for attempt in range(attempts):
        answers = [provider_instead(faults, chat(), attempt)[1] for _ in range(2)]
        assert answers[0] == answers[1]
        found.append(200 if answers[0] is None else answers[0].status)
    return found


def test_times_counts_attempts_over_all_requests_of_a_rule() -> None:
    scenario = Scenario((Rule(fault="status;code=503;times=2, status;code=429;times=4"),))
    assert statuses(scenario.directive(chat()).faults, 3) == [503, 503, 429]
    assert statuses(scenario.directive(chat()).faults, 2) == [429, 200]
    assert statuses(scenario.directive(chat()).faults, 1) == [200]
    scenario.reset()
    assert statuses(scenario.directive(chat()).faults, 1) == [503]


def test_requests_under_way_together_share_the_count() -> None:
    scenario = Scenario((Rule(fault="status;code=503;times=3"),))
    one, other = scenario.directive(chat()).faults, scenario.directive(chat()).faults
    assert statuses(one, 1) == [503]
    assert statuses(other, 3) == [503, 503, 200]
    assert statuses(one, 2) == [503, 200], "an attempt keeps its number"


def test_times_at_the_edge_counts_requests() -> None:
    scenario = Scenario((Rule(fault="reset;times=2"), Rule(fault="latency;ms=500;at=edge;times=1")))
    outcomes = [edge_outcome(scenario.directive(chat()).faults, EDGE, 0) for _ in range(4)]
    assert outcomes == [(0.5, Hangup()), (0, Hangup()), (0, None), (0, None)]


def test_rules_count_apart() -> None:
    scenario = Scenario((Rule(fault="status;code=503;times=1"), Rule(fault="status;code=429;times=2")))
    assert statuses(scenario.directive(chat()).faults, 3) == [503, 429, 200]


# --- in a file ------------------------------------------------------------------------------------------------------

FILE = """
[gateway]
rate_limiting_limit = 5
rate_limiting_interval = 60
rate_limiting_technique = "sliding"
retry_max_attempts = 3
guardrails = {prompt = {S1 = "BLOCK"}, response = {P1 = "FLAG"}}

[[gateway.dlp]]
id = "pii"
checks = ["REQUEST", "RESPONSE"]
profiles = ["credit-cards"]

[[gateway.spend_limits]]
id = "per-user"
limit = 2
window = 3600
models = ["gpt-5"]
metadata = {user = "*", team = ["a", "b"]}

[emulator]
gateway = "main"
auth_tokens = ["local-token"]
stored_keys = ["openai", "anthropic:second"]
unified_billing = true
credits = 5
latency_ms = 2.5
custom_domains = {"ai.example.com" = "main"}
tokens = {"reader" = ["ai-gateway-read"]}

[emulator.prices]
"gpt-5" = {input = 2, output = 8.5}

[emulator.gateways]
main = {}
caching = {caching = true, cache_ttl = 60, retry_max_attempts = 1}

[[rule]]
name = "outage"
match = {provider = "openai", path = "/chat/completions", model = "gpt-*", contains = "hello", stream = true}
first = 2
fault = "status;code=429;retry-after=1"

[[rule]]
match = {header = {x-team = "blue"}}
say = "Paris."

[[rule]]
after = 1
every = 2
status = 202
json = {queued = true, places = [1, 2.5, "x"]}
"""


def test_a_file_says_it_all() -> None:
    read = read_scenario(FILE)
    config, settings = read.config, read.config.settings
    assert (config.gateway, config.credits, config.latency_ms) == ("main", 5.0, 2.5)
    assert config.auth_tokens == {"local-token"}
    assert config.stored_keys == {"openai", "anthropic:second"}
    assert config.custom_domains == {"ai.example.com": "main"}
    assert config.tokens == {"reader": {"ai-gateway-read"}}
    assert config.prices == {"gpt-5": Price(2.0, 8.5)}
    assert settings.guardrails == Guardrails(prompt={"S1": "BLOCK"}, response={"P1": "FLAG"})
    pii = DlpPolicy(id="pii", checks=frozenset(("REQUEST", "RESPONSE")), profiles=("credit-cards",))
    assert settings.dlp == (pii,)
    per_user = SpendRule(
        id="per-user",
        limit=2.0,
        window=3600,
        models=frozenset(("gpt-5",)),
        metadata={"user": None, "team": frozenset(("a", "b"))},
    )
    assert settings.spend_limits == (per_user,)
    assert (settings.rate_limiting_limit, settings.rate_limiting_technique) == (5, "sliding")
    assert config.gateways is not None
    assert config.gateways["main"] == settings
    assert config.gateways["caching"] == replace(settings, caching=True, cache_ttl=60, retry_max_attempts=1)
    assert read.scenario.rules == (
        Rule(
            name="outage",
            match=Match(provider="openai", path="/chat/completions", model="gpt-*", contains="hello", stream=True),
            first=2,
            fault="status;code=429;retry-after=1",
        ),
        Rule(match=Match(header={"x-team": "blue"}), say="Paris."),
        Rule(after=1, every=2, status=202, json={"queued": True, "places": [1, 2.5, "x"]}),
    )


def test_an_empty_file_changes_nothing() -> None:
    read = read_scenario("")
    assert read.config == EmulatorConfig()
    assert read.scenario.rules == ()


def test_a_file_stands_over_what_was_there_before() -> None:
    base = EmulatorConfig(
        auth_tokens=frozenset(("t",)), latency_ms=7, settings=GatewaySettings(caching=True, cache_ttl=60)
    )
    read = read_scenario("[gateway]\ncache_ttl = 90\n[emulator]\nstored_keys = ['openai']\n")
    config = read.over(base)
    assert config == replace(
        base, stored_keys=frozenset(("openai",)), settings=GatewaySettings(caching=True, cache_ttl=90)
    )
    with pytest.raises(ScenarioError, match="scenario: emulator: stored_keys need auth_tokens"):
        _ = read.config


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[gatway]", "gatway: there is no such field; did you mean gateway?"),
        ("[zzz]", "zzz: there is no such field; there are emulator, gateway, rule"),
        ("[gateway]\nrate_limit = 3", "gateway.rate_limit: there is no such field; did you mean rate_limiting_limit?"),
        ("[gateway]\nother = {}", "gateway.other: there is no such field"),
        ("[emulator]\nsettings = {}", "emulator.settings: there is no such field"),
        ("[gateway]\ncache_ttl = 5", "gateway: cache_ttl must be 60 to 2592000, not 5"),
        ("[gateway]\ncaching = 1", "gateway.caching: it must be true or false, not an integer"),
        ("[gateway]\nretry_delay = 1.5", "gateway.retry_delay: it must be an integer, not a number"),
        ("[gateway]\nretry_backoff = 'fast'", "gateway.retry_backoff: it must be constant or linear or exponential"),
        ("[gateway.guardrails]\nprompt = {S1 = 'BLOK'}", "gateway.guardrails.prompt.S1: it must be FLAG or BLOCK"),
        ("[gateway.guardrails]\nprompt = {S99 = 'FLAG'}", "gateway.guardrails: guardrails.prompt names the unknown"),
        ("[[gateway.dlp]]\nactoin = 'BLOCK'", "gateway.dlp[1].actoin: there is no such field; did you mean action?"),
        ("[[gateway.dlp]]\nid = 'a'\n[[gateway.dlp]]", "gateway.dlp[2]: it needs id"),
        ("[[gateway.spend_limits]]\nid = 'a'\nlimit = nan\nwindow = 1", "gateway.spend_limits[1].limit: it must be a "),
        ("[[gateway.spend_limits]]\nid = 'a'\nlimit = 1\nwindow = 0", "gateway.spend_limits[1]: spend limit 'a'"),
        ("[emulator]\nlatency = 3", "emulator.latency: there is no such field; did you mean latency_ms?"),
        ("[emulator]\nauth_tokens = 'secret'", "emulator.auth_tokens: it must be a list"),
        ("[emulator]\nauth_tokens = ['secret', 3]", "emulator.auth_tokens[2]: it must be a string, not an integer"),
        ("[emulator]\nprices = {a = {inptu = 1}}", "emulator.prices.a.inptu: there is no such field; did you mean inp"),
        ("[emulator]\ngateways = 3", "emulator.gateways: it must be a table"),
        ("[emulator.gateways]\nx = {}", "emulator: gateway 'demo' is not among the gateways that exist"),
        (
            "[emulator.gateways.demo]\nzrd = true",
            "emulator.gateways.demo.zrd: there is no such field; did you mean zdr?",
        ),
        ("[emulator.gateways.demo]\ncache_ttl = 1", "emulator.gateways.demo: cache_ttl must be 60 to 2592000, not 1"),
        ("rule = 3", "rule: it must be a list"),
        ("rule = [3]", "rule[1]: it must be a table"),
        ("[[rule]]", "rule[1].fault: a rule needs fault, say or json"),
        (
            "[[rule]]\nsay = 'a'\n[[rule]]\nfault = 'statsu'",
            "rule[2].fault: there is no fault 'statsu'; did you mean sta",
        ),
        (
            "[[rule]]\nsay = 'a'\nprobability = 0.5",
            "rule[1].probability: there is no such field; there are after, ever",
        ),
        ("[[rule]]\nsay = 'a'\nfirst = true", "rule[1].first: it must be an integer, not true or false"),
        ("[[rule]]\nsay = 1979-05-27", "rule[1].say: it must be a string, not a date or time"),
        ("[[rule]]\njson = [1979-05-27]", "rule[1].json: it must be what JSON can carry"),
        (
            "[[rule]]\nsay = 'a'\nmatch = {modell = 'x'}",
            "rule[1].match.modell: there is no such field; did you mean mo",
        ),
        ("[[rule]]\nsay = 'a'\nmatch = {provider = 'x'}", "rule[1].match.provider: there is no 'x'"),
        (
            "[[rule]]\nsay = 'a'\nmatch = {header = {a = 1}}",
            "rule[1].match.header.a: it must be a string, not an integer",
        ),
        ("[[rule]]\nsay = 'a'\nfaults = []", "rule[1].faults: there is no such field; did you mean fault?"),
        ("a =", "Invalid value (at end of document)"),
    ],
)
def test_a_wrong_file_is_told_by_its_place(text: str, sentence: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "outage.toml")
    assert str(caught.value).startswith(f"outage.toml: {sentence}")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    file = tmp_path / "outage.toml"
    file.write_text(FILE, "utf-8")
    read = load_scenario(file)
    assert isinstance(read, ScenarioFile)
    assert load_scenario(str(file)).config == read.config == read_scenario(FILE).config
    file.write_bytes(b"\xff")
    with pytest.raises(ScenarioError, match=r"outage\.toml: it must be UTF-8"):
        load_scenario(file)
    with pytest.raises(FileNotFoundError):
        load_scenario(tmp_path / "none.toml")


KEYS = st.sampled_from(
    ["gateway", "emulator", "rule", "match", "say", "json", "fault", "prices", "dlp", "gateways", "x"]
)
TOML = st.recursive(
    st.sampled_from(["true", "1", "-0.5", "inf", '"cut"', "'*'", "1979-05-27", "07:32:00"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{name} = {value}" for name, value in table.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, TOML, max_size=3))
def test_any_file_is_read_or_refused(table: dict[str, str]) -> None:
    text = "\n".join(f"{name} = {value}" for name, value in table.items())
    try:
        read = read_scenario(text)
    except ScenarioError:
        return
    assert read.scenario.directive(chat()) is not None
