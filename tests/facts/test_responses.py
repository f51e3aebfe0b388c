"""The response headers: contract 2, case by case, in ``responses.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from aig_client.core import CacheStatus, ResponseMetadata

from .vectors import cases, document


def as_json(metadata: ResponseMetadata) -> dict[str, Any]:
    """What a response says, in the terms of the vectors."""
    said = asdict(metadata.__class__(**{n: getattr(metadata, n) for n in metadata.__slots__ if n != "raw"}, raw={}))
    del said["raw"]
    said["dlp_findings"] = [
        {name: list(value) if isinstance(value, tuple) else value for name, value in finding.items()}
        for finding in said["dlp_findings"]
    ]
    return {name: value for name, value in said.items() if value is not None and value != []}


@pytest.mark.parametrize("form", ["text", "bytes", "mapping"])
@cases("responses.json")
def test_a_response_says_what_the_contract_says(case: dict[str, Any], form: str) -> None:
    pairs = [(name, value) for name, value in case["headers"]]
    if form == "bytes":
        metadata = ResponseMetadata.from_headers([(name.encode(), value.encode()) for name, value in pairs])
    else:
        metadata = ResponseMetadata.from_headers(dict(pairs) if form == "mapping" else pairs)
    assert as_json(metadata) == case["expect"]
    assert metadata.hit is (case["expect"].get("ai_gateway_cache_status") == "HIT")


def test_every_field_is_in_a_vector() -> None:
    said = {name for case in document("responses.json")["cases"] for name in case["expect"]}
    assert said == set(ResponseMetadata.__slots__) - {"raw"}


def test_the_cache_status_is_one_of_three_words() -> None:
    assert {status.value for status in CacheStatus} == {"HIT", "MISS", "UNKNOWN"}


def test_the_raw_headers_are_kept_as_they_came() -> None:
    metadata = ResponseMetadata.from_headers(
        [("CF-AIG-Dlp", "{broken"), ("cf-aig-of-tomorrow", " Ab "), ("cf-ai-req-id", "w"), ("server", "cloudflare")]
    )
    assert dict(metadata.raw) == {"cf-aig-dlp": "{broken", "cf-aig-of-tomorrow": "Ab"}


def test_of_two_headers_of_a_name_the_first_counts() -> None:
    metadata = ResponseMetadata.from_headers([("cf-aig-log-id", "a"), ("CF-AIG-LOG-ID", "b")])
    assert metadata.log_id == "a"
