"""Whatever a caller sends, byte by byte: a refusal in JSON or a pass-through to the gateway, and the next one works."""

from __future__ import annotations

import json
import posixpath
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ..serving import in_thread
from .edges import ACME, ADMIN, GATEWAY_TOKEN, GLOBEX, KEYED, POLICY_KEY, document, publish, variables
from .workerd import WRANGLER, Running, Tools, serve

ACCOUNT, GATEWAY = "0123456789abcdef0123456789abcdef", "fuzzed"
BASE = f"/v1/{ACCOUNT}/{GATEWAY}/"
OURS = frozenset(f"cf-aig-{name}" for name in ("authorization", "metadata", "skip-cache", "cache-key", "cache-ttl"))
"""The only headers for the gateway that the policy of the tests makes; a caller can make none."""
GOOD = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}]}).encode()
ANSWER = b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
RUN = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# --- A gateway that notes what reaches it ---


@dataclass
class Gateway:
    """What has reached it: request lines and headers, as they came."""

    origin: str
    account: str = ACCOUNT
    gateway: str = GATEWAY
    seen: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)


@contextmanager
def gateway() -> Iterator[Gateway]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            noted.seen.append((self.command, self.requestline.split()[1], list(self.headers.items())))
            if self.headers.get("transfer-encoding", "") == "chunked":
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    self.rfile.read(size + 2)
                self.rfile.readline()
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ANSWER)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(ANSWER)

        do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = do_PATCH = do_OPTIONS = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            pass

    with in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as origin:
        noted = Gateway(origin)
        yield noted


@pytest.fixture(scope="module")
def behind() -> Iterator[Gateway]:
    with gateway() as running:
        yield running


@pytest.fixture(scope="module")
def edge(harness: Tools, behind: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("fuzz")
    config = folder / "wrangler.toml"
    text = WRANGLER.read_text("utf-8")
    text = text.replace('"worker/entry.py"', f'"{WRANGLER.parent / "worker" / "entry.py"}"')
    config.write_text(text.replace("limit = 1000,", "limit = 1000000,"), "utf-8")
    with serve(harness, config, folder / "log", vars=variables(behind)) as running:
        publish(running, 1, document())
        yield running
    told = (folder / "log").read_text("utf-8")
    assert "Traceback" not in told
    for secret in (ACME, KEYED, ADMIN, GATEWAY_TOKEN, POLICY_KEY):
        assert secret not in told


# --- Bytes out, bytes in ---


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes


def send(edge: Running, raw: bytes, *, truncated: bool = False) -> Answer | None:
    """What comes back for so many bytes; None: the connection was closed without an answer."""
    url = urlsplit(edge.url)
    assert url.hostname is not None
    with socket.create_connection((url.hostname, url.port or 80), timeout=10) as connection:
        connection.sendall(raw)
        if truncated:
            connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method=raw.split(b" ", 1)[0].decode("latin-1"))
        try:
            response.begin()
            content = response.read()
        except (HTTPException, ConnectionError):
            return None
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def message(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], content: bytes) -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", b"host: edge.example", b"connection: close"]
    return b"\r\n".join([*lines, *(name + b": " + value for name, value in headers), b"", content])


def plain(content: bytes, token: str = ACME, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"authorization", f"Bearer {token}".encode()),
        *more,
    ]


def judge(edge: Running, behind: Gateway, raw: bytes, *, broken: bool = False) -> None:
    """Send it, and hold what happened against what may; then the next request works.

    ``broken``: it is not HTTP, and workerd may refuse it before the Worker hears of it.
    """
    behind.seen.clear()
    answer = send(edge, raw, truncated=broken)
    for method, target, headers in behind.seen:
        assert method in {"GET", "HEAD", "POST", "DELETE"}
        within(target)
        clean(headers)
    if answer is None:
        assert broken, f"no answer for {raw[:300]!r}"
    else:
        told(answer, behind, broken=broken)
    after = send(edge, message(b"POST", b"/openai/chat/completions", plain(GOOD), GOOD))
    assert after is not None
    assert (after.status, after.content) == (200, ANSWER)


def within(target: str) -> None:
    """However often it is decoded and whatever dots mean, a URL stays below the gateway's."""
    path = target.partition("?")[0]
    if path == BASE.rstrip("/"):  # the Universal endpoint
        return
    assert path.startswith(BASE), target
    for _ in range(3):
        assert (posixpath.normpath(path.replace("\\", "/")) + "/").startswith(BASE), target
        path = unquote(path)


def clean(headers: list[tuple[str, str]]) -> None:
    """Nothing of the caller's that is a credential, or steers the gateway, goes on."""
    names = {name.lower() for name, _ in headers}
    assert not names & {"cookie", "authorization", "x-api-key", "x-goog-api-key", "api-key", "cf-access-jwt-assertion"}
    assert not {name for name in names if name.startswith(("x-forwarded-", "cf-cert-", "cf-connecting-"))}
    assert {name for name in names if name.startswith(("cf-aig-", "x-aig-"))} <= OURS
    values = " ".join(value for _, value in headers)
    assert not any(token in values for token in (ACME, KEYED, ADMIN))
    assert [value for name, value in headers if name.lower() == "cf-aig-authorization"] == [f"Bearer {GATEWAY_TOKEN}"]


def told(answer: Answer, behind: Gateway, *, broken: bool) -> None:
    assert b"Traceback" not in answer.content
    # workerd says this itself of an Upgrade or a Host that it cannot serve; an exception of ours would carry its trace.
    its_own = broken and answer.content == b"Internal Server Error"
    assert answer.status < 500 or its_own, answer
    if "x-aig-refused" in answer.headers:
        assert not behind.seen
        assert 400 <= answer.status < 500
        assert answer.headers["content-type"] == "application/json"
        if answer.content:  # a HEAD has none
            said = json.loads(answer.content)
            assert said["error"]["message"]
    elif "x-aig-decision-id" in answer.headers:
        assert answer.status == 200
        assert len(behind.seen) == 1
    else:
        # The Worker's own pages, or workerd's parser, which the Worker never hears of.
        assert not behind.seen
        own = answer.headers.get("cache-control") == "no-store"
        parser = answer.status == 400 and answer.content == b"invalid URI"
        assert own or parser or (broken and answer.status in (400, 413, 414, 431, 500, 501)), answer


# --- Paths ---

SEGMENTS = st.sampled_from(
    [
        *("openai", "anthropic", "google-ai-studio", "compat", "workers-ai", "custom-x", "azure-openai", "bedrock"),
        *("chat", "completions", "v1", "v1beta", "messages", "models", "responses", "c", "cached", "cheap", "nothing"),
        *("..", ".", "...", "%2e%2e", "%2E", ".%2e", "%252e%252e", "..;", "..%2f..", "%5c..", "\\..", "", "%00", "%0a"),
        *(
            "%",
            "%zz",
            "%c0%ae",
            "é",
            "%C3%A9",
            "ﬀ",
            "\N{FULLWIDTH FULL STOP}" * 2,
            "a b",
            "@evil.example",
            "evil.example:80",
            "http:",
        ),
        *(
            "gemini-pro:generateContent",
            "{x}",
            "|",
            "^",
            "`",
            '"',
            "<>",
            ACCOUNT,
            GATEWAY,
            "healthz",
            "_aig",
            "explain",
        ),
    ]
)
TARGETS = st.one_of(
    st.lists(SEGMENTS, max_size=7).map(lambda parts: "/" + "/".join(parts)),
    st.lists(SEGMENTS, max_size=5).map(lambda parts: "/c/cached/" + "/".join(parts)),
    st.lists(SEGMENTS, max_size=5).map(lambda parts: "/openai/" + "/".join(parts)),
    st.text(st.characters(codec="utf-8", exclude_characters=" \r\n\t"), max_size=30).map(lambda text: "/" + text),
)
QUERIES = st.sampled_from(
    ["", "", "", "?a=b", "?", "??", "?x=/../..", "?a=%00", "?key=é", "#fragment", "?@evil.example/"]
)
METHODS = st.sampled_from([b"POST", b"POST", b"GET", b"HEAD", b"DELETE", b"PUT", b"PATCH", b"OPTIONS"])


@RUN
@given(method=METHODS, target=TARGETS, query=QUERIES)
@example(b"POST", "//evil.example/openai/chat/completions", "")
@example(b"POST", "/openai/../../../../client/v4", "")
@example(b"POST", "/c/cached/..%2f..%2fother/openai/chat/completions", "")
@example(b"GET", "/openai/%2e%2e/%2e%2e/x/openai/models", "")
def test_any_path(edge: Running, behind: Gateway, method: bytes, target: str, query: str) -> None:
    content = b"" if method in (b"GET", b"HEAD") else GOOD
    raw = (target + query).encode("utf-8")
    printable = all(0x20 < byte < 0x7F for byte in raw)
    judge(edge, behind, message(method, raw, plain(content), content), broken=not printable)


@pytest.mark.parametrize(
    "target", [b"http://evil.example/openai/chat/completions", b"https://127.0.0.1:1/x", b"evil.example:443", b""]
)
def test_a_target_that_is_no_path(edge: Running, behind: Gateway, target: bytes) -> None:
    judge(edge, behind, message(b"POST", target, plain(GOOD), GOOD), broken=True)


# --- Headers ---

TEMPTING = [
    (name, b"forged")
    for name in (
        *(
            b"cf-aig-cache-key",
            b"cf-aig-metadata",
            b"cf-aig-custom-cost",
            b"cf-aig-request-timeout",
            b"x-aig-cache-key",
        ),
        *(b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"x-forwarded-for", b"x-forwarded-host"),
        *(b"cf-access-jwt-assertion", b"cf-cert-fingerprint-sha256", b"cf-connecting-ip", b"x-real-ip", b"forwarded"),
    )
]

NAMES = st.one_of(
    st.sampled_from(
        [
            *("cf-aig-cache-key", "cf-aig-metadata", "cf-aig-authorization", "cf-aig-custom-cost", "cf-aig-x"),
            *("cf-aig-request-timeout", "x-aig-route-class", "x-aig-cache", "x-aig-tenant", "x-aig-targeting-key"),
            *("authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "x-forwarded-for", "connection"),
            *("content-encoding", "accept-encoding", "expect", "upgrade", "te", "trailer", "host", "accept"),
            *("cf-access-jwt-assertion", "cf-cert-fingerprint-sha256", "cf-worker", "anthropic-version", "x-own"),
        ]
    ),
    st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", fullmatch=True),
)
VALUES = st.one_of(
    st.sampled_from(
        [b"forged", b"Bearer forged", f"Bearer {GLOBEX}".encode(), b"", b"gzip", b"cached", b"off", b"close"]
    ),
    st.sampled_from([b"response; ttl=5", b"gateway-default", b"x-own", b"100-continue", b"websocket", b"{}", b'{"a":']),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).map(str.encode),
    st.binary(max_size=20).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"")),
)


@RUN
@given(
    headers=st.lists(st.tuples(NAMES.map(str.encode), VALUES), max_size=6),
    token=st.sampled_from([ACME, KEYED, "nobody"]),
    path=st.sampled_from(
        [b"/openai/chat/completions", b"/anthropic/v1/messages", b"/c/cached/compat/chat/completions"]
    ),
)
@example([(b"x-own", b"a\x00b")], ACME, b"/openai/chat/completions")
@example([(b"x-aig-tenant", "größe".encode("latin-1"))], ACME, b"/openai/chat/completions")
@example([(b"x-own", "größe".encode())], ACME, b"/openai/chat/completions")
@example([(b"x-own", "€".encode())], ACME, b"/openai/chat/completions")
@example([(b"x-own", b"\xff\xfe")], ACME, b"/openai/chat/completions")
@example([(b"x-aig-targeting-key", "€".encode())], ACME, b"/c/cheap/openai/chat/completions")
@example([(b"connection", b"authorization")], ACME, b"/openai/chat/completions")
def test_any_headers(
    edge: Running, behind: Gateway, headers: list[tuple[bytes, bytes]], token: str, path: bytes
) -> None:
    framing = {b"content-length", b"transfer-encoding", b"content-type"}
    sent = [pair for pair in headers if pair[0].lower() not in framing]
    judge(edge, behind, message(b"POST", path, plain(GOOD, token, *sent), GOOD), broken=not orderly(sent))


@pytest.mark.parametrize("token", [ACME, KEYED])
def test_what_tempts_does_not_go_on(edge: Running, behind: Gateway, token: str) -> None:
    behind.seen.clear()
    answer = send(edge, message(b"POST", b"/openai/chat/completions", plain(GOOD, token, *TEMPTING), GOOD))
    assert answer is not None
    assert (answer.status, answer.content) == (200, ANSWER)
    [(_, _, headers)] = behind.seen
    clean(headers)
    assert "forged" not in " ".join(value for _, value in headers)


def orderly(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether it is certain that workerd's own parser lets them through: no control characters, nothing hop by hop."""
    steering = {b"host", b"expect", b"upgrade", b"te", b"trailer", b"connection", b"keep-alive"}
    return all(
        name.lower() not in steering and all(byte >= 0x20 and byte != 0x7F for byte in value) for name, value in headers
    )


# --- Bodies ---

LENGTHS = st.sampled_from(
    [b"0", b"1", b"5", b"-1", b"abc", b"1, 2", b"99999999999999999999", b"26214401", b"0x10", b""]
)
TYPES = st.sampled_from(
    [
        *(b"application/json", b"text/plain", b"multipart/form-data", b"multipart/form-data; boundary=x", b""),
        *(
            b"application/x-www-form-urlencoded",
            b"application/json; charset=utf-16",
            b"image/png",
            b"\xff/\xfe",
            b";;;",
        ),
    ]
)
BODIES = st.one_of(
    st.sampled_from(
        [GOOD, GOOD[:-3], b"", b"null", b"[]", b"1e999", b'"\\ud800"', b'{"model":5}', b"\xef\xbb\xbf" + GOOD]
    ),
    st.sampled_from(
        [b'{"model":null,"messages":"x"}', b'{"messages":[1,null,{}]}', b"{" * 3000, b'{"n":' + b"9" * 5000 + b"}"]
    ),
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from([None, 0, -1, True, "", "aig/cheap", "openai/gpt-5", [], {}, [None], 10**30])
            for name in ("model", "messages", "stream", "tools", "max_tokens", "n", "metadata", "user")
        },
    ).map(lambda value: json.dumps(value).encode()),
)


@RUN
@given(
    content=BODIES,
    kind=TYPES,
    path=st.sampled_from(
        [
            *(b"/openai/chat/completions", b"/c/cheap/openai/chat/completions", b"/anthropic/v1/messages", b"/"),
            *(b"/c/cached/openai/responses", b"/google-ai-studio/v1beta/models/gemini-pro:generateContent"),
        ]
    ),
)
def test_any_body(edge: Running, behind: Gateway, content: bytes, kind: bytes, path: bytes) -> None:
    headers = [(b"content-type", kind), *plain(content)[1:]]
    judge(edge, behind, message(b"POST", path, headers, content), broken=kind == b"\xff/\xfe")


@RUN
@given(
    content=st.sampled_from([GOOD, b"", b"{"]),
    length=LENGTHS | st.integers(0, 200).map(lambda value: b"%d" % value),
    twice=st.booleans(),
    chunked=st.booleans(),
)
def test_any_lie_about_the_length(
    edge: Running, behind: Gateway, content: bytes, length: bytes, twice: bool, chunked: bool
) -> None:
    headers: list[tuple[bytes, Any]] = [(b"content-length", length), *plain(content)[:1], *plain(content)[2:]]
    headers += [(b"content-length", b"%d" % len(content))] * twice + [(b"transfer-encoding", b"chunked")] * chunked
    judge(edge, behind, message(b"POST", b"/openai/chat/completions", headers, content), broken=True)
