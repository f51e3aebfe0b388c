"""What to do about a difference: rows, so that each kind of chance has its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ._differences import Difference
from ._volatile import ChangeKind

_LOGGED: Final = "What logs need goes into cf-aig-metadata, which is in no key."  # contract 1.3.3
_TIME: Final = "Leave it out or round it to the day; if it must stay, put it at the end of the last message."
_ID: Final = f"Leave it out of the prompt. {_LOGGED}"

_IN_THE_PROMPT: Final[Mapping[ChangeKind, str]] = {
    **dict.fromkeys(("time", "date", "epoch"), _TIME),
    **dict.fromkeys(("uuid", "ulid", "hex", "id", "nonce"), _ID),
    "counter": "If it counts calls or turns, leave it out or put it at the end of the last message.",
    "whitespace": "Trim and normalise white space before sending.",
    "unicode": "Normalise texts to one Unicode form (NFC) before sending.",
    "order": "Send them in one order, sorted by name for tools: models read them as they stand.",
}

_BESIDE_IT: Final[Mapping[ChangeKind, str]] = {
    **_IN_THE_PROMPT,
    **dict.fromkeys(("time", "date", "epoch", "uuid", "ulid", "hex", "id", "nonce"), f"Leave the field out. {_LOGGED}"),
    "counter": f"If it counts calls, leave the field out. {_LOGGED}",
    "seed": "Fix the seed, or leave it out: another seed asks for another answer.",
}


def advice_on(difference: Difference) -> str | None:
    """What to do about a difference; None where it is another request on purpose."""
    table = _BESIDE_IT if difference.place is None else _IN_THE_PROMPT
    change = difference.change
    if change.kind == "text" and change.culprits:
        return table.get(change.culprits[0].kind)
    return table.get(change.kind)


def place_of(difference: Difference) -> str | None:
    """Where in a text, and in the prompt, the first difference is; None where there is nothing to count."""
    change, place = difference.change, difference.place
    if place is None and not change.offset:  # a whole field, or none that has characters
        return None
    parts: list[str] = []
    if change.offset is not None:
        parts.append(f"at character {change.offset + 1}")
    if place is not None and place.before == 0:
        parts.append("at the very front of the prompt")
    elif place is not None:
        near = ", near its front" if place.near_front else ""
        parts.append(f"after {place.before} of {place.total} characters of the prompt{near}")
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


PREFIX_LOST: Final = "everything behind it misses the provider's prompt cache too"
