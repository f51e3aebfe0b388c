"""Where two requests part, folded to what a person would say: one line for a list in another order, not forty.

``diff_keys`` is the authority on what parts them; every pointer of its is one of these, or lies below one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ...core import canonical_json
from ._documents import kind_of
from ._prompt_place import PromptPlace, prompt_place
from ._volatile import Change, change_of

Path = tuple[str | int, ...]
HowChanged = Literal["changed", "added", "removed"]

_MOST_ITEMS: Final = 5000
"""Longer lists are compared place by place; writing each item down would cost more than it tells."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two bodies part. ``a`` and ``b`` are the values, for whoever may see them."""

    pointer: str
    path: Path
    how: HowChanged
    change: Change
    place: PromptPlace | None
    kind_a: str
    kind_b: str
    a: object
    b: object


class Absent:
    """Stands where a side has nothing."""


ABSENT: Final = Absent()
_ONE_SIDE: Final = Change("presence", "on one side only")


def differences(a: object, b: object, pointers: Iterable[str]) -> list[Difference]:
    """The differences behind some pointers of ``diff_keys``, in the order in which a provider reads them."""
    paths = sorted({_path(pointer) for pointer in pointers}, key=_naturally)
    found = [_difference(b if each[3] is ABSENT else a, each) for each in _walk(a, b, (), paths)]
    outside = [one for one in found if one.place is None]
    return sorted((one for one in found if one.place is not None), key=_before) + outside


def _before(difference: Difference) -> int:
    return difference.place.before if difference.place is not None else 0


def _naturally(path: Path) -> list[tuple[int, str]]:
    """Sorts the tenth item behind the second."""
    return [(int(token) if str(token).isdigit() else -1, str(token)) for token in path]


_Found = tuple[Path, HowChanged, Change | None, object, object]


def _walk(a: object, b: object, path: Path, paths: Sequence[Path]) -> Iterator[_Found]:
    """Down to where the two sides part, along ``paths``, which are relative to here."""
    if a is ABSENT or b is ABSENT:
        yield path, "added" if a is ABSENT else "removed", _ONE_SIDE, a, b
        return
    if isinstance(a, list) and isinstance(b, list) and (folded := list(_folded(a, b, path))):
        yield from folded
        return
    if () in paths:
        change = Change("order", "the same members in another order") if _is_order(a, b) else None
        yield path, "changed", change, a, b
        return
    steps: dict[str | int, list[Path]] = {}
    for below in paths:
        steps.setdefault(below[0], []).append(below[1:])
    for token, rest in steps.items():
        step = int(token) if isinstance(a, list) else token
        yield from _walk(_member(a, step), _member(b, step), (*path, step), rest)


def _is_order(a: object, b: object) -> bool:
    return isinstance(a, dict) and isinstance(b, dict) and set(a) == set(b)


def _folded(a: list[object], b: list[object], path: Path) -> Iterator[_Found]:
    """Lists that differ by order, or by items put in or taken out; nothing where they differ in another way."""
    if max(len(a), len(b)) > _MOST_ITEMS:
        return
    one, other = [canonical_json(item) for item in a], [canonical_json(item) for item in b]
    if one == other:  # members of a schema in another order, which canonical JSON does not see
        return
    if Counter(one) == Counter(other):
        yield path, "changed", Change("order", f"the same {len(a)} items in another order"), a, b
        return
    start = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(a), len(b)))
    end = 0
    while end < min(len(a), len(b)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    if len(a) - end == start:
        for index in range(start, len(b) - end):
            yield (*path, index), "added", _ONE_SIDE, ABSENT, b[index]
    elif len(b) - end == start:
        for index in range(start, len(a) - end):
            yield (*path, index), "removed", _ONE_SIDE, a[index], ABSENT


def _difference(body: object, found: _Found) -> Difference:
    path, how, known, a, b = found
    change = known or change_of(a, b, name=str(path[-1]) if path else "")
    place = prompt_place(body, path, change.offset or 0)
    return Difference(_pointer(path), path, how, change, place, _kind(a), _kind(b), a, b)


def _kind(value: object) -> str:
    return "nothing" if value is ABSENT else kind_of(value)


def _member(value: object, token: str | int) -> object:
    if isinstance(value, dict):
        return value.get(token, ABSENT)
    if isinstance(value, list):
        return value[int(token)] if int(token) < len(value) else ABSENT
    return ABSENT


def _path(pointer: str) -> Path:
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def _pointer(path: Path) -> str:
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in path)
