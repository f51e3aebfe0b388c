"""Where a request names its model, and how another one is named in the same place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from .._errors import ConfigurationError
from ..facts._providers import PROVIDERS, THEIR_HEADERS, EndpointKind, path_with_model
from ..facts._surfaces import Surface, compat_model, endpoint_path, rest_model

ALIAS: Final = "aig/"
"""A model that begins so names a route class, or with ``aig/auto`` asks for the one that fits the request."""
AUTO: Final = "auto"
ALIAS_IN_BODY: Final = b'"aig/'
ALIAS_IN_PATH: Final = "/models/aig/"
"""Where no bytes of these are, no alias is; where they are, one may be."""

# Below these endpoints everything else (/responses/{id}, /messages/count_tokens) is about a request that was chosen.
# The ending also says whose shape it is: Cohere's /v1/chat is a chat of its own.
_ENDINGS: Final[Mapping[EndpointKind, str]] = {
    "chat": "/chat/completions",
    "responses": "/responses",
    "messages": "/messages",
    "embeddings": "/embeddings",
}
_MODEL_SEGMENT: Final = re.compile(r"/models/([^:]+):")


def takes_choice(surface: Surface, method: str) -> bool:
    """Whether a model can be chosen for this request."""
    if method != "POST" or _is_named_by_its_place(surface):
        return False
    if surface.kind == "generate_content":
        return _MODEL_SEGMENT.search(surface.endpoint) is not None
    ending = _ENDINGS.get(surface.kind)
    return ending is not None and surface.endpoint.endswith(ending)


def _is_named_by_its_place(surface: Surface) -> bool:
    """Whether the path holds a deployment: whatever the body says, that one answers."""
    row = PROVIDERS.get(surface.provider or "")
    return row is not None and bool(row.path_model) and re.fullmatch(row.path_model, surface.endpoint) is not None


@lru_cache(maxsize=64)
def speakers(family: str, kind: EndpointKind, provider: str | None) -> frozenset[str]:
    """The providers that take the same request on the same surface."""
    if kind == "generate_content":  # the model, and with some hosts the project, stand in the path
        return frozenset({provider} if provider else ())
    ending = _ENDINGS.get(kind, "")
    if family == "native":
        return frozenset(slug for slug, row in PROVIDERS.items() if ending and row.paths.get(kind, "").endswith(ending))
    if family == "compat":
        return frozenset(slug for slug, row in PROVIDERS.items() if row.compat is not None)
    served = {slug for slug, row in PROVIDERS.items() if row.author is not None}
    return frozenset(slug for slug in served if kind == "chat" or kind in PROVIDERS[slug].paths)


def alias_in(surface: Surface, tree: object) -> str | None:
    """The route class that the model's name stands for (``aig/summary``), ``auto``, or None where it is a model."""
    model: object = tree.get("model") if isinstance(tree, dict) else None
    if surface.kind == "generate_content":
        found = _MODEL_SEGMENT.search(surface.endpoint)
        model = found[1] if found else None
    if not isinstance(model, str) or not model.startswith(ALIAS):
        return None
    return model.removeprefix(ALIAS)


def addressed(url: str, surface: Surface, provider: str, model: str) -> tuple[str, str | None]:
    """The URL at which a model answers, and how the body there spells it; None where the path names it.

    Raises:
        ConfigurationError: the provider is not served there, or the model cannot stand in a path.
    """
    if surface.family == "compat":
        return url, compat_model(provider, model)
    if surface.family == "rest":
        return url, rest_model(provider, model)
    path, mark, query = url.partition("?")
    base = path.rstrip("/").removesuffix(f"/{surface.provider}{surface.endpoint}")
    if surface.kind == "generate_content":
        endpoint = path_with_model(_MODEL_SEGMENT.sub("/models/_:", surface.endpoint, count=1), model)
        if endpoint is None:
            raise ConfigurationError("model", "cannot stand in a path")
        return f"{base}/{provider}{endpoint}{mark}{query}", None
    if provider == surface.provider:
        return url, model
    # The query stays behind: it was meant for the other provider.
    return f"{base}/{provider}{endpoint_path(provider, surface.kind, model=model)}", model


def without_their_headers(kept: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers less those that only the provider first asked understands (an organisation's id, a beta's name)."""
    return [pair for pair in kept if not pair[0].lower().startswith(THEIR_HEADERS)]
