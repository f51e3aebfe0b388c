"""Gateways on real sockets that the tests of a session share."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, TypedDict

from ..emulator import RunningEmulator

if TYPE_CHECKING:
    from ..emulator import EmulatorConfig, Rule


class ServedOptions(TypedDict):
    """Keyword arguments of `GatewayClient` or `AsyncGatewayClient`."""

    base_url: str
    token: str | None


class ServedGateway(RunningEmulator):
    """One AI Gateway with fake providers, on a port of the loopback interface.

    Its log, its cache and its clock begin anew with each test. Its clock is real, and `advance` moves it on.
    """

    def __init__(self, running: RunningEmulator, rules: tuple[Rule, ...]) -> None:
        super().__init__(running.origin, running._gateway, running._clock)  # noqa: SLF001  (a handle of the same kind)
        self._rules = rules
        self.reset()

    def client_options(self) -> ServedOptions:
        """What leads a `GatewayClient` here: `GatewayClient(**gateway.client_options())`."""
        return ServedOptions(base_url=self.base_url(), token=self.token)

    def reset(self) -> None:
        """Start over: empty cache and log, its first rules, the real time. Only while no request is under way."""
        super().reset()
        self.scenario.add(*self._rules)


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
