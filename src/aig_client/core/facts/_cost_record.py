"""What an answer costs, as a record: nano-dollars, the lines they are made of, and how far they can be trusted."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from ._prices import NANO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from ._prices import Tier

CostBasis = Literal["reported", "derived", "estimated"]
CostUnit = Literal["token", "character", "second", "search", "request"]


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a bill.

    Attributes:
        name: what was paid for: ``input``, ``input_audio``, ``input_image``, ``cache_read``, ``cache_write`` (for a
            time that nobody said), ``cache_write_5m``, ``cache_write_1h``, ``output``, ``reasoning``,
            ``output_audio``, ``output_image``, ``audio_seconds``, ``video_seconds``, ``characters``, ``searches``,
            ``request``, or ``reported`` where the provider says the cost itself.
        quantity: how many.
        unit: of what.
        price: nano-dollars for a million tokens or characters, for one of anything else.
        nanodollars: what the line costs, rounded half-even.
    """

    name: str
    quantity: int | float
    unit: CostUnit
    price: int
    nanodollars: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer cost at its provider. None is unknown, and unknown is not zero.

    Attributes:
        nanodollars: the total, always the sum of the lines; None is unknown.
        lines: what it is made of; empty where the total is unknown, or nothing was paid.
        basis: ``reported`` by the provider; ``derived`` from reported counts and known prices; ``estimated`` where a
            count or a price stands in for another; None where the total is unknown.
        saved_nanodollars: what a hit in the gateway's cache saved: the cost of the answer that was cached; 0 where it
            was no hit, None where it is unknown.
        prompt_cache_saved_nanodollars: what the provider's prompt cache saved against fresh input, at our prices;
            negative where writing cost more than reading saved.
        reasons: why it is unknown or an estimate, in words for people.
        tier: the service tier of the price; None where no price was used.
        price_since: the first day (``YYYY-MM-DD``) of the price.
    """

    nanodollars: int | None
    lines: tuple[CostLine, ...] = ()
    basis: CostBasis | None = None
    _: KW_ONLY
    saved_nanodollars: int | None = 0
    prompt_cache_saved_nanodollars: int | None = None
    reasons: tuple[str, ...] = ()
    tier: Tier | None = None
    price_since: str | None = None

    @property
    def dollars(self) -> Decimal | None:
        """The total in US dollars, exactly, with nine digits after the point."""
        if self.nanodollars is None:
            return None
        from decimal import Decimal  # noqa: PLC0415  # the core itself counts in integers

        return Decimal(f"{self.nanodollars}e-9")

    def as_dict(self) -> Mapping[str, object]:
        """Everything as plain values: integers stay integers, ``dollars`` is text, what is unknown is None."""
        return MappingProxyType(
            {
                "nanodollars": self.nanodollars,
                "dollars": None if self.nanodollars is None else _in_dollars(self.nanodollars),
                "basis": self.basis,
                "saved_nanodollars": self.saved_nanodollars,
                "prompt_cache_saved_nanodollars": self.prompt_cache_saved_nanodollars,
                "tier": self.tier,
                "price_since": self.price_since,
                "reasons": list(self.reasons),
                "lines": [
                    {
                        "name": line.name,
                        "quantity": line.quantity,
                        "unit": line.unit,
                        "price": line.price,
                        "nanodollars": line.nanodollars,
                    }
                    for line in self.lines
                ],
            }
        )

    def __str__(self) -> str:
        return "unknown" if self.nanodollars is None else f"${_in_dollars(self.nanodollars)}"


def _in_dollars(nanodollars: int) -> str:
    """Exactly, with at least two digits after the point."""
    sign = "-" if nanodollars < 0 else ""
    whole, rest = divmod(abs(nanodollars), NANO)
    digits = f"{rest:09d}".rstrip("0")
    return f"{sign}{whole}.{digits:0<2}"


def exactly(quantity: float, price: int, per: int) -> int:
    """``quantity * price / per`` rounded half-even. A fraction counts as the decimal that is written for it."""
    if isinstance(quantity, int):
        above, below = quantity * price, per
    else:
        # In integers: decimals would round as the caller's decimal context says.
        mantissa, _, power = repr(float(quantity)).partition("e")
        whole_digits, _, digits = mantissa.partition(".")
        places = len(digits) - int(power or 0)
        above = int(whole_digits + digits) * price * 10 ** max(-places, 0)
        below = per * 10 ** max(places, 0)
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole & 1 == 1))
