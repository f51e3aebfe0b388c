"""The policy: which classes there are, which models and providers they may use, and who overrode what.

Its compiled form is one plain JSON object, `aig-policy/1`; see `policy_from_document`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Final

from .._canon import canonical_json
from .._errors import ConfigurationError, Unkeyable
from ..facts._builtin_classes import BUILTIN_CLASSES
from ..facts._catalog import Capabilities
from ..facts._catalog_lookup import Catalog, builtin_catalog
from ..facts._classes import RouteClass, Target
from ._policy_check import PolicyError, check_class, flag_at, known_model, known_provider, nearest, text_at
from ._policy_form import Plain, class_as_plain
from ._policy_models import check_all_capable, check_capable

FORMAT: Final = "aig-policy/1"
_MEMO_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Override:
    """The model that a class takes at one provider, whatever it would have chosen there.

    Attributes:
        model: as the provider spells it.
        forced: not held against the catalog.
        source: where it was said: ``environment AIG_MODEL__...``, ``aig.toml [overrides....]``, ``choose_model``.
    """

    model: str
    forced: bool = False
    source: str = ""


def _key(item: tuple[tuple[str, str], Override]) -> tuple[str, str]:
    return item[0]


def _nothing() -> Mapping[str, Capabilities]:
    return MappingProxyType({})


def _no_overrides() -> Mapping[tuple[str, str], Override]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What route classes there are, and what they may use.

    Attributes:
        classes: by name.
        providers: the slugs that may be used, in order; empty: only the one that a request addresses.
        default_class: holds for requests that name none; None leaves them alone.
        infer: a class is inferred for requests that name none.
        overrides: by class and provider.
        models: what models can do, by ``provider/model``; a policy that holds any decides by these alone, one that
            holds none by the built-in catalog.
        epoch: a name for this policy, for people and for cache keys.

    Raises:
        ConfigurationError: at construction, naming the field by its dotted path.
    """

    classes: Mapping[str, RouteClass]
    providers: tuple[str, ...] = ()
    default_class: str | None = None
    infer: bool = False
    overrides: Mapping[tuple[str, str], Override] = field(default_factory=_no_overrides)
    models: Mapping[str, Capabilities] = field(default_factory=_nothing)
    epoch: str = ""
    _memo: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)
    _spelled: dict[tuple[str, tuple[Target, ...]], tuple[Capabilities, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        # Sorted, so that the order in which somebody wrote them down decides nothing.
        object.__setattr__(self, "classes", MappingProxyType(dict(sorted(self.classes.items()))))
        object.__setattr__(self, "overrides", MappingProxyType(dict(sorted(self.overrides.items(), key=_key))))
        _check(self)

    def route_class(self, name: str) -> RouteClass:
        """A class by its name.

        Raises:
            ConfigurationError: there is none; the nearest name and all names are given.
        """
        found = self.classes.get(name)
        if found is None:
            raise ConfigurationError(
                "route_class", f"the policy has no class {name[:64]!r}", remedy=nearest(name[:64], self.classes)
            )
        return found

    @property
    def catalog(self) -> Catalog:
        """The models that this policy knows."""
        if not self.models:
            return builtin_catalog()
        known = self._memo.get("catalog")
        if not isinstance(known, Catalog):
            known = self._memo["catalog"] = Catalog(tuple(self.models.values()))
        return known

    def candidates(self, route_class: RouteClass) -> tuple[Capabilities, ...]:
        """What a class's model is chosen from: the catalog, and targets that are spelled otherwise than there.

        The same tuple for the same class, so that what is worked out from it can be remembered.
        """
        memo = (route_class.name, route_class.targets)
        known = self._spelled.get(memo)
        if known is None:
            names = [(target.provider, target.model) for target in route_class.targets]
            names += [(at, one.model) for (name, at), one in self.overrides.items() if name == route_class.name]
            if len(self._spelled) >= _MEMO_MAX:
                self._spelled.clear()
            known = self._spelled[memo] = _with_spellings(self.catalog, names)
        return known

    @property
    def digest(self) -> str:
        """``sha256:`` and the SHA-256 of the compiled form (RFC 8785, without its digest), in hex."""
        known = self._memo.get("digest")
        if not isinstance(known, str):
            known = self._memo["digest"] = digest_of(self._body())
        return known

    def as_document(self) -> Plain:
        """The compiled form: plain JSON values, the same for the same policy.

        Raises:
            ConfigurationError: text that UTF-8 cannot carry.
        """
        body = self._body()  # with every field: a document that left some out had another digest
        return {**body, "digest": digest_of(body)}

    def _body(self) -> Plain:
        overrides: dict[str, dict[str, object]] = {}
        for (name, provider), one in self.overrides.items():
            entry = {"model": one.model, "forced": one.forced, "source": one.source}
            overrides.setdefault(name, {})[provider] = entry
        return {
            "policy": FORMAT,
            "epoch": self.epoch,
            "providers": list(self.providers),
            "default_class": self.default_class,
            "infer": self.infer,
            "classes": {name: class_as_plain(self.classes[name]) for name in self.classes},
            "overrides": overrides,
            "models": {name: self.models[name].as_dict() for name in sorted(self.models)},
        }

    def with_overrides(self, overrides: Mapping[tuple[str, str], Override], today: str | None = None) -> Policy:
        """This policy with further overrides, which beat those it has; all are checked, see `check_override`."""
        if not overrides:
            return self
        joined = replace(self, overrides={**self.overrides, **overrides})
        check_overrides(joined, overrides, today)
        return joined


def _with_spellings(catalog: Catalog, names: list[tuple[str, str]]) -> tuple[Capabilities, ...]:
    """The catalog's rows, and one for each alias, dated snapshot or prefixed name: it is sent as it was written."""
    known = {(row.provider, row.model) for row in catalog.rows}
    more = [
        replace(row, model=model, aliases=())
        for provider, model in dict.fromkeys(names)
        if (provider, model) not in known and (row := catalog.get(provider, model)) is not None
    ]
    return (*catalog.rows, *more) if more else catalog.rows


def _check(policy: Policy) -> None:
    if not policy.classes:
        raise PolicyError(("classes",), "is empty, so nothing could be decided")
    for name, one in policy.classes.items():
        try:
            check_class(one)
        except PolicyError as error:
            raise error.below("classes", name) from None
        if one.name != name:
            raise PolicyError(("classes", name), f"holds the class {one.name!r}")
    for index, slug in enumerate(policy.providers):
        known_provider(slug, "providers", index)
        if slug in policy.providers[:index]:
            raise PolicyError(("providers", index), f"{slug} is there twice")
    default = policy.default_class
    if default is not None and default not in policy.classes:
        raise PolicyError(("default_class",), f"{default!r} is no class", remedy=nearest(str(default), policy.classes))
    flag_at(policy.infer, "infer")
    if policy.infer and default is not None:
        raise PolicyError(("infer",), "does nothing beside default_class", remedy="Keep one of the two")
    text_at(policy.epoch, "epoch")
    _check_usable(policy)


def _check_usable(policy: Policy) -> None:
    """Overrides and targets that exist, at providers that the policy may use."""
    for (name, provider), one in policy.overrides.items():
        try:
            _check_override(policy, name, provider, one)
        except PolicyError as error:
            raise error.said_in(one.source) from None
    for name, route_class in policy.classes.items():
        for index, target in enumerate(route_class.targets):
            _check_provider_usable(policy, target.provider, "classes", name, "targets", index, "provider")


def _check_override(policy: Policy, name: str, provider: str, one: Override) -> None:
    at = ("overrides", name, provider)
    text_at(one.source, *at, "source")
    flag_at(one.forced, *at, "forced")
    if name not in policy.classes:
        raise PolicyError(at[:2], f"{name[:64]!r} is no class", remedy=nearest(name[:64], policy.classes))
    known_provider(provider, *at)
    known_model(one.model, *at, "model")
    _check_provider_usable(policy, provider, *at)


def _check_provider_usable(policy: Policy, provider: str, *path: str | int) -> None:
    if policy.providers and provider not in policy.providers:
        raise PolicyError(
            path, f"{provider} is not among the policy's providers", remedy="Add it to providers, or take it out here"
        )


def check_override(
    policy: Policy, route_class: RouteClass, provider: str, model: str, *, forced: bool, today: str | None
) -> None:
    """Hold a model that somebody chose for a class at a provider against the policy's catalog.

    ``forced`` lets an unknown, retired or incapable model pass; provider and spelling are checked all the same.
    ``today`` (``YYYY-MM-DD``) None judges a retirement by the day on which the catalog's row was written.

    Raises:
        ConfigurationError: with the reason.
    """
    path = ("overrides", route_class.name, provider)
    known_provider(provider, *path)
    known_model(model, *path)
    _check_provider_usable(policy, provider, *path)
    if not forced:
        target = Target(provider=provider, model=model)
        check_capable(policy.catalog, route_class, target, today, path=path, otherwise=", or mark it as forced")


def check_overrides(policy: Policy, overrides: Mapping[tuple[str, str], Override], today: str | None = None) -> None:
    """`check_override` for each; the error names the override's source."""
    for (name, provider), one in sorted(overrides.items(), key=_key):
        try:
            check_override(policy, policy.route_class(name), provider, one.model, forced=one.forced, today=today)
        except PolicyError as error:
            raise error.said_in(one.source) from None


def check_targets(policy: Policy, today: str | None = None) -> None:
    """Hold every class's targets against the policy's catalog: each must be known and able to do what it is for.

    A retired one among others is no error: it is passed over when a model is chosen.

    Raises:
        ConfigurationError: with the reason.
    """
    for name, one in policy.classes.items():
        check_all_capable(policy.catalog, one, today, path=("classes", name))


def resolve_class(
    policy: Policy, *, explicit: str | None = None, default: str | None = None, inferred: str | None = None
) -> tuple[RouteClass, str]:
    """The class of a request, and who said so, in this order.

    Args:
        policy: its ``default_class`` comes third.
        explicit: named by the call.
        default: the client's own default.
        inferred: what the request looks like.

    Raises:
        ConfigurationError: an unknown class, or nobody names one.
    """
    for name, why in (
        (explicit, "named by the call"),
        (default, "the client's default"),
        (policy.default_class, "the policy's default"),
        (inferred, "inferred from the request"),
    ):
        if name is not None:
            return policy.route_class(name), why
    raise ConfigurationError("route_class", "is not named, and the policy has no default", remedy="Name one")


@cache
def builtin_policy() -> Policy:
    """The ten built-in classes, no default, no inference, the built-in catalog."""
    return Policy(classes=BUILTIN_CLASSES)


def digest_of(body: Mapping[str, object]) -> str:
    """The digest that belongs into a document; a ``digest`` in it does not count.

    Raises:
        ConfigurationError: what JSON, or every reader of it, cannot carry; with its JSON pointer.
    """
    try:
        text = canonical_json({name: value for name, value in body.items() if name != "digest"})
    except Unkeyable as error:
        raise ConfigurationError(error.pointer or "policy", error.problem, remedy=error.remedy) from None
    return f"sha256:{hashlib.sha256(text).hexdigest()}"
