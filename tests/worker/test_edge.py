"""The Worker in front of the local gateway: SDKs, tenants, bad input, and a policy that changes while it runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai

from aig_client import CacheIntent, GatewayClient, GatewayMetadata, ProviderError, Refused
from aig_client.apps.emulator import EmulatorConfig, Match, Rule, RunningEmulator, serve_in_thread

from .edges import ACME, ADMIN, GATEWAY_TOKEN, GLOBEX, KEYED, NARROW, POLICY_KEY, document, publish, variables
from .workerd import WRANGLER, Running, Tools, serve

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    config = EmulatorConfig(
        auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=frozenset({"openai", "anthropic", "google-ai-studio"})
    )
    with serve_in_thread(config) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(emulator: RunningEmulator) -> None:
    emulator.reset()


@pytest.fixture(scope="module")
def edge(harness: Tools, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("edge") / "log"
    with serve(harness, WRANGLER, log, vars=variables(emulator)) as running:
        publish(running, 1, document())
        yield running
    told = log.read_text("utf-8")
    for secret in (ACME, GLOBEX, NARROW, KEYED, ADMIN, GATEWAY_TOKEN, POLICY_KEY):
        assert secret not in told
    assert [line for line in told.splitlines() if not line.startswith("log: ")] == []


def ask(
    edge: Running,
    body: Any = HELLO,
    *,
    token: str | None = ACME,
    path: str = "/openai/chat/completions",
    **headers: str,
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {}), **headers}
    with httpx.Client(trust_env=False, timeout=20) as client:
        return client.post(edge.url + path, content=content, headers=sent)


# --- About itself ---


def test_it_says_how_it_is(edge: Running) -> None:
    health = httpx.get(f"{edge.url}/healthz", trust_env=False).json()
    assert (health["ok"], health["policy"]["version"], health["problem"]) == (True, 1, None)
    about = httpx.get(f"{edge.url}/.well-known/aig", trust_env=False).json()
    assert {"summary", "cached", "cheap"} <= set(about["classes"])
    assert set(about) == {"version", "policy_digest", "classes"}


def test_it_explains_what_it_would_do(edge: Running, emulator: RunningEmulator) -> None:
    question = {"principal": "acme", "path": "/c/cheap/openai/chat/completions", "body": HELLO}
    told = httpx.post(
        f"{edge.url}/_aig/explain", json=question, headers={"authorization": f"Bearer {ADMIN}"}, trust_env=False
    )
    assert told.status_code == 200
    assert told.json()["route_class"] == "cheap"
    assert told.json()["selection"]["ranking"]
    assert not emulator.log
    for header in ({}, {"authorization": f"Bearer {ACME}"}):
        assert httpx.post(f"{edge.url}/_aig/explain", json=question, headers=header, trust_env=False).status_code == 401


# --- SDKs, unchanged but for base URL and token ---


@pytest.mark.parametrize("stream", [False, True])
def test_openai(edge: Running, emulator: RunningEmulator, stream: bool) -> None:
    with openai.OpenAI(base_url=f"{edge.url}/openai", api_key=ACME, max_retries=0) as sdk:
        made: Any = sdk.chat.completions.create(model="gpt-5", messages=HELLO["messages"], stream=stream)
        text = (
            "".join(event.choices[0].delta.content or "" for event in made if event.choices)
            if stream
            else made.choices[0].message.content
        )
        assert text
        chosen = sdk.chat.completions.create(model="aig/cheap", messages=HELLO["messages"])
        assert chosen.model == emulator.log[-1].model != "aig/cheap"
        assert sdk.responses.create(model="gpt-5", input="Hello").output_text
    assert all(one.cf_aig["cf-aig-authorization"] for one in emulator.log)
    assert not any({"authorization", "x-api-key"} & set(one.header_names) for one in emulator.log)


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic(edge: Running, stream: bool) -> None:
    with anthropic.Anthropic(base_url=f"{edge.url}/anthropic", api_key=ACME, max_retries=0) as sdk:
        if stream:
            with sdk.messages.stream(model="claude-sonnet-5-5", max_tokens=64, messages=HELLO["messages"]) as events:
                assert events.get_final_text()
        else:
            made = sdk.messages.create(model="claude-sonnet-5-5", max_tokens=64, messages=HELLO["messages"])
            assert made.usage.output_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_google(edge: Running, stream: bool) -> None:
    options: Any = {"base_url": f"{edge.url}/google-ai-studio"}
    sdk = genai.Client(api_key=ACME, http_options=options, vertexai=False)
    if stream:
        parts = [part.text for part in sdk.models.generate_content_stream(model="gemini-3-flash", contents="Hello")]
        assert "".join(part or "" for part in parts)
    else:
        assert sdk.models.generate_content(model="gemini-3-flash", contents="Hello").text


def test_refusals_are_the_sdk_s_own_errors(edge: Running) -> None:
    wrong = {"x-aig-route-class": "cheep"}
    with openai.OpenAI(base_url=f"{edge.url}/openai", api_key=ACME, max_retries=0) as sdk:
        with pytest.raises(openai.BadRequestError) as bad:
            sdk.chat.completions.create(model="gpt-5", messages=HELLO["messages"], extra_headers=wrong)
        assert bad.value.code == "unknown_class"
    with (
        openai.OpenAI(base_url=f"{edge.url}/openai", api_key="nobody", max_retries=0) as sdk,
        pytest.raises(openai.AuthenticationError),
    ):
        sdk.chat.completions.create(model="gpt-5", messages=HELLO["messages"])
    with (
        anthropic.Anthropic(base_url=f"{edge.url}/anthropic", api_key=NARROW, max_retries=0) as claude,
        pytest.raises(anthropic.PermissionDeniedError),
    ):
        claude.messages.create(model="claude-sonnet-5-5", max_tokens=9, messages=HELLO["messages"])
    options: Any = {"base_url": f"{edge.url}/google-ai-studio"}
    stranger = genai.Client(api_key="nobody", http_options=options, vertexai=False)
    with pytest.raises(genai.errors.ClientError) as gemini:
        stranger.models.generate_content(model="gemini-3-flash", contents="Hello")
    assert gemini.value.status == "UNAUTHENTICATED"


# --- What is decided ---


def test_a_class_chooses_strips_and_caps(edge: Running, emulator: RunningEmulator) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    answer = ask(edge, {**HELLO, "tools": tools}, path="/c/cheap/openai/chat/completions")
    assert answer.status_code == 200
    raw = emulator.log[-1].request_body
    assert raw is not None
    body = json.loads(raw)
    assert "tools" not in body
    assert body["max_completion_tokens"] == 64
    assert answer.headers["x-aig-route-class"] == "cheap"
    assert answer.headers["x-aig-model"] == body["model"]
    assert len(answer.headers["x-aig-decision-id"]) == 16
    assert answer.headers["cf-aig-log-id"]


def test_a_fallback_before_the_first_byte(edge: Running, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="outage", match=Match(provider="openai"), first=1, fault="status;code=503"))
    answer = ask(edge, path="/c/cheap/openai/chat/completions")
    assert answer.status_code == 200
    assert len(emulator.log) == 2
    assert emulator.log[0].model != emulator.log[1].model


def test_nothing_of_the_caller_s_own_reaches_the_gateway(edge: Running, emulator: RunningEmulator) -> None:
    tempting = {
        "cf-aig-cache-key": "mine",
        "cf-aig-byok-alias": "theirs",
        "cf-aig-metadata": '{"team":"forged"}',
        "x-forwarded-for": "10.9.8.7",
        "x-api-key": "sk-own-key",
        "cookie": "session=1",
    }
    assert ask(edge, {**HELLO, "model": "gpt-5"}, **tempting).status_code == 200
    seen = emulator.log[-1]
    assert json.loads(seen.cf_aig["cf-aig-metadata"]) == {"route_class": "balanced", "principal": "acme"}
    assert not {"cf-aig-cache-key", "cf-aig-byok-alias"} & set(seen.cf_aig)
    assert not {"cookie", "x-forwarded-for", "x-api-key", "authorization"} & set(seen.header_names)


def test_two_tenants_never_share_an_answer(edge: Running, emulator: RunningEmulator) -> None:
    path = "/c/cached/openai/chat/completions"
    statuses = [
        ask(edge, path=path, token=token, **headers).headers["cf-aig-cache-status"]
        for token, headers in (
            (ACME, {}),
            (ACME, {}),
            (GLOBEX, {}),
            (GLOBEX, {"cf-aig-cache-key": "forged"}),
            (ACME, {"x-aig-tenant": "globex"}),
            (GLOBEX, {"x-aig-tenant": "acme"}),
            (ACME, {"x-aig-cache": "off"}),
        )
    ]
    assert statuses == ["MISS", "HIT", "MISS", "HIT", "MISS", "MISS", "MISS"]


# --- Bad input: each is answered, and the next request works ---


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": None}, 401),
        ({"token": "aig_nobody"}, 401),
        ({"path": "/nowhere/at/all"}, 404),
        ({"path": "/openai/chat%2fcompletions"}, 404),
        ({"path": "/openai//chat/completions"}, 404),
        ({"body": b"{"}, 400),
        ({"body": b'{"model":"a","model":"b"}'}, 400),
        ({"body": b'{"messages":' + b"[" * 20_000 + b"]" * 20_000 + b"}"}, 400),
        ({"body": b"[" * 100_000}, 400),
        ({"body": b'{"x":"\xff\xfe"}'}, 400),
        ({"content-encoding": "gzip"}, 415),
        ({"x-aig-route-class": "cheep"}, 400),
        ({"x-aig-tenant": "a b"}, 400),
        ({"path": "/c/research/openai/chat/completions", "token": NARROW}, 403),
    ],
)
def test_bad_input_gets_a_clear_answer(edge: Running, emulator: RunningEmulator, change: Any, status: int) -> None:
    answer = ask(edge, **change)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
    assert answer.headers["x-aig-refused"]
    assert "Traceback" not in answer.text
    assert not emulator.log
    assert ask(edge, {**HELLO, "model": "gpt-5"}).status_code == 200


def test_a_gateway_that_says_no_is_passed_on(edge: Running, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="limit", match=Match(provider="openai"), first=1, fault="status;code=429"))
    assert ask(edge, {**HELLO, "model": "gpt-5"}).status_code == 429
    emulator.scenario.add(Rule(name="cut", match=Match(provider="openai"), first=1, fault="reset"))
    broken = ask(edge, {**HELLO, "model": "gpt-5"})
    assert broken.status_code in (502, 520)
    assert ask(edge, {**HELLO, "model": "gpt-5"}).status_code == 200


# --- The policy changes while it runs ---


async def test_a_policy_changes_under_load_and_no_request_fails(
    harness: Tools, emulator: RunningEmulator, edge: Running
) -> None:
    """KV is asked again after half a minute, so the clock of the isolate is not waited for: the epoch tells."""
    path = "/c/cached/openai/chat/completions"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def one() -> int:
            answer = await client.post(edge.url + path, json=HELLO, headers={"authorization": f"Bearer {ACME}"})
            return answer.status_code

        first = await asyncio.gather(*(one() for _ in range(10)))
        await asyncio.to_thread(publish, edge, 2, document(epoch="2"))
        second = await asyncio.gather(*(one() for _ in range(20)))
    assert set(first + second) == {200}


# --- Our own client leaves the decisions to it ---


def test_our_client_leaves_decisions_to_the_edge(edge: Running, emulator: RunningEmulator) -> None:
    with GatewayClient(edge=edge.url, token=ACME, tenant="below") as gateway:
        first = gateway.chat(HELLO, route_class="cached")
        again = gateway.chat(HELLO, route_class="cached")
        other = gateway.chat(HELLO, route_class="cached", tenant="beside")
        past = gateway.chat(HELLO, route_class="cached", cache=CacheIntent.off)
        plan = gateway.plan("openai/chat/completions", json=HELLO, route_class="cached")
        sdk = openai.OpenAI(**gateway.openai())
        assert sdk.chat.completions.create(model="aig/cheap", messages=HELLO["messages"]).choices
        with pytest.raises(Refused, match="edge removes"):
            gateway.chat(HELLO, gateway=GatewayMetadata(max_attempts=2))
        with pytest.raises(ProviderError) as caught:
            gateway.chat(HELLO, route_class="cheep")
    statuses = [one.receipt.cache_status for one in (first, again, other, past)]
    assert statuses == ["MISS", "HIT", "MISS", "MISS"]
    assert again.metadata.hit
    assert again.receipt.cost is not None
    assert (again.receipt.cost.nanodollars, again.receipt.model) == (0, "gpt-5-mini")
    assert (plan.body, plan.selection, plan.key) == (None, None, None)
    assert caught.value.status == 400
    assert emulator.log[0].cf_aig["cf-aig-authorization"]
