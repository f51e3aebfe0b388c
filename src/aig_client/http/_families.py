"""Which HTTP family serves, and the SDK plugs. A family is imported when it is first used, never before."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypedDict

from ..core import PLACEHOLDER, ConfigurationError, Rules, sdk_path
from ._record import OnReceipt
from ._wiring import HttpFamily, Wiring

if TYPE_CHECKING:
    from ._hands import AsyncHands, Hands

FAMILIES: tuple[HttpFamily, ...] = ("httpx", "httpx2")


class SdkArguments(TypedDict):
    """Keyword arguments of the openai and anthropic constructors. ``http_client`` is of the family the SDK wants."""

    base_url: str
    api_key: str
    http_client: Any


class GoogleArguments(TypedDict):
    """Keyword arguments of ``google.genai.Client``."""

    api_key: str
    http_options: Any


def family_of(http: HttpFamily | None, client: object = None) -> HttpFamily:
    """The family of a client, else the one asked for, else httpx.

    Raises:
        ConfigurationError: there is no such family, it is not installed, or the client is of another one.
    """
    found: HttpFamily | None = None
    if client is not None:
        found = next((family for family in FAMILIES if _is_of(client, family)), None)
        if found is None:
            raise ConfigurationError("client", f"is a {type(client).__name__}, of neither httpx nor httpx2")
        if http is not None and http != found:
            raise ConfigurationError("http", f"says {http}, but the client is of {found}", remedy="Leave http out")
    family = found or http or "httpx"
    if family not in FAMILIES:
        raise ConfigurationError("http", "must be 'httpx' or 'httpx2'")
    if find_spec(family) is None:
        raise ConfigurationError("http", f"{family} is not installed", remedy=f"pip install {family}")
    return family


def _is_of(client: object, family: HttpFamily) -> bool:
    """By the classes themselves: the openai SDK writes its own name into the modules of httpx2's."""
    module = sys.modules.get(family)
    if module is None:
        return False
    kinds = (module.Client, module.AsyncClient, module.BaseTransport, module.AsyncBaseTransport)
    return isinstance(client, kinds)


def check_client(client: object, colour: str, family: HttpFamily, *, proxy: str | None) -> None:
    """Check a client of the caller's own, when ours is made.

    Raises:
        ConfigurationError: it is of the other colour, has credentials of its own, or ignores the proxy beside it.
    """
    if client is None:
        return
    kind = "AsyncClient" if colour == "async" else "Client"
    if not isinstance(client, getattr(import_module(family), kind)):
        raise ConfigurationError("client", f"is no {family}.{kind}")
    if getattr(client, "auth", None) is not None:
        # It would be written into the request after every credential was decided on.
        raise ConfigurationError("client", "has auth of its own", remedy="Give providers' keys as provider_keys=")
    if proxy is not None:
        raise ConfigurationError("proxy", "does nothing beside a client of your own", remedy="Give it to that client")


def async_hands(
    wiring: Wiring, rules: Rules, *, client: object, proxy: str | None, on_receipt: OnReceipt | None
) -> AsyncHands:
    """The family's async hands."""
    if wiring.family == "httpx2":
        from ._async_httpx2_hands import AsyncHttpx2Hands

        return AsyncHttpx2Hands(rules, wiring.base_url, client=client, proxy=proxy, on_receipt=on_receipt)  # type: ignore[arg-type]
    from ._async_httpx_hands import AsyncHttpxHands

    return AsyncHttpxHands(rules, wiring.base_url, client=client, proxy=proxy, on_receipt=on_receipt)  # type: ignore[arg-type]


def sync_hands(
    wiring: Wiring, rules: Rules, *, client: object, proxy: str | None, on_receipt: OnReceipt | None
) -> Hands:
    """The family's sync hands."""
    if wiring.family == "httpx2":
        from ._sync_httpx2_hands import Httpx2Hands

        return Httpx2Hands(rules, wiring.base_url, client=client, proxy=proxy, on_receipt=on_receipt)  # type: ignore[arg-type]
    from ._sync_httpx_hands import HttpxHands

    return HttpxHands(rules, wiring.base_url, client=client, proxy=proxy, on_receipt=on_receipt)  # type: ignore[arg-type]


_DISTRIBUTIONS = {"openai": "openai", "anthropic": "anthropic", "google-ai-studio": "google-genai"}


def sdk_family(sdk: str, http: HttpFamily | None) -> HttpFamily:
    """The family that the installed SDK is built on: openai 3, anthropic 2 and google-genai 3 moved to httpx2."""
    if http is not None:
        return family_of(http)
    try:
        needs = requires(_DISTRIBUTIONS[sdk]) or []
    except PackageNotFoundError:
        needs = []
    wants = any(need.startswith("httpx2") for need in needs)
    return "httpx2" if wants and find_spec("httpx2") is not None else family_of(None)


@dataclass(frozen=True)
class Plugs:
    """Makes the SDK plugs of one client, in its colour: ``"async"`` or ``"sync"``."""

    wiring: Wiring
    colour: str
    proxy: str | None
    on_receipt: OnReceipt | None

    def _http_client(self, sdk: str, api_key: str | None, http: HttpFamily | None) -> Any:  # noqa: ANN401
        rules = self.wiring.rules if api_key is None else self.wiring.own_key_rules
        module = import_module(f"._{self.colour}_{sdk_family(sdk, http)}_hands", __package__)
        return module.open_sdk_client(self.wiring.base_url, rules, proxy=self.proxy, on_receipt=self.on_receipt)

    def arguments(self, sdk: str, provider: str, api_key: str | None, http: HttpFamily | None) -> SdkArguments:
        """What the constructor of the openai or anthropic SDK takes.

        Raises:
            ConfigurationError: no such provider.
        """
        api_key = api_key or self.wiring.provider_keys.get(provider)
        return SdkArguments(
            base_url=f"{self.wiring.base_url}/{sdk_path(provider)}",
            api_key=api_key or PLACEHOLDER,
            http_client=self._http_client(sdk, api_key, http),
        )

    def google(self, api_key: str | None, http: HttpFamily | None) -> GoogleArguments:
        """What the constructor of the google-genai client takes."""
        slot = "httpx_async_client" if self.colour == "async" else "httpx_client"
        api_key = api_key or self.wiring.provider_keys.get("google-ai-studio")
        client = self._http_client("google-ai-studio", api_key, http)
        options = {"base_url": f"{self.wiring.base_url}/google-ai-studio", slot: client}
        return GoogleArguments(api_key=api_key or PLACEHOLDER, http_options=options)
