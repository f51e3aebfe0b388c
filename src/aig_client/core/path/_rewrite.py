"""What a route class changes in a body: tools, model, limits, prompt-cache marks. Nothing else is touched.

Trees are never changed in place. A function that has nothing to change gives back the same object, which is how a
caller knows that the bytes may stay; else a new tree shares every part that is not on the way to a change.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

from .._errors import Refused
from ..facts._catalog import Capabilities
from ..facts._classes import Limits, RouteClass
from ..facts._providers import PATH_MODEL, EndpointKind
from ..facts._shapes import Shape, shape_of
from ._prefix import mark_prefix
from ._read import wants_tools
from ._tools import Tree, deny_tools, inner_of, is_object, strip_tools, tools_elsewhere, with_inner

_MARKING: Final = frozenset({"provider-prefix", "both"})

_TEXT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of a body. ``changed`` is False where ``tree`` is the very object that came in.

    ``notes`` are sentences for ``Plan.reasons``: members and numbers, never content.
    """

    tree: object = field(repr=False)
    changed: bool
    notes: tuple[str, ...] = ()


def rewrite(
    kind: EndpointKind,
    provider: str,
    tree: object,
    route_class: RouteClass,
    *,
    model: str | None,
    capabilities: Capabilities | None,
    prefix_key: str | None,
    estimated_tokens: int | None,
    endpoint: str | None = None,
) -> Rewritten:
    """A body as its class wants it.

    Args:
        provider: who makes the answer; on ``/compat`` and REST the one that the model is of.
        model: the model to name, spelled as the surface spells it; None leaves the body's.
        capabilities: of the model that will answer, where they are known.
        prefix_key: OpenAI's ``prompt_cache_key``; requests with one key should share a prefix.
        estimated_tokens: of the prompt; None where nobody guessed.
        endpoint: the path after the provider. Where it only counts or lists (``/messages/count_tokens``), limits and
            marks are left alone. None takes it for one that generates.

    Raises:
        Refused: the class allows no tools and the request brings some, tools cannot be removed and leave the request
            valid, or a limit contradicts the request.
    """
    if kind == "universal" or not is_object(tree):
        return _left_alone(kind, tree, route_class)
    notes: list[str] = []
    new: object = tree
    if route_class.tools != "keep":
        new = _without_tools(kind, provider, new, route_class, notes)
    if model is not None:
        before, new = new, with_model(kind, new, model, endpoint=endpoint, provider=provider)
        if new is not before:
            notes.append("model: the body names the one that was chosen")
    shape = shape_of(kind, provider, tree)
    if endpoint is None or shape is None or not shape.ends or endpoint.endswith(shape.ends):
        new, limited = within_limits(kind, provider, new, route_class.limits, capabilities=capabilities)
        notes += limited
        if route_class.cache.strategy in _MARKING:
            new, note = mark_prefix(
                kind,
                new,
                capabilities,
                prefix_ttl=route_class.cache.prefix_ttl,
                key=prefix_key,
                estimated_tokens=estimated_tokens,
                provider=provider,
            )
            notes += [note] if note else []
    return Rewritten(new, new is not tree, tuple(notes))


def _left_alone(kind: EndpointKind, tree: object, route_class: RouteClass) -> Rewritten:
    if route_class.tools != "keep" and wants_tools(tree):
        deny_tools(kind, tree)
    if kind == "universal":
        return Rewritten(tree, False, ("a Universal request chooses for itself: its body stays",))
    return Rewritten(tree, False, ("the body is no JSON object: it stays",))


def _without_tools(
    kind: EndpointKind, provider: str, tree: object, route_class: RouteClass, notes: list[str]
) -> object:
    if tools_elsewhere(kind, tree, provider=provider):
        notes.append("tools: a stored prompt or cached content is named, whose tools are not seen")
    if route_class.tools == "deny":
        deny_tools(kind, tree, provider=provider)
        return tree
    stripped = strip_tools(kind, tree, provider=provider)
    if stripped.removed:
        notes.append(f"tools: removed {', '.join(stripped.removed)}")
    return stripped.tree


def with_model(
    kind: EndpointKind, tree: object, model: str, *, endpoint: str | None = None, provider: str | None = None
) -> object:
    """The tree with its ``model`` member replaced, or put last where there was none.

    The same object where it names this model already, and where the path is what names one (``path_with_model``).

    Raises:
        Refused: nobody told us where this endpoint's bodies name a model.
    """
    if not is_object(tree) or tree.get("model") == model:
        return tree
    shape = shape_of(kind, provider, tree)
    if (shape is not None and shape.model == "path") or (endpoint is not None and PATH_MODEL.fullmatch(endpoint)):
        return tree
    if shape is not None and shape.wrapped and "model" not in tree:
        return tree  # only an envelope names a model, so the path does
    if shape is None or shape.model == "unknown":
        raise Refused(
            f"cannot have its model replaced: we do not know where {kind} requests name it here",
            where="/model",
            remedy="Let the class keep the asked model (asked_model = 'keep')",
        )
    return {**tree, "model": model}


def within_limits(
    kind: EndpointKind,
    provider: str | None,
    tree: object,
    limits: Limits,
    *,
    capabilities: Capabilities | None = None,
) -> tuple[object, tuple[str, ...]]:
    """The tree within a class's limits, and sentences about what was moved; the same object where nothing was.

    Only numbers are moved; what is malformed is left to the provider, whose error says it better.

    Raises:
        Refused: the lower output limit would not leave room for the thinking budget that the request asks for.
    """
    shape = shape_of(kind, provider, tree)
    if shape is None or not is_object(tree):
        return tree, ()
    inner = inner_of(shape, tree)[1]
    if not any(name in inner for name in shape.conversation):
        return tree, ()
    notes: list[str] = []
    new = inner
    if limits.max_output_tokens is not None:
        new = _capped(shape, new, limits.max_output_tokens, capabilities, notes)
    if limits.min_temperature is not None or limits.max_temperature is not None:
        new = _tempered(shape, new, limits, capabilities, notes)
    return (tree if new is inner else with_inner(shape, tree, new)), tuple(notes)


def _config_of(shape: Shape, body: Tree) -> tuple[str, Tree | None]:
    """The object that holds the limits, and its member; None where it is malformed."""
    for name in shape.config:
        if body.get(name) is not None:
            found = body[name]
            return name, found if is_object(found) else None
    return (shape.config[0], {}) if shape.config else ("", body)


_YOUNGER: Final = "max_completion_tokens"
_OLDER: Final = "max_tokens"


def _capped(shape: Shape, body: Tree, most: int, model: Capabilities | None, notes: list[str]) -> Tree:
    name, config = _config_of(shape, body)
    if config is None:
        return body
    own = model.max_output_tokens if model is not None else None
    asked = [cap for cap in shape.caps if config.get(cap) is not None]
    if asked == [_YOUNGER] and shape.added_cap == _OLDER and (said := _number(shape, config[_YOUNGER])) is not None:
        # Hosts that copy OpenAI's older chat read only the older name, and some refuse both together.
        notes.append(f"output: {_YOUNGER} is called {_OLDER} here, at most {most}")
        return {**{key: value for key, value in body.items() if key != _YOUNGER}, _OLDER: min(said, most)}
    lowered = {cap: most for cap in asked if (_number(shape, config[cap]) or 0) > most}
    if lowered:
        _check_thinking(shape, body, config, most)
        notes.append(f"output: {', '.join(lowered)} lowered to {most}")
    elif asked or (own is not None and own <= most):
        return body  # more than a model can give is an error at some hosts
    elif shape.added_cap is not None:
        lowered = {shape.added_cap: most}
        notes.append(f"output: {shape.added_cap} set to {most}")
    else:
        notes.append("output: not limited, the request says no limit and none can be added here")
        return body
    moved: Tree = {**config, **lowered}
    return {**body, name: moved} if name else moved


def _check_thinking(shape: Shape, body: Tree, config: Tree, most: int) -> None:
    thinking = body.get("thinking") if shape.fixed_by_thinking else None
    budget = _number(shape, thinking.get("budget_tokens")) if is_object(thinking) else None
    # A budget above the limit that the caller set is interleaved thinking, which may have one.
    if budget is not None and most <= budget < max(_number(shape, config.get(cap)) or 0 for cap in shape.caps):
        raise Refused(
            f"does not fit below the {most} output tokens of the class",
            where="/thinking/budget_tokens",
            remedy="Ask for less thinking, or raise max_output_tokens of the class",
        )


def _tempered(shape: Shape, body: Tree, limits: Limits, capabilities: Capabilities | None, notes: list[str]) -> Tree:
    name, config = _config_of(shape, body)
    asked = None if config is None else _number(shape, config.get("temperature"))
    if config is None or asked is None:
        return body
    lowest, highest = limits.min_temperature, limits.max_temperature
    bound = lowest if lowest is not None and asked < lowest else asked
    bound = highest if highest is not None and bound > highest else bound
    if shape.top_temperature is not None and bound > asked:
        bound = max(asked, min(bound, shape.top_temperature))  # the class may ask for more than this provider takes
    if bound == asked:
        return body
    if _is_fixed(shape, body, capabilities):
        notes.append("temperature: left, the model takes no other one while it reasons")
        return body
    whole = isinstance(config["temperature"], int) and float(bound).is_integer()
    moved: Tree = {**config, "temperature": int(bound) if whole else bound}
    notes.append(f"temperature: moved to {moved['temperature']}")
    return {**body, name: moved} if name else moved


def _is_fixed(shape: Shape, body: Tree, capabilities: Capabilities | None) -> bool:
    thinking = body.get("thinking")
    if shape.fixed_by_thinking and is_object(thinking) and thinking.get("type") != "disabled":
        return True
    return shape.fixed_by_reasoning and capabilities is not None and capabilities.reasoning == "always"


_DIGITS: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")


def _number(shape: Shape, value: object) -> int | float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if shape.numbers_as_text and isinstance(value, str) and _DIGITS.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


def encode_body(tree: object) -> bytes:
    """The compact UTF-8 JSON of a tree: the same bytes on every Python, members in the order they stand in.

    A lone surrogate is written as its escape, which is how it came.

    Raises:
        Refused: NaN, an infinity, a cycle, too many levels, or a value that is not JSON.
    """
    try:
        # In UTF-8 text nothing but a lone surrogate cannot be encoded; Python's escape for it is JSON's.
        return _TEXT.encode(tree).encode("utf-8", "backslashreplace")
    except (TypeError, ValueError, RecursionError):
        raise Refused(
            "cannot be written as JSON: it holds NaN, an infinity or a value that is not JSON", where="body"
        ) from None
