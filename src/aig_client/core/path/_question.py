"""What decides, before any size or price is looked at, which models can answer: of the class and of the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ..facts._catalog import Modality, StructuredOutput
from ..facts._classes import Requirements, RouteClass, ScoreWeights, Target
from ..facts._prices import Tier
from ..facts._providers import EndpointKind
from ._candidates import Context

if TYPE_CHECKING:
    from ._policy import Override
    from ._work import Work


class Question(NamedTuple):
    """Every value that a ``Screen`` depends on, beside the models."""

    requirements: Requirements
    external_billing: bool
    require_price: bool
    weighted: bool
    weights: ScoreWeights
    targets: tuple[Target, ...]
    today: str | None
    tier: Tier
    providers: tuple[str, ...]
    speaks: frozenset[str]
    overrides: tuple[tuple[str, Override], ...]
    kind: EndpointKind
    tools: bool
    images: bool
    audio: bool
    video: bool
    files: bool
    structured_output: StructuredOutput
    stream: bool
    reasoning: bool
    web_search: bool


def question_of(route_class: RouteClass, work: Work, context: Context) -> Question:
    """What the screen of a request depends on."""
    return Question(
        route_class.requirements,
        route_class.external_billing,
        route_class.require_price,
        route_class.strategy == "weighted",
        route_class.weights,
        route_class.targets,
        context.today,
        context.tier,
        context.providers,
        context.speaks,
        tuple(sorted(context.overrides.items(), key=_provider)) if context.overrides else (),
        work.kind,
        work.tools,
        work.images,
        work.audio,
        work.video,
        work.files,
        work.structured_output,
        work.stream,
        work.reasoning,
        work.web_search,
    )


def _provider(item: tuple[str, Override]) -> str:
    return item[0]


_RELIABILITY: Final[tuple[StructuredOutput, ...]] = ("none", "prompt", "json_mode", "native")
_OUTPUTS: Final[Mapping[EndpointKind, frozenset[Modality]]] = {
    "image": frozenset({"image"}),
    "speech": frozenset({"audio"}),
    "video": frozenset({"video"}),
    "embeddings": frozenset(),  # vectors are no modality: a model of embeddings gives none
}
_TEXT: Final[frozenset[Modality]] = frozenset({"text"})
_INPUTS: Final[Mapping[EndpointKind, frozenset[Modality]]] = {"transcription": frozenset({"audio"})}


def required(asked: Question) -> Requirements:
    """What the class requires and what the request needs, in one: never less than either.

    A class that forbids reasoning forbids it to a request that asks for it, too.
    """
    by_class = asked.requirements
    structured = by_class.structured_output or "none"
    if _RELIABILITY.index(asked.structured_output) > _RELIABILITY.index(structured):
        structured = asked.structured_output
    return replace(
        by_class,
        tools=by_class.tools or asked.tools,
        streaming=by_class.streaming or asked.stream,
        web_search=by_class.web_search or asked.web_search,
        structured_output=structured,
        reasoning="required" if asked.reasoning and by_class.reasoning == "allowed" else by_class.reasoning,
    )


def inputs(asked: Question) -> frozenset[Modality]:
    """What must be able to go in."""
    found: set[Modality] = set(_INPUTS.get(asked.kind, _TEXT))
    media: tuple[tuple[bool, Modality], ...] = (
        (asked.images, "image"),
        (asked.audio, "audio"),
        (asked.video, "video"),
        (asked.files, "file"),
    )
    found.update(medium for there, medium in media if there)
    return frozenset(found)


def outputs(kind: EndpointKind) -> frozenset[Modality]:
    """What must be able to come out."""
    return _OUTPUTS.get(kind, _TEXT)
