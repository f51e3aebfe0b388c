"""`aig key FILE` and `aig key explain FILE`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aig_client import SHARED, cache_key

from .running import run, write

PROMPT = "the quick brown fox jumps"
BODY = {"model": "gpt-4.1-mini", "user": "u-17", "messages": [{"role": "user", "content": PROMPT}]}
URL = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/openai/chat/completions"
SECRET = "0123456789abcdef-secret"


@pytest.fixture
def body(folder: Path) -> str:
    return write(folder, "body.json", BODY)


def test_it_is_the_key_of_the_library(body: str) -> None:
    assert run("key", body, "--tenant", "acme").out == f"{cache_key(URL, BODY, tenant='acme')}\n"
    assert run("key", body, "--shared").out == f"{cache_key(URL, BODY, tenant=SHARED)}\n"
    assert run("key", "print", body, "--shared").out == run("key", body, "--shared").out


def test_options_before_the_file(body: str) -> None:
    assert run("key", "--shared", body).out == run("key", body, "--shared").out


def test_without_a_tenant_there_is_none(body: str) -> None:
    sentence = "A cache key belongs to a tenant: give --tenant NAME, or --shared to share answers between all callers."
    assert run("key", body).sentence == sentence
    assert run("key", "explain", body).sentence == sentence
    assert run("key", body, "--tenant", "a", "--shared").sentence == (
        "--tenant and --shared say two things: give one of them."
    )
    assert run("key", body, "--tenant", "").code == 2


def test_everything_that_is_in_a_key_has_an_option(body: str) -> None:
    ways = (
        ["--tenant", "acme"],
        ["--tenant", "globex"],
        ["--shared"],
        ["--tenant", "acme", "--namespace", "n"],
        ["--tenant", "acme", "--policy-epoch", "2"],
        ["--tenant", "acme", "--credential", "request"],
        ["--tenant", "acme", "--provider", "groq"],
    )
    assert len({run("key", body, *way).out for way in ways}) == len(ways)


def test_settings_count_as_they_do_for_the_client(body: str, folder: Path) -> None:
    named = run("key", body, "--shared", "--namespace", "search", "--policy-epoch", "7").out
    assert run("key", body, "--shared", env={"AIG_NAMESPACE": "search", "AIG_POLICY_EPOCH": "7"}).out == named
    (folder / "aig.toml").write_text('[gateway]\nnamespace = "search"\npolicy_epoch = "7"\n')
    assert run("key", body, "--shared").out == named
    assert run("key", body, "--shared", env={"AIG_NAMESPACE": "other"}).out != named
    (folder / "aig.toml").write_text("[gateway]\nnonsense = 1\n")
    assert run("key", body, "--shared").sentence.startswith("nonsense (aig.toml [gateway]): is no setting.")


def test_a_sealed_key(body: str, folder: Path) -> None:
    sealed = str(cache_key(URL, BODY, tenant=SHARED, secret=SECRET.encode()))
    ran = run("key", body, "--shared", "--secret-env", "SEAL", "--json", env={"SEAL": SECRET})
    assert (ran.data["key"], ran.data["sealed"]) == (sealed, True)
    for end in ("", "\n", "\r\n"):
        (folder / "seal").write_bytes(f"{SECRET}{end}".encode())
        assert run("key", body, "--shared", "--secret-file", "seal").out == f"{sealed}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--secret-env", "SEAL"], "The environment variable SEAL is not set: export the secret in it."),
        (["--secret-file", "seal"], "seal: there is no such file. Check the name, or give - for the standard input."),
        (
            ["--secret-env", "A", "--secret-file", "b"],
            "--secret-env and --secret-file say two things: give one of them.",
        ),
        (["--secret-env", "SHORT"], "secret: is shorter than 16 bytes. Use 32 random bytes"),
    ],
)
def test_a_secret_that_is_none(body: str, words: list[str], sentence: str) -> None:
    ran = run("key", body, "--shared", *words, env={"SHORT": "hush"})
    assert ran.sentence == sentence
    assert "hush" not in ran.out + ran.err


def test_a_secret_is_never_an_argument() -> None:
    assert "--secret " not in run("key", "print", "--help").out
    assert run("key", "body.json", "--secret", "x").code == 2


def test_explain_shows_digests_and_no_prompt(body: str) -> None:
    ran = run("key", "explain", body, "--tenant", "acme-tenant")
    assert ran.code == 0
    assert not re.search("fox|u-17|acme-tenant", ran.out + ran.err)
    lines = ran.out.splitlines()
    assert lines[0] == str(cache_key(URL, BODY, tenant="acme-tenant"))
    assert re.fullmatch(r"provider      [0-9a-f]{16}  openai", lines[7 + 1])
    assert re.search(r"(?m)^/messages  [0-9a-f]{16}  \d+ bytes, a list of 1$", ran.out)
    assert re.search(r"(?m)^user      Names the end user", ran.out)


def test_explain_as_json(body: str) -> None:
    ran = run("key", "explain", body, "--tenant", "acme-tenant", "--json")
    assert not re.search("fox|u-17|acme-tenant", ran.out)
    data = ran.data
    assert [one["name"] for one in data["components"]] == [
        *("recipe", "namespace", "tenant", "policy_epoch", "surface", "provider", "model", "endpoint"),
        *("credential", "variant", "body"),
    ]
    shown = {one["name"]: one["value"] for one in data["components"]}
    assert shown["model"] == "gpt-4.1-mini"
    assert shown["tenant"] is shown["variant"] is shown["body"] is None
    assert [one["pointer"] for one in data["fields"]] == ["/model", "/messages"]
    assert [one["name"] for one in data["ignored"]] == ["user"]


def test_explain_hides_a_query(folder: Path) -> None:
    capture = {"url": f"{URL}?signature=s3cr3t-s3cr3t", "body": BODY}
    ran = run("key", "explain", write(folder, "c.json", capture), "--shared", "--json")
    assert ran.code == 0
    assert "s3cr3t" not in ran.out


def test_two_services_compare_by_eye(body: str, folder: Path) -> None:
    other = write(folder, "other.json", {**BODY, "temperature": 0})
    one, two = (run("key", "explain", name, "--shared", "--json").data for name in (body, other))
    parted = [a["name"] for a, b in zip(one["components"], two["components"], strict=True) if a != b]
    assert parted == ["body"]
    digests = {field["pointer"]: field["digest"] for field in one["fields"]}
    assert all(field["digest"] == digests[field["pointer"]] for field in two["fields"] if field["pointer"] in digests)
