"""Reads ``tests/vectors/v1``: cases written from the contract, for every runtime; never edited, only added to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_V1 = Path(__file__).parent.parent / "vectors" / "v1"
_NUMBERS = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "1e400": 10**400,
    "1e5000": 10**5000,
}


def document(name: str) -> dict[str, Any]:
    """One vector file, with its stand-ins replaced by what JSON cannot say."""
    found: dict[str, Any] = _revived(json.loads((_V1 / name).read_text("utf-8")))
    return found


def cases(name: str, section: str = "cases") -> pytest.MarkDecorator:
    """The cases of a section as parameters, under their names."""
    listed = document(name)[section]
    assert all(case["source"] for case in listed), "each case names its source"
    return pytest.mark.parametrize("case", listed, ids=[case["name"] for case in listed])


def _revived(value: Any) -> Any:
    if isinstance(value, list):
        return [_revived(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$number"}:
        return _NUMBERS[value["$number"]]
    if set(value) == {"$repeat"}:
        text, times = value["$repeat"]
        return text * times
    return {name: _revived(item) for name, item in value.items()}
