"""A local AI Gateway: one pure imitation, shells around it, and fake providers behind it.

Imitation is not proof: `docs/reference/emulator-conformance.md` says for each behaviour how well it is known.
The server (`create_app`, `serve_in_thread`) needs the `emulator` extra; the imitation and `LocalGateway` do not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._config import EmulatorConfig, Price
    from ._gateway import Gateway
    from ._ids import counted_ids, counted_ulids, random_ids, random_ulids
    from ._inprocess import LocalGateway
    from ._journal import NoJournal
    from ._journal_sqlite import SqliteJournal
    from ._log import LogEntry, ProviderCall
    from ._messages import GatewayRequest, ProviderAnswer, ProviderRequest, Reply
    from ._running import RunningEmulator
    from ._scenario import Match, Rule, Scenario
    from ._scenario_file import load_scenario
    from ._server import create_app
    from ._serving import serve_in_thread
    from ._settings import DlpPolicy, GatewaySettings, Guardrails, Policy, SpendRule

_HOMES = {
    "DlpPolicy": "_settings",
    "EmulatorConfig": "_config",
    "Gateway": "_gateway",
    "GatewayRequest": "_messages",
    "GatewaySettings": "_settings",
    "Guardrails": "_settings",
    "LocalGateway": "_inprocess",
    "LogEntry": "_log",
    "Match": "_scenario",
    "NoJournal": "_journal",
    "Policy": "_settings",
    "Price": "_config",
    "ProviderAnswer": "_messages",
    "ProviderCall": "_log",
    "ProviderRequest": "_messages",
    "Reply": "_messages",
    "Rule": "_scenario",
    "RunningEmulator": "_running",
    "Scenario": "_scenario",
    "SpendRule": "_settings",
    "SqliteJournal": "_journal_sqlite",
    "counted_ids": "_ids",
    "counted_ulids": "_ids",
    "create_app": "_server",
    "load_scenario": "_scenario_file",
    "random_ids": "_ids",
    "random_ulids": "_ids",
    "serve_in_thread": "_serving",
}

__all__ = [
    "DlpPolicy",
    "EmulatorConfig",
    "Gateway",
    "GatewayRequest",
    "GatewaySettings",
    "Guardrails",
    "LocalGateway",
    "LogEntry",
    "Match",
    "NoJournal",
    "Policy",
    "Price",
    "ProviderAnswer",
    "ProviderCall",
    "ProviderRequest",
    "Reply",
    "Rule",
    "RunningEmulator",
    "Scenario",
    "SpendRule",
    "SqliteJournal",
    "counted_ids",
    "counted_ulids",
    "create_app",
    "load_scenario",
    "random_ids",
    "random_ulids",
    "serve_in_thread",
]

if not TYPE_CHECKING:  # else a misspelt name would have a type

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            found: object = getattr(import_module(f".{home}", __name__), name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("aig_client"):
                raise
            message = f"{name} needs {error.name}: pip install 'aig-client[emulator]'"
            raise ModuleNotFoundError(message, name=error.name) from error
        globals()[name] = found
        return found
