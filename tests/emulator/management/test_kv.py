"""Workers KV of the emulator, through the official SDK over a real socket, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cloudflare
import httpx
import pytest
from cloudflare import Cloudflare
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator import EmulatorConfig, GatewaySettings, RunningEmulator, serve_in_thread

TOKENS: Any = {
    "reads": frozenset({"workers-kv-storage-read"}),
    "other": frozenset({"ai-gateway-edit", "ai-gateway-read"}),
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    with serve_in_thread(EmulatorConfig(auth_tokens=frozenset({"edits"}), tokens=TOKENS)) as running:
        yield running


def sdk(emulator: RunningEmulator, token: str = "edits") -> Cloudflare:
    return Cloudflare(api_token=token, base_url=f"{emulator.origin}/client/v4", max_retries=0)


@pytest.fixture
def place(emulator: RunningEmulator) -> Iterator[Any]:
    """A namespace for one test."""
    made = sdk(emulator).kv.namespaces.create(account_id=emulator.account, title="policies")
    assert made is not None
    yield {"account_id": emulator.account, "namespace_id": made.id}
    sdk(emulator).kv.namespaces.delete(made.id, account_id=emulator.account)


def test_namespaces(emulator: RunningEmulator, place: Any) -> None:
    api, account = sdk(emulator).kv.namespaces, emulator.account
    (found,) = api.list(account_id=account)
    assert (found.id, found.title, found.supports_url_encoding) == (place["namespace_id"], "policies", True)
    assert api.get(found.id, account_id=account) == found
    with pytest.raises(cloudflare.BadRequestError, match="already exists"):
        api.create(account_id=account, title="policies")
    assert not list(api.list(account_id="f" * 32))


def test_values_are_the_bytes_that_were_written(emulator: RunningEmulator, place: Any) -> None:
    api = sdk(emulator).kv.namespaces
    for key, value in (("edge/1", b"{}"), ("a b/%2F?#", bytes(range(256)) * 3 + b"\r\n"), ("..x", b"")):
        api.values.update(key, value=value, **place)
        assert api.values.get(key, **place).read() == value
    api.values.update("edge/1", value=b"other", **place)
    assert api.values.get("edge/1", **place).read() == b"other"
    assert [one.name for one in api.keys.list(**place)] == ["..x", "a b/%2F?#", "edge/1"]
    assert [one.name for one in api.keys.list(prefix="edge/", **place)] == ["edge/1"]
    api.values.delete("edge/1", **place)
    api.values.delete("edge/1", **place)
    with pytest.raises(cloudflare.NotFoundError) as caught:
        api.values.get("edge/1", **place)
    assert [error.code for error in caught.value.errors] == [10009]


def test_keys_come_page_by_page(emulator: RunningEmulator, place: Any) -> None:
    api = sdk(emulator).kv.namespaces
    names = [f"k{number:02}" for number in range(25)]
    for name in reversed(names):
        api.values.update(name, value=b"x", **place)
    first = api.keys.list(limit=10, **place)
    assert [one.name for one in first.result] == names[:10]
    assert [one.name for one in first] == names


def test_a_namespace_that_nobody_made_is_there_where_any_gateway_is(emulator: RunningEmulator) -> None:
    place: Any = {"account_id": emulator.account, "namespace_id": "0" * 32}
    sdk(emulator).kv.namespaces.values.update("k", value=b"v", **place)
    assert sdk(emulator).kv.namespaces.values.get("k", **place).read() == b"v"
    assert not list(sdk(emulator).kv.namespaces.list(account_id=emulator.account))


def test_a_namespace_that_is_none(emulator: RunningEmulator) -> None:
    place: Any = {"account_id": emulator.account, "namespace_id": "0" * 32}
    known = EmulatorConfig(auth_tokens=frozenset({"edits"}), gateways={"demo": GatewaySettings()})
    with serve_in_thread(known) as strict, pytest.raises(cloudflare.NotFoundError) as caught:
        sdk(strict).kv.namespaces.values.get("k", **place)
    assert [error.code for error in caught.value.errors] == [10013]
    with pytest.raises(cloudflare.NotFoundError):
        sdk(emulator).kv.namespaces.values.get("k", account_id=emulator.account, namespace_id="policy")


def test_who_may_do_what(emulator: RunningEmulator, place: Any) -> None:
    sdk(emulator).kv.namespaces.values.update("k", value=b"v", **place)
    assert sdk(emulator, "reads").kv.namespaces.values.get("k", **place).read() == b"v"
    for token in ("reads", "other"):
        with pytest.raises(cloudflare.PermissionDeniedError):
            sdk(emulator, token).kv.namespaces.values.update("k", value=b"w", **place)
    with pytest.raises(cloudflare.PermissionDeniedError):
        sdk(emulator, "other").kv.namespaces.values.get("k", **place)
    with pytest.raises(cloudflare.AuthenticationError):
        sdk(emulator, "nobody").kv.namespaces.values.get("k", **place)
    with pytest.raises(cloudflare.PermissionDeniedError):
        list(sdk(emulator, "reads").ai_gateway.list(account_id=emulator.account))


@pytest.mark.parametrize("more", [{"expiration_ttl": 60}, {"expiration": 2e9}, {"metadata": {"by": "me"}}])
def test_what_it_would_not_do_is_refused(emulator: RunningEmulator, place: Any, more: Any) -> None:
    with pytest.raises(cloudflare.BadRequestError, match="emulator"):
        sdk(emulator).kv.namespaces.values.update("k", value=b"v", **more, **place)


def test_a_plain_body_and_bad_ones(emulator: RunningEmulator, place: Any) -> None:
    where = (
        f"{emulator.origin}/client/v4/accounts/{emulator.account}/storage/kv/namespaces/{place['namespace_id']}/values"
    )
    with httpx.Client(headers={"authorization": "Bearer edits"}, trust_env=False) as client:
        assert client.put(f"{where}/plain", content=b"as it is").status_code == 200
        assert client.get(f"{where}/plain").content == b"as it is"
        form = {"content-type": "multipart/form-data; boundary=x"}
        assert client.put(f"{where}/k", content=b"--x--", headers=form).status_code == 400
        assert client.put(f"{where}/{'k' * 513}", content=b"v").status_code == 400
        assert client.put(f"{where}/k%00", content=b"v").status_code == 400
        assert client.post(f"{where}/k", content=b"v").status_code == 405
        assert client.get(f"{where}/plain").content == b"as it is"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.text(st.characters(min_codepoint=33, exclude_categories=("C", "Z")), min_size=1, max_size=60),
    value=st.binary(max_size=400),
)
def test_any_bytes_under_any_key(emulator: RunningEmulator, place: Any, key: str, value: bytes) -> None:
    if key in (".", ".."):
        return
    api = sdk(emulator).kv.namespaces.values
    api.update(key, value=value, **place)
    assert api.get(key, **place).read() == value
