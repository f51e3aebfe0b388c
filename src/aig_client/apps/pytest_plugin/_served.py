"""Gateways on real sockets that the tests of a session share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, TypedDict

from ..emulator._inprocess_checks import Traffic
from ..emulator._inprocess_script import Scripted

if TYPE_CHECKING:
    from ..emulator import EmulatorConfig, LogEntry, ProviderCall, Rule, RunningEmulator, Scenario


class ServedOptions(TypedDict):
    """Keyword arguments of `GatewayClient` or `AsyncGatewayClient`."""

    base_url: str
    token: str | None


class ServedGateway(Traffic, Scripted):
    """One AI Gateway with fake providers, on a port of the loopback interface.

    Its log, its cache and its clock begin anew with each test. Its clock is real, and `advance` moves it on.
    """

    def __init__(self, running: RunningEmulator, config: EmulatorConfig, rules: tuple[Rule, ...]) -> None:
        self.config = config
        self._running = running
        self._rules = rules
        self.reset()

    @property
    def account(self) -> str:
        """The account id in its URLs. Every other one is served too."""
        return self._running.account

    @property
    def gateway(self) -> str:
        """The gateway id in its URLs."""
        return self._running.gateway

    @property
    def token(self) -> str | None:
        """A Cloudflare token that it takes, if it asks for one."""
        return min(self.config.auth_tokens, default=None)

    @property
    def auth_headers(self) -> dict[str, str]:
        """The header that opens it, for a client that does not know aig-client."""
        return {} if self.token is None else {"cf-aig-authorization": f"Bearer {self.token}"}

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._running.origin

    def base_url(self, provider: str | None = None) -> str:
        """The base URL of a provider slug or of `compat`; without one what provider slugs stand under."""
        return self._running.gateway_url if provider is None else self._running.base_url(provider)

    def client_options(self) -> ServedOptions:
        """What leads a `GatewayClient` here: `GatewayClient(**gateway.client_options())`."""
        return ServedOptions(base_url=self.base_url(), token=self.token)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Requests at the gateway, oldest first."""
        return self._running.log

    @property
    def provider_calls(self) -> tuple[ProviderCall, ...]:
        """Requests that reached a provider, oldest first."""
        return self._running.provider_calls

    @property
    def scenario(self) -> Scenario:
        """The rules that are in force."""
        return self._running.scenario

    def advance(self, seconds: float) -> None:
        """Move its clock on, so that cache entries and limits age. Raises `ValueError` for a negative number."""
        self._running.advance(seconds)

    def reset(self) -> None:
        """Start over: empty cache and log, its first rules, the real time. Only while no request is under way."""
        self._running.reset()
        self._running.scenario.add(*self._rules)


class Servers:
    """One server for each configuration that a session asks for."""

    def __init__(self) -> None:
        self._running: list[tuple[EmulatorConfig, RunningEmulator]] = []
        self._stack = ExitStack()

    def serving(self, config: EmulatorConfig) -> RunningEmulator:
        """The server with this configuration, started if it is the first to ask.

        Raises `ModuleNotFoundError` where the extra `emulator` is not installed.
        """
        from ..emulator import serve_in_thread

        for known, running in self._running:
            if known == config:
                return running
        running = self._stack.enter_context(serve_in_thread(config))
        self._running.append((config, running))
        return running

    def close(self) -> None:
        self._stack.close()
