"""A route class where an SDK insists on a model: ``aig/summary``, and a block around calls that name one."""

from __future__ import annotations

from typing import Any

import pytest

from aig_client import options
from aig_client.apps.emulator import RunningEmulator

from ..http.asks import last, settings
from . import plugs
from .plugs import Plug, every_plug

pytestmark = pytest.mark.anyio


@every_plug
async def test_a_class_instead_of_a_model(
    plug: Plug, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plugs.MODELS, plug.sdk, "aig/cost_effective")
    async with plug.gateway(**settings(emulator)) as gateway:
        client = plug.client(gateway)
        for call in (plug.ask, plug.stream):
            with options() as scope:
                await call(client)
            assert scope.last is not None
            plan = scope.last.plan
            assert (plan.route_class, scope.last.status) == ("cost_effective", 200)
            assert plan.selection is not None
            chosen = plan.selection.chosen.model
            assert (chosen.provider, chosen.model) == (last(emulator).provider, last(emulator).model)
            assert chosen.provider == plugs.PROVIDERS[plug.sdk]
            cost: Any = scope.last.cost
            assert cost.nanodollars or call == plug.stream  # OpenAI's streams say no usage unless asked


@every_plug
async def test_a_model_that_an_sdk_names_stays(plug: Plug, emulator: RunningEmulator) -> None:
    async with plug.gateway(**settings(emulator), route_class="high_performance") as gateway:
        await plug.ask(plug.client(gateway))
    assert last(emulator).model == plugs.MODELS[plug.sdk]
