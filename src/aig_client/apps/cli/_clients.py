"""The gateway client of a command: settings from options, environment and file, and sentences that fit a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import click

from ... import SHARED, CacheIntent, ConfigurationError, GatewayClient
from ...core import Tenant
from ._guard import InputError

F = TypeVar("F", bound=Callable[..., object])
HttpFamily = Literal["httpx", "httpx2"]

_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option("--base-url", metavar="URL", help="The gateway; else AIG_BASE_URL, account and gateway id, aig.toml."),
    click.option("--http", type=click.Choice(["httpx", "httpx2"]), help="The HTTP library.  [default: httpx]"),
    click.option("--tenant", metavar="NAME", help="Who may see a cached answer again."),
    click.option("--shared", is_flag=True, help="Cached answers are shared between all callers."),
    click.option("--route-class", metavar="NAME", help="The kind of work: a class of the policy, whose rules hold."),
    click.option("--policy", metavar="FILE", help="An aig.toml or a policy.json.  [default: ./aig.toml]"),
    click.option(
        "--cache", type=int, metavar="SECONDS", help="Cache answers, 60 to 2592000.  [default: as the class says]"
    ),
    click.option("--deadline", type=float, metavar="SECONDS", help="For a whole call.  [default: none]"),
)


def client_options(function: F) -> F:
    """Add the options of a command that sends."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def open_client(
    *,
    base_url: str | None,
    http: HttpFamily | None,
    route_class: str | None,
    policy: str | None,
    deadline: float | None,
) -> GatewayClient:
    """A client; the Cloudflare token comes from the environment alone.

    Raises:
        InputError: no gateway is configured.
        ConfigurationError: a setting that can never work, with its source.
    """
    try:
        return GatewayClient(base_url=base_url, http=http, route_class=route_class, policy=policy, deadline=deadline)
    except ConfigurationError as error:
        if error.field in ("account_id", "gateway_id") and error.problem == "is not set":
            raise InputError(
                "No gateway is configured: give --base-url, or set AIG_BASE_URL, or CLOUDFLARE_ACCOUNT_ID and "
                "AIG_GATEWAY_ID."
            ) from None
        raise


def intent_of(cache: int) -> CacheIntent:
    """The cache intent of ``--cache SECONDS``.

    Raises:
        InputError: out of range.
    """
    try:
        return CacheIntent.response(cache)
    except ConfigurationError as error:
        remedy = error.remedy or "use whole seconds"
        raise InputError(f"--cache {error.problem}: {remedy[0].lower()}{remedy[1:]}.") from None


def tenant_of(tenant: str | None, *, shared: bool) -> Tenant | None:
    """The tenant of the options.

    Raises:
        InputError: they say two things.
    """
    if shared and tenant is not None:
        raise InputError("--tenant and --shared say two things: give one of them.")
    if tenant == "":
        raise InputError("--tenant is empty: name the tenant, or say --shared.")
    return SHARED if shared else tenant
