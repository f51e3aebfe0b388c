"""What the assertions of a test's gateway accept, and what they say when they do not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from aig_client.apps.emulator import EmulatorConfig, GatewaySettings, LocalGateway

from .driver import chat

KEY_A = {"cf-aig-cache-key": "a", "cf-aig-cache-ttl": "300"}
KEY_B = {"cf-aig-cache-key": "b"}
SKIPPED = {"cf-aig-skip-cache": "true"}

Check = Callable[[LocalGateway], None]


def send(gateway: LocalGateway, headers: dict[str, str] | None = None, body: bytes | None = None) -> None:
    with gateway.client() as client:
        client.post("openai/chat/completions", content=body or chat(), headers=gateway.auth_headers | (headers or {}))


@pytest.fixture
def gateway() -> LocalGateway:
    """log: 0 MISS a, 1 HIT a, 2 skipped, 3 MISS b, 4 neither key nor skip, 5 refused for its token."""
    gateway = LocalGateway()
    for headers in (KEY_A, KEY_A, SKIPPED, KEY_B, {}, {"cf-aig-authorization": "Bearer wrong"}):
        send(gateway, headers)
    return gateway


_HOLDS: list[Check] = [
    lambda gateway: gateway.assert_missed(0),
    lambda gateway: gateway.assert_hit(1),
    lambda gateway: gateway.assert_skipped(2),
    lambda gateway: gateway.assert_skipped(-2),
    lambda gateway: gateway.assert_same_key(0, 1),
    lambda gateway: gateway.assert_tenants_apart(acme=[0, 1], globex=3),
    lambda gateway: gateway.assert_tenants_apart(acme=range(3), globex=3),
    lambda gateway: gateway.assert_header("cf-aig-cache-key", "b", 3),
    lambda gateway: gateway.assert_header("CF-AIG-Authorization", request=0),
    lambda gateway: gateway.assert_header("user-agent", request=0),
    lambda gateway: gateway.assert_no_header("cf-aig-cache-key", 2),
    lambda gateway: gateway.assert_no_gateway_headers_at_provider(),
]


@pytest.mark.parametrize("check", _HOLDS)
def test_what_holds(gateway: LocalGateway, check: Check) -> None:
    check(gateway)


_FAILS: list[tuple[Check, str]] = [
    (lambda gateway: gateway.assert_hit(0), r"log\[0\] was no HIT: it is a MISS, and no request before it had its key"),
    (lambda gateway: gateway.assert_hit(2), r"log\[2\] was no HIT: it says cf-aig-skip-cache: true"),
    (
        lambda gateway: gateway.assert_hit(4),
        r"log\[4\] was no HIT: it has no cf-aig-cache-key, and the gateway does not cache by itself",
    ),
    (lambda gateway: gateway.assert_hit(), r"log\[5\] was no HIT: the gateway answered by itself, with 401, code 2009"),
    (
        lambda gateway: gateway.assert_missed(1),
        r"log\[1\] was no MISS: it is a HIT, of what log\[0\] was answered",
    ),
    (lambda gateway: gateway.assert_missed(2), r"log\[2\] was no MISS: it says cf-aig-skip-cache: true"),
    (lambda gateway: gateway.assert_skipped(0), r"log\[0\] did not skip the cache: it was looked up there"),
    (lambda gateway: gateway.assert_skipped(1), r"log\[1\] did not skip the cache: it is a HIT"),
    (lambda gateway: gateway.assert_skipped(5), r"log\[5\] did not skip the cache: the gateway answered by itself"),
    (
        lambda gateway: gateway.assert_same_key(0, 3),
        r"log\[0\] and log\[3\] have different cache keys: cf-aig-cache-key is 'a' and 'b'",
    ),
    (lambda gateway: gateway.assert_same_key(0, 2), r"log\[2\] has no cache key: it says cf-aig-skip-cache"),
    (
        lambda gateway: gateway.assert_tenants_apart(acme=0, globex=[3, 1]),
        r"acme and globex share a cache entry: log\[0\] and log\[1\] have the same key",
    ),
    (lambda gateway: gateway.assert_tenants_apart(acme=0, globex=2), r"no request of globex has a cache key"),
    (
        lambda gateway: gateway.assert_header("cf-aig-event-id", request=0),
        r"log\[0\] has no header cf-aig-event-id; its cf-aig-\* headers: cf-aig-authorization, cf-aig-cache-key",
    ),
    (
        lambda gateway: gateway.assert_header("cf-aig-cache-ttl", "60", 0),
        r"log\[0\] has cf-aig-cache-ttl: '300', not '60'",
    ),
    (lambda gateway: gateway.assert_no_header("Cf-Aig-Cache-Key", 0), r"log\[0\] has the header cf-aig-cache-key"),
    (lambda gateway: gateway.assert_hit(6), r"there is no log\[6\]: 6 requests reached the gateway"),
    (lambda gateway: gateway.assert_hit(-7), r"there is no log\[-7\]: 6 requests reached the gateway"),
]


@pytest.mark.parametrize(("check", "message"), _FAILS)
def test_what_fails_says_why_and_shows_the_log(gateway: LocalGateway, check: Check, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check(gateway)
    first, *rest = str(caught.value).splitlines()
    assert re.match(message, first), first
    assert len(rest) == len(gateway.log)
    assert rest[0].startswith("  log[0] POST openai/chat/completions 200 MISS, key ")
    assert "local-token" not in str(caught.value)


def test_nothing_is_known_of_a_gateway_that_was_not_asked() -> None:
    gateway = LocalGateway()
    with pytest.raises(AssertionError, match=r"there is no log\[-1\]: no request reached the gateway"):
        _ = gateway.last
    with pytest.raises(AssertionError, match="no provider was called, so nothing shows"):
        gateway.assert_no_gateway_headers_at_provider()


def test_an_entry_that_has_expired_is_told_from_one_that_never_was() -> None:
    gateway = LocalGateway()
    gateway.fault("status;code=503", first=1)
    send(gateway, KEY_A)
    send(gateway, KEY_A)
    with pytest.raises(AssertionError, match=r"log\[0\] has the same key, but its answer \(503\) is not stored"):
        gateway.assert_hit()
    gateway.advance(301)
    send(gateway, KEY_A)
    with pytest.raises(AssertionError, match=r"log\[1\] has the same key and asked for a life of 300 s, 301 s before"):
        gateway.assert_hit()


def test_keys_of_the_gateways_own_making_differ_by_what_they_are_made_of() -> None:
    gateway = LocalGateway(
        EmulatorConfig(settings=GatewaySettings(caching=True), auth_tokens=frozenset({"t"}), stored_keys=frozenset())
    )
    for number, body in enumerate((chat(), chat(model="other"), chat("a longer one"), chat("Hullo"))):
        send(gateway, {"authorization": "Bearer sk-test"}, body)
        gateway.assert_missed(number)
    for second, message in ((1, "model is 'gpt-4.1-mini' and 'other'"), (2, "body size is"), (3, "their bodies or")):
        with pytest.raises(AssertionError, match=message):
            gateway.assert_same_key(0, second)


def test_values_that_are_not_kept_cannot_be_compared(gateway: LocalGateway) -> None:
    for name in ("content-type", "cf-aig-authorization"):
        with pytest.raises(ValueError, match="is not kept"):
            gateway.assert_header(name, "x")


def test_one_group_is_apart_from_nothing(gateway: LocalGateway) -> None:
    with pytest.raises(ValueError, match="two groups"):
        gateway.assert_tenants_apart(acme=0)


def test_a_gateway_header_at_a_provider_is_found(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    leaking = gateway.provider_calls[0].__class__("openai", "POST", "/x", ("accept", "cf-aig-metadata"), 0)
    monkeypatch.setattr(LocalGateway, "provider_calls", (leaking,))
    with pytest.raises(AssertionError, match=r"provider_calls\[0\] at openai shows cf-aig-metadata"):
        gateway.assert_no_gateway_headers_at_provider()
