"""What models can do: one row per model and provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Final, Literal, get_args

from .._errors import ConfigurationError, pointer_token
from ._prices import Price, Tier

Modality = Literal["text", "image", "audio", "video", "file"]
StructuredOutput = Literal["none", "prompt", "json_mode", "native"]
Reasoning = Literal["none", "optional", "always"]
PromptCache = Literal["none", "implicit", "explicit"]
Lifecycle = Literal["active", "deprecated", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one model can do at one provider. None is unknown, and unknown is not "no".

    Attributes:
        provider: the provider's slug in AI Gateway.
        model: the model as the provider's own endpoint spells it.
        aliases: other spellings of the same model there; dated snapshots need none.
        context_window, max_output_tokens: tokens.
        input_modalities, output_modalities: what goes in and comes out.
        tools, parallel_tools, streaming, batch: whether it can.
        structured_output: how reliably: ``native`` (a schema is enforced), ``json_mode`` (JSON of any shape),
            ``prompt`` (only asked for), ``none``.
        reasoning: whether it thinks before it answers; ``optional`` where a request may say so.
        reasoning_by_default: where it is ``optional``, whether it thinks when a request says nothing about it.
        reasoning_traces: whether the thoughts are in the answer when it thinks and nobody asked for them.
        prompt_cache: ``implicit`` (the provider caches by itself), ``explicit`` (the request marks what), ``none``.
        prompt_cache_min_tokens: a shorter prefix is not cached.
        prompt_cache_ttls: seconds that a cached prefix may be asked to live.
        builtin_tools: tools that the provider itself runs: ``web_search``, ``code_execution``, ...
        deprecated_on, retired_on: days (``YYYY-MM-DD``) from which on it is; None where none is announced.
        billed_by: the slug of who sends the bill; another one than ``provider`` where the host resells.
        speed, quality: 1 (least) to 10, our own judgement; see ``source``.
        prices: every price known; empty where none is.
        source, as_of: where the row comes from, and its day.
    """

    provider: str
    model: str
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: frozenset[Modality] = frozenset({"text"})
    output_modalities: frozenset[Modality] = frozenset({"text"})
    tools: bool | None = None
    parallel_tools: bool | None = None
    streaming: bool | None = None
    structured_output: StructuredOutput | None = None
    reasoning: Reasoning | None = None
    reasoning_by_default: bool | None = None
    reasoning_traces: bool | None = None
    prompt_cache: PromptCache | None = None
    prompt_cache_min_tokens: int | None = None
    prompt_cache_ttls: tuple[int, ...] = ()
    builtin_tools: frozenset[str] = frozenset()
    batch: bool | None = None
    deprecated_on: str | None = None
    retired_on: str | None = None
    billed_by: str = ""
    speed: int = 5
    quality: int = 5
    prices: tuple[Price, ...] = ()
    source: str = ""
    as_of: str = ""

    @property
    def name(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"

    def lifecycle(self, today: str) -> Lifecycle:
        """What it is on a day (``YYYY-MM-DD``)."""
        if self.retired_on is not None and self.retired_on <= today:
            return "retired"
        return "deprecated" if self.deprecated_on is not None and self.deprecated_on <= today else "active"

    def as_dict(self) -> dict[str, object]:
        """What is known, as plain JSON values: sets sorted, what is at its default left out."""
        return _plain(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, object], *, where: str = "") -> Capabilities:
        """The opposite of `as_dict`; null is "unknown" where a value may be unknown.

        Raises:
            ConfigurationError: an unknown member or a value of the wrong kind, named by its JSON pointer (RFC 6901)
                after ``where``; the name is missing; a deprecation after the retirement.
        """
        known = _read(plain, _CAPABILITIES, where)
        for name in ("provider", "model"):
            if not known.get(name):
                raise ConfigurationError(where + pointer_token(name), "is missing")
        row = cls(**known)  # type: ignore[arg-type]  # _read has checked every member against its kind
        if row.deprecated_on is not None and row.retired_on is not None and row.deprecated_on > row.retired_on:
            raise ConfigurationError(f"{where}/deprecated_on", "is after retired_on")
        return row


# --- Plain values ------------------------------------------------------------------------------------

MOST: Final = 2**53 - 1
"""Numbers in files are exact in JavaScript too."""


_Kind = Callable[[object, str], object]
"""Takes a plain value and its JSON pointer, gives ours, and raises ConfigurationError where it is of another kind."""


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(where, "must be a string")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(where, "must be true or false")
    return value


def _day(value: object, where: str) -> str:
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise ConfigurationError(where, "must be a day, YYYY-MM-DD")


def _between(least: int, most: int) -> _Kind:
    def number(value: object, where: str) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ConfigurationError(where, f"must be a whole number from {least} to {most}")
        return value

    return number


def _one_of(choices: tuple[str, ...]) -> _Kind:
    def choice(value: object, where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ConfigurationError(where, f"must be one of {', '.join(choices)}")
        return value

    return choice


def _or_null(kind: _Kind) -> _Kind:
    return lambda value, where: None if value is None else kind(value, where)


def _each(kind: _Kind) -> Callable[[object, str], tuple[object, ...]]:
    def items(value: object, where: str) -> tuple[object, ...]:
        if not isinstance(value, (list, tuple)):
            raise ConfigurationError(where, "must be a list")
        return tuple(kind(item, f"{where}/{index}") for index, item in enumerate(value))

    return items


def _set_of(kind: _Kind) -> _Kind:
    items = _each(kind)
    return lambda value, where: frozenset(items(value, where))


def _price(value: object, where: str) -> Price:
    if not isinstance(value, Mapping):
        raise ConfigurationError(where, "must be an object")
    return Price(**_read(value, _PRICE, where))  # type: ignore[arg-type]  # as above


def _read(plain: Mapping[str, object], kinds: Mapping[str, _Kind], where: str) -> dict[str, object]:
    for name in plain:
        if name not in kinds:
            remedy = f"There are: {', '.join(kinds)}"
            raise ConfigurationError(where + pointer_token(name), "is unknown", remedy=remedy)
    return {name: kinds[name](value, where + pointer_token(name)) for name, value in plain.items()}


def _plain(row: Capabilities | Price) -> dict[str, object]:
    known: dict[str, object] = {}
    for field in fields(row):
        value: object = getattr(row, field.name)
        if field.default is MISSING or value != field.default:
            known[field.name] = _plain_value(value)
    return known


def _plain_value(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(item) if isinstance(item, Price) else item for item in value]
    return value


_COUNT: Final = _between(0, MOST)
_MODALITIES: Final = _set_of(_one_of(get_args(Modality)))
_PRICE: Final[Mapping[str, _Kind]] = {
    **{field.name: _or_null(_COUNT) for field in fields(Price)},
    "tier": _one_of(get_args(Tier)),
    "above": _COUNT,
    "since": _or_null(_day),
}
_CAPABILITIES: Final[Mapping[str, _Kind]] = {
    "provider": _text,
    "model": _text,
    "aliases": _each(_text),
    "context_window": _or_null(_COUNT),
    "max_output_tokens": _or_null(_COUNT),
    "input_modalities": _MODALITIES,
    "output_modalities": _MODALITIES,
    "tools": _or_null(_flag),
    "parallel_tools": _or_null(_flag),
    "streaming": _or_null(_flag),
    "structured_output": _or_null(_one_of(get_args(StructuredOutput))),
    "reasoning": _or_null(_one_of(get_args(Reasoning))),
    "reasoning_by_default": _or_null(_flag),
    "reasoning_traces": _or_null(_flag),
    "prompt_cache": _or_null(_one_of(get_args(PromptCache))),
    "prompt_cache_min_tokens": _or_null(_COUNT),
    "prompt_cache_ttls": _each(_COUNT),
    "builtin_tools": _set_of(_text),
    "batch": _or_null(_flag),
    "deprecated_on": _or_null(_day),
    "retired_on": _or_null(_day),
    "billed_by": _text,
    "speed": _between(1, 10),
    "quality": _between(1, 10),
    "prices": _each(_price),
    "source": _text,
    "as_of": lambda value, where: value if value == "" else _day(value, where),
}
