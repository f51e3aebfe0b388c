"""Limits at the edge: a thousand at once against one Durable Object, settled by what was used."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from shutil import copy
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, Match, Rule, RunningEmulator, serve_in_thread
from aig_client.core.path._edge import EdgeRefused
from aig_client.core.path._principal import stored_token

from .edges import GATEWAY_TOKEN, document, publish, variables
from .workerd import ROOT, WRANGLER, Running, Tools, serve

HOUR = 3600
MANY, FEW, POOR, UNPRICED, LATE = (
    f"aig_{name}_0123456789abcdef" for name in ("many", "few", "poor", "unpriced", "late")
)
HELLO: dict[str, Any] = {"model": "gpt-5-nano", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}


def principal(token: str, *limits: dict[str, Any]) -> dict[str, Any]:
    stored = stored_token(token, "0123456789abcdef")
    return {"tenant": token[:8], "tokens": [stored], "classes": ["*"], "limits": list(limits)}


PRINCIPALS = {
    "many": principal(MANY, {"what": "requests", "limit": 400, "window": 24 * HOUR}),
    "few": principal(FEW, {"what": "tokens", "limit": 300, "window": 24 * HOUR}),
    "poor": principal(POOR, {"what": "nanodollars", "limit": 100_000, "window": 24 * HOUR}),
    "unpriced": principal(UNPRICED, {"what": "nanodollars", "limit": 10**9, "window": 24 * HOUR}),
    "late": principal(LATE, {"what": "tokens", "limit": 10_000, "window": 24 * HOUR}),
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    stored = frozenset({"openai"})
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=stored)) as running:
        yield running


@contextmanager
def served(harness: Tools, emulator: RunningEmulator, log: Path, **more: object) -> Iterator[Running]:
    with serve(harness, WRANGLER, log, vars=variables(emulator, KEY_SECRET=None, **more)) as running:
        text = document(principals=PRINCIPALS)
        publish(running, 1, text)
        yield running


@pytest.fixture(scope="module")
def edge(harness: Tools, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(harness, emulator, tmp_path_factory.mktemp("ledger") / "log") as running:
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


# --- Holds that nobody settles ---


async def test_an_answer_that_comes_after_its_hold_is_booked_as_all_that_was_held(
    harness: Tools, emulator: RunningEmulator, tmp_path: Path
) -> None:
    """Settling comes too late: it finds no hold, because the alarm has booked it. Only the alarm can have."""
    emulator.scenario.add(Rule(name="slow", match=Match(provider="openai"), first=1, fault="latency;ms=2500"))
    with served(harness, emulator, tmp_path / "log", HOLD_SECONDS=1) as running:
        async with httpx.AsyncClient(base_url=running.url, timeout=60, trust_env=False) as client:
            first = await ask(client, LATE)
            held = 10_000 - int(first.headers["x-aig-remaining-tokens"])
            assert (first.status_code, json.loads(first.content)["usage"]["total_tokens"] < held) == (200, True)
            await asyncio.sleep(0.5)  # settling comes after the answer, and must not come after the next reservation
            again = await ask(client, LATE)
    assert int(again.headers["x-aig-remaining-tokens"]) == 10_000 - 2 * held


@pytest.fixture(scope="module")
def ledgers(harness: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("ledgers")
    smoke = ROOT / "tests" / "worker" / "smoke"
    for file in (ROOT / "worker" / "ledger.py", smoke / "ledgers.py", smoke / "ledgers.toml"):
        copy(file, folder)
    with serve(harness, folder / "ledgers.toml", folder / "log") as running:
        yield running


LIMITS = [{"what": "tokens", "limit": 1000, "window": 24 * HOUR}]


@pytest.fixture
def said(ledgers: Running, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Asks the ledger of a principal whom no other test has."""
    with httpx.Client(base_url=ledgers.url, timeout=20, trust_env=False) as client:

        def asked(method: str, **question: object) -> Any:
            answer = client.post(f"/{method}", params={"principal": request.node.name}, content=json.dumps(question))
            assert answer.status_code == 200, answer.text[-2000:]
            return answer.json()

        yield asked


def reserved(said: Any, hold: str, tokens: int, seconds: float) -> list[int]:
    outcome = said("reserve", limits=LIMITS, hold=hold, route_class=None, amounts={"tokens": tokens}, seconds=seconds)
    assert outcome["granted"]
    return [one["left"] for one in outcome["left"]]


def until(said: Any, holds: list[str], *, alarm: bool) -> dict[str, Any]:
    """Look, which expires nothing by itself, until these holds are left and an alarm is set, or none is."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        seen: dict[str, Any] = said("inside")
        if [name for name, _ in seen["holds"]] == holds and (seen["alarm"] is not None) == alarm:
            return seen
        time.sleep(0.05)
    raise AssertionError(f"the alarm did not ring: {said('inside')}")


def test_the_alarm_books_what_nobody_settles_and_is_set_for_the_next(said: Any) -> None:
    assert reserved(said, "late", 500, 3) == [500]
    assert reserved(said, "early", 300, 1.5) == [200]
    seen = said("inside")
    expires = dict(seen["holds"])
    assert 0 <= seen["alarm"] - expires["early"] < 0.01
    seen = until(said, ["late"], alarm=True)
    assert [row[1:] for row in seen["counters"]] == [[300, 500]]
    assert 0 <= seen["alarm"] - expires["late"] < 0.01
    assert said("settle", hold="early", amounts={"tokens": 1}) == {"found": False}
    seen = until(said, [], alarm=False)
    assert [row[1:] for row in seen["counters"]] == [[800, 0]]
    assert said("settle", hold="late") == {"found": False}
    left = said("remaining", limits=LIMITS, route_class=None)
    assert [one["left"] for one in left] == [200]


def test_what_is_settled_in_time_leaves_the_alarm_nothing_to_book(said: Any) -> None:
    reserved(said, "one", 400, 1)
    assert said("settle", hold="one", amounts={"tokens": 7}) == {"found": True}
    seen = until(said, [], alarm=False)
    assert [row[1:] for row in seen["counters"]] == [[7, 0]]


@pytest.mark.parametrize("told", [1, 900, "2.5", 86_400])
def test_the_length_of_a_hold_is_a_variable(told: object) -> None:
    assert accounts().hold_seconds(SimpleNamespace(HOLD_SECONDS=told), "chat") == float(str(told))
    assert accounts().hold_seconds(SimpleNamespace(), "chat") == 900


@pytest.mark.parametrize("told", [0, -5, 0.5, 86_401, "", "soon", "nan", "inf", None, [900]])
def test_a_length_that_is_none_is_refused(told: object) -> None:
    with pytest.raises(EdgeRefused, match="HOLD_SECONDS must be seconds") as caught:
        accounts().hold_seconds(SimpleNamespace(HOLD_SECONDS=told), "chat")
    assert (caught.value.status, caught.value.code) == (500, "bad_variable")


def accounts() -> Any:
    """The Worker's module: it needs nothing that only workerd has."""
    spec = spec_from_file_location("accounts", ROOT / "worker" / "accounts.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
