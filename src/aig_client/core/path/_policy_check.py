"""What every route class must keep to, wherever it was written: the one place where a policy is judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from operator import attrgetter
from typing import Final, get_args

from .._errors import ConfigurationError, closest, pointer_token
from ..facts._builtin_classes import NEVER_CACHED
from ..facts._catalog import StructuredOutput
from ..facts._classes import AskedModel, CacheStrategy, RouteClass, Strategy, ToolRule
from ..facts._headers import METADATA_MAX, GatewayMetadata
from ..facts._providers import PROVIDERS
from ._addressing import AUTO

PathTo = tuple[str | int, ...]
MOST_FALLBACKS: Final = 4
MOST_TARGETS: Final = 64
_SAFE: Final = 2**53 - 1  # exact in JavaScript too
_LONGEST: Final = 86_400  # seconds in a day
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MODEL: Final = re.compile(r"[\x21-\x7e]{1,256}")
_RESPONSE: Final = ("response", "both")
_PREFIX: Final = ("provider-prefix", "both")


class PolicyError(ConfigurationError):
    """What is wrong with a policy, by its path: code that knows the place it came from names that instead."""

    def __init__(self, path: PathTo, problem: str, *, remedy: str | None = None, source: str | None = None) -> None:
        super().__init__(".".join(map(str, path)), problem, remedy=remedy, source=source)
        self.path = path

    def below(self, *path: str | int) -> PolicyError:
        """The same error seen from above."""
        return PolicyError((*path, *self.path), self.problem, remedy=self.remedy, source=self.source)

    def said_in(self, source: object) -> PolicyError:
        """The same error, and where it was said."""
        named = source if isinstance(source, str) and source else None
        return PolicyError(self.path, self.problem, remedy=self.remedy, source=named)

    def pointer(self) -> ConfigurationError:
        """The same error with its JSON pointer (RFC 6901) as field."""
        field = "".join(map(pointer_token, self.path))
        return ConfigurationError(field or "policy", self.problem, remedy=self.remedy, source=self.source)


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a name that is not known."""
    names = sorted(known)
    close = closest(name.lower(), names)
    return (f"Did you mean {close!r}? " if close else "") + f"There are: {', '.join(names)}"


def check_class(route_class: RouteClass) -> None:
    """Check one class by itself: ranges, words, and what contradicts itself or could never act.

    Raises:
        ConfigurationError: with the field's dotted path in the class.
    """
    for path, read, check in _FIELDS:
        _judge(check, read(route_class), path)
    _check_name(route_class.name)
    _check_targets(route_class)
    _check_cache(route_class)
    _check_headers(route_class)
    _check_contradictions(route_class)


def known_provider(slug: object, *path: str | int) -> str:
    """A provider's slug, checked."""
    if not isinstance(slug, str) or slug not in PROVIDERS:
        raise PolicyError(path, f"AI Gateway has no provider {_short(slug)}", remedy=nearest(str(slug), PROVIDERS))
    return slug


def known_model(model: object, *path: str | int) -> str:
    """A model's name, as far as it can be checked without a catalog."""
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        raise PolicyError(path, "must be 1 to 256 visible ASCII characters")
    return model


def flag_at(value: object, *path: str | int) -> None:
    """A flag, checked."""
    _judge(_flag, value, path)


def text_at(value: object, *path: str | int) -> None:
    """A short text, checked."""
    _judge(_text, value, path)


def _judge(check: _Check, value: object, path: PathTo) -> None:
    problem = check(value)
    if problem is not None:
        raise PolicyError(path, problem)


def _short(value: object) -> str:
    return repr(value[:64] if isinstance(value, str) else value)


# --- One field at a time -----------------------------------------------------------------------------

_Check = Callable[[object], str | None]


def _word(words: tuple[object, ...]) -> _Check:
    text = f"must be one of {', '.join(map(str, words))}"
    return lambda value: None if isinstance(value, str) and value in words else text


def _whole(least: int, most: int) -> _Check:
    text = f"must be a whole number from {least} to {most}"
    return lambda value: None if type(value) is int and least <= value <= most else text


def _number(least: float, most: float, text: str) -> _Check:
    def check(value: object) -> str | None:
        fits = type(value) in (int, float) and isinstance(value, (int, float)) and isfinite(value)
        return None if fits and least <= value <= most else text  # type: ignore[operator]

    return check


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and len(value) <= 1000 else "must be a string of at most 1000 characters"


def _or_none(check: _Check) -> _Check:
    return lambda value: None if value is None else check(value)


_SECONDS: Final = _or_none(_number(0.001, _LONGEST, f"must be a number of seconds from 0.001 to {_LONGEST}"))
_TEMPERATURE: Final = _or_none(_number(0, 2, "must be a number from 0 to 2"))
_WEIGHT: Final = _whole(0, 10)
_SHARE: Final = _whole(0, 1_000_000)
_ROWS: Final[tuple[tuple[str, _Check], ...]] = (
    ("description", _text),
    ("strategy", _word(get_args(Strategy))),
    *((f"weights.{term}", _WEIGHT) for term in ("cost", "speed", "quality", "context")),
    *((f"requirements.{one}", _flag) for one in ("tools", "vision", "audio", "streaming", "web_search")),
    ("requirements.structured_output", _or_none(_word(get_args(StructuredOutput)))),
    ("requirements.context", _whole(0, _SAFE)),
    ("requirements.reasoning", _word(("allowed", "required", "forbidden"))),
    ("requirements.reasoning_traces", _word(("allowed", "forbidden"))),
    ("cache.strategy", _word(get_args(CacheStrategy))),
    ("cache.ttl", _or_none(_whole(60, 2_592_000))),
    ("cache.scope", _word(("tenant", "shared"))),
    ("cache.prefix_ttl", lambda value: None if value in (300, 3600) else "must be 300 or 3600"),
    ("tools", _word(get_args(ToolRule))),
    ("limits.max_output_tokens", _or_none(_whole(1, _SAFE))),
    ("limits.min_temperature", _TEMPERATURE),
    ("limits.max_temperature", _TEMPERATURE),
    ("limits.request_timeout", _SECONDS),
    ("limits.deadline", _SECONDS),
    ("fallbacks", _whole(0, MOST_FALLBACKS)),
    ("log_payload", _or_none(_flag)),
    ("asked_model", _word(get_args(AskedModel))),
    *((name, _flag) for name in ("require_price", "external_billing", "side_effects")),
)
_FIELDS: Final[tuple[tuple[PathTo, Callable[[RouteClass], object], _Check], ...]] = tuple(
    (tuple(name.split(".")), attrgetter(name), check) for name, check in _ROWS
)


# --- Several fields together -------------------------------------------------------------------------


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PolicyError(("name",), "must be lower case: a letter, then at most 63 letters, digits and _")
    if name == AUTO:
        raise PolicyError(("name",), f"{AUTO!r} asks for the class that fits the request, so it can name none")


def _check_targets(one: RouteClass) -> None:
    seen: set[str] = set()
    if len(one.targets) > MOST_TARGETS:
        raise PolicyError(("targets",), f"has more than {MOST_TARGETS} entries")
    for index, target in enumerate(one.targets):
        known_provider(target.provider, "targets", index, "provider")
        known_model(target.model, "targets", index, "model")
        _judge(_SHARE, target.weight, ("targets", index, "weight"))
        if target.weight != 1 and one.strategy != "weighted":
            raise PolicyError(
                ("targets", index, "weight"),
                f"does nothing where the strategy is {one.strategy!r}",
                remedy="Set strategy to 'weighted', or leave the weight out",
            )
        if target.name in seen:
            raise PolicyError(("targets", index), f"{target.name} is there twice")
        seen.add(target.name)
    if one.strategy in ("fixed", "weighted") and not one.targets:
        raise PolicyError(("targets",), f"is empty, and the strategy {one.strategy!r} chooses among targets")
    if one.strategy == "weighted" and not any(target.weight for target in one.targets):
        raise PolicyError(("targets",), "has no weight above 0, so nothing could be chosen")
    if one.strategy == "score" and not any(
        (one.weights.cost, one.weights.speed, one.weights.quality, one.weights.context)
    ):
        raise PolicyError(("weights",), "are all 0, so nothing could be compared")


def _check_cache(one: RouteClass) -> None:
    cache = one.cache
    caches = cache.strategy in _RESPONSE
    why = (
        "has side effects, which a cached response would not repeat"
        if one.side_effects
        else "requires tools, and a cached tool call would be carried out again"
        if one.requirements.tools
        else "is a class of side effects by its name"
        if one.name in NEVER_CACHED
        else None
    )
    if caches and why is not None:
        raise PolicyError(
            ("cache", "strategy"),
            f"{cache.strategy!r} is refused: the class {why}",
            remedy="Use 'off' or 'provider-prefix'",
        )
    if caches and cache.ttl is None:
        raise PolicyError(("cache", "ttl"), f"is needed by {cache.strategy!r}", remedy="Use 60 to 2592000 seconds")
    if not caches and cache.ttl is not None:
        raise PolicyError(("cache", "ttl"), f"does nothing where the strategy is {cache.strategy!r}")
    if not caches and cache.scope != "tenant":
        raise PolicyError(("cache", "scope"), f"does nothing where the strategy is {cache.strategy!r}")
    if cache.strategy not in _PREFIX and cache.prefix_ttl != 300:
        raise PolicyError(("cache", "prefix_ttl"), f"does nothing where the strategy is {cache.strategy!r}")


_RETRY_FIELDS: Final = {"max_attempts": "max_attempts", "retry_delay_ms": "delay", "backoff": "backoff"}


def _check_headers(one: RouteClass) -> None:
    """What becomes a header is judged by the contract's own rows."""
    _check_entries(one)
    if one.retries is None and not one.metadata:
        return
    retries = one.retries
    try:
        GatewayMetadata(
            max_attempts=retries.max_attempts if retries is not None else None,
            retry_delay_ms=retries.delay if retries is not None else None,
            backoff=retries.backoff if retries is not None else None,
            metadata=one.metadata,
        )
    except ConfigurationError as error:
        if error.field in _RETRY_FIELDS:
            raise PolicyError(("retries", _RETRY_FIELDS[error.field]), error.problem, remedy=error.remedy) from None
        name = next((name for name in one.metadata if error.field == f"metadata[{name!r}]"), None)
        at = ("metadata",) if name is None else ("metadata", str(name))
        raise PolicyError(at, error.problem, remedy=error.remedy) from None
    if retries is not None and retries.max_attempts is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise PolicyError(("retries", "max_attempts"), "is missing")  # from untyped callers


def _check_entries(one: RouteClass) -> None:
    if not isinstance(one.metadata, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PolicyError(("metadata",), "must be a mapping of names to scalars")
    if len(one.metadata) >= METADATA_MAX:
        raise PolicyError(
            ("metadata",),
            f"has {len(one.metadata)} entries, and with route_class Cloudflare keeps {METADATA_MAX}",
            remedy=f"Keep {METADATA_MAX - 1}",
        )
    for name, value in one.metadata.items():
        if name == "route_class":
            raise PolicyError(("metadata", name), "is stamped with the class's name already")
        if isinstance(value, (int, float)) and not -_SAFE <= value <= _SAFE:
            raise PolicyError(("metadata", name), "is a number that readers of JSON do not agree on")


def _check_contradictions(one: RouteClass) -> None:
    limits = one.limits
    low, high = limits.min_temperature, limits.max_temperature
    if low is not None and high is not None and low > high:
        raise PolicyError(("limits", "min_temperature"), "is above max_temperature")
    timeout, deadline = limits.request_timeout, limits.deadline
    if timeout is not None and deadline is not None and timeout > deadline:
        raise PolicyError(("limits", "request_timeout"), "is longer than the deadline, which ends the call before")
    if one.requirements.tools and one.tools != "keep":
        raise PolicyError(("tools",), f"{one.tools!r} contradicts requirements.tools")
