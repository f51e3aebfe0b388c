"""The door to the fake providers: deterministic, and deaf to every header but the credential.

Their answers are functions of the request, save for what a prompt cache of theirs remembers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from .._messages import ProviderAnswer, ProviderRequest
from ._asked import Asked
from ._keys import key_accepted, presented_key
from ._prefixes import PrefixMemory
from ._table import fake_for

__all__ = ["FakeProviders"]

_ANY_PATH = re.compile(".*", re.DOTALL)


class FakeProviders:
    """Every provider at once. `keys` are accepted beside every key that starts with `sk-test`.

    Their prompt caches are one memory of `remembered` prefixes; it holds digests, never a prompt or a key.
    """

    def __init__(self, keys: frozenset[str] = frozenset(), *, remembered: int = 32_768) -> None:
        self._keys = keys
        self._memory = PrefixMemory(remembered)

    def answer(self, request: ProviderRequest, now: float, say: str | None = None) -> ProviderAnswer:
        """Answer as the provider would, or with the text `say` in its shape. `now` is in Unix seconds. Never raises."""
        try:
            return self._answer(request, now, say)
        except (ArithmeticError, RecursionError, ValueError):
            # Nested past what can be written again, or a number such as 1e999 that JSON cannot carry back.
            return self._answer(replace(request, payload=None), now, say)

    def _answer(self, request: ProviderRequest, now: float, say: str | None) -> ProviderAnswer:
        fake = fake_for(request)
        key = presented_key(request, fake.ways)
        if key is None:
            return fake.no_key(request)
        if not key_accepted(key, self._keys):
            return fake.wrong_key(request)
        asked = Asked(request=request, key=key, now=now, memory=self._memory, say=say)
        path = unquote(request.path).rstrip("/")
        known = False
        for one in fake.rows:
            found = one.path.fullmatch(path)
            if found is not None:
                if one.method == request.method:
                    return one.run(asked, found)
                known = True
        if known:
            return fake.wrong_method(request)
        if fake.otherwise is None:
            return fake.not_found(request)
        found = _ANY_PATH.fullmatch(path)
        assert found is not None
        return fake.otherwise(asked, found)
