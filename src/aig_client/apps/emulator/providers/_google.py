"""A fake Google: Gemini's content, whole and streamed as SSE or as one array, for AI Studio and Vertex."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from .._json import JsonObject, array_of, object_of, text_of
from .._messages import ProviderAnswer
from ._asked import Asked, Endpoint
from ._google_errors import bad_argument, google_error
from ._prefixes import PrefixRule
from ._samples import sample, sample_arguments
from ._text import Draft, Saying, ToolCall, Wish, draft, is_count, tokens_in
from ._wire import json_answer, sse, sse_answer

_MOST_CANDIDATES = 8
# EPOCH, as Vertex writes it.
_TIME = "2025-10-09T08:53:20Z"
_THINKERS = re.compile(r"gemini-(?:2\.5(?!-flash-lite)|[3-9])")
# By level; the numbers are invented. A budget of 0 turns thought off.
_THINKING = {"minimal": 0, "low": 64, "medium": 128, "high": 192}
# Minima of October 2026 (ai.google.dev); step and life are not documented.
_PREFIXES = (
    (re.compile(r"gemini-2\.5"), PrefixRule(2048, 128, 300.0)),
    (re.compile(r"gemini-[3-9]"), PrefixRule(4096, 128, 300.0)),
)


def generate(*, streamed: bool, vertex: bool) -> Endpoint:
    """`:generateContent` or `:streamGenerateContent`."""

    def run(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
        payload = _with_contents(asked.payload, "GenerateContentRequest")
        if isinstance(payload, ProviderAnswer):
            return payload
        if payload.get("cachedContent"):
            # Explicit caches are not imitated; this is what Google says of one that it does not know.
            message = "CachedContent not found (or permission denied)"
            return google_error(403, "PERMISSION_DENIED", message)
        teller = _teller(asked, payload, found["model"], vertex)
        if not streamed:
            return json_answer(200, teller.whole())
        if parse_qs(asked.request.query, max_num_fields=None).get("alt") == ["sse"]:
            return sse_answer(sse(chunk) for chunk in teller.chunks())
        return json_answer(200, list(teller.chunks()))

    return run


def _with_contents(payload: JsonObject | None, name: str) -> JsonObject | ProviderAnswer:
    if payload is None:
        return bad_argument("Invalid JSON payload received.")
    if not array_of(payload.get("contents")):
        return bad_argument(f"* {name}.contents: contents is not specified")
    return payload


def count_tokens(asked: Asked, found: re.Match[str]) -> ProviderAnswer:  # noqa: ARG001
    """`:countTokens`."""
    inner = object_of((asked.payload or {}).get("generateContentRequest"))
    payload = _with_contents(inner or asked.payload, "CountTokensRequest")
    if isinstance(payload, ProviderAnswer):
        return payload
    used = tokens_in([payload.get("systemInstruction"), payload.get("contents")])
    return json_answer(200, {"totalTokens": used, "promptTokensDetails": _modality(used)})


def _teller(asked: Asked, payload: JsonObject, model: str, vertex: bool) -> _Teller:
    settings = object_of(payload.get("generationConfig"))
    thinking = object_of(settings.get("thinkingConfig"))
    candidates = settings.get("candidateCount")
    schema = settings.get("responseJsonSchema") or settings.get("responseSchema")
    kind = text_of(settings.get("responseMimeType"))
    wish = Wish(
        limit=settings.get("maxOutputTokens"),
        tool=_forced_tool(payload),
        reasoning=_reasoning(model, thinking),
        value=sample(schema) if schema else {"answer": "amber"},
        has_value=kind == "application/json",
        say=asked.say,
        choices=max(1, min(candidates, _MOST_CANDIDATES)) if isinstance(candidates, int) else 1,
    )
    prompt = [payload.get("systemInstruction"), payload.get("contents")]
    said = draft(model, payload, prompt, wish)
    rule = next((rule for pattern, rule in _PREFIXES if pattern.search(model)), None)
    cached = asked.cached(rule, model, prompt, payload.get("tools")).read
    return _Teller(model, said, cached, thinking.get("includeThoughts") is True, vertex)


def _reasoning(model: str, thinking: JsonObject) -> int:
    budget = thinking.get("thinkingBudget")
    if not _THINKERS.search(model) or budget == 0:
        return 0
    wanted = _THINKING.get((text_of(thinking.get("thinkingLevel")) or "medium").lower(), 128)
    return min(wanted, budget) if isinstance(budget, int) and is_count(budget) and budget > 0 else wanted


def _forced_tool(payload: JsonObject) -> ToolCall | None:
    calling = object_of(object_of(payload.get("toolConfig")).get("functionCallingConfig"))
    if (text_of(calling.get("mode")) or "").upper() != "ANY":
        return None
    allowed = array_of(calling.get("allowedFunctionNames"))
    for tool in array_of(payload.get("tools")):
        for function in map(object_of, array_of(object_of(tool).get("functionDeclarations"))):
            name = text_of(function.get("name"))
            if name and (not allowed or name in allowed):
                schema = function.get("parametersJsonSchema") or function.get("parameters")
                return ToolCall(name, sample_arguments(schema))
    return None


def _modality(tokens: int) -> list[dict[str, object]]:
    return [{"modality": "TEXT", "tokenCount": tokens}]


@dataclass(frozen=True, slots=True, repr=False)
class _Teller:
    model: str
    said: Draft
    cached: int
    shows: bool
    vertex: bool

    def whole(self) -> dict[str, object]:
        candidates = [
            self._candidate(index, self._thoughts() + self._parts(saying), saying, last=True)
            for index, saying in enumerate(self.said.sayings)
        ]
        return self._chunk(candidates, self.said.visible_tokens)

    def chunks(self) -> Iterator[dict[str, object]]:
        spoken = 0
        if self._thoughts():
            yield self._chunk([self._candidate(0, self._thoughts(), self.said.sayings[0], last=False)], spoken)
        for index, saying in enumerate(self.said.sayings):
            steps = self._steps(saying)
            for number, (parts, tokens) in enumerate(steps, start=1):
                spoken += tokens
                yield self._chunk([self._candidate(index, parts, saying, last=number == len(steps))], spoken)

    def _steps(self, saying: Saying) -> list[tuple[list[dict[str, object]], int]]:
        """What the chunks of one candidate hold, and the tokens in each; at least one, for the reason to stop."""
        if self.said.tool is not None:
            return [(self._parts(saying), self.said.visible_tokens // len(self.said.sayings))]
        return [([{"text": piece}], 1) for piece in saying.pieces] or [([{"text": ""}], 0)]

    def _thoughts(self) -> list[dict[str, object]]:
        return [{"text": "".join(self.said.thought), "thought": True}] if self.shows and self.said.thought else []

    def _parts(self, saying: Saying) -> list[dict[str, object]]:
        tool = self.said.tool
        if tool is None:
            return [{"text": saying.text}]
        part: dict[str, object] = {"functionCall": {"name": tool.name, "args": tool.arguments}}
        if self.said.reasoning_tokens:
            part["thoughtSignature"] = b64encode(self.said.digest.encode("ascii")).decode("ascii")
        return [part]

    def _candidate(
        self, index: int, parts: list[dict[str, object]], saying: Saying, *, last: bool
    ) -> dict[str, object]:
        candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": index}
        if last:
            candidate["finishReason"] = "MAX_TOKENS" if saying.cut and self.said.tool is None else "STOP"
        return candidate

    def _chunk(self, candidates: list[dict[str, object]], spoken: int) -> dict[str, object]:
        prompt, thoughts = self.said.prompt_tokens, self.said.reasoning_tokens
        usage: dict[str, object] = {
            "promptTokenCount": prompt,
            "candidatesTokenCount": spoken,
            "totalTokenCount": prompt + spoken + thoughts,
            "promptTokensDetails": _modality(prompt),
        }
        if thoughts:
            usage["thoughtsTokenCount"] = thoughts
        if self.cached:
            usage["cachedContentTokenCount"] = self.cached
            usage["cacheTokensDetails"] = _modality(self.cached)
        identity: dict[str, object] = {"modelVersion": self.model, "responseId": self.said.digest[:22]}
        if self.vertex:
            usage["trafficType"] = "ON_DEMAND"
            identity["createTime"] = _TIME
        return {"candidates": candidates, "usageMetadata": usage, **identity}
