"""What `aig doctor` looks at, taken down once, so that every check is a function of a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypedDict

from ...core import ConfigurationError, Policy, Surface, declare, surface_of
from ...schema import ENVIRONMENT, Settings, load_policy, load_settings
from ...schema._settings import OVERRIDE_PREFIX, POLICY_TABLES, read_file

FILE: Final = "aig.toml"

_LOOKED_FOR: Final = (
    "aig-client",
    "anthropic",
    "cloudflare",
    "google-genai",
    "httpx",
    "httpx2",
    "openai",
    "pytest-httpx",
    "pytest-httpx2",
    "respx",
    "socksio",
)
_RETRIES: Final = re.compile(r"^DEFAULT_MAX_RETRIES(?:\s*:\s*[\w\[\]]+)?\s*=\s*(\d+)", re.MULTILINE)
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution that is installed. ``retries`` is an SDK's own default, where its source says it."""

    version: str
    requires: tuple[str, ...] = ()
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that checks may look at; made by ``survey``, or by hand in a test."""

    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    folder: Path = Path()
    file: str | None = field(default=None, repr=False)
    file_above: str | None = None
    installed: Mapping[str, Installed] = field(default_factory=dict[str, Installed])
    settings: Settings | None = None
    problem: ConfigurationError | None = None
    policy: Policy | None = None
    policy_problem: ConfigurationError | None = None
    policy_source: str = "built-in"
    override_problems: tuple[ConfigurationError, ...] = ()
    gateway_attempts: int | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def token(self) -> tuple[str | None, str | None]:
        """The Cloudflare token and its source; also where the other settings could not be read."""
        if self.settings is not None:
            return self.settings.token, self.settings.sources.get("token")
        given = [name for name in ENVIRONMENT["token"] if self.environ.get(name)]
        return (self.environ[given[0]], f"environment {given[0]}") if given else (None, None)

    @property
    def surface(self) -> Surface | None:
        """What the base URL is, seen as the client sees it: with a provider below it, and declared by being set."""
        if self.settings is None:
            return None
        base = self.settings.base_url.rstrip("/")
        try:
            return surface_of(f"{base}/openai", gateways=()) or surface_of(f"{base}/openai", gateways=declare((base,)))
        except ConfigurationError:
            return None


def survey(
    environ: Mapping[str, str], folder: Path, *, base_url: str | None = None, gateway_attempts: int | None = None
) -> Situation:
    """Take down the situation of a process. Nothing is sent, and no SDK is imported."""
    file, now = folder / FILE, datetime.now(UTC)
    settings = problem = None
    try:
        there = file.is_file()
        settings = load_settings({"base_url": base_url}, path=str(file) if there else None, environ=environ)
    except ConfigurationError as error:
        problem = error
    except OSError as error:
        problem = ConfigurationError("config", f"cannot be read ({error.strerror})", source=FILE)
    return Situation(
        environ=environ,
        folder=folder,
        file=_text(file),
        file_above=_above(folder),
        now=now,
        **_policy(file, environ, now.date().isoformat()),
        installed={name: found for name in _LOOKED_FOR if (found := _installed(name)) is not None},
        settings=settings,
        problem=problem,
        gateway_attempts=gateway_attempts,
    )


class _PolicyFound(TypedDict, total=False):
    policy: Policy
    policy_problem: ConfigurationError
    policy_source: str
    override_problems: tuple[ConfigurationError, ...]


def _policy(file: Path, environ: Mapping[str, str], today: str) -> _PolicyFound:
    """The policy as the client would have it; each override by itself, since loading stops at the first mistake."""
    try:
        path = str(file) if file.is_file() else None
        source = "built-in" if path is None or POLICY_TABLES.isdisjoint(read_file(path)[0]) else FILE
        policy = load_policy(path, environ={}, today=today)
    except ConfigurationError as error:
        return {"policy_problem": error, "policy_source": FILE}
    except OSError:  # the settings say so
        return {}
    good: dict[str, str] = {}
    problems: list[ConfigurationError] = []
    for name in sorted(environ):
        if not name.startswith(OVERRIDE_PREFIX):
            continue
        try:
            policy = load_policy(path, environ={**good, name: environ[name]}, today=today)
        except ConfigurationError as error:
            problems.append(error)
        else:
            good[name] = environ[name]
    return {"policy": policy, "policy_source": source, "override_problems": tuple(problems)}


def _text(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return None


def _above(folder: Path) -> str | None:
    try:
        found = next((each for each in folder.resolve().parents if (each / FILE).is_file()), None)
    except OSError:
        return None
    return str(found / FILE) if found is not None else None


def _installed(name: str) -> Installed | None:
    try:
        found = distribution(name)
        return Installed(found.version, tuple(found.requires or ()), _retries(name))
    except (PackageNotFoundError, OSError, ValueError):
        return None


def _retries(name: str) -> int | None:
    """The default of an SDK's ``max_retries``, read from its source: importing an SDK takes a second."""
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        return None
    try:
        source = (Path(spec.origin).parent / "_constants.py").read_text("utf-8")
    except (OSError, UnicodeError):
        return None
    found = _RETRIES.search(source)
    return int(found[1]) if found else None
