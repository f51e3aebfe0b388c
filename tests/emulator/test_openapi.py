"""The emulator holds what its OpenAPI description says, under whatever schemathesis sends."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from aig_client.apps.emulator import EmulatorConfig, create_app
from aig_client.apps.emulator._openapi import description
from aig_client.apps.emulator._routes import PROVIDERS
from aig_client.apps.emulator.management._api import endpoints

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DESCRIBED = description()
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", create_app(EmulatorConfig(latency_ms=0)))
CHECKS = [
    schemathesis.checks.not_a_server_error,
    *(
        schemathesis.checks.CHECKS.get_one(name)
        for name in ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
    ),
]


@SCHEMA.parametrize()
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_as_described(case: Any) -> None:
    case.call_and_validate(checks=CHECKS)


def test_every_provider_and_every_endpoint_of_the_management_api_is_described() -> None:
    paths: Any = DESCRIBED["paths"]
    slugs = {path.split("/")[4] for path in paths if path.startswith("/v1/") and path.count("/") > 3}
    assert slugs == {*PROVIDERS, "compat"}
    managed = [
        (path, method)
        for path in paths
        if ("/ai-gateway/" in path or "/storage/" in path)
        for method in paths[path]
        if method != "parameters"
    ]
    assert len(managed) == len(endpoints())


def test_every_reference_leads_somewhere() -> None:
    schemas: Any = DESCRIBED["components"]
    assert set(schemas["schemas"]) == {"E1", "E2", "E3", "Refusal", "Envelope"}
