"""What one request may use at the most, model by model: its questions, what goes in, what comes out, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._values import Plan
from ..facts._catalog_lookup import builtin_catalog, price_of
from ..facts._cost import estimate_cost
from ..facts._providers import MUTE_ENDPOINTS, EndpointKind, kind_of, model_in_path
from ..facts._shapes import shape_of
from ..facts._surfaces import Surface, named
from ..facts._tiers import tiers_asked
from ._named import answers_in, bounds_in, is_bounded, models_beside, tokens_in
from ._read import Call, model_of
from ._reading import CHARACTERS_PER_TOKEN
from ._work import work_of

if TYPE_CHECKING:
    from ..facts._catalog import Capabilities
    from ..facts._prices import Price, Tier

USUAL_OUTPUT: Final = 4096
"""Tokens that are held for an answer where neither the request nor the catalog bounds it."""

_MUTE_KINDS: Final = frozenset[EndpointKind]({"embeddings"})
UNSEEN: Final = 1024
"""Characters of a body that need not be text for a model: names, punctuation, settings. What is beyond them and was
not seen as text, or as a picture, a sound or a film, is taken for text that was not found."""


@dataclass(frozen=True, slots=True)
class Question:
    """A body, and one model that may answer it. ``model`` None: one that the catalog does not know."""

    kind: EndpointKind
    endpoint: str
    tree: object
    provider: str | None
    model: Capabilities | None


def questions_of(call: Call, plan: Plan, surface: Surface) -> Iterator[Question]:
    """Every question that a request may become: of a Universal request each entry, else each model that may answer.

    One of them is answered, and those that fail before it cost nothing; so the most is that of the dearest.
    """
    tree = call.request.tree
    if surface.kind == "universal":
        for entry in tree if isinstance(tree, list) and tree else [tree]:
            yield from _entry(entry)
        return
    tree = _unwrapped(tree)
    provider, model = named(surface, plan.model or model_of(surface, call.request.tree))
    first = plan.capabilities or _known(provider, model)
    yield Question(surface.kind, surface.endpoint, tree, first.provider if first is not None else provider, first)
    for other in models_beside(tree):
        yield Question(surface.kind, surface.endpoint, tree, provider, _known(provider, other))
    if plan.selection is not None and plan.fallbacks:
        for candidate in plan.selection.ranking[1 : 1 + len(plan.fallbacks)]:
            yield Question(surface.kind, surface.endpoint, tree, candidate.model.provider, candidate.model)


def _unwrapped(tree: object) -> object:
    """Only entries of a Universal request wrap a body in ``query``: a member of that name hides nothing beside it."""
    if isinstance(tree, dict) and isinstance(tree.get("query"), dict):
        return {**tree, "query": [tree["query"]]}
    return tree


def _entry(entry: object) -> Iterator[Question]:
    said = entry if isinstance(entry, dict) else {}
    provider, endpoint, tree = said.get("provider"), said.get("endpoint"), _unwrapped(said.get("query"))
    path = "/" + (endpoint if isinstance(endpoint, str) else "").partition("?")[0].strip("/")
    model = model_in_path(path) or (tree.get("model") if isinstance(tree, dict) else None)
    slug = provider if isinstance(provider, str) else None
    for one in (model, *models_beside(tree)):
        yield Question(kind_of(path), path, tree, slug, _known(slug, one if isinstance(one, str) else None))


def _known(provider: str | None, model: str | None) -> Capabilities | None:
    return builtin_catalog().get(provider, model) if provider is not None and model is not None else None


def tokens_of(question: Question, body: bytes) -> tuple[int, int]:
    """The most that goes in and the most that comes out. ``body`` is all that was sent."""
    work = work_of(question.kind, question.tree)
    given = work.estimated_input_tokens or len(body) // CHARACTERS_PER_TOKEN
    if isinstance(question.tree, (dict, list)):
        unseen = (len(body) - work.media_characters - UNSEEN) // CHARACTERS_PER_TOKEN
        given = max(given + _beyond_ascii(body), unseen)
    if question.kind in _MUTE_KINDS or question.endpoint.endswith(MUTE_ENDPOINTS):
        return given, 0
    return given, _each(question) * max(work.choices, answers_in(question.tree)) * _prompts(question.tree)


def _each(question: Question) -> int:
    """The most tokens of one answer. A bound counts where this host reads it; elsewhere it may only make it more."""
    said = [tokens for value in bounds_in(question.tree) if (tokens := tokens_in(value)) is not None]
    shape = shape_of(question.kind, question.provider, question.tree)
    if shape is not None and is_bounded(shape, question.tree):
        return max(said)
    own = question.model.max_output_tokens if question.model is not None else None
    return max([own or USUAL_OUTPUT, *said])


_ASCII: Final = bytes(range(128))


def _beyond_ascii(body: bytes) -> int:
    r"""A token for every two bytes of UTF-8 that are not ASCII, on top of four characters a token.

    That makes 1.75 tokens of a Chinese character, of which tokenizers make about one, and 1.25 of a Cyrillic letter. It
    is no bound: a rare script may take a token for each byte. JSON may write such a character as ``\uXXXX``, and each
    of these is taken for three bytes.
    """
    plain = 0 if body.isascii() else len(body.translate(None, _ASCII))
    return -(-(plain + 3 * body.count(b"\\u")) // 2)


def _prompts(tree: object) -> int:
    """OpenAI's old completions answer each prompt of a list."""
    prompt = tree.get("prompt") if isinstance(tree, dict) else None
    return max(1, sum(isinstance(one, (str, list)) for one in prompt)) if isinstance(prompt, list) else 1


def cost_of_most(question: Question, given: int, output: int, today: str | None) -> int | None:
    """Nano-dollars at the dearest price by which it may be billed; None where a price is unknown."""
    row = question.model
    tiers = tiers_asked(question.provider or "", question.tree)
    if row is None or tiers is None:
        return None

    def price_at(tier: Tier | None) -> Price | None:
        return price_of(row, input_tokens=given, tier=tier, today=today) if tier is not None else None

    prices: list[Price | None] = []
    for billed in tiers:
        prices.append(price_at(billed.tier) or price_at(billed.instead))
        prices += [also] if (also := price_at(billed.also)) is not None else []
    most = 0
    for price in prices:
        cost = estimate_cost(input_tokens=given, max_output_tokens=output, price=price).nanodollars
        if cost is None:
            return None
        most = max(most, cost)
    return most
