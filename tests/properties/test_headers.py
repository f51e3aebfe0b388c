"""What we write is HTTP and reads back the same; what we read never raises, whatever it is."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from aig_client.core import (
    CacheStatus,
    ConfigurationError,
    GatewayError,
    GatewayMetadata,
    ResponseMetadata,
    error_from_binding,
    error_from_response,
    surface_of,
)
from aig_client.core.facts._headers import REQUEST_HEADERS, gateway_metadata_from_headers

ACCOUNT = "0123456789abcdef0123456789abcdef"
HOST = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
SURFACES = [
    surface_of(f"{HOST}/openai/chat/completions"),
    surface_of(f"{HOST}/compat/chat/completions"),
    surface_of(HOST),
    surface_of(f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/v1/chat/completions"),
    surface_of(f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/run"),
]

# RFC 9110 5.1 and 5.5: a field name is a token; a field value holds no control character but tab, and begins and ends
# with something that can be seen.
NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(rb"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?")

TEXT = st.text(st.characters(max_codepoint=0x120), max_size=12)
SCALARS = st.one_of(TEXT, st.integers(), st.integers(-(10**320), 10**320), st.floats(), st.booleans())
COST_NAMES = ["per_token_in", "per_token_out", "per_cache_read_token", "per_cache_write_token", "total_cost"]
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "authorization": TEXT,
    "gateway_id": TEXT,
    "skip_cache": st.booleans(),
    "cache_ttl": st.integers(60, 2_592_000),
    "cache_key": TEXT,
    "metadata": st.dictionaries(TEXT, SCALARS, max_size=5),
    "custom_cost": st.dictionaries(
        st.sampled_from(COST_NAMES), st.one_of(st.floats(min_value=0), st.integers(min_value=0)), min_size=1
    ),
    "collect_log": st.booleans(),
    "collect_log_payload": st.booleans(),
    "event_id": TEXT,
    "request_timeout_ms": st.one_of(st.integers(1, 10**7), st.integers(1)),
    "max_attempts": st.integers(1, 5),
    "retry_delay_ms": st.integers(0, 60_000),
    "backoff": st.sampled_from(["constant", "linear", "exponential"]),
    "byok_alias": TEXT,
    "no_wholesale": st.just(True),
    "zdr": st.booleans(),
    "otel_trace_id": st.from_regex(r"[0-9a-fA-F]{32}", fullmatch=True),
    "otel_parent_span_id": st.from_regex(r"[0-9a-fA-F]{16}", fullmatch=True),
    "session_id": TEXT,
    "turn_id": TEXT,
    "no_session_affinity": st.booleans(),
    "allowed_models": st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    "allowed_providers": st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    "payment_method": st.just("x402"),
}


def test_every_field_takes_part() -> None:
    assert list(FIELDS) == [row.field for row in REQUEST_HEADERS]


@given(st.data())
def test_a_metadata_that_can_be_built_writes_http_and_reads_back_the_same(data: st.DataObject) -> None:
    surface = data.draw(st.sampled_from(SURFACES))
    assert surface is not None
    taken = [
        row.field
        for row in REQUEST_HEADERS
        if surface.family in row.families and surface.endpoint.startswith(row.under)
    ]
    chosen = data.draw(st.lists(st.sampled_from(taken), max_size=4, unique=True))
    try:
        metadata = GatewayMetadata(**{name: data.draw(FIELDS[name], name) for name in chosen})
    except ConfigurationError:
        assume(False)
        raise
    headers = metadata.headers(surface)
    assert len(headers) == len(chosen)
    for name, value in headers.items():
        assert NAME.fullmatch(name.encode("ascii"))
        assert VALUE.fullmatch(value.encode("latin-1"))
    assert gateway_metadata_from_headers(headers.items()) == metadata


@given(
    st.dictionaries(
        st.sampled_from(list(FIELDS)), st.one_of(SCALARS, st.none(), st.lists(SCALARS, max_size=3)), max_size=3
    )
)
def test_a_wrong_value_is_a_configuration_error_and_nothing_else(values: dict[str, Any]) -> None:
    refused = None
    try:
        GatewayMetadata(**values)
    except ConfigurationError as error:
        refused = error.field.partition("[")[0]
    assert refused is None or refused in values


HEADER_NAMES = st.one_of(
    st.sampled_from([row.name for row in REQUEST_HEADERS]),
    st.sampled_from(["cf-cache-ttl", "CF-SKIP-CACHE", "cf-aig-other", "x"]),
    st.text(),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
HEADER_VALUES = st.one_of(
    st.text(), JSON.map(json.dumps), st.integers().map(str), st.just("1" * 5000), st.just("[" * 50_000)
)


@given(st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4))
def test_headers_that_a_caller_set_are_read_or_refused(headers: list[tuple[str, str]]) -> None:
    with suppress(ConfigurationError):
        gateway_metadata_from_headers(headers)


# --- what comes back -------------------------------------------------------------------------------

RESPONSE_NAMES = st.one_of(
    st.sampled_from(
        [
            "cf-aig-cache-status",
            "CF-AIG-Step",
            "cf-aig-dlp",
            "cf-aig-log-id",
            "cf-ai-req-id",
            "cf-aig-",
            "cf-aig-model",
            "",
        ]
    ),
    st.text(),
)


@given(st.lists(st.tuples(RESPONSE_NAMES, HEADER_VALUES), max_size=5))
def test_response_headers_of_text_never_raise(headers: list[tuple[str, str]]) -> None:
    for metadata in (ResponseMetadata.from_headers(headers), ResponseMetadata.from_headers(dict(headers))):
        assert metadata.step is None or metadata.step >= 0
        assert all(name.startswith("cf-aig-") for name in metadata.raw)


@given(st.lists(st.tuples(st.one_of(RESPONSE_NAMES.map(lambda n: n.encode()), st.binary()), st.binary()), max_size=5))
def test_response_headers_of_bytes_never_raise(headers: list[tuple[bytes, bytes]]) -> None:
    ResponseMetadata.from_headers(headers)


@given(
    st.one_of(
        st.text(max_size=6), st.sampled_from(["hit", "HIT ", " miss", "h\u0131t", "H\u0130T", "mi\u017fs", "UNKNOWN"])
    )
)
def test_a_hit_is_the_word_hit_and_nothing_else(value: str) -> None:
    status = ResponseMetadata.from_headers([("cf-aig-cache-status", value)]).ai_gateway_cache_status
    word = value.strip()
    if not word:
        assert status is None
    elif re.fullmatch("hit", word, re.IGNORECASE | re.ASCII):
        assert status is CacheStatus.HIT
    elif re.fullmatch("miss", word, re.IGNORECASE | re.ASCII):
        assert status is CacheStatus.MISS
    else:
        assert status is CacheStatus.UNKNOWN


SECRET = "s3cret prompt"
ERROR_NAMES = [
    "error",
    "errors",
    "code",
    "message",
    "success",
    "name",
    "internalCode",
    "description",
    "type",
    "status",
    "bucket",
]
LEAVES = st.one_of(
    st.sampled_from([SECRET, "AiGatewayError", False, True, None, 2003, 2009, 10**30, -1, 1.5]),
    st.text(max_size=5).map(lambda text: text + SECRET),
)
ERROR_JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(ERROR_NAMES), inner, min_size=1, max_size=5)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(),
    st.tuples(st.binary(max_size=20), st.binary(max_size=20)).map(lambda ends: ends[0] + SECRET.encode() + ends[1]),
    ERROR_JSON.map(lambda value: json.dumps(value).encode()),
    ERROR_JSON.map(lambda value: b"401 " + json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 100_000, b'{"error":' * 50_000, b"error code: 1010", b"9" * 5000, b'[{"code":' + b"9" * 5000 + b"}]"]
    ),
)
ERROR_HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["Retry-After", "date", "x"]),
        st.one_of(st.text(), st.sampled_from(["Wed, 31 Feb 2026 99:99:99 GMT"])),
    )
)


@given(st.integers(-1, 1000), ERROR_HEADERS, BODIES, st.booleans())
def test_an_error_is_made_of_anything_and_shows_nothing_of_it(
    status: int, headers: list[tuple[str, str]], body: bytes, rest_run: bool
) -> None:
    error = error_from_response(status, headers, body, rest_run=rest_run)
    assert error.body == body
    assert error.status == status
    assert SECRET not in str(error) + repr(error)
    assert error.retry_after is None or error.retry_after >= 0
    if isinstance(error, GatewayError):
        assert re.fullmatch(r"[a-z_]+", error.meaning)


@given(st.text(), st.one_of(st.text(), st.from_regex(r"[0-9]{3,6}: .*")).map(lambda text: text + SECRET))
def test_what_a_binding_throws_is_an_error_and_shows_nothing_of_it(name: str, message: str) -> None:
    assert SECRET not in str(error_from_binding(name, message))
