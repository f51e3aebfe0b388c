"""Request bodies in the shapes that requests have. Seeded, so every run and every process measures the same ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import count
from typing import Any

Body = dict[str, Any]
SIZES = {"1 KB": 1_000, "10 KB": 10_000, "100 KB": 100_000, "1 MB": 1_000_000}

_ENGLISH = """the answer of this system depends on what you ask and how long its context already is because every token
is read again before a first word is written so keep prompts stable at their start and put what changes at their end"""
_OTHERS = """größe straße añadir français naïve résumé пример данных запрос ответ модель 東京 大阪 模型 缓存 请求 回答
안녕하세요 요청 مرحبا طلب नमस्ते उत्तर 🙂 🚀"""
_WORDS, _FOREIGN = _ENGLISH.split(), _OTHERS.split()


def prose(chance: random.Random, size: int, *, foreign: float = 0.0) -> str:
    """Words up to about ``size`` bytes of UTF-8, with some share of them not English."""
    words: list[str] = []
    length = 0
    while length < size:
        word = chance.choice(_FOREIGN if chance.random() < foreign else _WORDS)
        words.append(word)
        length += len(word.encode()) + 1
    return " ".join(words)


def _messages(chance: random.Random, size: int, each: int, *, foreign: float = 0.0) -> list[Body]:
    messages: list[Body] = []
    while size > 0:
        text = prose(chance, min(each, max(size - 40, 20)), foreign=foreign)
        messages.append({"role": "user" if len(messages) % 2 else "assistant", "content": text})
        size -= len(text.encode()) + 40
    return messages


def _tool(chance: random.Random, index: int) -> Body:
    """A nested tool schema with numbers of every kind."""
    properties: Body = {
        f"field_{number}": {
            "type": "object",
            "description": prose(chance, 60),
            "properties": {
                "limit": {"type": "number", "minimum": 0.25, "maximum": 99.75, "multipleOf": 0.125},
                "unit": {"type": "string", "enum": ["km", "mi", "m"], "default": "km"},
                "at": {"type": "array", "items": {"type": "integer", "minimum": -180, "maximum": 180}},
            },
            "required": ["limit", "unit"],
        }
        for number in range(3)
    }
    parameters: Body = {"type": "object", "properties": properties, "required": sorted(properties)}
    parameters["additionalProperties"] = False
    function = {"name": f"tool_{index}", "description": prose(chance, 120), "parameters": parameters, "strict": True}
    return {"type": "function", "function": function}


def _with(messages: list[Body], **more: object) -> Body:
    return {"model": "gpt-4.1-mini", "messages": messages, "temperature": 0.25, "max_tokens": 512, **more}


def text(size: int) -> Body:
    """A few long messages of 4 KB."""
    return _with(_messages(random.Random(1), size - 100, 4_000))


def mixed(size: int) -> Body:
    """70 % multilingual messages of about 1 KB, 30 % nested tool schemas with floats."""
    chance = random.Random(2)
    messages = _messages(chance, int(size * 0.7) - 100, 1_000, foreign=0.4)
    tools: list[Body] = []
    room = size * 0.3
    while room > 600 or not tools:
        tools.append(_tool(chance, len(tools)))
        room -= len(json.dumps(tools[-1], separators=(",", ":")))
    return _with(messages, tools=tools)


def chatty(size: int) -> Body:
    """Many messages of 200 characters: nothing long enough to be remembered."""
    return _with(_messages(random.Random(3), size - 100, 200))


SHAPES: dict[str, Callable[[int], Body]] = {"text": text, "mixed": mixed, "chatty": chatty}


def wire(body: Body) -> bytes:
    """The body's bytes, as httpx writes ``json=``."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def fresh_chat(model: str = "gpt-4.1-mini", size: int = 4_000) -> Callable[[], Body]:
    """A source of bodies of one size: the same system prompt, every time another question."""
    chance = random.Random(4)
    system = {"role": "system", "content": prose(chance, size * 6 // 10)}
    question = prose(chance, size * 4 // 10 - 120)
    numbers = count(1_000_000)

    def body() -> Body:
        return _with([system, {"role": "user", "content": f"{next(numbers)} {question}"}], model=model)

    return body
