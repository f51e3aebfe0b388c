"""OpenAI's chat completions, whole and streamed, in the dialects of all who speak it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .._json import JsonObject, array_of, object_of, text_of
from .._messages import Headers, ProviderAnswer
from ._asked import Asked, Endpoint, with_model
from ._openai_errors import checked, openai_error
from ._prefixes import PrefixRule
from ._samples import sample, sample_arguments
from ._text import EPOCH, Draft, Saying, ToolCall, Wish, draft, is_count
from ._wire import DONE, json_answer, sse, sse_answer

Fields = Mapping[str, object]
_MOST_CHOICES = 128

Place = Literal["whole", "first", "middle", "finish", "usage"]


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one answer. Reasoning is not among the visible ones; read and written are parts of the prompt."""

    prompt: int
    visible: int
    reasoning: int = 0
    cached: int = 0
    written: int = 0

    @property
    def output(self) -> int:
        return self.visible + self.reasoning


@dataclass(frozen=True, slots=True, repr=False)
class Scene:
    """Where in an answer the provider's own members are wanted, and what is known there."""

    place: Place
    said: Draft
    usage: Fields
    spent: Spent
    payload: JsonObject


def _undressed(scene: Scene) -> Fields:  # noqa: ARG001
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDialect:
    """How one provider speaks chat completions.

    usage: its usage object. dress: members beside `choices`. message, choice: further members of these.
    prefixes: its implicit cache, by model. thinks: models that spend reasoning tokens; shows: the member that carries
    reasoning text. streams: where a stream's usage stands: in a chunk of its own when asked for, in one always, in
    the finishing chunk, in every chunk. preamble: what a stream begins with.
    """

    usage: Callable[[Spent], Fields]
    dress: Callable[[Scene], Fields] = _undressed
    message: Fields = field(default_factory=dict[str, object])
    choice: Fields = field(default_factory=dict[str, object])
    prefixes: tuple[tuple[re.Pattern[str], PrefixRule], ...] = ()
    thinks: re.Pattern[str] | None = None
    shows: str = ""
    streams: Literal["asked", "apart", "finish", "every"] = "asked"
    preamble: bytes = b""

    def prefix_rule(self, model: str, payload: JsonObject) -> PrefixRule | None:
        """The model's rule; none where the provider wants a key for its cache and got none."""
        rule = next((rule for pattern, rule in self.prefixes if pattern.search(model)), None)
        return None if rule is not None and rule.keyed and not payload.get("prompt_cache_key") else rule

    def reasoning(self, model: str, effort: str | None) -> int:
        """Tokens of thought: a multiple of 64, as they are counted in practice."""
        if self.thinks is None or not self.thinks.search(model):
            return 0
        return REASONING_TOKENS.get(effort or "medium", 128)


REASONING_TOKENS: Mapping[str, int] = {"none": 0, "minimal": 0, "low": 64, "medium": 128, "high": 192, "xhigh": 256}
"""By effort. The numbers are invented."""


def chat(dialect: ChatDialect) -> Endpoint:
    """`POST .../chat/completions` in one dialect. Where the body has no model, the path's is taken."""

    def run(asked: Asked, found: re.Match[str]) -> ProviderAnswer:
        payload = checked(with_model(asked.payload, found), "model", "messages")
        if isinstance(payload, ProviderAnswer):
            return payload
        choices = payload.get("n") or 1
        if not isinstance(choices, int) or not is_count(choices) or not 1 <= choices <= _MOST_CHOICES:
            return openai_error(400, f"Invalid 'n': between 1 and {_MOST_CHOICES}.", param="n", code="invalid_value")
        return _answer(dialect, asked, payload, text_of(payload["model"]) or "", choices)

    return run


def forced_tool(payload: JsonObject) -> ToolCall | None:
    """The function tool that `tool_choice` forces, in the nested form of chat completions."""
    tools = [object_of(object_of(tool).get("function")) for tool in array_of(payload.get("tools"))]
    choice = payload.get("tool_choice")
    name = text_of(object_of(object_of(choice).get("function")).get("name"))
    for tool in tools:
        tool_name = text_of(tool.get("name"))
        # Mistral says `any` for `required`.
        if tool_name and (choice in ("required", "any") or tool_name == name):
            return ToolCall(tool_name, sample_arguments(tool.get("parameters")))
    return None


def _answer(dialect: ChatDialect, asked: Asked, payload: JsonObject, model: str, choices: int) -> ProviderAnswer:
    form = object_of(payload.get("response_format"))
    kind = text_of(form.get("type"))
    schema = object_of(form.get("json_schema"))
    wish = Wish(
        limit=payload.get("max_completion_tokens") or payload.get("max_tokens"),
        tool=forced_tool(payload),
        reasoning=dialect.reasoning(model, text_of(payload.get("reasoning_effort"))),
        value=sample(schema.get("schema") or schema) if kind == "json_schema" else {"answer": "amber"},
        has_value=kind in ("json_schema", "json_object"),
        say=asked.say,
        choices=choices,
    )
    prompt = payload["messages"]
    said = draft(model, payload, prompt, wish)
    before = (payload.get("tools"), payload.get("prompt_cache_key"))
    cached = asked.cached(dialect.prefix_rule(model, payload), model, prompt, *before)
    spent = Spent(said.prompt_tokens, said.visible_tokens, said.reasoning_tokens, cached.read, cached.written)
    marks: Headers = (("x-request-id", f"req_{said.digest[:32]}"), ("openai-processing-ms", "7"))
    teller = _Teller(dialect, model, said, spent, dialect.usage(spent), payload)
    if payload.get("stream") is True:
        return sse_answer(teller.frames(), marks)
    return json_answer(200, teller.whole(), marks)


@dataclass(frozen=True, slots=True, repr=False)
class _Teller:
    """One answer of one dialect, told in either form."""

    dialect: ChatDialect
    model: str
    said: Draft
    spent: Spent
    usage: Fields
    payload: JsonObject

    def whole(self) -> dict[str, object]:
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": EPOCH,
            "model": self.model,
            "choices": [self._choice(index, saying) for index, saying in enumerate(self.said.sayings)],
            "usage": self.usage,
            **self._dressed("whole"),
        }

    def frames(self) -> Iterator[bytes]:
        if self.dialect.preamble:
            yield self.dialect.preamble
        for index, saying in enumerate(self.said.sayings):
            start = dict(self._starting_delta(index))
            yield self._frame("first" if index == 0 else "middle", [self._delta(index, start)])
            for delta in self._deltas(saying):
                yield self._frame("middle", [self._delta(index, delta)])
            last = index == len(self.said.sayings) - 1
            finish = self._delta(index, {}, _finish_reason(self.said, saying))
            yield self._frame("finish" if last else "middle", [finish])
        if self.dialect.streams == "apart" or (self.dialect.streams == "asked" and self._wants_usage):
            yield self._frame("usage", [])
        yield DONE

    @property
    def _id(self) -> str:
        return f"chatcmpl-{self.said.digest[:29]}"

    @property
    def _wants_usage(self) -> bool:
        return object_of(self.payload.get("stream_options")).get("include_usage") is True

    def _dressed(self, place: Place) -> Fields:
        return self.dialect.dress(Scene(place, self.said, self.usage, self.spent, self.payload))

    def _choice(self, index: int, saying: Saying) -> dict[str, object]:
        message: dict[str, object] = {"role": "assistant", "content": saying.text, **self.dialect.message}
        if self.dialect.shows and self.said.thought:
            message[self.dialect.shows] = "".join(self.said.thought)
        if self.said.tool is not None:
            message["content"] = None
            message["tool_calls"] = [self._call(index, self.said.tool)]
        reason = _finish_reason(self.said, saying)
        return {"index": index, "message": message, "logprobs": None, "finish_reason": reason, **self.dialect.choice}

    def _call(self, index: int, tool: ToolCall) -> dict[str, object]:
        function = {"name": tool.name, "arguments": tool.json}
        return {"id": self._call_id(index), "type": "function", "function": function}

    def _call_id(self, index: int) -> str:
        return f"call_{self.said.digest[index : index + 24]}" if index < 40 else f"call_{self.said.digest[:20]}{index}"

    def _starting_delta(self, index: int) -> Fields:
        if self.said.tool is None:
            empty = {name: value for name, value in self.dialect.message.items() if value is None}
            return {"role": "assistant", "content": "", **empty}
        start = {"index": 0, "id": self._call_id(index), "type": "function"}
        function = {"name": self.said.tool.name, "arguments": ""}
        return {"role": "assistant", "content": None, "tool_calls": [{**start, "function": function}]}

    def _deltas(self, saying: Saying) -> Iterator[dict[str, object]]:
        if self.dialect.shows:
            for piece in self.said.thought:
                yield {self.dialect.shows: piece}
        if self.said.tool is not None:
            yield {"tool_calls": [{"index": 0, "function": {"arguments": self.said.tool.json}}]}
            return
        for piece in saying.pieces:
            yield {"content": piece}

    def _delta(self, index: int, delta: Fields, finish: str | None = None) -> dict[str, object]:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **self.dialect.choice}

    def _frame(self, place: Place, choices: list[dict[str, object]]) -> bytes:
        usage: dict[str, object] = {}
        if self.dialect.streams == "every" or place == "usage" or (place, self.dialect.streams) == ("finish", "finish"):
            usage = {"usage": self.usage}
        elif self.dialect.streams == "asked" and self._wants_usage:
            usage = {"usage": None}
        shell = {"id": self._id, "object": "chat.completion.chunk", "created": EPOCH, "model": self.model}
        return sse({**shell, "choices": choices, **usage, **self._dressed(place)})


def _finish_reason(said: Draft, saying: Saying) -> str:
    if said.tool is not None:
        return "tool_calls"
    return "length" if saying.cut else "stop"
