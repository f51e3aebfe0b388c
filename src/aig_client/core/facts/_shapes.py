"""What a request body looks like, per endpoint kind: where model, tools, limits and prompt-cache marks stand.

A row of a kind holds for every provider; a row of a kind and a provider says what is particular there. A provider is
whoever makes the answer (on ``/compat`` and REST, the one that the model's prefix names). Members are spelled as on
the wire. Sources: the SDKs' own types (openai 3.52, anthropic 2.11, google-genai 3.4) and the providers' references;
docs/reference/body-rewriting.md has them by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from ._providers import EndpointKind

PrefixMarking = Literal["none", "implicit", "key", "request", "blocks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolHistory:
    """How earlier turns show that tools were used.

    Attributes:
        turns: body members that hold the turns.
        blocks: the member of a turn that holds its blocks; empty where turns have none that count.
        roles, members, types, endings: a turn or block with such a ``role``, with such a member that is not empty, of
            such a ``type`` or with a ``type`` of such an ending shows tool use.
        results: body members beside the turns that are results of tools.
        valid: whether a request may show all this and define no tools. False where nobody documents that it may.
        valid_types: turns of these types are valid all the same.
    """

    turns: tuple[str, ...]
    blocks: str = ""
    roles: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    types: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    valid: bool = False
    valid_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape of request body.

    Attributes:
        model: ``body`` (the member ``model``), ``path`` (never in the body) or ``unknown``.
        conversation: members of which a request has at least one; a body without them is something else.
        ends: what the path of an endpoint that generates ends in; paths below it only count, list or compact.
        wrapped: the member in which a body of this shape may be wrapped as a whole, beside its model.
        tools: members that define tools.
        beside_tools: members that are invalid, or mean nothing, without tools.
        tool_turns: types of turns that define tools.
        tool_includes: a part of the entries of ``include`` that name a tool's output.
        elsewhere: members that may bring tools from where we cannot see them.
        history: how earlier turns show tool use.
        config: members that hold output limit and temperature; empty where they stand in the body itself.
        caps: members that limit the output.
        added_cap: the one to add where there is none; None where none may be.
        choices: members that ask for several answers, each as long as the limit; they stand where the limits do.
        numbers_as_text: a number may be written as a string (protobuf's JSON).
        top_temperature: the highest temperature that is valid; None where unknown.
        fixed_by_thinking: thinking, where it is on, allows no other temperature and needs a higher output limit.
        fixed_by_reasoning: a model that always reasons allows no other temperature.
        prefix: how a prefix is marked for the provider's prompt cache: ``none`` (there is no way), ``implicit`` (the
            provider does it alone), ``key`` (a routing key), ``request`` (one mark for the request) or ``blocks``.
    """

    model: Literal["body", "path", "unknown"] = "body"
    conversation: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    wrapped: str = ""
    tools: tuple[str, ...] = ()
    beside_tools: tuple[str, ...] = ()
    tool_turns: frozenset[str] = frozenset()
    tool_includes: str = ""
    elsewhere: tuple[str, ...] = ()
    history: ToolHistory = ToolHistory(turns=())
    config: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    added_cap: str | None = None
    choices: tuple[str, ...] = ("n", "best_of")  # OpenAI's and who copies it; elsewhere they mean nothing
    numbers_as_text: bool = False
    top_temperature: float | None = None
    fixed_by_thinking: bool = False
    fixed_by_reasoning: bool = False
    prefix: PrefixMarking = "none"


_CHAT_HISTORY: Final = ToolHistory(
    turns=("messages",), roles=frozenset({"tool", "function"}), members=("tool_calls", "function_call")
)
# Both OpenAI's guide (2023 and 2024) and Microsoft's samples ask for the final answer without tools; so do LiteLLM's
# pages about Groq. Nobody says so of the other hosts.
_CHAT_HISTORY_VALID: Final = replace(_CHAT_HISTORY, valid=True)

_CHAT: Final = Shape(
    conversation=("messages",),
    ends=("/chat/completions", "/chat"),
    tools=("tools", "functions", "web_search_options"),
    beside_tools=("tool_choice", "parallel_tool_calls", "function_call"),
    history=_CHAT_HISTORY,
    caps=("max_completion_tokens", "max_tokens"),
    added_cap="max_tokens",
)
_OPENAI_CHAT: Final = replace(
    _CHAT,
    history=_CHAT_HISTORY_VALID,
    added_cap="max_completion_tokens",  # max_tokens is refused by models that reason
    top_temperature=2,
    fixed_by_reasoning=True,
    prefix="key",
)
_COHERE: Final = replace(
    _CHAT,
    conversation=("messages", "message"),
    tools=("tools", "connectors"),
    beside_tools=("tool_choice", "strict_tools", "force_single_step"),
    history=ToolHistory(
        turns=("messages", "chat_history"),
        roles=frozenset({"tool", "TOOL"}),
        members=("tool_calls", "tool_results"),
        results=("tool_results",),
    ),
    caps=("max_tokens",),
    top_temperature=1,
)

_RESPONSES: Final = Shape(
    conversation=("input", "prompt", "conversation", "previous_response_id"),
    ends=("/responses",),
    tools=("tools",),
    beside_tools=("tool_choice", "parallel_tool_calls", "max_tool_calls"),
    tool_turns=frozenset({"additional_tools"}),
    tool_includes="_call",
    elsewhere=("prompt",),
    history=ToolHistory(
        turns=("input",),
        endings=("_call", "_output"),
        types=frozenset({"mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "program"}),
    ),
    caps=("max_output_tokens",),
    added_cap="max_output_tokens",
)
_OPENAI_RESPONSES: Final = replace(
    _RESPONSES,
    # OpenAI's agents SDK hands over to agents without tools, and the calls of the handing over stay in the input.
    history=replace(_RESPONSES.history, valid_types=frozenset({"function_call", "function_call_output"})),
    top_temperature=2,
    fixed_by_reasoning=True,
    prefix="key",
)

_MESSAGES: Final = Shape(
    conversation=("messages",),
    ends=("/messages",),
    tools=("tools", "mcp_servers"),
    beside_tools=("tool_choice", "container"),  # a container runs code, and code runs by a tool
    # "Requests which include tool_use or tool_result blocks must define tools": 400, of late not always.
    history=ToolHistory(
        turns=("messages",),
        blocks="content",
        endings=("tool_use", "tool_result"),
        types=frozenset({"container_upload", "mcp_tool_listing", "tool_addition", "tool_removal"}),
    ),
    caps=("max_tokens",),  # required, so never added; /messages/count_tokens takes none
    top_temperature=1,
    fixed_by_thinking=True,
)
# Claude at Bedrock (invoke) and Vertex (rawPredict). Automatic marks are documented for Anthropic's own API.
_HOSTED_MESSAGES: Final = replace(_MESSAGES, model="path", ends=(), prefix="blocks")

# Protobuf's JSON reads both spellings and numbers in quotes. "Function calling config is set without
# function_declarations" is a 400; whether a history of calls is one too is undocumented.
_GENERATE: Final = Shape(
    model="path",
    conversation=("contents",),
    ends=(":generateContent", ":streamGenerateContent"),
    tools=("tools",),
    beside_tools=("toolConfig", "tool_config"),
    elsewhere=("cachedContent", "cached_content"),
    history=ToolHistory(
        turns=("contents",),
        blocks="parts",
        roles=frozenset({"function"}),
        members=(
            *("functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse"),
            *("function_call", "function_response", "executable_code", "code_execution_result"),
            *("tool_call", "tool_response"),
        ),
    ),
    config=("generationConfig", "generation_config"),
    caps=("maxOutputTokens", "max_output_tokens"),
    added_cap="maxOutputTokens",
    choices=("candidateCount", "candidate_count"),
    numbers_as_text=True,
    top_temperature=2,
    prefix="implicit",
)

_RUN: Final = replace(_CHAT, ends=(), wrapped="input", added_cap=None)
_CONVERSE: Final = Shape(
    model="path",
    conversation=("messages",),
    ends=("/converse", "/converse-stream"),
    tools=("toolConfig",),
    # "The toolConfig field must be defined when using toolUse and toolResult content blocks": 400.
    history=ToolHistory(turns=("messages",), blocks="content", members=("toolUse", "toolResult")),
    config=("inferenceConfig",),
    caps=("maxTokens",),
    added_cap="maxTokens",
    top_temperature=1,
)
_MODEL_ONLY: Final = Shape()
_UNKNOWN: Final = Shape(model="unknown")
_MODEL_IN_PATH: Final = Shape(model="path")

SHAPES: Final[Mapping[EndpointKind, Shape]] = MappingProxyType(
    {
        "chat": _CHAT,
        "responses": _RESPONSES,
        "messages": _MESSAGES,
        "generate_content": _GENERATE,
        "run": _RUN,
        "embeddings": _MODEL_ONLY,
        "image": _MODEL_ONLY,
        "speech": _MODEL_ONLY,
        "video": _MODEL_ONLY,
    }
)
"""Endpoint kind -> its shape; a kind without a row has none that we know."""

# Tools of a host's own, on each of its endpoints.
_ALSO_TOOLS: Final[Mapping[str, tuple[str, ...]]] = {"openrouter": ("plugins",), "grok": ("search_parameters",)}
_ASKING: Final[Mapping[EndpointKind, Shape]] = {"chat": _CHAT, "responses": _RESPONSES, "messages": _MESSAGES}

_OWN: Final[Mapping[tuple[EndpointKind, str], Shape]] = MappingProxyType(
    {
        ("chat", "openai"): _OPENAI_CHAT,
        ("chat", "azure-openai"): replace(_OPENAI_CHAT, model="path", prefix="implicit"),  # the deployment is the model
        ("chat", "groq"): replace(
            _CHAT, history=_CHAT_HISTORY_VALID, added_cap="max_completion_tokens", top_temperature=2
        ),
        ("chat", "cerebras"): replace(_CHAT, added_cap="max_completion_tokens"),
        ("chat", "grok"): replace(
            _CHAT, tools=(*_CHAT.tools, *_ALSO_TOOLS["grok"]), top_temperature=2, prefix="implicit"
        ),
        ("chat", "deepseek"): replace(_CHAT, top_temperature=2, prefix="implicit"),
        ("chat", "anthropic"): replace(_CHAT, top_temperature=1),
        ("chat", "google-ai-studio"): replace(_CHAT, top_temperature=2, prefix="implicit"),
        ("chat", "google-vertex-ai"): replace(_CHAT, top_temperature=2, prefix="implicit"),
        ("chat", "cohere"): _COHERE,
        **{
            (kind, slug): replace(shape, tools=(*shape.tools, *names))
            for slug, names in _ALSO_TOOLS.items()
            for kind, shape in _ASKING.items()
            if (kind, slug) != ("chat", "grok")
        },
        ("responses", "openai"): _OPENAI_RESPONSES,
        ("messages", "anthropic"): replace(_MESSAGES, prefix="request"),
        ("embeddings", "google-ai-studio"): _MODEL_IN_PATH,
        ("embeddings", "google-vertex-ai"): _MODEL_IN_PATH,
        ("speech", "elevenlabs"): _MODEL_IN_PATH,
        ("run", "workers-ai"): replace(_RUN, added_cap="max_tokens", top_temperature=5),
        ("run", "aws-bedrock"): _CONVERSE,
        ("run", "huggingface"): _MODEL_IN_PATH,
        ("run", "replicate"): _UNKNOWN,
        ("run", "parallel"): _UNKNOWN,
    }
)


SEARCHING_MODELS: Final[Mapping[str, str]] = MappingProxyType({"openrouter": ":online"})
"""Endings of models' names by which a host searches the web (OpenRouter's guide: a shorthand for its web plugin)."""


def shape_of(kind: EndpointKind, provider: str | None, tree: object) -> Shape | None:
    """The shape of a body; None where we know none.

    Claude's own bodies are recognised by ``anthropic_version`` wherever a cloud hosts it.
    """
    if kind in ("run", "generate_content") and isinstance(tree, dict) and "anthropic_version" in tree:
        return _HOSTED_MESSAGES
    if provider is not None and (own := _OWN.get((kind, provider))) is not None:
        return own
    return SHAPES.get(kind)
