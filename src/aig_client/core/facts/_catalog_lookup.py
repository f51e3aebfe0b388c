"""Asking the catalog: which model is meant, which ones are able to, and which price holds.

The hard filters live here and nowhere else (`why_not`), and so does the choice among a model's prices (`price_of`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final

from .._errors import ConfigurationError, closest, pointer_token
from ._catalog import Capabilities, Modality, StructuredOutput
from ._classes import Requirements
from ._prices import Price, Tier
from ._providers import PROVIDERS

_TEXT: Final[tuple[Modality, ...]] = ("text",)
_RELIABILITY: Final[Mapping[StructuredOutput, int]] = {"none": 0, "prompt": 1, "json_mode": 2, "native": 3}

# A dated snapshot, or "-latest". These rules only: a family is never guessed from the start of a name.
_SNAPSHOT: Final = re.compile(
    r"(?:-20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|[-@]20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|@20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|-latest)$"
)
# How /compat and the REST API name a provider before the model (contract 3.5), and its own slug.
_PREFIXES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        row.slug: tuple(dict.fromkeys(prefix for prefix in (row.slug, row.compat, row.author) if prefix))
        for row in PROVIDERS.values()
    }
)


def why_not(
    model: Capabilities,
    requirements: Requirements,
    today: str | None = None,
    *,
    inputs: Collection[Modality] = _TEXT,
    outputs: Collection[Modality] = _TEXT,
    min_output_tokens: int = 0,
) -> str | None:
    """Why a model cannot do what is required, in words for people; None where it can.

    What is unknown counts as missing, and the reason then says "unknown". A retired model can do nothing; ``today``
    (``YYYY-MM-DD``) None judges by the day on which the row was written. ``inputs`` and ``outputs`` are what goes in
    and what must come out beside what ``requirements`` say: text and text unless told otherwise, so that an embedding,
    image or speech model is never offered for a conversation.
    """
    if model.retired_on is not None and model.lifecycle(today or model.as_of) == "retired":
        return f"retired on {model.retired_on}"
    takes, asked = model.input_modalities, requirements
    if (
        not takes.issuperset(inputs)
        or (asked.vision and "image" not in takes)
        or (asked.audio and "audio" not in takes)
    ):
        wanted = {*inputs, *(("image",) if asked.vision else ()), *(("audio",) if asked.audio else ())}
        return f"takes no {' or '.join(sorted(wanted - takes))}"
    if not model.output_modalities.issuperset(outputs):
        return f"gives no {' or '.join(sorted({*outputs} - model.output_modalities))}"
    # Guarded here rather than in there: selection asks this of every row for every call.
    return (
        (_unable("tools", model.tools) if asked.tools and not model.tools else None)
        or (_unable("streaming", model.streaming) if asked.streaming and not model.streaming else None)
        or (_unreliable(model.structured_output, asked.structured_output) if asked.structured_output else None)
        or (_too_short("context window", model.context_window, asked.context) if asked.context > 0 else None)
        or (_too_short("output", model.max_output_tokens, min_output_tokens) if min_output_tokens > 0 else None)
        or (_NO_SEARCH if asked.web_search and "web_search" not in model.builtin_tools else None)
        or (_reasoning(model, asked.reasoning) if asked.reasoning != "allowed" else None)
        or (_traces(model) if asked.reasoning_traces != "allowed" else None)
    )


_NO_SEARCH: Final = "has no web search of its own"


def _unable(what: str, can: bool | None) -> str:
    return f"support for {what} is unknown" if can is None else f"has no {what}"


def _unreliable(has: StructuredOutput | None, wanted: StructuredOutput) -> str | None:
    if wanted == "none" or (has is not None and _RELIABILITY[has] >= _RELIABILITY[wanted]):
        return None
    return f"structured output is {'unknown' if has is None else has}, {wanted} is required"


def _too_short(what: str, has: int | None, wanted: int) -> str | None:
    if has is not None and has >= wanted:
        return None
    return f"{what} is {'unknown' if has is None else f'{has} tokens'}, {wanted} are required"


def _reasoning(model: Capabilities, rule: str) -> str | None:
    if model.reasoning is None:
        return f"reasoning is unknown, and {rule}"
    if rule == "required":
        return "does not reason, which is required" if model.reasoning == "none" else None
    if model.reasoning == "always":
        return "always reasons, which is forbidden"
    if model.reasoning == "optional" and model.reasoning_by_default:
        return "reasons unless told not to, which is forbidden"
    return None


def _traces(model: Capabilities) -> str | None:
    if model.reasoning == "none" or model.reasoning_traces is False:
        return None
    if model.reasoning == "optional" and model.reasoning_by_default is False:
        return None
    if model.reasoning_traces is None:
        return "whether it puts its thoughts into the answer is unknown, and forbidden"
    return "puts its thoughts into the answer, which is forbidden"


def price_of(
    model: Capabilities, *, input_tokens: int | None, tier: Tier = "standard", today: str | None = None
) -> Price | None:
    """The price that holds for a request, or None where none is known; never that of another tier.

    Of the tier's prices that hold on ``today`` (``YYYY-MM-DD``; None is the day on which the row was written), those
    with the newest ``since``; of these the one with the largest ``above`` that is less than ``input_tokens``, the
    whole input, cached parts included. ``input_tokens`` None is taken as a short input.
    """
    day = today or model.as_of or "9999-12-31"
    length = input_tokens or 0
    best: Price | None = None
    newest = ""
    for price in model.prices:
        if price.tier != tier or (price.since or "") > day:
            continue
        since = price.since or ""
        if since > newest:
            best, newest = None, since
        if (
            since == newest
            and (price.above == 0 or price.above < length)
            and (best is None or price.above > best.above)
        ):
            best = price
    return best


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by name, sorted. Immutable; `with_rows` makes another one.

    Raises:
        ConfigurationError: two rows have one name, or one spelling at one provider.
    """

    rows: tuple[Capabilities, ...]
    _by_spelling: Mapping[tuple[str, str], Capabilities] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[tuple[str, str], Capabilities] = {}
        for row in self.rows:
            for spelling in (row.model, *row.aliases):
                if found.setdefault((row.provider, spelling), row) is not row:
                    raise ConfigurationError(f"catalog{pointer_token(row.name)}", f"{spelling!r} is in two rows")
        object.__setattr__(self, "rows", tuple(sorted(self.rows, key=_name)))
        object.__setattr__(self, "_by_spelling", MappingProxyType(found))

    def get(self, provider: str, model: str) -> Capabilities | None:
        """A model at a provider, or None. In this order:

        its own name or an alias; the same after the provider's prefix on ``/compat`` or the REST API
        (``anthropic/claude-...``, ``google/gemini-...``, ``workers-ai/@cf/...``); and each of them again without one
        snapshot suffix (``-YYYY-MM-DD``, ``-YYYYMMDD``, ``@YYYYMMDD``, ``@YYYY-MM-DD``, ``-latest``).
        """
        spellings = [model]
        spellings += [
            model[len(prefix) + 1 :] for prefix in _PREFIXES.get(provider, ()) if model.startswith(f"{prefix}/")
        ]
        spellings += [undated for spelling in spellings if (undated := _SNAPSHOT.sub("", spelling)) != spelling]
        for spelling in spellings:
            row = self._by_spelling.get((provider, spelling))
            if row is not None:
                return row
        return None

    def capabilities(self, model: str, provider: str | None = None) -> Capabilities:
        """A model by its name, or by ``provider/model``, where the provider may be spelled as on any surface.

        Raises:
            ConfigurationError: nobody serves it (the nearest name is given), or several do and ``provider`` is None.
        """
        if provider is not None:
            row = self.get(provider, model)
            if row is None:
                raise self._unknown(model, provider)
            return row
        found = self._by_prefix(model) or self._anywhere(model)
        if len(found) > 1:
            names = ", ".join(row.name for row in found)
            raise ConfigurationError("model", f"{model!r} is served by several", remedy=f"Say which: {names}")
        if not found:
            raise self._unknown(model, None)
        return found[0]

    def _by_prefix(self, model: str) -> tuple[Capabilities, ...]:
        prefix, slash, _ = model.partition("/")
        if not slash:
            return ()
        slugs = [slug for slug in self.providers if prefix in _PREFIXES.get(slug, (slug,))]
        rows = [self.get(slug, model) or self.get(slug, model[len(prefix) + 1 :]) for slug in slugs]
        return tuple(row for row in rows if row is not None)

    def _anywhere(self, model: str) -> tuple[Capabilities, ...]:
        return tuple(row for slug in self.providers if (row := self.get(slug, model)) is not None)

    def _unknown(self, model: str, provider: str | None) -> ConfigurationError:
        rows = [row for row in self.rows if provider is None or row.provider == provider]
        if not rows:
            nearest = closest(provider or "", self.providers)
            remedy = f"Did you mean {nearest!r}?" if nearest else f"There are: {', '.join(self.providers)}"
            return ConfigurationError("provider", f"{provider!r} has no model in the catalog", remedy=remedy)
        spelled = {row.name: row.name for row in rows}
        spelled |= {spelling: row.name for row in rows for spelling in (row.model, *row.aliases)}
        nearest = closest(model, spelled)
        remedy = f"Did you mean {spelled[nearest]!r}?" if nearest else "Add it to the catalog's overrides"
        at = f" at {provider}" if provider is not None else ""
        return ConfigurationError("model", f"{model!r} is not in the catalog{at}", remedy=remedy)

    @property
    def providers(self) -> tuple[str, ...]:
        """The slugs of every provider that serves a model here, sorted."""
        return tuple(sorted({row.provider for row in self.rows}))

    def find_models(
        self,
        requirements: Requirements,
        *,
        providers: Iterable[str] | None = None,
        today: str | None = None,
        inputs: Collection[Modality] = _TEXT,
        outputs: Collection[Modality] = _TEXT,
        min_output_tokens: int = 0,
    ) -> tuple[Capabilities, ...]:
        """Every model that can, sorted by name; ``providers`` None is all of them. For the rest see `why_not`."""
        reasons = self.explain(
            requirements,
            providers=providers,
            today=today,
            inputs=inputs,
            outputs=outputs,
            min_output_tokens=min_output_tokens,
        )
        return tuple(row for row in self.rows if reasons[row.name] is None)

    def explain(
        self,
        requirements: Requirements,
        *,
        providers: Iterable[str] | None = None,
        today: str | None = None,
        inputs: Collection[Modality] = _TEXT,
        outputs: Collection[Modality] = _TEXT,
        min_output_tokens: int = 0,
    ) -> Mapping[str, str | None]:
        """For every ``provider/model``, sorted, why it cannot; None where it can."""
        usable = None if providers is None else frozenset(providers)
        return MappingProxyType(
            {
                row.name: "its provider is not among those asked for"
                if usable is not None and row.provider not in usable
                else why_not(
                    row, requirements, today, inputs=inputs, outputs=outputs, min_output_tokens=min_output_tokens
                )
                for row in self.rows
            }
        )

    def with_rows(self, rows: Mapping[str, object]) -> Catalog:
        """Another catalog, with rows added or changed: ``{"provider/model": {...}}``, as `Capabilities.from_dict`.

        A row of the same name keeps what is not mentioned; ``prices`` are replaced as a whole.

        Raises:
            ConfigurationError: a name without a provider, or what `Capabilities.from_dict` refuses.
        """
        known = {row.name: row for row in self.rows}
        for name, facts in rows.items():
            where = f"catalog{pointer_token(name)}"
            provider, _, model = name.partition("/")
            if not provider or not model:
                raise ConfigurationError(where, "is not provider/model")
            if not isinstance(facts, Mapping):
                raise ConfigurationError(where, "is no object")
            before = known[name].as_dict() if name in known else {}
            named = {"provider": provider, "model": model}
            for key, value in named.items():
                if facts.get(key, value) != value:
                    raise ConfigurationError(where + pointer_token(key), "disagrees with the row's name")
            known[name] = Capabilities.from_dict({**before, **facts, **named}, where=where)
        return Catalog(tuple(known.values()))


def _name(row: Capabilities) -> str:
    return row.name


@cache
def builtin_catalog() -> Catalog:
    """The catalog that comes with the package, loaded when it is first asked for."""
    from ._catalog_rows import rows  # noqa: PLC0415  # facts wait until somebody asks

    return Catalog(rows())


def capabilities(model: str, provider: str | None = None) -> Capabilities:
    """`Catalog.capabilities` of the built-in catalog."""
    return builtin_catalog().capabilities(model, provider)


def find_models(
    requirements: Requirements, *, providers: Iterable[str] | None = None, today: str | None = None
) -> tuple[Capabilities, ...]:
    """`Catalog.find_models` of the built-in catalog."""
    return builtin_catalog().find_models(requirements, providers=providers, today=today)
