"""Why a URL is no AI Gateway URL: ``surface_of`` says no, and this says what would have to be different.

Pure. It decides nothing: a sentence here never makes a gateway of a URL, and none repeats a part of the URL that may
hold a secret (user, password, query, fragment).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final
from urllib.parse import urlsplit

from ...core import GATEWAY_HOST, PROVIDERS, REST_HOST

_SCHEMES: Final = ("https", "wss", "http", "ws")
_LOOPBACK: Final = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[?::1\]?")
_HOST: Final = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]")
_UNPRINTED: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\"<>\\^`{|}]")
_FORM: Final = f"https://{GATEWAY_HOST}/v1/{{account}}/{{gateway}}/{{provider}}"
_REST_FORM: Final = f"https://{REST_HOST}/client/v4/accounts/{{account}}/ai/run or .../ai/v1"
_DECLARE: Final = "If it is yours (a custom domain, a Worker, an emulator), declare its base URL with --gateway."
_SIMILAR: Final = 0.82


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not, in one word for programs and a sentence for people."""

    word: str
    sentence: str


def why_not(url: str, gateways: Iterable[str] = ()) -> Reason:
    """The first reason why ``surface_of(url, gateways=gateways)`` is None."""
    for reason in _reasons(url, tuple(gateways)):
        return reason
    return Reason("unknown_host", f"Nothing in the URL shows a gateway. {_DECLARE}")


def _reasons(url: str, gateways: tuple[str, ...]) -> Iterator[Reason]:
    yield from _of_text(url)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        yield Reason("malformed", "Its host or port cannot be read: write it as https://host/path.")
        return
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        yield Reason("scheme", "It has no scheme that a gateway answers to: begin it with https://.")
        return
    if "@" in parts.netloc:
        yield Reason("userinfo", "It carries a user name or password before the host: take them out, and change them.")
    if ":" in host:
        host = f"[{host}]"
    if not _HOST.fullmatch(host):
        yield Reason("malformed", "Its host is no host name: write it as https://host/path.")
        return
    yield from _of_path(parts.path)
    if host == GATEWAY_HOST:
        yield from _of_gateway_host(scheme, port, parts.path)
    elif host == REST_HOST:
        yield from _of_rest_host(scheme, port, parts.path)
    yield from _of_other_host(host, url, gateways)


def _of_text(url: str) -> Iterator[Reason]:
    if not url.strip():
        yield Reason("empty", f"It is empty: a gateway's URL is {_FORM}.")
    elif not url.isascii():
        text = "It holds a character outside ASCII, and such hosts can look like another: write the host in ASCII."
        yield Reason("not_ascii", text)
    elif _UNPRINTED.search(url):
        yield Reason("malformed", "It holds a blank or a character that no URL holds: take it out or encode it.")
    elif "://" not in url:
        yield Reason("scheme", "It has no scheme: begin it with https://.")


def _of_path(path: str) -> Iterator[Reason]:
    if re.search(r"%(?:2[fF]|5[cC])", path):
        text = "Its path holds an encoded slash, which a proxy may read as a slash: write the path plainly."
        yield Reason("encoded_slash", text)
    elif re.search(r"%(?:2[eE]|00|25|(?![0-9a-fA-F]{2}))", path):
        text = "Its path holds an encoded dot, percent sign or NUL, or half an escape: write the path plainly."
        yield Reason("encoded_path", text)
    elif re.search(r"/\.{1,2}(?:/|$)", path):
        yield Reason("dot_segment", "Its path holds a . or .. segment: write the path that is meant.")
    elif "//" in path:
        yield Reason("empty_segment", "Its path holds an empty segment (//): a base URL ends without a slash.")


def _of_transport(scheme: str, port: int | None, schemes: tuple[str, ...]) -> Iterator[Reason]:
    if scheme not in schemes:
        why = "which would carry the token in plain text" if scheme in ("http", "ws") else "which is not served there"
        yield Reason("scheme", f"Its scheme is {scheme}, {why}: write {' or '.join(schemes)}.")
    elif port not in (None, 443):
        yield Reason("port", f"It names the port {port}, and Cloudflare's gateway is on 443: leave the port out.")


def _of_gateway_host(scheme: str, port: int | None, path: str) -> Iterator[Reason]:
    yield from _of_transport(scheme, port, ("https", "wss"))
    segments = path.strip("/").split("/")
    if segments[0] != "v1":
        yield Reason("path", f"The host is the gateway's, but the path does not begin with /v1/: the form is {_FORM}.")
    elif len(segments) < 2 or not re.fullmatch("[0-9a-f]{32}", segments[1]):
        upper = len(segments) > 1 and re.fullmatch("[0-9a-fA-F]{32}", segments[1])
        what = "is written in capitals" if upper else "is not 32 hexadecimal characters"
        text = f"The account id, after /v1/, {what}: copy it in lower case from the dashboard."
        yield Reason("account", text)
    elif len(segments) < 3:
        yield Reason("gateway", f"The gateway id is missing: the form is {_FORM}.")
    elif len(segments[2]) > 64:
        yield Reason("gateway", "The gateway id is longer than 64 characters: copy it from the dashboard.")
    else:
        text = (
            "The provider, after the gateway id, is not written in lower-case letters, digits and hyphens: use a slug."
        )
        yield Reason("provider", text)


def _of_rest_host(scheme: str, port: int | None, path: str) -> Iterator[Reason]:
    yield from _of_transport(scheme, port, ("https",))
    if "/ai-gateway/" in path:
        text = f"It is Cloudflare's API that manages gateways, and no model answers there: use {_REST_FORM}."
        yield Reason("management_api", text)
    else:
        yield Reason("path", f"Cloudflare's API serves models at {_REST_FORM} only.")


def _of_other_host(host: str, url: str, gateways: tuple[str, ...]) -> Iterator[Reason]:
    if host == "dash.cloudflare.com":
        text = f"It is a page of the dashboard, for people and not for programs: the form is {_FORM}."
        yield Reason("dashboard", text)
    if host == "workers-binding.ai":
        yield Reason("binding", "It is inside a Worker's binding and answers nobody outside: use env.AI in the Worker.")
    if host.endswith(f".{GATEWAY_HOST}"):
        text = f"No page of Cloudflare's knows a host before {GATEWAY_HOST}: the form is {_FORM}."
        yield Reason("look_alike", text)
    if _looks_like(host):
        text = f"Its host only looks like {GATEWAY_HOST}: a token sent there would be a stranger's."
        yield Reason("look_alike", text)
    slug = _provider_of(host)
    if slug is not None:
        text = f"It is {slug}'s own host, past the gateway: through it the form is {_FORM.replace('{provider}', slug)}."
        yield Reason("provider_host", text)
    if gateways:
        text = "It is not below a declared gateway, or what follows there is no provider that AI Gateway has."
        yield Reason("not_declared", f"{text} Check --gateway and the path.")
    if _LOOPBACK.fullmatch(host):
        text = "It is a local address, and an emulator is a gateway only when it is declared: give --gateway."
        yield Reason("loopback", text)
    if GATEWAY_HOST in url.partition("?")[0].partition("#")[0]:
        text = f"{GATEWAY_HOST} stands in its path, not in its host: the host decides. {_DECLARE}"
        yield Reason("look_alike", text)


def _looks_like(host: str) -> bool:
    if GATEWAY_HOST in host or GATEWAY_HOST.replace(".", "-") in host:
        return True
    # No host name is longer (RFC 1035), and comparing takes time.
    return len(host) <= 253 and SequenceMatcher(None, host, GATEWAY_HOST).ratio() >= _SIMILAR


def _provider_of(host: str) -> str | None:
    for slug, row in PROVIDERS.items():
        if row.replaces is not None and "{" not in row.replaces and urlsplit(row.replaces).hostname == host:
            return slug
    return None
