"""Where a request goes: said by a URL, by provider and endpoint, or by the shape of its body where only one fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from ...core import (
    FIELDS,
    NEEDED_HEADERS,
    PROVIDERS,
    USUAL_PROVIDER,
    ConfigurationError,
    EndpointKind,
    base_url,
    endpoint_path,
    surface_of,
)
from ._documents import Document
from ._guard import InputError

# A key holds neither the account nor the gateway (ADR 0003), so for a key any will do.
_ANY_GATEWAY: Final = ("0" * 32, "any")

# What a body must have to be of a kind; whether it may be, the registry of fields says.
_MUST: Final[Mapping[EndpointKind, frozenset[str]]] = {
    "chat": frozenset({"messages"}),
    "messages": frozenset({"messages", "max_tokens"}),
    "responses": frozenset({"input"}),
    "embeddings": frozenset({"input"}),
    "generate_content": frozenset({"contents"}),
}

# Whose model a name is, where the vendor names its models unmistakably and shapes alone do not decide.
_MODELS: Final[tuple[tuple[str, str], ...]] = (
    ("claude-", "anthropic"),
    ("gemini-", "google-ai-studio"),
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-3", "openai"),
)

ALIAS: Final = "aig/"
"""A model that begins so is a route class."""

_CHOOSE: Final = "give --provider and --endpoint, or --url"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and how that is known. ``assumed`` says that nobody gave it."""

    url: str = field(repr=False)
    provider: str | None
    endpoint: str
    kind: EndpointKind
    assumed: bool


def target_of(
    document: Document,
    *,
    url: str | None = None,
    provider: str | None = None,
    endpoint: str | None = None,
    gateways: Iterable[str] = (),
    route_class: str | None = None,
) -> Target:
    """Where a request goes. Options beat what a capture says, and that beats the body's shape.

    A route class chooses the model, so a path that names one may then name the class (``aig/summary``).

    Raises:
        InputError: several places fit, or none; the sentence names the options that decide.
        ConfigurationError: no such provider, or it has no such endpoint.
    """
    if url is not None and (provider is not None or endpoint is not None):
        raise InputError("--url already says provider and endpoint: leave --provider and --endpoint out.")
    if url is None and provider is None and endpoint is None:
        url, provider, endpoint = document.url, document.provider, document.endpoint
    if url is not None:
        return _at(document, url, gateways, assumed=False)
    assumed = provider is None or endpoint is None
    slug, path = _place(document, provider, endpoint, route_class)
    return _at(document, base_url(*_ANY_GATEWAY, slug) + path, gateways, assumed=assumed)


def _at(document: Document, url: str, gateways: Iterable[str], *, assumed: bool) -> Target:
    surface = surface_of(url, gateways=gateways)
    if surface is None:
        raise InputError(
            f"The URL of {document.name} is no AI Gateway URL, so no cache key is ever sent there: aig url says why."
        )
    provider = surface.provider or (surface.family if surface.family != "native" else None)
    return Target(url, provider, surface.endpoint, surface.kind, assumed)


def _place(
    document: Document, provider: str | None, endpoint: str | None, route_class: str | None
) -> tuple[str | None, str]:
    body = document.body
    if endpoint is not None and endpoint.startswith("/"):
        if provider is None:
            raise InputError(f"--endpoint {endpoint} does not say whose it is: give --provider too, or --url.")
        return provider, endpoint
    kind = _known_kind(endpoint) if endpoint is not None else _kind_of(document, provider)
    if kind == "universal":
        return None, ""
    slug = provider or _usual(document, kind)
    if slug.startswith("custom-"):
        raise InputError(f"Nobody knows the paths of {slug}: give --endpoint with the path after it.")
    model = body.get("model") if isinstance(body, dict) else None
    if model is None and route_class is not None:
        model = f"{ALIAS}{route_class}"
    try:
        return slug, endpoint_path(slug, kind, model=model if isinstance(model, str) else None)
    except ConfigurationError as error:
        if error.field != "model":
            raise
        raise InputError(
            f"The path of {slug} names the model, and {document.name} does not: give --provider {slug} and --endpoint "
            "with the path after the provider, for example /v1beta/models/gemini-3-flash:generateContent."
        ) from None


def _known_kind(endpoint: str) -> EndpointKind:
    for kind in get_args(EndpointKind):
        if kind == endpoint:
            found: EndpointKind = kind
            return found
    kinds = ", ".join(sorted(_MUST))
    raise InputError(f"--endpoint {endpoint} is no endpoint: give a path that begins with /, or one of {kinds}.")


def _kind_of(document: Document, provider: str | None) -> EndpointKind:
    body = document.body
    if isinstance(body, list):
        return _universal(document)
    assert isinstance(body, dict)
    kinds: list[EndpointKind] = [kind for kind, must in _MUST.items() if must <= set(body)]
    # A provider's own extra field fits nowhere; then what a body must have is all there is to go by.
    known: list[EndpointKind] = [kind for kind in kinds if set(body) <= {*FIELDS[kind], "model"}]
    kinds = known or kinds
    if provider is not None:
        kinds = [kind for kind in kinds if _serves(provider, kind)]
    for choose in (_by_parts, _by_model):
        if len(kinds) > 1:
            kinds = choose(body, kinds) or kinds
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        raise InputError(f"{document.name} has the shape of no request that aig knows: {_CHOOSE}.")
    raise InputError(f"{document.name} could be a request to {' or '.join(kinds)}: {_CHOOSE}.")


def _universal(document: Document) -> EndpointKind:
    entries = document.body
    assert isinstance(entries, list)
    if entries and all(isinstance(entry, dict) and {"provider", "query"} <= set(entry) for entry in entries):
        return "universal"
    raise InputError(f"{document.name} holds a list that is no Universal request: give one request.")


def _serves(provider: str, kind: EndpointKind) -> bool:
    if provider == "compat":
        return kind in ("chat", "embeddings")
    row = PROVIDERS.get(provider)
    return row is None or kind in row.paths  # an unknown slug is told by name, later


def _by_parts(body: dict[str, object], kinds: list[EndpointKind]) -> list[EndpointKind]:
    """What the parts of ``messages`` or ``input`` rule out."""
    members: list[object] = []
    for name in ("messages", "input"):
        value = body.get(name)
        members += value if isinstance(value, list) else []
    roles = {member.get("role") for member in members if isinstance(member, dict)}
    if roles & {"system", "developer", "tool", "function"}:
        kinds = [kind for kind in kinds if kind not in ("messages", "embeddings")]
    elif roles or any(isinstance(member, dict) for member in members):
        kinds = [kind for kind in kinds if kind != "embeddings"]
    elif members:  # texts or tokens
        kinds = [kind for kind in kinds if kind == "embeddings"]
    return kinds


def _by_model(body: dict[str, object], kinds: list[EndpointKind]) -> list[EndpointKind]:
    vendor = _vendor(body.get("model"))
    if vendor is None:
        return []
    served: list[EndpointKind] = [kind for kind in kinds if _serves(vendor, kind)]
    embeds = "embedding" in str(body.get("model"))
    meant: list[EndpointKind] = [kind for kind in served if (kind == "embeddings") == embeds]
    return meant or served


def _vendor(model: object) -> str | None:
    if not isinstance(model, str):
        return None
    return next((slug for prefix, slug in _MODELS if model.startswith(prefix)), None)


def _usual(document: Document, kind: EndpointKind) -> str:
    body = document.body
    model = body.get("model") if isinstance(body, dict) else None
    if isinstance(model, str) and "/" in model and not model.startswith(ALIAS):
        raise InputError(
            f"The model of {document.name} names a vendor before its slash: give --provider (compat, openrouter, "
            "workers-ai, ...) or --url."
        )
    vendor = _vendor(model)
    if vendor is not None and _serves(vendor, kind):
        return vendor
    usual = USUAL_PROVIDER.get(kind) or next((slug for slug, row in PROVIDERS.items() if kind in row.paths), None)
    if usual is None:
        raise InputError(f"Nobody is known for {kind}: {_CHOOSE}.")
    return usual


def needed_headers(kind: EndpointKind, headers: Mapping[str, str]) -> dict[str, str]:
    """``headers`` and those without which an endpoint answers nobody, which every client sends."""
    present: set[str] = {name.lower() for name in headers}
    needed = NEEDED_HEADERS.get(kind, ())
    return dict(headers) | {
        name.decode(): value.decode() for name, value in needed if name.decode().lower() not in present
    }


_OF_THE_WIRE: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


def of_the_caller(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a capture without those that HTTP itself wrote, which follow from URL and body."""
    return {name: value for name, value in headers.items() if name.lower() not in _OF_THE_WIRE}
