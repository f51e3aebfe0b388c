"""Overrides: the model that a class takes at one provider, from the environment or the file.

Python hook beats environment beats ``aig.toml`` beats the class itself. The hook is asked when a call is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..core.facts._providers import PROVIDERS
from ..core.path._policy import Override, Policy
from ..core.path._policy_check import PolicyError, nearest
from ._settings import OVERRIDE_PREFIX

FORCED: Final = "forced:"
_BY_NAME: Final[Mapping[str, str]] = {slug.upper().replace("-", "_"): slug for slug in PROVIDERS}


def parse_override(text: str, source: str) -> Override:
    """``model``, or ``forced:model`` where it is not to be held against the catalog."""
    forced = text.startswith(FORCED)
    return Override(text.removeprefix(FORCED).strip(), forced, source)


def overrides_from(environ: Mapping[str, str], policy: Policy) -> dict[tuple[str, str], Override]:
    """What ``AIG_MODEL__CLASS__PROVIDER`` variables say; an empty one says nothing.

    Raises:
        ConfigurationError: the name says no class or no provider, or two variables mean the same; the source names
            the variable.
    """
    found: dict[tuple[str, str], Override] = {}
    for variable, name, provider in _named(environ):
        source = f"environment {variable}"
        if name not in policy.classes:
            raise PolicyError(
                ("overrides", name), f"{name[:64]!r} is no class", remedy=nearest(name, policy.classes), source=source
            )
        slug = _BY_NAME.get(provider)
        if slug is None:
            raise PolicyError(
                ("overrides", name, provider.lower()),
                f"AI Gateway has no provider {provider.lower()!r}",
                remedy=nearest(provider.lower().replace("_", "-"), PROVIDERS),
                source=source,
            )
        if (name, slug) in found:
            raise PolicyError(
                ("overrides", name, slug), "is said twice", remedy="Unset one of the two variables", source=source
            )
        found[name, slug] = parse_override(environ[variable], source)
    return found


def _named(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Variable, class and provider as the variable spells it. Sorted: the environment's order decides nothing."""
    for variable in sorted(environ):
        if not variable.startswith(OVERRIDE_PREFIX) or not environ[variable]:
            continue
        name, mark, provider = variable.removeprefix(OVERRIDE_PREFIX).rpartition("__")
        if not (name and mark and provider):
            raise PolicyError(
                ("overrides",),
                "names no class and provider",
                remedy=f"Write it as {OVERRIDE_PREFIX}SUMMARY__GROQ",
                source=f"environment {variable}",
            )
        yield variable, name.lower(), provider.upper()
