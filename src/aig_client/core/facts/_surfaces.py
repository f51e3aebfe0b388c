"""Is this URL an AI Gateway URL, and which one? Contract 3.7, to the letter, and building the same URLs.

Everything doubtful is "no". A "no" costs a missing header, which the gateway answers with a clear 401; a wrong "yes"
sends a Cloudflare token to a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from .._errors import ConfigurationError, closest
from ._providers import PROVIDERS, EndpointKind, Provider, in_path, kind_of, model_in_path

Family = Literal["native", "compat", "universal", "rest"]

GATEWAY_HOST: Final = "gateway.ai.cloudflare.com"
REST_HOST: Final = "api.cloudflare.com"

# Printable ASCII less the characters no URL may hold. Non-ASCII is refused: IDNA maps look-alikes onto ASCII hosts.
_PLAIN: Final = re.compile(r"[!#-;=?-\[\]_a-z~]*")
_PARTS: Final = re.compile(r"(?i:(https|wss|http|ws))://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?")
# An encoded slash, backslash, dot, NUL or percent, half an escape, a dot segment, an empty segment: a proxy could read
# such a path differently from us.
_TRICK: Final = re.compile(r"%(?:2[fF]|5[cC]|2[eE]|00|25|(?![0-9a-fA-F]{2}))|/\.{1,2}(?:/|$)|//")
_NATIVE: Final = re.compile(
    r"/v1/(?P<account>[0-9a-f]{32})/(?P<gateway>[^/]{1,64})(?:/(?P<provider>[a-z0-9][a-z0-9-]*)(?P<rest>/.*)?)?/?"
)
_REST: Final = re.compile(
    r"/client/v4/accounts/(?P<account>[0-9a-f]{32})"
    r"/ai(?P<rest>/run(?:/.*)?|/v1(?:/(?:chat/completions|responses|messages))?)/?"
)
_CUSTOM: Final = re.compile(r"/(?P<provider>[a-z0-9][a-z0-9-]*)(?P<rest>/.*)?")
_ACCOUNT: Final = re.compile(r"[0-9a-f]{32}")
_GATEWAY_ID: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.~-]{1,64}")
_CUSTOM_SLUG: Final = re.compile(r"custom-[a-z0-9][a-z0-9-]*")
_LOOPBACK: Final = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")


@dataclass(frozen=True, slots=True)
class Surface:
    """What an AI Gateway URL addresses.

    Attributes:
        family: ``native``, ``compat``, ``universal`` or ``rest``; a custom domain serves the first two.
        kind: the endpoint kind, ``"other"`` where the path is not one we know.
        origin: scheme, host and port, normalised.
        account: 32 hex characters; None on a custom domain, whose URL does not show it.
        gateway: the gateway id; None where the URL does not show it (REST, custom domain).
        provider: the slug; None on Universal, REST and ``/compat``, where the body says it.
        endpoint: the path after the provider (after ``/ai`` on REST), ``""`` for a bare base URL.
        query: the raw query with its ``?``, or ``""``.
        declared: True when only the caller's ``gateways=`` made this a gateway.
    """

    family: Family
    kind: EndpointKind
    origin: str
    account: str | None
    gateway: str | None
    provider: str | None
    endpoint: str
    query: str = field(default="", repr=False)  # Google takes an API key there
    declared: bool = False

    @property
    def model_in_path(self) -> str | None:
        """The model named by the path, where this endpoint names it there."""
        return model_in_path(self.endpoint)


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def origin(self) -> str:
        default = 443 if self.scheme in ("https", "wss") else 80
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")


def _parse(url: str) -> _Url | None:
    if not _PLAIN.fullmatch(url):
        return None
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return None
    scheme, authority, path, query = parts[1].lower(), parts[2].lower(), parts[3], parts[4] or ""
    host = _HOST.fullmatch(authority)  # userinfo has an "@", which no host matches
    if host is None or _TRICK.search(path):
        return None
    port = int(host[2]) if host[2] else (443 if scheme in ("https", "wss") else 80)
    if port > 65535:
        return None
    return _Url(scheme, host[1], port, path or "/", "" if query == "?" else query)


@dataclass(frozen=True, slots=True)
class _Declared:
    origins: tuple[str, ...]
    path: str


def _shown(url: str) -> str:
    """A URL for an error: no userinfo, no query."""
    return repr(re.sub(r"//[^/]*@", "//...@", url.partition("?")[0]))


@lru_cache(maxsize=64)
def _declare(base_url: str) -> _Declared:
    url = _parse(base_url)
    if url is None or url.query or "#" in base_url:
        raise ConfigurationError(
            "gateways",
            f"{_shown(base_url)} is not a plain base URL",
            remedy="Give scheme, host and optionally a port and a path, for example 'https://ai.example.com'",
        )
    if url.scheme in ("http", "ws") and not _LOOPBACK.fullmatch(url.host):
        raise ConfigurationError(
            "gateways",
            f"{_shown(base_url)} would carry tokens in clear",
            remedy="Use https; plain http is for a local emulator on a loopback address",
        )
    if url.host in (GATEWAY_HOST, REST_HOST):
        raise ConfigurationError(
            "gateways", f"{url.host} needs no declaration", remedy="Remove it: Cloudflare's own hosts are known"
        )
    # A socket to a declared gateway has its web scheme's origin.
    socket = (f"ws{url.origin[4:]}",) if url.scheme in ("http", "https") else ()
    return _Declared((url.origin, *socket), url.path.rstrip("/"))


def declare(gateways: Iterable[str]) -> tuple[str, ...]:
    """Check declared gateways (custom domains, a Worker of one's own, a local emulator) and return them as a tuple.

    Raises:
        ConfigurationError: one is not a plain ``https`` base URL (``http`` is for loopback only), or is Cloudflare's.
    """
    declared = tuple(gateways)
    for base_url in declared:
        _declare(base_url)
    return declared


def surface_of(url: str, *, gateways: Iterable[str] = ()) -> Surface | None:
    """What ``url`` addresses if it is an AI Gateway URL, else None (contract 3.7).

    ``gateways`` declares base URLs that nothing in a URL can show to be gateways: custom domains, a Worker of one's
    own, a local emulator. Below a declared base both Cloudflare's own paths (``/v1/{account}/{gateway}/...``,
    ``/client/v4/...``) and a custom domain's (``/{provider}/...``) are understood.

    Raises:
        ConfigurationError: a declared gateway is not a usable base URL.
    """
    return _surface_of(url, gateways if type(gateways) is tuple else tuple(gateways))


@lru_cache(maxsize=1024)
def _surface_of(text: str, gateways: tuple[str, ...]) -> Surface | None:
    declared = [_declare(base_url) for base_url in gateways]
    url = _parse(text)
    if url is None:
        return None
    if url.port == 443 and url.scheme in ("https", "wss"):
        if url.host == GATEWAY_HOST:
            return _native(url, url.path)
        if url.host == REST_HOST:
            return _rest(url, url.path) if url.scheme == "https" else None
    for gateway in declared:
        if url.origin in gateway.origins and (url.path + "/").startswith(gateway.path + "/"):
            path = url.path[len(gateway.path) :]
            # Cloudflare's own paths first: a declared base may reach into them, as far as the gateway id.
            whole = _native(url, url.path, True) or _rest(url, url.path, True)
            found = whole or _native(url, path, True) or _rest(url, path, True) or _custom(url, path)
            if found is not None:  # else a narrower base that is declared too may know the path
                return found
    return None


def _native(url: _Url, path: str, declared: bool = False) -> Surface | None:
    found = _NATIVE.fullmatch(path)
    if found is None:
        return None
    where = (found["account"], found["gateway"])
    return _below_gateway(url, where, found["provider"], found["rest"] or "", declared=declared)


def _custom(url: _Url, path: str) -> Surface | None:
    found = _CUSTOM.fullmatch(path)
    provider = found["provider"] if found else ""
    if found is None or not (provider in PROVIDERS or provider == "compat" or provider.startswith("custom-")):
        return None
    return _below_gateway(url, (None, None), provider, found["rest"] or "", declared=True)


def _below_gateway(
    url: _Url, where: tuple[str | None, str | None], provider: str | None, rest: str, *, declared: bool
) -> Surface:
    endpoint = rest.rstrip("/")
    family: Family = "universal" if provider is None else "compat" if provider == "compat" else "native"
    kind: EndpointKind = "universal" if family == "universal" else kind_of(endpoint)
    if url.scheme in ("wss", "ws"):
        kind = "universal" if family == "universal" else "realtime"
    slug = provider if family == "native" else None
    return Surface(family, kind, url.origin, *where, slug, endpoint, url.query, declared)


def _rest(url: _Url, path: str, declared: bool = False) -> Surface | None:
    found = _REST.fullmatch(path)
    if found is None:
        return None
    endpoint = found["rest"].rstrip("/")
    kind: EndpointKind = "run" if endpoint.startswith("/run") else kind_of(endpoint)
    return Surface("rest", kind, url.origin, found["account"], None, None, endpoint, url.query, declared)


def base_url(
    account: str, gateway: str, provider: str | None = None, *, origin: str = f"https://{GATEWAY_HOST}"
) -> str:
    """The base URL of a native provider, of ``"compat"``, of a ``custom-{slug}``, or (None) of Universal.

    >>> base_url("0123456789abcdef0123456789abcdef", "prod", "openai")
    'https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai'

    Raises:
        ConfigurationError: an account id that is not 32 lower-case hex characters, a gateway id outside 1 to 64
            characters, or a provider that AI Gateway has no slug for.
    """
    if not _ACCOUNT.fullmatch(account):
        raise ConfigurationError(
            "account_id", "is not 32 lower-case hex characters", remedy="Copy it from the Cloudflare dashboard"
        )
    if not _GATEWAY_ID.fullmatch(gateway):
        raise ConfigurationError("gateway_id", "is not 1 to 64 URL-safe characters")
    url = f"{origin.rstrip('/')}/v1/{account}/{gateway}"
    if provider is None:
        return url
    if provider != "compat" and not _CUSTOM_SLUG.fullmatch(provider):
        provider_row(provider)
    return f"{url}/{provider}"


def provider_row(slug: str) -> Provider:
    """The row of a provider slug.

    Raises:
        ConfigurationError: no such slug; the message names the nearest one.
    """
    row = PROVIDERS.get(slug)
    if row is None:
        near = closest(slug, PROVIDERS)
        hint = f"Did you mean {near!r}?" if near else f"Known slugs: {', '.join(sorted(PROVIDERS))}"
        raise ConfigurationError("provider", f"AI Gateway has no slug {slug!r}", remedy=hint)
    return row


def endpoint_path(provider: str, kind: EndpointKind, *, model: str | None = None) -> str:
    """The path after the provider slug (``"compat"`` included) for an endpoint kind, with its leading slash.

    Raises:
        ConfigurationError: the provider has no such endpoint, or its path needs a model and none was given, or one
            that would bend the path.
    """
    paths = PROVIDERS["openai"].paths if provider == "compat" else provider_row(provider).paths
    if provider == "compat" and kind not in ("chat", "embeddings"):
        paths = {}
    path = paths.get(kind)
    if path is None:
        known = ", ".join(sorted(paths)) or "none: give the path yourself"
        raise ConfigurationError(
            "endpoint", f"{provider} has no {kind} endpoint we know", remedy=f"Known endpoints: {known}"
        )
    if "{model}" not in path:
        return path
    if not model:
        raise ConfigurationError("model", f"the path of {provider} {kind} names the model", remedy="Pass model=")
    path = path.replace("{model}", in_path(model, safe="@/:.-_"))
    if _TRICK.search(path):
        raise ConfigurationError("model", "cannot stand in a path: it holds '//', a dot segment, '%' or '\\'")
    return path


def sdk_path(provider: str) -> str:
    """What an official SDK's base URL needs after the gateway: the slug, and its version where the SDK appends none.

    Raises:
        ConfigurationError: AI Gateway has no such slug.
    """
    if provider == "compat" or provider.startswith("custom-"):
        return provider
    return provider + provider_row(provider).sdk_path


def compat_model(provider: str, model: str) -> str:
    """The model as ``/compat`` spells it: ``{prefix}/{model}`` (contract 3.5)."""
    return _prefixed(provider, provider_row(provider).compat, model, "/compat")


def rest_model(provider: str, model: str) -> str:
    """The model as the REST API and ``env.AI.run`` spell it: ``{author}/{model}`` (contract 3.5)."""
    if provider == "workers-ai" and model.startswith("@"):
        return model
    return _prefixed(provider, provider_row(provider).author, model, "the REST API")


_BY_COMPAT: Final = {row.compat: slug for slug, row in PROVIDERS.items() if row.compat is not None}
_BY_AUTHOR: Final = {row.author: slug for slug, row in PROVIDERS.items() if row.author is not None}


def named(surface: Surface, model: str | None) -> tuple[str | None, str | None]:
    """The provider and the model, as that provider spells it, of a model that a request names."""
    if surface.family == "native" or model is None:
        return surface.provider, model
    prefix, _, rest = model.partition("/")
    if surface.family == "rest" and prefix == "@cf":
        return "workers-ai", model
    slug = (_BY_AUTHOR if surface.family == "rest" else _BY_COMPAT).get(prefix)
    return (slug, rest) if slug is not None else (None, model)


def _prefixed(provider: str, prefix: str | None, model: str, where: str) -> str:
    if prefix is None:
        raise ConfigurationError("provider", f"{provider} is not served on {where}", remedy="Use the native surface")
    return model if model.startswith(f"{prefix}/") else f"{prefix}/{model}"


def rest_base_url(account: str, *, origin: str = f"https://{REST_HOST}") -> str:
    """The REST API's SDK base URL, ``.../ai/v1``.

    Raises:
        ConfigurationError: an account id that is not 32 lower-case hex characters.
    """
    if not _ACCOUNT.fullmatch(account):
        raise ConfigurationError("account_id", "is not 32 lower-case hex characters")
    return f"{origin.rstrip('/')}/client/v4/accounts/{account}/ai/v1"
