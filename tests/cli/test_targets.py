"""Where a body goes: said, or inferred where only one place fits; never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aig_client import CacheIntent, GatewayClient

from .running import run, write

USER = [{"role": "user", "content": "Hello"}]
TEXT = {"model": "gpt-4.1-mini", "messages": USER}

INFERRED: list[tuple[str, dict[str, Any], str, str]] = [
    ("chat", TEXT, "openai", "/chat/completions"),
    (
        "a system message",
        {**TEXT, "max_tokens": 9, "messages": [{"role": "system", "content": "x"}]},
        "openai",
        "/chat/",
    ),
    ("the vendor's name", {**TEXT, "max_tokens": 9}, "openai", "/chat/completions"),
    ("claude", {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": USER}, "anthropic", "/v1/messages"),
    (
        "anthropic's field",
        {"model": "x", "max_tokens": 9, "system": "y", "messages": USER},
        "anthropic",
        "/v1/messages",
    ),
    ("instructions", {"model": "x", "input": "a", "instructions": "b"}, "openai", "/responses"),
    ("items", {"model": "x", "input": USER}, "openai", "/responses"),
    ("texts", {"model": "x", "input": ["a", "b"]}, "openai", "/embeddings"),
    ("tokens", {"model": "x", "input": [1, 2]}, "openai", "/embeddings"),
    ("an embedding model", {"model": "text-embedding-3-small", "input": "a"}, "openai", "/embeddings"),
    ("a text for gpt", {"model": "gpt-4.1-mini", "input": "a"}, "openai", "/responses"),
    ("an unknown field", {**TEXT, "a_field_of_tomorrow": 1}, "openai", "/chat/completions"),
]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "both",
        {"model": "x", "max_tokens": 9, "messages": USER},
        "b.json could be a request to chat or messages: give --provider and --endpoint, or --url.",
    ),
    (
        "a text",
        {"model": "x", "input": "a"},
        "b.json could be a request to responses or embeddings: give --provider and --endpoint, or --url.",
    ),
    (
        "a vendor before a slash",
        {**TEXT, "model": "openai/gpt-4.1-mini"},
        (
            "The model of b.json names a vendor before its slash: give --provider (compat, openrouter, workers-ai, "
            "...) or --url."
        ),
    ),
    (
        "gemini",
        {"contents": []},
        (
            "The path of google-ai-studio names the model, and b.json does not: give --provider google-ai-studio and "
            "--endpoint with the path after the provider, for example /v1beta/models/gemini-3-flash:generateContent."
        ),
    ),
]


@pytest.mark.parametrize(
    ("body", "provider", "endpoint"), [case[1:] for case in INFERRED], ids=[c[0] for c in INFERRED]
)
def test_one_place_fits(folder: Path, body: dict[str, Any], provider: str, endpoint: str) -> None:
    data = run("key", write(folder, "b.json", body), "--shared", "--json").data
    assert data["provider"] == provider
    assert data["endpoint"].startswith(endpoint)
    assert data["assumed"] is True
    assert f"{provider} {data['endpoint']}" in data["note"]


@pytest.mark.parametrize(("body", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_several_fit_or_none(folder: Path, body: dict[str, Any], sentence: str) -> None:
    assert run("key", write(folder, "b.json", body), "--shared").sentence == sentence


def test_the_assumption_is_said_beside_the_key_and_not_in_it(folder: Path) -> None:
    ran = run("key", write(folder, "b.json", TEXT), "--shared")
    assert ran.out.startswith("aig1.")
    assert ran.out.count("\n") == 1
    assert ran.err == (
        "assumed from the body's shape: openai /chat/completions (--provider, --endpoint or --url say otherwise)\n"
    )


def test_options_decide(folder: Path) -> None:
    name = write(folder, "b.json", TEXT)
    found = {
        tuple(words): run("key", name, "--shared", "--json", *words).data
        for words in (
            ["--provider", "groq"],
            ["--provider", "groq", "--endpoint", "chat"],
            ["--provider", "groq", "--endpoint", "/chat/completions"],
            ["--url", "https://gateway.ai.cloudflare.com/v1/" + "a" * 32 + "/g/groq/chat/completions"],
        )
    }
    assert len({data["key"] for data in found.values()}) == 1
    assert [data["assumed"] for data in found.values()] == [True, False, False, False]
    assert {data["provider"] for data in found.values()} == {"groq"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--url", "x", "--provider", "y"],
            "--url already says provider and endpoint: leave --provider and --endpoint out.",
        ),
        (["--endpoint", "/x"], "--endpoint /x does not say whose it is: give --provider too, or --url."),
        (
            ["--endpoint", "chats"],
            (
                "--endpoint chats is no endpoint: give a path that begins with /, or one of chat, embeddings, "
                "generate_content, messages, responses."
            ),
        ),
        (["--provider", "opnai"], "provider: AI Gateway has no slug 'opnai'. Did you mean 'openai'?"),
        (["--provider", "custom-x"], "Nobody knows the paths of custom-x: give --endpoint with the path after it."),
        (["--provider", ""], "--provider is empty: give it a value, or leave it out."),
        (
            ["--url", "https://example.com"],
            "The URL of b.json is no AI Gateway URL, so no cache key is ever sent there: aig url says why.",
        ),
    ],
)
def test_options_that_cannot_decide(folder: Path, words: list[str], sentence: str) -> None:
    assert run("key", write(folder, "b.json", TEXT), "--shared", *words).sentence == sentence


def test_a_universal_request(folder: Path) -> None:
    entries = [{"provider": "openai", "endpoint": "chat/completions", "headers": {}, "query": TEXT}]
    data = run("key", write(folder, "u.json", entries), "--shared", "--json").data
    assert (data["provider"], data["endpoint"]) == ("universal", "")


@pytest.mark.parametrize("case", INFERRED, ids=[case[0] for case in INFERRED])
def test_the_key_is_the_one_that_the_client_sends(folder: Path, case: tuple[str, dict[str, Any], str, str]) -> None:
    """The whole point of the command: what it prints is what goes over the wire."""
    _, body, provider, _ = case
    name = write(folder, "b.json", body)
    data = run("key", name, "--tenant", "acme", "--namespace", "n", "--json").data
    headers = {"anthropic-version": "2023-06-01"} if provider == "anthropic" else {}
    base = "https://gateway.ai.cloudflare.com/v1/" + "0" * 32 + "/g"
    with GatewayClient(
        base_url=base, namespace="n", tenant="acme", cache=CacheIntent.response(60, force=True)
    ) as client:
        plan = client.plan(f"{provider}{data['endpoint']}", json=body, headers=headers)
    assert plan.key is not None
    assert data["key"] == plan.key.value


def test_a_capture_says_all_of_it(folder: Path) -> None:
    url = "https://gateway.ai.cloudflare.com/v1/" + "0" * 32 + "/g/anthropic/v1/messages"
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": USER}
    capture = {"url": url, "headers": {"X-Aig-Tenant": "acme", "Anthropic-Version": "2023-06-01"}, "body": body}
    keys = {
        run("key", write(folder, "c.json", capture), "--json").data["key"],
        run("key", write(folder, "c.json", {**capture, "method": "POST"}), "--json").data["key"],
        run("key", write(folder, "c.json", {**capture, "body": json.dumps(body)}), "--json").data["key"],
        run("key", write(folder, "c.json", {"body": body, "tenant": "acme"}), "--json").data["key"],
        run("key", write(folder, "b.json", body), "--tenant", "acme", "--json").data["key"],
    }
    assert len(keys) == 1
    beta = {**capture, "headers": {**capture["headers"], "anthropic-beta": "x"}}  # type: ignore[dict-item]
    alias = {**capture, "headers": {**capture["headers"], "cf-aig-byok-alias": "x"}}  # type: ignore[dict-item]
    for other in (beta, alias):
        assert run("key", write(folder, "c.json", other), "--json").data["key"] not in keys
