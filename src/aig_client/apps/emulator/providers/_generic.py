"""Providers without a fake of their own: a small answer that says it is one, so that every slug can be used."""

from __future__ import annotations

import re

from .._json import text_of, write
from .._messages import ProviderAnswer
from ._anthropic import messages
from ._asked import Asked, Row, row
from ._chat import chat
from ._chat_dialects import DIALECTS, PLAIN
from ._openai import models
from ._openai_errors import openai_error
from ._responses import responses
from ._text import draw
from ._vectors import embeddings
from ._wire import json_answer

_METHODS = frozenset(("GET", "POST"))


def some_answer(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """One JSON object for every path, equal for equal requests."""
    request = asked.request
    if request.method not in _METHODS:
        return openai_error(405, f"Not allowed to {request.method} here.", code="method_not_supported")
    seed = [request.provider, request.method, request.path, request.body.decode("latin-1")]
    whole = {
        "id": draw(seed, 3).replace(" ", "-"),
        "object": "emulator.answer",
        "provider": request.provider,
        "output": draw(seed, 12) if asked.say is None else asked.say,
    }
    return json_answer(200, whole)


def generated_text(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """Hugging Face's text generation: `inputs`, and what follows them."""
    inputs = text_of((asked.payload or {}).get("inputs"))
    if asked.request.method != "POST" or inputs is None:
        return some_answer(asked, found)
    text = asked.say or " " + draw(["huggingface", asked.request.path, write(asked.payload).decode("ascii")], 12)
    return json_answer(200, [{"generated_text": inputs + text}])


def generic_rows(slug: str) -> tuple[Row, ...]:
    """The endpoints that many providers copy, at the end of any path."""
    dialect = DIALECTS.get(slug, PLAIN)
    return (
        row("GET", ".*/models", models),
        row("POST", ".*/chat/completions", chat(dialect)),
        row("POST", ".*/responses", responses(dialect)),
        row("POST", ".*/embeddings", embeddings),
        row("POST", ".*/v1/messages", messages),
    )
