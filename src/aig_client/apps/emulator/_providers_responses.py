"""A fake OpenAI Responses endpoint: the whole object, and its event stream."""

from __future__ import annotations

from collections.abc import Iterator

from ._json import JsonObject, array_of, object_of, text_of, write
from ._messages import Headers, ProviderAnswer
from ._providers_text import EPOCH, Draft, ToolCall, draft, json_answer, sample_arguments, sse, sse_answer


def responses(model: str, payload: JsonObject) -> ProviderAnswer:
    """Answer `POST /v1/responses`."""
    prompt = [payload.get("instructions"), payload.get("input")]
    said = draft(model, payload, prompt, payload.get("max_output_tokens"), _forced_tool(payload))
    marks: Headers = (("x-request-id", f"req_{said.digest[:32]}"), ("openai-processing-ms", "7"))
    if payload.get("stream") is True:
        return sse_answer(_frames(model, payload, said), marks)
    return json_answer(200, _whole(model, payload, said), marks)


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    """The function tool that `tool_choice` forces, in the flat form of the Responses endpoint."""
    choice = payload.get("tool_choice")
    name = text_of(object_of(choice).get("name"))
    for tool in map(object_of, array_of(payload.get("tools"))):
        tool_name = text_of(tool.get("name"))
        if tool.get("type") == "function" and tool_name and (choice == "required" or tool_name == name):
            return ToolCall(tool_name, sample_arguments(tool.get("parameters")))
    return None


def _whole(model: str, payload: JsonObject, said: Draft) -> dict[str, object]:
    cut = said.cut and said.tool is None
    return {
        **_unfinished(model, payload, said),
        "status": "incomplete" if cut else "completed",
        "completed_at": EPOCH,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": [_item(said, done=True)],
        "usage": {
            "input_tokens": said.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.prompt_tokens + said.completion_tokens,
        },
    }


def _unfinished(model: str, payload: JsonObject, said: Draft) -> dict[str, object]:
    return {
        "id": f"resp_{said.digest[:48]}",
        "object": "response",
        "created_at": EPOCH,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": payload.get("instructions"),
        "max_output_tokens": payload.get("max_output_tokens"),
        "metadata": object_of(payload.get("metadata")),
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": payload.get("store", True),
        "temperature": payload.get("temperature", 1.0),
        "text": {"format": {"type": "text"}},
        "tool_choice": payload.get("tool_choice", "auto"),
        "tools": array_of(payload.get("tools")),
        "top_p": payload.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": None,
    }


def _item(said: Draft, *, done: bool) -> dict[str, object]:
    """The one output item: a message, or a function call; empty until done."""
    status = "completed" if done else "in_progress"
    if said.tool is not None:
        arguments = write(said.tool.arguments).decode("ascii") if done else ""
        call = {"type": "function_call", "call_id": f"call_{said.digest[:24]}", "name": said.tool.name}
        return {"id": _item_id(said), **call, "arguments": arguments, "status": status}
    content = [_part(said.text)] if done else []
    if done and said.cut:
        status = "incomplete"
    return {
        "id": _item_id(said),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": content,
    }


def _item_id(said: Draft) -> str:
    return f"{'fc' if said.tool else 'msg'}_{said.digest[:48]}"


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _frames(model: str, payload: JsonObject, said: Draft) -> Iterator[bytes]:
    for number, event in enumerate(_events(model, payload, said)):
        kind = str(event["type"])
        yield sse({**event, "sequence_number": number}, kind)


def _events(model: str, payload: JsonObject, said: Draft) -> Iterator[dict[str, object]]:
    start = _unfinished(model, payload, said)
    yield {"type": "response.created", "response": start}
    yield {"type": "response.in_progress", "response": start}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _item(said, done=False)}
    yield from _text_events(said) if said.tool is None else _call_events(said, said.tool)
    yield {"type": "response.output_item.done", "output_index": 0, "item": _item(said, done=True)}
    whole = _whole(model, payload, said)
    yield {"type": f"response.{whole['status']}", "response": whole}


def _text_events(said: Draft) -> Iterator[dict[str, object]]:
    place: dict[str, object] = {"item_id": _item_id(said), "output_index": 0, "content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": _part("")}
    for piece in said.pieces:
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": said.text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": _part(said.text)}


def _call_events(said: Draft, tool: ToolCall) -> Iterator[dict[str, object]]:
    place: dict[str, object] = {"item_id": _item_id(said), "output_index": 0}
    arguments = write(tool.arguments).decode("ascii")
    yield {"type": "response.function_call_arguments.delta", **place, "delta": arguments}
    done = {"type": "response.function_call_arguments.done", **place}
    yield {**done, "name": tool.name, "arguments": arguments}
