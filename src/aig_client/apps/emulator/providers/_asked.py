"""What an endpoint of a fake provider gets, and what a fake provider is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from .._json import JsonObject
from .._messages import ProviderAnswer, ProviderRequest
from ._keys import Way
from ._prefixes import Cached, PrefixMemory, PrefixRule, recall, seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request whose key was accepted. say: what has to be answered, if a scenario says it."""

    request: ProviderRequest
    key: str = field(repr=False)
    now: float
    memory: PrefixMemory = field(repr=False)
    say: str | None = field(default=None, repr=False)

    @property
    def payload(self) -> JsonObject | None:
        return self.request.payload

    def scope(self, model: str, *before: object) -> bytes:
        """Whose prompt cache it is: nobody shares one across providers, keys and models."""
        return seed(self.request.provider, self.key, model, *before)

    def cached(self, rule: PrefixRule | None, model: str, prompt: object, *before: object) -> Cached:
        """What the provider's implicit cache holds of the prompt; `before`: what stands before it, such as tools."""
        return recall(self.memory, rule, self.scope(model, *before), prompt, self.now)


Endpoint: TypeAlias = "Callable[[Asked, re.Match[str]], ProviderAnswer]"
"""Answers a request at a path that was matched."""

Refusal: TypeAlias = Callable[[ProviderRequest], ProviderAnswer]


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint: a method, and the whole path after the provider's slug, unquoted and without a last slash."""

    method: str
    path: re.Pattern[str]
    run: Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Fake:
    """One provider. otherwise: what answers at every path without a row, in the place of its 404."""

    ways: tuple[Way, ...]
    rows: tuple[Row, ...]
    no_key: Refusal
    wrong_key: Refusal
    not_found: Refusal
    wrong_method: Refusal
    otherwise: Endpoint | None = None


def row(method: str, path: str, run: Endpoint) -> Row:
    return Row(method, re.compile(path), run)


def with_model(payload: JsonObject | None, found: re.Match[str]) -> JsonObject | None:
    """The body with the model from the path, where it has none of its own."""
    model = found.groupdict().get("model")
    return payload if payload is None or model is None or "model" in payload else {**payload, "model": model}
