"""A bill, line by line: counts times prices, and what is done where one of them is missing.

A substitute may cost too much, never too little: an unknown price of a cache read is replaced by that of fresh input,
an unknown price of a cache write by nothing, and then the cost is unknown. Where counts can be read in two ways, the
dearer one is taken. Either makes the cost an estimate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._cost_record import Cost, CostLine, CostUnit, exactly

if TYPE_CHECKING:
    from ._prices import Price
    from ._usage_record import Usage

_MILLION: Final = 1_000_000
_HALF: Final = 500_000


class Bill:
    """Lines while they are written. ``guessed``: something stands in for another; ``unknown``: nothing could."""

    __slots__ = ("guessed", "lines", "reasons", "saved", "total", "unknown")

    def __init__(self) -> None:
        self.lines: list[CostLine] = []
        self.reasons: list[str] = []
        self.total = 0
        self.saved: int | None = 0
        self.guessed = False
        self.unknown = False

    def add(self, name: str, quantity: int, price: int | None) -> int | None:
        """A line of tokens; None where the price is unknown."""
        if not quantity:
            return 0
        if price is None:
            self.fail(f"the price of {name} is unknown")
            return None
        paid, rest = divmod(quantity * price, _MILLION)
        if rest > _HALF or (rest == _HALF and paid & 1):
            paid += 1
        self.lines.append(CostLine(name, quantity, "token", price, paid))
        self.total += paid
        return paid

    def each(self, name: str, quantity: float, unit: CostUnit, price: int) -> None:
        """A line whose price is not one for a million tokens."""
        if not 0 < quantity < float("inf"):
            self.fail(f"the {name} are no amount")
            return
        paid = exactly(quantity, price, _MILLION if unit == "character" else 1)
        self.lines.append(CostLine(name, quantity, unit, price, paid))
        self.total += paid

    def guess(self, reason: str) -> None:
        self.guessed = True
        self.reasons.append(reason)

    def fail(self, reason: str) -> None:
        self.unknown = True
        self.reasons.append(reason)


def derived(usage: Usage, price: Price, *, said: bool) -> Cost:
    """The cost by our prices. ``said`` is False where there is no usage and ``usage`` is an empty one."""
    bill = Bill()
    if not said:
        bill.reasons.append("no usage was reported")
        bill.saved = None
    by_tokens = is_by_tokens(price)
    if by_tokens:
        _bill_input(bill, usage, price)
        _bill_output(bill, usage, price)
    _bill_measures(bill, usage, price, by_tokens=by_tokens)
    if price.above and (usage.input_tokens or 0) <= price.above:
        bill.guess(f"the price is that of inputs above {price.above} tokens, and this one is not known to be")
    if usage.source == "estimated":
        bill.guess("the counts are estimated")
    if not usage.complete:
        bill.guess("the answer was cut: the counts are those until then")
    if usage.contradictions:
        bill.guess("the counts contradict themselves: " + ", ".join(usage.contradictions))
    return Cost(
        None if bill.unknown else bill.total,
        () if bill.unknown else tuple(bill.lines),
        None if bill.unknown else "estimated" if bill.guessed else "derived",
        prompt_cache_saved_nanodollars=bill.saved,
        reasons=tuple(bill.reasons),
        tier=price.tier,
        price_since=price.since,
    )


def is_by_tokens(price: Price) -> bool:
    """Whether the price is about tokens at all."""
    return not (
        price.input is None
        and price.output is None
        and price.input_audio is None
        and price.output_audio is None
        and price.input_image is None
        and price.output_image is None
    )


def _bill_input(bill: Bill, usage: Usage, price: Price) -> None:
    read = usage.cache_read_input_tokens or 0
    write = usage.cache_write_input_tokens or 0
    if usage.billed_input_tokens is not None:
        bill.add("input", usage.billed_input_tokens, price.input)
        if read or write:
            bill.saved = None
            bill.guess("the provider's bill does not set cached input apart: all of it is paid as fresh")
        return
    if usage.input_tokens is None:
        if price.input or price.input_audio or price.input_image:
            bill.fail("how many input tokens there were is unknown")
        return
    fresh = usage.fresh_input_tokens
    if fresh is None:
        bill.saved = None
        bill.fail("the cached parts of the input exceed it")
        return
    fresh = _bill_kinds(bill, usage, price, fresh, read + write)
    bill.add("input", fresh, price.input)
    if read or write or usage.cache_write_5m_input_tokens or usage.cache_write_1h_input_tokens:
        _bill_caches(bill, usage, price, read, write)


def _bill_kinds(bill: Bill, usage: Usage, price: Price, fresh: int, cached: int) -> int:
    """Lines for sound and pictures that have a price of their own; what remains of the fresh input is text.

    They are a second cut through the input: how much of them a prompt cache served, nobody says. What is dearer than
    text is taken as fresh, as far as there is fresh input; what is cheaper as cached.
    """
    kinds: list[tuple[int, str, int]] = []
    sound = usage.input_audio_tokens
    timed = price.input_audio is None and price.audio_second is not None and bool(usage.audio_seconds)
    if timed and sound is None and usage.input_tokens:
        bill.guess("sound is paid by the second, and its tokens, which are not set apart, as text too")
    if sound and (timed or price.input_audio is not None):
        kinds.append((price.input_audio or 0, "input_audio", sound))
    if usage.input_image_tokens and price.input_image is not None:
        kinds.append((price.input_image, "input_image", usage.input_image_tokens))
    if not kinds:
        return fresh
    if cached:
        bill.guess("which kind of input was cached is unknown: the dearest reading is paid")
    text = price.input or 0
    for each, name, count in sorted(kinds, reverse=True):
        hidden = 0 if each >= text else min(count, cached)
        cached -= hidden
        paid = min(count - hidden, fresh)
        bill.add(name, paid, each)
        fresh -= paid
    return fresh


def _bill_caches(bill: Bill, usage: Usage, price: Price, read: int, write: int) -> None:
    """Reads and writes of the prompt cache, and what they saved against fresh input."""
    short = usage.cache_write_5m_input_tokens or 0
    long = usage.cache_write_1h_input_tokens or 0
    each = price.cache_read
    if read and each is None and price.input is not None:
        bill.guess("the price of cache_read is unknown: paid as fresh input")
        each = price.input
    paid = (
        bill.add("cache_read", read, each),
        bill.add("cache_write_5m", short, price.cache_write_5m),
        bill.add("cache_write_1h", long, price.cache_write_1h),
        _bill_untimed(bill, price, write - short - long),
    )
    if price.input is None or None in paid or (read and price.cache_read is None):
        bill.saved = None
    else:
        bill.saved = exactly(read + max(write, short + long), price.input, _MILLION) - sum(one or 0 for one in paid)


def _bill_untimed(bill: Bill, price: Price, count: int) -> int | None:
    """Writes of which nobody said for how long. Price's own words: five minutes, or any other time."""
    each = price.cache_write_5m
    if count < 0:
        bill.guess("the timed parts of the cache write exceed it: all of them are paid")
    elif count and each is not None and price.cache_write_1h is not None and price.cache_write_1h > each:
        bill.guess("for how long the cache was written is unknown: paid as for an hour")
        each = price.cache_write_1h
    return bill.add("cache_write", max(count, 0), each)


def _bill_output(bill: Bill, usage: Usage, price: Price) -> None:
    if usage.billed_output_tokens is not None:
        bill.add("output", usage.billed_output_tokens, price.output)
        return
    if usage.output_tokens is None:
        none = usage.input_tokens is not None and usage.reported_total_tokens == usage.input_tokens
        if not none and (price.output or price.reasoning or price.output_audio or price.output_image):
            bill.fail("how many output tokens there were is unknown")
        return
    text = usage.output_text_tokens
    if text is None:
        bill.fail("the parts of the output exceed it")
        return
    plain = price.output
    bill.add("output", text, plain)
    bill.add("reasoning", usage.reasoning_tokens or 0, plain if price.reasoning is None else price.reasoning)
    bill.add(
        "output_audio", usage.output_audio_tokens or 0, plain if price.output_audio is None else price.output_audio
    )
    bill.add(
        "output_image", usage.output_image_tokens or 0, plain if price.output_image is None else price.output_image
    )


def _bill_measures(bill: Bill, usage: Usage, price: Price, *, by_tokens: bool) -> None:
    """What is not paid by tokens. Seconds and characters without a price are another measure of paid tokens."""
    priced = told = False
    measures: tuple[tuple[str, CostUnit, float | None, int | None], ...] = (
        ("searches", "search", usage.searches, price.search),
        ("audio_seconds", "second", usage.audio_seconds, price.audio_second),
        ("video_seconds", "second", usage.video_seconds, price.video_second),
        ("characters", "character", usage.characters, price.character),
    )
    for name, unit, quantity, each in measures:
        if each is not None:
            priced = True
            told = told or quantity is not None
            if quantity:
                bill.each(name, quantity, unit, each)
        elif quantity and (unit == "search" or not by_tokens):
            if price.request is None:
                bill.fail(f"the price of {name} is unknown")
            else:
                bill.reasons.append(f"{name} have no price of their own: the request's includes them")
    if price.request is not None:
        bill.each("request", 1, "request", price.request)
    elif not by_tokens and not priced:
        bill.fail("the price says nothing")
    if priced and not told and not by_tokens:
        bill.fail("nothing was reported of what the price counts")
