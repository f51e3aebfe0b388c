"""`aig doctor` as a whole: codes, what is shown, --live, and above all what is never shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.cli import _doctor as doctor
from aig_client.apps.cli import _doctor_network as network
from aig_client.apps.cli._doctor_findings import Finding
from aig_client.apps.cli._doctor_secrets import MASK, scrub, secrets_of
from aig_client.apps.cli._doctor_situation import Situation, survey
from aig_client.apps.emulator import EmulatorConfig, serve_in_thread
from aig_client.http import GatewayClient

from .checking import ageless
from .conftest import TOKEN
from .running import names, run

BASE = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod"
GOOD = {"AIG_BASE_URL": BASE, "CF_AIG_TOKEN": "A1b2C3d4E5" * 4}


@pytest.fixture(autouse=True)
def _only_what_a_test_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever listens on the usual port of this machine takes no part."""
    monkeypatch.setattr(network, "EMULATOR", "http://127.0.0.1:9")
    # The catalog and the tables grow old, and that is the doctor's business and not that of these tests.
    ageless(monkeypatch)


def test_nothing_to_do() -> None:
    ran = run("doctor", env=GOOD)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("\nNothing to do, as far as can be told without --live.\n")


@pytest.mark.parametrize(
    ("env", "code", "last"),
    [
        ({**GOOD, "AIG_TOKEN": "x", "CLOUDFLARE_EMAIL": "y"}, 1, "2 warnings."),
        ({**GOOD, "AIG_TOKEN": "x"}, 1, "1 warning."),
        ({**GOOD, "CF_AIG_TOKEN": "sk-proj-x", "AIG_TOKEN": "x"}, 2, "1 error and 1 warning."),
        ({}, 2, "1 error and 1 warning."),
    ],
)
def test_the_worst_decides(env: dict[str, str], code: int, last: str) -> None:
    ran = run("doctor", env=env)
    assert (ran.code, ran.out.splitlines()[-1]) == (code, last)
    data = run("doctor", "--json", env=env).data
    order = [one["severity"] for one in data["findings"]]
    assert order == sorted(order, key=["error", "warning", "info", "ok"].index)
    assert data["worst"] == order[0]
    assert (data["errors"], data["warnings"]) == (order.count("error"), order.count("warning"))


def test_every_check_runs() -> None:
    checks = {one["check"] for one in run("doctor", "--json", env=GOOD).data["findings"]}
    assert {
        "configuration",
        "surface",
        "token",
        "header leaks",
        "HTTP family",
        "retries",
        "catalog",
        "emulator",
    } <= checks


def test_options() -> None:
    local = run("doctor", "--base-url", "http://127.0.0.1:9", "--json").data
    assert "emulator" in names(local["findings"], "error")
    many = run("doctor", "--gateway-attempts", "5", "--json", env=GOOD).data
    assert names(many["findings"], "warning") == ["retries"]
    assert run("doctor", "--gateway-attempts", "6").code == 2


def test_a_fix_stands_below_what_it_fixes() -> None:
    lines = run("doctor", env={}).out.splitlines()
    assert lines[0].startswith("error")
    assert lines[1].strip() == "fix: set AIG_BASE_URL, or CLOUDFLARE_ACCOUNT_ID and AIG_GATEWAY_ID"


# --- --live -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("emulator")
def test_live_with_a_good_token() -> None:
    data = run("doctor", "--live", "--json").data
    live = [one for one in data["findings"] if one["check"] == "live"]
    assert [(one["severity"], one["what"]) for one in live] == [
        ("ok", "the gateway takes the token, and openai answered")
    ]
    assert data["live"] is True
    assert "clock" in names(data["findings"], "ok")


@pytest.mark.usefixtures("emulator")
def test_live_with_a_wrong_token() -> None:
    ran = run("doctor", "--live", "--json", env={"CF_AIG_TOKEN": "wrong-wrong-wrong"})
    assert ran.code == 2
    (live,) = [one for one in ran.data["findings"] if one["check"] == "live"]
    assert (live["severity"], live["what"]) == ("error", "the gateway refuses the token (status 401, code 2009)")


def test_live_without_a_stored_key() -> None:
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({TOKEN}))) as running:
        env = {"AIG_BASE_URL": running.gateway_url, "CF_AIG_TOKEN": TOKEN}
        (live,) = [one for one in run("doctor", "--live", "--json", env=env).data["findings"] if one["check"] == "live"]
    assert live["what"].startswith(("the gateway takes the token; openai answered 401", "the gateway answered"))


def test_live_without_a_gateway() -> None:
    assert "live" in names(run("doctor", "--live", "--json").data["findings"], "info")


def test_live_with_nobody_there() -> None:
    data = run("doctor", "--live", "--base-url", "http://127.0.0.1:9", "--json").data
    assert "live" in names(data["findings"], "error")


def answered(status: int, body: bytes, headers: dict[str, str] | None = None) -> Finding:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers=headers or {}))
    situation = survey(GOOD, Path.cwd())
    with httpx.Client(transport=transport) as inner, GatewayClient(base_url=BASE, token="t", client=inner) as client:
        return next(iter(network.live(situation, client)))


@pytest.mark.parametrize(
    ("status", "body", "severity", "what"),
    [
        (200, b"{}", "ok", "the gateway takes the token, and openai answered"),
        (401, b'{"success":false,"error":[{"code":2009}]}', "error", "the gateway refuses the token"),
        (401, b'{"success":false,"errors":[{"code":10000}]}', "error", "the token lacks a permission"),
        (403, b"error code: 1010", "error", "Cloudflare's edge refuses the User-Agent"),
        (400, b'{"success":false,"error":[{"code":2001}]}', "error", "there is no such gateway"),
        (403, b'{"success":false,"error":{"message":"x"}}', "error", "the gateway says no to the token"),
        (429, b'{"success":false,"error":[{"code":2003}]}', "warning", "the gateway answered: rate_limited"),
        (400, b'{"success":false,"error":[{"code":2008}]}', "info", "the gateway answered: invalid_provider"),
        (401, b'{"error":{"message":"bad key"}}', "info", "the gateway takes the token; openai answered 401"),
        (404, b"{}", "info", "the gateway takes the token; openai answered 404"),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, severity: str, what: str) -> None:
    finding = answered(status, body)
    assert finding.severity == severity
    assert finding.what.startswith(what)


# --- secrets ----------------------------------------------------------------------------------------

HIDDEN = {
    "CF_AIG_TOKEN": "sk-proj-Qm7vTz0aLr5xWc2e",
    "AIG_TOKEN": "Zp4nYb8sHd1kUf6gTj3q",
    "CLOUDFLARE_API_KEY": "c0ffee11c0ffee22c0ffee33",
    "CLOUDFLARE_EMAIL": "someone@corp.example",
    "CLOUDFLARE_API_TOKEN": "Vx9wRo2iEt5yQa7lKm3n",
    "OPENAI_API_KEY": "sk-live-Bn6mXs4dPw8oJz1h",
    "ANTHROPIC_API_KEY": "sk-ant-Gt5rFv7bNy2uCk9e",
    "GEMINI_API_KEY": "AIzaSyD3fG6hJ9kL2zX5cV8b",
    "ANTHROPIC_CUSTOM_HEADERS": "cf-aig-authorization: Bearer Hq3wEr6tYu9iOp2a\ncf-aig-max-attempts: 4",
    "OPENAI_BASE_URL": "https://userinfo-name:Sd5fGh8jKl1zXc4v@gateway.ai.cloudflare.com.evil.example/?key=Bn7mQw0eRt3y",
    "ANTHROPIC_BASE_URL": "http://plain.example/v1?token=Ui4oPa7sDf0gHj3k",
    "GOOGLE_GEMINI_BASE_URL": "https://Lz6xCv9bNm2qWe5r@api.example.com/#Ty8uIo1pAs4dFg7h",
    "HTTPS_PROXY": "http://proxyuser:Jk0lZx3cVb6nMq9w@proxy.example:3128",
    "AIG_BASE_URL": "https://Er2tYu5iOp8aSd1f:Gh4jKl7zXc0vBn3m@ai.example.com/openai?api_key=Qw6eRt9yUi2oPa5s",
    "MY_PASSWORD": "correct-horse-battery",
}
FILES = [
    '[gateway]\ntoken = "Df8gHj1kLz4xCv7b"\n',
    'base_url = "https://Nm0qWe3rTy6uIo9p:x@ai.example.com/?key=As2dFg5hJk8lZx1c"\napi_key = "Vb4nMq7wEr0tYu3i"\n',
    'token = "Op6aSd9fGh2jKl5z\n',
]
PLAIN = {
    "someone@corp.example",
    "plain.example",
    "gateway.ai.cloudflare.com.evil.example",
    "Bearer",
    "https",
    "cf-aig-authorization",
    "cf-aig-max-attempts",
}
"""What stands in those values and is no secret: hosts, names of headers."""


def secret_pieces() -> set[str]:
    texts = [value for name, value in HIDDEN.items() if name != "CLOUDFLARE_EMAIL"] + FILES
    words = {word for text in texts for word in _words(text)}
    return {word[start : start + 8] for word in words for start in range(len(word) - 7)}


def _words(text: str) -> list[str]:
    mixed = re.findall(r"[A-Za-z0-9_-]{12,}", text)
    return [word for word in mixed if word not in PLAIN and re.search(r"\d", word)] + ["correct-horse-battery"]


@pytest.mark.parametrize("file", [None, *FILES], ids=["no file", "a token", "a url", "broken"])
@pytest.mark.parametrize("left_out", [None, "AIG_BASE_URL", "CF_AIG_TOKEN"])
def test_no_eight_characters_of_a_secret_are_shown(folder: Path, file: str | None, left_out: str | None) -> None:
    if file is not None:
        (folder / "aig.toml").write_text(file)
    env = {name: value for name, value in HIDDEN.items() if name != left_out}
    pieces = secret_pieces()
    assert len(pieces) > 150
    for more in ([], ["--json"], ["--live", "--base-url", "http://Zx7cVb0nMq3wEr6t:y@127.0.0.1:9/?k=Ty9uIo2pAs5dFg8h"]):
        ran = run("doctor", *more, env=env)
        assert ran.code == 2
        shown = ran.out + ran.err
        assert not {piece for piece in pieces if piece in shown}
        assert "Zx7cVb0n" not in shown
        assert "Ty9uIo2p" not in shown


def test_a_careless_check_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate holds where a check does not: one that shows all it is given."""

    def careless(situation: Situation) -> list[Finding]:
        everything = " ".join([*situation.environ.values(), situation.file or ""])
        return [Finding("careless", "info", everything, everything, everything)]

    monkeypatch.setattr(doctor, "CHECKS", (careless,))
    Path("aig.toml").write_text(FILES[0] + FILES[2])
    for more in ([], ["--json"]):
        shown = run("doctor", *more, env=HIDDEN).out
        assert not {piece for piece in secret_pieces() if piece in shown}
        assert MASK in shown


TEXT = st.text("abcdef012-_", min_size=8, max_size=24)


@settings(deadline=None)
@given(TEXT, st.text(max_size=20), st.text(max_size=20), st.integers(0, 16))
def test_a_scrubbed_text_holds_no_piece(secret: str, before: str, after: str, start: int) -> None:
    piece = secret[start:]
    shown = scrub(f"{before}{piece}{after}", [secret])
    pieces = {secret[at : at + 8] for at in range(len(secret) - 7)}
    assert not any(each in shown for each in pieces)
    if len(piece) < 8:
        assert scrub("nothing of it", ["a-long-secret"]) == "nothing of it"


def test_short_secrets_are_hidden_whole() -> None:
    assert scrub("the word hush is said", ["hush"]) == f"the word {MASK} is said"
    assert secrets_of(Situation(environ={"A_TOKEN": "abc", "PATH": "/usr/bin:/bin"})) == frozenset()


def test_json_is_json_when_everything_is_hidden() -> None:
    document: dict[str, Any] = json.loads(run("doctor", "--json", env={"X_TOKEN": "configuration"}).out)
    assert document["schema"] == "aig.doctor/1"
