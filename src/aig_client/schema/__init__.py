"""The door: what comes in from outside is checked here, and goes on as plain core values.

What is asked for is loaded then. ``Settings`` needs no pydantic, nor does a policy that no ``aig.toml`` writes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from ._settings import ENVIRONMENT, Settings, load_settings

if TYPE_CHECKING:
    from ._compile import compile_policy, load_policy
    from ._models import DlpFindingModel, GatewayMetadataModel, ResponseMetadataModel
    from ._policy import json_schema

__all__ = [
    "ENVIRONMENT",
    "DlpFindingModel",
    "GatewayMetadataModel",
    "ResponseMetadataModel",
    "Settings",
    "compile_policy",
    "json_schema",
    "load_policy",
    "load_settings",
]
_LATER: Final = {
    "DlpFindingModel": "_models",
    "GatewayMetadataModel": "_models",
    "ResponseMetadataModel": "_models",
    "compile_policy": "_compile",
    "json_schema": "_policy",
    "load_policy": "_compile",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        value: object = getattr(import_module(f".{_LATER[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
