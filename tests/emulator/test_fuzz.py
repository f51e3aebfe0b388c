"""Whatever comes in, a decision comes out."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator import DlpPolicy, EmulatorConfig, GatewayRequest, GatewaySettings, Guardrails, SpendRule

from .driver import ACCOUNT, PREFIX, RESET, Pure

SEGMENTS = st.sampled_from(
    [
        "v1",
        ACCOUNT,
        "demo",
        "openai",
        "anthropic",
        "google-ai-studio",
        "compat",
        "..",
        ".",
        "%2e",
        "%2F",
        "",
        "chat/completions",
        "v1/messages",
        "models/x:generateContent",
        "v1beta",
        "embeddings",
        "groq",
        "workers-ai",
        "custom-mine",
        "client/v4/accounts",
        "ai",
        "ai-gateway",
        "run",
        "gateways",
        "logs",
        "\u00ff",
        "%00",
        "?",
    ]
)
PATHS = st.lists(SEGMENTS, max_size=8).map(lambda parts: "/" + "/".join(parts))
GATEWAY_PATHS = st.one_of(PATHS, PATHS.map(lambda path: PREFIX + path))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "model",
        "messages",
        "input",
        "contents",
        "max_tokens",
        "tools",
        "tool_choice",
        "stream",
        "stream_options",
        "dimensions",
        "encoding_format",
        "toolConfig",
        "generationConfig",
        "metadata",
        "instructions",
        "text",
    ]
)
ENTRY_FIELDS = st.sampled_from(["provider", "endpoint", "headers", "query", "config"])
BODIES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(FIELDS, JSON, max_size=8).map(lambda value: json.dumps(value).encode()),
    st.lists(st.dictionaries(ENTRY_FIELDS, JSON | st.sampled_from(["openai", "groq"]), max_size=5), max_size=3).map(
        lambda value: json.dumps(value).encode()
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "anthropic-version",
            "connection",
            "cf-aig-cache-key",
            "cf-aig-cache-ttl",
            "cf-aig-skip-cache",
            "cf-aig-authorization",
            "cf-aig-event-id",
            "cf-cache-ttl",
            "cf-aig-metadata",
            "cf-aig-custom-cost",
            "cf-aig-max-attempts",
            "cf-aig-request-timeout",
            "cf-aig-byok-alias",
            "cf-aig-no-wholesale",
            "cf-aig-gateway-id",
            "x-aig-fault",
            "host",
        ]
    ),
    st.sampled_from(
        [
            "ai.example.com",
            "status;code=503",
            "reset",
            "cut;after=1",
            "demo",
            '{"a": 1}',
            "Bearer sk-test",
            "sk-test",
            "60",
            "true",
            "",
            "k",
            "Bearer t",
            "close, x",
        ]
    )
    | st.text(max_size=20),
)
CONFIGS = st.sampled_from(
    [
        EmulatorConfig(),
        EmulatorConfig(settings=GatewaySettings(caching=True), cache_entries=2),
        EmulatorConfig(auth_tokens=frozenset({"t"}), stored_keys=frozenset({"openai"})),
        EmulatorConfig(custom_domains={"ai.example.com": "demo"}, auth_tokens=frozenset({"t"}), unified_billing=True),
        EmulatorConfig(
            settings=GatewaySettings(
                guardrails=Guardrails(prompt={"S1": "BLOCK"}, response={"S2": "FLAG"}),
                dlp=(DlpPolicy(id="d", checks=frozenset({"REQUEST", "RESPONSE"}), profiles=("p",)),),
                spend_limits=(SpendRule(id="s", limit=0.001, window=60),),
                rate_limiting_limit=1,
                rate_limiting_interval=60,
                retry_max_attempts=2,
            )
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    CONFIGS,
    st.sampled_from(["POST", "GET", "DELETE"]),
    GATEWAY_PATHS,
    st.sampled_from(["", "alt=sse", "key=sk-test"]),
    HEADERS,
    BODIES,
)
def test_every_request_gets_an_answer(
    config: EmulatorConfig, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    pure = Pure(config)
    for _ in range(2):
        outcome = pure.serve(GatewayRequest(method, path, query, headers, body))
        assert outcome == RESET or 200 <= outcome.status < 600
        assert outcome.status != 500
    assert not [name for call in pure.calls for name, _ in call.headers if name.startswith(("cf-", "x-aig-"))]
