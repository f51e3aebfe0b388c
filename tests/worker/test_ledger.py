"""Limits at the edge: a thousand at once against one Durable Object, settled by what was used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread
from aig_client.core.path._principal import stored_token

from .edges import GATEWAY_TOKEN, POLICY_KEY, document, pointer
from .workerd import WRANGLER, Running, Tools, serve

HOUR = 3600
MANY, FEW, POOR, UNPRICED = (f"aig_{name}_0123456789abcdef" for name in ("many", "few", "poor", "unpriced"))
HELLO: dict[str, Any] = {"model": "gpt-5-nano", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}


def principal(token: str, *limits: dict[str, Any]) -> dict[str, Any]:
    stored = stored_token(token, "0123456789abcdef")
    return {"tenant": token[:8], "tokens": [stored], "classes": ["*"], "limits": list(limits)}


PRINCIPALS = {
    "many": principal(MANY, {"what": "requests", "limit": 400, "window": 24 * HOUR}),
    "few": principal(FEW, {"what": "tokens", "limit": 300, "window": 24 * HOUR}),
    "poor": principal(POOR, {"what": "nanodollars", "limit": 100_000, "window": 24 * HOUR}),
    "unpriced": principal(UNPRICED, {"what": "nanodollars", "limit": 10**9, "window": 24 * HOUR}),
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    stored = frozenset({"openai"})
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=stored)) as running:
        yield running


@pytest.fixture(scope="module")
def edge(harness: Tools, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    variables = {
        "ACCOUNT_ID": emulator.account,
        "GATEWAY_ID": emulator.gateway,
        "GATEWAY_ORIGIN": emulator.origin,
        "GATEWAY_TOKEN": GATEWAY_TOKEN,
        "POLICY_KEY": POLICY_KEY,
    }
    with serve(harness, WRANGLER, tmp_path_factory.mktemp("ledger") / "log", vars=variables) as running:
        text = document(principals=PRINCIPALS)
        running.put("POLICY", "edge/1", text)
        running.put("POLICY", "current", pointer(1, text))
        yield running


async def ask(client: httpx.AsyncClient, token: str, **change: Any) -> httpx.Response:
    return await client.post(
        "/openai/chat/completions", json={**HELLO, **change}, headers={"authorization": f"Bearer {token}"}
    )


@pytest.fixture
def client(edge: Running) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=50)
    return httpx.AsyncClient(base_url=edge.url, timeout=60, trust_env=False, limits=limits)


async def test_a_thousand_at_once_are_not_oversold(client: httpx.AsyncClient, emulator: RunningEmulator) -> None:
    async with client:
        answers = await asyncio.gather(*(ask(client, MANY) for _ in range(1000)))
    statuses = [answer.status_code for answer in answers]
    assert {status: statuses.count(status) for status in set(statuses)} == {200: 400, 429: 600}
    denied = next(answer for answer in answers if answer.status_code == 429)
    assert denied.json()["error"]["code"] == "over_limit"
    assert int(denied.headers["retry-after"]) > 0
    assert sum(1 for call in emulator.provider_calls) <= 400
    left = [int(answer.headers["x-aig-remaining-requests"]) for answer in answers if answer.status_code == 200]
    assert sorted(left) == list(range(400))


async def test_a_hold_gives_way_to_what_was_used(client: httpx.AsyncClient) -> None:
    async with client:
        first = await ask(client, FEW)
        assert first.status_code == 200
        held = 300 - int(first.headers["x-aig-remaining-tokens"])
        used = json.loads(first.content)["usage"]["total_tokens"]
        assert used < held
        for _ in range(100):  # the meter settles after the answer
            again = await ask(client, FEW)
            if again.status_code == 200:
                assert int(again.headers["x-aig-remaining-tokens"]) == 300 - used - held
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the hold was never settled")


async def test_a_limit_on_cost(client: httpx.AsyncClient) -> None:
    async with client:
        dear = await ask(client, POOR, model="gpt-5", max_tokens=100_000)
        assert (dear.status_code, dear.json()["error"]["code"]) == (429, "over_limit")
        cheap = await ask(client, POOR)
        assert cheap.status_code == 200
        assert 0 < int(cheap.headers["x-aig-remaining-nanodollars"]) < 100_000
        unknown = await ask(client, UNPRICED, model="gpt-of-nobody")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (403, "unknown_price")
