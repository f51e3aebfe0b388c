"""The management API as one table: method and path to what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from .._config import EmulatorConfig, Permission
from .._credentials import bearer
from .._documents import Documents
from .._log import LogBook
from .._messages import GatewayRequest, IdSource, Reply
from .._purse import Purse
from .._registry import Gateways
from . import _billing, _domains, _dynamic_routes, _gateways, _kv, _logs, _providers
from ._call import Call, Stores
from ._envelope import BAD_TOKEN, INVALID, NO_METHOD, NO_ROUTE, ApiError, Problem
from ._query import Query

Answer: TypeAlias = Callable[[Call], Reply]

_GATEWAYS = "ai-gateway/gateways"
_GATEWAY = f"{_GATEWAYS}/*"
_LOG = f"{_GATEWAY}/logs/*"
_ROUTES = f"{_GATEWAY}/routes"
_ROUTE = f"{_ROUTES}/*"
_DOMAINS = f"{_GATEWAY}/custom-domains"
_NAMESPACES = "storage/kv/namespaces"
_NAMESPACE = f"{_NAMESPACES}/*"

# `*` is one part of the path that the endpoint reads itself.
_TABLE: tuple[tuple[str, str, Answer], ...] = (
    ("GET", _GATEWAYS, _gateways.list_gateways),
    ("POST", _GATEWAYS, _gateways.create_gateway),
    ("GET", _GATEWAY, _gateways.get_gateway),
    ("PUT", _GATEWAY, _gateways.update_gateway),
    ("DELETE", _GATEWAY, _gateways.delete_gateway),
    ("GET", f"{_GATEWAY}/url/*", _gateways.get_url),
    ("GET", f"{_GATEWAY}/logs", _logs.list_logs),
    ("DELETE", f"{_GATEWAY}/logs", _logs.delete_logs),
    ("GET", _LOG, _logs.get_log),
    ("PATCH", _LOG, _logs.edit_log),
    ("GET", f"{_LOG}/request", _logs.get_request),
    ("GET", f"{_LOG}/response", _logs.get_response),
    ("GET", _ROUTES, _dynamic_routes.list_routes),
    ("POST", _ROUTES, _dynamic_routes.create_route),
    ("GET", _ROUTE, _dynamic_routes.get_route),
    ("PATCH", _ROUTE, _dynamic_routes.rename_route),
    ("DELETE", _ROUTE, _dynamic_routes.delete_route),
    ("GET", f"{_ROUTE}/versions", _dynamic_routes.list_versions),
    ("POST", f"{_ROUTE}/versions", _dynamic_routes.create_version),
    ("GET", f"{_ROUTE}/versions/*", _dynamic_routes.get_version),
    ("GET", f"{_ROUTE}/deployments", _dynamic_routes.list_deployments),
    ("POST", f"{_ROUTE}/deployments", _dynamic_routes.create_deployment),
    ("GET", f"{_GATEWAY}/provider_configs", _providers.list_provider_configs),
    ("POST", f"{_GATEWAY}/provider_configs", _providers.create_provider_config),
    ("GET", _DOMAINS, _domains.list_domains),
    ("POST", _DOMAINS, _domains.create_domain),
    ("GET", f"{_DOMAINS}/*", _domains.get_domain),
    ("DELETE", f"{_DOMAINS}/*", _domains.delete_domain),
    ("GET", "ai-gateway/custom-providers", _providers.list_custom_providers),
    ("POST", "ai-gateway/custom-providers", _providers.create_custom_provider),
    ("GET", "ai-gateway/custom-providers/*", _providers.get_custom_provider),
    ("PATCH", "ai-gateway/custom-providers/*", _providers.update_custom_provider),
    ("DELETE", "ai-gateway/custom-providers/*", _providers.delete_custom_provider),
    ("GET", "ai-gateway/billing/credit-balance", _billing.credit_balance),
    ("GET", "ai-gateway/billing/usage-history", _billing.usage_history),
    ("GET", "ai-gateway/billing/invoice-history", _billing.invoice_history),
    ("GET", "ai-gateway/billing/invoice-preview", _billing.invoice_preview),
    ("POST", "ai-gateway/billing/topup", _billing.topup),
    ("POST", "ai-gateway/billing/topup/status", _billing.topup_status),
    ("GET", "ai-gateway/billing/topup/config", _billing.topup_config),
    ("POST", "ai-gateway/billing/topup/config", _billing.change_topup_config),
    ("DELETE", "ai-gateway/billing/topup/config", _billing.change_topup_config),
    ("GET", _NAMESPACES, _kv.list_namespaces),
    ("POST", _NAMESPACES, _kv.create_namespace),
    ("GET", _NAMESPACE, _kv.get_namespace),
    ("DELETE", _NAMESPACE, _kv.delete_namespace),
    ("GET", f"{_NAMESPACE}/keys", _kv.list_keys),
    ("GET", f"{_NAMESPACE}/values/*", _kv.get_value),
    ("PUT", f"{_NAMESPACE}/values/*", _kv.put_value),
    ("DELETE", f"{_NAMESPACE}/values/*", _kv.delete_value),
)

# Deprecated, and not there for new accounts (contract 6.1): an account of the emulator is one.
_DEPRECATED = (
    f"{_GATEWAY}/datasets",
    f"{_GATEWAY}/datasets/*",
    f"{_GATEWAY}/evaluations",
    f"{_GATEWAY}/evaluations/*",
    "ai-gateway/evaluation-types",
    "ai-gateway/billing/spending-limit",
)


def endpoints() -> list[tuple[str, str]]:
    """Method and path of each endpoint; `*` stands for a part that varies."""
    return [(method, path) for method, path, _ in _TABLE]


@dataclass(frozen=True, slots=True)
class _Place:
    """One path, and what answers on it by method."""

    parts: tuple[str, ...]
    answers: dict[str, Answer]

    def args(self, parts: tuple[str, ...]) -> tuple[str, ...] | None:
        """What stands in place of the stars; `None`, if this is another path."""
        if len(parts) != len(self.parts):
            return None
        args: list[str] = []
        for wanted, part in zip(self.parts, parts, strict=True):
            if wanted == "*" and part:
                args.append(part)
            elif wanted != part:
                return None
        return tuple(args)


def _places() -> tuple[_Place, ...]:
    found: dict[str, dict[str, Answer]] = {}
    for method, path, answer in _TABLE:
        found.setdefault(path, {})[method] = answer
    return tuple(_Place(tuple(path.split("/")), answers) for path, answers in found.items())


_PLACES = _places()
_GONE = tuple(_Place(tuple(path.split("/")), {}) for path in _DEPRECATED)


class Management:
    """Answers requests of the management API. It asks no clock: every moment comes with its request."""

    def __init__(
        self,
        config: EmulatorConfig,
        gateways: Gateways,
        log: LogBook,
        documents: Documents,
        *,
        ids: IdSource,
        purse: Purse,
    ) -> None:
        self._stores = Stores(config, gateways, log, documents, purse, ids)

    def reply(self, request: GatewayRequest, account: str, path: str, now: float) -> Reply:
        """path: what follows `/client/v4/accounts/{account}`, percent-encoded. No input makes it raise."""
        try:
            _authorize(request, path, self._stores.config)
            answer, args = _find(request.method, path)
            return answer(Call(self._stores, account, args, Query.read(request.query), request, now))
        except ApiError as error:
            return error.reply()
        except OverflowError:
            return ApiError(400, INVALID, Problem("the emulator is full: delete something first")).reply()


_PERMISSIONS: dict[str, tuple[Permission, Permission]] = {
    "ai-gateway": ("ai-gateway-read", "ai-gateway-edit"),
    "storage": ("workers-kv-storage-read", "workers-kv-storage-edit"),
}


def _authorize(request: GatewayRequest, path: str, config: EmulatorConfig) -> None:
    """A bearer token with *Read* for GET, *Edit* for all, of AI Gateway (contract 3.3) or of Workers KV Storage.

    A global key (`X-Auth-Key`, `X-Auth-Email`) opens nothing: the emulator has none. So a client whose SDK sends that
    instead of its token learns it here (contract 6.4).
    """
    token = bearer(request.headers.get("authorization"))
    granted = config.permissions(token)
    read, edit = _PERMISSIONS["storage" if path.startswith("/storage/") else "ai-gateway"]
    if edit in granted or (request.method == "GET" and read in granted):
        return
    known = token in config.tokens
    raise ApiError(403 if known else 401, BAD_TOKEN, Problem("Authentication error"))


def _find(method: str, path: str) -> tuple[Answer, tuple[str, ...]]:
    encoded = path.removesuffix("/").split("/")[1:]
    # A gateway is named here as in its own URLs, where nothing decodes it.
    parts = tuple(
        part if index == 2 and encoded[1] == "gateways" else unquote(part) for index, part in enumerate(encoded)
    )
    for place in _PLACES:
        args = place.args(parts)
        if args is None:
            continue
        answer = place.answers.get(method)
        if answer is None:
            raise ApiError(405, NO_METHOD, Problem("Method not allowed"), allow=tuple(place.answers))
        return answer, args
    if any(place.args(parts) is not None for place in _GONE):
        raise ApiError(404, NO_ROUTE, Problem("This is deprecated, and not available to new accounts"))
    raise ApiError(
        404, NO_ROUTE, Problem(f"Could not route to {path[:100]}, perhaps your object identifier is invalid?")
    )
