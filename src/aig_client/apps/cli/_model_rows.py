"""A model as data and for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from ...core import Capabilities, Price, price_of
from ._amounts import dollars
from ._outcome import Block, Cell, Grid, Style, facts, line


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price, in nano-dollars: for a million tokens, unless the name says otherwise. None is unknown."""

    tier: str
    above: int
    since: str | None
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None
    reasoning: int | None
    input_audio: int | None
    output_audio: int | None
    input_image: int | None
    output_image: int | None
    search: int | None
    request: int | None
    audio_second: int | None
    video_second: int | None
    character: int | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model: what is known of it, None where it is unknown. ``reason`` says why it is not to be had.

    ``input`` and ``output`` are the standard price of a short request, in nano-dollars for a million tokens. ``rank``
    is its place in the order of the class that was asked about.
    """

    name: str
    provider: str
    model: str
    reason: str | None
    rank: int | None
    lifecycle: str
    context_window: int | None
    max_output_tokens: int | None
    input: int | None
    output: int | None
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    tools: bool | None
    parallel_tools: bool | None
    streaming: bool | None
    structured_output: str | None
    reasoning: str | None
    reasoning_by_default: bool | None
    reasoning_traces: bool | None
    prompt_cache: str | None
    prompt_cache_min_tokens: int | None
    prompt_cache_ttls: tuple[int, ...]
    builtin_tools: tuple[str, ...]
    batch: bool | None
    aliases: tuple[str, ...]
    deprecated_on: str | None
    retired_on: str | None
    billed_by: str
    speed: int
    quality: int
    prices: tuple[PriceRow, ...]
    source: str
    as_of: str


_SETS: Final = frozenset({"input_modalities", "output_modalities", "builtin_tools"})
_OURS: Final = frozenset({"name", "reason", "rank", "lifecycle", "input", "output", "prices", *_SETS})


def model_row(model: Capabilities, day: str, reason: str | None, rank: int | None) -> ModelRow:
    """What is known of a model on a day."""
    price = price_of(model, input_tokens=None, today=day)
    same: dict[str, Any] = {
        field.name: getattr(model, field.name) for field in fields(ModelRow) if field.name not in _OURS
    }
    sets: dict[str, Any] = {name: tuple(sorted(getattr(model, name))) for name in _SETS}
    return ModelRow(
        name=model.name,
        reason=reason,
        rank=rank,
        lifecycle=model.lifecycle(day),
        input=price.input if price is not None else None,
        output=price.output if price is not None else None,
        prices=tuple(_price_row(one) for one in model.prices),
        **same,
        **sets,
    )


def _price_row(price: Price) -> PriceRow:
    return PriceRow(**{field.name: getattr(price, field.name) for field in fields(PriceRow)})


# --- A table -----------------------------------------------------------------------------------------

_LIVES: Final[dict[str, Style]] = {"active": "good", "deprecated": "careful", "retired": "bad"}


def table(models: Sequence[ModelRow]) -> Grid:
    """Models under each other."""
    reasons = any(one.reason is not None for one in models)
    titles = [
        "model",
        "context",
        "in",
        "out",
        "tools",
        "JSON",
        "thinks",
        "lifecycle",
        *(["why not"] if reasons else []),
    ]
    return Grid([_table_row(one, reasons=reasons) for one in models], titles)


def _table_row(one: ModelRow, *, reasons: bool) -> list[Cell | str]:
    return [
        Cell(one.name, "faint" if one.reason is not None else ""),
        _tokens(one.context_window),
        dollars(one.input) or "-",
        dollars(one.output) or "-",
        _yes(one.tools),
        one.structured_output or "-",
        one.reasoning or "-",
        _life(one),
        *([one.reason or ""] if reasons else []),
    ]


def _life(one: ModelRow) -> Cell:
    until = f" until {one.retired_on}" if one.retired_on and one.lifecycle != "retired" else ""
    since = f" {one.retired_on}" if one.lifecycle == "retired" else ""
    return Cell(f"{one.lifecycle}{since}{until}", "careful" if until else _LIVES[one.lifecycle])


def _tokens(number: int | None) -> str:
    return "-" if number is None else f"{number:,}".replace(",", " ")


def _yes(value: bool | None) -> str:
    return "-" if value is None else "yes" if value else "no"


# --- One in full -------------------------------------------------------------------------------------


def in_full(one: ModelRow, route_class: str | None) -> Iterator[Block]:
    """Everything known about a model; what is unknown is said so."""
    yield line(one.name, "strong")
    yield line()
    verdict = f"no: {one.reason}" if one.reason is not None else "yes" + (f", place {one.rank}" if one.rank else "")
    yield facts(
        [
            (f"for {route_class}" if route_class is not None else "usable", verdict),
            ("also called", ", ".join(one.aliases) or None),
            ("lifecycle", _life(one).text),
            ("deprecated on", one.deprecated_on),
            ("context window", _counted(one.context_window)),
            ("most output", _counted(one.max_output_tokens)),
            ("takes", ", ".join(one.input_modalities)),
            ("gives", ", ".join(one.output_modalities) or "no text: vectors"),
            ("tools", _known(one.tools) + _parallel(one)),
            ("own tools", ", ".join(one.builtin_tools) or "none known"),
            ("streaming", _known(one.streaming)),
            ("structured", one.structured_output or "unknown"),
            ("reasoning", _reasoning(one)),
            ("prompt cache", _prompt_cache(one)),
            ("batch", _known(one.batch)),
            ("speed, quality", f"{one.speed} and {one.quality} of 10, our own judgement"),
            ("billed by", one.billed_by or one.provider),
            ("as of", one.as_of or "unknown"),
            ("source", one.source or "unknown"),
        ]
    )
    yield line()
    yield from _prices(one.prices)


def _prices(prices: Sequence[PriceRow]) -> Iterator[Block]:
    if not prices:
        yield line("No price is known.")
        return
    yield line("Prices, in US dollars for a million tokens", "strong")
    rows = [
        [
            one.tier + (f", above {_tokens(one.above)} tokens" if one.above else ""),
            *(dollars(value) or "-" for value in (one.input, one.output, one.cache_read, one.cache_write_5m)),
            one.since or "-",
            _further(one),
        ]
        for one in prices
    ]
    yield Grid(rows, ("tier", "in", "out", "cache read", "cache write", "since", "further"))


_IN_THE_TABLE: Final = frozenset({"tier", "above", "since", "input", "output", "cache_read", "cache_write_5m"})


def _further(price: PriceRow) -> str:
    parts: list[str] = []
    for field in fields(price):
        value: object = getattr(price, field.name)
        if field.name not in _IN_THE_TABLE and isinstance(value, int):
            parts.append(f"{field.name.replace('_', ' ')} {dollars(value)}")
    return ", ".join(parts)


def _known(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _parallel(one: ModelRow) -> str:
    return ", several at once" if one.tools and one.parallel_tools else ""


def _counted(number: int | None) -> str:
    return "unknown" if number is None else f"{_tokens(number)} tokens"


def _reasoning(one: ModelRow) -> str:
    if one.reasoning is None:
        return "unknown"
    usual = "" if one.reasoning_by_default is None else f", {'on' if one.reasoning_by_default else 'off'} by default"
    traces = {None: ", traces unknown", True: ", its thoughts are in the answer", False: ""}
    return f"{one.reasoning}{usual}{traces[one.reasoning_traces] if one.reasoning != 'none' else ''}"


def _prompt_cache(one: ModelRow) -> str:
    if one.prompt_cache is None:
        return "unknown"
    least = f", from {_tokens(one.prompt_cache_min_tokens)} tokens" if one.prompt_cache_min_tokens else ""
    lives = f", for {' or '.join(map(str, one.prompt_cache_ttls))} s" if one.prompt_cache_ttls else ""
    return f"{one.prompt_cache}{least}{lives}"
