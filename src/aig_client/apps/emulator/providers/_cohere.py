"""A fake Cohere: chat in its first and its second version, embeddings, reranking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._json import JsonObject, array_of, object_of, text_of, write
from .._messages import ProviderAnswer, ProviderRequest
from ._asked import Asked, row
from ._chat import chat, forced_tool
from ._chat_dialects import translated
from ._samples import sample
from ._text import Draft, Wish, draft, draw, tokens_in
from ._vectors import vector
from ._wire import json_answer, sse, sse_answer

_DIMENSIONS = 1536
_MOST_INPUTS = 96
_VERSION = {"version": "1"}


def cohere_error(status: int, message: str) -> ProviderAnswer:
    return json_answer(status, {"message": message})


def no_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return cohere_error(401, "no api key supplied")


def wrong_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return cohere_error(401, "invalid api token")


def _wish(asked: Asked, payload: JsonObject) -> Wish:
    form = object_of(payload.get("response_format"))
    schema = form.get("json_schema") or form.get("schema")
    return Wish(
        limit=payload.get("max_tokens"),
        tool=forced_tool({**payload, "tool_choice": (text_of(payload.get("tool_choice")) or "").lower()}),
        value=sample(schema) if schema else {"answer": "amber"},
        has_value=form.get("type") == "json_object",
        say=asked.say,
    )


def _counts(said: Draft) -> dict[str, object]:
    counts = {"input_tokens": said.prompt_tokens, "output_tokens": said.output_tokens}
    return {"billed_units": counts, "tokens": counts}


def chat_v1(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/chat`: one message and a history; a stream is JSON, one object a line."""
    payload = asked.payload
    if payload is None or not text_of(payload.get("message")):
        return cohere_error(400, "invalid request: message must be at least 1 token long or tool results must be given")
    model = text_of(payload.get("model")) or "command-a-03-2025"
    prompt = [payload.get("preamble"), payload.get("chat_history"), payload.get("message")]
    said = draft(model, payload, prompt, _wish(asked, payload))
    whole = _whole_v1(payload, said)
    if payload.get("stream") is not True:
        return json_answer(200, whole)
    lines = tuple(write(event) + b"\n" for event in _events_v1(said, whole))
    return ProviderAnswer(200, (("content-type", "application/stream+json"),), lines)


def _whole_v1(payload: JsonObject, said: Draft) -> dict[str, object]:
    turns = [{"role": "USER", "message": payload.get("message")}, {"role": "CHATBOT", "message": said.text}]
    return {
        "response_id": f"{said.digest[:32]}",
        "text": said.text,
        "generation_id": f"{said.digest[32:]}",
        "chat_history": [*array_of(payload.get("chat_history")), *turns],
        "finish_reason": "MAX_TOKENS" if said.cut else "COMPLETE",
        "meta": {"api_version": _VERSION, **_counts(said)},
    }


def _events_v1(said: Draft, whole: dict[str, object]) -> Iterator[dict[str, object]]:
    yield {"is_finished": False, "event_type": "stream-start", "generation_id": whole["generation_id"]}
    for piece in said.pieces:
        yield {"is_finished": False, "event_type": "text-generation", "text": piece}
    reason = whole["finish_reason"]
    yield {"is_finished": True, "event_type": "stream-end", "finish_reason": reason, "response": whole}


def chat_v2(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v2/chat`: messages; a stream is server-sent events."""
    payload = asked.payload
    model = text_of((payload or {}).get("model"))
    if payload is None or not model or not array_of(payload.get("messages")):
        return cohere_error(400, "invalid request: model and messages are required")
    teller = _Teller(draft(model, payload, payload["messages"], _wish(asked, payload)))
    if payload.get("stream") is True:
        return sse_answer(sse(event, str(event["type"])) for event in teller.events())
    return json_answer(200, teller.whole())


@dataclass(frozen=True, slots=True, repr=False)
class _Teller:
    said: Draft

    def whole(self) -> dict[str, object]:
        said, message = self.said, dict[str, object](role="assistant")
        if said.tool is None:
            message["content"] = [{"type": "text", "text": said.text}]
        else:
            message["tool_calls"] = [self._call(said.tool.json)]
        return {"id": self._id, "finish_reason": self._reason, "message": message, "usage": _counts(said)}

    def events(self) -> Iterator[dict[str, object]]:
        start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        yield {"id": self._id, "type": "message-start", "delta": {"message": start}}
        yield from self._text() if self.said.tool is None else self._tool(self.said.tool.json)
        yield {"type": "message-end", "delta": {"finish_reason": self._reason, "usage": _counts(self.said)}}

    def _text(self) -> Iterator[dict[str, object]]:
        empty = {"message": {"content": {"type": "text", "text": ""}}}
        yield {"type": "content-start", "index": 0, "delta": empty}
        for piece in self.said.pieces:
            yield {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
        yield {"type": "content-end", "index": 0}

    def _tool(self, arguments: str) -> Iterator[dict[str, object]]:
        yield {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": self._call("")}}}
        delta = {"message": {"tool_calls": {"function": {"arguments": arguments}}}}
        yield {"type": "tool-call-delta", "index": 0, "delta": delta}
        yield {"type": "tool-call-end", "index": 0}

    def _call(self, arguments: str) -> dict[str, object]:
        name = self.said.tool.name if self.said.tool else ""
        call_id = f"{name}_{self.said.digest[:12]}"
        return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

    @property
    def _id(self) -> str:
        digest = self.said.digest
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"

    @property
    def _reason(self) -> str:
        if self.said.tool is not None:
            return "TOOL_CALL"
        return "MAX_TOKENS" if self.said.cut else "COMPLETE"


def _embed(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`POST /v1/embed` and `/v2/embed`."""
    payload = asked.payload
    texts = array_of((payload or {}).get("texts"))
    if payload is None or not texts or len(texts) > _MOST_INPUTS:
        return cohere_error(400, f"invalid request: 1 to {_MOST_INPUTS} texts are expected")
    model = text_of(payload.get("model")) or "embed-v4.0"
    rows = [vector(model, one, _DIMENSIONS) for one in texts]
    typed = found["version"] == "2" or "embedding_types" in payload
    units = {"input_tokens": sum(tokens_in(one) for one in texts)}
    whole: dict[str, object] = {
        "id": draw(texts, 3).replace(" ", "-"),
        "embeddings": {"float": rows} if typed else rows,
        "texts": texts,
        "meta": {"api_version": {"version": found["version"]}, "billed_units": units},
        "response_type": "embeddings_by_type" if typed else "embeddings_floats",
    }
    return json_answer(200, whole)


def _rerank(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
    """`POST /v1/rerank` and `/v2/rerank`: the order stays as it is."""
    payload = asked.payload or {}
    count = len(array_of(payload.get("documents")))
    if not payload.get("query") or not count:
        return cohere_error(400, "invalid request: query and documents are required")
    rows = [{"index": place, "relevance_score": round(1 / (place + 1), 4)} for place in range(min(count, 1000))]
    meta: dict[str, object] = {"api_version": {"version": found["version"]}, "billed_units": {"search_units": 1}}
    return json_answer(200, {"id": draw(payload.get("query"), 3).replace(" ", "-"), "results": rows, "meta": meta})


COHERE_ROWS = (
    row("POST", "/v1/chat", chat_v1),
    row("POST", "/v2/chat", chat_v2),
    row("POST", "/v(?P<version>[12])/embed", _embed),
    row("POST", "/v(?P<version>[12])/rerank", _rerank),
    row("POST", ".*/chat/completions", chat(translated("cohere"))),
)
