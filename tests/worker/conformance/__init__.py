"""Runs the vectors of ``tests/vectors/v1`` and says what the core made of every case, as JSON.

The same files run in CPython and inside the Worker (Pyodide in workerd), and the two texts must be equal byte for byte.
So they import the core and the standard library alone. They compare nothing with what a vector expects: the tests of
each subject do that in CPython, and what is equal to their result is right in the Worker too.

A new vector file needs a row for each of its sections: in ``_facts.py``, ``_path.py`` or a file of its own.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aig_client.core import AigError

from ._edge import EDGE
from ._facts import FACTS
from ._path import PATH
from ._plain import Case, Runner, plain
from ._selection import SELECTION

__all__ = ["RUNNERS", "run", "sections"]

_NUMBERS: Final[dict[str, int | float]] = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "1e400": 10**400,
    "1e5000": 10**5000,
}
RUNNERS: Final = {**FACTS, **PATH, **SELECTION, **EDGE}


def run(name: str, text: str) -> str:
    """What came of every case of the vector file ``name`` whose content is ``text``: a JSON line for each.

    Raises:
        Exception: whatever a case raised that is no error of the house, with a note that names the case.
    """
    document = _revived(json.loads(text))
    return "\n".join(
        json.dumps([name, section, case["name"], outcome], separators=(",", ":"))
        for section in sections(name)
        for case in document[section]
        for outcome in [_outcome(RUNNERS[name, section], case, document)]
    )


def sections(name: str) -> tuple[str, ...]:
    return tuple(section for file, section in RUNNERS if file == name)


def _outcome(runner: Runner, case: Case, document: Case) -> object:
    try:
        return plain(runner(case, document))
    except AigError as error:
        return {"raised": plain(error)}
    except Exception as error:
        error.add_note(f"in the case {case['name']!r}")
        raise


def _revived(value: Any) -> Any:
    """A document with its stand-ins replaced by what JSON cannot say."""
    if isinstance(value, list):
        return [_revived(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$number"}:
        return _NUMBERS[value["$number"]]
    if set(value) == {"$repeat"}:
        return value["$repeat"][0] * value["$repeat"][1]
    return {name: _revived(item) for name, item in value.items()}
