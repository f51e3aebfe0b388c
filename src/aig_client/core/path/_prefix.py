"""The cache strategy ``provider-prefix``: what a provider needs to be told so that it caches the start of a prompt.

Most need nothing. OpenAI routes by a key; Anthropic caches what is marked. A caller's own marks are never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..facts._catalog import Capabilities
from ..facts._providers import EndpointKind
from ..facts._shapes import PrefixMarking, shape_of
from ._tools import Tree, is_object, objects

_HOUR: Final = 3600
_KEY: Final = "prompt_cache_key"
_MARK: Final = "cache_control"

NOT_MARKED: Final = "prompt cache: this endpoint has no way to mark a prefix"
IMPLICIT: Final = "prompt cache: the provider caches prefixes by itself"
BY_HAND: Final = "prompt cache: the caller's own marks stay as they are"
NO_CACHE: Final = "prompt cache: the model has none"
TOO_SHORT: Final = "prompt cache: the prompt is shorter than the model caches"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a marking may use: how long a mark lives, and the routing key."""

    hour: bool
    key: str | None


def mark_prefix(
    kind: EndpointKind,
    tree: object,
    model: Capabilities | None,
    *,
    prefix_ttl: int,
    key: str | None,
    estimated_tokens: int | None,
    provider: str | None = None,
) -> tuple[object, str | None]:
    """The tree with its stable prefix marked where the provider wants a mark, and a sentence about it.

    The same object where nothing is to be said: the provider caches alone, the caller has marked, the prompt (not
    the prefix: where it ends, only the provider counts) is shorter than ``prompt_cache_min_tokens``.

    Args:
        prefix_ttl: seconds that the prefix should live: 300 or 3600. Only Anthropic is told.
        key: OpenAI's ``prompt_cache_key``, for callers that set none; requests of one key should share a prefix.
        estimated_tokens: of the whole prompt; None is unknown and hinders nothing.
        provider: who answers; ``model.provider`` where it is None.
    """
    shape = shape_of(kind, provider or (model.provider if model is not None else None), tree)
    if shape is None or not is_object(tree) or not any(name in tree for name in shape.conversation):
        return tree, NOT_MARKED
    obstacle = _obstacle(shape.prefix, model, estimated_tokens)
    if obstacle is not None:
        return tree, obstacle
    hour = prefix_ttl >= _HOUR and (model is None or not model.prompt_cache_ttls or _HOUR in model.prompt_cache_ttls)
    marked, note = _MARKINGS[shape.prefix](tree, _Asked(hour, key))
    if marked is not tree and prefix_ttl >= _HOUR and not hour:
        note = f"{note}; the model keeps no prefix for an hour"
    return marked, note


def _obstacle(prefix: PrefixMarking, model: Capabilities | None, estimated_tokens: int | None) -> str | None:
    if model is not None and model.prompt_cache == "none":
        return NO_CACHE
    if prefix in ("none", "implicit"):
        return NOT_MARKED if prefix == "none" else IMPLICIT
    least = model.prompt_cache_min_tokens if model is not None else None
    if least is not None and estimated_tokens is not None and estimated_tokens < least:
        return TOO_SHORT
    return None


def _with_key(tree: Tree, asked: _Asked) -> tuple[Tree, str | None]:
    if tree.get(_KEY) is not None:
        return tree, BY_HAND
    if asked.key is None:
        return tree, IMPLICIT
    return {**tree, _KEY: asked.key}, f"prompt cache: {_KEY} added"


def _on_request(tree: Tree, asked: _Asked) -> tuple[Tree, str | None]:
    """Anthropic's own API.

    A conversation gets the mark for the whole request, which Anthropic puts on the last block and so moves forward
    turn by turn. A single turn does not: its last block is what changes from request to request, and every one would
    pay for a write that nobody reads. There the end of system prompt and tools is marked.
    """
    if _is_marked(tree):
        return tree, BY_HAND
    if not _has_answers(tree):
        marked = _mark_stable_end(tree, asked)
        if marked is not tree:
            return marked, "prompt cache: the end of system prompt and tools is marked"
    return {**tree, _MARK: _mark(asked)}, "prompt cache: the request is marked"


def _on_blocks(tree: Tree, asked: _Asked) -> tuple[Tree, str | None]:
    if _is_marked(tree):
        return tree, BY_HAND
    marked = _mark_stable_end(tree, asked)
    if marked is tree:
        return tree, "prompt cache: neither system prompt nor tools to mark"
    return marked, "prompt cache: the end of system prompt and tools is marked"


def _unmarked(tree: Tree, _asked: _Asked) -> tuple[Tree, str | None]:
    return tree, NOT_MARKED


_MARKINGS: Final[Mapping[PrefixMarking, Callable[[Tree, _Asked], tuple[Tree, str | None]]]] = {
    "none": _unmarked,
    "implicit": _unmarked,
    "key": _with_key,
    "request": _on_request,
    "blocks": _on_blocks,
}


def _mark(asked: _Asked) -> Tree:
    return {"type": "ephemeral", "ttl": "1h"} if asked.hour else {"type": "ephemeral"}


def _has_answers(tree: Tree) -> bool:
    return any(turn.get("role") == "assistant" for _, turn in objects(tree.get("messages")))


def _mark_stable_end(tree: Tree, asked: _Asked) -> Tree:
    """One mark on the last system block, which covers the tools too, else on the last tool; else the same tree."""
    system = tree.get("system")
    if isinstance(system, str) and system.strip():
        return {**tree, "system": [{"type": "text", "text": system, _MARK: _mark(asked)}]}
    if isinstance(system, list) and (marked := _with_last_marked(system, asked)) is not None:
        return {**tree, "system": marked}
    tools = tree.get("tools")
    if isinstance(tools, list) and (marked := _with_last_marked(tools, asked)) is not None:
        return {**tree, "tools": marked}
    return tree


def _with_last_marked(items: list[object], asked: _Asked) -> list[object] | None:
    last = items[-1] if items else None
    if not is_object(last) or last.get("defer_loading"):  # a deferred tool takes no mark
        return None
    if "text" in last and not (isinstance(last["text"], str) and last["text"].strip()):
        return None  # an empty block cannot be cached
    return [*items[:-1], {**last, _MARK: _mark(asked)}]


def _is_marked(tree: Tree) -> bool:
    """Whether ``cache_control`` stands anywhere. A tool's parameter of that name counts too: the cost is a mark."""
    pending: list[object] = [tree]
    while pending:
        item = pending.pop()
        if is_object(item):
            if item.get(_MARK) is not None:
                return True
            pending += item.values()
        elif isinstance(item, (list, tuple)):
            pending += item
    return False
