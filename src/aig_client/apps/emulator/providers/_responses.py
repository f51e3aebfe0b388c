"""A fake OpenAI Responses endpoint: the whole object, and its event stream.

Reasoning is counted, but no reasoning item is put out: nothing could be said in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .._json import JsonObject, array_of, object_of, text_of
from .._messages import Headers, ProviderAnswer
from ._asked import Asked, Endpoint
from ._chat import ChatDialect
from ._openai_errors import checked
from ._prefixes import Cached
from ._samples import sample, sample_arguments
from ._text import EPOCH, Draft, ToolCall, Wish, draft
from ._wire import json_answer, sse, sse_answer


def responses(dialect: ChatDialect) -> Endpoint:
    """`POST /v1/responses`, with the thinking models and the cache of a chat dialect."""

    def run(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
        payload = checked(asked.payload, "model", "input")
        if isinstance(payload, ProviderAnswer):
            return payload
        return _answer(dialect, asked, payload, text_of(payload["model"]) or "")

    return run


def _answer(dialect: ChatDialect, asked: Asked, payload: JsonObject, model: str) -> ProviderAnswer:
    form = object_of(object_of(payload.get("text")).get("format"))
    kind = text_of(form.get("type"))
    wish = Wish(
        limit=payload.get("max_output_tokens"),
        tool=_forced_tool(payload),
        reasoning=dialect.reasoning(model, text_of(object_of(payload.get("reasoning")).get("effort"))),
        value=sample(form.get("schema")) if kind == "json_schema" else {"answer": "amber"},
        has_value=kind in ("json_schema", "json_object"),
        say=asked.say,
    )
    prompt = [payload.get("instructions"), payload.get("input")]
    said = draft(model, payload, prompt, wish)
    before = (payload.get("tools"), payload.get("prompt_cache_key"))
    cached = asked.cached(dialect.prefix_rule(model, payload), model, prompt, *before)
    marks: Headers = (("x-request-id", f"req_{said.digest[:32]}"), ("openai-processing-ms", "7"))
    teller = _Teller(model, payload, said, cached)
    if payload.get("stream") is True:
        return sse_answer(teller.frames(), marks)
    return json_answer(200, teller.whole(), marks)


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    """The function tool that `tool_choice` forces, in the flat form of the Responses endpoint."""
    choice = payload.get("tool_choice")
    name = text_of(object_of(choice).get("name"))
    for tool in map(object_of, array_of(payload.get("tools"))):
        tool_name = text_of(tool.get("name"))
        if tool.get("type") == "function" and tool_name and (choice == "required" or tool_name == name):
            return ToolCall(tool_name, sample_arguments(tool.get("parameters")))
    return None


@dataclass(frozen=True, slots=True, repr=False)
class _Teller:
    model: str
    payload: JsonObject
    said: Draft
    cached: Cached

    def whole(self) -> dict[str, object]:
        cut = self.said.cut
        return {
            **self._unfinished(),
            "status": "incomplete" if cut else "completed",
            "completed_at": EPOCH,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "output": [self._item(done=True)],
            "usage": {
                "input_tokens": self.said.prompt_tokens,
                "input_tokens_details": {
                    "cached_tokens": self.cached.read,
                    "cache_write_tokens": self.cached.written,
                },
                "output_tokens": self.said.output_tokens,
                "output_tokens_details": {"reasoning_tokens": self.said.reasoning_tokens},
                "total_tokens": self.said.prompt_tokens + self.said.output_tokens,
            },
        }

    def frames(self) -> Iterator[bytes]:
        for number, event in enumerate(self._events()):
            yield sse({**event, "sequence_number": number}, str(event["type"]))

    def _unfinished(self) -> dict[str, object]:
        payload = self.payload
        return {
            "id": f"resp_{self.said.digest[:48]}",
            "object": "response",
            "created_at": EPOCH,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": payload.get("instructions"),
            "max_output_tokens": payload.get("max_output_tokens"),
            "metadata": object_of(payload.get("metadata")),
            "model": self.model,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": object_of(payload.get("reasoning")).get("effort"), "summary": None},
            "store": payload.get("store", True),
            "temperature": payload.get("temperature", 1.0),
            "text": payload.get("text") or {"format": {"type": "text"}},
            "tool_choice": payload.get("tool_choice", "auto"),
            "tools": array_of(payload.get("tools")),
            "top_p": payload.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None,
            "user": None,
        }

    def _item(self, *, done: bool) -> dict[str, object]:
        """The one output item: a message, or a function call; empty until done."""
        said = self.said
        status = "completed" if done else "in_progress"
        if said.tool is not None:
            call = {"type": "function_call", "call_id": f"call_{said.digest[:24]}", "name": said.tool.name}
            return {"id": self._item_id, **call, "arguments": said.tool.json if done else "", "status": status}
        content = [_part(said.text)] if done else []
        if done and said.cut:
            status = "incomplete"
        return {"id": self._item_id, "type": "message", "role": "assistant", "status": status, "content": content}

    @property
    def _item_id(self) -> str:
        return f"{'fc' if self.said.tool else 'msg'}_{self.said.digest[:48]}"

    def _events(self) -> Iterator[dict[str, object]]:
        start = self._unfinished()
        yield {"type": "response.created", "response": start}
        yield {"type": "response.in_progress", "response": start}
        yield {"type": "response.output_item.added", "output_index": 0, "item": self._item(done=False)}
        yield from self._text_events() if self.said.tool is None else self._call_events(self.said.tool)
        yield {"type": "response.output_item.done", "output_index": 0, "item": self._item(done=True)}
        whole = self.whole()
        yield {"type": f"response.{whole['status']}", "response": whole}

    def _text_events(self) -> Iterator[dict[str, object]]:
        place: dict[str, object] = {"item_id": self._item_id, "output_index": 0, "content_index": 0}
        yield {"type": "response.content_part.added", **place, "part": _part("")}
        for piece in self.said.pieces:
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": self.said.text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": _part(self.said.text)}

    def _call_events(self, tool: ToolCall) -> Iterator[dict[str, object]]:
        place: dict[str, object] = {"item_id": self._item_id, "output_index": 0}
        yield {"type": "response.function_call_arguments.delta", **place, "delta": tool.json}
        done = {"type": "response.function_call_arguments.done", **place}
        yield {**done, "name": tool.name, "arguments": tool.json}


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
