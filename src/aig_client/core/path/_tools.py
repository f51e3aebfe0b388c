"""Tools of a request: taken away so that what is left is valid, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from .._errors import Refused, pointer_token
from ..facts._providers import EndpointKind
from ..facts._shapes import SEARCHING_MODELS, Shape, ToolHistory, shape_of
from ._read import wants_tools

Tree = dict[str, object]

_KEEP: Final = "Use a class that keeps tools, or take the tool calls and their results out of the history"
_NO_TOOLS: Final = "Send no tools, or use a class that keeps them"


@dataclass(frozen=True, slots=True)
class Stripped:
    """A tree without tools; ``removed`` names the members that are gone as JSON pointers."""

    tree: object = field(repr=False)
    removed: tuple[str, ...] = ()


def is_object(value: object) -> TypeGuard[Tree]:
    """Whether this is a JSON object."""
    return isinstance(value, dict)


def objects(value: object) -> Iterator[tuple[int, Tree]]:
    """The objects of a JSON array, with their indices."""
    for index, item in enumerate(_items(value)):
        if is_object(item):
            yield index, item


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def inner_of(shape: Shape, tree: Tree) -> tuple[str, Tree]:
    """The body itself, or the one that an envelope wraps (``/ai/run``), with the pointer to it."""
    wrapped = tree.get(shape.wrapped) if shape.wrapped else None
    return ("/" + shape.wrapped, wrapped) if is_object(wrapped) else ("", tree)


def with_inner(shape: Shape, tree: Tree, inner: Tree) -> Tree:
    """The tree around another inner body: the counterpart of ``inner_of``."""
    return {**tree, shape.wrapped: inner} if inner_of(shape, tree)[0] else inner


def strip_tools(
    kind: EndpointKind, tree: object, *, provider: str | None = None, check_history: bool = True
) -> Stripped:
    """The tree without its tools and without what is invalid beside none; the same object where there are none.

    Tool calls in the history stay where the provider documents that a request may show them and define no tools.
    With ``check_history=False`` they stay in any case: what to look at while the provider is not chosen yet, not what
    to send.

    Raises:
        Refused: the history shows tool use where that is not documented, or tools stand in a place we do not know.
    """
    stripped = Stripped(tree)
    _refuse_search(provider, tree)
    shape = shape_of(kind, provider, tree)
    if shape is not None and is_object(tree):
        stripped = _stripped(shape, tree, check_history=check_history)
    if wants_tools(stripped.tree):
        raise Refused(
            "brings tools that cannot be taken out: no such place is known of this endpoint",
            where=_first_tool(stripped.tree),
            remedy=_NO_TOOLS,
        )
    return stripped


def deny_tools(kind: EndpointKind, tree: object, *, provider: str | None = None) -> None:
    """Let a request pass that brings no tools. A history of tool calls is not denied.

    Raises:
        Refused: with the JSON pointer of the first member that brings them.
    """
    _refuse_search(provider, tree)
    shape = shape_of(kind, provider, tree)
    where: str | None = None
    if shape is not None and is_object(tree):
        pointer, inner = inner_of(shape, tree)
        found = [name for name in shape.tools if inner.get(name)]
        where = pointer + pointer_token(found[0]) if found else next(_tool_turns(shape, pointer, inner), None)
    if where is None and wants_tools(tree):
        where = _first_tool(tree)
    if where is not None:
        raise Refused("the class allows no tools", where=where, remedy=_NO_TOOLS)


def _refuse_search(provider: str | None, tree: object) -> None:
    """A model whose name asks for its host's web search is one with a tool, which only another name takes away."""
    suffix = SEARCHING_MODELS.get(provider or "")
    model = tree.get("model") if is_object(tree) else None
    if suffix is not None and isinstance(model, str) and model.endswith(suffix):
        raise Refused("names a model that searches the web", where="/model", remedy=f"Leave {suffix!r} out")


def tools_elsewhere(kind: EndpointKind, tree: object, *, provider: str | None = None) -> bool:
    """Whether the request names something stored that may bring tools, which nobody here can see."""
    shape = shape_of(kind, provider, tree)
    return shape is not None and is_object(tree) and any(tree.get(name) for name in shape.elsewhere)


def _stripped(shape: Shape, tree: Tree, *, check_history: bool) -> Stripped:
    pointer, inner = inner_of(shape, tree)
    names = (*shape.tools, *shape.beside_tools)
    turns = tuple(_tool_turns(shape, pointer, inner))
    defines = bool(turns) or any(inner.get(name) for name in shape.tools)
    if not defines and not any(inner.get(name) for name in names):
        return Stripped(tree)
    if check_history and defines and (where := _shown(shape.history, pointer, inner)) is not None:
        raise Refused(
            "the history shows tool use, and the provider does not document that it takes that without tools",
            where=where,
            remedy=_KEEP,
        )
    left = {name: value for name, value in inner.items() if name not in names}
    removed = [pointer + pointer_token(name) for name in inner if name in names]
    if turns:
        removed += turns
        for name in shape.history.turns:
            left[name] = [turn for turn in _items(left.get(name)) if not _is_tool_turn(shape, turn)]
    if shape.tool_includes and (includes := _without_includes(shape, left)):
        removed += includes
    return Stripped(with_inner(shape, tree, left), tuple(removed))


def _tool_turns(shape: Shape, pointer: str, inner: Tree) -> Iterator[str]:
    """The pointers of the turns that define tools."""
    for name in shape.history.turns if shape.tool_turns else ():
        for index, turn in enumerate(_items(inner.get(name))):
            if _is_tool_turn(shape, turn):
                yield f"{pointer}/{name}/{index}"


def _is_tool_turn(shape: Shape, turn: object) -> bool:
    kind = turn.get("type") if is_object(turn) else None
    return isinstance(kind, str) and kind in shape.tool_turns


def _without_includes(shape: Shape, left: Tree) -> list[str]:
    """Take the tools' outputs out of ``include`` of a tree that is ours alone; the pointers of what is gone."""
    asked = left.get("include")
    if not isinstance(asked, list):
        return []
    entries: list[object] = asked
    gone = [isinstance(entry, str) and shape.tool_includes in entry for entry in entries]
    if gone and all(gone):
        del left["include"]
    elif any(gone):
        left["include"] = [entry for entry, is_gone in zip(entries, gone, strict=True) if not is_gone]
    return [f"/include/{index}" for index, is_gone in enumerate(gone) if is_gone]


def _shown(history: ToolHistory, pointer: str, inner: Tree) -> str | None:
    """The pointer of the first sign of tool use that is not valid without tools."""
    if history.valid:
        return None
    for name in history.results:
        if inner.get(name):
            return pointer + pointer_token(name)
    for name in history.turns:
        for index, turn in objects(inner.get(name)):
            where = f"{pointer}/{name}/{index}"
            if _shows(history, turn):
                return where
            for at, block in objects(turn.get(history.blocks) if history.blocks else None):
                if _shows(history, block):
                    return f"{where}/{history.blocks}/{at}"
    return None


def _shows(history: ToolHistory, item: Tree) -> bool:
    role, kind = item.get("role"), item.get("type")
    if isinstance(role, str) and role in history.roles:
        return True
    if any(item.get(name) is not None and item[name] != [] for name in history.members):
        return True
    if not isinstance(kind, str) or kind in history.valid_types:
        return False
    return kind in history.types or kind.endswith(history.endings)


def _first_tool(tree: object) -> str:
    """The pointer of the first object (a Universal entry, an envelope) in which ``wants_tools`` sees tools."""
    outers = list(objects(tree)) if isinstance(tree, (list, tuple)) else []
    for index, entry in outers:
        if wants_tools(entry):
            return f"/{index}" + _first_tool(entry)
    if not is_object(tree):
        return ""
    for name in tree:
        if wants_tools({name: tree[name]}):
            below = tree[name] if name in ("input", "query", "additionalModelRequestFields") else None
            return pointer_token(name) + (_first_tool(below) if wants_tools(below) else "")
    return ""
