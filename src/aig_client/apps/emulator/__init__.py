"""A local AI Gateway: one pure imitation, an ASGI shell around it, and fake providers behind it.

Imitation is not proof: `docs/reference/emulator-conformance.md` says for each behaviour how well it is known.
The shell (`create_app`, `serve_in_thread`) needs the `emulator` extra; the imitation needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._config import EmulatorConfig
from ._gateway import Gateway
from ._ids import counted_ids, random_ids
from ._log import LogEntry, ProviderCall
from ._messages import Forward, GatewayRequest, Head, IdSource, ProviderAnswer, Reply
from ._providers import provider_answer

if TYPE_CHECKING:
    from ._server import Clock, create_app
    from ._serving import RunningEmulator, serve_in_thread

__all__ = [
    "Clock",
    "EmulatorConfig",
    "Forward",
    "Gateway",
    "GatewayRequest",
    "Head",
    "IdSource",
    "LogEntry",
    "ProviderAnswer",
    "ProviderCall",
    "Reply",
    "RunningEmulator",
    "counted_ids",
    "create_app",
    "provider_answer",
    "random_ids",
    "serve_in_thread",
]

_NEED_THE_EXTRA = {
    "Clock": "._server",
    "create_app": "._server",
    "RunningEmulator": "._serving",
    "serve_in_thread": "._serving",
}


if not TYPE_CHECKING:  # else a misspelt name would have a type

    def __getattr__(name: str) -> object:
        module = _NEED_THE_EXTRA.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            found: object = getattr(import_module(module, __name__), name)
        except ModuleNotFoundError as error:
            message = f"{name} needs {error.name}: pip install 'aig-client[emulator]'"
            raise ModuleNotFoundError(message, name=error.name) from error
        return found
