"""The policy, and reading its compiled form: strict, by hand, with the standard library alone, so that a Worker can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, TypeVar, cast

from .._errors import pointer_token
from ..facts._catalog import Capabilities
from ..facts._classes import RouteClass
from ._policy_check import PolicyError, check_class
from ._policy_form import class_from_plain, list_at, members_at, object_at
from ._policy_value import (
    FORMAT,
    Override,
    Policy,
    builtin_policy,
    check_override,
    check_overrides,
    check_targets,
    digest_of,
    resolve_class,
)

__all__ = [
    "FORMAT",
    "Override",
    "Policy",
    "builtin_policy",
    "check_class",
    "check_override",
    "check_overrides",
    "check_targets",
    "digest_of",
    "policy_from_document",
    "resolve_class",
]

_V = TypeVar("_V")


class _Lazy(Mapping[str, _V], Generic[_V]):
    """Values that are made from their plain form when they are asked for: a policy carries hundreds of models."""

    __slots__ = ("_made", "_make", "_plain")

    def __init__(self, plain: Mapping[str, object], make: Callable[[str, object], _V]) -> None:
        self._plain = plain
        self._make = make
        self._made: dict[str, _V] = {}

    def __getitem__(self, name: str) -> _V:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._make(name, self._plain[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def __repr__(self) -> str:
        return f"<{len(self)} entries>"


def policy_from_document(document: object) -> Policy:
    """Read the compiled form.

    The models' rows are read when they are first needed: what is wrong inside one is raised then.

    Raises:
        ConfigurationError: another format, a digest that does not belong to the content, an unknown member, or what a
            policy refuses; the field is its JSON pointer (RFC 6901).
    """
    try:
        return _read(document)
    except PolicyError as error:
        raise error.pointer() from None


_MEMBERS: Final = frozenset(
    {"policy", "epoch", "providers", "default_class", "infer", "classes", "overrides", "models", "digest"}
)
_OVERRIDE: Final = frozenset({"model", "forced", "source"})


def _read(value: object) -> Policy:
    document = object_at(value)
    if document.get("policy") != FORMAT:
        raise PolicyError(("policy",), f"must be {FORMAT!r}", remedy="Compile the policy with this version")
    members_at(document, _MEMBERS)
    stamped = document.get("digest")
    if stamped is None:
        raise PolicyError(("digest",), "is missing")
    if stamped != digest_of(document):
        raise PolicyError(("digest",), "is not that of the content", remedy="Compile the policy again")
    policy = Policy(
        classes={
            name: _class_at(name, plain) for name, plain in object_at(document.get("classes", {}), "classes").items()
        },
        providers=tuple(cast("list[str]", list_at(document.get("providers", []), "providers"))),  # _check looks
        default_class=cast("str | None", document.get("default_class")),
        infer=cast("bool", document.get("infer", False)),
        overrides=dict(_overrides_in(document)),
        models=_Lazy(_models_in(document), _model_at),
        epoch=cast("str", document.get("epoch", "")),
    )
    policy._memo["digest"] = stamped  # noqa: SLF001  # our own module's
    return policy


def _class_at(name: str, plain: object) -> RouteClass:
    try:
        return class_from_plain(name, plain)
    except PolicyError as error:
        raise error.below("classes", name) from None


def _overrides_in(document: Mapping[str, object]) -> Iterator[tuple[tuple[str, str], Override]]:
    for name, by_provider in object_at(document.get("overrides", {}), "overrides").items():
        for provider, plain in object_at(by_provider, "overrides", name).items():
            found = members_at(plain, _OVERRIDE, "overrides", name, provider)
            if "model" not in found:
                raise PolicyError(("overrides", name, provider, "model"), "is missing")
            yield (name, provider), Override(**found)  # type: ignore[arg-type]  # _check looks


def _models_in(document: Mapping[str, object]) -> Mapping[str, object]:
    models = object_at(document.get("models", {}), "models")
    for name, row in models.items():
        found = object_at(row, "models", name)
        if f"{found.get('provider')}/{found.get('model')}" != name:
            raise PolicyError(("models", name), "does not hold the model of that name")
    return models


def _model_at(name: str, plain: object) -> Capabilities:
    return Capabilities.from_dict(object_at(plain, "models", name), where=f"/models{pointer_token(name)}")
