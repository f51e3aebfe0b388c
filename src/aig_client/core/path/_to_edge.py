"""decide, for a client whose calls go through our own Worker: what to ask, and nothing more. The Worker decides."""

from __future__ import annotations

from .._errors import ConfigurationError
from .._values import PLACEHOLDER, CacheIntent, Options, Plan
from ..facts._surfaces import Surface
from ._read import Call, model_of, wants_stream
from ._rules import Rules


def leaves_to_edge(call: Call, rules: Rules) -> bool:
    """Whether a request goes to the client's Worker."""
    edge = rules.edge
    return edge is not None and (call.request.url + "/").startswith(edge.rstrip("/") + "/")


def to_edge(call: Call, surface: Surface, rules: Rules, options: Options) -> Plan:
    """A plan that names class, tenant and intent, and brings the service token.

    Raises:
        ConfigurationError: a setting that the Worker takes off, so that it would do nothing.
    """
    if options.gateway is not None or call.own:
        raise ConfigurationError(
            "gateway",
            "does nothing here: the edge removes every cf-aig-* header of its callers",
            remedy="Say it in the edge's policy",
        )
    headers = [*call.kept]
    if rules.credential == "request":
        headers += [pair for pair in call.credentials if PLACEHOLDER.encode() not in pair[1]]
    told: list[tuple[str, str | None]] = [
        ("cf-aig-authorization", f"Bearer {rules.token}" if rules.token is not None else None),
        ("x-aig-route-class", options.route_class),
        ("x-aig-tenant", options.tenant if isinstance(options.tenant, str) else None),
        ("x-aig-cache", _written(options.cache)),
        ("x-aig-targeting-key", options.targeting_key),
    ]
    headers += [(name.encode(), _encoded(name, value)) for name, value in told if value is not None]
    return Plan(
        call.request.method,
        call.request.url,
        tuple(headers),
        surface,
        options.cache or CacheIntent.off,
        None,
        options.route_class,
        model_of(surface, call.request.tree),
        wants_stream(surface, call.request.tree),
        options.deadline,
        ("left to the edge: it chooses model, caching and headers",),
        today=call.request.today,
    )


def _written(intent: CacheIntent | None) -> str | None:
    if intent is None:
        return None
    force = "; force" if intent.force else ""
    return intent.mode if intent.ttl is None else f"{intent.mode}; ttl={intent.ttl}{force}"


def _encoded(name: str, value: str) -> bytes:
    if not value.isascii() or not value.isprintable():
        raise ConfigurationError(name.removeprefix("x-aig-"), "must be printable ASCII to travel in a header")
    return value.encode()
