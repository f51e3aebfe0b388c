from __future__ import annotations

from collections.abc import Iterator

import pytest

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """One running emulator for a module: keep requests apart by their cache keys."""
    with serve_in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def guarded() -> Iterator[RunningEmulator]:
    """Gateway authentication on, stored keys for every provider."""
    config = EmulatorConfig(
        auth_tokens=frozenset({"local-token"}),
        stored_keys=frozenset({"openai", "anthropic", "google-ai-studio"}),
    )
    with serve_in_thread(config) as running:
        yield running
