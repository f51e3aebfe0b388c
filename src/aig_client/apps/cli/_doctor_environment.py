"""Checks of the environment that SDKs and HTTP libraries read behind one's back: base URLs, headers, proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from ...core import surface_of
from ._doctor_configuration import is_local
from ._doctor_findings import Finding
from ._doctor_situation import Situation
from ._url_reasons import why_not

_BASE_URLS: Final = (
    "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
    "CLOUDFLARE_BASE_URL",
)
_HEADERS: Final = re.compile(r"[A-Z0-9_]+_(?:CUSTOM|DEFAULT|EXTRA)_HEADERS")
_AIG_HEADER: Final = re.compile(r"(?i)cf-aig-[a-z-]+")
_PROXIES: Final = ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_NEVER: Final = frozenset({"look_alike", "userinfo", "not_ascii"})


def base_urls(situation: Situation) -> Iterator[Finding]:
    """Where SDKs go that nobody gave a base URL: a look-alike would get every key they hold."""
    declared = _declared(situation)
    for name in _BASE_URLS:
        url = situation.environ.get(name)
        if not url:
            continue
        where = f"environment {name}"
        found = surface_of(url, gateways=declared)
        if found is not None:
            what = f"{name} leads to an AI Gateway ({found.family})"
            yield Finding(
                "base URLs", "ok", f"{what}; an SDK without our plug states no cache intent there", where=where
            )
            continue
        reason = why_not(url)
        host = _host(url)
        if reason.word in _NEVER or (url.lower().startswith("http://") and not _local(host)):
            yield Finding(
                "base URLs", "error", f"{name} is no gateway's. {reason.sentence}", f"correct {name} or unset it", where
            )
        elif _local(host):
            yield Finding(
                "base URLs", "info", f"{name} leads to this machine, past the configured gateway", where=where
            )
        elif reason.word == "provider_host" or name == "CLOUDFLARE_BASE_URL":
            yield Finding(
                "base URLs", "info", f"{name} leads past the gateway", f"unset {name} where calls should pass it", where
            )
        else:
            what = f"{name} leads to {host or 'a host'}, which is no gateway that aig can tell. {reason.sentence}"
            yield Finding("base URLs", "warning", what, f"correct {name} or unset it", where)


def _declared(situation: Situation) -> tuple[str, ...]:
    """The configured gateway counts as one, as it does to the client."""
    found = situation.surface
    declared = found is not None and found.declared and situation.settings is not None
    return (situation.settings.base_url,) if declared and situation.settings is not None else ()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _local(host: str) -> bool:
    return host in ("localhost", "::1") or re.fullmatch(r"127(?:\.\d{1,3}){3}", host) is not None


def custom_headers(situation: Situation) -> Iterator[Finding]:
    """Variables with headers: an SDK sends them to whatever host it talks to."""
    for name, value in situation.environ.items():
        if not _HEADERS.fullmatch(name):
            continue
        found = sorted({header.lower() for header in _AIG_HEADER.findall(value)})
        if found:
            what = f"{name} sets {', '.join(found)}, which the SDK sends to every host, gateway or not"
            fix = "let GatewayClient or its SDK plugs set them: they go to gateways only"
            yield Finding("header leaks", "error", what, fix, f"environment {name}")


def proxies(situation: Situation) -> Iterator[Finding]:
    """Who is between us and the gateway."""
    given = {name: value for name in _PROXIES if (value := _either_case(situation, name))}
    local = is_local(situation)
    plain = given.get("HTTP_PROXY") or given.get("ALL_PROXY")
    if local and plain and not _bypassed(situation):
        what = "a proxy is set and the gateway is local: calls in plain text would go to the proxy, token and all"
        yield Finding("proxy", "warning", what, "add 127.0.0.1,localhost to NO_PROXY", "environment")
    elif given:
        what = f"{', '.join(given)}: calls pass a proxy, which sees hosts and sizes; inside TLS it sees no header"
        yield Finding("proxy", "info", what, "give proxy= to choose another for one client", "environment")
    if any(_scheme(value).startswith("socks") for value in given.values()) and "socksio" not in situation.installed:
        yield Finding(
            "proxy", "error", "a SOCKS proxy is set and socksio is not installed", "pip install socksio", "environment"
        )
    certificates = [name for name in _CERTIFICATES if situation.environ.get(name)]
    if certificates:
        what = f"{', '.join(certificates)} set: whoever holds those authorities' keys can read what goes over TLS"
        yield Finding("proxy", "info", what, "unset it where no proxy needs it", "environment")


def _either_case(situation: Situation, name: str) -> str:
    return situation.environ.get(name) or situation.environ.get(name.lower()) or ""


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _bypassed(situation: Situation) -> bool:
    hosts = {host.strip() for host in _either_case(situation, "NO_PROXY").split(",")}
    found = situation.surface
    return "*" in hosts or (found is not None and _host(found.origin) in hosts)
