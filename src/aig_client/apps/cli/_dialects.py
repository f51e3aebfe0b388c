"""How a prompt is asked and an answer read at each kind of endpoint: one row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ...core import EndpointKind

_MOST_TOKENS: Final = 1024  # Anthropic's messages must name a limit


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of endpoint: its body for a prompt, the texts of a whole answer, the texts of a streamed event."""

    body: Callable[[str, str], dict[str, object]]
    texts: Callable[[object], Iterator[str]]
    pieces: Callable[[object], Iterator[str]]


def _chat(model: str, prompt: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}]}


def _messages(model: str, prompt: str) -> dict[str, object]:
    return {**_chat(model, prompt), "max_tokens": _MOST_TOKENS}


def _responses(model: str, prompt: str) -> dict[str, object]:
    return {"model": model, "input": prompt}


def _generate(_model: str, prompt: str) -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}


def _at(value: object, *path: str) -> Iterator[str]:
    """The texts at a path; ``*`` goes into every item of a list."""
    if not path:
        if isinstance(value, str):
            yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _at(item, *path[1:])
    elif isinstance(value, dict):
        yield from _at(value.get(path[0]), *path[1:])


def _where(*path: str) -> Callable[[object], Iterator[str]]:
    return lambda value: _at(value, *path)


def _delta(event: object) -> Iterator[str]:
    """The Responses API names its events; only those of the answer's text count."""
    if isinstance(event, dict) and event.get("type") == "response.output_text.delta":
        yield from _at(event, "delta")


DIALECTS: Final[Mapping[EndpointKind, Dialect]] = {
    "chat": Dialect(_chat, _where("choices", "*", "message", "content"), _where("choices", "*", "delta", "content")),
    "messages": Dialect(_messages, _where("content", "*", "text"), _where("delta", "text")),
    "responses": Dialect(_responses, _where("output", "*", "content", "*", "text"), _delta),
    "generate_content": Dialect(
        _generate,
        _where("candidates", "*", "content", "parts", "*", "text"),
        _where("candidates", "*", "content", "parts", "*", "text"),
    ),
}


def text_of(kind: EndpointKind, answer: object) -> str | None:
    """The text of a whole answer; None where this kind of answer has none that is known."""
    dialect = DIALECTS.get(kind)
    pieces = list(dialect.texts(answer)) if dialect is not None else []
    return "".join(pieces) if pieces else None
