"""The door: what comes in from outside is checked here, and goes on as plain core values.

``Settings`` needs no pydantic; the pydantic twins load pydantic when they are asked for.
"""

from typing import TYPE_CHECKING

from ._settings import ENVIRONMENT, Settings, load_settings

if TYPE_CHECKING:
    from ._models import DlpFindingModel, GatewayMetadataModel, ResponseMetadataModel

__all__ = [
    "ENVIRONMENT",
    "DlpFindingModel",
    "GatewayMetadataModel",
    "ResponseMetadataModel",
    "Settings",
    "load_settings",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        from . import _models

        value: object = getattr(_models, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
