from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aig_client.apps.emulator import RunningEmulator

TOKEN = "local-token"
_OF_THIS_MACHINE = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory, and nothing of this machine's settings."""
    for name in _OF_THIS_MACHINE:
        if name in os.environ:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def _emulator() -> Iterator[RunningEmulator]:
    from aig_client.apps.emulator import EmulatorConfig, serve_in_thread  # most tests need no server

    stored = frozenset({"openai", "anthropic", "google-ai-studio"})
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({TOKEN}), stored_keys=stored)) as running:
        yield running


@pytest.fixture
def emulator(_emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    """A gateway with authentication, configured by the environment; one per run, emptied for each test."""
    _emulator.reset()
    monkeypatch.setenv("AIG_BASE_URL", _emulator.gateway_url)
    monkeypatch.setenv("CF_AIG_TOKEN", TOKEN)
    return _emulator
