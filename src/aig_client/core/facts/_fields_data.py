"""The rows of the field registry (`_fields`): which body fields shape an answer, and which do not.

A field is ignored only when both hold: it cannot change the answer, and skipping the provider on a cache hit
takes no effect away that the caller asked for. In doubt it is keyed: a needless miss costs one call, a wrong
hit is a wrong answer. A field that is listed nowhere is keyed too, so a missing row is never unsafe; the rows
exist so that each field of each SDK was decided once. `tests/facts/test_fields.py` holds them to the SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Endpoint kind -> the names of its keyed top-level body fields. These look ignorable and are not:
#   metadata (chat, responses): stored with the completion and searchable there, an effect that is asked for.
#   store, background, conversation, previous_response_id, thread, container: state on the server.
#   stream, stream_options: the shape of the answer on the wire.
#   service_tier, serviceTier, speed, inference_geo: echoed in the answer, and where data may go is not ours
#     to equate.
#   moderation, safetySettings, modelArmorConfig, access_programs: decide whether there is an answer at all.
#   prompt_cache_options: more than a hint. In responses, `prewarm` generates no output and
#     `comparison_response_id` adds diagnostics to the answer (openai 3.52, docstrings).
#   diagnostics: adds `cache_miss_reason` to the answer (anthropic 2.11, docstring).
#   cache_control (top level): writes a prompt cache; with `max_tokens: 0` that is the purpose of the call.
#   billing_policy, fallback_credit_token: who pays, and the token authorises a prefill (anthropic 2.11).
KEYED_FIELDS: Final[Mapping[str, str]] = {
    "chat": """
        audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
        messages metadata modalities model moderation n parallel_tool_calls prediction presence_penalty
        prompt_cache_options reasoning_effort response_format seed service_tier stop store stream
        stream_options temperature tool_choice tools top_logprobs top_p verbosity web_search_options
    """,
    # With /responses/compact, /responses/input_tokens and the client events of the Responses WebSocket.
    "responses": """
        access_programs background context_management conversation generate image include input instructions
        max_output_tokens max_tool_calls metadata model moderation multi_agent parallel_tool_calls personality
        previous_response_id prompt prompt_cache_options reasoning service_tier store stream stream_id
        stream_options temperature text tool_choice tools top_logprobs top_p truncation type
    """,
    # With count_tokens and batches. anthropic_version and anthropic_beta are the body spelling of two headers
    # on Bedrock and Vertex; output_format is the former name of output_config.format.
    "messages": """
        anthropic_beta anthropic_version billing_policy cache_control compaction container context_management
        diagnostics fallback_credit_token fallbacks inference_geo max_tokens mcp_servers messages model
        output_config output_format requests service_tier speed stop_sequences stream system temperature
        thinking thread tool_choice tools top_k top_p
    """,
    "generate_content": """
        cachedContent contents continuationToken generationConfig modelArmorConfig outputConfig safetySettings
        serviceTier store systemInstruction toolConfig tools
    """,
    # OpenAI; then Gemini (embedContent, batchEmbedContents, and predict on Vertex).
    "embeddings": """
        dimensions encoding_format input model
        content embedContentConfig instances outputDimensionality parameters requests taskType title
    """,
    # Generations, edits (multipart) and variations; then Imagen, whose labels only split a bill. But many
    # providers share this kind, and for one of them a label may be an input.
    "image": """
        background complexity frame_count frame_duration_ms image input_fidelity markup mask model moderation
        n output_compression output_format partial_images prompt quality response_format size stream style svg
        instances labels parameters
    """,
    # OpenAI; then Cartesia; then ElevenLabs.
    "speech": """
        input instructions model response_format speed stream_format voice
        generation_config language model_id output_format pronunciation_dict_id save transcript
        apply_language_text_normalization apply_text_normalization language_code next_request_ids next_text
        previous_request_ids previous_text pronunciation_dictionary_locators seed text use_pvc_as_ivc
        voice_settings
    """,
    # Multipart: these are form fields, and the file is its bytes.
    "transcription": """
        chunking_strategy file include keywords known_speaker_names known_speaker_references language
        languages model prompt response_format stream temperature timestamp_granularities
    """,
    # OpenAI; then Veo.
    "video": """
        input_reference model name prompt seconds size video
        instances labels parameters
    """,
    # Parallel; then Perplexity. session_id ties searches into one task, so it may well shape the ranking.
    "search": """
        advanced_settings client_model excerpts fetch_policy max_chars_total max_results mode objective
        search_queries session_id source_policy
        country max_tokens max_tokens_per_page query search_after_date_filter search_before_date_filter
        search_domain_filter search_language_filter search_recency_filter
    """,
    # Session set-up (client secrets, calls, legacy sessions) and the client events of the socket. Nothing
    # here is ever answered from a cache (contract 1.3.8: text and images only).
    "realtime": """
        audio audio_end_ms client_secret content_index event_id expires_after include input_audio_format
        input_audio_noise_reduction input_audio_transcription instructions item item_id max_output_tokens
        max_response_output_tokens modalities model output_audio_format output_modalities parallel_tool_calls
        previous_item_id prompt reasoning response response_id sdp session speed temperature tool_choice tools
        tracing truncation turn_detection type voice
    """,
    # The fields of one entry of the array, then of the WebSocket envelope (contract 3.1, 3.9). An entry is
    # keyed whole: `query` is a provider's body, whose kind only `provider` and `endpoint` tell, `headers` may
    # select a beta, a BYOK alias or a cache key, and `authorization` decides who answers. Of a credential
    # only a digest reaches the key.
    "universal": """
        authorization config endpoint headers provider query
        request type
    """,
    # The REST envelope, then the inputs of Workers AI models. `options` may name a webhook.
    "run": """
        input model options
        audio frequency_penalty functions guidance guided_json height ignore_eos image image_b64 input_text
        lang lora mask max_length max_tokens messages negative_prompt num_steps presence_penalty prompt raw
        repetition_penalty response_format seed source_lang stream strength target_lang temperature text tools
        top_k top_p width
    """,
}

_USER: Final = (
    "Names the end user so that the provider can detect abuse and bucket its prompt cache"
    " (openai 3.52, docstring of `user`)."
)
_USER_ABUSE: Final = "Names the end user so that the provider can detect abuse (openai 3.52, docstring of `user`)."
_SAFETY: Final = (
    "Names the end user so that the provider can act on abuse per user"
    " (openai 3.52, docstring of `safety_identifier`; OpenAI help article 5428082)."
)
_CACHE_KEY: Final = (
    "Routes a request to a warm prompt cache, which has no impact on the output"
    " (openai 3.52, docstring of `prompt_cache_key`; Azure OpenAI and xAI pages on prompt caching)."
)
_CACHE_RETENTION: Final = (
    "Says how long the provider keeps a prompt prefix warm, which has no impact on the output"
    " (openai 3.52, docstring of `prompt_cache_retention`; Azure OpenAI page on prompt caching)."
)

# Endpoint kind -> ignored field -> the reason, with its source.
IGNORED_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "chat": {
        "prompt_cache_key": _CACHE_KEY,
        "prompt_cache_retention": _CACHE_RETENTION,
        "safety_identifier": _SAFETY,
        "user": _USER,
    },
    "responses": {
        "prompt_cache_key": _CACHE_KEY,
        "prompt_cache_retention": _CACHE_RETENTION,
        "safety_identifier": _SAFETY,
        "user": _USER,
    },
    "messages": {
        "metadata": (
            "Holds only `user_id`, an opaque name of the end user that may help to detect abuse"
            " (anthropic 2.11, docstring of `MetadataParam`)."
        ),
    },
    "generate_content": {
        "labels": (
            "Splits the bill by label and is forwarded to billing alone"
            " (Google Cloud, page Custom metadata labels; google-genai 3.4, `GenerateContentConfig.labels`)."
        ),
    },
    "embeddings": {"user": _USER_ABUSE},
    "image": {"safety_identifier": _SAFETY, "user": _USER_ABUSE},
}

# The ignored fields that are objects -> the members that an ignored one may have; None where the caller names
# them. Any other member is unknown, and what is unknown is keyed.
IGNORED_OBJECTS: Final[Mapping[tuple[str, str], frozenset[str] | None]] = {
    ("messages", "metadata"): frozenset({"user_id"}),
    ("generate_content", "labels"): None,
}
