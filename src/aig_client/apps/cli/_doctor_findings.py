"""What a check of `aig doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info", "ok"]
"""``error``: calls fail or a secret leaks. ``warning``: something will surprise. ``info``: worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``what`` never holds a secret; ``fix`` says what to change; ``where`` names its source."""

    check: str
    severity: Severity
    what: str
    fix: str | None = None
    where: str | None = None
