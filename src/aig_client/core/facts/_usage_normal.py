"""A provider's usage object read into one meaning, by its row. Total: whatever it is given, it answers.

A value that is no count (negative, fractional, huge, of a wrong type) counts as absent, and ``contradictions`` points
to it. Only names that stand in a row get there, never a value and never a name that came with the payload.
"""

from __future__ import annotations

from typing import Final

from ._usage_dialects import fitting
from ._usage_record import MOST, Usage
from ._usage_rows import ROWS, DialectRow, Path, Paths, UsageDialect

_EMPTY: Final[dict[str, object]] = {}
# Where usage stands in what a caller may hand over whole: an answer, a stream's event, a Codex line.
_PLACES: Final = (
    *("usage", "usageMetadata", "usage_metadata", "meta", "metadata", "x_groq", "response", "message", "delta"),
    *("result", "info", "payload", "last_token_usage", "token_usage"),
)
_DEEPEST: Final = 4


def normalize_usage(dialect: UsageDialect | None, payload: object, *, complete: bool = True) -> Usage:
    """A provider's usage object in one meaning. Never raises.

    Args:
        dialect: how the provider writes usage, from ``usage_dialect(provider, kind)``. Where it is None, or the payload
            is written otherwise, the payload's shape decides and ``by_shape`` says so.
        payload: the usage object as parsed JSON; an answer or a stream's event that holds one will do.
        complete: False where the answer was cut.
    """
    if not isinstance(payload, dict):
        return Usage(complete=complete, contradictions=("not_an_object",))
    found = _found(dialect if isinstance(dialect, str) else None, payload, 0)
    if found is None:
        return Usage(complete=complete, contradictions=("no_usage",))
    return read_usage(found[0], found[1], by_shape=found[0] != dialect, complete=complete)


def _found(
    dialect: UsageDialect | None, payload: dict[str, object], depth: int
) -> tuple[UsageDialect, dict[str, object]] | None:
    fits = fitting(dialect, payload)
    if fits is not None and (fits == dialect or "usage" not in payload):
        return fits, payload
    if depth < _DEEPEST:
        for place in _PLACES:
            inner = payload.get(place)
            if isinstance(inner, dict):
                found = _found(dialect, inner, depth + 1)
                if found is not None:
                    return found
    return None if fits is None else (fits, payload)


def read_usage(dialect: UsageDialect, payload: dict[str, object], *, by_shape: bool, complete: bool) -> Usage:
    """One usage object by one row."""
    row = ROWS[dialect]
    notes: list[str] = []
    plain = (_first(payload, row.input, notes), _first(payload, row.output, notes))
    total = _first(payload, row.total, notes)
    read = _agreed(payload, row.cache_read, notes)
    write, write_5m, write_1h = _writes(row, payload, notes)
    reasoning = _first(payload, row.reasoning, notes)
    heard, seen, watched = _modalities(
        payload, row.input_modalities, (row.input_audio, row.input_image, row.input_video), notes
    )
    spoken, drawn, _ = _modalities(payload, row.output_modalities, (row.output_audio, row.output_image, ()), notes)
    audio_seconds = _amount(payload, row.audio_seconds, notes)

    taken = _sum(plain[0], payload, row.input_beside, notes)
    given = plain[1]
    if row.cache == "outside" and taken is not None:
        taken += (read or 0) + (write or 0)
    if reasoning is not None and _is_outside(row, reasoning, (taken or 0) + (given or 0), total):
        given = (given or 0) + reasoning
    if row.audio_by_total and audio_seconds and taken is not None and total is not None:
        taken = max(taken, total - (given or 0))
    _check_total(row, total, (taken, given), plain, notes)
    _check_input(row, payload, taken, (read, write, heard, seen, watched), notes)
    _check_output(row, payload, given, (reasoning, spoken, drawn), notes)
    return Usage(
        taken,
        given,
        read,
        write,
        cache_write_5m_input_tokens=write_5m,
        cache_write_1h_input_tokens=write_1h,
        reasoning_tokens=reasoning,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
        input_audio_tokens=heard,
        input_image_tokens=seen,
        input_video_tokens=watched,
        audio_seconds=audio_seconds,
        video_seconds=_amount(payload, row.video_seconds, notes, text=True) if row.video_seconds else None,
        searches=_sum(None, payload, row.searches, notes),
        characters=_first(payload, row.characters, notes) if row.characters else None,
        billed_input_tokens=_first(payload, row.billed_input, notes) if row.billed_input else None,
        billed_output_tokens=_first(payload, row.billed_output, notes) if row.billed_output else None,
        reported_total_tokens=total,
        reported_cost=_amount(payload, row.cost, notes, per=row.cost_per_dollar),
        dialect=dialect,
        by_shape=by_shape,
        complete=complete,
        contradictions=tuple(dict.fromkeys(notes)) if notes else (),
    )


def _is_outside(row: DialectRow, reasoning: int, base: int, total: int | None) -> bool:
    """Whether reasoning stands beside the output. A gateway may pass on another host's habit, so the total is asked."""
    if total is not None and reasoning and row.total_decides:
        if total == base + reasoning:
            return True
        if total == base:
            return False
    return row.reasoning_is == "outside"


def _writes(row: DialectRow, payload: dict[str, object], notes: list[str]) -> tuple[int | None, int | None, int | None]:
    """Cache writes: all of them, those for five minutes, those for an hour."""
    write = _first(payload, row.cache_write, notes)
    if not row.write_5m and not row.ttl_details:
        return write, None, None
    short = _first(payload, row.write_5m, notes)
    long = _first(payload, row.write_1h, notes)
    if row.ttl_details:
        by_ttl = _tally(payload, row.ttl_details, (("ttl",), ("inputTokens",)), notes)
        short, long = by_ttl.get("5M"), by_ttl.get("1H")
    if short is None and long is None:
        return write, None, None
    parts = (short or 0) + (long or 0)
    if write is None:
        return parts, short, long
    if parts > write or (parts < write and short is not None and long is not None):
        notes.append("cache_write_parts")
    return write, short, long


def _modalities(
    payload: dict[str, object], lists: Paths, paths: tuple[Paths, Paths, Paths], notes: list[str]
) -> tuple[int | None, int | None, int | None]:
    """Tokens of sound, of pictures and of video."""
    if lists:
        tally = _tally(payload, lists, (("modality",), ("tokenCount", "token_count")), notes)
        return tally.get("AUDIO"), tally.get("IMAGE"), tally.get("VIDEO")
    audio, image, video = paths
    return _first(payload, audio, notes), _first(payload, image, notes), _first(payload, video, notes)


def _tally(
    payload: dict[str, object], lists: Paths, members: tuple[tuple[str, ...], tuple[str, ...]], notes: list[str]
) -> dict[str, int]:
    """Lists of objects with a label and a count, added up by label in capitals."""
    labels, counts = members
    tally: dict[str, int] = {}
    for path in lists:
        rows = _value(payload, path, notes)
        if rows is None:
            continue
        if not isinstance(rows, list):
            notes.append(_pointer("invalid", path))
            continue
        for row in rows:
            holder: dict[str, object] = row if isinstance(row, dict) else _EMPTY
            label = holder.get(labels[0])
            count = next((holder[name] for name in counts if name in holder), 0)  # protobuf leaves out a zero
            if isinstance(label, str) and type(count) is int and 0 <= count <= MOST:
                tally[label.upper()] = tally.get(label.upper(), 0) + count
            else:
                notes.append(_pointer("invalid", path))
    return tally


def _check_total(
    row: DialectRow,
    total: int | None,
    sums: tuple[int | None, int | None],
    plain: tuple[int | None, int | None],
    notes: list[str],
) -> None:
    if total is None or sums == (None, None):
        return
    summed = (sums[0] or 0) + (sums[1] or 0)
    if total == summed or (total > summed and None in sums):
        return
    if row.plain_total and total == (plain[0] or 0) + (plain[1] or 0):
        return
    notes.append("total")


def _check_input(
    row: DialectRow,
    payload: dict[str, object],
    total: int | None,
    parts: tuple[int | None, ...],
    notes: list[str],
) -> None:
    read, write, heard, seen, watched = parts
    fresh = _first(payload, row.fresh, notes) if row.fresh else None
    text = _first(payload, row.input_text, notes)
    if total is None:
        return
    rest = total - (read or 0) - (write or 0)
    if rest < 0 or (fresh is not None and read is not None and fresh != rest):
        notes.append("input_parts")
    if (text or 0) + (heard or 0) + (seen or 0) + (watched or 0) > total:
        notes.append("input_modalities")


def _check_output(
    row: DialectRow,
    payload: dict[str, object],
    total: int | None,
    parts: tuple[int | None, int | None, int | None],
    notes: list[str],
) -> None:
    text = _first(payload, row.output_text, notes) if row.output_text else None
    if total is None:
        return
    rest = total - (parts[0] or 0) - (parts[1] or 0) - (parts[2] or 0)
    # Whether reported text includes reasoning is nowhere documented.
    if rest < 0 or (text is not None and text not in (rest, rest + (parts[0] or 0))):
        notes.append("output_parts")


def _first(payload: dict[str, object], paths: Paths, notes: list[str]) -> int | None:
    """The first path that holds a count."""
    for path in paths:
        value: object = payload.get(path[0])
        if value is None:
            continue
        if len(path) > 1:
            value = value.get(path[1]) if len(path) == 2 and type(value) is dict else _value(payload, path, notes)
            if value is None:
                continue
        if type(value) is float and value.is_integer():
            value = int(value)  # some JSON writers make every number a float: 5.0 is a count, 5.5 is none
        if type(value) is int and 0 <= value <= MOST:
            return value
        notes.append(_pointer("invalid", path))
    return None


def _agreed(payload: dict[str, object], paths: Paths, notes: list[str]) -> int | None:
    """The first path that holds a count; that another one holds another is noted."""
    found = _first(payload, paths, notes)
    if found is None or len(paths) == 1:
        return found
    for path in paths[1:]:
        other = _first(payload, (path,), notes)
        if other is not None and other != found:
            notes.append(_pointer("differs", path))
    return found


def _sum(base: int | None, payload: dict[str, object], paths: Paths, notes: list[str]) -> int | None:
    for path in paths:
        count = _first(payload, (path,), notes)
        if count is not None:
            base = (base or 0) + count
    return base


def _amount(
    payload: dict[str, object], paths: Paths, notes: list[str], *, per: float = 1.0, text: bool = False
) -> float | None:
    """Seconds or dollars, which may be fractions. OpenAI's video jobs write their seconds as text."""
    for path in paths:
        value = _value(payload, path, notes)
        if text and isinstance(value, str) and len(value) < 8 and value.isascii() and value.isdigit():
            value = int(value)
        if value is None:
            continue
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MOST * per:
            return value / per
        notes.append(_pointer("invalid", path))
    return None


def _value(payload: dict[str, object], path: Path, notes: list[str]) -> object:
    value: object = payload
    for depth, name in enumerate(path):
        if not isinstance(value, dict):
            notes.append(_pointer("invalid", path[:depth]))
            return None
        value = value.get(name)
        if value is None:
            return None
    return value


def _pointer(code: str, path: Path) -> str:
    return f"{code}:/{'/'.join(path)}"
