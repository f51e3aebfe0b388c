"""The gateway in this process: transports of both families, in both colours, and time that costs nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from inspect import getgeneratorstate
from time import perf_counter
from typing import Any

import anyio
import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, Gateway, LocalGateway, Match, RunningEmulator, serve_in_thread

from .driver import ACCOUNT, START, chat

FAMILIES = ("httpx", "httpx2")
CHAT = "openai/chat/completions"
KEYED: dict[str, Any] = {"cf-aig-cache-key": "k", "cf-aig-cache-ttl": "300"}
STREAMED = chat(stream=True)

Post = Callable[..., Any]


def post_sync(gateway: LocalGateway, http: Any, url: str = CHAT, body: bytes = b"", **headers: Any) -> Any:
    with gateway.client(http) as client:
        return client.post(url, content=body or chat(), headers=gateway.auth_headers | _named(headers))


def post_async(gateway: LocalGateway, http: Any, url: str = CHAT, body: bytes = b"", **headers: Any) -> Any:
    async def post() -> Any:
        async with gateway.async_client(http) as client:
            return await client.post(url, content=body or chat(), headers=gateway.auth_headers | _named(headers))

    return anyio.run(post)


def _named(headers: dict[str, Any]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(params=[post_sync, post_async], ids=["sync", "async"])
def post(request: pytest.FixtureRequest) -> Post:
    found: Post = request.param
    return found


@pytest.fixture(params=FAMILIES)
def http(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def gateway() -> LocalGateway:
    return LocalGateway()


# --- Answers ---


def test_a_cached_answer_ages_by_the_tests_own_clock(gateway: LocalGateway, post: Post, http: Any) -> None:
    answers = [post(gateway, http, **KEYED), post(gateway, http, **KEYED)]
    gateway.advance(300)
    answers.append(post(gateway, http, **KEYED))
    assert [answer.headers["cf-aig-cache-status"] for answer in answers] == ["MISS", "HIT", "MISS"]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(gateway.provider_calls) == 2
    assert isinstance(answers[0], import_module(http).Response)


@pytest.mark.parametrize(
    "url",
    [
        f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/demo/{CHAT}",
        f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai-gateway/gateways",
        f"https://ai.example.com/{CHAT}",
        f"http://127.0.0.1:9/v1/{ACCOUNT}/demo/{CHAT}",
    ],
)
def test_production_urls_end_here(post: Post, http: Any, url: str) -> None:
    gateway = LocalGateway(
        EmulatorConfig(
            auth_tokens=frozenset({"t"}), stored_keys=frozenset({"openai"}), custom_domains={"ai.example.com": "demo"}
        )
    )
    answer = post(gateway, http, url, authorization="Bearer t" if "api.cloudflare" in url else "Bearer sk-test")
    assert answer.status_code not in (401, 404), answer.text


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://api.openai.com/v1/secret-path?key=secret-query", "https://api.openai.com"),
        (f"http://gateway.ai.cloudflare.com/v1/{ACCOUNT}/demo/{CHAT}", "http://gateway.ai.cloudflare.com"),
        ("https://user:secret-word@ai.example.com:8443/openai/x", "https://ai.example.com:8443"),
        ("http://127.0.0.1:8787/v1/secret", "http://127.0.0.1:8787"),
    ],
)
def test_any_other_host_is_an_error_that_names_it(
    gateway: LocalGateway, post: Post, http: Any, url: str, where: str
) -> None:
    with pytest.raises(import_module(http).ConnectError, match=f"does not serve {where}:") as caught:
        post(gateway, http, url)
    assert "secret" not in str(caught.value)
    assert gateway.log == ()


def test_a_request_stream_arrives_whole(gateway: LocalGateway, http: Any) -> None:
    def parts() -> Iterator[bytes]:
        yield from (chat()[:9], chat()[9:])

    async def async_parts() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    async def post() -> Any:
        async with gateway.async_client(http) as client:
            return await client.post(CHAT, content=async_parts(), headers=gateway.auth_headers)

    with gateway.client(http) as client:
        answer = client.post(CHAT, content=parts(), headers=gateway.auth_headers)
    assert answer.status_code == 200
    assert anyio.run(post).content == answer.content


def test_a_body_over_the_limit_is_refused(post: Post, http: Any) -> None:
    gateway = LocalGateway(EmulatorConfig(max_body_bytes=100))
    assert post(gateway, http, body=b"x" * 101).status_code == 413
    assert gateway.last.status == 413


def test_a_head_has_no_body(gateway: LocalGateway, http: Any) -> None:
    with gateway.client(http) as client:
        answer = client.head("openai/models", headers=gateway.auth_headers)
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0


def test_the_same_traffic_gives_the_same_bytes_ids_and_moments(http: Any) -> None:
    def traffic() -> list[object]:
        gateway = LocalGateway()
        answers = [post_sync(gateway, http, body=chat(text)) for text in ("one", "two")]
        gateway.advance(5)
        answers.append(post_sync(gateway, http, body=STREAMED))
        return [(answer.headers.multi_items(), answer.content) for answer in answers] + list(gateway.log)

    assert traffic() == traffic()


# --- The same as over a socket ---


@pytest.fixture(scope="module")
def served() -> Iterator[RunningEmulator]:
    with serve_in_thread(LocalGateway().config) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("", chat()),
        ("", STREAMED),
        ("", b"{"),
        ("status;code=429;retry-after=7", chat()),
        ("status;code=524", STREAMED),
        ("html", chat()),
        ("reset", chat()),
        ("reset;at=provider", chat()),
        ("cut;after=2", STREAMED),
        ("cut;after=0", chat()),
        ("malformed-sse;after=1", STREAMED),
        ('content-type;value="text/html"', chat()),
        ("no-such-fault", chat()),
    ],
)
def test_it_answers_as_the_server_does(served: RunningEmulator, http: Any, fault: str, body: bytes) -> None:
    gateway = LocalGateway()
    family = import_module(http)
    # A page of Cloudflare's names the host.
    headers = gateway.auth_headers | {"host": "gateway.test"} | ({"x-aig-fault": fault} if fault else {})
    with family.Client() as client:
        there = _outcome(client, served.base_url(CHAT), body, headers, family)
    with gateway.client(http) as client:
        here = _outcome(client, gateway.base_url(CHAT), body, headers, family)
    assert here == there


_DIFFERENT = frozenset(("date", "cf-aig-log-id", "cf-aig-event-id", "cf-aig-request-id", "transfer-encoding"))


def _outcome(client: Any, url: str, body: bytes, headers: dict[str, str], family: Any) -> object:
    try:
        answer = client.post(url, content=body, headers=headers)
    except family.TransportError as error:
        return type(error)
    kept = [pair for pair in answer.headers.multi_items() if pair[0] not in _DIFFERENT]
    return answer.status_code, kept, answer.content


# --- Time ---


def test_latency_moves_the_clock_and_costs_no_time(gateway: LocalGateway, post: Post, http: Any) -> None:
    started = perf_counter()
    assert post(gateway, http, x_aig_fault="latency;ms=4500").status_code == 200
    assert gateway.now == START + 4.5
    assert perf_counter() - started < 2
    assert gateway.last.duration == 4500


def test_what_takes_longer_than_the_client_waits_is_its_read_timeout(
    gateway: LocalGateway, post: Post, http: Any
) -> None:
    with pytest.raises(import_module(http).ReadTimeout):  # 5 seconds, by default
        post(gateway, http, x_aig_fault="latency;ms=60000", **KEYED)
    assert gateway.now == START + 5
    assert post(gateway, http, **KEYED).headers["cf-aig-cache-status"] == "MISS"


def test_a_client_without_a_timeout_waits_as_long_as_it_takes(gateway: LocalGateway, http: Any) -> None:
    with gateway.client(http) as client:
        client.timeout = None
        headers = gateway.auth_headers | {"x-aig-fault": "latency;ms=60000"}
        assert client.post(CHAT, content=chat(), headers=headers).status_code == 200
    assert gateway.now == START + 60


def test_retries_at_the_gateway_pass_time_between_them(gateway: LocalGateway, post: Post, http: Any) -> None:
    headers: dict[str, Any] = {"cf_aig_max_attempts": "3", "cf_aig_retry_delay": "1000", "cf_aig_backoff": "constant"}
    answer = post(gateway, http, x_aig_fault="status;code=503;times=2", **headers)
    assert answer.status_code == 200
    assert gateway.last.attempts == 3
    assert gateway.now == START + 2


def test_a_wait_over_several_attempts_is_one_wait_for_the_client(gateway: LocalGateway, post: Post, http: Any) -> None:
    headers: dict[str, Any] = {"cf_aig_max_attempts": "3", "cf_aig_retry_delay": "3000", "cf_aig_backoff": "constant"}
    with pytest.raises(import_module(http).ReadTimeout):
        post(gateway, http, x_aig_fault="status;code=503;times=2", **headers)
    assert gateway.now == START + 5


def test_a_stall_is_waited_for_between_chunks(gateway: LocalGateway, http: Any) -> None:
    headers = gateway.auth_headers | {"x-aig-fault": "stall;after=2;seconds=4"} | KEYED
    moments: list[float] = []
    with (
        gateway.client(http) as client,
        client.stream("POST", CHAT, content=STREAMED, headers=headers) as answer,
    ):
        moments.extend(gateway.now for _ in answer.iter_raw())
    assert moments[:3] == [START, START, START + 4]
    assert post_sync(gateway, http, body=STREAMED, **KEYED).headers["cf-aig-cache-status"] == "HIT"


def test_each_chunk_may_take_as_long_as_the_client_waits(gateway: LocalGateway, http: Any) -> None:
    answer = post_sync(gateway, http, CHAT, STREAMED, x_aig_fault="stall;after=1;seconds=4, stall;after=3;seconds=4")
    assert answer.status_code == 200
    assert gateway.now == START + 8


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_stall_past_the_timeout_breaks_the_stream(gateway: LocalGateway, http: Any, colour: str) -> None:
    headers = gateway.auth_headers | {"x-aig-fault": "stall;after=2;seconds=30"} | KEYED
    chunks: list[bytes] = []

    def read() -> None:
        with (
            gateway.client(http) as client,
            client.stream("POST", CHAT, content=STREAMED, headers=headers) as answer,
        ):
            chunks.extend(answer.iter_raw())

    async def aread() -> None:
        async with (
            gateway.async_client(http) as client,
            client.stream("POST", CHAT, content=STREAMED, headers=headers) as answer,
        ):
            async for chunk in answer.aiter_raw():
                chunks.append(chunk)  # noqa: PERF401  (it breaks off)

    with pytest.raises(import_module(http).ReadTimeout):
        read() if colour == "sync" else anyio.run(aread)
    assert len(chunks) == (2 if colour == "async" else len(chunks))
    assert gateway.now == START + 5
    assert post_sync(gateway, http, body=STREAMED, **KEYED).headers["cf-aig-cache-status"] == "MISS"


@pytest.mark.parametrize("seconds", [0, 3])
def test_waits_that_overlap_do_not_add_up_and_identical_misses_all_reach_the_provider(
    gateway: LocalGateway, http: Any, seconds: int
) -> None:
    headers = gateway.auth_headers | {"x-aig-fault": f"latency;ms={seconds * 1000}"} | KEYED

    async def together() -> None:
        async with gateway.async_client(http) as client, anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(lambda: client.post(CHAT, content=chat(), headers=headers))

    anyio.run(together)
    assert gateway.now == START + seconds
    assert [entry.cache_status for entry in gateway.log] == ["MISS"] * 5
    assert len(gateway.provider_calls) == 5


# --- Streams ---


def test_a_stream_that_is_left_early_is_not_stored(gateway: LocalGateway, http: Any) -> None:
    headers = gateway.auth_headers | KEYED

    async def leave() -> None:
        async with (
            gateway.async_client(http) as client,
            client.stream("POST", CHAT, content=STREAMED, headers=headers) as answer,
        ):
            async for _ in answer.aiter_raw():
                break

    with (
        gateway.client(http) as client,
        client.stream("POST", CHAT, content=STREAMED, headers=headers) as answer,
    ):
        next(answer.iter_raw())
    anyio.run(leave)
    with (
        gateway.client(http) as client,
        client.stream("POST", CHAT, content=STREAMED, headers=headers),
    ):
        pass  # not even begun
    assert post_sync(gateway, http, body=STREAMED, **KEYED).headers["cf-aig-cache-status"] == "MISS"


def test_who_stops_at_the_last_event_finds_it_stored(gateway: LocalGateway, http: Any) -> None:
    """SDKs hang up on `[DONE]`, without reading to the end."""
    headers = gateway.auth_headers | KEYED
    with (
        gateway.client(http) as client,
        client.stream("POST", CHAT, content=STREAMED, headers=headers) as answer,
    ):
        for chunk in answer.iter_raw():
            if b"[DONE]" in chunk:
                break
            assert gateway.last.tokens_out is None
    gateway.assert_missed()
    assert post_sync(gateway, http, body=STREAMED, **KEYED).headers["cf-aig-cache-status"] == "HIT"


def test_an_exchange_ends_with_its_caller(gateway: LocalGateway, http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not when its frames happen to be collected: whoever holds the response or the error holds those too."""
    exchanges: list[Any] = []
    genuine = Gateway.exchange

    def exchange(self: Gateway, request: Any, now: float) -> Any:
        exchanges.append(genuine(self, request, now))
        return exchanges[-1]

    monkeypatch.setattr(Gateway, "exchange", exchange)
    with gateway.client(http) as client:
        with client.stream("POST", CHAT, content=STREAMED, headers=gateway.auth_headers):
            assert getgeneratorstate(exchanges[0]) == "GEN_SUSPENDED"
        with pytest.raises(import_module(http).ReadTimeout):
            client.post(CHAT, content=chat(), headers=gateway.auth_headers | {"x-aig-fault": "latency;ms=9000"})
    assert [getgeneratorstate(one) for one in exchanges] == ["GEN_CLOSED", "GEN_CLOSED"]


def test_a_request_that_is_cancelled_ends(gateway: LocalGateway, http: Any) -> None:
    headers = gateway.auth_headers | {"x-aig-fault": "latency;ms=3000"} | KEYED

    async def cancelled() -> None:
        async with gateway.async_client(http) as client:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await client.post(CHAT, content=chat(), headers=headers)

    anyio.run(cancelled)
    assert gateway.now == START
    assert post_sync(gateway, http, **KEYED).headers["cf-aig-cache-status"] == "MISS"


# --- Many callers ---


def test_threads_may_share_it(gateway: LocalGateway, http: Any) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                body = STREAMED if turn % 2 else chat(str(number))
                assert post_sync(gateway, http, CHAT, body, cf_aig_cache_key=str(turn)).status_code == 200
        except BaseException as error:  # noqa: BLE001  (shown below)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(gateway.log) == 120
    assert len({entry.log_id for entry in gateway.log}) == 120


# --- The handle ---


def test_real_providers_are_refused() -> None:
    with pytest.raises(ValueError, match="upstreams: a gateway in this process"):
        LocalGateway(EmulatorConfig(upstreams={"openai": "https://api.openai.com/v1"}))


def test_an_unknown_family_is_refused(gateway: LocalGateway) -> None:
    with pytest.raises(ValueError, match="'httpx' or 'httpx2', not 'requests'"):
        gateway.transport("requests")  # type: ignore[call-overload]


def test_reset_starts_over(gateway: LocalGateway, post: Post, http: Any) -> None:
    gateway.say("old")
    first = post(gateway, http, **KEYED)
    gateway.advance(10)
    gateway.reset()
    assert (gateway.log, gateway.provider_calls, gateway.now) == ((), (), START)
    again = post(gateway, http, **KEYED)
    assert again.headers["cf-aig-cache-status"] == "MISS"
    assert again.headers["cf-aig-log-id"] == first.headers["cf-aig-log-id"]
    assert "old" not in again.text


def test_the_clock_goes_forward_only(gateway: LocalGateway) -> None:
    with pytest.raises(ValueError, match="forward only"):
        gateway.advance(-1)


def test_a_gateway_that_asks_for_no_token_has_none(http: Any) -> None:
    gateway = LocalGateway(EmulatorConfig())
    assert gateway.token is None
    assert gateway.auth_headers == {}
    assert post_sync(gateway, http, authorization="Bearer sk-test").status_code == 200


def test_no_secret_is_shown(gateway: LocalGateway, http: Any) -> None:
    post_sync(gateway, http, body=chat("a prompt"))
    assert "local-token" not in repr(gateway) + repr(gateway.config) + repr(gateway.log)
    assert "a prompt" not in repr(gateway.log)


def test_a_family_is_imported_when_it_is_asked_for() -> None:
    script = (
        "import sys; from aig_client.apps.emulator import LocalGateway; gateway = LocalGateway()\n"
        "assert 'httpx' not in sys.modules and 'httpx2' not in sys.modules and 'starlette' not in sys.modules\n"
        "gateway.client().close(); assert 'httpx2' not in sys.modules and 'starlette' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_hit_costs_at_most_twice_a_mock_transport(gateway: LocalGateway) -> None:
    headers = gateway.auth_headers | KEYED
    url = gateway.base_url(CHAT)
    with gateway.client() as ours:
        ours.post(url, content=chat(), headers=headers)
        hit = ours.post(url, content=chat(), headers=headers)
        assert hit.headers["cf-aig-cache-status"] == "HIT"
        raw, content = hit.headers.raw, hit.content
        mock = httpx.MockTransport(lambda request: httpx.Response(200, headers=raw, content=content))
        with httpx.Client(transport=mock) as bare:
            ratios = [
                _seconds(ours, url, headers) / _seconds(bare, url, headers) for _ in range(9)
            ]  # fmt: skip
    assert min(ratios) <= 2, ratios


def _seconds(client: httpx.Client, url: str, headers: dict[str, str]) -> float:
    started = perf_counter()
    for _ in range(100):
        client.post(url, content=chat(), headers=headers)
    return perf_counter() - started


# --- Rules of a test ---


def test_answers_come_in_the_order_in_which_they_were_given(gateway: LocalGateway, post: Post, http: Any) -> None:
    gateway.say("first", first=1)
    gateway.say("then")
    gateway.reply({"own": True}, Match(provider="anthropic"), status=201)
    texts = [post(gateway, http).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert texts == ["first", "then"]


def test_rules_are_for_what_they_match(gateway: LocalGateway, post: Post, http: Any) -> None:
    gateway.reply({"own": True}, Match(model="gpt-4*"), contains="weather", status=201)
    gateway.fault("status;code=503", contains="storm", first=1)
    assert post(gateway, http, body=chat("the weather")).json() == {"own": True}
    assert post(gateway, http, body=chat("a storm")).status_code == 503
    assert post(gateway, http, body=chat("a storm")).status_code == 200


def test_a_fault_that_there_is_not_is_refused_at_once(gateway: LocalGateway) -> None:
    with pytest.raises(ValueError, match="there is no fault 'statsu'; did you mean status"):
        gateway.fault("statsu;code=503")
