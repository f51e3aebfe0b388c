"""A leak test in this process: whatever is installed here, a host that is no gateway must get nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from ...core import Rules
from ...http import GatewayTransport
from ._doctor_findings import Finding
from ._doctor_situation import Situation

_GATEWAY: Final = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/doctor/openai/models"
_STRANGERS: Final = (
    "https://api.openai.com/v1/models",
    "https://gateway.ai.cloudflare.com.evil.example/v1/0123456789abcdef0123456789abcdef/doctor/openai/models",
    "https://evil.example/?u=gateway.ai.cloudflare.com",
    "http://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/doctor/openai/models",
    "https://gateway.ai.cloudflare.com:8443/v1/0123456789abcdef0123456789abcdef/doctor/openai/models",
)
_TOKEN: Final = "doctors-own-token"  # noqa: S105  (made up, for this test)


def leaks(situation: Situation) -> Iterator[Finding]:
    """Send to strangers, to a gateway, and to a stranger by way of a gateway, over a transport that sends nothing."""
    for family in ("httpx", "httpx2"):
        if family in situation.installed:
            yield _leak(family)


def _leak(family: str) -> Finding:
    try:
        seen = _seen(family)
    except Exception as error:  # noqa: BLE001  (a broken installation is what is looked for)
        what = f"the self-test over {family} did not run ({type(error).__name__})"
        return Finding("header leaks", "error", what, f"install {family} again", family)
    if not any(name.startswith("cf-aig-") for name in seen.pop(_GATEWAY)):
        what = f"over {family} a gateway got none of its headers"
        return Finding("header leaks", "error", what, "please report it, with the versions installed", family)
    leaked = sorted({name for headers in seen.values() for name, value in headers.items() if _is_ours(name, value)})
    if leaked:
        what = f"over {family} a host that is no gateway got {', '.join(leaked)}"
        return Finding("header leaks", "error", what, "please report it, with the versions installed", family)
    what = f"over {family} {len(seen)} hosts that are no gateway got no Cloudflare header, one by redirect"
    return Finding("header leaks", "ok", what, where=family)


def _is_ours(name: str, value: str) -> bool:
    return name.startswith(("cf-", "x-aig-")) or _TOKEN in value


def _seen(family: str) -> dict[str, Mapping[str, str]]:
    """The headers that each host would have got."""
    module: Any = import_module(family)
    seen: dict[str, Mapping[str, str]] = {}
    away = "https://evil.example/redirected"

    def answer(request: Any) -> Any:  # noqa: ANN401  (of either family)
        seen[str(request.url)] = {name.lower(): value for name, value in request.headers.items()}
        if str(request.url) == _GATEWAY:
            return module.Response(307, headers={"location": away})
        return module.Response(200, json={})

    transport = GatewayTransport(Rules(token=_TOKEN), inner=module.MockTransport(answer))
    with module.Client(transport=transport, follow_redirects=True, trust_env=False) as client:
        for url in (*_STRANGERS, _GATEWAY):
            client.get(url, headers={"x-aig-route-class": "balanced"})
    assert {away, *_STRANGERS, _GATEWAY} <= seen.keys()
    return seen
