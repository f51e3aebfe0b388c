"""`aig dev` as a process of its own, and the four official SDKs against it, over real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import cloudflare
import httpx
import openai
import pytest
from google import genai
from google.genai import types

from .driver import ACCOUNT, chat

TOKEN = "local-token"
OPEN = {"cf-aig-authorization": f"Bearer {TOKEN}"}
PROMPT = "A prompt that nobody else may read"
ARGUMENTS = ("--auth-token", TOKEN, "--stored-key", "openai", "--exit-after", "120", "--json", "--port", "0")


@dataclass
class Dev:
    process: subprocess.Popen[str]
    url: str
    api: str

    def stop(self) -> tuple[int, str]:
        """Its exit code, and all that it printed after the first line."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out + err


def started(db: Path) -> Dev:
    command = [sys.executable, "-W", "error", "-m", "aig_client.apps.cli", "dev", *ARGUMENTS, "--db", str(db)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    ready = json.loads(process.stdout.readline())
    return Dev(process, ready["url"], ready["api"])


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def dev(db: Path) -> Iterator[Dev]:
    running = started(db)
    with running.process:
        yield running
        if running.process.poll() is None:
            running.stop()


@pytest.fixture
def management(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> Iterator[cloudflare.Cloudflare]:
    for name in ("CLOUDFLARE_EMAIL", "CLOUDFLARE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with cloudflare.Cloudflare(api_token=TOKEN, base_url=dev.api, max_retries=0) as client:
        yield client


def ask_openai(dev: Dev) -> None:
    with openai.OpenAI(
        base_url=f"{dev.url}/openai", api_key="sk-test-1", default_headers=OPEN, max_retries=0
    ) as client:
        answer = client.chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": PROMPT}])
        assert answer.usage
        with client.chat.completions.create(
            model="gpt-4.1-mini", messages=[{"role": "user", "content": PROMPT}], stream=True
        ) as stream:
            streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert streamed == answer.choices[0].message.content
        assert client.responses.create(model="gpt-5", input=PROMPT).output_text
        assert client.embeddings.create(model="text-embedding-3-small", input=PROMPT).data
        assert client.images.generate(model="gpt-image-1", prompt=PROMPT).data
        speech = client.audio.speech.create(model="tts-1", voice="alloy", input=PROMPT, response_format="wav").read()
        assert speech.startswith(b"RIFF")
        heard = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", speech, "audio/wav"))
        assert heard.text


def ask_anthropic(dev: Dev) -> None:
    with anthropic.Anthropic(
        base_url=f"{dev.url}/anthropic", api_key="sk-test-1", default_headers=OPEN, max_retries=0
    ) as client:
        long = "A long and stable text. " * 2000
        system: list[anthropic.types.TextBlockParam] = [
            {"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}
        ]
        used = [
            client.messages.create(
                model="claude-sonnet-5-5",
                max_tokens=50,
                system=system,
                messages=[{"role": "user", "content": f"{PROMPT} {turn}"}],
            ).usage
            for turn in range(2)
        ]
        assert used[0].cache_creation_input_tokens
        assert used[1].cache_read_input_tokens == used[0].cache_creation_input_tokens
        with client.messages.stream(
            model="claude-sonnet-5-5", max_tokens=50, messages=[{"role": "user", "content": PROMPT}]
        ) as stream:
            assert stream.get_final_message().usage.output_tokens


def ask_google(dev: Dev) -> None:
    options = types.HttpOptions(base_url=f"{dev.url}/google-ai-studio", headers=OPEN)
    with genai.Client(api_key="sk-test-1", vertexai=False, http_options=options) as client:
        whole = client.models.generate_content(model="gemini-3-flash", contents=PROMPT)
        parts = client.models.generate_content_stream(model="gemini-3-flash", contents=PROMPT)
        assert whole.text == "".join(part.text or "" for part in parts)


def test_the_four_sdks(dev: Dev, db: Path, management: cloudflare.Cloudflare) -> None:
    for ask in (ask_openai, ask_anthropic, ask_google):
        ask(dev)
    gateway: dict[str, Any] = {"account_id": ACCOUNT, "gateway_id": "demo"}
    logs = management.ai_gateway.logs
    assert sum(1 for _ in logs.list(**gateway, per_page=5)) == 12
    wanted = json.dumps([{"key": "provider", "operator": "eq", "value": ["anthropic"]}])
    first, *others = logs.list(**gateway, extra_query={"filters": wanted})
    assert len(others) == 2
    logs.edit(first.id, **gateway, feedback=1, score=80, metadata={"seen": True})
    assert logs.get(first.id, **gateway).tokens_out
    assert PROMPT in json.dumps(logs.request(first.id, **gateway))
    created = management.ai_gateway.create(
        account_id=ACCOUNT,
        id="made",
        cache_invalidate_on_update=True,
        cache_ttl=600,
        collect_logs=True,
        rate_limiting_interval=0,
        rate_limiting_limit=0,
    )
    assert created.id == "made"
    assert {one.id for one in management.ai_gateway.list(account_id=ACCOUNT)} == {"demo", "made"}
    code, printed = dev.stop()
    assert (code, len(printed.splitlines())) == (0, 12)
    assert not any(secret in printed for secret in (PROMPT, TOKEN, "sk-test", "stable text"))
    assert PROMPT.encode() not in b"".join(file.read_bytes() for file in db.parent.iterdir())


def test_what_was_there_is_there_again(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDFLARE_EMAIL", raising=False)
    key = {**OPEN, "cf-aig-cache-key": "kept"}
    for turn, cache in enumerate(("MISS", "HIT")):
        dev = started(db)
        with dev.process:
            answer = httpx.post(f"{dev.url}/openai/chat/completions", content=chat(), headers=key)
            with cloudflare.Cloudflare(api_token=TOKEN, base_url=dev.api, max_retries=0) as api:
                rows = list(api.ai_gateway.logs.list(account_id=ACCOUNT, gateway_id="demo"))
            assert dev.stop()[0] == 0
        assert answer.headers["cf-aig-cache-status"] == cache
        assert [row.cached for row in rows] == [True, False][1 - turn :]
