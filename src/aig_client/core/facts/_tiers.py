"""Service tiers as requests ask for them, and by which prices each of them may be billed.

Sources: OpenAI's reference of ``service_tier`` and its guides to flex processing and fast mode (July 2026: priority
processing renamed, both words valid); Anthropic's, Groq's, Google's and Bedrock's pages on their tiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ._prices import Tier


@dataclass(frozen=True, slots=True)
class Billed:
    """By which prices a request of one tier may be billed.

    Attributes:
        tier: the one it asks for.
        instead: the one that is no cheaper, and counts where a model has no price of the first.
        also: one that the provider may choose, for models that have a price of it.
    """

    tier: Tier
    instead: Tier | None = None
    also: Tier | None = None


_STANDARD: Final = Billed("standard")
# OpenAI: "auto" is what the project is set to, and that may be priority. No request shows it, so both are possible.
_CHOSEN: Final = Billed("standard", also="priority")

ASKED: Final[Mapping[str, Billed]] = MappingProxyType(
    {
        "auto": _CHOSEN,
        "default": _STANDARD,
        "standard": _STANDARD,
        "unspecified": _STANDARD,  # Google
        "standard_only": _STANDARD,  # Anthropic
        "on_demand": _STANDARD,  # Groq
        "flex": Billed("flex", instead="standard"),
        # No endpoint that answers at once documents it: who does not know it may ignore it, and bill as usual.
        "batch": _STANDARD,
        "priority": Billed("priority"),
        "fast": Billed("priority"),  # OpenAI's new name for it; Anthropic's fast mode, of which no price is known
    }
)
"""What the word of a request means; the price of any other word is unknown."""

# What leaving it out means. OpenAI: "When not set, the default behavior is 'auto'"; Azure's deployments alike.
_UNSAID: Final[Mapping[str, Billed]] = MappingProxyType({"openai": _CHOSEN, "azure-openai": _CHOSEN})
_MEMBERS: Final = ("service_tier", "serviceTier", "speed")  # Google's in both spellings; Anthropic's fast mode


def tiers_asked(provider: str, tree: object) -> tuple[Billed, ...] | None:
    """How a request may be billed at a provider; None where it asks for a tier that we do not know.

    Every member that says something counts, whichever of them the provider reads.
    """
    body = tree if isinstance(tree, dict) else {}
    inner = body.get("input")  # of a run
    found: list[Billed] = []
    for one in (body, inner if isinstance(inner, dict) else {}):
        for member in _MEMBERS:
            said = one.get(member)
            word = said.get("type") if isinstance(said, dict) else said  # Bedrock wraps it
            if isinstance(word, str):  # the speed of speech is a number
                if word not in ASKED:
                    return None
                found.append(ASKED[word])
    return tuple(found) or (_UNSAID.get(provider, _STANDARD),)
