"""Who speaks chat completions how: usage objects, members of their own, implicit caches.

Field names and sums are the providers' documented ones; seconds, dollars and fingerprints are made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ._chat import ChatDialect, Fields, Scene, Spent
from ._prefixes import PrefixRule
from ._search import sources

_ALL = re.compile("")
_HOUR = 3600.0

# From the GPT-5.6 family on a cache lives half an hour and writes are reported; before, "5 to 10 minutes of
# inactivity".
OPENAI_PREFIXES = (
    (re.compile(r"gpt-(?:5\.(?:[6-9]|\d\d)|[6-9]|\d\d)"), PrefixRule(1024, 128, 1800.0, writes=True)),
    (_ALL, PrefixRule(1024, 128, 300.0)),
)
OPENAI_THINKERS = re.compile(r"^(?:o\d|gpt-5(?!.*chat)|gpt-[6-9])")


def openai_usage(spent: Spent) -> Fields:
    """Reasoning is part of the completion, cached tokens are part of the prompt."""
    prompt: dict[str, object] = {"cached_tokens": spent.cached, "audio_tokens": 0}
    if spent.written:
        prompt["cache_write_tokens"] = spent.written
    return {
        **_totals(spent),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _totals(spent: Spent) -> dict[str, object]:
    return {
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.output,
        "total_tokens": spent.prompt + spent.output,
    }


def _plain_usage(spent: Spent) -> Fields:
    return {**_totals(spent), "prompt_tokens_details": {"cached_tokens": spent.cached}}


def _seconds(spent: Spent) -> dict[str, float]:
    """Made-up times that add up: 10 000 tokens a second in, 500 out."""
    into, out = round(spent.prompt / 10_000, 6), round(spent.output / 500, 6)
    return {"queue_time": 0.001, "prompt_time": into, "completion_time": out, "total_time": round(into + out, 6)}


def _groq_usage(spent: Spent) -> Fields:
    details: dict[str, object] = {}
    if spent.cached:
        details["prompt_tokens_details"] = {"cached_tokens": spent.cached}
    if spent.reasoning:
        details["completion_tokens_details"] = {"reasoning_tokens": spent.reasoning}
    return {**_seconds(spent), **_totals(spent), **details}


def _deepseek_usage(spent: Spent) -> Fields:
    thought = {"completion_tokens_details": {"reasoning_tokens": spent.reasoning}} if spent.reasoning else {}
    hits = {"prompt_cache_hit_tokens": spent.cached, "prompt_cache_miss_tokens": spent.prompt - spent.cached}
    return {**_plain_usage(spent), **thought, **hits}


def _xai_usage(spent: Spent) -> Fields:
    """Reasoning stands beside the completion, and only the total counts both."""
    zero = {"audio_tokens": 0, "image_tokens": 0}
    # A tick is a ten-billionth of a dollar; here a token costs a millionth.
    ticks = (spent.prompt + spent.output) * 10_000
    return {
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.visible,
        "total_tokens": spent.prompt + spent.output,
        "prompt_tokens_details": {"text_tokens": spent.prompt, **zero, "cached_tokens": spent.cached},
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
        "cost_in_usd_ticks": ticks,
    }


def _perplexity_usage(spent: Spent) -> Fields:
    cost_in, cost_out = round(spent.prompt * 1e-6, 6), round(spent.output * 1e-6, 6)
    cost = {
        "input_tokens_cost": cost_in,
        "output_tokens_cost": cost_out,
        "request_cost": 0.005,
        "total_cost": round(cost_in + cost_out + 0.005, 6),
    }
    thought = {"reasoning_tokens": spent.reasoning} if spent.reasoning else {}
    return {**_totals(spent), "search_context_size": "low", "num_search_queries": 1, **thought, "cost": cost}


def _openrouter_usage(spent: Spent) -> Fields:
    cost = round((spent.prompt + spent.output) * 1e-6, 6)
    return {
        **_totals(spent),
        "cost": cost,
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": spent.cached,
            "cache_write_tokens": spent.written,
            "audio_tokens": 0,
        },
        "cost_details": {"upstream_inference_cost": None},
        "completion_tokens_details": {"reasoning_tokens": spent.reasoning},
    }


def _dress_openai(scene: Scene) -> Fields:  # noqa: ARG001
    return {"service_tier": "default", "system_fingerprint": "fp_emulator"}


def _dress_groq(scene: Scene) -> Fields:
    request_id = f"req_{scene.said.digest[:26]}"
    shell = {"system_fingerprint": "fp_emulator"}
    if scene.place == "whole":
        whole = {"usage_breakdown": None, "service_tier": "on_demand", "x_groq": {"id": request_id}}
        return {**shell, **whole}
    if scene.place == "first":
        return {**shell, "x_groq": {"id": request_id}}
    return {**shell, "x_groq": {"id": request_id, "usage": scene.usage}} if scene.place == "finish" else shell


def _dress_cerebras(scene: Scene) -> Fields:
    shell: dict[str, object] = {"system_fingerprint": "fp_emulator"}
    if scene.place in ("whole", "finish"):
        shell["time_info"] = _seconds(scene.spent)
    return shell


def _dress_perplexity(scene: Scene) -> Fields:
    found = sources(scene.payload.get("messages"), 3)
    return {"citations": [one["url"] for one in found], "search_results": found}


def _dress_openrouter(scene: Scene) -> Fields:  # noqa: ARG001
    return {"provider": "Emulator"}


def _dress_azure(scene: Scene) -> Fields:
    filters = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    shown = {"prompt_filter_results": filters} if scene.place in ("whole", "first") else {}
    return {**_dress_openai(scene), **shown}


def _fingerprint(scene: Scene) -> Fields:  # noqa: ARG001
    return {"system_fingerprint": "fp_emulator"}


_SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_REFUSAL: Fields = {"refusal": None}
_OPENAI_MESSAGE: Fields = {"refusal": None, "annotations": []}

OPENAI = ChatDialect(
    usage=openai_usage,
    dress=_dress_openai,
    message=_OPENAI_MESSAGE,
    prefixes=OPENAI_PREFIXES,
    thinks=OPENAI_THINKERS,
)

DIALECTS: Mapping[str, ChatDialect] = MappingProxyType(
    {
        "openai": OPENAI,
        "azure-openai": ChatDialect(
            usage=openai_usage,
            dress=_dress_azure,
            message=_OPENAI_MESSAGE,
            choice={"content_filter_results": _SAFE},
            prefixes=OPENAI_PREFIXES,
            thinks=OPENAI_THINKERS,
        ),
        "groq": ChatDialect(
            usage=_groq_usage,
            dress=_dress_groq,
            # "128 to 1024 tokens, depending on the model"; "2 hours without use"; the step is not documented.
            prefixes=((re.compile("gpt-oss|kimi"), PrefixRule(128, 128, 2 * _HOUR)),),
            thinks=re.compile("gpt-oss|qwen-?3|deepseek-r1"),
            shows="reasoning",
        ),
        "cerebras": ChatDialect(
            usage=_plain_usage,
            dress=_dress_cerebras,
            prefixes=((_ALL, PrefixRule(128, 128, 300.0)),),
            streams="finish",
        ),
        # A cache with `prompt_cache_key` only; size of a block and life are not documented.
        "mistral": ChatDialect(
            usage=_plain_usage,
            message={"tool_calls": None},
            prefixes=((_ALL, PrefixRule(64, 64, 300.0, keyed=True)),),
            streams="finish",
        ),
        # "64 tokens as a storage unit"; unused entries go "within a few hours to a few days".
        "deepseek": ChatDialect(
            usage=_deepseek_usage,
            dress=_fingerprint,
            prefixes=((_ALL, PrefixRule(64, 64, 2 * _HOUR)),),
            thinks=re.compile("reasoner"),
            shows="reasoning_content",
            streams="finish",
        ),
        # Neither a minimum nor a life is documented.
        "grok": ChatDialect(
            usage=_xai_usage,
            dress=_fingerprint,
            message=_REFUSAL,
            prefixes=((_ALL, PrefixRule(64, 64, 300.0)),),
            thinks=re.compile("grok-(?:3-mini|[4-9]|code)(?!.*non-reasoning)"),
            shows="reasoning_content",
            streams="apart",
        ),
        "perplexity-ai": ChatDialect(
            usage=_perplexity_usage,
            dress=_dress_perplexity,
            thinks=re.compile("reasoning|deep-research"),
            streams="every",
        ),
        "openrouter": ChatDialect(
            usage=_openrouter_usage,
            dress=_dress_openrouter,
            message=_REFUSAL,
            prefixes=OPENAI_PREFIXES,
            thinks=re.compile(r"(?:^|/)(?:o\d|gpt-5(?!.*chat))"),
            shows="reasoning",
            streams="apart",
            preamble=b": OPENROUTER PROCESSING\n\n",
        ),
        "fireworks": ChatDialect(usage=_plain_usage, prefixes=((_ALL, PrefixRule(128, 128, 300.0)),), streams="finish"),
        "workers-ai": ChatDialect(usage=_plain_usage),
        "baseten": ChatDialect(usage=_plain_usage, dress=_fingerprint),
    }
)
"""By the provider's slug. Who is not here speaks as OpenAI does, without a cache."""

PLAIN = ChatDialect(usage=openai_usage, dress=_dress_openai, message=_OPENAI_MESSAGE)


def translated(slug: str) -> ChatDialect:
    """What the gateway makes of a provider's answer on `/compat`: OpenAI's shape, with that provider's cache."""
    own = DIALECTS.get(slug, PLAIN)
    return ChatDialect(
        usage=openai_usage,
        dress=_dress_openai,
        message=_OPENAI_MESSAGE,
        prefixes=own.prefixes,
        thinks=own.thinks,
    )
