"""A fake OpenAI, its model list and moderations, and those who follow its dialect."""

from __future__ import annotations

import re

from .._json import array_of
from .._messages import ProviderAnswer
from ._asked import Asked, Row, row
from ._audio import speech, transcriptions
from ._chat import ChatDialect, chat
from ._chat_dialects import OPENAI
from ._images import image_edits, image_generations
from ._openai_errors import checked
from ._responses import responses
from ._text import EPOCH, draw
from ._vectors import embeddings
from ._wire import json_answer

_MODELS = ("gpt-4.1-mini", "gpt-5", "text-embedding-3-small", "text-embedding-3-large")
_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def models(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`GET /v1/models`: a few names; every other one is served too."""
    rows = [{"id": name, "object": "model", "created": EPOCH, "owned_by": "system"} for name in _MODELS]
    return json_answer(200, {"object": "list", "data": rows})


def moderations(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/moderations`: nothing is ever flagged."""
    payload = checked(asked.payload, "input")
    if isinstance(payload, ProviderAnswer):
        return payload
    one = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    count = len(array_of(payload["input"])) or 1
    name = draw(payload["input"], 3).replace(" ", "-")
    model = payload.get("model") or "omni-moderation-latest"
    return json_answer(200, {"id": f"modr-{name}", "model": model, "results": [one] * count})


# `openai` stands for `.../v1` already; the form with `v1` seems to be accepted too (contract 3.2).
_BASE = "(?:/v1)?"

OPENAI_ROWS = (
    row("GET", f"{_BASE}/models", models),
    row("POST", f"{_BASE}/chat/completions", chat(OPENAI)),
    row("POST", f"{_BASE}/responses", responses(OPENAI)),
    row("POST", f"{_BASE}/embeddings", embeddings),
    row("POST", f"{_BASE}/images/generations", image_generations),
    row("POST", f"{_BASE}/images/edits", image_edits),
    row("POST", f"{_BASE}/audio/speech", speech),
    row("POST", f"{_BASE}/audio/(?:transcriptions|translations)", transcriptions),
    row("POST", f"{_BASE}/moderations", moderations),
)

_AZURE = "/(?P<resource>[^/]+)/(?P<model>[^/]+)"


def azure_rows(dialect: ChatDialect) -> tuple[Row, ...]:
    """The deployment stands for the model (contract 3.2)."""
    return (
        row("POST", f"{_AZURE}/chat/completions", chat(dialect)),
        row("POST", f"{_AZURE}/embeddings", embeddings),
        row("POST", f"{_AZURE}/images/generations", image_generations),
        row("POST", f"{_AZURE}/audio/speech", speech),
        row("POST", f"{_AZURE}/audio/(?:transcriptions|translations)", transcriptions),
        row("POST", ".*/responses", responses(dialect)),
    )


def follower_rows(dialect: ChatDialect) -> tuple[Row, ...]:
    """Who offers chat completions, and what else of OpenAI's, below some base."""
    return (
        row("GET", ".*/models", models),
        row("POST", ".*/chat/completions", chat(dialect)),
        row("POST", ".*/responses", responses(dialect)),
        row("POST", ".*/embeddings", embeddings),
        row("POST", ".*/images/generations", image_generations),
        row("POST", ".*/audio/speech", speech),
        row("POST", ".*/audio/(?:transcriptions|translations)", transcriptions),
    )
