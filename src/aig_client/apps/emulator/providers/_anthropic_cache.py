"""Anthropic's explicit prompt cache: `cache_control` on tools, system and message blocks.

The prefix runs tools, system, messages. Entries are written at breakpoints only, read at any block up to twenty back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._json import JsonObject, JsonValue, array_of, object_of
from ._asked import Asked
from ._prefixes import chain
from ._text import CHARS_PER_TOKEN, tokens_in

_MOST_MARKS = 4
_LOOKBACK = 20
_LIVES = {"5m": 300.0, "1h": 3600.0}

# The least that is cached, by model (platform.claude.com, autumn 2026). Haiku 5.5 is in no list that we found;
# it gets what Haiku 4.5 has. Everything else: 1024.
_MINIMA = (
    (re.compile(r"haiku-(?:4|5)|opus-4[-.][56](?!\d)"), 4096),
    (re.compile(r"opus-4[-.]7(?!\d)|haiku|mythos-preview"), 2048),
    (re.compile(r"opus-5|fable-5|mythos-5"), 512),
)
_MINIMUM = 1024


class BadCacheControlError(ValueError):
    """A `cache_control` that the API refuses; the message is the API's own."""


@dataclass(frozen=True, slots=True)
class PromptUse:
    """The tokens of one prompt: `total` is all of them, the others are parts of it."""

    total: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        return self.written_5m + self.written_1h

    @property
    def rest(self) -> int:
        """What came neither from the cache nor went into it: `input_tokens`."""
        return self.total - self.read - self.written


@dataclass(frozen=True, slots=True)
class _Block:
    """The prefix that ends with one block: its digest and tokens; a breakpoint's time to live."""

    digest: bytes
    tokens: int
    ttl: str | None


def prompt_tokens(payload: JsonObject) -> int:
    """All tokens of a prompt. `cache_control` does not count."""
    stripped = {name: _stripped(payload.get(name)) for name in ("tools", "system", "messages")}
    used = tokens_in([stripped["system"], stripped["messages"]])
    return used + tokens_in(stripped["tools"]) if stripped["tools"] else used


def use_cache(asked: Asked, payload: JsonObject, model: str) -> PromptUse:
    """Read and write the cache for one request. Raises `BadCacheControlError`."""
    total = prompt_tokens(payload)
    blocks = _blocks(asked, payload, model, total)
    marks = [place for place, block in enumerate(blocks) if block.ttl is not None]
    _check(blocks, marks)
    minimum = next((least for pattern, least in _MINIMA if pattern.search(model)), _MINIMUM)
    marks = [place for place in marks if blocks[place].tokens >= minimum]
    if not marks:
        return PromptUse(total)
    memory, now = asked.memory, asked.now
    reachable = {place for mark in marks for place in range(max(0, mark - _LOOKBACK + 1), mark + 1)}
    known = max((place for place in reachable if memory.holds(blocks[place].digest, now)), default=None)
    read = 0
    if known is not None:
        read = blocks[known].tokens
        memory.refresh(blocks[known].digest, now)
    fresh = [place for place in marks if known is None or place > known]
    for place in fresh:
        memory.write(blocks[place].digest, now, _LIVES[blocks[place].ttl or "5m"])
    # Lives must not grow along the prompt, so what is written for an hour comes first.
    until_1h = max((blocks[place].tokens for place in fresh if blocks[place].ttl == "1h"), default=read)
    end = max((blocks[place].tokens for place in fresh), default=read)
    return PromptUse(total, read, end - until_1h, until_1h - read)


def _check(blocks: list[_Block], marks: list[int]) -> None:
    if len(marks) > _MOST_MARKS:
        raise BadCacheControlError(
            f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {len(marks)}."
        )
    ttls = [blocks[place].ttl for place in marks]
    if "5m" in ttls and "1h" in ttls[ttls.index("5m") :]:
        raise BadCacheControlError(
            "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
            "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        )


def _blocks(asked: Asked, payload: JsonObject, model: str, total: int) -> list[_Block]:
    digest = asked.scope(model)
    length = 0
    found: list[_Block] = []
    for kind, block in _parts(payload):
        plain, control = _split(block)
        digest = chain(digest, json.dumps([kind, _as_block(plain)], sort_keys=True).encode("ascii"))
        length += len(json.dumps(plain))
        # Never more than the whole, which is counted with its brackets.
        found.append(_Block(digest, min(length // CHARS_PER_TOKEN, total), _ttl(control)))
    last = payload.get("cache_control")
    if last is not None and found and found[-1].ttl is None:
        found[-1] = _Block(found[-1].digest, found[-1].tokens, _ttl(last))
    return found


def _parts(payload: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    """Every block in the order of the prefix, with what it belongs to. A text stands for one block."""
    for tool in array_of(payload.get("tools")):
        yield "tool", tool
    for block in _listed(payload.get("system")):
        yield "system", block
    for message in map(object_of, array_of(payload.get("messages"))):
        for block in _listed(message.get("content")):
            yield str(message.get("role")), block


def _listed(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _as_block(value: JsonValue) -> JsonValue:
    return {"type": "text", "text": value} if isinstance(value, str) else value


def _split(block: JsonValue) -> tuple[JsonValue, JsonValue]:
    if not isinstance(block, dict):
        return block, None
    return {name: value for name, value in block.items() if name != "cache_control"}, block.get("cache_control")


def _ttl(control: JsonValue) -> str | None:
    if control is None:
        return None
    fields = object_of(control)
    if fields.get("type") != "ephemeral":
        raise BadCacheControlError("cache_control.type: Input should be 'ephemeral'")
    ttl = fields.get("ttl") or "5m"
    if ttl not in _LIVES:
        raise BadCacheControlError("cache_control.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _stripped(value: JsonValue) -> JsonValue:
    """The same prompt without its marks, so that a mark does not change the count."""
    if not isinstance(value, list):
        return value
    plain: list[JsonValue] = []
    for one in value:
        bare = _split(one)[0]
        blocks: list[JsonValue] = [_split(block)[0] for block in array_of(object_of(bare).get("content"))]
        plain.append({**object_of(bare), "content": blocks} if blocks else bare)
    return plain
