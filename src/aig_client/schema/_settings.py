"""Where a client's settings come from: arguments, then the environment, then ``aig.toml``. Errors name the source."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ..core import ConfigurationError, base_url

ENVIRONMENT: Final[Mapping[str, tuple[str, ...]]] = {
    "account_id": ("CLOUDFLARE_ACCOUNT_ID", "CF_ACCOUNT_ID"),
    "gateway_id": ("AIG_GATEWAY_ID", "CLOUDFLARE_GATEWAY_ID"),
    "token": ("CF_AIG_TOKEN", "AIG_TOKEN"),
    "base_url": ("AIG_BASE_URL",),
    "edge": ("AIG_EDGE_URL",),
    "namespace": ("AIG_NAMESPACE",),
    "policy_epoch": ("AIG_POLICY_EPOCH",),
}
"""Field to environment variables, the first one set wins."""

FILE: Final = "aig.toml"
_TABLE: Final = "gateway"
OVERRIDE_PREFIX: Final = "AIG_MODEL__"
"""Variables that begin so override the models of route classes."""
POLICY_TABLES: Final = frozenset({"policy", "classes", "overrides", "models"})
"""Tables of the same file that `load_policy` reads."""
EDGE_TABLES: Final = frozenset({"edge", "principals"})
"""Tables of the same file that `compile_edge` reads, and a client leaves alone."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings with the source of each. ``has_policy``: file or environment hold what `load_policy` reads."""

    base_url: str
    token: str | None = field(default=None, repr=False)
    gateway_id: str | None = None
    namespace: str = ""
    policy_epoch: str = ""
    edge: str | None = None
    has_policy: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)

    def source_of(self, name: str) -> str:
        """Where a setting's value came from."""
        return self.sources.get(name, "default")


def load_settings(
    arguments: Mapping[str, str | None], *, path: str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Merge the three sources and check what comes out.

    Args:
        arguments: field to value; None means not given.
        path: an ``aig.toml`` to read instead of ``./aig.toml``. A file named here must exist.
        environ: instead of the process's environment.

    Raises:
        ConfigurationError: with the field and its source.
    """
    values, sources, has_policy = _from_file(path)
    environ = os.environ if environ is None else environ
    has_policy = has_policy or any(name.startswith(OVERRIDE_PREFIX) for name in environ)
    for name, variables in ENVIRONMENT.items():
        for variable in variables:
            if environ.get(variable):
                values[name], sources[name] = environ[variable], f"environment {variable}"
                break
    for name, value in arguments.items():
        if value is not None:
            values[name], sources[name] = value, "argument"
    return replace(_checked(values, sources), has_policy=has_policy)


def _checked(values: dict[str, str], sources: dict[str, str]) -> Settings:
    def blame(error: ConfigurationError) -> ConfigurationError:
        return ConfigurationError(
            error.field, error.problem, remedy=error.remedy, source=sources.get(error.field, "default")
        )

    url = values.get("base_url")
    if "edge" in values:
        url, sources["base_url"] = values["edge"], sources["edge"]
    # A more explicit account and gateway beat a base URL from a weaker source.
    named = [sources.get(name, "") for name in ("account_id", "gateway_id") if name in values]
    if url is None or (
        "edge" not in values and len(named) == 2 and min(map(_rank, named)) > _rank(sources["base_url"])
    ):
        for name in ("account_id", "gateway_id"):
            if name not in values:
                variables = " or ".join(ENVIRONMENT[name])
                raise ConfigurationError(
                    name, "is not set", remedy=f"Pass {name}=, set {variables}, or write it into [{_TABLE}] of {FILE}"
                )
        try:
            url = base_url(values["account_id"], values["gateway_id"])
        except ConfigurationError as error:
            raise blame(error) from None
        sources["base_url"] = sources["account_id"]
    return Settings(
        base_url=url,
        token=values.get("token"),
        gateway_id=values.get("gateway_id"),
        namespace=values.get("namespace", ""),
        policy_epoch=values.get("policy_epoch", ""),
        edge=values.get("edge"),
        sources=sources,
    )


def _rank(source: str) -> int:
    return 2 if source == "argument" else 1 if source.startswith("environment") else 0


def read_file(path: str | None) -> tuple[dict[str, object], str]:
    """The tables of a configuration file, and its name for errors. Without ``path`` a missing file is an empty one.

    Raises:
        ConfigurationError: it cannot be read, is not TOML, or has a table that we do not know.
    """
    file = Path(path) if path is not None else Path(FILE)
    if path is None and not file.is_file():
        return {}, str(file)
    try:
        document: dict[str, object] = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError("config", f"cannot be read ({error.strerror})", source=str(file)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("config", f"is not TOML: {error}", source=str(file)) from None
    for name in document:
        if name != _TABLE and name not in POLICY_TABLES | EDGE_TABLES:
            policy, edge = (", ".join(sorted(names)) for names in (POLICY_TABLES, EDGE_TABLES))
            raise ConfigurationError(
                name,
                "is no table we know",
                source=str(file),
                remedy=f"Settings go into [{_TABLE}], the policy into {policy}, the edge into {edge}",
            )
    return document, str(file)


def _from_file(path: str | None) -> tuple[dict[str, str], dict[str, str], bool]:
    document, file = read_file(path)
    table = document.get(_TABLE, {})
    if not isinstance(table, dict):
        raise ConfigurationError(_TABLE, "must be a table", source=file)
    values: dict[str, str] = {}
    for name, value in table.items():
        where = f"{file} [{_TABLE}]"
        if name == "token":
            raise ConfigurationError(name, "does not belong in a file", source=where, remedy="Set CF_AIG_TOKEN")
        if name not in ENVIRONMENT:
            known = ", ".join(sorted(set(ENVIRONMENT) - {"token"}))
            raise ConfigurationError(name, "is no setting", source=where, remedy=f"Known: {known}")
        if not isinstance(value, str):
            raise ConfigurationError(name, "must be a string", source=where)
        values[name] = value
    return values, dict.fromkeys(values, f"{file} [{_TABLE}]"), not POLICY_TABLES.isdisjoint(document)
