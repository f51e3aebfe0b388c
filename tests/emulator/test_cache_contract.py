"""Contract 1.3, point by point, over the pure gateway with a fake clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aig_client.apps.emulator import (
    EmulatorConfig,
    GatewaySettings,
    Guardrails,
    ProviderAnswer,
    ProviderRequest,
    SpendRule,
)

from .driver import ACCOUNT, PREFIX, Outcome, Pure, chat


def gateway(**settings: Any) -> EmulatorConfig:
    """An emulator whose gateways have these settings."""
    return EmulatorConfig(settings=GatewaySettings(**settings))


CACHING = gateway(caching=True)
ANTHROPIC = {"x-api-key": "sk-test-one", "anthropic-version": "2023-06-01"}


def saying(status: int, *headers: tuple[str, str]) -> Callable[[ProviderRequest], ProviderAnswer]:
    """A provider that always says the same."""
    return lambda _request: ProviderAnswer(status, headers, (b"{}",))


def test_1_caching_is_off_by_default() -> None:
    pure = Pure()
    assert [pure.send().cache, pure.send().cache] == ["MISS", "MISS"]
    assert len(pure.gateway.cache) == 0


def test_1_gateway_caching_applies_to_every_request() -> None:
    pure = Pure(CACHING)
    first, second = pure.send(), pure.send()
    assert (first.cache, second.cache) == ("MISS", "HIT")
    assert first.body == second.body
    assert len(pure.gateway.provider_calls) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"body": chat("Goodbye")}, id="text"),
        pytest.param({"body": chat(stream=False)}, id="stream"),
        pytest.param({"body": chat(user="u-1")}, id="user"),
        pytest.param({"body": chat(temperature=0.5)}, id="temperature"),
        pytest.param({"body": chat().replace(b", ", b",")}, id="whitespace"),
        pytest.param({"body": json.dumps(dict(reversed(json.loads(chat()).items()))).encode()}, id="order"),
        pytest.param({"body": chat(model="gpt-5")}, id="model"),
        pytest.param({"path": "/openai/responses"}, id="endpoint"),
        pytest.param({"path": "/compat/chat/completions"}, id="surface"),
        pytest.param({"query": "a=b"}, id="query"),
        pytest.param({"auth": {"authorization": "Bearer sk-test-two"}}, id="key"),
    ],
)
def test_2_default_key_covers_provider_path_model_auth_and_raw_body(other: dict[str, object]) -> None:
    pure = Pure(CACHING)
    pure.send()
    changed = pure.serve(pure.request(**other))  # type: ignore[arg-type]
    assert changed.cache != "HIT"
    assert pure.send().cache == "HIT"


def test_2_default_key_is_apart_for_each_account_and_gateway() -> None:
    pure = Pure(CACHING)
    pure.send()
    for prefix in (PREFIX.replace("demo", "other"), PREFIX.replace("0123", "ffff")):
        assert pure.send(prefix=prefix).cache == "MISS"


def test_2_with_stored_keys_all_callers_share_default_entries() -> None:
    config = EmulatorConfig(
        settings=GatewaySettings(caching=True),
        auth_tokens=frozenset({"one", "two"}),
        stored_keys=frozenset({"openai"}),
    )
    pure = Pure(config)
    statuses = [
        pure.send(headers={"cf-aig-authorization": f"Bearer {token}"}, auth={}).cache for token in ("one", "two")
    ]
    assert statuses == ["MISS", "HIT"]


def test_3_metadata_is_not_in_the_key() -> None:
    pure = Pure(CACHING)
    pure.send(headers={"cf-aig-metadata": '{"tenant":"a"}'})
    assert pure.send(headers={"cf-aig-metadata": '{"tenant":"b"}'}).cache == "HIT"


def test_4_custom_key_replaces_everything() -> None:
    pure = Pure()
    first = pure.send(headers={"cf-aig-cache-key": "k"})
    second = pure.send(
        "/anthropic/v1/messages",
        {"cf-aig-cache-key": "k"},
        b'{"model": "claude"}',
        auth={"x-api-key": "other"},
    )
    assert (first.cache, second.cache) == ("MISS", "HIT")
    assert first.body == second.body


def test_4_custom_keys_do_not_cross_gateways() -> None:
    pure = Pure()
    pure.send(headers={"cf-aig-cache-key": "k"})
    elsewhere = pure.send(headers={"cf-aig-cache-key": "k"}, prefix=PREFIX.replace("demo", "other"))
    assert elsewhere.cache == "MISS"


def test_4_custom_key_hit_parses_no_body() -> None:
    pure = Pure()
    pure.send(headers={"cf-aig-cache-key": "k"})
    assert pure.send(headers={"cf-aig-cache-key": "k"}, body=b"\xff not json").cache == "HIT"


def test_5_first_use_goes_to_the_provider_later_uses_do_not() -> None:
    pure = Pure()
    assert [pure.send(headers={"cf-aig-cache-key": "k"}).cache for _ in range(3)] == ["MISS", "HIT", "HIT"]
    assert len(pure.gateway.provider_calls) == 1


@pytest.mark.parametrize(
    ("config", "headers", "life"),
    [
        (EmulatorConfig(), {"cf-aig-cache-key": "k"}, 300),
        (gateway(cache_ttl=900), {"cf-aig-cache-key": "k"}, 900),
        (EmulatorConfig(), {"cf-aig-cache-key": "k", "cf-aig-cache-ttl": "60"}, 60),
        (gateway(cache_ttl=900), {"cf-aig-cache-key": "k", "cf-aig-cache-ttl": "2592000"}, 2_592_000),
        (gateway(caching=True, cache_ttl=900), {}, 900),
        (gateway(caching=True, cache_ttl=900), {"cf-aig-cache-ttl": "70"}, 70),
        (CACHING, {}, 300),
    ],
)
def test_6_life_of_an_entry(config: EmulatorConfig, headers: dict[str, str], life: int) -> None:
    pure = Pure(config)
    pure.send(headers=headers)
    pure.now += life - 1
    assert pure.send(headers=headers).cache == "HIT"
    pure.now += 1
    assert pure.send(headers=headers).cache == "MISS"


@pytest.mark.parametrize("ttl", ["0", "-5", "59", "2592001", "60.5", "sixty", "", "1e3", "99999999999"])
def test_6_invalid_ttl_counts_as_not_sent(ttl: str) -> None:
    pure = Pure()
    headers = {"cf-aig-cache-key": "k", "cf-aig-cache-ttl": ttl}
    pure.send(headers=headers)
    pure.now += 299
    assert pure.send(headers=headers).cache == "HIT"
    pure.now += 1
    assert pure.send(headers=headers).cache == "MISS"


def test_7_ttl_alone_does_nothing_on_a_gateway_without_caching() -> None:
    pure = Pure()
    assert [pure.send(headers={"cf-aig-cache-ttl": "600"}).cache for _ in range(2)] == ["MISS", "MISS"]


def test_8_only_text_json_and_images_are_stored() -> None:
    kinds = {
        "application/json": True,
        "application/problem+json; charset=utf-8": True,
        "text/event-stream": True,
        "image/png": True,
        "audio/mpeg": False,
        "application/octet-stream": False,
        "": False,
    }
    for kind, stored in kinds.items():
        pure = Pure(CACHING, provider=saying(200, ("content-type", kind)))
        pure.send()
        assert (pure.send().cache == "HIT") is stored, kind


def test_8_a_request_over_the_size_limit_passes_uncached() -> None:
    pure = Pure(EmulatorConfig(cacheable_bytes=200))
    headers = {"cf-aig-cache-key": "k"}
    assert [pure.send(headers=headers, body=chat("x" * 200)).cache for _ in range(2)] == ["MISS", "MISS"]
    assert [pure.send(headers=headers).cache for _ in range(2)] == ["MISS", "HIT"]
    assert EmulatorConfig().cacheable_bytes == 25 * 1024 * 1024


def test_9_concurrent_identical_misses_both_reach_the_provider() -> None:
    pure = Pure()
    request = pure.request(headers={"cf-aig-cache-key": "k"})
    one, two = pure.begin(request), pure.begin(request)
    assert [pure.finish(one).cache, pure.finish(two).cache] == ["MISS", "MISS"]
    assert len(pure.gateway.provider_calls) == 2
    assert pure.serve(request).cache == "HIT"


def test_10_a_streamed_request_hits_and_is_replayed() -> None:
    pure = Pure()
    streamed = chat(stream=True, stream_options={"include_usage": True})
    first, second = (pure.send(headers={"cf-aig-cache-key": "k"}, body=streamed) for _ in range(2))
    assert (first.cache, second.cache) == ("MISS", "HIT")
    assert second.headers["content-type"].startswith("text/event-stream")
    assert first.body == second.body
    assert second.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("status", [301, 400, 401, 429, 500, 503])
def test_11_only_2xx_is_stored(status: int) -> None:
    pure = Pure(CACHING, provider=saying(status, ("content-type", "application/json")))
    assert [pure.send().cache for _ in range(2)] == ["MISS", "MISS"]
    assert len(pure.gateway.cache) == 0


def test_12_no_semantic_caching() -> None:
    pure = Pure(CACHING)
    pure.send(body=chat("What is the capital of France?"))
    assert pure.send(body=chat("what is the capital of France?")).cache == "MISS"


def test_13_an_update_invalidates_where_the_gateway_says_so() -> None:
    pure = Pure(CACHING)
    pure.send()
    record = pure.gateway.gateways.find(ACCOUNT, "demo")
    assert record is not None
    pure.gateway.gateways.put(replace(record, modified_at=pure.now))
    assert pure.send().cache == "HIT"
    pure.gateway.gateways.put(replace(record, generation=record.generation + 1))
    assert pure.send().cache == "MISS"
    assert pure.send(headers={"cf-aig-cache-key": "k"}).cache == "MISS"


def test_14_a_hit_is_served_past_policies_and_spend_limits_and_counts_for_none() -> None:
    rule = SpendRule(id="all", limit=0.0001, window=3600)
    pure = Pure(gateway(caching=True, spend_limits=(rule,), rate_limiting_limit=2, rate_limiting_interval=60))
    priced = {"cf-aig-custom-cost": '{"total_cost": 1}'}
    assert pure.send(headers=priced).cache == "MISS"
    assert pure.send(body=chat("another")).code == 2045
    assert pure.send(body=chat("a third")).code == 2003
    assert [pure.send(headers=priced).cache for _ in range(5)] == ["HIT"] * 5


def test_14_a_hit_is_not_scanned_flagged_answers_are_cached_and_blocked_ones_are_not() -> None:
    answers = {"flag": "FLAG", "block": "BLOCK"}
    for name, action in answers.items():
        rules = Guardrails(response={"S1": action})  # type: ignore[dict-item]
        said = ProviderAnswer(200, (("content-type", "application/json"),), (b'{"text": "hazard:S1"}',))
        pure = Pure(gateway(caching=True, guardrails=rules), provider=lambda _request, said=said: said)  # type: ignore[misc]
        outcomes = [pure.send() for _ in range(2)]
        if name == "flag":
            assert [outcome.cache for outcome in outcomes] == ["MISS", "HIT"]
        else:
            assert [outcome.code for outcome in outcomes] == [2017, 2017]


def test_15_a_hit_costs_nothing_whatever_cost_was_sent() -> None:
    pure = Pure(CACHING)
    priced = {"cf-aig-custom-cost": '{"per_token_in": 1, "per_token_out": 1}'}
    pure.send(headers=priced)
    pure.send(headers=priced)
    miss, hit = pure.gateway.log
    assert miss.custom_cost
    assert miss.tokens_in is not None
    assert miss.tokens_out is not None
    assert miss.cost == miss.tokens_in + miss.tokens_out
    assert (hit.cost, hit.tokens_in) == (0, 0)


def test_15_a_hit_is_logged_as_cached() -> None:
    pure = Pure(CACHING)
    pure.send()
    pure.send()
    miss, hit = pure.gateway.log
    assert (miss.cached, hit.cached) == (False, True)
    assert miss.key_digest == hit.key_digest
    assert (hit.provider, hit.model, hit.status) == ("openai", "gpt-4.1-mini", 200)
    assert miss.log_id != hit.log_id


def test_skip_neither_reads_nor_writes() -> None:
    pure = Pure(CACHING)
    key = {"cf-aig-cache-key": "k"}
    skip = {**key, "cf-aig-skip-cache": "true"}
    assert pure.send(headers=skip).cache == "MISS"
    assert pure.send(headers=key).cache == "MISS"
    assert pure.send(headers=skip).cache == "MISS"
    assert pure.send(headers=key).cache == "HIT"
    assert pure.send(headers={**key, "cf-aig-skip-cache": "false"}).cache == "HIT"


def test_deprecated_names_are_understood() -> None:
    pure = Pure(CACHING)
    pure.send(headers={"cf-cache-ttl": "60"})
    assert pure.send(headers={"cf-skip-cache": "true"}).cache == "MISS"
    assert pure.send().cache == "HIT"
    pure.now += 60
    assert pure.send().cache == "MISS"


def test_current_names_win_over_deprecated_ones() -> None:
    pure = Pure(CACHING)
    pure.send(headers={"cf-cache-ttl": "60", "cf-aig-cache-ttl": "120"})
    pure.now += 60
    assert pure.send(headers={"cf-skip-cache": "true", "cf-aig-skip-cache": "false"}).cache == "HIT"


def test_only_post_is_cached() -> None:
    pure = Pure(CACHING)
    outcomes = [pure.send("/openai/models", method="GET", body=b"") for _ in range(2)]
    assert [(outcome.status, outcome.cache) for outcome in outcomes] == [(200, "MISS"), (200, "MISS")]


def test_the_store_is_bounded_in_entries_oldest_out() -> None:
    pure = Pure(EmulatorConfig(cache_entries=3))
    for name in "abcd":
        pure.send(headers={"cf-aig-cache-key": name})
    assert len(pure.gateway.cache) == 3
    assert pure.send(headers={"cf-aig-cache-key": "b"}).cache == "HIT"
    assert pure.send(headers={"cf-aig-cache-key": "a"}).cache == "MISS"


def test_the_store_is_bounded_in_bytes() -> None:
    pure = Pure(EmulatorConfig(cache_bytes=20_000))
    for number in range(10_000):
        pure.send(headers={"cf-aig-cache-key": f"k-{number}"})
    assert 0 < pure.gateway.cache.size <= 20_000
    assert pure.send(headers={"cf-aig-cache-key": "k-9999"}).cache == "HIT"


def test_an_answer_larger_than_the_store_is_not_kept() -> None:
    pure = Pure(EmulatorConfig(cache_bytes=600))
    assert [pure.send(headers={"cf-aig-cache-key": "k"}).cache for _ in range(2)] == ["MISS", "MISS"]
    assert pure.gateway.cache.size == 0


def test_compressed_answers_are_not_kept() -> None:
    packed = (("content-type", "application/json"), ("content-encoding", "gzip"))
    pure = Pure(CACHING, provider=saying(200, *packed))
    assert [pure.send().cache for _ in range(2)] == ["MISS", "MISS"]


def test_cookies_are_not_kept_and_ids_are_new() -> None:
    lines = (("content-type", "application/json"), ("set-cookie", "a=b"), ("cf-aig-log-id", "x"))
    pure = Pure(CACHING, provider=saying(200, *lines))
    miss, hit = pure.send(), pure.send()
    assert (miss.headers["set-cookie"], hit.cache) == ("a=b", "HIT")
    assert "set-cookie" not in hit.headers
    assert "x" not in {miss.headers["cf-aig-log-id"], hit.headers["cf-aig-log-id"]}


def test_an_empty_custom_key_is_no_key() -> None:
    pure = Pure()
    assert [pure.send(headers={"cf-aig-cache-key": ""}).cache for _ in range(2)] == ["MISS", "MISS"]


def test_the_same_traffic_gives_the_same_answers_and_ids() -> None:
    def run() -> list[Outcome]:
        pure = Pure()
        return [
            pure.send(path, headers={"cf-aig-cache-key": "k"}) for path in ("/nobody/x", "/openai/models", "/groq/x")
        ]

    assert run() == run()
