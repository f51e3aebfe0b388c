"""Runs one check of `aig doctor` in a situation of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aig_client.apps.cli import _doctor_installed, _doctor_policy
from aig_client.apps.cli._doctor_findings import Finding
from aig_client.apps.cli._doctor_situation import Situation, survey

ACCOUNT = "0123456789abcdef0123456789abcdef"
BASE = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
REST = f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/v1"
GATEWAY = {"AIG_BASE_URL": BASE}
LOCAL = {"AIG_BASE_URL": f"http://127.0.0.1:8787/v1/{ACCOUNT}/demo"}
TOKEN = "A1b2C3d4E5" * 4

Check = Callable[[Situation], Iterable[Finding]]


def found(check: Check, environ: Mapping[str, str], *, file: str | None = None, **changes: Any) -> list[Finding]:
    """What a check finds in a folder of its own."""
    folder = Path.cwd()
    if file is not None:
        (folder / "aig.toml").write_text(file)
    situation = survey(environ, folder)
    values = {name: getattr(situation, name) for name in Situation.__slots__} | changes
    return list(check(Situation(**values)))


def ageless(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that run the doctor on the day that it is: its catalog and tables grow old, and they must not."""
    monkeypatch.setattr(_doctor_policy, "OLD_DAYS", 1_000_000)
    monkeypatch.setattr(_doctor_installed, "_STALE_DAYS", 1_000_000)


def short(findings: list[Finding]) -> list[str]:
    return [f"{one.severity}: {one.what}" for one in findings]
