"""What the tests ask, and of whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from aig_client.apps.emulator import LogEntry, RunningEmulator

TOKEN: Final = "cloudflare-token-of-the-tests"


def settings(emulator: RunningEmulator) -> dict[str, Any]:
    """Arguments of a client of this gateway."""
    return {"base_url": f"{emulator.origin}/v1/{emulator.account}/{emulator.gateway}", "token": TOKEN}


def chat(text: str | None = None, **members: object) -> dict[str, object]:
    """A chat body; without a text, one that nobody asked before."""
    content = text if text is not None else f"Something new: {uuid4()}"
    return {"model": "gpt-5", "messages": [{"role": "user", "content": content}], **members}


def message(text: str | None = None, **members: object) -> dict[str, object]:
    """An Anthropic body."""
    return {**chat(text), "model": "claude-sonnet-5-5", "max_tokens": 64, **members}


def last_headers(emulator: RunningEmulator) -> Mapping[str, str]:
    """The ``cf-aig-*`` headers of the request that came last, less the token and what is always there."""
    return {name: value for name, value in last(emulator).cf_aig.items() if name != "cf-aig-authorization"}


def last(emulator: RunningEmulator) -> LogEntry:
    """The request that came last."""
    return emulator.log[-1]
