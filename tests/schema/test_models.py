"""The pydantic twins hold the same fields and refuse the same values as the core."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from aig_client.core import ConfigurationError, DlpFinding, GatewayMetadata, ResponseMetadata
from aig_client.schema import DlpFindingModel, GatewayMetadataModel, ResponseMetadataModel

from ..facts.vectors import cases, document

TOKEN = "cf-s3cret-token"


def in_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name.startswith("allowed_") else value for name, value in values.items()}


def test_the_twins_have_the_core_s_fields() -> None:
    assert set(GatewayMetadataModel.model_fields) == {field.name for field in fields(GatewayMetadata)}
    assert set(ResponseMetadataModel.model_fields) == {field.name for field in fields(ResponseMetadata)} - {"raw"}
    assert set(DlpFindingModel.model_fields) == {field.name for field in fields(DlpFinding)}


@cases("headers.json", "written")
def test_a_twin_becomes_the_core_s_value(case: dict[str, Any]) -> None:
    values = in_tuples(case["fields"])
    assert GatewayMetadataModel(**values).to_core() == GatewayMetadata(**values)


@cases("headers.json", "written")
def test_a_twin_is_read_from_json(case: dict[str, Any]) -> None:
    model = GatewayMetadataModel.model_validate_json(json.dumps(case["fields"]))
    assert model.to_core() == GatewayMetadata(**in_tuples(case["fields"]))


@cases("headers.json", "refused")
def test_a_twin_refuses_what_the_core_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        GatewayMetadataModel(**case["fields"])
    assert next(iter(case["fields"])) in str(caught.value)


def test_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="cache_tll"):
        GatewayMetadataModel(cache_tll=60)  # type: ignore[call-arg]


def test_a_twin_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        GatewayMetadataModel().cache_ttl = 60


@pytest.mark.parametrize("token", [TOKEN, SecretStr(TOKEN)])
def test_the_token_goes_to_the_core_and_nowhere_else(token: Any) -> None:
    model = GatewayMetadataModel(authorization=token)
    assert model.to_core().authorization == TOKEN
    shown = [
        repr(model),
        str(model),
        model.model_dump_json(),
        str(model.model_dump()),
        str(model.model_dump(mode="json")),
    ]
    assert not any(TOKEN in text for text in shown)


@pytest.mark.parametrize("wrong", [{"cache_ttl": 5}, {"cache_tll": 60}, {"cache_ttl": "60"}, {"metadata": {"a": None}}])
def test_a_refusal_never_shows_the_token(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        GatewayMetadataModel.model_validate({"authorization": TOKEN, **wrong})
    assert TOKEN not in str(caught.value) + repr(caught.value)
    with pytest.raises(ValidationError) as caught:
        GatewayMetadataModel.model_validate({"authorization": f"Bearer {TOKEN}"})
    assert TOKEN not in str(caught.value) + repr(caught.value)


def test_a_refusal_gives_the_core_s_reason() -> None:
    with pytest.raises(ValidationError) as caught:
        GatewayMetadataModel(cache_ttl=59)
    with pytest.raises(ConfigurationError) as core:
        GatewayMetadata(cache_ttl=59)
    assert str(core.value) in str(caught.value)


@pytest.mark.parametrize("case", document("responses.json")["cases"], ids=lambda case: case["name"])
def test_a_response_s_twin_says_the_same(case: dict[str, Any]) -> None:
    core = ResponseMetadata.from_headers([(name, value) for name, value in case["headers"]])
    model = ResponseMetadataModel.of(core)
    said = {name: value for name, value in model.model_dump(mode="json").items() if value not in (None, [])}
    assert said == case["expect"]
    assert ResponseMetadataModel.model_validate_json(model.model_dump_json()) == model
