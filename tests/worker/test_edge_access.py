"""Cloudflare Access in front of the Worker: real keys and assertions, and a keys endpoint that is not always well."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread

from ..path.test_edge import Team
from ..serving import in_thread
from .edges import ACME, GATEWAY_TOKEN, document, pointer, variables
from .workerd import ROOT, WRANGLER, Running, Tools, serve

ADA = "ada@acme.example"
AUDIENCE = "the-aud-tag"
ASKED: dict[str, Any] = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}
SICK = {
    "sick": (503, b"no"),
    "html": (200, b"<!doctype html><title>Sign in</title>"),
    "list": (200, b'["keys"]'),
    "none": (200, b'{"keys": []}'),
    "deep": (200, b"[" * 10_000 + b"]" * 10_000),
    "cut": (200, b'{"keys": ['),
    "hung": (0, b""),
}
TEAMS = ("well", "burst", "other", *SICK)
KEYS, OTHER = Team(), Team()


class Certs(ThreadingHTTPServer):
    """Answers for every team, at the path of its name; a sick one answers badly until it is well."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.sick = dict(SICK)
        self.asked: list[str] = []

    def host(self, team: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{team}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Certs)
        team, _, path = self.path[1:].partition("/")
        self.server.asked.append(team)
        keys = OTHER.keys if team == "other" else KEYS.keys
        status, content = self.server.sick.get(team, (200, json.dumps(keys).encode()))
        if status == 0:
            time.sleep(5)
            return
        self.send_response(status if path == "cdn-cgi/access/certs" else 404)
        self.send_header(
            "content-length", str(len(content) + (100 if team in self.server.sick and team == "cut" else 0))
        )
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        pass


@pytest.fixture(scope="module")
def certs() -> Iterator[Certs]:
    server = Certs()
    with in_thread(server):
        yield server


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    stored = frozenset({"openai", "anthropic", "google-ai-studio"})
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=stored)) as running:
        yield running


class Guarded:
    """The Worker behind Access; ``policy`` gives it another team."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self._version = 0

    def policy(self, team: str) -> None:
        self._version += 1
        person = {"tenant": "acme", "access": [ADA], "classes": ["*"]}
        principals = {**json.loads(document())["principals"], "people": person}
        text = document(principals=principals, access={"team": host_of(team), "audience": AUDIENCE})
        self.running.put("POLICY", f"edge/{self._version}", text)
        self.running.put("POLICY", "current", pointer(self._version, text))
        end = time.monotonic() + 10
        while (said := httpx.get(f"{self.running.url}/healthz", trust_env=False).json())["policy"]["version"] != (
            self._version
        ):
            assert time.monotonic() < end, f"the policy was not taken: {said}"
            time.sleep(0.02)


def host_of(team: str) -> str:
    return f"{team}.cloudflareaccess.com"


@pytest.fixture(scope="module")
def guarded(
    harness: Tools, emulator: RunningEmulator, certs: Certs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    log = tmp_path_factory.mktemp("access") / "log"
    told = variables(emulator, KEY_SECRET=None, POLICY_FRESH_SECONDS=0)
    hosts = {host_of(team): certs.host(team) for team in TEAMS}
    with serve(harness, WRANGLER, log, vars=told, hosts=hosts) as running:
        yield Guarded(running)
    assert "Traceback" not in log.read_text("utf-8")


def assertion(team: str, signed_by: Team = KEYS, **claims: Any) -> str:
    now = int(time.time())
    usual = {"iss": f"https://{host_of(team)}", "aud": [AUDIENCE], "exp": now + 600, "nbf": now - 5, "email": ADA}
    return signed_by.assertion({**usual, **claims})


def ask(
    guarded: Guarded, proof: str, *, path: str = "/openai/chat/completions", token: str | None = None
) -> httpx.Response:
    headers = {"cf-access-jwt-assertion": proof, **({"authorization": f"Bearer {token}"} if token else {})}
    return httpx.post(guarded.running.url + path, json=ASKED, headers=headers, trust_env=False, timeout=20)


def test_who_comes_through_access_is_known_by_the_teams_key(
    guarded: Guarded, emulator: RunningEmulator, certs: Certs
) -> None:
    guarded.policy("well")
    statuses = {ask(guarded, assertion("well")).status_code for _ in range(20)}
    assert statuses == {200}
    assert certs.asked.count("well") == 1
    seen = emulator.log[-1]
    assert json.loads(seen.cf_aig["cf-aig-metadata"])["principal"] == "people"
    assert not [name for name in seen.header_names if name.startswith("cf-access")]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["another-application"]},
        {"aud": None},
        {"exp": int(time.time()) - 3600},
        {"nbf": int(time.time()) + 3600},
        {"iss": "https://another.cloudflareaccess.com"},
        {"email": "eve@acme.example"},
        {"signed_by": OTHER},
    ],
    ids=["audience", "no audience", "expired", "not yet", "issuer", "a stranger", "key"],
)
def test_an_assertion_that_does_not_hold_is_nobodys(guarded: Guarded, claims: dict[str, Any]) -> None:
    guarded.policy("well")
    proof = assertion("well", **claims)
    openai = ask(guarded, proof)
    assert (openai.status_code, openai.json()["error"]["code"]) == (401, "unauthenticated")
    claude = ask(guarded, proof, path="/anthropic/v1/messages")
    assert (claude.status_code, claude.json()["error"]["type"]) == (401, "authentication_error")
    gemini = ask(guarded, proof, path="/google-ai-studio/v1beta/models/gemini-3-flash:generateContent")
    assert (gemini.status_code, gemini.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert ask(guarded, proof, token=ACME).status_code == 200
    assert ask(guarded, assertion("well")).status_code == 200


async def test_the_first_requests_of_all_are_answered_too_though_they_come_at_once(
    guarded: Guarded, certs: Certs
) -> None:
    guarded.policy("burst")
    headers = {"cf-access-jwt-assertion": assertion("burst")}
    async with httpx.AsyncClient(base_url=guarded.running.url, trust_env=False, timeout=20) as client:
        answers = await asyncio.gather(
            *(client.post("/openai/chat/completions", json=ASKED, headers=headers) for _ in range(10))
        )
    assert [answer.status_code for answer in answers] == [200] * 10
    assert 1 <= certs.asked.count("burst") <= 10


def test_another_team_has_other_keys(guarded: Guarded) -> None:
    """The keys of the team before would be good for an hour."""
    guarded.policy("well")
    assert ask(guarded, assertion("well")).status_code == 200
    guarded.policy("other")
    assert ask(guarded, assertion("well")).status_code == 401
    assert ask(guarded, assertion("other")).status_code == 401
    assert ask(guarded, assertion("other", OTHER)).status_code == 200


@pytest.mark.parametrize("team", SICK)
def test_without_keys_nobody_is_let_in_and_once_they_are_there_everybody_is(
    guarded: Guarded, certs: Certs, team: str
) -> None:
    guarded.policy(team)
    refused = ask(guarded, assertion(team))
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthenticated")
    assert certs.asked.count(team) == 1
    assert ask(guarded, assertion(team), token=ACME).status_code == 200
    del certs.sick[team]
    time.sleep(1.1)  # it is asked once a second
    assert ask(guarded, assertion(team)).status_code == 200


# --- When they are asked for: the Worker's module, with a clock of ours ---


class World:
    """What ``worker/access.py`` needs of workerd: a clock, and an endpoint."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[str] = []
        self.keys: dict[str, object] | None = {"keys": [{"kid": "first"}]}

    async def fetch(self, url: str, **_options: object) -> object:
        self.asked.append(url)
        if self.keys is None:
            raise OSError

        async def text() -> str:
            return json.dumps(self.keys)

        return SimpleNamespace(status=200, text=text)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    one = World()
    signal = SimpleNamespace(timeout=lambda _milliseconds: None)
    stands_for: dict[str, dict[str, Any]] = {
        "js": {"AbortSignal": signal},
        "pyodide": {},
        "pyodide.ffi": {"JsException": RuntimeError},
        "workers": {"fetch": one.fetch},
    }
    for name, members in stands_for.items():
        module = ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return one


@pytest.fixture
def keys(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = spec_from_file_location("access", ROOT / "worker" / "access.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: world.now))
    return module.AccessKeys()


async def test_keys_are_asked_for_once_an_hour(world: World, keys: Any) -> None:
    for later in (0, 1, 3598):
        world.now = 1000.0 + later
        assert await keys.of("a.example") == {"keys": [{"kid": "first"}]}
    assert world.asked == ["https://a.example/cdn-cgi/access/certs"]
    world.keys = {"keys": [{"kid": "second"}]}
    world.now = 1000.0 + 3601
    assert await keys.of("a.example") == {"keys": [{"kid": "second"}]}
    assert len(world.asked) == 2


async def test_where_nobody_answers_those_there_are_stay_and_it_is_asked_once_a_minute(world: World, keys: Any) -> None:
    first = await keys.of("a.example")
    world.keys = None
    for later, times in ((3601, 2), (3602, 2), (3660, 2), (3662, 3)):
        world.now = 1000.0 + later
        assert await keys.of("a.example") == first
        assert len(world.asked) == times


async def test_where_there_are_none_yet_it_is_asked_once_a_second(world: World, keys: Any) -> None:
    world.keys = None
    for later, times in ((0.0, 1), (0.9, 1), (1.1, 2), (1.9, 2), (2.2, 3)):
        world.now = 1000.0 + later
        assert await keys.of("a.example") == {}
        assert len(world.asked) == times
