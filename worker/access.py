"""Cloudflare Access's public keys: asked for when somebody comes with an assertion, and kept."""

from __future__ import annotations

import json
import time
from typing import Final

from js import AbortSignal
from pyodide.ffi import JsException
from workers import fetch

from aig_client.core._depth import shallow

FRESH: Final = 3600.0
"""Seconds that keys are used before they are asked for again."""
AGAIN: Final = 60.0
"""Seconds until they are asked for again where nobody gave any; those there are stay meanwhile."""
FIRST: Final = 1.0
"""The same where there are none yet: everybody who comes through Access waits for them."""
LONGEST: Final = 3.0
"""Seconds that an answer may take."""


class AccessKeys:
    """One isolate's keys, of one team. Plain values only: all its requests share them."""

    def __init__(self) -> None:
        self._team = ""
        self._keys: dict[str, object] = {}
        self._due = 0.0

    async def of(self, team: str) -> dict[str, object]:
        """The keys of a team, as its ``/cdn-cgi/access/certs`` tells them; empty where it never did."""
        if team != self._team:
            self._team, self._keys, self._due = team, {}, 0.0
        if time.time() < self._due:
            return self._keys
        if self._keys:
            # One asks, and the others go on with those there are. Where there are none, each asks for itself: one
            # request may not wait for what another one asked.
            self._due = time.time() + AGAIN
        found = await _asked(team)
        if team != self._team:
            return found  # another policy came meanwhile
        if found:
            self._keys, self._due = found, time.time() + FRESH
        elif not self._keys:
            self._due = time.time() + FIRST
        return self._keys


async def _asked(team: str) -> dict[str, object]:
    signal = AbortSignal.timeout(int(LONGEST * 1000))
    try:
        answer = await fetch(f"https://{team}/cdn-cgi/access/certs", signal=signal)
        if answer.status != 200:
            return {}
        told = json.loads(shallow(await answer.text()))
    except (OSError, JsException, ValueError, RecursionError):
        return {}  # a caller with a service token needs none
    return told if isinstance(told, dict) and isinstance(told.get("keys"), list) and told["keys"] else {}
