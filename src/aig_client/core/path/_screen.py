"""The filters that follow from class, catalog and kind of request alone.

They are worked out once and remembered by every value that they depend on: a memory that can forget but not be wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ..facts._catalog import Capabilities
from ..facts._catalog_lookup import price_of, why_not
from ..facts._cost import blended_price
from ._candidates import Rejected
from ._question import Question, inputs, outputs, required
from ._standing import ANY, Rate, Row, Screen

if TYPE_CHECKING:
    from ._policy import Override

# --- The filters that depend on neither size nor health nor money ----------------------------------------------------

_NO_PROVIDER: Final = "its provider is not among the usable ones"
_OTHER_DIALECT: Final = "its provider does not take this kind of request here"
_UNKNOWN_MODEL: Final = "unknown model: no capabilities are known"
_UNKNOWN_PRICE: Final = "its price is unknown, and the class requires one"
_NO_WEIGHT: Final = "its weight is 0"
_NO_EMBEDDINGS: Final = "gives no embeddings"


class _Candidate(NamedTuple):
    model: Capabilities
    target: int
    weight: int
    override: Override | None


class Catalogue:
    """Models by name, and the screens that were made of them so far."""

    __slots__ = ("_by_name", "_screens", "models")

    def __init__(self, models: tuple[Capabilities, ...]) -> None:
        self.models = models
        self._by_name: dict[str, Capabilities] = {}
        for model in models:
            twin = self._by_name.get(model.name)
            # Two rows of one name are a fault of the caller's; whichever comes first must not decide.
            if twin is None or (twin != model and _text(model) < _text(twin)):
                self._by_name[model.name] = model
        self._screens: dict[Question, Screen] = {}

    def screen(self, asked: Question) -> Screen:
        """The screen of a question; remembered."""
        found = self._screens.get(asked)
        if found is None:
            if len(self._screens) >= _MOST_SCREENS:
                self._screens.clear()
            found = self._screens[asked] = self._screen(asked)
        return found

    def _screen(self, asked: Question) -> Screen:
        needs, goes_in, comes_out = required(asked), inputs(asked), outputs(asked.kind)
        places = {slug: index for index, slug in reversed(tuple(enumerate(asked.providers)))}
        overrides = dict(asked.overrides)
        rows: list[Row] = []
        rejected: list[Rejected] = []
        for one in self._candidates(asked, overrides):
            model, forced = one.model, one.override is not None and one.override.forced
            reason = _unusable(one, asked, overrides)
            rates = _rates(model, asked)
            if reason is None and not forced:
                reason = (
                    (_UNKNOWN_MODEL if _is_unknown(model) else None)
                    or why_not(model, needs, asked.today, inputs=goes_in, outputs=comes_out)
                    or (_NO_EMBEDDINGS if asked.kind == "embeddings" and model.output_modalities else None)
                    or _billing(model, asked)
                    or (_UNKNOWN_PRICE if asked.require_price and not rates else None)
                )
            if reason is not None:
                rejected.append(Rejected(model.name, reason))
                continue
            rows.append(_row(one, places[model.provider], rates, asked.today))
        return Screen(tuple(rows), tuple(sorted(rejected, key=_name)), asked.weights)

    def _candidates(self, asked: Question, overrides: Mapping[str, Override]) -> list[_Candidate]:
        """The class's targets, or every model; and what overrides put in their place."""
        found: dict[str, _Candidate] = {}
        if asked.targets:
            for index, target in enumerate(asked.targets):
                if target.name not in found:
                    found[target.name] = _Candidate(
                        self._model(target.provider, target.model), index, target.weight, None
                    )
        else:
            found = {name: _Candidate(model, 0, 1, None) for name, model in self._by_name.items()}
        for provider, override in asked.overrides:
            model = self._model(provider, override.model)
            replaced = [one for one in found.values() if one.model.provider == provider]
            place = min((one.target for one in replaced), default=len(asked.targets))
            weight = sum(one.weight for one in replaced) if asked.targets and replaced else 1
            found[model.name] = _Candidate(model, place, weight, overrides[provider])
        return list(found.values())

    def _model(self, provider: str, model: str) -> Capabilities:
        known = self._by_name.get(f"{provider}/{model}")
        if known is not None:
            return known
        for row in self._by_name.values():
            if row.provider == provider and model in row.aliases:
                return replace(row, model=model)  # as it was asked for: a snapshot stays one
        return Capabilities(provider=provider, model=model, billed_by=provider)


_MOST_SCREENS: Final = 64


def _text(model: Capabilities) -> str:
    return json.dumps(model.as_dict(), sort_keys=True, default=str)


def _name(one: Rejected) -> str:
    return one.name


def _row(one: _Candidate, place: int, rates: tuple[Rate, ...], today: str | None) -> Row:
    model = one.model
    forced = one.override is not None and one.override.forced
    return Row(
        model.name,
        model.provider,
        model,
        one.target,
        place,
        one.weight,
        ANY if forced or model.context_window is None else model.context_window,
        ANY if forced or model.max_output_tokens is None else model.max_output_tokens,
        model.deprecated_on is not None and model.lifecycle(today or model.as_of) == "deprecated",
        one.override,
        rates,
    )


def _unusable(one: _Candidate, asked: Question, overrides: Mapping[str, Override]) -> str | None:
    """What nobody can force."""
    provider = one.model.provider
    if provider not in asked.providers:
        return _NO_PROVIDER
    if provider not in asked.speaks:
        return _OTHER_DIALECT
    override = overrides.get(provider)
    if override is not None and one.override is None:
        return f"{override.source or 'an override'} puts {override.model} in its place"
    return _NO_WEIGHT if asked.weighted and one.weight <= 0 else None


def _is_unknown(model: Capabilities) -> bool:
    return replace(model, billed_by="") == Capabilities(provider=model.provider, model=model.model)


def _billing(model: Capabilities, asked: Question) -> str | None:
    if asked.external_billing or model.billed_by in ("", model.provider):
        return None
    return f"is billed by {model.billed_by}, which the class does not allow"


_MILLION: Final = 1_000_000


def _rates(model: Capabilities, asked: Question) -> tuple[Rate, ...]:
    """Every price that may hold for a request, by length of input; empty where one is unknown."""
    steps = sorted({0, *(price.above for price in model.prices if price.tier == asked.tier)})
    output_tokens = _MILLION if outputs(asked.kind) else 0
    rates: list[Rate] = []
    for above in steps:
        price = price_of(model, input_tokens=above + 1, tier=asked.tier, today=asked.today)
        if price is None:
            return ()
        request = blended_price(price, input_tokens=0, output_tokens=0)
        taken = blended_price(price, input_tokens=_MILLION, output_tokens=0)
        given = blended_price(price, input_tokens=0, output_tokens=output_tokens)
        if request is None or taken is None or given is None:
            return ()
        rates.append(Rate(above, request, taken - request, given - request, price))
    return tuple(rates)


# --- A few models' catalogues are remembered -------------------------------------------------------------------------

_RECENT: Final[list[Catalogue]] = []
_MOST_CATALOGUES: Final = 16


def catalogue_of(models: Sequence[Capabilities]) -> Catalogue:
    """The catalogue of these models. Compared by value, which for the same objects is a comparison of addresses."""
    wanted = tuple(models)
    for one in tuple(_RECENT):
        if one.models == wanted:
            return one
    made = Catalogue(wanted)
    if len(_RECENT) >= _MOST_CATALOGUES:
        _RECENT.clear()
    _RECENT.append(made)
    return made
