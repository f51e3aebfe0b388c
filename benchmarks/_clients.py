"""The contestants that talk to the upstream, in both families and colours: one place says how each is set up."""

from __future__ import annotations

from typing import Any, Literal

Family = Literal["httpx", "httpx2"]
FAMILIES: tuple[Family, ...] = ("httpx", "httpx2")
TOKEN = "bench-token-0123456789"  # noqa: S105  (made up)
PATH = "/openai/chat/completions"
Json = Any
HttpClient = Any
"""A client of either family; the two have no type in common."""


def gateway_arguments(base_url: str, *, cached: bool) -> dict[str, Any]:
    """Arguments of our client: a token, metadata and one more header, so that a cached call carries five."""
    from aig_client import CacheIntent, GatewayMetadata

    metadata = GatewayMetadata(metadata={"team": "search", "user": "u-1029"}, collect_log_payload=False)
    arguments: dict[str, Any] = {"base_url": base_url, "token": TOKEN, "gateway": metadata}
    if cached:
        arguments |= {"cache": CacheIntent.response(300), "tenant": "acme"}
    return arguments


def five_headers(base_url: str) -> dict[str, str]:
    """What our cached call adds, for a bare client to send: the price of the headers apart from the price of us."""
    from aig_client import GatewayClient

    with GatewayClient(**gateway_arguments(base_url, cached=True)) as gateway:
        plan = gateway.plan(PATH, json={"model": "gpt-4.1-mini", "messages": []})
    headers = {name.decode(): value.decode() for name, value in plan.headers if name.startswith(b"cf-aig-")}
    assert len(headers) == 5, sorted(headers)
    return headers


def answer_text(document: Json) -> str:
    """The answer's text: every contestant ends with it, so reading JSON is in everyone's figure."""
    text: str = document["choices"][0]["message"]["content"]
    return text
