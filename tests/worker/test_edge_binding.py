"""The Worker reaches the gateway through workerd's own ``AI`` binding, behind which stands the local gateway."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai

from aig_client.apps.emulator import EmulatorConfig, Match, Rule, RunningEmulator, serve_in_thread
from aig_client.core.path._principal import stored_token

from .ai_binding import RUN, Account, account
from .edges import ACME, GATEWAY_TOKEN, KEYED, document, publish, variables
from .workerd import WRANGLER, Running, Tools, serve

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
CHAT = "/openai/chat/completions"
HASTY = {"strategy": "fixed", "targets": ["openai/gpt-5-mini"], "limits": {"deadline": 0.6}}
ONCE = "aig_once_0123456789abcdef"
LIMITED: dict[str, Any] = {
    "tenant": "once",
    "tokens": [stored_token(ONCE, "0123456789abcdef")],
    "classes": ["*"],
    "limits": [{"what": "requests", "limit": 1, "window": 86_400}],
}
_PRINCIPALS: dict[str, Any] = json.loads(document())["principals"]
POLICY = document(dispatch="binding", classes={"hasty": HASTY}, principals={**_PRINCIPALS, "once": LIMITED})
PROVIDERS = frozenset({"openai", "anthropic", "google-ai-studio"})


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    config = EmulatorConfig(
        auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=PROVIDERS, provider_keys=frozenset({"sk-own"})
    )
    with serve_in_thread(config) as running:
        yield running


@pytest.fixture(scope="module")
def behind(emulator: RunningEmulator) -> Iterator[Account]:
    with account(f"{emulator.origin}/v1/{emulator.account}", GATEWAY_TOKEN) as one:
        yield one


@pytest.fixture(autouse=True)
def _empty(emulator: RunningEmulator, behind: Account) -> None:
    emulator.reset()
    behind.asked.clear()


def deployed(
    harness: Tools, emulator: RunningEmulator, folder: Path, *, ai: Account | None, token: str | None
) -> Iterator[Running]:
    given = variables(emulator, GATEWAY_TOKEN=token)
    log = folder / "log"
    with serve(harness, WRANGLER, log, vars=given, **({"ai": ai.url} if ai is not None else {})) as running:
        publish(running, 1, POLICY)
        yield running
    told = log.read_text("utf-8")
    assert GATEWAY_TOKEN not in told
    assert [line for line in told.splitlines() if not line.startswith("log: ")] == []


@pytest.fixture(scope="module")
def edge(
    harness: Tools, emulator: RunningEmulator, behind: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Without a token: what does not go through the binding goes nowhere."""
    yield from deployed(harness, emulator, tmp_path_factory.mktemp("edge"), ai=behind, token=None)


@pytest.fixture(scope="module")
def both(
    harness: Tools, emulator: RunningEmulator, behind: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    yield from deployed(harness, emulator, tmp_path_factory.mktemp("both"), ai=behind, token=GATEWAY_TOKEN)


def ask(edge: Running, body: Any = HELLO, *, path: str = CHAT, token: str = ACME, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", "authorization": f"Bearer {token}", **headers}
    with httpx.Client(trust_env=False, timeout=20) as client:
        return client.post(edge.url + path, content=content, headers=sent)


def only(behind: Account) -> dict[str, Any]:
    """The one entry of the one request that came through the binding."""
    (asked,) = behind.asked
    (entry,) = json.loads(asked.body)
    assert isinstance(entry, dict)
    return entry


# --- SDKs ---


@pytest.mark.parametrize("stream", [False, True])
def test_openai(edge: Running, emulator: RunningEmulator, behind: Account, stream: bool) -> None:
    with openai.OpenAI(base_url=f"{edge.url}/openai", api_key=ACME, max_retries=0) as sdk:
        made: Any = sdk.chat.completions.create(model="gpt-5", messages=HELLO["messages"], stream=stream)
        text = (
            "".join(event.choices[0].delta.content or "" for event in made if event.choices)
            if stream
            else made.choices[0].message.content
        )
    assert text
    entry = only(behind)
    assert (entry["provider"], entry["endpoint"]) == ("openai", "chat/completions")
    assert entry["query"]["model"] == emulator.log[-1].model == "gpt-5"
    assert behind.asked[0].url == RUN + emulator.gateway


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic(edge: Running, behind: Account, stream: bool) -> None:
    asked: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 64, "messages": HELLO["messages"]}
    with anthropic.Anthropic(base_url=f"{edge.url}/anthropic", api_key=ACME, max_retries=0) as sdk:
        if stream:
            with sdk.messages.stream(**asked) as events:
                assert events.get_final_text()
        else:
            assert sdk.messages.create(**asked).usage.output_tokens
    entry = only(behind)
    assert (entry["provider"], entry["endpoint"]) == ("anthropic", "v1/messages")
    assert entry["headers"]["anthropic-version"]


@pytest.mark.parametrize("stream", [False, True])
def test_google(edge: Running, behind: Account, stream: bool) -> None:
    options: Any = {"base_url": f"{edge.url}/google-ai-studio"}
    sdk = genai.Client(api_key=ACME, http_options=options, vertexai=False)
    if stream:
        parts = [part.text for part in sdk.models.generate_content_stream(model="gemini-3-flash", contents="Hello")]
        assert "".join(part or "" for part in parts)
    else:
        assert sdk.models.generate_content(model="gemini-3-flash", contents="Hello").text
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert only(behind)["endpoint"] == f"v1/models/gemini-3-flash:{method}"


# --- What arrives ---


def test_the_body_arrives_as_it_was_meant(edge: Running, emulator: RunningEmulator) -> None:
    body = {
        **HELLO,
        "model": "gpt-5",
        "user": 'zoë \U0001f600 \\" \x7f \u2028 "}], [{',
        "stop": None,
        "metadata": {"constructor": {"name": "RegExp"}, "__proto__": {"polluted": True}, "then": 1},
        "deep": [[{"none": [None, {}, [], False, True]}]],
        "numbers": [2**53 - 1, -(2**53) + 1, 0.1, 1e-7, 1e21, 1.5e300, 0, -1],
    }
    assert ask(edge, body).status_code == 200
    raw = emulator.log[-1].request_body
    assert raw is not None
    assert json.loads(raw) == body


def test_a_float_with_an_integer_s_value_is_written_as_one(edge: Running, emulator: RunningEmulator) -> None:
    """The one thing that JavaScript changes; it is the same number in JSON."""
    assert ask(edge, {**HELLO, "model": "gpt-4.1-mini", "temperature": 1.0}).status_code == 200
    assert emulator.log[-1].request_body is not None
    assert emulator.log[-1].request_body.endswith(b'"temperature":1}')


def test_no_token_leaves_through_the_binding(both: Running, behind: Account) -> None:
    assert ask(both, **{"x-api-key": "sk-own", "cookie": "a=b"}).status_code == 200
    (asked,) = behind.asked
    assert not {"cf-aig-authorization", "authorization", "x-api-key"} & {*asked.headers, *only(behind)["headers"]}
    for secret in (GATEWAY_TOKEN, ACME, "sk-own"):
        assert secret not in f"{asked}"


def test_a_key_of_the_caller_s_own_goes_to_its_provider(edge: Running, behind: Account) -> None:
    own = {"authorization": "Bearer sk-own", "cf-aig-authorization": f"Bearer {KEYED}"}
    assert ask(edge, {**HELLO, "model": "gpt-5"}, **own).status_code == 200
    (asked,) = behind.asked
    assert only(behind)["headers"]["authorization"] == "Bearer sk-own"
    assert "authorization" not in asked.headers
    assert KEYED not in f"{asked}"


def test_the_plan_s_headers_reach_the_gateway(edge: Running, emulator: RunningEmulator, behind: Account) -> None:
    answers = [ask(edge, path=f"/c/cached{CHAT}", **{"cf-aig-cache-key": "forged"}) for _ in range(2)]
    assert [one.headers["x-aig-cache-status"] for one in answers] == ["MISS", "HIT"]
    assert answers[0].json() == answers[1].json()
    seen = emulator.log[0].cf_aig
    assert seen["cf-aig-cache-key"].startswith("aig1s.")
    assert seen["cf-aig-cache-ttl"] == "600"
    assert json.loads(seen["cf-aig-metadata"]) == {"principal": "acme", "route_class": "cached"}
    assert not any(name.startswith("cf-aig-") for name in json.loads(behind.asked[0].body)[0]["headers"])
    assert answers[0].headers["cf-aig-log-id"]


def test_universal_keeps_its_entries(edge: Running, emulator: RunningEmulator, behind: Account) -> None:
    emulator.scenario.add(Rule(name="outage", match=Match(provider="openai"), first=1, fault="status;code=503"))
    entries: list[dict[str, Any]] = [
        {"provider": "openai", "endpoint": "chat/completions", "query": {**HELLO, "model": "gpt-5", "stop": None}},
        {
            "provider": "anthropic",
            "endpoint": "v1/messages",
            "headers": {"anthropic-version": "2023-06-01"},
            "query": {**HELLO, "model": "claude-sonnet-5-5", "max_tokens": 9},
        },
    ]
    answer = ask(edge, entries, path="/")
    assert (answer.status_code, answer.headers["cf-aig-step"]) == (200, "1")
    assert json.loads(behind.asked[0].body) == [{**entries[0], "headers": {}}, entries[1]]


# --- When it does not go well ---


def test_a_fallback_before_the_first_byte(edge: Running, emulator: RunningEmulator, behind: Account) -> None:
    emulator.scenario.add(Rule(name="outage", match=Match(provider="openai"), first=1, fault="status;code=503"))
    answer = ask(edge, path=f"/c/cheap{CHAT}")
    assert answer.status_code == 200
    assert emulator.log[0].model != emulator.log[1].model
    assert len(behind.asked) == 2


def test_no_fallback_after_the_first_byte(edge: Running, emulator: RunningEmulator, behind: Account) -> None:
    emulator.scenario.add(Rule(name="cut", match=Match(provider="openai"), first=1, fault="cut;after=2"))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(edge, {**HELLO, "stream": True}, path=f"/c/cheap{CHAT}")
    assert len(behind.asked) == 1


def test_the_deadline_aborts(edge: Running, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="slow", match=Match(provider="openai"), first=1, fault="latency;ms=1500"))
    began = time.monotonic()
    late = ask(edge, path=f"/c/hasty{CHAT}")
    assert (late.status_code, late.json()["error"]["code"]) == (504, "gateway_unreachable")
    assert 0.5 < time.monotonic() - began < 1.4
    assert ask(edge, path=f"/c/hasty{CHAT}").status_code == 200
    while len(emulator.log) < 2:  # the slow one is still on its way there; it must not end in another test's log
        assert time.monotonic() - began < 10
        time.sleep(0.05)


def test_a_gateway_that_is_down(edge: Running, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="down", match=Match(provider="openai"), first=1, fault="reset;at=edge"))
    down = ask(edge, {**HELLO, "model": "gpt-5"})
    assert (down.status_code, down.json()["error"]["code"]) == (502, "gateway_unreachable")
    assert ask(edge, {**HELLO, "model": "gpt-5"}).status_code == 200


def test_what_the_gateway_says_no_to_is_passed_on(edge: Running, emulator: RunningEmulator) -> None:
    emulator.scenario.add(Rule(name="limit", match=Match(provider="openai"), first=1, fault="status;code=429"))
    assert ask(edge, {**HELLO, "model": "gpt-5"}).status_code == 429


# --- What does not go that way ---


def upload(edge: Running) -> httpx.Response:
    headers = {"authorization": f"Bearer {ACME}"}
    with httpx.Client(trust_env=False, timeout=20) as client:
        return client.post(
            f"{edge.url}/openai/audio/transcriptions",
            files={"file": ("a.wav", b"RIFF\0\0\0\0WAVE", "audio/wav")},
            data={"model": "whisper-1"},
            headers=headers,
        )


LARGE = b'{"model":"gpt-5","seed":9007199254740993,"messages":[{"role":"user","content":"Hello"}]}'


def test_without_a_token_it_is_refused(edge: Running, emulator: RunningEmulator) -> None:
    unified = ask(edge, {**HELLO, "model": "openai/gpt-5"}, path="/compat/chat/completions")
    for refused in (upload(edge), ask(edge, LARGE), unified):
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_through_binding")
    assert not emulator.log


def test_what_is_refused_uses_up_no_limit(edge: Running) -> None:
    assert ask(edge, LARGE, token=ONCE).status_code == 403
    served = ask(edge, {**HELLO, "model": "gpt-5"}, token=ONCE)
    assert (served.status_code, served.headers["x-aig-remaining-requests"]) == (200, "0")
    assert ask(edge, {**HELLO, "model": "gpt-5"}, token=ONCE).status_code == 429


def test_with_a_token_it_is_fetched(both: Running, emulator: RunningEmulator, behind: Account) -> None:
    assert upload(both).status_code == 200
    assert ask(both, LARGE).status_code == 200
    assert not behind.asked
    assert emulator.log[-1].request_body == LARGE
    assert all(one.cf_aig["cf-aig-authorization"] for one in emulator.log)


def test_a_worker_without_the_binding_says_so(
    harness: Tools, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for unbound in deployed(harness, emulator, tmp_path_factory.mktemp("unbound"), ai=None, token=GATEWAY_TOKEN):
        refused = ask(unbound, {**HELLO, "model": "gpt-5"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (500, "no_binding")
    assert not emulator.log
