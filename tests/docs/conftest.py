from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import aig_client
from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread
from aig_client.schema import ENVIRONMENT

TOKEN = "local-token"
"""What the pages call the Cloudflare token."""


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to work in, and an environment that sets nothing of ours."""
    for variables in ENVIRONMENT.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def gateway(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningEmulator]:
    """What the pages assume: AIG_BASE_URL and CF_AIG_TOKEN name a gateway that holds the providers' keys."""
    config = EmulatorConfig(
        auth_tokens=frozenset({TOKEN}), stored_keys=frozenset({"openai", "anthropic", "google-ai-studio", "mistral"})
    )
    with serve_in_thread(config) as running:
        base = aig_client.base_url(running.account, running.gateway, origin=running.origin)
        monkeypatch.setenv("AIG_BASE_URL", base)
        monkeypatch.setenv("CF_AIG_TOKEN", TOKEN)
        yield running
