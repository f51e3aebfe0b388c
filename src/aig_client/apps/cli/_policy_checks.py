"""What can be wrong with a policy that loads: targets that go, prices that nobody knows, providers without use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from ...core import Capabilities, Policy, Selection, price_of
from ...core.facts._builtin_classes import BUILTIN_CLASSES
from ._choices import considered
from ._doctor_findings import Finding

SOON_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """A policy on a day, with what each class would choose from."""

    policy: Policy
    day: str
    selections: Mapping[str, Selection]

    def row(self, provider: str, model: str) -> Capabilities | None:
        """What is known of a model."""
        return self.policy.catalog.get(provider, model)


def findings_of(policy: Policy, day: str) -> Iterator[Finding]:
    """Everything found; ``info`` is worth knowing, ``warning`` will surprise somebody, ``error`` cannot work."""
    selections = {name: considered(policy, one, day=day) for name, one in policy.classes.items()}
    standing = Standing(policy, day, selections)
    for check in CHECKS:
        yield from check(standing)


def lifecycles(standing: Standing) -> Iterator[Finding]:
    """Targets and overrides that are retired, deprecated, or retire soon."""
    for name, one in standing.policy.classes.items():
        for index, target in enumerate(one.targets):
            row = standing.row(target.provider, target.model)
            yield from _lifecycle(row, standing.day, f"class {name}", f"classes.{name}.targets[{index}]", target.name)
    for (name, provider), override in standing.policy.overrides.items():
        row = standing.row(provider, override.model)
        where = override.source or f"overrides.{name}.{provider}"
        yield from _lifecycle(row, standing.day, f"class {name} at {provider}", where, f"{provider}/{override.model}")


def _lifecycle(row: Capabilities | None, day: str, who: str, where: str, name: str) -> Iterator[Finding]:
    if row is None:
        return
    word, ends = row.lifecycle(day), row.retired_on
    left = None if ends is None else (date.fromisoformat(ends) - date.fromisoformat(day)).days
    if word == "retired":
        what = f"{who}: {name} is retired since {ends}, and is passed over"
        yield Finding("lifecycle", "warning", what, "name a model that is in service", where)
    elif left is not None and left <= SOON_DAYS:
        days = "1 day" if left == 1 else f"{left} days"
        what = f"{who}: {name} retires on {ends}, in {days}"
        yield Finding("lifecycle", "warning", what, "name another model before that", where)
    elif word == "deprecated":
        until = f", and retires on {ends}" if ends else ""
        what = f"{who}: {name} is deprecated since {row.deprecated_on}{until}"
        yield Finding("lifecycle", "warning", what, "name another model", where)


def prices(standing: Standing) -> Iterator[Finding]:
    """Targets whose price nobody knows, where the class cannot do without."""
    for name, one in standing.policy.classes.items():
        for index, target in enumerate(one.targets):
            row = standing.row(target.provider, target.model)
            if row is None or price_of(row, input_tokens=None, today=standing.day) is not None:
                continue
            where, fix = f"classes.{name}.targets[{index}]", f'give its prices in [models."{target.name}"]'
            if one.require_price:
                what = f"class {name} requires a price, and that of {target.name} is unknown: it is never chosen"
                yield Finding("price", "warning", what, fix, where)
            elif one.strategy == "cheapest":
                what = f"class {name} takes the cheapest, and the price of {target.name} is unknown: it comes last"
                yield Finding("price", "warning", what, fix, where)


def choices(standing: Standing) -> Iterator[Finding]:
    """Classes for which no model is left, and fallbacks that nobody could be."""
    for name, selection in standing.selections.items():
        one = standing.policy.classes[name]
        if not selection.names:
            # A built-in class that nobody touched is not the writer's mistake: the providers leave nothing for it.
            mine = one != BUILTIN_CLASSES.get(name)
            what = f"class {name} has no model for even the simplest request: {_reasons(selection)}"
            fix = (
                "widen its targets, its requirements or the providers" if mine else "leave it alone, or add a provider"
            )
            yield Finding("choice", "warning" if mine else "info", what, fix, f"classes.{name}")
        elif one.fallbacks >= len(selection.names):
            others = len(selection.names) - 1
            count = f"only {others}" if others else "none"
            what = f"class {name} may try {one.fallbacks} further models, and there are {count}"
            yield Finding(
                "choice", "warning", what, "name more targets, or lower fallbacks", f"classes.{name}.fallbacks"
            )


def _reasons(selection: Selection) -> str:
    found: dict[str, int] = {}
    for one in selection.rejected:
        found[one.reason] = found.get(one.reason, 0) + 1
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{reason} ({count})" for reason, count in ordered[:3]) or "there are no candidates"


def weights(standing: Standing) -> Iterator[Finding]:
    """Targets that a weighted class never takes."""
    for name, one in standing.policy.classes.items():
        for index, target in enumerate(one.targets):
            if one.strategy == "weighted" and not target.weight:
                what = f"class {name}: {target.name} has weight 0 and takes no traffic"
                yield Finding(
                    "weight", "info", what, "take it out, or give it a share", f"classes.{name}.targets[{index}]"
                )


def providers(standing: Standing) -> Iterator[Finding]:
    """Providers that may be used, and that no class has a model at."""
    used = {name.partition("/")[0] for selection in standing.selections.values() for name in selection.names}
    for index, slug in enumerate(standing.policy.providers):
        if slug not in used:
            what = f"no class can ever use {slug}: no model there is good for any"
            fix = "describe a model of it in [models], or take it out of providers"
            yield Finding("providers", "warning", what, fix, f"policy.providers[{index}]")


def caching(standing: Standing) -> Iterator[Finding]:
    """Answers that everybody may see, and answers kept for long."""
    for name, one in standing.policy.classes.items():
        if one.cache.strategy in ("response", "both") and one.cache.scope == "shared":
            what = f"class {name} shares cached answers between all callers"
            fix = "make sure that nothing in such a request is anybody's own; else set scope to tenant"
            yield Finding("cache", "warning", what, fix, f"classes.{name}.cache.scope")


def overrides(standing: Standing) -> Iterator[Finding]:
    """What was overridden, and what of it nobody checked."""
    for (name, provider), one in standing.policy.overrides.items():
        source = one.source or f"overrides.{name}.{provider}"
        what = f"class {name} takes {provider}/{one.model} at {provider}"
        if one.forced:
            fix = "take 'forced' away once the catalog knows the model"
            yield Finding("override", "warning", f"{what}, forced: nobody checks that it can", fix, source)
        else:
            yield Finding("override", "info", what, where=source)


CHECKS: Final[tuple[Callable[[Standing], Iterable[Finding]], ...]] = (
    lifecycles,
    prices,
    choices,
    weights,
    providers,
    caching,
    overrides,
)
