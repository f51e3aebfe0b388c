"""`aig policy push`, with Cloudflare's SDK over a real socket, and what it writes as the Worker reads it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aig_client.core import ConfigurationError
from aig_client.core.path._edge_document import digest_of_text, published, signature_of

from .kv import ACCOUNT, API_TOKEN, NAMESPACE, Kv, serve
from .policies import POLICY, toml
from .running import Ran, run

KEY = "the-policy-key-of-the-tests"
STORED = f"sha256:{'01' * 8}:{'ab' * 32}"
EDGE = f"""
[edge]
epoch = "1"

[principals.acme]
tenant = "acme"
tokens = ["{STORED}"]
classes = ["*"]
"""


@pytest.fixture
def kv() -> Iterator[Kv]:
    with serve() as server:
        yield server


def write(folder: Path, epoch: int = 1) -> None:
    toml(folder, POLICY + EDGE.replace('epoch = "1"', f'epoch = "{epoch}"'))


def push(kv: Kv, *words: str, **env: str) -> Ran:
    environ = {**kv.environ, "AIG_POLICY_KEY": KEY, **env}
    return run("policy", "push", "--namespace-id", NAMESPACE, *words, env=environ)


def current(kv: Kv) -> dict[str, Any]:
    """The pointer; what it points to is what a Worker takes."""
    pointer: dict[str, Any] = json.loads(kv.values["current"])
    published(pointer, kv.values[f"edge/{pointer['version']}"], KEY.encode())
    return pointer


def epoch_of(kv: Kv) -> str:
    pointer = current(kv)
    return published(pointer, kv.values[f"edge/{pointer['version']}"], KEY.encode()).epoch


def test_the_first_push(kv: Kv, folder: Path) -> None:
    write(folder)
    ran = push(kv, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert kv.writes == ["edge/1", "current"]
    assert "previous" not in current(kv)
    told = ran.data
    assert (told["did"], told["version"], told["replaced"], told["previous"]) == ("published", 1, None, None)
    assert told["principals"] == ["acme"]
    assert told["digest"] == current(kv)["digest"] == digest_of_text(kv.values["edge/1"])
    assert kv.values["edge/1"].decode() == run("policy", "compile", "--edge").out
    assert kv.values["edge/1"].isascii()
    assert told["bytes"] == len(kv.values["edge/1"])


def test_the_next_one_keeps_the_one_before(kv: Kv, folder: Path) -> None:
    write(folder)
    push(kv)
    first = current(kv)
    write(folder, 2)
    ran = push(kv)
    assert ran.out.startswith("Published version 2.\n")
    assert kv.writes == ["edge/1", "current", "edge/2", "current"]
    assert current(kv)["previous"] == first
    assert epoch_of(kv) == "2"


def test_the_same_file_again_writes_nothing(kv: Kv, folder: Path) -> None:
    write(folder)
    push(kv)
    ran = push(kv, "--json")
    assert (ran.code, ran.data["did"], ran.data["version"]) == (0, "unchanged", 1)
    assert kv.writes == ["edge/1", "current"]


def test_rollback_and_back_again_and_no_version_is_written_over(kv: Kv, folder: Path) -> None:
    for epoch in (1, 2):
        write(folder, epoch)
        push(kv)
    ran = push(kv, "--rollback", "--json")
    assert (ran.code, ran.data["did"], ran.data["version"], ran.data["previous"]) == (0, "rolled_back", 1, 2)
    assert epoch_of(kv) == "1"
    push(kv, "--rollback")
    assert epoch_of(kv) == "2"
    push(kv, "--rollback")
    write(folder, 3)
    assert push(kv, "--json").data["version"] == 3
    assert epoch_of(kv) == "3"
    assert [key for key in kv.writes if key != "current"] == ["edge/1", "edge/2", "edge/3"]
    push(kv, "--rollback")
    assert epoch_of(kv) == "1"
    write(folder, 4)
    assert push(kv, "--json").data["version"] == 4


def test_a_dry_run_writes_nothing(kv: Kv, folder: Path) -> None:
    write(folder)
    ran = push(kv, "--dry-run", "--json")
    assert (ran.code, ran.data["dry_run"], ran.data["version"]) == (0, True, 1)
    assert kv.values == {}
    for epoch in (1, 2):
        write(folder, epoch)
        push(kv)
    before = dict(kv.values)
    assert push(kv, "--rollback", "--dry-run").out.startswith("Would go back to version 1.\n")
    assert kv.values == before


def test_what_another_key_signed_is_replaced_and_never_comes_back(kv: Kv, folder: Path) -> None:
    write(folder)
    push(kv, AIG_POLICY_KEY="another-key")
    write(folder, 2)
    ran = push(kv, "--json")
    assert (ran.data["version"], ran.data["replaced"], ran.data["previous"]) == (2, 1, None)
    assert "previous" not in current(kv)
    ran = push(kv, "--rollback")
    assert ran.code == 2
    assert ran.sentence == "Version 2 names none before it: push the file that you want instead."


def test_the_same_file_under_a_new_key_is_published_again(kv: Kv, folder: Path) -> None:
    write(folder)
    push(kv, AIG_POLICY_KEY="another-key")
    assert push(kv, "--json").data["did"] == "published"
    assert current(kv)["version"] == 2


def test_a_rollback_signs_nothing_that_the_key_has_not_signed(kv: Kv, folder: Path) -> None:
    for epoch in (1, 2):
        write(folder, epoch)
        push(kv)
    pointer, forged = current(kv), kv.values["edge/1"].replace(b'"acme"', b'"evil"')
    kv.values["edge/1"] = forged
    digest = digest_of_text(forged)
    pointer["previous"] = {"version": 1, "digest": digest, "signature": signature_of(1, digest, b"a guess")}
    kv.values["current"] = json.dumps(pointer).encode()
    before = dict(kv.values)
    ran = push(kv, "--rollback")
    assert ran.code == 1
    assert ran.sentence == "Version 1 is not what AIG_POLICY_KEY has signed (signature): push the file that you want."
    assert kv.values == before
    pointer["previous"]["digest"] = "sha256:" + "0" * 64
    kv.values["current"] = json.dumps(pointer).encode()
    assert "(digest)" in push(kv, "--rollback").sentence
    del kv.values["edge/1"]
    assert push(kv, "--rollback").sentence.startswith("edge/1 is not in KV any more")


def test_nothing_points_to_a_document_that_is_not_whole(kv: Kv, folder: Path) -> None:
    write(folder)
    kv.garbles = True
    ran = push(kv)
    assert ran.code == 1
    assert ran.sentence == "What KV gives back for edge/1 is not what was written: push again."
    assert "current" not in kv.values


def test_a_document_that_could_not_be_written_moves_nothing(kv: Kv, folder: Path) -> None:
    write(folder)
    kv.refuses["edge/1"] = 403
    ran = push(kv)
    assert ran.code == 1
    assert ran.sentence.startswith("Cloudflare answered 403 (code 10000): check that CLOUDFLARE_API_TOKEN may edit ")
    assert kv.values == {}


@pytest.mark.parametrize("junk", [b"nonsense", b"[]", b'{"version": "7"}', b'{"version": true}'])
def test_a_pointer_that_is_none_is_told(kv: Kv, folder: Path, junk: bytes) -> None:
    write(folder)
    kv.values["current"] = junk
    ran = push(kv)
    assert ran.code == 1
    assert ran.sentence == "The key 'current' holds no pointer: delete it in KV, and push again."


def test_the_wrong_namespace_is_not_an_empty_one(kv: Kv, folder: Path) -> None:
    write(folder)
    ran = push(kv, "--namespace-id", "0" * 32)
    assert ran.code == 1
    assert ran.sentence == "Cloudflare answered 404 (code 10013): check account and namespace id."
    assert push(kv, "--rollback", "--namespace-id", "0" * 32).sentence == ran.sentence
    assert push(kv, "--rollback").sentence == "Nothing is published in this namespace: push first."
    ran = push(kv, CLOUDFLARE_API_TOKEN="not-mine")
    assert ran.code == 1
    assert "may edit Workers KV Storage" in ran.sentence
    assert "not-mine" not in ran.out + ran.err


def test_nobody_answers(kv: Kv, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cloudflare._base_client as sdk  # its pause between attempts is not ours to wait for

    monkeypatch.setattr(sdk, "MAX_RETRY_DELAY", 0.0)
    monkeypatch.setattr(sdk, "INITIAL_RETRY_DELAY", 0.0)
    write(folder)
    ran = push(kv, CLOUDFLARE_BASE_URL="http://127.0.0.1:9/client/v4")
    assert (ran.code, ran.sentence) == (
        1,
        "Cloudflare's API could not be reached: check network and proxy.",
    )


def test_the_account_is_that_of_the_settings(kv: Kv, folder: Path) -> None:
    without = {"CLOUDFLARE_ACCOUNT_ID": "", "CF_ACCOUNT_ID": "", "AIG_BASE_URL": ""}
    write(folder)
    ran = push(kv, **without)
    assert ran.code == 2
    assert ran.sentence.startswith("No account is known: give --account-id")
    assert push(kv, "--dry-run", "--account-id", ACCOUNT, **without).code == 0
    url = f"https://gateway.ai.cloudflare.com/v1/{ACCOUNT}/prod"
    assert push(kv, "--dry-run", **{**without, "AIG_BASE_URL": url}).code == 0
    toml(folder, f'[gateway]\naccount_id = "{ACCOUNT}"\n{POLICY}{EDGE}')
    assert push(kv, **without).code == 0


@pytest.mark.parametrize("name", ["AIG_POLICY_KEY", "CLOUDFLARE_API_TOKEN"])
@pytest.mark.parametrize(("value", "said"), [("", "is not set"), ("S3cr3t\n", "begins or ends with white space")])
def test_secrets_come_from_the_environment_and_are_whole(
    kv: Kv, folder: Path, name: str, value: str, said: str
) -> None:
    write(folder)
    ran = push(kv, **{name: value})
    assert ran.code == 2
    assert ran.sentence.startswith(f"{name} {said}")
    assert "S3cr3t" not in ran.out + ran.err


def test_no_secret_is_printed_or_stored(kv: Kv, folder: Path) -> None:
    write(folder)
    ran = push(kv, "--json")
    everything = ran.out.encode() + ran.err.encode() + b"".join(kv.values.values())
    for secret in (KEY, API_TOKEN):
        assert secret.encode() not in everything


def test_a_file_that_does_not_compile_is_not_published(kv: Kv, folder: Path) -> None:
    toml(folder, POLICY)
    ran = push(kv)
    assert ran.code == 2
    assert ran.sentence.startswith("principals (aig.toml [principals]): are none: nobody could call.")
    assert kv.values == {}


def test_without_the_sdk_the_sentence_says_what_to_install(
    kv: Kv, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder)
    monkeypatch.setitem(sys.modules, "cloudflare", None)
    ran = push(kv)
    assert (ran.code, ran.sentence) == (2, "aig policy push needs Cloudflare's SDK: pip install 'aig-client[push]'.")


def test_another_key_does_not_open_it(kv: Kv, folder: Path) -> None:
    write(folder)
    push(kv)
    with pytest.raises(ConfigurationError, match="is not by the key"):
        published(current(kv), kv.values["edge/1"], b"another-key")
