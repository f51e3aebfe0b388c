"""Options for calls that somebody else makes: a context variable, safe under asyncio and threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from ..core import NO_OPTIONS, CacheIntent, GatewayMetadata, Options, Receipt, Tenant


class Scope:
    """What happened inside one ``with options(...)`` block: its last 256 receipts, in the order answers ended."""

    __slots__ = ("options", "receipts")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.receipts: deque[Receipt] = deque(maxlen=256)

    @property
    def last(self) -> Receipt | None:
        """The receipt that came last, if any did."""
        return self.receipts[-1] if self.receipts else None


_NOWHERE: tuple[Scope, ...] = ()
_SCOPES: ContextVar[tuple[Scope, ...]] = ContextVar("aig_client_scopes", default=_NOWHERE)


def current() -> tuple[Options, tuple[Scope, ...]]:
    """The options in force here, and the scopes that wait for receipts."""
    scopes = _SCOPES.get()
    return (scopes[-1].options if scopes else NO_OPTIONS), scopes


@contextmanager
def options(
    *,
    cache: CacheIntent | None = None,
    tenant: Tenant | None = None,
    route_class: str | None = None,
    gateway: GatewayMetadata | None = None,
    deadline: float | None = None,
    targeting_key: str | None = None,
) -> Generator[Scope]:
    """Options for every gateway call made inside the block, by whichever SDK. Inner blocks lay theirs over outer ones.

    The scope collects the receipts of calls started inside it, also of streams that end after it.

    Raises:
        ConfigurationError: an option that can never work.
    """
    wider, scopes = current()
    chosen = Options(
        cache=cache,
        tenant=tenant,
        route_class=route_class,
        gateway=gateway,
        deadline=deadline,
        targeting_key=targeting_key,
    )
    scope = Scope(chosen.over(wider))
    token = _SCOPES.set((*scopes, scope))
    try:
        yield scope
    finally:
        _SCOPES.reset(token)
