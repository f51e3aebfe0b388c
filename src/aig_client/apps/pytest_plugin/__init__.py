"""The pytest plugin of aig-client: gateways for tests, and a guard against calls that would leave the machine.

It is loaded by every pytest where aig-client is installed, so it imports nothing until a test asks for something.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from ._marker import USAGE, MarkerError, arguments_of, wanted_by

if TYPE_CHECKING:
    from ..emulator import LocalGateway
    from ._live import LiveCallError, LiveGuard
    from ._marker import Wanted
    from ._served import ServedGateway, Servers

__all__ = ["LiveCallError", "LiveGuard", "ServedGateway"]

_HOMES = {"LiveCallError": "_live", "LiveGuard": "_live", "ServedGateway": "_served"}

_INI_GUARD = "aig_no_live"
_INI_HOSTS = "aig_live_hosts"


if not TYPE_CHECKING:  # else a misspelt name would have a type

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{home}"), name)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_INI_GUARD, "fail every test that would reach a real host", type="bool", default=False)
    parser.addini(_INI_HOSTS, "hosts that aig_no_live lets pass", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", USAGE)


# --- Gateways ---


def _wanted(request: pytest.FixtureRequest) -> Wanted:
    try:
        return wanted_by(request.node)
    except MarkerError as error:
        pytest.fail(f"the marker aig {error}", pytrace=False)


@pytest.fixture
def aig_gateway(request: pytest.FixtureRequest) -> LocalGateway:
    """An AI Gateway in this process, new for each test; see `aig_client.apps.emulator.LocalGateway`."""
    from ..emulator import LocalGateway, Scenario

    wanted = _wanted(request)
    try:
        return LocalGateway(wanted.config, scenario=Scenario(wanted.rules))
    except ValueError as error:
        pytest.fail(f"the marker aig asks for what aig_gateway has not: {error}", pytrace=False)


@pytest.fixture(scope="session")
def _aig_servers() -> Iterator[Servers]:
    from ._served import Servers

    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def aig_server(request: pytest.FixtureRequest, _aig_servers: Servers) -> ServedGateway:
    """An AI Gateway on a real socket: one server for a session, with a new log, cache and clock for each test."""
    from ._served import ServedGateway

    wanted = _wanted(request)
    try:
        running = _aig_servers.serving(wanted.config)
    except ModuleNotFoundError as error:
        pytest.fail(f"aig_server: {error}", pytrace=False)
    return ServedGateway(running, wanted.rules)


@pytest.fixture
def aig_environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalGateway | ServedGateway]:
    """Code under test that makes its own clients reaches the test's gateway; it gives that gateway.

    That is `aig_server` in a test that uses it, and `aig_gateway` in any other. Sets `AIG_BASE_URL` and `CF_AIG_TOKEN`
    and unsets the rest; for `aig_gateway`, httpx and httpx2 lead to it what they send to Cloudflare's hosts.
    """
    from ...schema import ENVIRONMENT

    served = "aig_server" in request.fixturenames
    gateway: LocalGateway | ServedGateway = request.getfixturevalue("aig_server" if served else "aig_gateway")
    for variables in ENVIRONMENT.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AIG_BASE_URL", gateway.base_url())
    if gateway.token is not None:
        monkeypatch.setenv("CF_AIG_TOKEN", gateway.token)
    if served:
        yield gateway
        return
    with request.getfixturevalue("aig_gateway").intercept():
        yield gateway


# --- No live calls ---

_GUARD = pytest.StashKey["LiveGuard"]()


@pytest.fixture
def aig_no_live(request: pytest.FixtureRequest) -> LiveGuard:
    """Fails the test if it would reach a real host through httpx, httpx2 or a socket, even where nothing notices."""
    return _guarded(request.node)


def _guarded(item: pytest.Item) -> LiveGuard:
    from ._live import LiveGuard

    guard = item.stash.setdefault(_GUARD, LiveGuard(item.config.getini(_INI_HOSTS)))
    if not _is_live(item):
        guard.start()
    return guard


def _is_live(item: pytest.Item) -> bool:
    try:
        return arguments_of(item).get("live") is True
    except MarkerError:
        return False


def _wants_guard(item: pytest.Item) -> bool:
    return bool(item.config.getini(_INI_GUARD)) or "aig_no_live" in getattr(item, "fixturenames", ())


def _phase(item: pytest.Item, when: Literal["setup", "call", "teardown"]) -> Generator[None, object, object]:
    """Let one phase of a test pass; fail it for attempts that its code has swallowed."""
    __tracebackhide__ = True
    try:
        result = yield
    except BaseException as error:
        attempts = _untold(item)
        if attempts and not isinstance(error, _live_call_error()):
            # It fails for another reason, of which this may be the reason.
            item.add_report_section(when, _INI_GUARD, attempts)
        raise
    attempts = _untold(item)
    if attempts:
        pytest.fail(attempts, pytrace=False)
    return result


def _untold(item: pytest.Item) -> str:
    """What has been stopped since this was last asked, in a sentence."""
    guard = item.stash.get(_GUARD, None)
    return guard.untold() if guard is not None else ""


def _live_call_error() -> type[LiveCallError]:
    from ._live import LiveCallError

    return LiveCallError


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    try:
        return (yield)
    finally:
        guard = item.stash.get(_GUARD, None)
        if guard is not None:
            guard.stop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    if _wants_guard(item):
        _guarded(item)
    return (yield from _phase(item, "setup"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    return (yield from _phase(item, "call"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    return (yield from _phase(item, "teardown"))
