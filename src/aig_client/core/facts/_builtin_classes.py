"""The route classes that are always there. None names a model: each chooses by score among what is usable.

No class caches responses, sets limits or tries other models: whoever wants that says so. `provider-prefix` stands where
the same long beginning is usual; it changes no answer, only what the provider charges for repeating it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ._classes import CacheHints, Requirements, RouteClass, ScoreWeights

_PREFIX: Final = CacheHints(strategy="provider-prefix")
_CHEAP: Final = ScoreWeights(cost=6, speed=3, quality=1)
_EVEN: Final = ScoreWeights(cost=4, speed=3, quality=4)
_GOOD: Final = ScoreWeights(cost=1, speed=2, quality=7)
_SEEING: Final = ScoreWeights(cost=2, speed=2, quality=4)

LONG_CONTEXT: Final = 200_000
"""The context window that `long_context` asks for, in tokens: the shortest of the models that are sold as long."""

_ROWS: Final = (
    RouteClass(
        name="balanced",
        description="Everyday requests: price, speed and quality count about the same.",
        weights=_EVEN,
    ),
    RouteClass(
        name="code_draft",
        description="Writing and changing code.",
        weights=_GOOD,
        cache=_PREFIX,
    ),
    RouteClass(
        name="cost_effective",
        description="The cheapest model that can do it.",
        weights=_CHEAP,
    ),
    RouteClass(
        name="high_performance",
        description="The best answer, at nearly any price.",
        weights=_GOOD,
    ),
    RouteClass(
        name="long_context",
        description="Long documents, and questions about them.",
        weights=ScoreWeights(cost=2, speed=2, quality=4, context=4),
        requirements=Requirements(context=LONG_CONTEXT),
        cache=_PREFIX,
    ),
    RouteClass(
        name="planning",
        description="Deciding what to do next, in prose or as a list.",
        weights=_EVEN,
    ),
    RouteClass(
        name="research",
        description="Questions worth thinking about for long; thoughts in the answer are welcome.",
        weights=ScoreWeights(cost=1, speed=2, quality=6),
        cache=_PREFIX,
    ),
    RouteClass(
        name="summary",
        description="Short texts out of long ones; tools and thoughts are left out.",
        weights=_CHEAP,
        requirements=Requirements(reasoning_traces="forbidden"),
        tools="strip",
    ),
    RouteClass(
        name="tool_loop",
        description="Turns of an agent that calls tools, whose effects must not be replayed.",
        weights=ScoreWeights(cost=2, speed=3, quality=5),
        requirements=Requirements(tools=True),
        cache=_PREFIX,
        side_effects=True,
    ),
    RouteClass(
        name="vision",
        description="Questions about pictures.",
        weights=_SEEING,
        requirements=Requirements(vision=True),
    ),
)

BUILTIN_CLASSES: Final[Mapping[str, RouteClass]] = MappingProxyType({row.name: row for row in _ROWS})
"""By name, sorted."""

NEVER_CACHED: Final = frozenset({"tool_loop"})
"""Classes whose name is a promise: no policy can make their responses cacheable."""
