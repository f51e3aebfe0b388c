"""From ``aig.toml`` and the environment to a policy: resolved, checked, and as a plain document that goes anywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import ConfigurationError, Unkeyable, decode_strictly
from ..core.facts._builtin_classes import BUILTIN_CLASSES
from ..core.facts._catalog import Capabilities
from ..core.facts._catalog_lookup import Catalog, builtin_catalog
from ..core.facts._classes import CacheHints, Retries, RouteClass, Target
from ..core.path._policy import (
    Override,
    Policy,
    builtin_policy,
    check_overrides,
    check_targets,
    policy_from_document,
)
from ..core.path._policy_check import PathTo, PolicyError, nearest
from ._overrides import overrides_from, parse_override
from ._settings import FILE, POLICY_TABLES, read_file

if TYPE_CHECKING:
    from ._policy import ClassTable, OverrideValue, PolicyTables


def compile_policy(
    tables: Mapping[str, object],
    *,
    environ: Mapping[str, str] | None = None,
    today: str | None = None,
    catalog: Catalog | None = None,
    source: str = FILE,
) -> dict[str, object]:
    """The plain document (``aig-policy/1``) of a file's tables; the same for the same input, to the byte.

    Classes are complete, built-in ones included, and the catalog's rows of every model that can be chosen are in it:
    who loads it decides the same, whatever catalog it carries.

    Args:
        tables: of ``aig.toml``; those that are not the policy's are passed over.
        environ: where ``AIG_MODEL__CLASS__PROVIDER`` is looked for; None: nowhere.
        today: the day (``YYYY-MM-DD``) by which models are retired; None: the day of the catalog's rows.
        catalog: instead of the built-in one.
        source: what errors call the tables.

    Raises:
        ConfigurationError: with the table, the field's path in it, and the source.
    """
    try:
        policy = _from_tables(tables, catalog or builtin_catalog(), today)
        return policy.with_overrides(overrides_from(environ or {}, policy), today).as_document()
    except PolicyError as error:
        raise _located(error, source) from None


def load_policy(
    path: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    today: str | None = None,
    catalog: Catalog | None = None,
) -> Policy:
    """A client's policy: from a file, with the environment's overrides over it.

    Args:
        path: an ``aig.toml``, or a compiled ``*.json``, instead of ``./aig.toml``. A file named here must exist.
        environ: instead of the process's environment.
        today: instead of the day (UTC) that it is.
        catalog: instead of the built-in one; a compiled policy brings its own.

    Raises:
        ConfigurationError: with the file and the field, or the variable.
    """
    environ = os.environ if environ is None else environ
    today = today or datetime.now(UTC).date().isoformat()
    if path is not None and path.endswith(".json"):
        return _from_json(Path(path), environ, today)
    tables, file = read_file(path)
    if not POLICY_TABLES.isdisjoint(tables):
        document = compile_policy(tables, environ=environ, today=today, catalog=catalog, source=file)
        return policy_from_document(document)
    try:
        # The cheap way, and without pydantic: most clients have no policy of their own.
        policy = builtin_policy() if catalog is None else replace(builtin_policy(), models=_by_name(catalog))
        return policy.with_overrides(overrides_from(environ, policy), today)
    except PolicyError as error:
        raise _located(error, file) from None


def _from_json(file: Path, environ: Mapping[str, str], today: str) -> Policy:
    try:
        policy = policy_from_document(decode_strictly(file.read_bytes()))
        return policy.with_overrides(overrides_from(environ, policy), today)
    except OSError as error:
        raise ConfigurationError("policy", f"cannot be read ({error.strerror})", source=str(file)) from None
    except Unkeyable as error:
        raise ConfigurationError(error.pointer or "policy", error.problem, source=str(file)) from None
    except ConfigurationError as error:
        source = error.source or str(file)
        raise ConfigurationError(error.field, error.problem, remedy=error.remedy, source=source) from None


# --- Tables to values --------------------------------------------------------------------------------


def _from_tables(tables: Mapping[str, object], catalog: Catalog, today: str | None) -> Policy:
    from ._policy import read_tables  # noqa: PLC0415  # pydantic waits until there is something to check

    read = read_tables(tables)
    known = _catalog_with(read, catalog)
    classes = _classes(read.classes)
    overrides = {
        (name, provider): _override(value, f"{FILE} [overrides.{name}]")
        for name, by_provider in read.overrides.items()
        for provider, value in by_provider.items()
    }
    policy = Policy(
        classes={name: classes[name] for name in sorted(classes)},
        providers=tuple(read.policy.providers),
        default_class=read.policy.default_class,
        infer=read.policy.infer,
        overrides=overrides,
        models=_by_name(known),
        epoch=read.policy.epoch,
    )
    check_targets(policy, today)
    check_overrides(policy, policy.overrides, today)
    return replace(policy, models=_reachable(policy, read, known))


def _by_name(catalog: Catalog) -> dict[str, Capabilities]:
    return {row.name: row for row in catalog.rows}


def _reachable(policy: Policy, read: PolicyTables, known: Catalog) -> dict[str, Capabilities]:
    """The rows of the usable providers, and of every model that is named anywhere."""
    named = {(target.provider, target.model) for one in policy.classes.values() for target in one.targets}
    named |= {(provider, one.model) for (_, provider), one in policy.overrides.items()}
    rows = {row.name for name in named if (row := known.get(*name)) is not None} | set(read.models)
    usable = frozenset(policy.providers)
    return {row.name: row for row in known.rows if not usable or row.provider in usable or row.name in rows}


def _catalog_with(read: PolicyTables, catalog: Catalog) -> Catalog:
    for name, facts in sorted(read.models.items()):
        try:
            catalog = catalog.with_rows({name: {key: _toml_value(value) for key, value in facts.items()}})
        except ConfigurationError as error:
            within = [part.replace("~1", "/").replace("~0", "~") for part in error.field.split("/")[2:]]
            raise PolicyError(("models", name, *within), error.problem, remedy=error.remedy) from None
    return catalog


def _toml_value(value: object) -> object:
    """TOML has days of its own; the catalog writes them as text."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_toml_value(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _toml_value(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _override(value: OverrideValue, source: str) -> Override:
    return parse_override(value, source) if isinstance(value, str) else Override(value.model, value.forced, source)


def _classes(tables: Mapping[str, ClassTable]) -> dict[str, RouteClass]:
    """The built-in classes and those of the file, each laid over what it starts from."""
    done: dict[str, RouteClass] = {name: one for name, one in BUILTIN_CLASSES.items() if name not in tables}
    for name in tables:
        _resolve(name, tables, done, ())
    return done


def _resolve(
    name: str, tables: Mapping[str, ClassTable], done: dict[str, RouteClass], below: tuple[str, ...]
) -> RouteClass:
    if name in done:
        return done[name]
    table = tables[name]
    start = table.extends
    if start is None:
        parent = BUILTIN_CLASSES.get(name, RouteClass(name=name))
    elif start in (name, *below):
        circle = " -> ".join((*below, name, start))
        remedy = "A class with a built-in name starts from the built-in anyway" if start == name else None
        raise PolicyError(("classes", name, "extends"), f"leads in a circle: {circle}", remedy=remedy)
    elif start not in tables and start not in BUILTIN_CLASSES:
        known = {*tables, *BUILTIN_CLASSES} - {name}
        raise PolicyError(("classes", name, "extends"), f"{start!r} is no class", remedy=nearest(start, known))
    else:
        parent = _resolve(start, tables, done, (*below, name))
    done[name] = _over(replace(parent, name=name), table, ("classes", name))
    return done[name]


_PLAIN = (
    "description",
    "strategy",
    "tools",
    "fallbacks",
    "log_payload",
    "metadata",
    "asked_model",
    "require_price",
    "external_billing",
    "side_effects",
)
_MERGED = ("weights", "requirements", "limits")


def _over(parent: RouteClass, table: ClassTable, path: PathTo) -> RouteClass:
    """A class with what a table says laid over it: parts field by field, but cache, retries and lists as a whole."""
    changes: dict[str, object] = {}
    for name in _PLAIN:
        if (value := getattr(table, name)) is not None:
            changes[name] = value
    for name in _MERGED:
        if (part := getattr(table, name)) is not None:
            changes[name] = replace(getattr(parent, name), **part.model_dump(exclude_none=True))
    if table.targets is not None:
        changes["targets"] = tuple(
            _target(one, (*path, "targets", index))
            if isinstance(one, str)
            else Target(provider=one.provider, model=one.model, weight=one.weight)
            for index, one in enumerate(table.targets)
        )
    if table.cache is not None:
        changes["cache"] = (
            CacheHints(strategy=table.cache)
            if isinstance(table.cache, str)
            else CacheHints(**table.cache.model_dump(exclude_none=True))
        )
    if table.retries is not None:
        changes["retries"] = Retries(**table.retries.model_dump(exclude_none=True))
    made = replace(parent, **changes)  # type: ignore[arg-type]  # pydantic has checked every field
    if table.weights is not None and made.strategy != "score":
        raise PolicyError((*path, "weights"), f"do nothing where the strategy is {made.strategy!r}")
    return made


def _target(text: str, path: PathTo) -> Target:
    provider, slash, model = text.partition("/")
    if not (provider and slash and model):
        raise PolicyError(path, f"{text[:64]!r} is not provider/model")
    return Target(provider=provider, model=model)


# --- Where it stood ----------------------------------------------------------------------------------


def _located(error: PolicyError, source: str) -> ConfigurationError:
    """The error with the table and the path in it, as a file's reader sees them, or with the variable."""
    table, rest = error.path[:1], error.path[1:]
    if table in (("classes",), ("overrides",), ("models",)) and rest:
        table, rest = error.path[:2], error.path[2:]
    elif table and table[0] not in POLICY_TABLES:
        table, rest = ("policy",), error.path
    names = ".".join(_key(part) for part in table)
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in rest).lstrip(".")
    elsewhere = error.source is not None and not error.source.startswith(f"{FILE} [")
    where = error.source if elsewhere else f"{source} [{names}]"
    return ConfigurationError(field or names, error.problem, remedy=error.remedy, source=where)


def _key(part: str | int) -> str:
    text = str(part)
    bare = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return text if bare else f'"{text}"'
