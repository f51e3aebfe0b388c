from __future__ import annotations

import os

import pytest

_SETTINGS = ("CLOUDFLARE_", "CF_", "AIG_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _nothing_from_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No account, key, gateway or proxy of whoever runs the tests takes part in them."""
    for name in os.environ:
        if name.startswith(_SETTINGS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
