"""read: what is asked, of whom, in which parts?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .._values import UNSET, Request
from ..facts._headers import DEPRECATED
from ..facts._providers import CREDENTIAL_HEADERS
from ..facts._surfaces import Surface, surface_of
from ._rules import Rules

_OLD_NAMES: Final = frozenset(name.encode() for name in DEPRECATED)
_CREDENTIALS: Final = frozenset(name.encode() for name in CREDENTIAL_HEADERS)


@dataclass(frozen=True, slots=True)
class Call:
    """A request taken apart.

    Headers fall into four heaps: providers' ``credentials``, the caller's ``own`` ``cf-aig-*`` ones, our ``x-aig-*``
    ``hints`` (which never leave), and the rest, which is ``kept``.
    """

    request: Request = field(repr=False)
    surface: Surface | None
    kept: list[tuple[bytes, bytes]] = field(repr=False)
    credentials: list[tuple[bytes, bytes]] = field(repr=False)
    own: list[tuple[str, str]] = field(repr=False)
    hints: Mapping[str, str] = field(repr=False)


def read(request: Request, rules: Rules) -> Call:
    """Take a request apart. The body is not looked at: most requests are decided without it."""
    kept: list[tuple[bytes, bytes]] = []
    credentials: list[tuple[bytes, bytes]] = []
    own: list[tuple[str, str]] = []
    hints: dict[str, str] = {}
    for pair in request.headers:
        lowered = pair[0].lower()
        if lowered in _CREDENTIALS:
            credentials.append(pair)
        elif lowered.startswith(b"cf-aig-") or lowered in _OLD_NAMES:
            own.append((lowered.decode("latin-1"), pair[1].decode("latin-1")))
        elif lowered.startswith(b"x-aig-"):
            hints[lowered.decode("latin-1")] = pair[1].decode("latin-1").strip()
        else:
            kept.append(pair)
    surface = surface_of(request.url, gateways=rules.gateways)
    return Call(request, surface, kept, credentials, own, hints)


def tree_of(call: Call, rules: Rules) -> object:
    """The JSON tree of the body, or ``UNSET`` when the body is none.

    Raises:
        Unkeyable: the bytes have no one meaning as JSON.
    """
    request = call.request
    if request.tree is not UNSET:
        return request.tree
    if not request.body or not _says_json(call.kept):
        return UNSET
    return rules.maker.tree(request.body)


def _says_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        if name.lower() == b"content-type":
            essence = value.partition(b";")[0].strip().lower()
            return essence == b"application/json" or essence.endswith(b"+json")
    return False


# Gemini and Vertex; Bedrock and ElevenLabs.
_STREAM_PATH: Final = re.compile(r":stream|[/-]stream\Z")


def wants_stream(surface: Surface, tree: object) -> bool | None:
    """Whether the answer is asked for as a stream, by the path or by the body; None when the body was not looked at."""
    if _STREAM_PATH.search(surface.endpoint) or "alt=sse" in surface.query:
        return True
    if tree is UNSET:
        return None
    return any(asking.get("stream") for asking in _askings(tree))


_TOOL_MEMBERS: Final = (
    *("tools", "functions", "toolConfig", "tool_choice", "mcp_servers", "web_search_options"),
    *("plugins", "search_parameters", "connectors"),  # OpenRouter's, xAI's and Cohere's
)


def wants_tools(tree: object) -> bool:
    """Whether the request brings tools, and so may have effects that a cached answer would not repeat."""
    for asking in _askings(tree):
        for name in _TOOL_MEMBERS:
            if asking.get(name):
                return True
    return False


def _askings(tree: object) -> list[dict[str, object]]:
    """The objects that ask: the body or the entries of a Universal one, and the request that each may wrap."""
    askings: list[dict[str, object]] = []
    for outer in tree if isinstance(tree, list) else (tree,):
        if isinstance(outer, dict):
            askings.append(outer)
            # `/ai/run` and Universal: contract 3.1. Bedrock hands the third on to the model as it is.
            wrapped = (outer.get("input"), outer.get("query"), outer.get("additionalModelRequestFields"))
            askings += [inner for inner in wrapped if isinstance(inner, dict)]
            for name in ("instances", "requests"):  # Vertex, and Workers AI's batches
                listed = outer.get(name)
                askings += [inner for inner in listed if isinstance(inner, dict)] if isinstance(listed, list) else []
    return askings


def model_of(surface: Surface, tree: object) -> str | None:
    """The model asked for: the path's, else the body's."""
    if surface.model_in_path:
        return surface.model_in_path
    model = tree.get("model") if isinstance(tree, dict) else None
    return model if isinstance(model, str) else None
