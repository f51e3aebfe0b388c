"""Route classes over the wire: the body that arrives, the fallbacks, and the bytes that nobody touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aig_client import CacheIntent, ConfigurationError, GatewayClient, ProviderError, Refused, options
from aig_client.apps.emulator import EmulatorConfig, Match, Rule, RunningEmulator, serve_in_thread
from aig_client.core import Policy, RouteClass, builtin_policy

from .asks import TOKEN, last, settings
from .drivers import Driver, every_driver

pytestmark = [pytest.mark.anyio]
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
TOOLS = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "additionalProperties": False}}}
]
CHEAP = RouteClass(name="cheap", strategy="cheapest", tools="strip", fallbacks=2)


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    config = EmulatorConfig(auth_tokens=frozenset({TOKEN}), stored_keys=frozenset({"openai", "groq"}))
    with serve_in_thread(config) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(emulator: RunningEmulator) -> None:
    emulator.reset()


def policy(**settings: Any) -> Policy:
    builtin = builtin_policy()
    return replace(builtin, classes={**builtin.classes, "cheap": CHEAP}, **settings)


def body_at(emulator: RunningEmulator, place: int = -1) -> Any:
    raw = emulator.log[place].request_body
    assert raw is not None
    return json.loads(raw)


@every_driver
async def test_two_classes_get_two_models_and_the_receipt_says_what_they_cost(
    driver: Driver, emulator: RunningEmulator
) -> None:
    async with driver.gateway(**settings(emulator), policy=policy()) as gateway:
        cheap = await gateway.chat({**HELLO, "tools": TOOLS}, route_class="cheap")
        cheap_body = body_at(emulator)
        best = await gateway.chat({**HELLO, "tools": TOOLS}, route_class="high_performance")
    assert "tools" not in cheap_body
    assert body_at(emulator)["tools"] == TOOLS
    models = [cheap_body["model"], body_at(emulator)["model"]]
    assert models == [cheap.receipt.model, best.receipt.model]
    assert models[0] != models[1]
    costs = [one.receipt.cost for one in (cheap, best)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert 0 < (costs[0].nanodollars or 0) < (costs[1].nanodollars or 0)
    assert {one.basis for one in costs if one} == {"derived"}


@every_driver
async def test_a_hit_costs_nothing_and_says_what_it_saved(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), policy=policy()) as gateway:
        asked = {"cache": CacheIntent.response(300), "tenant": "acme", "route_class": "cheap"}
        miss, hit = [(await gateway.chat(HELLO, **asked)).receipt.cost for _ in range(2)]  # type: ignore[arg-type]
    assert miss is not None
    assert hit is not None
    assert (hit.nanodollars, hit.saved_nanodollars) == (0, miss.nanodollars)
    assert miss.saved_nanodollars == 0


@every_driver
async def test_the_next_model_answers_when_the_first_cannot(driver: Driver, emulator: RunningEmulator) -> None:
    for fault in ("status;code=503", "reset", "status;code=429"):
        emulator.reset()
        emulator.scenario.add(Rule(name="outage", match=Match(provider="openai"), first=1, fault=fault))
        async with driver.gateway(**settings(emulator), policy=policy()) as gateway:
            receipt = (await gateway.chat(HELLO, route_class="cheap")).receipt
        assert (receipt.status, receipt.attempts) == (200, 2), fault
        assert body_at(emulator, 0)["model"] != body_at(emulator, 1)["model"] == receipt.model


@every_driver
async def test_a_stream_falls_back_before_its_first_byte_only(driver: Driver, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="outage", match=Match(provider="openai"), first=1, fault="status;code=503"))
    async with driver.gateway(**settings(emulator), policy=policy()) as gateway:
        async with gateway.stream("chat", HELLO, route_class="cheap") as events:
            count = len([event async for event in events])
        assert count > 1
        assert events.receipt is not None
        assert (events.receipt.ended, events.receipt.attempts) == ("complete", 2)
        emulator.reset()
        emulator.scenario.add(Rule(name="cut", match=Match(provider="openai"), first=1, fault="cut;after=2"))
        async with gateway.stream("chat", HELLO, route_class="cheap") as events:
            with pytest.raises(Exception, match="broke off"):
                _ = [event async for event in events]
    assert len(emulator.log) == 1


@every_driver
async def test_when_nobody_can_answer_the_last_word_is_the_answer(driver: Driver, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="outage", match=Match(provider="openai"), fault="status;code=503"))
    async with driver.gateway(**settings(emulator), policy=policy()) as gateway:
        with pytest.raises(ProviderError) as caught:
            await gateway.chat(HELLO, route_class="cheap")
    assert caught.value.receipt is not None
    assert (caught.value.receipt.attempts, len(emulator.log)) == (3, 3)


@every_driver
async def test_another_provider_of_the_policy(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), policy=policy(providers=("groq",))) as gateway:
        receipt = (await gateway.chat(HELLO, route_class="cheap")).receipt
    assert last(emulator).provider == "groq"
    assert receipt.plan.surface is not None
    assert receipt.plan.surface.provider == "groq"
    assert receipt.cost is not None
    assert receipt.cost.nanodollars


@every_driver
async def test_a_transport_sends_what_was_decided(driver: Driver, emulator: RunningEmulator) -> None:
    async with driver.gateway(**settings(emulator), policy=policy(providers=("groq",))) as gateway:
        client = gateway.openai(http=driver.family)["http_client"]
        url = f"{settings(emulator)['base_url']}/openai/chat/completions"
        answer = await driver.send(client, "POST", url, json={**HELLO, "model": "aig/cheap", "tools": TOOLS})
    assert answer.status_code == 200
    assert last(emulator).provider == "groq"
    assert set(body_at(emulator)) == {"messages", "model"}


@every_driver
async def test_untouched_bytes_stay(driver: Driver, emulator: RunningEmulator) -> None:
    untidy = b'{ "model":"gpt-5",  "messages":[ {"role":"user","content":"caf\\u00e9"} ] , "top_p":1.0 }'
    json_type = {"content-type": "application/json"}
    async with driver.gateway(**settings(emulator), policy=policy()) as gateway:
        await gateway.post("openai/chat/completions", content=untidy, headers=json_type, route_class="balanced")
        assert emulator.log[-1].request_body == untidy
        client = gateway.openai(http=driver.family)["http_client"]
        url = f"{settings(emulator)['base_url']}/openai/chat/completions"
        with options(route_class="cheap"):
            await driver.send(client, "POST", url, content=untidy, headers=json_type)
    assert emulator.log[-1].request_body == untidy


def test_a_plan_shows_everything_and_sends_nothing(emulator: RunningEmulator) -> None:
    with GatewayClient(**settings(emulator), policy=policy()) as gateway:
        plan = gateway.plan("openai/chat/completions", json=HELLO, route_class="cheap")
        sent = gateway.chat(HELLO, route_class="cheap").receipt.plan
    assert len(emulator.log) == 1
    assert (plan.model, plan.reasons, plan.body, plan.fallbacks) == (
        sent.model,
        sent.reasons,
        sent.body,
        sent.fallbacks,
    )
    assert plan.selection == sent.selection


def test_policy_from_a_file_and_from_the_environment(
    emulator: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "aig.toml"
    file.write_text('[classes.notes]\ntargets = ["openai/gpt-5-nano", "openai/gpt-5-mini"]\nstrategy = "fixed"\n')
    with GatewayClient(**settings(emulator), policy=str(file)) as gateway:
        assert gateway.chat(HELLO, route_class="notes").receipt.model == "gpt-5-nano"
    monkeypatch.setenv("AIG_MODEL__NOTES__OPENAI", "gpt-5-mini")
    with GatewayClient(**settings(emulator), config=str(file)) as gateway:
        receipt = gateway.chat(HELLO, route_class="notes").receipt
        assert receipt.model == "gpt-5-mini"
        assert "AIG_MODEL__NOTES__OPENAI" in receipt.plan.reasons[1]
        hooked = GatewayClient(**settings(emulator), policy=str(file), choose_model=lambda *_: "gpt-5-nano")
        with hooked:
            assert hooked.chat(HELLO, route_class="notes").receipt.model == "gpt-5-nano"
    monkeypatch.setenv("AIG_MODEL__NOTES__OPENAI", "gpt-unheard-of")
    with pytest.raises(ConfigurationError, match="AIG_MODEL__NOTES__OPENAI"):
        GatewayClient(**settings(emulator), policy=str(file))


def test_an_unknown_default_class_is_an_error_at_construction(emulator: RunningEmulator) -> None:
    with pytest.raises(ConfigurationError, match=r"'cheep'.*'cheap'"):
        GatewayClient(**settings(emulator), policy=policy(), route_class="cheep")
    with (
        GatewayClient(**settings(emulator), policy=policy()) as gateway,
        pytest.raises(Refused, match=r"'cheep'.*'cheap'"),
    ):
        gateway.chat(HELLO, route_class="cheep")
    assert not emulator.log
