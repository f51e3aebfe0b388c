"""What tokens, seconds and searches cost: one row per price, in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tier = Literal["standard", "batch", "flex", "priority"]

NANO = 1_000_000_000
"""Nano-dollars in a US dollar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One price of a model: nano-dollars per million tokens, unless the attribute says otherwise. None is unknown.

    1_000_000_000 is a dollar for a million tokens.

    Attributes:
        input, output: fresh input and output text.
        cache_read: input that the provider's prompt cache served.
        cache_write_5m, cache_write_1h: input written to it for five minutes (or any other time) and for an hour.
        reasoning: reasoning; None where it is paid as output.
        input_audio, output_audio, input_image, output_image: None where they are paid as text is.
        search: nano-dollars for one search.
        request: nano-dollars for one request, whatever is in it.
        audio_second, video_second: nano-dollars for a second.
        character: nano-dollars for a million characters.
        tier: the service tier.
        above: holds for requests whose whole input is longer than so many tokens; 0 for all.
        since: the first day (``YYYY-MM-DD``); None where the price was always so, as far as is known.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    search: int | None = None
    request: int | None = None
    audio_second: int | None = None
    video_second: int | None = None
    character: int | None = None
    tier: Tier = "standard"
    above: int = 0
    since: str | None = None
