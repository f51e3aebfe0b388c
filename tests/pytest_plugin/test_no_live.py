"""Tests that would leave the machine fail, whichever way they take. `192.0.2.1` belongs to nobody (RFC 5737)."""

from __future__ import annotations

import socket
from asyncio.proactor_events import BaseProactorEventLoop
from collections.abc import Callable
from importlib import import_module
from typing import cast

import pytest

from aig_client.apps.pytest_plugin import LiveCallError, LiveGuard

pytest_plugins = ["pytester"]

_CALLS = {
    "httpx": ("httpx.get('https://api.example.com/secret?key=secret')", "api.example.com:443 (httpx)"),
    "httpx-port": ("httpx.get('http://api.example.com:8080/secret')", "api.example.com:8080 (httpx)"),
    "httpx2": ("httpx2.get('https://api.example.com/secret')", "api.example.com:443 (httpx2)"),
    "httpx-proxy": (
        "httpx.Client(proxy='http://127.0.0.1:9').get('https://api.example.com/secret')",
        "api.example.com:443 (httpx)",
    ),
    "aig-client": (
        "aig_client.GatewayClient(account_id='0' * 32, gateway_id='g', token='secret').chat({'model': 'secret'})",
        "gateway.ai.cloudflare.com:443 (httpx)",
    ),
    "openai": (
        "openai.OpenAI(api_key='secret', max_retries=0).models.list()",
        "api.openai.com:443 (httpx2)",
    ),
    "connect": ("with socket.socket() as one: one.connect(('192.0.2.1', 5432))", "192.0.2.1:5432 (socket)"),
    "connect-ex": ("with socket.socket() as one: one.connect_ex(('192.0.2.1', 5432))", "192.0.2.1:5432 (socket)"),
    "connect-v6": (
        "with socket.socket(socket.AF_INET6) as one: one.connect(('2001:db8::1', 5432, 0, 0))",
        "[2001:db8::1]:5432 (socket)",
    ),
    "create-connection": (
        "socket.create_connection(('db.example.com', 5432), timeout=1)",
        "db.example.com:5432 (name lookup)",
    ),
    "lookup": ("socket.gethostbyname('db.example.com')", "db.example.com (name lookup)"),
    "sendto": (
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one: one.sendto(b'secret', ('192.0.2.1', 8125))",
        "192.0.2.1:8125 (socket)",
    ),
    "urllib": (
        "urllib.request.urlopen('https://api.example.com/secret', timeout=1)",
        "api.example.com:443 (name lookup)",
    ),
}
_ASYNC_CALLS = {
    "httpx": ("await httpx.AsyncClient().get('https://api.example.com/secret')", "api.example.com:443 (httpx)"),
    "httpx2": ("await httpx2.AsyncClient().get('https://api.example.com/secret')", "api.example.com:443 (httpx2)"),
    "anyio": ("await anyio.connect_tcp('192.0.2.1', 5432)", "192.0.2.1:5432 (socket)"),
    "anyio-name": ("await anyio.connect_tcp('db.example.com', 5432)", "db.example.com:5432 (name lookup)"),
    "asyncio": ("await asyncio.open_connection('192.0.2.1', 5432)", "192.0.2.1:5432 (socket)"),
    "asyncio-name": ("await asyncio.open_connection('db.example.com', 5432)", "db.example.com:5432 (name lookup)"),
}
_IMPORTS = "import asyncio, socket, threading, urllib.request, aig_client, anyio, httpx, httpx2, openai, pytest\n"


_BACKEND = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"


def _test(pytester: pytest.Pytester, *bodies: str, colour: str = "") -> None:
    """A file of tests that are guarded."""
    pytester.makeini("[pytest]\nanyio_mode = auto")
    tests = [
        f"{colour}def test_{number}(aig_no_live):\n" + "".join(f"    {line}\n" for line in body.splitlines())
        for number, body in enumerate(bodies)
    ]
    pytester.makepyfile(_IMPORTS + _BACKEND + "".join(tests))


def _swallowed(call: str) -> str:
    return f"try:\n    {call}\nexcept BaseException:\n    pass"


@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize(("colour", "calls"), [("", _CALLS), ("async ", _ASYNC_CALLS)], ids=["sync", "async"])
def test_a_live_call_fails_the_test_and_names_the_host(
    pytester: pytest.Pytester, colour: str, calls: dict[str, tuple[str, str]], swallowed: bool
) -> None:
    bodies = [_swallowed(call) if swallowed else call for call, _ in calls.values()]
    _test(pytester, *bodies, colour=colour)
    result = pytester.runpytest("--tb=line")
    result.assert_outcomes(failed=len(calls))
    told = [line.partition("real host: ")[2].partition("')")[0] for line in result.outlines if "a real host" in line]
    assert set(told) == {where for _, where in calls.values()}
    assert "secret" not in result.stdout.str()


def test_threads_are_watched(pytester: pytest.Pytester) -> None:
    _test(
        pytester,
        "def work():\n    try:\n        httpx.get('https://api.example.com')\n    except BaseException:\n        pass\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()",
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*real host: api.example.com:443 (httpx)"])


def test_a_test_that_fails_for_another_reason_says_what_it_reached_for(pytester: pytest.Pytester) -> None:
    _test(
        pytester,
        "try:\n    socket.gethostbyname('db.example.com')\nexcept BaseException:\n    pass\nassert 1 == 2",
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "*aig_no_live*", "*real host: db.example.com (name lookup)*"])


_LOCAL = """
import asyncio, http.server, socket, threading
import anyio, httpx, httpx2, pytest, respx

@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
        def log_message(self, *arguments):
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_http(aig_no_live, server):
    for host in ("127.0.0.1", "localhost"):
        assert httpx.get(f"http://{host}:{server}").text == "ok"
        assert httpx2.get(f"http://{host}:{server}").text == "ok"

async def test_async_http(aig_no_live, server):
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://localhost:{server}")).text == "ok"

def test_sockets(aig_no_live, server, tmp_path):
    for host in ("127.0.0.1", "localhost", "0.0.0.0"):
        socket.create_connection((host, server), timeout=1).close()
    try:
        socket.getaddrinfo(socket.gethostname(), 0)
    except OSError:
        pass  # a machine that does not know its own name
    one, other = socket.socketpair()
    one.send(b"x"), other.recv(1), one.close(), other.close()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.sendto(b"x", ("127.0.0.1", server))
    udp.close()

def test_unix_sockets(aig_no_live, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        listener.bind("s")
        listener.listen()
        caller.connect("s")
    with pytest.raises(httpx.ConnectError):
        httpx.Client(transport=httpx.HTTPTransport(uds="nowhere")).get("http://docker.example.com")

async def test_asyncio(aig_no_live, server):
    _, writer = await asyncio.open_connection("localhost", server)
    writer.close()
    await writer.wait_closed()

def test_mocks(aig_no_live):
    mock = httpx.MockTransport(lambda request: httpx.Response(204))
    assert httpx.Client(transport=mock).get("https://api.example.com").status_code == 204

def test_pytest_httpx(aig_no_live, httpx_mock):
    httpx_mock.add_response(text="mocked")
    assert httpx.get("https://api.example.com").text == "mocked"

@respx.mock
def test_respx(aig_no_live):
    respx.get("https://api.example.com").respond(text="mocked")
    assert httpx.get("https://api.example.com").text == "mocked"

def test_the_gateway_in_process(aig_gateway, aig_no_live):
    with aig_gateway.client() as client:
        client.get("https://gateway.ai.cloudflare.com/")
"""


def test_this_machine_unix_sockets_and_mocks_are_fine(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nanyio_mode = auto")
    pytester.makepyfile(_LOCAL)
    pytester.runpytest("-W", "ignore").assert_outcomes(passed=9)


_REACHES = "import socket\ndef test_it({fixture}):\n    socket.gethostbyname('db.example.com')\n"


def test_an_ini_option_guards_the_whole_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(_REACHES.format(fixture=""))
    pytester.makeini("[pytest]\naig_no_live = true")
    pytester.runpytest().assert_outcomes(failed=1)


def test_fixtures_are_guarded_with_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import socket, pytest\n"
        "@pytest.fixture(scope='session')\ndef database():\n"
        "    try:\n        socket.gethostbyname('db.example.com')\n    except BaseException:\n        pass\n"
        "def test_it(database):\n    pass\n"
    )
    pytester.makeini("[pytest]\naig_no_live = true")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*real host: db.example.com (name lookup)"])


def test_a_call_after_the_test_is_an_error_of_its_teardown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import socket, pytest\n"
        "@pytest.fixture\ndef late(aig_no_live):\n    yield\n"
        "    try:\n        socket.gethostbyname('db.example.com')\n    except BaseException:\n        pass\n"
        "def test_it(late):\n    pass\n"
    )
    pytester.runpytest().assert_outcomes(passed=1, errors=1)


def test_a_marker_lifts_the_guard_and_hosts_may_be_named(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naig_no_live = true\naig_live_hosts = db.example.com 192.0.2.7")
    pytester.makepyfile(
        test_hosts="import socket, pytest\n"
        "def connect(host):\n"
        "    with socket.socket() as one:\n"
        "        one.settimeout(0.05)\n"
        "        try:\n"
        "            one.connect((host, 5432))\n"
        "        except OSError:\n"
        "            pass\n"
        "def test_named():\n    connect('192.0.2.7')\n"
        "def test_other():\n    connect('192.0.2.8')\n"
        "@pytest.mark.aig(live=True)\ndef test_live():\n    connect('192.0.2.8')\n"
        "@pytest.mark.aig(live=True)\ndef test_live_with_the_fixture(aig_no_live):\n    connect('192.0.2.8')\n"
    )
    pytester.runpytest("test_hosts.py").assert_outcomes(passed=3, failed=1)


def test_everything_is_as_before_afterwards(pytester: pytest.Pytester) -> None:
    owners = [(socket.socket, "connect"), (socket, "getaddrinfo"), (BaseProactorEventLoop, "sock_connect")]
    owners += [(import_module(core).ConnectionPool, "handle_request") for core in ("httpcore", "httpcore2")]
    before = [(getattr(owner, name), name in vars(owner)) for owner, name in owners]
    _test(pytester, "assert aig_no_live.on and hasattr(socket.getaddrinfo, '__wrapped__')")
    pytester.runpytest().assert_outcomes(passed=1)
    assert [(getattr(owner, name), name in vars(owner)) for owner, name in owners] == before
    assert "connect" not in vars(socket.socket)


# --- The guard itself ---


_NO_ADDRESS = "0.0.0.0"  # noqa: S104  (nothing is bound to it)


@pytest.fixture
def guard() -> LiveGuard:
    return LiveGuard(["db.example.com"])


def test_it_is_inert_until_it_is_started(guard: LiveGuard) -> None:
    guard.check("api.example.com", 443, "httpx")
    assert guard.attempts == ()


@pytest.mark.parametrize(
    "host",
    ["127.8.9.1", "::1", "[::1]", "::1%lo", "::ffff:127.0.0.1", _NO_ADDRESS, "::", "", "LOCALHOST.", "a.localhost"],
)
def test_these_are_this_machine(guard: LiveGuard, host: str) -> None:
    guard.start()
    try:
        guard.check(host, 80, "socket")
    finally:
        guard.stop()
    assert guard.attempts == ()


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "localhost.example.com", "127.0.0.1.example.com", "<broadcast>"],
)
def test_these_are_not(guard: LiveGuard, host: str) -> None:
    guard.start()
    try:
        with pytest.raises(LiveCallError):
            guard.check(host, 80, "socket")
    finally:
        guard.stop()
    assert [attempt.host for attempt in guard.attempts] == [host]


def test_a_mock_that_came_later_and_is_still_there_stays(guard: LiveGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    guard.start()
    ours = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **named: [])
    guard.stop()
    assert socket.getaddrinfo("api.example.com", 1) == []
    monkeypatch.undo()
    assert socket.getaddrinfo is ours
    assert socket.getaddrinfo("127.0.0.1", 1)
    socket.getaddrinfo = ours.__wrapped__  # type: ignore[attr-defined]


def test_the_addresses_of_a_host_that_may_be_reached_may_be_reached(guard: LiveGuard) -> None:
    guard.learn("db.example.com", ["192.0.2.1"])
    guard.learn("other.example.com", ["192.0.2.2"])
    guard.start()
    try:
        guard.check("192.0.2.1", 5432, "socket")
        with pytest.raises(LiveCallError):
            guard.check("192.0.2.2", 5432, "socket")
    finally:
        guard.stop()


def test_a_loop_that_connects_by_itself_is_watched(guard: LiveGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    """As asyncio's does on Windows."""

    def connect(self: object, sock: object, address: object) -> str:
        return "connected"

    monkeypatch.setattr(BaseProactorEventLoop, "sock_connect", connect)
    connect_by_loop = BaseProactorEventLoop.sock_connect
    with socket.socket() as one:
        guard.start()
        try:
            watched = cast("Callable[..., object]", BaseProactorEventLoop.sock_connect)
            assert watched(None, one, ("127.0.0.1", 1)) == "connected"
            with pytest.raises(LiveCallError, match=r"192\.0\.2\.1:1 \(asyncio\)"):
                watched(None, one, ("192.0.2.1", 1))
        finally:
            guard.stop()
    assert BaseProactorEventLoop.sock_connect is connect_by_loop
