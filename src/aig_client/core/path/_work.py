"""What a request needs of a model, read from its JSON tree in one pass that copies nothing and never raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..facts._catalog import StructuredOutput
from ..facts._providers import EndpointKind
from ..facts._shapes import SHAPES, Shape
from ._reading import CHARACTERS_PER_TOKEN, Medium, Seen, Tree, read_text, written_length

LONG_CONTEXT: Final = 50_000
"""Estimated tokens from which a request is one of long context: in a script of one character a token these are
200 000, which is what the built-in class asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one request needs.

    Attributes:
        kind: the endpoint kind.
        estimated_input_tokens: all text (system prompt, tools and history included) at four characters a token,
            rounded up, and a flat number for each picture, sound, video or file. An estimate.
        media_characters: what of the body is pictures, sounds and videos: their data is no text.
        max_output_tokens: the bound that the request sets; None where it sets none.
        choices: how many answers are asked for, each as long as the bound. Only what a request may use at the most
            depends on it.
        tools: it declares tools that the model must call, or shows that it did; a web search alone is none.
        tool_history: earlier turns show tool use.
        images, audio, video, files: what goes in beside text. Text sent as a file is text.
        structured_output: ``native`` (a schema), ``json_mode`` (any JSON) or ``none``. A request that only asks for
            JSON in words says ``none``: its words are not read.
        stream: the answer is asked for as a stream.
        reasoning: thinking is asked for. Where nothing is said, it is not.
        web_search: the provider's own web search is asked for.
        messages: turns of the conversation.
    """

    kind: EndpointKind
    estimated_input_tokens: int = 0
    media_characters: int = 0
    max_output_tokens: int | None = None
    choices: int = 1
    tools: bool = False
    tool_history: bool = False
    images: bool = False
    audio: bool = False
    video: bool = False
    files: bool = False
    structured_output: StructuredOutput = "none"
    stream: bool = False
    reasoning: bool = False
    web_search: bool = False
    messages: int = 0


# Media beside the conversation.
_AT_TOP: Final[Mapping[EndpointKind, Mapping[str, Medium]]] = {
    "run": {"image": "image", "images": "image", "audio": "audio", "mask": "image"},
    "image": {"image": "image", "images": "image", "mask": "image"},
    "video": {"image": "image", "input_reference": "image"},
    "transcription": {"audio": "audio", "file": "audio"},
}
_NOTHING: Final[Mapping[str, Medium]] = {}
# Members of a body that are settings: not text, whatever their values are.
_SETTINGS: Final = frozenset(
    {
        *("model", "metadata", "user", "user_id", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("prompt_cache_options", "stream_options", "service_tier", "stop", "stop_sequences", "include", "modalities"),
        *("reasoning", "reasoning_effort", "thinking", "truncation", "verbosity", "labels", "safetySettings"),
        *("tool_choice", "cache_control", "previous_response_id", "conversation", "cachedContent", "encoding_format"),
        *("lora", "plugins", "provider", "models", "route", "audio", "voice", "size", "quality", "taskType"),
        *("anthropic_version", "anthropic_beta", "betas", "container", "context_management", "logit_bias"),
    }
)
# Objects that are written out to the model: names count as text too.
_WRITTEN: Final = frozenset(
    {
        *("response_format", "text", "output_config", "output_format", "generationConfig", "generation_config"),
        *("toolConfig", "tool_config", "guided_json"),
    }
)
_NO_SHAPE: Final = Shape()


def work_of(kind: EndpointKind, tree: object, *, stream: bool | None = None) -> Work:
    """What a request needs. Any tree will do; what is no JSON object needs nothing.

    Args:
        kind: the endpoint kind.
        tree: the body, parsed. Of a Universal request (an array) the first entry is read.
        stream: what the path already says; None leaves it to the body.
    """
    shape = SHAPES.get(kind, _NO_SHAPE)
    body = _inner(shape, tree)
    config = next((one for name in shape.config if isinstance(one := body.get(name), dict)), body)
    seen = Seen(shape)
    at_top = _AT_TOP.get(kind, _NOTHING)
    turns = 0
    for name, item in body.items():
        if name in at_top:
            if item:
                seen.medium(at_top[name], item)
        elif name in shape.tools or (name in _WRITTEN and isinstance(item, dict)):
            seen.characters += written_length(item)
        elif name not in _SETTINGS and isinstance(item, (str, list, tuple, dict)):
            turns += _turns(item) if name in shape.conversation else 0
            read_text(item, seen, numbers_are_tokens=kind == "embeddings")
    declared, searches = _tools(shape, body)
    return Work(
        kind=kind,
        estimated_input_tokens=-(-seen.characters // CHARACTERS_PER_TOKEN) + seen.media_tokens,
        media_characters=seen.media_characters,
        max_output_tokens=_bound(shape, config),
        choices=_choices(shape, config),
        tools=declared or seen.tool_turns or seen.tool_history,
        tool_history=seen.tool_history,
        images="image" in seen.media,
        audio="audio" in seen.media,
        video="video" in seen.media,
        files="file" in seen.media,
        structured_output=_structured(body, config),
        stream=body.get("stream") is True if stream is None else stream,
        reasoning=_reasons(body, config),
        web_search=searches,
        messages=turns,
    )


def _inner(shape: Shape, tree: object) -> Tree:
    """The body itself: out of the list of a Universal request and out of what wraps it."""
    if isinstance(tree, (list, tuple)) and tree:
        tree = tree[0]
    if not isinstance(tree, dict):
        return {}
    for name in (shape.wrapped, "query"):
        wrapped = tree.get(name) if name else None
        if isinstance(wrapped, dict):
            return wrapped
    return tree


def _turns(item: object) -> int:
    return len(item) if isinstance(item, (list, tuple)) else int(isinstance(item, str) and bool(item))


_SEARCHES: Final = ("web_search", "google_search", "googleSearch", "enterprise_web_search", "enterpriseWebSearch")
_SEARCH_MEMBERS: Final = ("web_search_options", "search_parameters")
_FUNCTIONS: Final = ("functionDeclarations", "function_declarations")


def _tools(shape: Shape, body: Tree) -> tuple[bool, bool]:
    """Whether tools are declared that the model must call, and whether the provider's web search is."""
    searches = any(isinstance(body.get(name), dict) for name in _SEARCH_MEMBERS)
    declared = False
    for member in shape.tools:
        tools = body.get(member)
        if member in _SEARCH_MEMBERS or not tools:
            continue
        for tool in tools if isinstance(tools, (list, tuple)) else (tools,):
            if isinstance(tool, dict):
                search = _is_search(tool)
                searches = searches or search
                declared = declared or not search or any(map(tool.get, _FUNCTIONS))
    return declared, searches


def _is_search(tool: Tree) -> bool:
    """OpenAI's and Anthropic's by ``type``, Gemini's by its member."""
    kind = tool.get("type")
    if type(kind) is str:
        return kind.startswith("web_search")
    return any(type(name) is str and name.startswith(_SEARCHES) for name in tool)


def _bound(shape: Shape, config: Tree) -> int | None:
    for name in shape.caps:
        value = config.get(name)
        if value is not None and (number := _number(shape, value)) > 0:
            return number
    return None


def _choices(shape: Shape, config: Tree) -> int:
    """The largest: of ``best_of`` answers all are written and paid, and ``n`` of them are given back."""
    most = 1
    for name in shape.choices:
        value = config.get(name)
        if value is not None:
            if type(value) is float and value.is_integer():  # 8.0 is an eight to many
                value = int(value)
            most = max(most, _number(shape, value))
    return most


def _number(shape: Shape, value: object) -> int:
    """A whole number, written as one or, in protobuf's JSON, as text; 0 where it is none."""
    if shape.numbers_as_text and type(value) is str and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if type(value) is int else 0


_FORMATS: Final[Mapping[str, StructuredOutput]] = {"json_object": "json_mode", "json": "json_mode", "text": "none"}
_SCHEMAS: Final = ("responseSchema", "responseJsonSchema", "response_schema", "response_json_schema")


def _structured(body: Tree, config: Tree) -> StructuredOutput:
    """Chat and Workers AI, responses, Anthropic (today's member and the beta's), Gemini."""
    if any(map(config.get, _SCHEMAS)):
        return "native"
    forms: list[object] = [body.get("response_format"), body.get("output_format")]
    forms += [one.get("format") for name in ("text", "output_config") if isinstance(one := body.get(name), dict)]
    for form in forms:
        kind = form.get("type") if isinstance(form, dict) else None
        asked: StructuredOutput = _FORMATS.get(kind, "native") if type(kind) is str else "none"
        if asked != "none":
            return asked
    mime = config.get("responseMimeType") or config.get("response_mime_type")
    if type(mime) is not str or mime == "text/plain":
        return "none"
    return "json_mode" if mime == "application/json" else "native"  # text/x.enum


_OFF: Final[tuple[Callable[[Tree], bool], ...]] = (
    lambda said: said.get("effort") == "none",
    lambda said: said.get("type") == "disabled",
    lambda said: said.get("enabled") is False,
    lambda said: said.get("thinkingBudget") == 0 or said.get("thinking_budget") == 0,
)


def _reasons(body: Tree, config: Tree) -> bool:
    """Whether thinking is asked for, in any dialect: what switches it off, or says nothing, does not ask."""
    effort = body.get("reasoning_effort")
    if type(effort) is str and effort != "none":
        return True
    said = (body.get("reasoning"), body.get("thinking"), config.get("thinkingConfig"), config.get("thinking_config"))
    return any(isinstance(one, dict) and bool(one) and not any(off(one) for off in _OFF) for one in said)


def infer_class(work: Work) -> tuple[str, str]:
    """The built-in class that fits a request, and the sign it was told by. The first sign counts.

    Structured output asks for no class of its own: whichever it is, models that cannot give it are passed over.
    """
    if work.images or work.video:
        return "vision", "it has pictures"
    if work.tools:
        return "tool_loop", "it has used tools" if work.tool_history else "it has tools"
    if work.estimated_input_tokens >= LONG_CONTEXT:
        return "long_context", f"about {work.estimated_input_tokens} tokens go in"
    if work.structured_output != "none":
        return "balanced", "it asks for structured output"
    return "balanced", "nothing in it asks for more"


_STRUCTURE_POINTS: Final[Mapping[StructuredOutput, int]] = {"none": 0, "prompt": 0, "json_mode": 5, "native": 10}


def difficulty(work: Work) -> int:
    """How hard a request looks, 0 to 100, from counts alone: its words are not read.

    Size gives up to 35 points (5 each time it doubles, from 250 tokens on), earlier turns up to 15, tools 15, tool use
    so far 5, structured output 5 or 10, thinking that is asked for 20.
    """
    size = min(35, 5 * (work.estimated_input_tokens // 250).bit_length())
    turns = min(15, max(0, work.messages - 1))
    tools = 15 * work.tools + 5 * work.tool_history
    return size + turns + tools + _STRUCTURE_POINTS[work.structured_output] + 20 * work.reasoning
