"""A handle on an emulator that serves in a thread of this process."""

from __future__ import annotations

import time

from ._gateway import Gateway
from ._inprocess_checks import Traffic
from ._inprocess_script import Scripted
from ._located import Located
from ._log import LogEntry, ProviderCall
from ._scenario import Scenario


class MovableClock:
    """The real time, and what it was moved on by."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock moves forward only")
        self._ahead += seconds

    def reset(self) -> None:
        self._ahead = 0.0


class RunningEmulator(Located, Traffic, Scripted):
    """One AI Gateway on a port of the loopback interface. Its clock is real, and `advance` moves it on."""

    def __init__(self, origin: str, gateway: Gateway, clock: MovableClock) -> None:
        self.config = gateway.config
        self._origin = origin
        self._gateway = gateway
        self._clock = clock

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._origin

    @property
    def gateway_url(self) -> str:
        """What provider slugs stand under: the `base_url` of a `GatewayClient`."""
        return self.base_url()

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Requests at the gateway, oldest first."""
        return self._gateway.log

    @property
    def provider_calls(self) -> tuple[ProviderCall, ...]:
        """Requests that reached a provider, oldest first."""
        return self._gateway.provider_calls

    @property
    def scenario(self) -> Scenario:
        """The rules that are in force."""
        return self._gateway.scenario

    def advance(self, seconds: float) -> None:
        """Move its clock on, so that cache entries and limits age. Raises `ValueError` for a negative number."""
        self._clock.advance(seconds)

    def reset(self) -> None:
        """Empty cache, log, counters and scenario, and set the clock right. Only while no request is under way."""
        self._gateway.forget()
        self._clock.reset()
