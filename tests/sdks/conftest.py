from __future__ import annotations

from collections.abc import Iterator

import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread

from ..http.asks import TOKEN


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """Authentication on, stored keys for every provider."""
    config = EmulatorConfig(
        auth_tokens=frozenset({TOKEN}), stored_keys=frozenset({"openai", "anthropic", "google-ai-studio"})
    )
    with serve_in_thread(config) as running:
        yield running
