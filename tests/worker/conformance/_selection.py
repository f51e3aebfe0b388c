"""Which model a route class takes."""

from __future__ import annotations

from typing import Any, Final

from aig_client.core.facts._catalog import Capabilities
from aig_client.core.facts._classes import Limits, Requirements, RouteClass, ScoreWeights, Target
from aig_client.core.path._policy import Override
from aig_client.core.path._select import Context, select
from aig_client.core.path._work import work_of

from ._plain import Case, Runner


def _selected(case: Case, document: Case) -> object:
    models = [Capabilities.from_dict(document["models"][name]) for name in case["models"]]
    everyone = sorted({model.provider for model in models})
    context = _context(case.get("context", {}), everyone)
    selection = select(_class(case.get("class", {})), work_of(case["kind"], case["body"]), models, context)
    return [selection.names, selection.as_dict(), selection.ranking, selection.rejected]


def _class(said: Case) -> RouteClass:
    parts: Any = dict(said)
    for name, kind in (("requirements", Requirements), ("weights", ScoreWeights), ("limits", Limits)):
        if name in parts:
            parts[name] = kind(**parts[name])
    targets: Any = [(*one, 1)[:3] for one in parts.pop("targets", [])]
    made = tuple(Target(provider=provider, model=model, weight=weight) for provider, model, weight in targets)
    return RouteClass(name="test", targets=made, **parts)


def _context(said: Case, everyone: list[str]) -> Context:
    parts: Any = {"today": "2026-06-01", "providers": everyone, "speaks": everyone, "warm": (), **said}
    parts["overrides"] = {provider: Override(*one) for provider, one in said.get("overrides", {}).items()}
    parts["providers"] = tuple(parts["providers"])
    for name in ("speaks", "warm"):
        parts[name] = frozenset(parts[name])
    return Context(**parts)


SELECTION: Final[dict[tuple[str, str], Runner]] = {("select", "cases"): _selected}
