"""`aig url URL`, and the reasons behind a no."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aig_client import surface_of
from aig_client.apps.cli._url_reasons import why_not
from aig_client.core import PROVIDERS

from .running import run

ACCOUNT = "0123456789abcdef0123456789abcdef"
BASE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
REST = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai"

YES: list[tuple[str, str, str, str | None]] = [
    (f"{BASE}/openai/chat/completions", "native", "chat", "openai"),
    (f"{BASE}/anthropic/v1/messages", "native", "messages", "anthropic"),
    (f"{BASE}/custom-mine/x", "native", "other", "custom-mine"),
    (f"{BASE}/compat/chat/completions", "compat", "chat", None),
    (BASE, "universal", "universal", None),
    (f"{REST}/v1/responses", "rest", "responses", None),
    (f"{REST}/run/@cf/meta/llama", "rest", "run", None),
]

NO: list[tuple[str, str, str]] = [
    ("", "empty", "It is empty"),
    ("gateway.ai.cloudflare.com/v1", "scheme", "no scheme"),
    ("ftp://gateway.ai.cloudflare.com/v1", "scheme", "begin it with https"),
    (BASE.replace("https", "http"), "scheme", "would carry the token in plain text"),
    (BASE.replace("https", "ws"), "scheme", "write https or wss"),
    (f"wss{REST[5:]}/v1", "scheme", "not served there"),
    (BASE.replace(".com", ".com:8443"), "port", "the port 8443"),
    (BASE.replace("https://", "https://user:hunter2@"), "userinfo", "user name or password"),
    (f"{BASE}/openai%2fchat", "encoded_slash", "encoded slash"),
    (f"{BASE}/openai/%2e%2e/x", "encoded_path", "encoded dot"),
    (f"{BASE}/openai/../x", "dot_segment", ". or .. segment"),
    (f"{BASE}//openai", "empty_segment", "empty segment"),
    ("https://gateway.ai.cloudflare.com/v2/x", "path", "does not begin with /v1/"),
    ("https://gateway.ai.cloudflare.com/v1/me/prod/openai", "account", "is not 32 hexadecimal"),
    (BASE.replace("abcdef", "ABCDEF"), "account", "written in capitals"),
    (f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}", "gateway", "gateway id is missing"),
    (f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/{'g' * 65}/openai", "gateway", "longer than 64"),
    (f"{BASE}/OpenAI/x", "provider", "lower-case"),
    (f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai-gateway/gateways", "management_api", "manages"),
    (f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/models", "path", "serves models at"),
    (f"https://dash.cloudflare.com/{ACCOUNT}/ai/ai-gateway", "dashboard", "dashboard"),
    ("https://workers-binding.ai/x", "binding", "env.AI"),
    ("https://prod.gateway.ai.cloudflare.com/v1", "look_alike", "No page of Cloudflare's"),
    ("https://gateway.ai.cloudflare.com.evil.example/v1", "look_alike", "only looks like"),
    ("https://gateway.ai.cloudf1are.com/v1", "look_alike", "only looks like"),
    ("https://gateway-ai-cloudflare-com.evil.example", "look_alike", "only looks like"),
    ("https://evil.example/gateway.ai.cloudflare.com/v1", "look_alike", "in its path, not in its host"),
    ("https://gateway.ai.cloudfl\u0430re.com/v1", "not_ascii", "outside ASCII"),
    ("https://api.openai.com/v1", "provider_host", "openai's own host"),
    ("https://api.anthropic.com", "provider_host", "cloudflare.com/v1/{account}/{gateway}/anthropic"),
    ("http://127.0.0.1:8787/v1/x", "loopback", "give --gateway"),
    ("https://ai.example.com/openai", "unknown_host", "declare its base URL with --gateway"),
    ("https://evil.example/?u=gateway.ai.cloudflare.com", "unknown_host", "Nothing in the URL"),
    ("https://[::g]/x", "malformed", "cannot be read"),
    ("https://host:99999999/x", "malformed", "cannot be read"),
    ("https:///x", "malformed", "no host name"),
    ("https://a b.example/", "malformed", "a blank"),
]


@pytest.mark.parametrize(("url", "family", "kind", "provider"), YES, ids=[case[0][8:] for case in YES])
def test_a_gateway_url(url: str, family: str, kind: str, provider: str | None) -> None:
    ran = run("url", url)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("an AI Gateway URL\n")
    data = run("url", url, "--json").data
    assert (data["gateway_url"], data["family"], data["kind"], data["provider"]) == (True, family, kind, provider)


@pytest.mark.parametrize(("url", "word", "part"), NO, ids=[case[0][:60] for case in NO])
def test_no_gateway_url(url: str, word: str, part: str) -> None:
    ran = run("url", url)
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("no AI Gateway URL\n")
    data = run("url", url, "--json").data
    assert (data["gateway_url"], data["reason"]) == (False, word)
    assert part in data["why"]
    assert surface_of(url) is None


def test_what_people_see() -> None:
    assert (
        run("url", f"{BASE}/anthropic/v1/messages").out
        == f"""\
an AI Gateway URL
    Its scheme, host, port and path are those of AI Gateway, letter by letter.

family              native: the provider's own API, through the gateway
endpoint kind       messages
account             {ACCOUNT}
gateway             prod
provider            anthropic
endpoint            /v1/messages
Cloudflare's token  cf-aig-authorization: Bearer, a token with AI Gateway Run
the provider's key  x-api-key
headers             cf-aig-authorization, cf-aig-skip-cache, cf-aig-cache-ttl, cf-aig-cache-key,
                    cf-aig-metadata, cf-aig-custom-cost, cf-aig-collect-log,
                    cf-aig-collect-log-payload, cf-aig-event-id, cf-aig-request-timeout,
                    cf-aig-max-attempts, cf-aig-retry-delay, cf-aig-backoff, cf-aig-byok-alias,
                    cf-aig-no-wholesale, cf-aig-zdr, cf-aig-otel-trace-id,
                    cf-aig-otel-parent-span-id
"""
    )


@pytest.mark.parametrize(
    ("url", "header", "there"),
    [
        (f"{BASE}/openai/x", "cf-aig-byok-alias", True),
        (f"{BASE}/compat/x", "cf-aig-byok-alias", False),
        (f"{REST}/v1/responses", "cf-aig-gateway-id", True),
        (f"{REST}/v1/responses", "cf-aig-custom-cost", False),
        (f"{REST}/v1/responses", "Payment-Method", False),
        (f"{REST}/run", "Payment-Method", True),
    ],
)
def test_the_headers_are_those_of_the_surface(url: str, header: str, there: bool) -> None:
    assert (header in run("url", url, "--json").data["headers"]) is there


@pytest.mark.parametrize(
    ("url", "note"),
    [
        (f"{BASE}/nobody/x", "code 2008"),
        (f"{BASE}/openai", "It is a base URL"),
        (f"{BASE}/openai/nonsense", "every field of a body"),
        (f"{REST}/run/@cf/a/b", "plain Workers AI"),
        (f"{BASE}/google-ai-studio/v1beta/models/g:generateContent?key=s3cr3t", "Its query"),
    ],
)
def test_a_note(url: str, note: str) -> None:
    ran = run("url", url, "--json")
    assert any(note in text for text in ran.data["notes"])
    assert "s3cr3t" not in ran.out + run("url", url).out


def test_a_declared_gateway() -> None:
    url = "https://ai.example.com/openai/chat/completions"
    data = run("url", url, "--gateway", "https://ai.example.com", "--json").data
    assert (data["declared"], data["provider"], data["account"]) == (True, "openai", None)
    assert "you declared" in data["why"]
    elsewhere = run("url", url, "--gateway", "https://other.example.com", "--json").data
    assert elsewhere["reason"] == "not_declared"
    wrong = run("url", url, "--gateway", "http://ai.example.com")
    assert wrong.code == 2
    assert wrong.sentence.startswith("gateways: 'http://ai.example.com' would carry tokens in clear.")


def test_every_providers_own_host_is_known() -> None:
    for slug, row in PROVIDERS.items():
        if row.replaces is not None and "{" not in row.replaces:
            reason = why_not(f"{row.replaces}/x")
            assert reason.word in ("provider_host", "path"), slug  # Workers AI is on api.cloudflare.com


SECRETS = st.text("abcdefghij0123456789", min_size=12, max_size=20)


@settings(deadline=None, max_examples=25)
@given(
    SECRETS, st.sampled_from([BASE, REST, "https://evil.example/x", "http://127.0.0.1:8787", "https://api.openai.com"])
)
def test_no_secret_of_a_url_is_repeated(secret: str, base: str) -> None:
    for url in (
        base.replace("://", f"://{secret}@"),
        base.replace("://", f"://user:{secret}@"),
        f"{base}/x?key={secret}",
        f"{base}#{secret}",
    ):
        for more in ([], ["--json"]):
            ran = run("url", url, *more)
            assert secret not in ran.out + ran.err


PARTS: Any = st.sampled_from(
    [
        *("https://", "http://", "wss://", "@", ":", "/", "//", "?", "#", "[", "]", ":443", " ", "\x00", "%2f", ".."),
        *("gateway.ai.cloudflare.com", "api.cloudflare.com", "example.com", "localhost", "cloudfl\u0430re.com"),
        *("/v1/", ACCOUNT, "prod", "/openai"),
    ]
)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=8).map("".join) | st.text())
@example("https://@")
@example("https://\u2100.example")
def test_there_is_a_reason_for_any_text(url: str) -> None:
    if surface_of(url) is None:
        reason = why_not(url)
        assert reason.word.isidentifier()
        assert reason.sentence.endswith(".")
        assert reason.sentence[0].isupper()
    else:
        assert surface_of(url) is not None
