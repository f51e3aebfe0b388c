"""No text whatever makes us send a Cloudflare header to a host that is no gateway."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import httpx2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aig_client.core import PROVIDERS, Surface, base_url, endpoint_path, rest_base_url, surface_of

ACCOUNT = "0123456789abcdef0123456789abcdef"
NATIVE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
REST = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai"
DECLARED = ("https://ai.example.com", "http://127.0.0.1:8787", "https://kiosk.example:8443/gw", "wss://http.example")
# Scheme, host, port and the path below which a gateway lies.
ALLOWED = {
    ("https", "gateway.ai.cloudflare.com", 443): "",
    ("wss", "gateway.ai.cloudflare.com", 443): "",
    ("https", "api.cloudflare.com", 443): "",
}
ALLOWED_WHEN_DECLARED = ALLOWED | {
    ("https", "ai.example.com", 443): "",
    ("wss", "ai.example.com", 443): "",
    ("http", "127.0.0.1", 8787): "",
    ("ws", "127.0.0.1", 8787): "",
    ("https", "kiosk.example", 8443): "/gw",
    ("wss", "kiosk.example", 8443): "/gw",
    ("wss", "http.example", 443): "",
}
DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}

VALID = [
    NATIVE,
    f"{NATIVE}/openai/chat/completions",
    f"{NATIVE}/compat/chat/completions",
    f"{NATIVE}/azure-openai/res/dep/chat/completions?api-version=2024-10-21",
    f"{NATIVE}/workers-ai/@cf/meta/llama-3.1-8b-instruct",
    f"wss://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod/openai?model=m",
    f"{REST}/run/@cf/meta/llama-3.1-8b-instruct",
    f"{REST}/v1/chat/completions",
    "https://ai.example.com/openai/chat/completions",
    f"http://127.0.0.1:8787/v1/{ACCOUNT}/prod/anthropic/v1/messages",
    "https://kiosk.example:8443/gw/openai/responses",
    "wss://http.example/openai?model=m",
]
TRICKS = [
    "@", ":", "/", "//", "\\", "?", "#", "%", "%2f", "%2F", "%5c", "%2e", "%00", "%25", "%40", "%23", "%3f", ".", "..",
    "/../", "/./", "[", "]", "[::1]", "\t", "\n", "\r", " ", "\0", "\x7f", "\u00ad", "\u200b", "\u2024", "\u3002",
    "\uff0e", "\uff0f", "\uff1a", "\uff20", "\uff47", "\u212a", "\u017f", "\u0131", "\u0430", "\u2100", "\u2488",
    "\ud800", "evil.example", "user:pw@", ":443", ":80", ":0443", ":8443", "xn--", "http", "https:", "ws", "&", ";",
    "=", "localhost", "gateway.ai.cloudflare.com", "api.cloudflare.com", "ai.example.com", "kiosk.example", "v1",
    ACCOUNT, "prod", "openai", "compat", "custom-x", "a", "K", "S",
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=())  # lone surrogates too
PIECES = st.one_of(st.sampled_from(TRICKS), st.text(CHARACTERS, min_size=1, max_size=3))


@st.composite
def mutations(draw: st.DrawFn) -> str:
    url = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(url)))
        until = draw(st.sampled_from([at, at, at + 1, at + 2, at + 8]))
        how = draw(st.sampled_from(["piece", "piece", "swapcase", "encode", "double"]))
        taken = url[at:until]
        if how == "piece":
            taken = draw(PIECES)
        elif how == "swapcase":
            taken = taken.swapcase()
        elif how == "encode":
            taken = "".join(f"%{byte:02x}" for byte in taken.encode("utf-8", "surrogatepass"))
        else:
            taken += taken
        url = url[:at] + taken + url[until:]
    return url


ODDITIES = {
    "scheme": ["http", "wss", "ws", "HTTPS", "ftp", "http\u017f", ""],
    "before": ["me@", "me:pw@", "@", "evil.example@", "x.", "evil", "\\", "/", "gateway.ai.cloudflare.com@", "["],
    "after": [".", ".evil.example", "@evil.example", "%40evil.example", "\\@evil.example", "]", "\u3002", "#", "?"],
    "port": [":443", ":0443", ":80", ":8443", ":8787", ":", ":99999", ":443@evil.example"],
    "segment": ["", ".", "..", "%2e", "%2e%2e", ".%2E", "%2f", "a%2Fb", "%5c", "\\", "%00", "%252f", "%", "x", "..;"],
    "end": ["/", "//", "?", "?/../", "#/../", "?@evil.example", "\\", "\n", " "],
}  # fmt: skip
PLACES = [
    ("https", "gateway.ai.cloudflare.com", "", f"/v1/{ACCOUNT}/prod/openai/chat/completions"),
    ("https", "api.cloudflare.com", "", f"/client/v4/accounts/{ACCOUNT}/ai/run/@cf/meta/llama-3.1-8b-instruct"),
    ("https", "ai.example.com", "", "/anthropic/v1/messages"),
    ("http", "127.0.0.1", ":8787", f"/v1/{ACCOUNT}/prod"),
    ("https", "kiosk.example", ":8443", "/gw/openai/responses"),
]


@st.composite
def oddities(draw: st.DrawFn) -> str:
    """A good URL with one or two odd parts, each where a parser could stumble over it."""
    scheme, host, port, path = draw(st.sampled_from(PLACES))
    odd = {
        part: draw(st.sampled_from(ODDITIES[part]), part)
        for part in draw(st.lists(st.sampled_from(sorted(ODDITIES)), max_size=2, unique=True))
    }
    segments = path.split("/")
    if "segment" in odd:
        segments.insert(draw(st.integers(1, len(segments))), odd["segment"])
    host = draw(st.sampled_from([host, host, host.upper()]))
    authority = odd.get("before", "") + host + odd.get("after", "") + odd.get("port", port)
    return f"{odd.get('scheme', scheme)}://{authority}{'/'.join(segments)}{odd.get('end', '')}"


ANY_TEXT = st.one_of(oddities(), mutations(), st.text(CHARACTERS))


def _path_of(surface: Surface, below: str) -> str:
    """The path that we believe we said yes to, put together again from the surface."""
    if surface.family == "rest":
        return f"{below}/client/v4/accounts/{surface.account}/ai{surface.endpoint}"
    path = below if surface.account is None else f"{below}/v1/{surface.account}/{surface.gateway}"
    provider = "compat" if surface.family == "compat" else surface.provider
    return path + (f"/{provider}" if provider else "") + surface.endpoint


def _assert_honest(url: str, surface: Surface, allowed: dict[tuple[str, str, int], str]) -> None:
    split = urlsplit(url)
    assert split.username is None
    assert split.password is None
    assert "@" not in split.netloc
    origin = (split.scheme, split.hostname or "", split.port or DEFAULT_PORTS[split.scheme])
    assert origin in allowed
    for parsed in (httpx.URL(url), httpx2.URL(url)):
        assert (parsed.scheme, parsed.host, parsed.port or DEFAULT_PORTS[parsed.scheme]) == origin
        assert parsed.raw_host == origin[1].encode()
        assert parsed.userinfo == b""
        sent = parsed.raw_path.partition(b"?")[0].decode("ascii")
        assert sent.rstrip("/") == _path_of(surface, allowed[origin]).rstrip("/")
        assert not re.search(r"/\.{1,2}(/|$)|//|%2f|%5c|%2e|\\", sent, re.IGNORECASE)


@settings(max_examples=1000)
@given(ANY_TEXT)
@example("https://gateway.ai.cloudflare.com\\@evil.example/v1/" + ACCOUNT + "/prod/openai")
@example(f"{NATIVE}/openai?x=\ud800")
def test_a_yes_is_to_the_very_host_and_path_that_a_client_would_use(url: str) -> None:
    surface = surface_of(url)
    if surface is not None:
        _assert_honest(url, surface, ALLOWED)
        assert not surface.declared


@settings(max_examples=1000)
@given(ANY_TEXT)
@example("wss://ws.example/openai")
@example("https://\u212aiosk.example:8443/gw/openai")
def test_a_yes_is_to_a_declared_host_and_path_that_a_client_would_use(url: str) -> None:
    surface = surface_of(url, gateways=DECLARED)
    if surface is not None:
        _assert_honest(url, surface, ALLOWED_WHEN_DECLARED)
        assert surface.declared == ("cloudflare.com" not in surface.origin)


# Contract 3.7, points 1 and 2, word for word, on Python's own parser.
CONTRACT_NATIVE = re.compile(
    r"/v1/(?P<account>[0-9a-f]{32})/(?P<gateway>[^/]{1,64})(?:/(?P<provider>[a-z0-9][a-z0-9-]*)(?P<rest>/.*)?)?/?"
)
CONTRACT_REST = re.compile(
    r"/client/v4/accounts/[0-9a-f]{32}/ai/(?:run(?:/.*)?|v1(?:/(?:chat/completions|responses|messages))?)/?"
)


def _contract_says_yes(url: str) -> bool:
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return False
    if "@" in split.netloc or port not in (None, 443):
        return False
    if any(segment in (".", "..") for segment in split.path.split("/")) or "%2f" in split.path.lower():
        return False
    if split.hostname == "gateway.ai.cloudflare.com" and split.scheme in ("https", "wss"):
        return CONTRACT_NATIVE.fullmatch(split.path) is not None
    return (
        split.hostname == "api.cloudflare.com"
        and split.scheme == "https"
        and CONTRACT_REST.fullmatch(split.path) is not None
    )


@settings(max_examples=1000)
@given(ANY_TEXT)
def test_a_yes_is_never_more_than_the_contract_s(url: str) -> None:
    if surface_of(url) is not None:
        assert _contract_says_yes(url)


CLEAN = st.lists(
    st.sampled_from(
        ["v1", ACCOUNT, ACCOUNT[:-1], "prod", "openai", "Chat", "x.y", "client", "v4", "accounts", "ai", "run"]
    ),
    max_size=8,
)


@given(
    scheme=st.sampled_from(["https", "wss", "http", "ws"]),
    host=st.sampled_from(
        ["gateway.ai.cloudflare.com", "api.cloudflare.com", "Gateway.AI.cloudflare.com", "example.com"]
    ),
    port=st.sampled_from(["", ":443", ":80", ":8443"]),
    prefix=st.sampled_from(["", f"/v1/{ACCOUNT}", f"/client/v4/accounts/{ACCOUNT}/ai"]),
    segments=CLEAN,
    end=st.sampled_from(["", "/", "?x=/../", "#/../"]),
)
def test_among_plain_urls_a_yes_is_the_contract_s(
    scheme: str, host: str, port: str, prefix: str, segments: list[str], end: str
) -> None:
    url = f"{scheme}://{host}{port}{prefix}" + "".join(f"/{segment}" for segment in segments) + end
    assert (surface_of(url) is not None) == _contract_says_yes(url)


SLUGS = st.one_of(st.sampled_from(sorted(PROVIDERS)), st.from_regex(r"custom-[a-z0-9][a-z0-9-]{0,30}", fullmatch=True))
ACCOUNTS = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
GATEWAYS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.~-]{0,63}", fullmatch=True)
MODELS = st.from_regex(r"[A-Za-z0-9@][A-Za-z0-9._:-]{0,20}[A-Za-z0-9](/[A-Za-z0-9]+)?", fullmatch=True)
ORIGINS = st.sampled_from(["https://gateway.ai.cloudflare.com", "http://127.0.0.1:8787", "https://ai.example.com"])


@given(ACCOUNTS, GATEWAYS, st.one_of(SLUGS, st.just("compat"), st.none()), ORIGINS, st.sampled_from(["", "/"]))
def test_a_url_that_we_build_is_recognised_for_what_it_is(
    account: str, gateway: str, provider: str | None, origin: str, slash: str
) -> None:
    surface = surface_of(base_url(account, gateway, provider, origin=origin) + slash, gateways=DECLARED)
    assert surface is not None
    assert (surface.account, surface.gateway, surface.origin) == (account, gateway, origin)
    assert surface.provider == (None if provider == "compat" else provider)
    assert surface.family == {"compat": "compat", None: "universal"}.get(provider, "native")
    assert surface.endpoint == ""


BUILDABLE = [(slug, kind) for slug, row in PROVIDERS.items() for kind in row.paths] + [("compat", "chat")]


@given(ACCOUNTS, GATEWAYS, st.sampled_from(BUILDABLE), MODELS)
def test_an_endpoint_that_we_build_is_recognised_for_what_it_is(
    account: str, gateway: str, built: tuple[str, str], model: str
) -> None:
    slug, kind = built
    path = endpoint_path(slug, kind, model=model)  # type: ignore[arg-type]
    surface = surface_of(base_url(account, gateway, slug) + path)
    assert surface is not None
    assert surface.endpoint == path
    if slug not in ("huggingface", "workers-ai") or kind != "run":  # their path is the model and nothing else
        assert surface.kind == kind


@given(ACCOUNTS)
def test_the_rest_base_url_is_recognised(account: str) -> None:
    surface = surface_of(rest_base_url(account))
    assert surface is not None
    assert (surface.family, surface.account) == ("rest", account)
