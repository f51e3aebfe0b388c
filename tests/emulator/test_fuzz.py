"""Whatever comes in, a decision comes out."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator import EmulatorConfig, Forward, GatewayRequest

from .driver import ACCOUNT, PREFIX, Pure

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
BODIES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(FIELDS, JSON, max_size=8).map(lambda value: json.dumps(value).encode()),
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
        ]
    ),
    st.sampled_from(["Bearer sk-test", "sk-test", "60", "true", "", "k", "Bearer t", "close, x"])
    | st.text(max_size=20),
)
CONFIGS = st.sampled_from(
    [
        EmulatorConfig(),
        EmulatorConfig(cache_by_default=True, cache_entries=2),
        EmulatorConfig(auth_tokens=frozenset({"t"}), stored_keys=frozenset({"openai"})),
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
        decision = pure.decide(GatewayRequest(method, path, query, headers, body))
        if isinstance(decision, Forward):
            assert not [name for name, _ in decision.headers if name.startswith("cf-")]
        outcome = pure.finish(decision)
        assert 200 <= outcome.status < 500
    assert len(pure.gateway.log) == 2
