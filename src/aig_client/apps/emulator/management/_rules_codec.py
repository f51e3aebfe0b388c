"""Guardrails, DLP and spend limits between the API's spelling and `GatewaySettings` (contract 5, 6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from .._json import JsonObject, JsonValue
from .._settings import HAZARDS, MOST_SPEND_RULES, Action, Check, DlpPolicy, Guardrails, SpendRule, Technique
from ._fields import Fields

_ACTIONS: Sequence[Action] = ("FLAG", "BLOCK")
_CHECKS: Sequence[Check] = ("REQUEST", "RESPONSE")
_TECHNIQUES: Sequence[Technique] = ("fixed", "sliding")
_MOST_DOLLARS = 1e9
_LONGEST_WINDOW = 366 * 86_400
_LONGEST_NAME = 256
_MOST_POLICIES = 100

DEFAULT_POLICY = "default"
"""The id that the one policy of DLP's short shape gets; that shape has none."""

T = TypeVar("T", bound=str)


def read_guardrails(fields: Fields) -> Guardrails | None:
    inner = fields.inside("guardrails")
    if inner is None:
        return None
    inner.require("prompt", "response")
    return Guardrails(prompt=_hazards(inner, "prompt"), response=_hazards(inner, "response"))


def _hazards(fields: Fields, side: str) -> dict[str, Action]:
    inner = fields.inside(side)
    if inner is None:
        return {}
    rules: dict[str, Action] = {}
    for category in inner.names():
        action = one_of(inner, category, _ACTIONS)
        if category not in HAZARDS:
            inner.fail(category, "is not a category of guardrails")
        elif action is not None:
            rules[category] = action
    return rules


def write_guardrails(guardrails: Guardrails) -> JsonObject:
    prompt: JsonObject = dict(guardrails.prompt)
    response: JsonObject = dict(guardrails.response)
    return {"prompt": prompt, "response": response}


def read_dlp(fields: Fields) -> tuple[DlpPolicy, ...]:
    """Both shapes (contract 5). One that is not enabled as a whole has no policy that acts."""
    inner = fields.inside("dlp")
    if inner is None:
        return ()
    inner.require("enabled")
    enabled = inner.flag("enabled")
    policies = _policies(inner) if "policies" in inner.names() else _short_policy(inner)
    return policies if enabled else ()


def _short_policy(fields: Fields) -> tuple[DlpPolicy, ...]:
    fields.require("action", "profiles")
    action, profiles = one_of(fields, "action", _ACTIONS), fields.texts("profiles")
    # The short shape does not say what is checked; both sides, so that a caller sees every effect it can have.
    return (DlpPolicy(id=DEFAULT_POLICY, action=action or "BLOCK", checks=frozenset(_CHECKS), profiles=profiles),)


def _policies(fields: Fields) -> tuple[DlpPolicy, ...]:
    found: list[DlpPolicy] = []
    for item in fields.each("policies"):
        item.require("id", "action", "check", "enabled", "profiles")
        checks = tuple(check for check in item.texts("check") if check in _CHECKS)
        if len(checks) != len(item.texts("check")):
            item.fail("check", "must hold REQUEST or RESPONSE")
        policy = DlpPolicy(
            id=item.text("id", least=1, most=_LONGEST_NAME) or "",
            action=one_of(item, "action", _ACTIONS) or "BLOCK",
            checks=frozenset(check for check in _CHECKS if check in checks),
            profiles=item.texts("profiles"),
            enabled=item.flag("enabled") is True,
        )
        if any(policy.id == other.id for other in found):
            item.fail("id", "is there twice")
        found.append(policy)
    if len(found) > _MOST_POLICIES:
        fields.fail("policies", f"holds {len(found)}; at most {_MOST_POLICIES}")
    return tuple(found)


def write_dlp(policies: tuple[DlpPolicy, ...]) -> JsonObject:
    rows: list[JsonValue] = []
    for policy in policies:
        checks: list[JsonValue] = [check for check in _CHECKS if check in policy.checks]
        profiles: list[JsonValue] = list(policy.profiles)
        rows.append(
            {
                "id": policy.id,
                "action": policy.action,
                "check": checks,
                "enabled": policy.enabled,
                "profiles": profiles,
            }
        )
    return {"enabled": bool(policies), "policies": rows}


def read_spend_limits(fields: Fields) -> tuple[SpendRule, ...]:
    """The rules that act: none where `enabled` is false."""
    inner = fields.inside("spend_limits")
    if inner is None:
        return ()
    enabled = inner.flag("enabled")
    items = inner.each("rules")
    if len(items) > MOST_SPEND_RULES:
        inner.fail("rules", f"holds {len(items)}; at most {MOST_SPEND_RULES}")
        return ()
    used: set[str] = set()
    for item in items:
        given = item.text("id", most=_LONGEST_NAME)
        if given and given in used:
            item.fail("id", "is there twice")
        used.add(given or "")
    rules = tuple(_spend_rule(item, index, used) for index, item in enumerate(items, 1))
    return () if enabled is False else rules


def _spend_rule(fields: Fields, index: int, used: set[str]) -> SpendRule:
    fields.require("limit", "limitType", "window")
    fields.choice("limitType", ("cost",))
    # Deterministic: a counter belongs to its rule's id, and survives that the rule is put again (contract 5).
    name = fields.text("id", most=_LONGEST_NAME) or f"rule-{index}"
    while not fields.raw("id") and name in used:
        name += "-"
    return SpendRule(
        id=name,
        limit=fields.number("limit", 0, _MOST_DOLLARS) or 0,
        window=fields.whole("window", 1, _LONGEST_WINDOW) or 1,
        technique=one_of(fields, "technique", _TECHNIQUES) or "fixed",
        enabled=fields.flag("enabled") is not False,
        models=frozenset(_filtered(fields, "model")),
        providers=frozenset(_filtered(fields, "provider")),
        metadata=_dimensions(fields),
    )


def _filtered(fields: Fields, name: str) -> tuple[str, ...]:
    inner = fields.inside(name)
    if inner is None:
        return ()
    inner.require("mode", "values")
    inner.choice("mode", ("filter",))
    return inner.texts("values")


def _dimensions(fields: Fields) -> dict[str, frozenset[str] | None]:
    inner = fields.inside("metadata")
    if inner is None:
        return {}
    found: dict[str, frozenset[str] | None] = {}
    for key in inner.names():
        inner.require(key)
        dimension = inner.inside(key)
        if dimension is None:
            continue
        dimension.require("mode")
        mode = dimension.choice("mode", ("partition", "filter"))
        if mode == "filter":
            dimension.require("values")
        found[key] = frozenset(dimension.texts("values")) if mode == "filter" else None
    return found


def write_spend_limits(rules: tuple[SpendRule, ...]) -> JsonObject:
    rows: list[JsonValue] = [_spend_row(rule) for rule in rules]
    return {"enabled": bool(rules), "rules": rows}


def _spend_row(rule: SpendRule) -> JsonObject:
    row: JsonObject = {
        "id": rule.id,
        "enabled": rule.enabled,
        "limit": rule.limit,
        "limitType": "cost",
        "window": rule.window,
        "technique": rule.technique,
    }
    for name, values in (("model", rule.models), ("provider", rule.providers)):
        if values:
            row[name] = _filter_of(values)
    dimensions: JsonObject = {
        key: {"mode": "partition"} if values is None else _filter_of(values) for key, values in rule.metadata.items()
    }
    if dimensions:
        row["metadata"] = dimensions
    return row


def _filter_of(values: frozenset[str]) -> JsonObject:
    ordered: list[JsonValue] = list(sorted(values))  # noqa: C413 (the list's type is wider)
    return {"mode": "filter", "values": ordered}


def one_of(fields: Fields, name: str, options: Sequence[T]) -> T | None:
    """A choice, typed as one of its options."""
    found = fields.choice(name, options)
    return next((option for option in options if option == found), None)
