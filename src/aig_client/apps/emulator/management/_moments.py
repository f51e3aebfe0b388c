"""Moments as the API writes and reads them: ISO 8601 in UTC, to the millisecond."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: float) -> int:
    """Unix milliseconds. A moment is compared as it is shown, so that a caller's own filter agrees with ours."""
    return math.floor(moment * 1000)


def iso(moment: float) -> str:
    return (_EPOCH + timedelta(milliseconds=milliseconds(moment))).isoformat(timespec="milliseconds")[:-6] + "Z"


def read_iso(text: str) -> int | None:
    """Unix milliseconds of an ISO 8601 moment; one without an offset is in UTC. `None`: it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)


def month_of(now: float) -> tuple[float, float]:
    """Begin and end, in Unix seconds, of the UTC month that holds this moment."""
    begin = (_EPOCH + timedelta(seconds=now)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (begin + timedelta(days=32)).replace(day=1)
    return (begin - _EPOCH).total_seconds(), (end - _EPOCH).total_seconds()
