"""One meaning for what an answer used: inclusive totals, and parts that add up to them.

The words are OpenTelemetry's GenAI ones: ``input_tokens`` includes what a prompt cache served. A part that a provider
did not set apart stays in the rest (``fresh_input_tokens``, ``output_text_tokens``), so that the parts always add up.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields, replace
from math import ceil, isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from .._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._usage_rows import UsageDialect

UsageSource = Literal["reported", "estimated"]

MOST: Final = 10**12
"""A count above this is none: no request has so many tokens, and sums stay exact in JavaScript too."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer used. None is "did not say"; zero is zero.

    ``input_tokens == fresh_input_tokens + cache_read_input_tokens + cache_write_input_tokens`` and
    ``output_tokens == output_text_tokens + reasoning_tokens + output_audio_tokens + output_image_tokens``, where None
    counts as nothing; else ``contradictions`` says that the provider contradicts itself.

    Attributes:
        input_tokens: the whole prompt, cached parts included.
        output_tokens: everything generated, reasoning included.
        cache_read_input_tokens: the part of the input that a provider's prompt cache served.
        cache_write_input_tokens: the part of the input that was written to it, for any time.
        cache_write_5m_input_tokens: the part of the write that is kept for five minutes.
        cache_write_1h_input_tokens: the part of the write that is kept for an hour.
        reasoning_tokens: the part of the output that is reasoning.
        output_audio_tokens: the part of the output that is sound.
        output_image_tokens: the part of the output that is pictures.
        input_audio_tokens: how much of the input is sound, cached or not; a second cut through the same total.
        input_image_tokens: the same for pictures.
        input_video_tokens: the same for video.
        audio_seconds: seconds of sound heard, where sound is paid by time.
        video_seconds: seconds of video made.
        searches: web searches, or a rerank's search units.
        characters: characters billed, where text is paid by them.
        billed_input_tokens: input on the bill, where a provider says that apart from what it processed (Cohere).
        billed_output_tokens: the same for the output.
        reported_total_tokens: the total as the provider says it.
        reported_cost: what the provider says it cost, in US dollars.
        source: ``reported``, or ``estimated`` where any count is a guess.
        dialect: the row that the counts were read by; None where nobody reported any.
        by_shape: the row was recognised by the payload's shape, because the provider was unknown or spoke otherwise.
        complete: False where the answer was cut: the counts are those until then.
        contradictions: short codes for what does not add up and pointers to values that are no counts.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    _: KW_ONLY
    cache_write_5m_input_tokens: int | None = None
    cache_write_1h_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    output_audio_tokens: int | None = None
    output_image_tokens: int | None = None
    input_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    input_video_tokens: int | None = None
    audio_seconds: float | None = None
    video_seconds: float | None = None
    searches: int | None = None
    characters: int | None = None
    billed_input_tokens: int | None = None
    billed_output_tokens: int | None = None
    reported_total_tokens: int | None = None
    reported_cost: float | None = None
    source: UsageSource = "reported"
    dialect: UsageDialect | None = None
    by_shape: bool = False
    complete: bool = True
    contradictions: tuple[str, ...] = ()

    @property
    def cached_input_tokens(self) -> int | None:
        """The same as ``cache_read_input_tokens``, as OpenAI's family names it."""
        return self.cache_read_input_tokens

    @property
    def fresh_input_tokens(self) -> int | None:
        """The input that no prompt cache read or wrote: what is paid in full. None where the parts exceed the total."""
        return _rest(self.input_tokens, self.cache_read_input_tokens, self.cache_write_input_tokens)

    @property
    def output_text_tokens(self) -> int | None:
        """The output that was not set apart as reasoning, sound or pictures. None where the parts exceed the total."""
        return _rest(self.output_tokens, self.reasoning_tokens, self.output_audio_tokens, self.output_image_tokens)

    @property
    def total_tokens(self) -> int | None:
        """Input and output together; where one of them is unknown, the total that the provider said, if it did."""
        if self.input_tokens is None or self.output_tokens is None:
            return self.reported_total_tokens
        return self.input_tokens + self.output_tokens

    def as_dict(self) -> Mapping[str, object]:
        """Everything that is known, as plain values. What is absent is not in it."""
        known: dict[str, object] = {}
        for name in _MEMBERS:
            value: object = getattr(self, name)
            if value is not None:
                known[name] = list(self.contradictions) if name == "contradictions" else value
        return MappingProxyType(known)


_COUNTS: Final = tuple(field.name for field in fields(Usage) if field.default is None and field.name != "dialect")
_MEMBERS: Final = (
    *(field.name for field in fields(Usage)),
    "cached_input_tokens",
    "fresh_input_tokens",
    "output_text_tokens",
    "total_tokens",
)


def says_anything(usage: Usage) -> bool:
    """Whether any count is known."""
    return any(getattr(usage, name) is not None for name in _COUNTS)


def _rest(total: int | None, *parts: int | None) -> int | None:
    if total is None:
        return None
    for part in parts:
        if part:
            total -= part
    return total if total >= 0 else None


def estimate_usage(
    *,
    input_characters: int | None = None,
    output_characters: int | None = None,
    characters_per_token: float = 4.0,
    reported: Usage | None = None,
) -> Usage:
    """A guess at tokens from lengths of text, marked as one (``source="estimated"``).

    What ``reported`` knows stays as it was reported; only unknown totals are guessed, and where none is, it comes back
    as it is. After a cut, an output that was reported so far is raised to the guess where that is higher. Four
    characters a token are a rule of thumb for English: other scripts have fewer.

    Raises:
        ConfigurationError: a length is negative, or ``characters_per_token`` is no positive number.
    """
    if not (isfinite(characters_per_token) and characters_per_token > 0):
        raise ConfigurationError("characters_per_token", "must be a positive number")
    known = reported if reported is not None else Usage()
    guessed_input = _guess("input_characters", input_characters, characters_per_token)
    guessed_output = _guess("output_characters", output_characters, characters_per_token)
    taken_input = guessed_input if known.input_tokens is None else known.input_tokens
    taken_output = known.output_tokens
    if guessed_output is not None and (taken_output is None or (not known.complete and guessed_output > taken_output)):
        taken_output = guessed_output
    if (taken_input, taken_output) == (known.input_tokens, known.output_tokens) and reported is not None:
        return reported
    return replace(known, input_tokens=taken_input, output_tokens=taken_output, source="estimated")


def _guess(name: str, characters: int | None, per_token: float) -> int | None:
    if characters is None:
        return None
    if not 0 <= characters <= MOST:
        raise ConfigurationError(name, "must be a number of characters, or None")
    return min(ceil(characters / per_token), MOST)
