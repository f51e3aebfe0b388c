"""The pass over a request's JSON tree: how much text there is, which media, and whether tools were used.

What is text is found by what is not: settings, marks and media are rows, and all other strings count.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from types import MappingProxyType
from typing import Final, Literal, TypeGuard

from ..facts._shapes import Shape

Medium = Literal["image", "audio", "video", "file"]
Tree = Mapping[str, object]

CHARACTERS_PER_TOKEN: Final = 4
"""A rule of thumb for English. Other scripts have fewer: an estimate may be a quarter of the truth."""

MOST_NODES: Final = 1_000_000
"""Objects and arrays that are looked at. No request has so many; one that refers to itself would never end."""

MEDIA_TOKENS: Final[Mapping[Medium, int]] = MappingProxyType(
    {"image": 1_000, "audio": 1_000, "video": 5_000, "file": 5_000}
)
"""Tokens for one picture, sound, video or file, whatever its size: a guess that is better than none.

The order of magnitude: OpenAI takes 85 to some 1 500 for a picture, Anthropic width x height / 750, Gemini 258 a tile;
Gemini takes 32 a second of sound, 258 a page and some 300 a second of video.
"""

# Blocks that are media, by `type`: OpenAI chat and responses, Anthropic, Cohere. What is below them is not text.
_BY_TYPE: Final[Mapping[str, Medium]] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "computer_screenshot": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "input_video": "video",
    "file": "file",
    "file_url": "file",
    "input_file": "file",
    "container_upload": "file",
}
# Blocks without a `type`: Gemini (the MIME type decides) and Bedrock's Converse, in both spellings.
_BY_MEMBER: Final[Mapping[str, Medium]] = {
    "inlineData": "file",
    "inline_data": "file",
    "fileData": "file",
    "file_data": "file",
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
}
_BY_MIME: Final[Mapping[str, Medium]] = {"image": "image", "audio": "audio", "video": "video"}
# Strings in turns that a model does not read: names of shapes, identifiers, signatures and encrypted thoughts.
_MARKS: Final = frozenset(
    {
        *("type", "role", "id", "call_id", "tool_call_id", "tool_use_id", "toolUseId", "status", "phase", "detail"),
        *("mimeType", "mime_type", "media_type", "signature", "thoughtSignature", "thought_signature"),
        *("encrypted_content", "file_id", "ttl", "container_id"),
    }
)
# Members of turns that are JSON of the caller's own: names and values are text, and mean nothing to us.
_OWN_JSON: Final = frozenset({"input", "args", "arguments", "response", "parameters", "input_schema", "json"})


class Seen:
    """What the pass has met so far."""

    __slots__ = ("characters", "media", "media_characters", "media_tokens", "shape", "tool_history", "tool_turns")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.characters = 0
        self.media: set[Medium] = set()
        self.media_characters = 0
        self.media_tokens = 0
        self.tool_history = False
        self.tool_turns = False

    def medium(self, medium: Medium, block: object) -> None:
        """One picture, sound, video or file; its MIME type, where there is one, knows better."""
        if isinstance(block, dict):
            mime = block.get("mimeType") or block.get("mime_type")
            top = mime.partition("/")[0] if isinstance(mime, str) else ""
            if top == "text":  # a text in base64 is read as text, and nobody counts it before
                return
            medium = _BY_MIME.get(top) or medium
        self.media.add(medium)
        self.media_tokens += MEDIA_TOKENS[medium]
        if medium != "file":  # which may be a text, whatever it is written in
            self.media_characters += sum(map(_data_length, block if _is_several(block) else (block,)))


def read_text(tree: object, seen: Seen, *, numbers_are_tokens: bool = False) -> None:
    """Count the text of turns, and notice media and tool use."""
    stack = [tree]
    for _ in repeat(None, MOST_NODES):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, dict):
            if not _is_medium(node, seen):
                _read_members(node, seen, stack)
        elif isinstance(node, str):
            seen.characters += len(node)
        elif isinstance(node, (list, tuple)):
            stack.extend(node)
        elif numbers_are_tokens and type(node) is int:
            seen.characters += CHARACTERS_PER_TOKEN


def _read_members(node: Tree, seen: Seen, stack: list[object]) -> None:
    characters = 0
    for name, item in node.items():
        if type(item) is str:
            if name not in _MARKS:
                characters += len(item)
        elif not isinstance(item, (dict, list, tuple)):
            continue
        elif name in _BY_MEMBER and isinstance(item, dict):
            seen.medium(_BY_MEMBER[name], item)
        elif name in _OWN_JSON:
            characters += written_length(item)
        else:
            stack.append(item)
    seen.characters += characters


def _is_medium(node: Tree, seen: Seen) -> bool:
    """Whether a block is a picture or the like, of which nothing is text. On the way, whether it shows tool use."""
    history = seen.shape.history
    kind = node.get("type")
    if type(kind) is str:
        if kind == "text":
            return False
        if kind == "document":
            return _is_file(node, seen)
        if kind in history.types or (history.endings and kind.endswith(history.endings)):
            seen.tool_history = True
        elif kind in _BY_TYPE:
            seen.medium(_BY_TYPE[kind], node)
            return True
        elif kind in seen.shape.tool_turns:
            seen.tool_turns = True
    if not seen.tool_history:
        role = node.get("role")
        seen.tool_history = (type(role) is str and role in history.roles) or any(map(node.get, history.members))
    return False


def _is_file(node: Tree, seen: Seen) -> bool:
    """Anthropic's documents: texts and blocks are read, all else is a file. Cohere's have no source."""
    source = node.get("source")
    if not isinstance(source, dict) or source.get("type") in ("text", "content"):
        return False
    seen.medium("file", node)
    return True


def _is_several(block: object) -> TypeGuard[list[object]]:
    return isinstance(block, list) and bool(block) and type(block[0]) is not int


def _data_length(block: object) -> int:
    """The characters of the data in a block: its longest text, or a list of the numbers that its bytes are."""
    stack, longest = [block], 0
    for _ in repeat(None, MOST_NODES):
        if not stack:
            break
        node = stack.pop()
        if isinstance(node, str):
            longest = max(longest, len(node))
        elif isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, (list, tuple)):
            if node and type(node[0]) is int:
                longest = max(longest, 2 * len(node))
            else:
                stack.extend(node)
    return longest


def written_length(tree: object) -> int:
    """The characters of names and strings in a schema or in arguments."""
    stack = [tree]
    characters = 0
    for _ in repeat(None, MOST_NODES):
        if not stack:
            break
        node = stack.pop()
        if isinstance(node, dict):
            for name, item in node.items():
                if type(name) is str:
                    characters += len(name)
                if type(item) is str:
                    characters += len(item)
                elif isinstance(item, (dict, list, tuple)):
                    stack.append(item)
        elif isinstance(node, (list, tuple)):
            stack.extend(node)
        elif isinstance(node, str):
            characters += len(node)
    return characters
