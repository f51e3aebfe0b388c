"""What an answer says of itself in its first and last bytes."""

from __future__ import annotations

import pytest

from aig_client.core.facts._answer import model_said, tier_said


@pytest.mark.parametrize(
    ("tail", "tier"),
    [
        (b'{"service_tier":"default"}', "standard"),
        (b'{"service_tier":"flex"}', "flex"),
        (b'{"service_tier":"priority"}', "priority"),
        (b'{"service_tier": "fast"}', "priority"),
        (b'{"service_tier":"batch"}', "batch"),
        (b'data: {"service_tier":"auto"}\n\ndata: {"service_tier":"flex"}', "flex"),
        (b'{"content":"say \\"service_tier\\":\\"flex\\""}', "standard"),
        (b"{}", "standard"),
    ],
)
def test_the_service_tier(tail: bytes, tier: str) -> None:
    assert tier_said(b"", tail) == tier
    assert tier_said(tail, b"") == tier


def test_the_model_is_the_answer_s_own_member() -> None:
    assert model_said(b'{"id":"x","model":"gpt-5","choices":[]}', b"") == "gpt-5"
    assert model_said(b"{", b'"modelVersion": "gemini-3-flash"}') == "gemini-3-flash"
    assert model_said(b'{"text":"\\"model\\":\\"forged\\""}', b"") is None
