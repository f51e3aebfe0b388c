"""Every check of `aig doctor` on configuration, credentials and environment: a function of a situation."""

from __future__ import annotations

from pathlib import Path

import pytest

from aig_client.apps.cli import _doctor_configuration as configuration
from aig_client.apps.cli import _doctor_credentials as credentials
from aig_client.apps.cli import _doctor_environment as environment

from .checking import ACCOUNT, BASE, GATEWAY, LOCAL, REST, TOKEN, Check, found, short

CASES: list[tuple[str, Check, dict[str, str], list[str]]] = [
    # --- sources
    ("nothing", configuration.sources, {}, ["error: account_id is not set, so no gateway is configured"]),
    (
        "half",
        configuration.sources,
        {"CF_ACCOUNT_ID": ACCOUNT},
        ["error: gateway_id is not set, so no gateway is configured"],
    ),
    ("base url", configuration.sources, GATEWAY, ["ok: base_url comes from environment AIG_BASE_URL"]),
    (
        "bad account",
        configuration.sources,
        {"CF_ACCOUNT_ID": "x", "AIG_GATEWAY_ID": "y"},
        ["error: account_id is not 32 lower-case hex characters"],
    ),
    # --- shadows
    ("one token", configuration.shadows, {"CF_AIG_TOKEN": "a"}, []),
    ("the same token twice", configuration.shadows, {"CF_AIG_TOKEN": "a", "AIG_TOKEN": "a"}, []),
    (
        "two tokens",
        configuration.shadows,
        {"CF_AIG_TOKEN": "a", "AIG_TOKEN": "b"},
        ["warning: CF_AIG_TOKEN and AIG_TOKEN hold two values for token; CF_AIG_TOKEN counts"],
    ),
    (
        "base url and ids",
        configuration.shadows,
        {**GATEWAY, "CF_ACCOUNT_ID": ACCOUNT, "AIG_GATEWAY_ID": "g"},
        ["info: a base URL (environment AIG_BASE_URL) beats account_id and gateway_id, which do not count"],
    ),
    # --- the cloudflare SDK
    (
        "old key",
        configuration.cloudflare_sdk,
        {"CLOUDFLARE_API_KEY": "x"},
        ["warning: CLOUDFLARE_API_KEY is set: the cloudflare SDK then sends the old key"],
    ),
    (
        "mail",
        configuration.cloudflare_sdk,
        {"CLOUDFLARE_EMAIL": "x"},
        ["warning: CLOUDFLARE_EMAIL is set: the cloudflare SDK then sends the old key"],
    ),
    # --- surface
    ("cloudflare's", configuration.surface, GATEWAY, ["ok: an AI Gateway URL of Cloudflare's, gateway prod"]),
    ("local", configuration.surface, LOCAL, ["ok: a local gateway at http://127.0.0.1:8787, gateway demo"]),
    (
        "custom",
        configuration.surface,
        {"AIG_BASE_URL": "https://ai.example.com"},
        ["info: https://ai.example.com counts as a gateway because it is configured"],
    ),
    (
        "plain",
        configuration.surface,
        {"AIG_BASE_URL": "http://ai.example.com"},
        ["error: the base URL is no gateway's. "],
    ),
    ("rest", configuration.surface, {"AIG_BASE_URL": REST}, ["error: the base URL is no gateway's"]),
    (
        "v2",
        configuration.surface,
        {"AIG_BASE_URL": "https://gateway.ai.cloudflare.com/v2"},
        ["error: the base URL is no gateway's"],
    ),
    (
        "look-alike",
        configuration.surface,
        {"AIG_BASE_URL": "https://gateway.ai.cloudflare.com.evil.example"},
        ["error: the base URL is no gateway's, and gets the token because it is configured. Its host only looks like"],
    ),
    (
        "a provider",
        configuration.surface,
        {"AIG_BASE_URL": "https://api.openai.com"},
        ["error: the base URL is no gateway's, and gets the token because it is configured. It is openai's own host"],
    ),
    # --- token
    ("none", credentials.token, GATEWAY, ["warning: no token is set"]),
    ("none needed", credentials.token, LOCAL, ["ok: no token is set"]),
    ("forty", credentials.token, {**GATEWAY, "CF_AIG_TOKEN": TOKEN}, ["ok: the token has a possible shape"]),
    ("scannable", credentials.token, {**GATEWAY, "CF_AIG_TOKEN": f"cfut_{TOKEN}deadbeef"}, ["ok: the token has"]),
    ("unknown", credentials.token, {**GATEWAY, "CF_AIG_TOKEN": "abc"}, ["warning: the token has no shape"]),
    ("anything locally", credentials.token, {**LOCAL, "CF_AIG_TOKEN": "local-token"}, ["ok: the token has a possible"]),
    (
        "openai",
        credentials.token,
        {**GATEWAY, "CF_AIG_TOKEN": "sk-proj-x"},
        ["error: the token has the shape of a key of OpenAI's"],
    ),
    (
        "anthropic",
        credentials.token,
        {"AIG_TOKEN": "sk-ant-x"},
        ["error: the token has the shape of a key of Anthropic's"],
    ),
    ("google", credentials.token, {"AIG_TOKEN": "AIzaSyX"}, ["error: the token has the shape of a key of Google's"]),
    ("bearer", credentials.token, {"AIG_TOKEN": f"Bearer {TOKEN}"}, ["error: the token begins with 'Bearer'"]),
    ("blank", credentials.token, {"AIG_TOKEN": f"{TOKEN}\n"}, ["error: the token holds white space"]),
    (
        "global",
        credentials.token,
        {"AIG_TOKEN": "a1" * 18 + "b"},
        ["error: the token has the shape of a Global API Key"],
    ),
    ("new global", credentials.token, {"AIG_TOKEN": f"cfk_{TOKEN}"}, ["error: the token has the shape of a Global"]),
    ("placeholder", credentials.token, {"AIG_TOKEN": "your-api-token"}, ["error: the token is a placeholder"]),
    # --- provider keys
    ("no keys", credentials.provider_keys, {}, []),
    (
        "a key",
        credentials.provider_keys,
        {"OPENAI_API_KEY": "sk-x"},
        ["info: OPENAI_API_KEY set: an SDK without our plug"],
    ),
    (
        "the token as a key",
        credentials.provider_keys,
        {"OPENAI_API_KEY": f"cfat_{TOKEN}deadbeef"},
        ["error: OPENAI_API_KEY holds a Cloudflare token", "info: "],
    ),
    (
        "one for both",
        credentials.provider_keys,
        {"OPENAI_API_KEY": "x", "CF_AIG_TOKEN": "x"},
        ["error: OPENAI_API_KEY and the Cloudflare token are the same value", "info: "],
    ),
    # --- headers
    ("no headers", environment.custom_headers, {"ANTHROPIC_CUSTOM_HEADERS": "x-a: b"}, []),
    (
        "headers",
        environment.custom_headers,
        {"ANTHROPIC_CUSTOM_HEADERS": "CF-AIG-Authorization: Bearer x"},
        ["error: ANTHROPIC_CUSTOM_HEADERS sets cf-aig-authorization, which the SDK sends to every host"],
    ),
    # --- base URLs
    (
        "gateway",
        environment.base_urls,
        {"OPENAI_BASE_URL": f"{BASE}/openai"},
        ["ok: OPENAI_BASE_URL leads to an AI Gateway (native)"],
    ),
    (
        "look-alike",
        environment.base_urls,
        {"OPENAI_BASE_URL": "https://gateway.ai.cloudflare.com.evil.example/"},
        ["error: OPENAI_BASE_URL is no gateway's. Its host only looks like"],
    ),
    (
        "plain http",
        environment.base_urls,
        {"ANTHROPIC_BASE_URL": "http://ai.example.com"},
        ["error: ANTHROPIC_BASE_URL is no gateway's."],
    ),
    (
        "provider",
        environment.base_urls,
        {"OPENAI_BASE_URL": "https://api.openai.com/v1"},
        ["info: OPENAI_BASE_URL leads past the gateway"],
    ),
    (
        "elsewhere",
        environment.base_urls,
        {"GOOGLE_GEMINI_BASE_URL": "https://ai.example.com/g"},
        ["warning: GOOGLE_GEMINI_BASE_URL leads to ai.example.com, which is no gateway that aig can tell."],
    ),
    (
        "this machine",
        environment.base_urls,
        {"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"},
        ["info: OPENAI_BASE_URL leads to this machine"],
    ),
    (
        "the configured one",
        environment.base_urls,
        {**LOCAL, "OPENAI_BASE_URL": f"{LOCAL['AIG_BASE_URL']}/openai"},
        ["ok: OPENAI_BASE_URL leads to an AI Gateway (native)"],
    ),
    # --- proxies
    ("no proxy", environment.proxies, GATEWAY, []),
    (
        "a proxy",
        environment.proxies,
        {**GATEWAY, "https_proxy": "http://p:1"},
        ["info: HTTPS_PROXY: calls pass a proxy"],
    ),
    (
        "a proxy before this machine",
        environment.proxies,
        {**LOCAL, "HTTP_PROXY": "http://p:1"},
        ["warning: a proxy is set and the gateway is local"],
    ),
    (
        "none before this machine",
        environment.proxies,
        {**LOCAL, "HTTP_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1"},
        ["info: HTTP_PROXY"],
    ),
    (
        "socks",
        environment.proxies,
        {**GATEWAY, "ALL_PROXY": "socks5://p:1"},
        ["info: ALL_PROXY", "error: a SOCKS proxy is set and socksio is not installed"],
    ),
    ("certificates", environment.proxies, {"SSL_CERT_FILE": "/x"}, ["info: SSL_CERT_FILE set"]),
]


@pytest.mark.parametrize(("check", "environ", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_check(check: Check, environ: dict[str, str], expected: list[str]) -> None:
    findings = found(check, environ)
    said = short(findings)
    assert len(said) == len(expected), said
    for text, beginning in zip(said, expected, strict=True):
        assert text.startswith(beginning)
    assert all(one.fix for one in findings if one.severity in ("warning", "error"))


@pytest.mark.parametrize(
    ("file", "problem", "where"),
    [
        ("[gateway\n", "config is not TOML: ", "aig.toml"),
        ('[gateway]\ntoken = "t"\n', "token does not belong in a file", "aig.toml [gateway]"),
        ("[gatewai]\n", "gatewai is no table we know", "aig.toml"),
        ("[gateway]\naccount_id = 7\n", "account_id must be a string", "aig.toml [gateway]"),
    ],
)
def test_a_bad_file(file: str, problem: str, where: str) -> None:
    (one,) = found(configuration.sources, GATEWAY, file=file)
    assert one.severity == "error"
    assert one.what.startswith(problem)
    assert (one.where or "").endswith(where)
    assert one.fix


def test_a_file_in_a_folder_above_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "aig.toml").write_text("")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    one = found(configuration.sources, GATEWAY)[-1]
    assert one.severity == "info"
    assert one.where == str(folder / "aig.toml")
