"""How each provider writes down what it used: one row each.

A row says where a count stands and whether the total beside it includes it. A new provider is a row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

UsageDialect = Literal[
    "openai-chat",
    "openai-responses",
    "openai-video",
    "anthropic",
    "gemini",
    "vertex-predict",
    "bedrock",
    "workers-ai",
    "groq",
    "cerebras",
    "mistral",
    "deepseek",
    "xai",
    "cohere",
    "openrouter",
    "perplexity",
    "codex",
]

Path = tuple[str, ...]
Paths = tuple[Path, ...]
Where = Literal["inside", "outside"]


def _at(*pointers: str) -> Paths:
    return tuple(tuple(pointer.split(".")) for pointer in pointers)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectRow:
    """One way to write usage. Of several paths the first that holds a count is meant, unless it says "all".

    Attributes:
        signs: members of which at least one is there when the row fits.
        input, output: the totals as the provider writes them.
        input_beside: all are added to the input, which does not include them.
        cache_read, cache_write, write_5m, write_1h: what prompt caches did.
        cache: whether ``input`` already includes what the cache read and wrote.
        fresh: what the provider says of the rest of the input; it is only checked.
        reasoning: reasoning, and with ``reasoning_is`` whether ``output`` already includes it.
        total: the total. With ``total_decides`` it overrules ``reasoning_is`` where it can only mean the other; with
            ``plain_total`` it may be the sum of ``input`` and ``output`` as written, beside parts left out.
        audio_by_total: where sound was heard, what the total counts beyond the other counts is its tokens.
        input_text, output_text: text as reported; it is only checked.
        input_modalities, output_modalities: all; lists of ``modality`` and ``tokenCount``.
        ttl_details: a list of cache writes by their time to live.
        searches: all are added.
        cost: what it cost, in units of which ``cost_per_dollar`` make a US dollar.
        joins: a stream says its usage in parts, the later ones over the earlier.
    """

    signs: frozenset[str]
    input: Paths = ()
    output: Paths = ()
    input_beside: Paths = ()
    cache_read: Paths = ()
    cache_write: Paths = ()
    write_5m: Paths = ()
    write_1h: Paths = ()
    cache: Where = "inside"
    fresh: Paths = ()
    reasoning: Paths = ()
    reasoning_is: Where = "inside"
    total: Paths = ()
    total_decides: bool = True
    plain_total: bool = False
    input_audio: Paths = ()
    input_image: Paths = ()
    input_video: Paths = ()
    input_text: Paths = ()
    audio_by_total: bool = False
    output_audio: Paths = ()
    output_image: Paths = ()
    output_text: Paths = ()
    input_modalities: Paths = ()
    output_modalities: Paths = ()
    ttl_details: Paths = ()
    audio_seconds: Paths = ()
    video_seconds: Paths = ()
    searches: Paths = ()
    characters: Paths = ()
    billed_input: Paths = ()
    billed_output: Paths = ()
    cost: Paths = ()
    cost_per_dollar: float = 1.0
    joins: bool = False


_CHAT: Final = DialectRow(
    signs=frozenset({"prompt_tokens", "completion_tokens", "total_tokens"}),
    input=_at("prompt_tokens"),
    output=_at("completion_tokens"),
    cache_read=_at("prompt_tokens_details.cached_tokens"),
    cache_write=_at("prompt_tokens_details.cache_write_tokens"),
    reasoning=_at("completion_tokens_details.reasoning_tokens"),
    total=_at("total_tokens"),
    input_audio=_at("prompt_tokens_details.audio_tokens"),
    input_image=_at("prompt_tokens_details.image_tokens"),
    input_video=_at("prompt_tokens_details.video_tokens"),
    input_text=_at("prompt_tokens_details.text_tokens"),
    output_audio=_at("completion_tokens_details.audio_tokens"),
    output_image=_at("completion_tokens_details.image_tokens"),
)

ROWS: Final[Mapping[UsageDialect, DialectRow]] = MappingProxyType(
    {
        # openai SDK 3.52: types/completion_usage.py, types/create_embedding_response.py.
        "openai-chat": _CHAT,
        # openai SDK: types/responses/response_usage.py, types/images_response.py, types/audio/transcription.py (tokens,
        # or a duration in seconds), types/realtime/realtime_response_usage.py. Its cache writes are kept for 30 minutes
        # or 12 hours: neither of the two times that Usage names.
        "openai-responses": DialectRow(
            signs=frozenset({"input_tokens", "output_tokens", "total_tokens", "seconds"}),
            input=_at("input_tokens"),
            output=_at("output_tokens"),
            cache_read=_at("input_tokens_details.cached_tokens", "input_token_details.cached_tokens"),
            cache_write=_at("input_tokens_details.cache_write_tokens"),
            reasoning=_at("output_tokens_details.reasoning_tokens"),
            total=_at("total_tokens"),
            input_audio=_at("input_token_details.audio_tokens", "input_tokens_details.audio_tokens"),
            input_image=_at("input_tokens_details.image_tokens", "input_token_details.image_tokens"),
            input_text=_at("input_tokens_details.text_tokens", "input_token_details.text_tokens"),
            output_audio=_at("output_token_details.audio_tokens", "output_tokens_details.audio_tokens"),
            output_image=_at("output_tokens_details.image_tokens"),
            output_text=_at("output_tokens_details.text_tokens", "output_token_details.text_tokens"),
            audio_seconds=_at("seconds"),
            # xAI's Responses endpoint.
            searches=_at(
                "server_side_tool_usage_details.web_search_calls", "server_side_tool_usage_details.x_search_calls"
            ),
            cost=_at("cost_in_usd_ticks"),
            cost_per_dollar=1e10,
        ),
        # openai SDK: types/video.py; the job itself, whose seconds are text.
        "openai-video": DialectRow(signs=frozenset({"seconds"}), video_seconds=_at("seconds")),
        # anthropic SDK 2.11: types/usage.py, message_delta_usage.py (cumulative), cache_creation.py,
        # server_tool_usage.py, output_tokens_details.py. input_tokens leave out what the cache read or wrote.
        "anthropic": DialectRow(
            signs=frozenset(
                {"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"}
            ),
            input=_at("input_tokens"),
            output=_at("output_tokens"),
            cache_read=_at("cache_read_input_tokens"),
            cache_write=_at("cache_creation_input_tokens"),
            write_5m=_at("cache_creation.ephemeral_5m_input_tokens"),
            write_1h=_at("cache_creation.ephemeral_1h_input_tokens"),
            cache="outside",
            reasoning=_at("output_tokens_details.thinking_tokens"),
            searches=_at("server_tool_use.web_search_requests"),
            joins=True,
        ),
        # google-genai SDK 3.4: GenerateContentResponseUsageMetadata, UsageMetadata (Live), ModalityTokenCount. The
        # total is prompt + candidates + tool use + thoughts; some models already count thoughts as candidates, and then
        # the total says so.
        "gemini": DialectRow(
            signs=frozenset(
                {
                    *("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "responseTokenCount"),
                    *("prompt_token_count", "candidates_token_count", "total_token_count", "thoughtsTokenCount"),
                }
            ),
            input=_at("promptTokenCount", "prompt_token_count"),
            output=_at("candidatesTokenCount", "responseTokenCount", "candidates_token_count"),
            input_beside=_at("toolUsePromptTokenCount"),
            cache_read=_at("cachedContentTokenCount", "cached_content_token_count"),
            reasoning=_at("thoughtsTokenCount", "thoughts_token_count"),
            reasoning_is="outside",
            total=_at("totalTokenCount", "total_token_count"),
            input_modalities=_at("promptTokensDetails", "toolUsePromptTokensDetails"),
            output_modalities=_at("candidatesTokensDetails", "responseTokensDetails"),
        ),
        # cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
        "vertex-predict": DialectRow(
            signs=frozenset({"billableCharacterCount"}), characters=_at("billableCharacterCount")
        ),
        # docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html; inputTokens leave out the cache.
        "bedrock": DialectRow(
            signs=frozenset({"inputTokens", "outputTokens"}),
            input=_at("inputTokens"),
            output=_at("outputTokens"),
            cache_read=_at("cacheReadInputTokens"),
            cache_write=_at("cacheWriteInputTokens"),
            cache="outside",
            total=_at("totalTokens"),
            plain_total=True,
            ttl_details=_at("cacheDetails"),
        ),
        # github.com/cloudflare/ai/issues/509: a chat completion's; some models say input_tokens and output_tokens.
        "workers-ai": replace(
            _CHAT,
            signs=_CHAT.signs | {"input_tokens", "output_tokens"},
            input=_at("prompt_tokens", "input_tokens"),
            output=_at("completion_tokens", "output_tokens"),
        ),
        # groq-typescript src/resources/completions.ts; in streams it stands in x_groq.
        "groq": _CHAT,
        # inference-docs.cerebras.ai/capabilities/prompt-caching
        "cerebras": _CHAT,
        # docs.mistral.ai/api: UsageInfo. Voxtral's audio stands beside the prompt, and only the total counts it
        # (github.com/pydantic/genai-prices/pull/591).
        "mistral": replace(
            _CHAT,
            cache_read=_at("prompt_tokens_details.cached_tokens", "num_cached_tokens"),
            input_audio=_at("prompt_tokens_details.audio_tokens", "audio_tokens"),
            audio_by_total=True,
            audio_seconds=_at("prompt_audio_seconds"),
        ),
        # api-docs.deepseek.com/guides/kv_cache: hits and misses make up the prompt.
        "deepseek": replace(
            _CHAT,
            cache_read=_at("prompt_cache_hit_tokens", "prompt_tokens_details.cached_tokens"),
            fresh=_at("prompt_cache_miss_tokens"),
        ),
        # docs.x.ai/docs/key-information/consumption-and-rate-limits: reasoning is counted beside completion_tokens and
        # in the total. A tick is a ten-billionth of a dollar.
        "xai": replace(
            _CHAT,
            reasoning_is="outside",
            searches=_at(
                "server_side_tool_usage_details.web_search_calls", "server_side_tool_usage_details.x_search_calls"
            ),
            cost=_at("cost_in_usd_ticks"),
            cost_per_dollar=1e10,
        ),
        # docs.cohere.com/v2/reference/chat, embed and rerank; v1 has the same objects in meta. What was processed is
        # the usage; what is billed leaves out Cohere's own preamble.
        "cohere": DialectRow(
            signs=frozenset({"tokens", "billed_units"}),
            input=_at("tokens.input_tokens", "billed_units.input_tokens"),
            output=_at("tokens.output_tokens", "billed_units.output_tokens"),
            cache_read=_at("cached_tokens"),
            searches=_at("billed_units.search_units"),
            billed_input=_at("billed_units.input_tokens"),
            billed_output=_at("billed_units.output_tokens"),
        ),
        # openrouter.ai/docs/use-cases/usage-accounting; credits are dollars.
        "openrouter": replace(_CHAT, searches=_at("server_tool_use.web_search_requests"), cost=_at("cost")),
        # docs.perplexity.ai: sonar-deep-research is billed for citation and reasoning tokens beside prompt and
        # completion, and its total counts neither.
        "perplexity": replace(
            _CHAT,
            input_beside=_at("citation_tokens"),
            reasoning=_at("reasoning_tokens"),
            reasoning_is="outside",
            total_decides=False,
            plain_total=True,
            searches=_at("num_search_queries"),
            cost=_at("cost.total_cost"),
        ),
        # github.com/openai/codex/issues/5276 and 19022: usage of turn.completed and token_count.
        "codex": DialectRow(
            signs=frozenset({"cached_input_tokens", "reasoning_output_tokens", "input_tokens"}),
            input=_at("input_tokens"),
            output=_at("output_tokens"),
            cache_read=_at("cached_input_tokens"),
            cache_write=_at("cache_write_input_tokens"),
            reasoning=_at("reasoning_output_tokens"),
            total=_at("total_tokens"),
        ),
    }
)
