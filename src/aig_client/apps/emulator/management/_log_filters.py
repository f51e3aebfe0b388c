"""Which logs a request means: the named parameters, and `filters` (contract 6.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from .._json import JsonValue, object_of, read_array
from .._log import LogEntry
from .._metadata import metadata_text
from ._envelope import ApiError, invalid
from ._log_rows import model_type, total_tokens
from ._moments import milliseconds, read_iso
from ._query import Query, read_number

Test: TypeAlias = Callable[[LogEntry], bool]
Plain: TypeAlias = "str | float"
"""What is compared: text, or a number; a flag counts as 1 or 0, a moment as Unix milliseconds."""
Kind: TypeAlias = Literal["text", "number", "flag", "moment"]

OPERATORS = ("eq", "neq", "contains", "lt", "gt")
_MOST_FILTERS = 50
_MOST_VALUES = 100
_LARGEST = 1e300
"""Below what a double holds; a number beyond it is no number that a log has."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a filter can ask about. `values`: what a log has of it; none, one, or for metadata several."""

    kind: Kind
    values: Callable[[LogEntry], tuple[Plain, ...]]


def _maybe(value: Plain | None) -> tuple[Plain, ...]:
    return () if value is None or value == "" else (value,)


KEYS = MappingProxyType(
    {
        "id": Key("text", lambda entry: (entry.log_id,)),
        "created_at": Key("moment", lambda entry: (milliseconds(entry.at),)),
        "request_content_type": Key("text", lambda entry: _maybe(entry.request_content_type)),
        "response_content_type": Key("text", lambda entry: _maybe(entry.response_content_type)),
        "request_type": Key("text", lambda entry: _maybe(entry.request_type)),
        "success": Key("flag", lambda entry: (float(entry.success),)),
        "cached": Key("flag", lambda entry: (float(entry.cached),)),
        "provider": Key("text", lambda entry: _maybe(entry.provider)),
        "model": Key("text", lambda entry: _maybe(entry.model)),
        "model_type": Key("text", lambda entry: _maybe(model_type(entry))),
        "cost": Key("number", lambda entry: _maybe(entry.cost)),
        "tokens": Key("number", lambda entry: _maybe(total_tokens(entry))),
        "tokens_in": Key("number", lambda entry: _maybe(entry.tokens_in)),
        "tokens_out": Key("number", lambda entry: _maybe(entry.tokens_out)),
        "duration": Key("number", lambda entry: (entry.duration,)),
        "feedback": Key("number", lambda entry: _maybe(entry.feedback)),
        "event_id": Key("text", lambda entry: _maybe(entry.event_id)),
        # Matched apart from each other, as the service does: key `agent` and value `u-bob` find a log whose *user*
        # is u-bob (contract 6.3).
        "metadata.key": Key("text", lambda entry: tuple(entry.metadata)),
        "metadata.value": Key("text", lambda entry: tuple(metadata_text(value) for value in entry.metadata.values())),
        "authentication": Key("flag", lambda entry: (float(entry.authentication),)),
        "wholesale": Key("flag", lambda entry: (float(entry.wholesale),)),
        "compatibilityMode": Key("flag", lambda entry: (float(entry.request_type == "compat"),)),
        "dlp_action": Key("text", lambda entry: _maybe(entry.dlp_action)),
        "user_agent": Key("text", lambda entry: _maybe(entry.user_agent)),
    }
)

# The parameters of the list that ask for one value, and those that ask for a range, both ends included.
_EQUAL = ("provider", "model", "model_type", "request_content_type", "response_content_type")
_RANGES = (
    ("cost", "cost"),
    ("duration", "duration"),
    ("tokens_in", "tokens_in"),
    ("tokens_out", "tokens_out"),
    ("total_tokens", "tokens"),
)


def read_tests(query: Query) -> list[Test]:
    """All that a listed log has to meet."""
    tests = read_filters(query)
    for name in _EQUAL:
        text = query.text(name)
        if text is not None:
            tests.append(_test(name, "eq", (text,), empty=False))
    for name in ("success", "cached"):
        flag = query.flag(name)
        if flag is not None:
            tests.append(_test(name, "eq", (float(flag),), empty=False))
    feedback = query.choice("feedback", ("0", "1", "-1"))
    if feedback is not None:
        # 0 or 1 here, -1 or 1 in a log: read as the two thumbs (inferred).
        tests.append(_test("feedback", "eq", (1.0 if feedback == "1" else -1.0,), empty=False))
    for name, key in _RANGES:
        tests += _in_range(key, query.number(f"min_{name}"), query.number(f"max_{name}"))
    tests += _in_range("created_at", query.moment("start_date"), query.moment("end_date"))
    search = query.text("search")
    if search:
        tests.append(_search(search.lower()))
    return tests


def _in_range(name: str, low: float | None, high: float | None) -> list[Test]:
    values = KEYS[name].values

    def holds(entry: LogEntry) -> bool:
        return any(
            not isinstance(value, str) and (low is None or low <= value) and (high is None or value <= high)
            for value in values(entry)
        )

    return [] if low is None and high is None else [holds]


def _search(wanted: str) -> Test:
    """Free text over what describes a log; never over prompts and answers."""

    def holds(entry: LogEntry) -> bool:
        known = (entry.log_id, entry.event_id, entry.provider or "", entry.model or "", entry.path)
        metadata = (text for name, value in entry.metadata.items() for text in (name, metadata_text(value)))
        return any(wanted in text.lower() for text in (*known, *metadata))

    return holds


def read_filters(query: Query) -> list[Test]:
    """`filters`: one JSON array in one parameter (field), or the form that the SDK makes of a single filter.

    Of several filters the SDK sends all keys, all operators and all values, so that nobody can tell which value
    belongs to which key (contract 6.4). That is refused here rather than read as something it does not say.
    """
    text = query.text("filters")
    if text is None:
        return _flattened(query)
    found = read_array(text.encode("utf-8", "replace"))
    if found is None or len(found) > _MOST_FILTERS:
        raise _bad(f"filters must be one JSON array of at most {_MOST_FILTERS} filters")
    return [_filter(item) for item in found]


def _flattened(query: Query) -> list[Test]:
    keys, operators, values = (query.all(f"filters.{part}") for part in ("key", "operator", "value"))
    if not keys and not operators and not values:
        return []
    if len(keys) != 1 or len(operators) != 1:
        raise _bad("filters: which value belongs to which key is lost in this form; send one JSON array")
    return [_filter({"key": keys[0], "operator": operators[0], "value": list[JsonValue](values)})]


def _filter(item: JsonValue) -> Test:
    parts = object_of(item)
    name, operator, value = parts.get("key"), parts.get("operator"), parts.get("value")
    if not isinstance(name, str) or name not in KEYS:
        raise _bad("filters: unknown key")
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise _bad(f"filters: operator must be one of {', '.join(OPERATORS)}")
    kind = KEYS[name].kind
    if (operator == "contains" and kind != "text") or (operator in ("lt", "gt") and kind == "flag"):
        raise _bad(f"filters: {operator} does not fit {name}")
    # The SDK's type is a list; a single value is what a hand-written filter has.
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > _MOST_VALUES:
        raise _bad(f"filters: value must be a list of 1 to {_MOST_VALUES} values")
    wanted = tuple(_plain(name, kind, one) for one in values if one is not None)
    return _test(name, operator, wanted, empty=None in values)


def _plain(name: str, kind: Kind, value: JsonValue) -> Plain:
    found: Plain | None = None
    if kind == "text" and isinstance(value, str | bool | int | float):
        found = value if isinstance(value, str) else metadata_text(value)
    elif isinstance(value, str):
        found = _from_text(kind, value)
    elif isinstance(value, bool) == (kind == "flag") and isinstance(value, int | float) and abs(value) < _LARGEST:
        found = float(value)
    if found is None:
        raise _bad(f"filters: a value of {name} must be a {kind}")
    return found


def _from_text(kind: Kind, text: str) -> Plain | None:
    if kind == "flag":
        return {"true": 1.0, "false": 0.0}.get(text)
    return read_iso(text) if kind == "moment" else read_number(text)


def _test(name: str, operator: str, wanted: tuple[Plain, ...], *, empty: bool) -> Test:
    """One key against one list of values. empty: null is among them, and means that a log has nothing there."""
    values = KEYS[name].values
    compare = _COMPARE["eq" if operator == "neq" else operator]

    def holds(entry: LogEntry) -> bool:
        found = values(entry)
        met = (empty and not found) or any(compare(one, other) for one in found for other in wanted)
        return met != (operator == "neq")

    return holds


def _less(one: Plain, other: Plain) -> bool:
    if isinstance(one, str):
        return isinstance(other, str) and one < other
    return not isinstance(other, str) and one < other


_COMPARE: MappingProxyType[str, Callable[[Plain, Plain], bool]] = MappingProxyType(
    {
        "eq": lambda one, other: one == other,
        "contains": lambda one, other: str(other).lower() in str(one).lower(),
        "lt": _less,
        "gt": lambda one, other: _less(other, one),
    }
)


def _bad(message: str) -> ApiError:
    return invalid(message, "query", "filters")
