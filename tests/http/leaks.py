"""Everything that must never reach a host that is no gateway, and a search for it in raw bytes."""

from __future__ import annotations

from typing import Any, Final

from aig_client import CacheIntent, GatewayMetadata
from aig_client.core import PLACEHOLDER

from .asks import TOKEN
from .servers import RawServer, Recorded

SECRET: Final = "sealing-secret-of-the-tests"
TENANT: Final = "tenant-of-the-tests"
OWN_KEY: Final = "sk-test-own-key-of-the-tests"
NAMESPACE: Final = "namespace-of-the-tests"

FORBIDDEN: Final = tuple(
    text.lower().encode()
    for text in (
        "cf-aig", "cf-cache-ttl", "cf-skip-cache", "x-aig", "aig1",
        TOKEN, PLACEHOLDER, SECRET, TENANT, OWN_KEY, NAMESPACE, "epoch-of-the-tests", "high_performance",
    )
)  # fmt: skip

LOADED: Final[dict[str, Any]] = {
    "token": TOKEN,
    "tenant": TENANT,
    "cache": CacheIntent.response(300),
    "route_class": "high_performance",
    "gateway": GatewayMetadata(event_id="cf-aig-event", metadata={"cf-aig": "cf-aig"}, collect_log=False),
    "namespace": NAMESPACE,
    "policy_epoch": "epoch-of-the-tests",
    "secret": SECRET,
}
"""Arguments of a client with as much to give away as there is."""

TEMPTING: Final = {
    "CF-AIG-Authorization": f"Bearer {TOKEN}",
    "cf-aig-metadata": '{"a":1}',
    "Cf-Aig-Zdr": "true",
    "cf-aig-some-future-header": "x",
    "x-aig-cache": "off",
    "X-AIG-Tenant": TENANT,
    "x-aig-route-class": "high_performance",
    "AUTHORIZATION": f"Bearer {PLACEHOLDER}",
    "x-api-key": PLACEHOLDER,
    "X-Goog-Api-Key": PLACEHOLDER,
    "Api-Key": PLACEHOLDER,
    "xi-api-key": PLACEHOLDER,
}
"""Headers of a request that takes all of it along, and is good at a gateway."""

WRONG: Final = {"cf-cache-ttl": "5", "CF-Skip-Cache": "true", "x-aig-typo": "1", "cf-aig-cache-key": "k"}
"""More of them, which a gateway's request could not even have."""


def check_clean(server: RawServer, count: int) -> list[Recorded]:
    """That the server was asked ``count`` times, and not one byte of what is forbidden came with it."""
    requests = list(server.requests)
    assert len(requests) == count, [request.target for request in requests]
    for request in requests:
        raw = request.raw_head.lower() + b"\n" + request.body.lower()
        found = [text.decode() for text in FORBIDDEN if text in raw]
        assert not found, (found, request.raw_head)
    return requests


def check_gateway(request: Recorded) -> None:
    """That a gateway was asked as a gateway."""
    assert request.headers["cf-aig-authorization"] == f"Bearer {TOKEN}"
    assert PLACEHOLDER.encode() not in request.raw_head
    assert b"x-aig-" not in request.raw_head.lower()
