"""The door to the fake providers: pure, deterministic, and deaf to every header but the credential."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from ._messages import Forward, ProviderAnswer
from ._providers_anthropic import anthropic_answer
from ._providers_google import google_answer
from ._providers_openai import openai_answer

_FAKES: MappingProxyType[str, Callable[[Forward, frozenset[str]], ProviderAnswer]] = MappingProxyType(
    {"openai": openai_answer, "anthropic": anthropic_answer, "google-ai-studio": google_answer}
)


def provider_answer(forward: Forward, keys: frozenset[str]) -> ProviderAnswer:
    """Answer as the provider would. `keys` are accepted beside every key that starts with `sk-test`.

    On `/compat` the gateway translates, so whichever provider the model names, the answer has OpenAI's shape.
    """
    fake = openai_answer if forward.compat else _FAKES[forward.provider]
    try:
        return fake(forward, keys)
    except (RecursionError, ValueError):
        # Nested past what can be written again, or a number such as 1e999 that JSON cannot carry back.
        return fake(replace(forward, payload=None), keys)
