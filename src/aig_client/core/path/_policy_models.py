"""Holding the models that a policy names against a catalog."""

from __future__ import annotations

from .._errors import closest
from ..facts._catalog_lookup import Catalog, why_not
from ..facts._classes import RouteClass, Target
from ._policy_check import PathTo, PolicyError


def check_capable(
    catalog: Catalog, one: RouteClass, target: Target, today: str | None, *, path: PathTo, otherwise: str = ""
) -> None:
    """Check that a model is known, in service and able to do what a class requires.

    What goes in and comes out is the request's affair: a class may be for embeddings.

    Raises:
        ConfigurationError: with the reason; ``otherwise`` is a further way out.
    """
    row = catalog.get(target.provider, target.model)
    if row is None:
        names = {
            spelling: row.name
            for row in catalog.rows
            if row.provider == target.provider
            for spelling in (row.model, *row.aliases)
        }
        near = closest(target.model, names)
        hint = f"Did you mean {names[near]!r}? " if near else ""
        raise PolicyError(
            path,
            f"the catalog has no model {target.model[:64]!r} at {target.provider}",
            remedy=f'{hint}Otherwise describe it in [models."{target.name}"]{otherwise}',
        )
    why = why_not(row, one.requirements, today, inputs=(), outputs=())
    if why is not None:
        raise PolicyError(
            path, f"{target.name} does not do for class {one.name}: {why}", remedy=f"Choose another model{otherwise}"
        )


def check_all_capable(catalog: Catalog, one: RouteClass, today: str | None, *, path: PathTo) -> None:
    """`check_capable` for the targets of a class.

    One that is retired is passed over when a model is chosen, so that a day in the calendar stops no service; it is
    an error where no other is left.
    """
    retired = 0
    for index, target in enumerate(one.targets):
        row = catalog.get(target.provider, target.model)
        if row is not None and row.lifecycle(today or row.as_of) == "retired":
            retired += 1
        else:
            check_capable(catalog, one, target, today, path=(*path, "targets", index))
    if retired and retired == len(one.targets):
        raise PolicyError((*path, "targets"), "are all retired", remedy="Name a model that is in service")
