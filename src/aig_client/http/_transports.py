"""``GatewayTransport`` and ``AsyncGatewayTransport`` for whoever does not want to name the HTTP family."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..core import NO_OPTIONS, Options, Receipt, Rules
from ._families import family_of
from ._wiring import HttpFamily


def GatewayTransport(  # noqa: N802  (reads as the class it gives back)
    rules: Rules,
    *,
    inner: object = None,
    http: HttpFamily | None = None,
    options: Options = NO_OPTIONS,
    on_receipt: Callable[[Receipt], None] | None = None,
) -> Any:  # noqa: ANN401  (of either family)
    """A transport for ``httpx.Client`` or ``httpx2.Client``, of the family of ``inner``, else ``http``, else httpx.

    It makes every request to AI Gateway obey ``rules`` and leaves every other one bare. ``HttpxTransport`` and
    ``Httpx2Transport`` are the classes themselves, for type checkers.

    Raises:
        ConfigurationError: ``inner`` is of neither family, or the family is not installed.
    """
    module = import_module(f"._sync_{family_of(http, inner)}", __package__)
    return module.GatewayTransport(rules, inner=inner, options=options, on_receipt=on_receipt)


def AsyncGatewayTransport(  # noqa: N802
    rules: Rules,
    *,
    inner: object = None,
    http: HttpFamily | None = None,
    options: Options = NO_OPTIONS,
    on_receipt: Callable[[Receipt], None] | None = None,
) -> Any:  # noqa: ANN401
    """A transport for ``httpx.AsyncClient`` or ``httpx2.AsyncClient``; see ``GatewayTransport``.

    Raises:
        ConfigurationError: ``inner`` is of neither family, or the family is not installed.
    """
    module = import_module(f"._async_{family_of(http, inner)}", __package__)
    return module.AsyncGatewayTransport(rules, inner=inner, options=options, on_receipt=on_receipt)
