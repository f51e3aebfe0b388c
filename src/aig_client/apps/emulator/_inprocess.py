"""A whole gateway in this process, for tests: no socket, no thread, and time that passes only when it is told to."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, TypedDict, cast, overload

from ._config import EmulatorConfig
from ._gateway import Gateway
from ._ids import counted_ids, counted_ulids
from ._inprocess_carrier import START, Carrier, ManualClock
from ._inprocess_checks import Traffic
from ._inprocess_httpx import Family, Origin, kinds_of
from ._inprocess_intercept import intercepted
from ._inprocess_script import Scripted
from ._located import Located
from ._log import LogEntry, ProviderCall
from ._routes import PROVIDERS
from ._scenario import Scenario

if TYPE_CHECKING:
    import httpx
    import httpx2

TEST_TOKEN = "local-token"  # noqa: S105  (made up here, and good nowhere else)

# Port 9 (discard) answers nowhere: a request that misses its transport is refused on this machine, and leaves it never.
_LOOPBACK = ("127.0.0.1", 9)
_CLOUDFLARE = ("gateway.ai.cloudflare.com", "api.cloudflare.com")


def usual_config() -> EmulatorConfig:
    """What most want to test: authentication on, and a stored key for every provider."""
    return EmulatorConfig(auth_tokens=frozenset((TEST_TOKEN,)), stored_keys=frozenset(PROVIDERS))


class ClientOptions(TypedDict):
    """Keyword arguments of `GatewayClient` or `AsyncGatewayClient`."""

    base_url: str
    token: str | None
    client: object


class LocalGateway(Located, Traffic, Scripted):
    """One AI Gateway with fake providers, in this process.

    Args:
        config: what it is set up to do; by default it asks for the token `local-token` and holds every provider's
            key. `upstreams` are refused with a `ValueError`: nothing in here can call a real provider.
        scenario: answers and faults by rule.
        start: what its clock says at first, in Unix seconds. Latency, stalls and retries move the clock and cost no
            time; what exceeds the read timeout of a client raises that client's `ReadTimeout`.

    It serves `https://gateway.ai.cloudflare.com`, `https://api.cloudflare.com`, the custom domains of its config and
    its own `base_url()`. The same traffic gives the same answers, ids and moments.
    """

    def __init__(
        self, config: EmulatorConfig | None = None, *, scenario: Scenario | None = None, start: float = START
    ) -> None:
        self.config = config or usual_config()
        if self.config.upstreams:
            raise ValueError("upstreams: a gateway in this process has no real providers; use serve_in_thread for that")
        # Its own counts: a scenario may be shared by many tests.
        self._scenario = Scenario(scenario.rules if scenario else ())
        self._start = start
        self._carrier = Carrier(self._new_gateway(), ManualClock(start))
        hosts = (*_CLOUDFLARE, *self.config.custom_domains)
        self._origins: frozenset[Origin] = frozenset(
            ((b"http", _LOOPBACK[0].encode(), _LOOPBACK[1]), *((b"https", host.encode(), None) for host in hosts))
        )

    def _new_gateway(self) -> Gateway:
        ids = counted_ids() if self.config.log_id_shape == "uuid7" else counted_ulids()
        return Gateway(self.config, ids=ids, scenario=self._scenario)

    # --- Where it is ---

    @property
    def origin(self) -> str:
        """Scheme, host and port of `base_url()`. Nothing listens there."""
        return f"http://{_LOOPBACK[0]}:{_LOOPBACK[1]}"

    # --- How to reach it ---

    @overload
    def transport(self, http: Literal["httpx"] = "httpx") -> httpx.BaseTransport: ...
    @overload
    def transport(self, http: Literal["httpx2"]) -> httpx2.BaseTransport: ...
    def transport(self, http: Family = "httpx") -> object:
        """A transport for `httpx.Client` or `httpx2.Client`.

        It raises the family's `ConnectError` for a host that the gateway does not serve.
        """
        return kinds_of(http).transport(self._carrier, self._origins, http)

    @overload
    def async_transport(self, http: Literal["httpx"] = "httpx") -> httpx.AsyncBaseTransport: ...
    @overload
    def async_transport(self, http: Literal["httpx2"]) -> httpx2.AsyncBaseTransport: ...
    def async_transport(self, http: Family = "httpx") -> object:
        """The same for `AsyncClient`."""
        return kinds_of(http).async_transport(self._carrier, self._origins, http)

    @overload
    def client(self, http: Literal["httpx"] = "httpx") -> httpx.Client: ...
    @overload
    def client(self, http: Literal["httpx2"]) -> httpx2.Client: ...
    def client(self, http: Family = "httpx") -> object:
        """A new client that ends here. URLs may be relative to `base_url()`: `post("openai/chat/completions")`."""
        return kinds_of(http).family.Client(
            transport=cast("httpx.BaseTransport", self.transport(http)), base_url=self.base_url()
        )

    @overload
    def async_client(self, http: Literal["httpx"] = "httpx") -> httpx.AsyncClient: ...
    @overload
    def async_client(self, http: Literal["httpx2"]) -> httpx2.AsyncClient: ...
    def async_client(self, http: Family = "httpx") -> object:
        """The same, asynchronously."""
        return kinds_of(http).family.AsyncClient(
            transport=cast("httpx.AsyncBaseTransport", self.async_transport(http)), base_url=self.base_url()
        )

    def client_options(self, http: Family = "httpx", *, asynchronous: bool = False) -> ClientOptions:
        """What makes a `GatewayClient` end here: `GatewayClient(**gateway.client_options())`."""
        client: object = self.async_client(http) if asynchronous else self.client(http)
        return ClientOptions(base_url=self.base_url(), token=self.token, client=client)

    def intercept(self) -> AbstractContextManager[None]:
        """While a `with` block lasts, every httpx and httpx2 client reaches the gateway's hosts in here.

        So code under test needs no client from outside: SDKs and `GatewayClient` make their own.
        """
        return intercepted(self._carrier, self._origins)

    # --- What happened, and when ---

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Requests at the gateway, oldest first."""
        return self._carrier.gateway.log

    @property
    def provider_calls(self) -> tuple[ProviderCall, ...]:
        """Requests that reached a provider, oldest first."""
        return self._carrier.gateway.provider_calls

    @property
    def scenario(self) -> Scenario:
        """The rules that are in force."""
        return self._scenario

    @property
    def now(self) -> float:
        """The gateway's time, in Unix seconds."""
        return self._carrier.clock()

    def advance(self, seconds: float) -> None:
        """Let time pass, so that cache entries and limits age. Raises `ValueError` for a negative number."""
        self._carrier.clock.advance(seconds)

    def reset(self) -> None:
        """Start over, as when it was made: empty cache and log, its first rules, its first moment."""
        self._scenario.reset()
        self._carrier.restart(self._new_gateway(), self._start)
