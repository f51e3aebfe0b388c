"""A fake Anthropic: messages, whole and streamed, token counts, the model list."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from .._json import JsonObject, array_of, object_of, text_of
from .._messages import Headers, ProviderAnswer, ProviderRequest
from ._anthropic_cache import BadCacheControlError, PromptUse, prompt_tokens, use_cache
from ._asked import Asked, Endpoint, row
from ._samples import sample, sample_arguments
from ._text import Draft, ToolCall, Wish, draft, is_count
from ._wire import json_answer, sse, sse_answer

_INVALID = "invalid_request_error"
_LEAST_BUDGET = 1024
# Invented; a thinking model of ours always thinks as long.
_THINKING_TOKENS = 128
_MODELS = (("claude-opus-5-5", "Claude Opus 5.5"), ("claude-sonnet-5-5", "Claude Sonnet 5.5"))


def anthropic_error(status: int, kind: str, message: str) -> ProviderAnswer:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_emulator"}
    return json_answer(status, body, (("request-id", "req_emulator"),))


def no_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return anthropic_error(401, "authentication_error", "x-api-key header is required")


def wrong_key(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return anthropic_error(401, "authentication_error", "invalid x-api-key")


def not_found(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return anthropic_error(404, "not_found_error", "Not Found")


def wrong_method(request: ProviderRequest) -> ProviderAnswer:  # noqa: ARG001
    return anthropic_error(405, _INVALID, "Method Not Allowed")


def _versioned(run: Endpoint) -> Endpoint:
    """The API wants its version named; the gateway's own translation does without."""

    def checked(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
        if asked.request.header("anthropic-version") is None:
            return anthropic_error(400, _INVALID, "anthropic-version: header is required")
        return run(asked, found)

    return checked


def _models(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    rows = [
        {"type": "model", "id": name, "display_name": title, "created_at": "2026-10-01T00:00:00Z"}
        for name, title in _MODELS
    ]
    return json_answer(200, {"data": rows, "has_more": False, "first_id": _MODELS[0][0], "last_id": _MODELS[-1][0]})


def _checked(payload: JsonObject | None, *, counting: bool) -> JsonObject | ProviderAnswer:
    if payload is None:
        return anthropic_error(400, _INVALID, "The request body is not valid JSON")
    if not text_of(payload.get("model")):
        return anthropic_error(400, _INVALID, "model: Field required")
    limit = payload.get("max_tokens")
    if not counting and not (isinstance(limit, int) and is_count(limit) and limit >= 0):
        return anthropic_error(400, _INVALID, "max_tokens: Field required")
    if not array_of(payload.get("messages")):
        return anthropic_error(400, _INVALID, "messages: at least one message is required")
    problem = None if counting else _thinking_problem(payload)
    return payload if problem is None else problem


def _thinking_problem(payload: JsonObject) -> ProviderAnswer | None:
    thinking, limit = object_of(payload.get("thinking")), payload.get("max_tokens")
    if not _thinks(payload):
        return None
    budget = thinking.get("budget_tokens")
    if thinking.get("type") == "enabled":
        if not isinstance(budget, int) or not is_count(budget) or budget < _LEAST_BUDGET:
            message = f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}"
            return anthropic_error(400, _INVALID, message)
        if isinstance(limit, int) and budget >= limit:
            return anthropic_error(400, _INVALID, "`max_tokens` must be greater than `thinking.budget_tokens`")
    if object_of(payload.get("tool_choice")).get("type") in ("any", "tool"):
        return anthropic_error(400, _INVALID, "Thinking may not be enabled when tool_choice forces tool use.")
    return None


def _thinks(payload: JsonObject) -> bool:
    return object_of(payload.get("thinking")).get("type") in ("enabled", "adaptive")


def count_tokens(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/messages/count_tokens`."""
    payload = _checked(asked.payload, counting=True)
    if isinstance(payload, ProviderAnswer):
        return payload
    return json_answer(200, {"input_tokens": prompt_tokens(payload)})


def messages(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`POST /v1/messages`."""
    payload = _checked(asked.payload, counting=False)
    if isinstance(payload, ProviderAnswer):
        return payload
    model = text_of(payload["model"]) or ""
    try:
        use = use_cache(asked, payload, model)
    except BadCacheControlError as error:
        return anthropic_error(400, _INVALID, str(error))
    config = object_of(payload.get("output_config"))
    form = object_of(config.get("format") or payload.get("output_format"))
    wish = Wish(
        limit=payload.get("max_tokens"),
        tool=_forced_tool(payload),
        reasoning=_THINKING_TOKENS if _thinks(payload) else 0,
        value=sample(form.get("schema")),
        has_value=form.get("type") == "json_schema",
        say=asked.say,
    )
    said = draft(model, payload, [payload.get("system"), payload.get("messages")], wish)
    marks: Headers = (("request-id", f"req_{said.digest[:24]}"),)
    shows = object_of(payload.get("thinking")).get("display") != "omitted"
    teller = _Teller(model, said, use, shows, warming=payload.get("max_tokens") == 0)
    if payload.get("stream") is True:
        return sse_answer((sse(event, str(event["type"])) for event in teller.events()), marks)
    return json_answer(200, teller.whole(), marks)


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    choice = object_of(payload.get("tool_choice"))
    for tool in map(object_of, array_of(payload.get("tools"))):
        name = text_of(tool.get("name"))
        forced = choice.get("type") == "any" or (choice.get("type") == "tool" and choice.get("name") == name)
        if name and forced:
            return ToolCall(name, sample_arguments(tool.get("input_schema")))
    return None


@dataclass(frozen=True, slots=True, repr=False)
class _Teller:
    """warming: `max_tokens` is 0, which fills the cache and says nothing."""

    model: str
    said: Draft
    use: PromptUse
    shows: bool
    warming: bool

    def whole(self) -> dict[str, object]:
        return {
            **self._opening(),
            "content": [block for block, _, _ in self._blocks()],
            "stop_reason": self._stop_reason,
            "usage": self._usage(self._output),
        }

    def events(self) -> Iterator[dict[str, object]]:
        yield {"type": "message_start", "message": {**self._opening(), "usage": self._usage(min(1, self._output))}}
        for index, (_, opening, deltas) in enumerate(self._blocks()):
            yield {"type": "content_block_start", "index": index, "content_block": opening}
            if index == 0:
                yield {"type": "ping"}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        end = {"stop_reason": self._stop_reason, "stop_sequence": None}
        # The totals come again in the last usage; `output_tokens` is cumulative.
        yield {"type": "message_delta", "delta": end, "usage": self._usage(self._output)}
        yield {"type": "message_stop"}

    @property
    def _output(self) -> int:
        return 0 if self.warming else self.said.output_tokens

    @property
    def _stop_reason(self) -> str:
        if self.said.tool is not None and not self.warming:
            return "tool_use"
        return "max_tokens" if self.said.cut or self.warming else "end_turn"

    def _opening(self) -> dict[str, object]:
        return {
            "id": f"msg_{self.said.digest[:24]}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _usage(self, output_tokens: int) -> dict[str, object]:
        use = self.use
        usage: dict[str, object] = {
            "input_tokens": use.rest,
            "cache_creation_input_tokens": use.written,
            "cache_read_input_tokens": use.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": use.written_5m,
                "ephemeral_1h_input_tokens": use.written_1h,
            },
            "output_tokens": output_tokens,
            "service_tier": "standard",
        }
        if self.said.reasoning_tokens and output_tokens > 1:
            usage["output_tokens_details"] = {"thinking_tokens": self.said.reasoning_tokens}
        return usage

    def _blocks(self) -> Iterator[tuple[dict[str, object], dict[str, object], list[dict[str, object]]]]:
        """Each block whole, as it opens, and the deltas between."""
        if self.warming:
            return
        if self.said.thought:
            yield self._thinking()
        tool = self.said.tool
        if tool is None:
            pieces: list[dict[str, object]] = [{"type": "text_delta", "text": piece} for piece in self.said.pieces]
            yield {"type": "text", "text": self.said.text}, {"type": "text", "text": ""}, pieces
            return
        opening: dict[str, object] = {
            "type": "tool_use",
            "id": f"toolu_{self.said.digest[:24]}",
            "name": tool.name,
            "input": {},
        }
        yield {**opening, "input": tool.arguments}, opening, [{"type": "input_json_delta", "partial_json": tool.json}]

    def _thinking(self) -> tuple[dict[str, object], dict[str, object], list[dict[str, object]]]:
        shown = self.said.thought if self.shows else ()
        signature = b64encode(hashlib.sha512(self.said.digest.encode("ascii")).digest()).decode("ascii")
        whole: dict[str, object] = {"type": "thinking", "thinking": "".join(shown), "signature": signature}
        deltas: list[dict[str, object]] = [{"type": "thinking_delta", "thinking": piece} for piece in shown]
        return (
            whole,
            {**whole, "thinking": "", "signature": ""},
            [
                *deltas,
                {"type": "signature_delta", "signature": signature},
            ],
        )


ANTHROPIC_ROWS = (
    row("GET", "/v1/models", _versioned(_models)),
    row("POST", "/v1/messages", _versioned(messages)),
    row("POST", "/v1/messages/count_tokens", _versioned(count_tokens)),
)
