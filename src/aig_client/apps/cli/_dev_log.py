"""The request log of `aig dev`: one line for each request, without a prompt, an answer or a credential."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..emulator import LogEntry

MOST_WAITING = 2000
_COLOURS = {"HIT": "green", "MISS": "yellow"}


class RequestLog:
    """Collects lines and writes them in batches: a terminal is slower than a gateway."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._waiting: list[LogEntry] = []
        self._left_out = 0

    def add(self, entry: LogEntry) -> None:
        """Note a request. Past a bound (`MOST_WAITING`), requests are counted, not shown, until the next `flush`."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(entry)
        else:
            self._left_out += 1

    def flush(self) -> None:
        """Write what has come together."""
        if not self._waiting:
            return
        lines = [_request_line(entry) if self._as_json else self._line(entry) for entry in self._waiting]
        if self._left_out:
            more = f"... and {self._left_out} more"
            lines.append(json_line("omitted", count=self._left_out) if self._as_json else more)
        self._waiting, self._left_out = [], 0
        click.echo("\n".join(lines), color=self._colour)

    def _line(self, entry: LogEntry) -> str:
        moment = time.strftime("%H:%M:%S", time.localtime(entry.at))
        status = click.style(
            str(entry.status or "---"), fg="red" if entry.status >= 400 or not entry.status else "green"
        )
        cache = entry.cache_status or "-"
        code = f" code {entry.code}" if entry.code else ""
        tokens = f"{entry.tokens_in}/{entry.tokens_out} tokens" if entry.tokens_in is not None else ""
        cost = f"${entry.cost:.6f}" if entry.cost else ""
        tries = f"{entry.attempts} attempts" if entry.attempts > 1 else ""
        fault = click.style(f"fault {entry.fault}", fg="magenta") if entry.fault else ""
        shown = entry.path.split("/", 4)[-1] if entry.path.startswith("/v1/") else entry.path
        parts = (
            f"{moment} {status}{code}",
            click.style(f"{cache:<4}", fg=_COLOURS.get(cache)),
            f"{entry.duration:7.1f} ms",
            f"{entry.method} {shown}",
            entry.model or "",
            tokens,
            cost,
            tries,
            fault,
        )
        return "  ".join(part for part in parts if part)


def json_line(event: str, **members: object) -> str:
    """One line of `aig dev --json`; `schemas/dev.json` has the members of each event."""
    return json.dumps({"schema": "aig.dev/1", "event": event, **members})


def _request_line(entry: LogEntry) -> str:
    return json_line(
        "request",
        at=entry.at,
        log_id=entry.log_id,
        gateway=entry.gateway,
        method=entry.method,
        path=entry.path,
        provider=entry.provider,
        model=entry.model,
        status=entry.status,
        code=entry.code,
        cache_status=entry.cache_status,
        step=entry.step,
        attempts=entry.attempts,
        duration_ms=round(entry.duration, 3),
        tokens_in=entry.tokens_in,
        tokens_out=entry.tokens_out,
        cost=entry.cost,
        fault=entry.fault,
    )
