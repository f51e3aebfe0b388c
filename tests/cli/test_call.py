"""`aig call`: against the emulator."""

from __future__ import annotations

import json
import socket
from decimal import Decimal
from pathlib import Path

import pytest

from aig_client import GatewayClient, GatewayError, ProviderError, Receipt
from aig_client.apps.cli._call import _result
from aig_client.apps.cli._said_no import said_no
from aig_client.apps.emulator import RunningEmulator

from .conftest import TOKEN
from .running import run, write

BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Say hello"}]}
MODEL = ("--model", "openai/gpt-4.1-mini")


@pytest.mark.parametrize(
    "words",
    [
        ("Say hello", *MODEL),
        ("Say hello", "--model", "gpt-4.1-mini", "--provider", "openai"),
        ("Say hello", "--model", "claude-sonnet-4-5", "--provider", "anthropic"),
        ("Say hello", "--model", "google-ai-studio/gemini-3-flash"),
        ("Say hello", "--model", "openai/gpt-4.1-mini", "--provider", "compat"),
        ("Say hello", *MODEL, "--http", "httpx2"),
        ("Say hello", *MODEL, "--stream"),
        ("Say hello", "--model", "anthropic/claude-sonnet-4-5", "--stream"),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("emulator")
def test_a_prompt(words: tuple[str, ...]) -> None:
    ran = run("call", *words)
    assert (ran.code, ran.err) == (0, "")
    answer, _, rest = ran.out.partition("\n\n")
    assert len(answer.split()) > 1
    assert "{" not in answer
    assert rest.startswith("status")
    data = run("call", *words, "--json").data
    assert data["ok"] is True
    assert data["answer"].strip() == answer.strip()
    assert data["streamed"] is ("--stream" in words)
    assert data["receipt"]["ended"] == "complete"
    # OpenAI's streams hold no usage unless a body asks for it, and unknown is not zero.
    assert (data["receipt"]["output_tokens"] is None) == (words[-1] == "--stream" and "openai" in words[2])
    assert data["metadata"]["log_id"]


def test_nothing_of_ours_goes_on_to_the_provider(emulator: RunningEmulator) -> None:
    assert run("call", "Say hello", *MODEL, "--route-class", "summary").code == 0
    (entry,) = emulator.log
    assert json.loads(entry.cf_aig["cf-aig-metadata"]) == {"route_class": "summary"}
    assert entry.cf_aig["cf-aig-skip-cache"] == "true"


@pytest.mark.usefixtures("emulator")
def test_a_cached_call() -> None:
    words = ("call", "Say hello", *MODEL, "--cache", "300", "--tenant", "acme", "--json")
    first, second = run(*words).data, run(*words).data
    assert [one["metadata"]["cache_status"] for one in (first, second)] == ["MISS", "HIT"]
    assert first["receipt"]["key"] == second["receipt"]["key"]
    assert first["receipt"]["ttl"] == 300


@pytest.mark.usefixtures("emulator")
def test_the_key_is_the_one_that_aig_key_prints(folder: Path) -> None:
    name = write(folder, "body.json", BODY)
    sent = run("call", "--file", name, "--cache", "300", "--tenant", "acme", "--json").data
    assert sent["receipt"]["key"] == run("key", name, "--tenant", "acme").out.strip()


@pytest.mark.usefixtures("emulator")
def test_a_body_in_a_file(folder: Path) -> None:
    messages = {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": BODY["messages"]}
    assert run("call", "--file", write(folder, "m.json", messages), "--json").data["receipt"]["provider"] == "anthropic"
    streamed = run("call", "--file", write(folder, "s.json", {**BODY, "stream": True}), "--json").data
    assert streamed["streamed"] is True
    assert run("call", "--file", "-", given=json.dumps(BODY)).code == 0
    embeddings = write(folder, "e.json", {"model": "text-embedding-3-small", "input": ["a"]})
    assert '"embedding"' in run("call", "--file", embeddings, "--json").data["answer"]


@pytest.mark.usefixtures("emulator")
def test_a_prompt_from_the_standard_input() -> None:
    assert run("call", "-", *MODEL, given="Say hello\n").code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "There must be either a PROMPT or --file FILE: give one of them."),
        (("Hi", "--file", "x"), "There must be either a PROMPT or --file FILE: give one of them."),
        (
            ("Hi",),
            "No model is named: give --model, for example openai/gpt-4.1-mini, or --route-class: the class chooses.",
        ),
        (
            ("Hi", "--model", "gpt-4.1-mini"),
            "The model does not say whose it is: write it as provider/model, or give --provider.",
        ),
        (("", *MODEL), "The prompt is empty: write one."),
        (("Hi", *MODEL, "--endpoint", "chat"), "--endpoint goes with --file: leave it out."),
        (
            ("Hi", "--model", "x", "--provider", "elevenlabs"),
            "aig knows no way to chat with elevenlabs: give --file with a body, and --endpoint.",
        ),
        (
            ("Hi", *MODEL, "--cache", "300"),
            "A cached answer belongs to a tenant: give --tenant NAME, or --shared for all callers.",
        ),
        (
            ("Hi", *MODEL, "--cache", "5", "--shared"),
            "--cache is out of range: use an integer from 60 to 2592000 seconds.",
        ),
        (("Hi", *MODEL, "--tenant", "a", "--shared"), "--tenant and --shared say two things: give one of them."),
        (("Hi", *MODEL, "--deadline", "-1"), "deadline: must be a positive number of seconds"),
        (
            ("Hi", "--model", "google-ai-studio/g", "--stream"),
            "aig does not stream from google-ai-studio /v1beta/models/g:generateContent: leave --stream out.",
        ),
    ],
)
@pytest.mark.usefixtures("emulator")
def test_wrong_input_is_told_before_anything_is_sent(words: tuple[str, ...], sentence: str) -> None:
    ran = run("call", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence == sentence


def test_without_a_gateway() -> None:
    ran = run("call", "Hi", *MODEL)
    assert ran.code == 2
    assert ran.sentence == (
        "No gateway is configured: give --base-url, or set AIG_BASE_URL, or CLOUDFLARE_ACCOUNT_ID and AIG_GATEWAY_ID."
    )
    assert run("call", "Hi", *MODEL, "--base-url", "http://ai.example.com").code == 2


def test_a_refused_token(emulator: RunningEmulator) -> None:
    ran = run("call", "Hi", *MODEL, env={"CF_AIG_TOKEN": "wrong-wrong-wrong"})
    assert ran.code == 1
    assert ran.sentence.startswith("AI Gateway answered 401 (code 2009): authentication failed.")
    assert ran.sentence.endswith(
        "A retry will not help. Check CF_AIG_TOKEN: the gateway wants a token with AI Gateway Run."
    )
    assert "wrong-wrong" not in ran.out + ran.err
    error = run("call", "Hi", *MODEL, "--json", env={"CF_AIG_TOKEN": "wrong-wrong-wrong"}).data["error"]
    assert (error["origin"], error["status"], error["code"], error["meaning"], error["retry_helps"]) == (
        *("gateway", 401, 2009, "authentication_failed", False),
    )


@pytest.mark.usefixtures("emulator")
def test_a_provider_that_says_no() -> None:
    ran = run("call", "Hi", "--model", "groq/llama")
    assert ran.code == 1
    data = run("call", "Hi", "--model", "groq/llama", "--json").data
    assert data["ok"] is False
    assert data["error"]["origin"] in ("gateway", "provider")
    assert data["receipt"]["provider"] == "groq"


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ran = run("call", "Hi", *MODEL, "--base-url", origin, env={"CF_AIG_TOKEN": TOKEN})
        data = run("call", "Hi", *MODEL, "--base-url", origin, "--json").data
    assert ran.code == 1
    assert ran.sentence.startswith(f"Nobody answered at {origin} (connect: ")
    assert (data["error"]["origin"], data["error"]["retry_helps"]) == ("nobody", True)
    assert data["receipt"]["ended"] == "unreachable"


@pytest.mark.usefixtures("emulator")
def test_a_file_that_cannot_be_sent(folder: Path) -> None:
    capture = write(folder, "c.json", {"url": "https://example.com", "body": BODY})
    assert run("call", "--file", capture).sentence.startswith("c.json names a URL, and aig call sends to the gateway")
    headed = write(folder, "h.json", {"headers": {"x-a": "b"}, "body": BODY})
    assert run("call", "--file", headed).code == 0
    assert run("call", "--file", headed, "--stream").sentence.startswith("With --stream the headers of h.json")
    assert run("call", "--file", headed, *MODEL).sentence.startswith("--model goes with a PROMPT")
    hint = write(folder, "x.json", {"headers": {"x-aig-nonsense": "b"}, "body": BODY})
    assert run("call", "--file", hint).sentence.startswith("x-aig-nonsense: is no hint we know.")


# --- errors as data ---------------------------------------------------------------------------------


def test_an_error_repeats_no_credential() -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {TOKEN}. \x1b[2J" + "x" * 900}}).encode()
    said = said_no(ProviderError(status=401, retryable=False, provider="openai", body=body), where="", secrets=(TOKEN,))
    assert said.message is not None
    assert said.message.startswith("Incorrect API key provided: [credential]. \\x1b[2J")
    assert len(said.message) <= 300
    assert TOKEN not in said.sentence
    assert said.sentence.endswith("A retry will not help.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "a"}}', "a"),
        (b'[{"error": {"message": "b"}}]', "b"),
        (b'{"error": "c"}', "c"),
        (b'{"message": "d"}', "d"),
        (b"<html>", None),
        (b"[" * 100_000, None),
        (b'{"error": 7}', None),
    ],
)
def test_the_providers_own_sentence(body: bytes, message: str | None) -> None:
    assert said_no(ProviderError(status=500, retryable=True, body=body), where="").message == message


def test_when_a_retry_helps() -> None:
    limited = GatewayError(status=429, code=2003, meaning="rate_limited", retryable=True, retry_after=2.5)
    assert said_no(limited, where="").sentence == (
        "AI Gateway answered 429 (code 2003): rate limited. A retry may help in 2.5 s."
    )


def test_a_broken_answer_is_no_answer(folder: Path) -> None:
    with GatewayClient(base_url="https://ai.example.com") as client:
        plan = client.plan("openai/chat/completions", json=BODY)
    for ended in ("complete", "cut", "errored"):
        result = _result("Half an", Receipt(plan, None, None, None, ended, 1), streamed=True)
        assert result.ok is (ended == "complete")
        assert result.ok or (result.error is not None and result.error.meaning == ended)


# --- Route classes and money ------------------------------------------------------------------------


@pytest.mark.usefixtures("emulator")
def test_a_class_chooses_the_model(folder: Path) -> None:
    planned = run("plan", write(folder, "b.json", {"messages": BODY["messages"]}), "--route-class", "summary", "--json")
    for more in ((), ("--stream",), ("--provider", "openai")):
        data = run("call", "Say hello", "--route-class", "summary", *more, "--json").data
        assert data["ok"] is True
        assert data["receipt"]["route_class"] == "summary"
        assert data["receipt"]["model"] == data["receipt"]["model_served"] == planned.data["model"]
    out = run("call", "Say hello", "--route-class", "summary").out
    assert f"model        {planned.data['model']}\n" in out
    assert "route class  summary\n" in out


@pytest.mark.usefixtures("emulator")
def test_a_class_chooses_where_the_path_names_the_model() -> None:
    data = run("call", "Say hello", "--route-class", "summary", "--provider", "google-ai-studio", "--json").data
    assert data["ok"] is True
    assert data["receipt"]["provider"] == "google-ai-studio"
    assert data["receipt"]["model"].startswith("gemini-")


@pytest.mark.usefixtures("emulator")
def test_the_policys_provider_comes_first(folder: Path) -> None:
    (folder / "p.toml").write_text('[policy]\nproviders = ["anthropic"]\n')
    data = run("call", "Say hello", "--route-class", "balanced", "--policy", "p.toml", "--json").data
    assert (data["ok"], data["receipt"]["provider"]) == (True, "anthropic")


@pytest.mark.usefixtures("emulator")
def test_a_file_without_a_model(folder: Path) -> None:
    name = write(folder, "body.json", {"messages": BODY["messages"]})
    data = run("call", "--file", name, "--route-class", "cost_effective", "--json").data
    assert data["ok"] is True
    assert data["receipt"]["model"]


def test_an_unknown_class_is_told_before_anything_is_sent(emulator: RunningEmulator) -> None:
    ran = run("call", "Say hello", "--route-class", "sumary")
    assert ran.code == 2
    assert "Did you mean 'summary'?" in ran.sentence
    assert not emulator.log


@pytest.mark.usefixtures("emulator")
def test_what_it_cost() -> None:
    words = ("call", "Say hello", *MODEL, "--cache", "300", "--tenant", "cost")
    first, second = run(*words, "--json").data["receipt"]["cost"], run(*words, "--json").data["receipt"]["cost"]
    assert first["nanodollars"] > 0
    assert (first["basis"], first["saved_nanodollars"]) == ("derived", 0)
    assert Decimal(first["dollars"]) * 10**9 == first["nanodollars"]
    assert (second["nanodollars"], second["saved_nanodollars"]) == (0, first["nanodollars"])
    out = run(*words).out
    assert "cost        $0.00, derived" in out
    assert f"saved       ${first['dollars']} by the gateway's cache\n" in out


@pytest.mark.usefixtures("emulator")
def test_an_unknown_price_is_said_so() -> None:
    words = ("call", "Say hello", "--model", "openai/nobody-knows-this")
    cost = run(*words, "--json").data["receipt"]["cost"]
    assert (cost["nanodollars"], cost["dollars"], cost["basis"]) == (None, None, None)
    assert "cost        unknown, nobody-knows-this is unknown\n" in run(*words).out
