"""``cache_key`` and ``explain_key`` with this process's encoder and memory of leaves: faster, and the same keys."""

from __future__ import annotations

from functools import partial, update_wrapper
from typing import TYPE_CHECKING

from .. import core
from ._codec import maker

if TYPE_CHECKING:  # to a type checker a partial takes anything, a forgotten tenant included
    from ..core import cache_key as cache_key  # noqa: PLC0414  (said again: re-exported)
    from ..core import explain_key as explain_key  # noqa: PLC0414
else:
    cache_key = update_wrapper(partial(core.cache_key, maker=maker), core.cache_key)
    explain_key = update_wrapper(partial(core.explain_key, maker=maker), core.explain_key)
