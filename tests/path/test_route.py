"""What a route class makes of a call: model, address, body, headers, options, and who is asked next."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aig_client.core import (
    BUILTIN_CLASSES,
    SHARED,
    CacheHints,
    CacheIntent,
    Capabilities,
    GatewayMetadata,
    Limits,
    Meter,
    NoAnswer,
    Options,
    Override,
    Plan,
    Policy,
    Price,
    Refused,
    Requirements,
    Retries,
    RouteClass,
    Rules,
    Target,
)

from .asks import BASE, BODY, CHAT, OUTSIDE, SURFACES, TOKEN, Exchange, asked, cache_headers, head, planned, sent

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "$defs": {"a": {}}}}}]


def row(provider: str, model: str, dollars: float = 1.0, **facts: Any) -> Capabilities:
    price = Price(input=int(dollars * 10**9), output=int(4 * dollars * 10**9))
    usual: dict[str, Any] = {
        "context_window": 100_000,
        "max_output_tokens": 8_000,
        "streaming": True,
        "tools": True,
        "billed_by": provider,
        "prices": (price,),
        "as_of": "2026-11-01",
    }
    return Capabilities(provider=provider, model=model, **(usual | facts))


ROWS = (
    row("openai", "small", 0.1, quality=3),
    row("openai", "large", 5.0, quality=9),
    row("groq", "fast", 0.2, speed=10),
    row("anthropic", "claude", 3.0, prompt_cache="explicit", prompt_cache_min_tokens=1),
    row("google-ai-studio", "gemini", 1.0),
)


def policy(*classes: RouteClass, **settings: Any) -> Policy:
    own = {one.name: one for one in classes}
    return Policy(
        classes={**BUILTIN_CLASSES, **own}, models={one.name: one for one in settings.pop("rows", ROWS)}, **settings
    )


def rules(*classes: RouteClass, **settings: Any) -> Rules:
    for_rules = {name: settings.pop(name) for name in ("credential", "defaults", "choose_model") if name in settings}
    return Rules(token=TOKEN, gateway_id="prod", policy=policy(*classes, **settings), **for_rules)


def body_of(plan: Plan) -> Any:
    assert plan.body is not None
    return json.loads(plan.body)


CHEAP = RouteClass(name="cheap", strategy="cheapest")
BEST = RouteClass(name="best", strategy="quality")


# --- Which class ---


@pytest.mark.parametrize(
    ("body", "options", "settings", "expected"),
    [
        (HELLO, {"route_class": "cheap"}, {}, "cheap: named by the call"),
        (HELLO | {"model": "aig/cheap"}, {}, {}, "cheap: named by the call"),
        (HELLO | {"model": "aig/cheap"}, {"route_class": "cheap"}, {}, "cheap: named by the call"),
        (HELLO, {}, {"defaults": Options(route_class="best")}, "best: the client's default"),
        (HELLO, {"route_class": "cheap"}, {"defaults": Options(route_class="best")}, "cheap: named by the call"),
        (HELLO, {}, {"default_class": "cheap"}, "cheap: the policy's default"),
        (HELLO | {"model": "aig/auto", "tools": TOOLS}, {}, {}, "tool_loop: inferred from the request"),
    ],
)
def test_a_call_has_the_class_that(
    body: dict[str, Any], options: dict[str, Any], settings: dict[str, Any], expected: str
) -> None:
    plan = planned(asked(body=body), rules(CHEAP, BEST, **settings), **options)
    assert plan.reasons[0].startswith(f"route class {expected}")
    assert plan.route_class == expected.partition(":")[0]
    assert json.loads(sent(plan)["cf-aig-metadata"]) == {"route_class": plan.route_class}


def test_a_class_by_header() -> None:
    request = asked(body=HELLO, headers=[("x-aig-route-class", "cheap")])
    assert planned(request, rules(CHEAP)).model == "small"


def test_without_a_class_nothing_is_looked_at() -> None:
    plan = planned(asked(body=b"{ not JSON"), rules(CHEAP))
    assert (plan.route_class, plan.body, plan.selection, plan.capabilities) == (None, None, None, None)


@pytest.mark.parametrize("text", ['Say "aig/summary"', '"aig/'])
def test_a_prompt_that_speaks_of_an_alias_is_no_alias(text: str) -> None:
    body = BODY | {"messages": [{"role": "user", "content": text}]}
    plan = planned(asked(body=body), rules(CHEAP))
    assert (plan.route_class, plan.body, plan.selection) == (None, None, None)
    assert planned(asked(body=b'{"x": "aig/'), rules(CHEAP)).route_class is None


def test_outside_of_every_gateway_a_class_means_nothing() -> None:
    plan = planned(asked(OUTSIDE, HELLO), rules(CHEAP), route_class="cheap")
    assert (plan.body, plan.selection, plan.url) == (None, None, OUTSIDE)
    assert not any(name.startswith(("cf-aig", "x-aig")) for name in sent(plan))


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        (HELLO, {"route_class": "cheep"}, "no class 'cheep'.*'cheap'"),
        (HELLO | {"model": "aig/nothing"}, {}, "no class 'nothing'"),
        (HELLO | {"model": "aig/cheap"}, {"route_class": "best"}, "'best', and the model is aig/cheap"),
    ],
)
def test_what_is_no_class_is_refused(body: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        planned(asked(body=body), rules(CHEAP, BEST), **options)


# --- Which model ---


@pytest.mark.parametrize(("name", "model"), [("cheap", "small"), ("best", "large")])
def test_two_classes_choose_two_models(name: str, model: str) -> None:
    plan = planned(asked(body=HELLO), rules(CHEAP, BEST), route_class=name)
    assert (plan.model, body_of(plan)) == (model, HELLO | {"model": model})
    assert plan.selection is not None
    assert plan.selection.chosen.model.name == f"openai/{model}"
    assert plan.capabilities is plan.selection.chosen.model
    assert plan.url == CHAT


def test_a_model_that_the_caller_names_stays() -> None:
    plan = planned(asked(), rules(CHEAP), route_class="cheap")
    assert (plan.model, plan.body, plan.selection) == ("gpt-4.1-mini", None, None)


def test_a_class_may_replace_the_caller_s_model() -> None:
    plan = planned(asked(), rules(replace(CHEAP, asked_model="replace")), route_class="cheap")
    assert body_of(plan)["model"] == "small"


def test_a_class_may_check_the_caller_s_model() -> None:
    checked = replace(CHEAP, asked_model="check", targets=(Target(provider="openai", model="small"),))
    assert planned(asked(body=HELLO | {"model": "small"}), rules(checked), route_class="cheap").model == "small"
    with pytest.raises(Refused, match=r"openai/large is no model of route class cheap.*aig/cheap"):
        planned(asked(body=HELLO | {"model": "large"}), rules(checked), route_class="cheap")
    anything = replace(checked, targets=())
    with pytest.raises(Refused, match=r"no capabilities are known|unknown"):
        planned(asked(body=HELLO | {"model": "unheard-of"}), rules(anything), route_class="cheap")


def test_only_the_providers_of_the_policy_are_used() -> None:
    fastest = RouteClass(name="quick", strategy="fastest")
    assert planned(asked(body=HELLO), rules(fastest), route_class="quick").url == CHAT
    plan = planned(asked(body=HELLO), rules(fastest, providers=("openai", "groq")), route_class="quick")
    assert (plan.url, plan.model) == (f"{BASE}/groq/chat/completions", "fast")
    assert plan.surface is not None
    assert plan.surface.provider == "groq"


def test_only_who_takes_the_same_request_is_asked() -> None:
    with pytest.raises(Refused, match="no model is left"):
        planned(asked(body=HELLO), rules(CHEAP, providers=("anthropic", "google-ai-studio")), route_class="cheap")


def test_a_key_that_the_caller_brings_goes_to_its_own_provider_only() -> None:
    settings = rules(RouteClass(name="quick", strategy="fastest"), providers=("groq", "openai"), credential="request")
    request = asked(body=HELLO, headers=[("Authorization", "Bearer sk-openai")])
    plan = planned(request, settings, route_class="quick")
    assert (plan.url, sent(plan)["authorization"]) == (CHAT, "Bearer sk-openai")
    with pytest.raises(Refused, match="brings a provider's key"):
        planned(replace(request, url=SURFACES["compat"]), settings, route_class="quick")
    assert planned(asked(body=HELLO), settings, route_class="quick").url == f"{BASE}/groq/chat/completions"


def test_headers_of_the_first_provider_do_not_reach_the_second() -> None:
    request = asked(body=HELLO, headers=[("OpenAI-Organization", "org-1"), ("User-Agent", "u")])
    plan = planned(request, rules(replace(CHEAP, strategy="fastest"), providers=("groq",)), route_class="cheap")
    assert "openai-organization" not in sent(plan)
    assert sent(plan)["user-agent"] == "u"


@pytest.mark.parametrize(
    ("surface", "model"), [("compat", "openai/small"), ("rest", "openai/small"), ("custom domain", "small")]
)
def test_a_model_is_spelled_as_its_surface_spells_it(surface: str, model: str) -> None:
    settings = replace(rules(CHEAP), gateways=("https://ai.example.com",))
    plan = planned(asked(SURFACES[surface], HELLO | {"model": "aig/cheap"}), settings)
    assert (plan.url, body_of(plan)["model"]) == (SURFACES[surface], model)


def test_a_model_in_the_path() -> None:
    url = f"{BASE}/google-ai-studio/v1beta/models/aig/cheap:streamGenerateContent?alt=sse"
    plan = planned(asked(url, {"contents": []}), rules(CHEAP))
    assert plan.url == f"{BASE}/google-ai-studio/v1beta/models/gemini:streamGenerateContent?alt=sse"
    assert (plan.body, plan.model, plan.stream) == (None, "gemini", True)


def test_a_universal_request_chooses_for_itself() -> None:
    entries = [{"provider": "openai", "endpoint": "chat/completions", "headers": {}, "query": BODY}]
    plan = planned(asked(BASE, entries), rules(CHEAP), route_class="cheap")
    assert (plan.body, plan.selection, plan.route_class) == (None, None, "cheap")


def test_where_no_model_can_be_chosen_an_alias_is_refused() -> None:
    url = f"{BASE}/anthropic/v1/messages/count_tokens"
    with pytest.raises(Refused, match="cannot be chosen"):
        planned(asked(url, HELLO | {"model": "aig/cheap"}), rules(CHEAP))


def test_the_request_s_day_retires_models() -> None:
    rows = (row("openai", "old", 0.1, retired_on="2026-12-01"), row("openai", "new", 1.0))
    request = asked(body=HELLO)
    for today, model in (("2026-11-30", "old"), ("2026-12-01", "new")):
        assert planned(replace(request, today=today), rules(CHEAP, rows=rows), route_class="cheap").model == model


# --- Overrides ---


def test_an_override_and_a_hook_in_their_order() -> None:
    override = {("cheap", "openai"): Override("large", False, "environment AIG_MODEL__CHEAP__OPENAI")}
    plan = planned(asked(body=HELLO), rules(CHEAP, overrides=override), route_class="cheap")
    assert (plan.model, "AIG_MODEL__CHEAP__OPENAI" in plan.reasons[1]) == ("large", True)
    seen: list[tuple[str, str]] = []

    def choose(route_class: str, provider: str) -> str | None:
        seen.append((route_class, provider))
        return "small"

    plan = planned(asked(body=HELLO), rules(CHEAP, overrides=override, choose_model=choose), route_class="cheap")
    assert (plan.model, "choose_model" in plan.reasons[1], seen) == ("small", True, [("cheap", "openai")])


def test_a_hook_may_name_a_snapshot() -> None:
    settings = rules(CHEAP, choose_model=lambda *_: "large-2026-01-02")
    assert planned(asked(body=HELLO), settings, route_class="cheap").model == "large-2026-01-02"


def test_what_a_hook_says_is_checked() -> None:
    for word in ("nothing-like-it", "old"):
        rows = (*ROWS, row("openai", "old", retired_on="2020-01-01"))
        settings = rules(CHEAP, choose_model=lambda *_: word, rows=rows)  # noqa: B023
        with pytest.raises(Refused, match=word):
            planned(asked(body=HELLO), settings, route_class="cheap")


def test_a_split_by_weight_is_sticky() -> None:
    targets = (Target(provider="openai", model="small", weight=3), Target(provider="openai", model="large", weight=1))
    split = RouteClass(name="split", strategy="weighted", targets=targets)

    def arm(key: str) -> str | None:
        return planned(asked(body=HELLO), rules(split), route_class="split", targeting_key=key).model

    arms = [arm(f"user-{number}") for number in range(200)]
    assert arms == [arm(f"user-{number}") for number in range(200)]
    assert 20 < arms.count("large") < 80
    by_header = asked(body=HELLO, headers=[("x-aig-targeting-key", "user-7")])
    assert planned(by_header, rules(split), route_class="split").model == arms[7]
    assert all("user-7" not in reason for reason in planned(by_header, rules(split), route_class="split").reasons)


# --- The rest of a class ---


def test_limits_retries_and_metadata_of_a_class() -> None:
    whole = RouteClass(
        name="whole",
        limits=Limits(max_output_tokens=50, max_temperature=0.5, request_timeout=1.5, deadline=9),
        retries=Retries(max_attempts=3, delay=200, backoff="exponential"),
        log_payload=False,
        metadata={"team": "billing"},
    )
    plan = planned(asked(body=BODY | {"temperature": 1, "max_tokens": 900}), rules(whole), route_class="whole")
    assert body_of(plan) == BODY | {"temperature": 0.5, "max_tokens": 50}
    headers = sent(plan)
    assert json.loads(headers["cf-aig-metadata"]) == {"route_class": "whole", "team": "billing"}
    told = [headers[f"cf-aig-{name}"] for name in ("request-timeout", "max-attempts", "retry-delay", "backoff")]
    assert told == ["1500", "3", "200", "exponential"]
    assert (headers["cf-aig-collect-log-payload"], plan.deadline) == ("false", 9)


def test_the_call_beats_the_class_and_the_class_beats_the_client() -> None:
    whole = RouteClass(name="whole", limits=Limits(deadline=9), retries=Retries(max_attempts=3))
    settings = rules(whole, defaults=Options(deadline=5, gateway=GatewayMetadata(max_attempts=2, zdr=True)))
    plan = planned(asked(), settings, route_class="whole")
    assert (plan.deadline, sent(plan)["cf-aig-max-attempts"], sent(plan)["cf-aig-zdr"]) == (9, "3", "true")
    plan = planned(asked(), settings, route_class="whole", deadline=1, gateway=GatewayMetadata(max_attempts=1))
    assert (plan.deadline, sent(plan)["cf-aig-max-attempts"]) == (1, "1")


@pytest.mark.parametrize("strategy", ["response", "both"])
def test_a_class_may_cache_responses(strategy: Any) -> None:
    cached = RouteClass(name="cached", cache=CacheHints(strategy=strategy, ttl=600))
    plan = planned(asked(body=HELLO), rules(cached), route_class="cached", tenant="acme")
    assert (plan.ttl, set(cache_headers(plan))) == (600, {"cache-key", "cache-ttl"})
    with pytest.raises(Refused, match="tenant"):
        planned(asked(body=HELLO), rules(cached), route_class="cached")
    plan = planned(asked(body=HELLO), rules(cached), route_class="cached", cache=CacheIntent.off)
    assert cache_headers(plan) == {"skip-cache": "true"}
    shared = replace(cached, cache=CacheHints(strategy=strategy, ttl=600, scope="shared"))
    plan = planned(asked(body=HELLO), rules(shared), route_class="cached")
    assert plan.key == planned(asked(body=HELLO), rules(shared), route_class="cached", tenant=SHARED).key


@pytest.mark.parametrize("strategy", ["off", "provider-prefix"])
def test_other_classes_do_not_cache_responses(strategy: Any) -> None:
    uncached = RouteClass(name="uncached", cache=CacheHints(strategy=strategy))
    settings = rules(uncached, defaults=Options(cache=CacheIntent.response(300), tenant="acme"))
    assert cache_headers(planned(asked(), settings, route_class="uncached")) == {"skip-cache": "true"}


def test_the_key_is_of_the_body_that_is_sent() -> None:
    cached = {"cache": CacheIntent.response(300), "tenant": "acme"}
    chosen = planned(asked(body=HELLO), rules(CHEAP), route_class="cheap", **cached)
    named = planned(asked(body=HELLO | {"model": "small"}), rules(CHEAP), **cached)
    other = planned(asked(body=HELLO), rules(BEST), route_class="best", **cached)
    assert chosen.key == named.key != other.key


@pytest.mark.parametrize(
    "options",
    [
        {"cache": CacheIntent.response(300), "tenant": "acme"},
        {"cache": CacheIntent.response(300, force=True), "tenant": "acme"},
        {"cache": CacheIntent.gateway_default},
        {"gateway": GatewayMetadata(cache_ttl=300)},
        {"gateway": GatewayMetadata(cache_key="k")},
    ],
)
def test_what_has_side_effects_is_never_cached(options: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="side effects"):
        planned(asked(), rules(), route_class="tool_loop", **options)


@pytest.mark.parametrize("header", [("cf-aig-cache-ttl", "300"), ("cf-aig-cache-key", "k"), ("cf-cache-ttl", "300")])
def test_nor_by_a_header_of_the_caller_s(header: tuple[str, str]) -> None:
    with pytest.raises(Refused, match="side effects"):
        planned(asked(headers=[header]), rules(), route_class="tool_loop")


def test_tools_are_kept_stripped_or_denied() -> None:
    body = HELLO | {"tools": TOOLS, "tool_choice": "auto", "parallel_tool_calls": False}
    assert body_of(planned(asked(body=body), rules(CHEAP), route_class="cheap"))["tools"] == TOOLS
    strip = replace(CHEAP, tools="strip")
    assert body_of(planned(asked(body=body), rules(strip), route_class="cheap")) == HELLO | {"model": "small"}
    toolless = rules(strip, rows=(row("openai", "plain", tools=False),))
    assert planned(asked(body=body), toolless, route_class="cheap").model == "plain"
    with pytest.raises(Refused, match="allows no tools") as caught:
        planned(asked(body=body), rules(replace(CHEAP, tools="deny")), route_class="cheap")
    assert caught.value.where == "/tools"


def test_a_prefix_is_marked_for_the_provider_and_for_one_tenant() -> None:
    prefix = replace(CHEAP, cache=CacheHints(strategy="provider-prefix"))
    body = {"max_tokens": 5, "system": "Long " * 100, "messages": HELLO["messages"]}
    plan = planned(asked(f"{BASE}/anthropic/v1/messages", body), rules(prefix), route_class="cheap")
    assert "cache_control" in json.dumps(body_of(plan))
    rows = (row("openai", "small", prompt_cache="implicit", prompt_cache_min_tokens=1),)

    def key(tenant: str) -> str:
        plan = planned(asked(body=HELLO), rules(prefix, rows=rows), route_class="cheap", tenant=tenant)
        found: str = body_of(plan)["prompt_cache_key"]
        return found

    assert key("acme") == key("acme") != key("globex")
    assert "acme" not in key("acme")


def test_a_body_that_no_rule_touches_keeps_its_bytes() -> None:
    untidy = b'{ "model": "large",  "messages": [{"role":"user","content":"caf\\u00e9"}], "temperature": 1.50 }'
    plan = planned(asked(body=untidy), rules(BEST), route_class="best")
    assert plan.body is None


# --- Who is asked next ---

FALLING = RouteClass(name="falling", strategy="cheapest", fallbacks=2)
ROUNDS = rules(FALLING, providers=("openai", "groq"))
DONE = Meter(2, "complete", 2.0, b"{}", b"{}", True)


@pytest.mark.parametrize(
    "failure",
    [head(503), head(429), head(529), NoAnswer("connect", "nobody", 1, 2), NoAnswer("timeout", "slow", 1, 2)],
    ids=str,
)
def test_the_next_model_is_asked_when_one_cannot_answer(failure: Any) -> None:
    exchange = Exchange(asked(body=HELLO), ROUNDS, route_class="falling")
    assert exchange.plan.fallbacks == ("groq/fast", "openai/large")
    assert exchange.answer(failure) is None
    assert exchange.answer(failure) is None
    assert exchange.answer(head()) is None
    receipt = exchange.answer(DONE)
    assert [plan.model for plan in exchange.sends] == ["small", "fast", "large"]
    assert [plan.url for plan in exchange.sends] == [CHAT, f"{BASE}/groq/chat/completions", CHAT]
    assert receipt is not None
    assert (receipt.attempts, receipt.plan.model) == (3, "large")
    assert sum("went on to the next" in reason for reason in receipt.plan.reasons) == 2


def test_the_last_failure_is_the_answer() -> None:
    exchange = Exchange(asked(body=HELLO), ROUNDS, route_class="falling")
    for _ in range(2):
        assert exchange.answer(head(503)) is None
    assert exchange.answer(NoAnswer("connect", "nobody", 1, 2)) is not None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_caller_s_error_goes_to_nobody_else(status: int) -> None:
    exchange = Exchange(asked(body=HELLO), ROUNDS, route_class="falling")
    assert exchange.answer(head(status)) is None
    assert len(exchange.sends) == 1


def test_after_the_deadline_nobody_is_asked() -> None:
    exchange = Exchange(asked(body=HELLO), ROUNDS, route_class="falling")
    assert exchange.answer(NoAnswer("deadline", "late", 1, 2)) is not None
    assert len(exchange.sends) == 1


def test_a_model_that_the_caller_named_is_not_replaced_by_another() -> None:
    exchange = Exchange(asked(body=HELLO | {"model": "small"}), ROUNDS, route_class="falling")
    assert exchange.answer(head(503)) is None
    assert len(exchange.sends) == 1


def test_requirements_and_the_request_both_count() -> None:
    rows = (row("openai", "blind", 0.1), row("openai", "seeing", 9.0, input_modalities=frozenset({"text", "image"})))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {"messages": [{"role": "user", "content": [picture]}]}
    assert planned(asked(body=HELLO), rules(CHEAP, rows=rows), route_class="cheap").model == "blind"
    assert planned(asked(body=body), rules(CHEAP, rows=rows), route_class="cheap").model == "seeing"
    seeing = replace(CHEAP, requirements=Requirements(vision=True))
    assert planned(asked(body=HELLO), rules(seeing, rows=rows), route_class="cheap").model == "seeing"
