"""The fixtures: a gateway in process, a server for the session, and an environment that leads to either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

_START = """
import pytest
from aig_client import AsyncGatewayClient, CacheIntent, GatewayClient

BODY = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Say hello."}]}
CACHED = CacheIntent.response(300)

@pytest.fixture
def anyio_backend():
    return "asyncio"

def text_of(answer):
    return answer.data["choices"][0]["message"]["content"]

"""


class Run:
    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def __call__(self, tests: str, *arguments: str) -> pytest.RunResult:
        self._pytester.makeini("[pytest]\nanyio_mode = auto\naddopts = --strict-markers")
        self._pytester.makepyfile(_START + tests)
        return self._pytester.runpytest(*arguments)


@pytest.fixture
def pytest_run(pytester: pytest.Pytester) -> Run:
    return Run(pytester)


def test_a_gateway_for_each_test(pytest_run: Run) -> None:
    pytest_run("""
def test_an_answer_ages(aig_gateway):
    with GatewayClient(**aig_gateway.client_options(), tenant="acme") as client:
        client.chat(BODY, cache=CACHED)
        aig_gateway.assert_missed()
        client.chat(BODY, cache=CACHED)
        aig_gateway.assert_hit()
        aig_gateway.advance(301)
        client.chat(BODY, cache=CACHED)
        aig_gateway.assert_missed()
        client.chat(BODY)
        aig_gateway.assert_skipped()
    aig_gateway.assert_no_gateway_headers_at_provider()

def test_nothing_is_left_of_it(aig_gateway):
    assert aig_gateway.log == ()

async def test_async_code(aig_gateway):
    async with AsyncGatewayClient(**aig_gateway.client_options("httpx2", asynchronous=True)) as client:
        await client.chat(BODY)
    aig_gateway.assert_skipped()

def test_an_sdk_of_its_own(aig_gateway):
    import openai
    with aig_gateway.client("httpx2") as http_client:
        sdk = openai.OpenAI(
            base_url=aig_gateway.base_url("openai"), api_key="sk-test", http_client=http_client,
            default_headers=aig_gateway.auth_headers,
        )
        assert sdk.chat.completions.create(**BODY).choices
    assert aig_gateway.last.provider == "openai"
""").assert_outcomes(passed=4)


def test_one_server_for_a_session_with_a_new_log_cache_and_clock_for_each_test(pytest_run: Run) -> None:
    pytest_run("""
origins = []

@pytest.mark.parametrize("turn", [1, 2])
def test_an_answer_ages(aig_server, turn):
    origins.append(aig_server.origin)
    assert aig_server.log == () and aig_server.provider_calls == ()
    aig_server.say("once", first=1)
    with GatewayClient(**aig_server.client_options(), tenant="acme") as client:
        assert text_of(client.chat(BODY, cache=CACHED)) == "once"
        aig_server.assert_missed()
        client.chat(BODY, cache=CACHED)
        aig_server.assert_hit()
        aig_server.advance(301)
        assert text_of(client.chat(BODY, cache=CACHED)) != "once"
        aig_server.assert_missed()

@pytest.mark.aig(cache=60)
def test_another_configuration(aig_server):
    origins.append(aig_server.origin)

@pytest.mark.aig(scenario='[[rule]]\\nsay = "ruled"\\n')
def test_rules_do_not_need_another_server(aig_server):
    origins.append(aig_server.origin)
    with GatewayClient(**aig_server.client_options()) as client:
        assert text_of(client.chat(BODY)) == "ruled"

def test_its_rules_are_gone(aig_server):
    with GatewayClient(**aig_server.client_options()) as client:
        assert text_of(client.chat(BODY)) != "ruled"
    assert origins[0] == origins[1] == origins[3] != origins[2]
""").assert_outcomes(passed=5)


_SERVICE = """
import os

def ask():  # code under test, which knows nothing of tests
    with GatewayClient() as client:
        return client.chat(BODY)
"""


def test_code_that_makes_its_own_clients_is_led_here(pytest_run: Run) -> None:
    pytest_run(
        _SERVICE
        + """
def test_in_process(aig_environment, aig_gateway, aig_no_live):
    ask()
    assert aig_environment is aig_gateway
    aig_gateway.assert_skipped()

async def test_async_code(aig_environment, aig_no_live):
    async with AsyncGatewayClient() as client:
        await client.chat(BODY)
    aig_environment.assert_skipped()

def test_with_a_server(aig_environment, aig_server, aig_no_live):
    ask()
    assert aig_environment is aig_server
    aig_server.assert_skipped()

@pytest.mark.usefixtures("aig_environment")
def test_an_sdk_and_a_production_url(aig_gateway, aig_no_live):
    import openai
    url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/demo/openai"
    with openai.OpenAI(base_url=url, api_key="sk-test", default_headers=aig_gateway.auth_headers) as sdk:
        assert sdk.chat.completions.create(**BODY).choices
    assert len(aig_gateway.log) == 1

def test_the_rest_of_the_environment_is_unset(monkeypatch, request):
    monkeypatch.setenv("AIG_NAMESPACE", "mine")
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "mine")
    request.getfixturevalue("aig_environment")
    assert "AIG_NAMESPACE" not in os.environ and "CLOUDFLARE_ACCOUNT_ID" not in os.environ

def test_afterwards_all_is_as_before():
    import httpx, httpx2
    assert "AIG_BASE_URL" not in os.environ
    for family in (httpx, httpx2):
        assert family.HTTPTransport.handle_request.__module__.startswith(family.__name__)
        assert family.AsyncHTTPTransport.handle_async_request.__module__.startswith(family.__name__)
"""
    ).assert_outcomes(passed=6)


def test_markers_say_what_the_gateway_does(pytest_run: Run, pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", busy='[gateway]\ncaching = true\n\n[[rule]]\nfault = "status;code=503"\nfirst = 1\n')
    pytest_run("""
from pathlib import Path
from aig_client.apps.emulator import GatewaySettings, Match, Rule, Scenario, load_scenario

pytestmark = pytest.mark.aig(gateway="all", cache=True)
RULES = Scenario((Rule(say="ruled", first=1),))

def test_of_the_module(aig_gateway):
    assert aig_gateway.base_url().endswith("/all")
    assert aig_gateway.config.settings.caching

@pytest.mark.aig(gateway="mine", cache=120)
def test_the_nearest_wins(aig_gateway):
    assert aig_gateway.gateway == "mine"
    assert aig_gateway.config.settings.cache_ttl == 120

@pytest.mark.aig(cache=False, settings=GatewaySettings(caching=True, retry_max_attempts=2))
def test_settings(aig_gateway):
    assert not aig_gateway.config.settings.caching
    assert aig_gateway.config.settings.retry_max_attempts == 2

@pytest.mark.aig(stored_keys=["openai"], auth_tokens={"a", "b"})
def test_sets(aig_gateway):
    assert aig_gateway.config.stored_keys == {"openai"}
    assert aig_gateway.token == "a"

@pytest.mark.aig(auth_tokens=())
def test_without_authentication(aig_gateway):
    assert aig_gateway.token is None and not aig_gateway.config.stored_keys

@pytest.mark.aig(scenario="busy.toml")
def test_a_file(aig_gateway):
    assert [rule.fault for rule in aig_gateway.scenario.rules] == ["status;code=503"]

@pytest.mark.aig(scenario=Path(__file__).with_name("busy.toml"))
def test_a_path(aig_gateway):
    assert len(aig_gateway.scenario.rules) == 1

@pytest.mark.aig(scenario=load_scenario(Path(__file__).with_name("busy.toml")))
def test_a_loaded_file(aig_gateway):
    assert len(aig_gateway.scenario.rules) == 1

@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.aig(scenario=RULES)
def test_a_scenario_counts_anew_for_each_test(aig_gateway, turn):
    aig_gateway.say("else")
    with GatewayClient(**aig_gateway.client_options()) as client:
        assert text_of(client.chat(BODY)) == "ruled"
        assert text_of(client.chat(BODY)) == "else"
""").assert_outcomes(passed=10)


_WRONG = {
    "aig(True)": "takes its arguments by name, as in aig(cache=True)",
    "aig(cach=True)": "has no cach; did you mean cache?",
    "aig(quite_unknown=1)": "has no quite_unknown",
    "aig(cache='yes')": "cache must be True, False or seconds, not a str",
    "aig(cache=5)": "cache: cache_ttl must be 60 to 2592000, not 5",
    "aig(stored_keys='openai')": "stored_keys must be a set of strings, not a str",
    "aig(settings={})": "settings must be GatewaySettings, not a dict",
    "aig(account='x')": "account must be 32 lower-case hex characters, not 'x'",
    "aig(latency_ms='x')": "'<=' not supported",
    "aig(scenario=3)": "scenario must be a file, its text or a Scenario, not a int",
    "aig(scenario='none.toml')": "scenario: *No such file*",
    "aig(scenario='[[rule]]')": "scenario: scenario: rule*",
    "aig(upstreams={'openai': 'https://api.openai.com'})": "upstreams: a gateway in this process",
}


def test_a_marker_that_cannot_be_used_says_why(pytest_run: Run) -> None:
    tests = "".join(
        f"@pytest.mark.{mark}\ndef test_{number}(aig_gateway):\n    pass\n\n" for number, mark in enumerate(_WRONG)
    )
    result = pytest_run(tests)
    result.assert_outcomes(errors=len(_WRONG))
    for problem in _WRONG.values():
        result.stdout.fnmatch_lines([f"the marker aig *{problem}*"])
    assert "Traceback" not in result.stdout.str()
    assert "_marker.py" not in result.stdout.str()


def test_a_failure_ends_at_the_line_of_the_test_and_shows_the_log(pytest_run: Run) -> None:
    result = pytest_run("""
def test_it(aig_gateway):
    with GatewayClient(**aig_gateway.client_options(), tenant="acme") as client:
        client.chat(BODY, cache=CACHED)
        aig_gateway.assert_hit()
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">           aig_gateway.assert_hit()",
            "E           AssertionError: log[[]0] was no HIT: it is a MISS, and no request before it had its key *",
            "E             log[[]0] POST openai/chat/completions 200 MISS, key *, model gpt-4.1-mini, cf-aig-cache-*",
        ]
    )
    assert "_inprocess" not in result.stdout.str()


def test_the_marker_and_the_fixtures_are_told_of(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.aig(scenario=..., cache=..., live=..., *"])
    shown = pytester.runpytest("--fixtures").stdout.str()
    for name in ("aig_gateway", "aig_server", "aig_environment", "aig_no_live"):
        assert f"{name} -- " in shown


# --- Light, and whole without extras ---


def _python(script: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments, "-c", script], capture_output=True, text=True, check=False, cwd=folder
    )


def test_loading_it_loads_nothing_else(tmp_path: Path) -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import aig_client.apps.pytest_plugin\n"
        "more = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert more <= {'aig_client', *sys.stdlib_module_names}, more\n"
        "assert 'aig_client.apps.emulator' not in sys.modules and 'asyncio' not in set(sys.modules) - before"
    )
    done = _python(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_session_that_asks_for_nothing_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\ndef test_it():\n"
        "    loaded = {'httpx', 'httpx2', 'httpcore', 'pydantic', 'starlette', 'uvicorn', 'aig_client.apps.emulator'}\n"
        "    assert not loaded & set(sys.modules)\n"
    )
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "aig_client.apps.pytest_plugin", "test_plain.py"]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_extra_a_server_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sys\nfor name in ('starlette', 'uvicorn', 'httpx2', 'httpcore2'):\n    sys.modules[name] = None\n"
    )
    (tmp_path / "test_it.py").write_text(
        "def test_gateway(aig_gateway, aig_no_live):\n"
        "    assert aig_gateway.client().get('openai/models').status_code == 401\n"
        "def test_environment(aig_environment):\n    pass\n"
        "def test_server(aig_server):\n    pass\n"
    )
    arguments = [sys.executable, "-m", "pytest", "-p", "aig_client.apps.pytest_plugin", "-p", "no:cacheprovider"]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "aig_server: serve_in_thread needs" in done.stdout
    assert "pip install 'aig-client[emulator]'" in done.stdout
