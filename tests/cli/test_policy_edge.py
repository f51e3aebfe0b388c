"""`aig policy token`, `compile --edge` and `simulate`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aig_client.core.path._edge_document import edge_from_text
from aig_client.core.path._principal import Principal, by_token

from .policies import POLICY, toml
from .running import Ran, run

TOKEN = "aig_acme_0123456789abcdef"

# --- token ------------------------------------------------------------------------------------------


def who(stored: str, token: str) -> str | None:
    found = by_token([Principal(name="acme", tenant="t", classes=("*",), tokens=(stored,))], token)
    return found.name if found is not None else None


def test_a_token_and_its_stored_form() -> None:
    ran = run("policy", "token", "acme")
    assert (ran.code, ran.err) == (0, "")
    token, stored = (line.split()[1] for line in ran.out.splitlines())
    assert re.fullmatch(r"aig_acme_[0-9a-f]{64}", token)
    assert who(stored, token) == "acme"
    assert who(stored, token + "0") is None
    assert token not in stored


def test_every_token_and_salt_is_another_one() -> None:
    made = [run("policy", "token", "acme", "--json").data for _ in range(8)]
    assert len({one["token"] for one in made}) == 8
    assert len({one["stored"].split(":")[1] for one in made}) == 8
    assert all(who(one["stored"], one["token"]) for one in made)
    assert {one["principal"] for one in made} == {"acme"}


def test_the_stored_form_of_a_given_token() -> None:
    ran = run("policy", "token", "--stored", given=f"{TOKEN}\n")
    assert ran.code == 0
    assert who(ran.out.strip(), TOKEN) == "acme"
    told = run("policy", "token", "--stored", "--json", given=TOKEN).data
    assert (told["principal"], told["token"]) == (None, None)
    assert who(told["stored"], TOKEN) == "acme"


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        ((), None, "Say for whom: aig policy token acme"),
        (("Acme",), None, "A principal's name is made of a to z"),
        (("a" * 65,), None, "A principal's name is made of a to z"),
        (("acme", "--stored"), TOKEN, "--stored takes its token from the standard input"),
        (("--stored",), "too-short-to-be-any", "The standard input must hold one token of 20 to 512"),
        (("--stored",), f"{TOKEN} {TOKEN}", "The standard input must hold one token"),
        (("--stored",), "", "The standard input must hold one token"),
        (("--stored",), "x" * 513, "The standard input must hold one token"),
    ],
)
def test_no_token(words: tuple[str, ...], given: str | None, said: str) -> None:
    ran = run("policy", "token", *words, given=given)
    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence.startswith(said)
    assert not given or given not in ran.err


# --- compile --edge ---------------------------------------------------------------------------------


def edge(folder: Path) -> None:
    stored = run("policy", "token", "--stored", "--json", given=TOKEN).data["stored"]
    toml(folder, f'{POLICY}\n[principals.acme]\ntenant = "t"\ntokens = ["{stored}"]\nclasses = ["*"]\n')


def test_the_document_of_a_worker(folder: Path) -> None:
    edge(folder)
    ran = run("policy", "compile", "--edge")
    found = edge_from_text(ran.out.encode())
    (one,) = found.principals
    assert by_token(found.principals, TOKEN) is one
    assert found.policy.as_document() == json.loads(run("policy", "compile").out)
    run("policy", "compile", "--edge", "-o", "edge.json")
    assert (folder / "edge.json").read_text() == ran.out


def test_as_the_module_of_the_worker(folder: Path) -> None:
    edge(folder)
    assert run("policy", "compile", "--edge", "--python", "-o", "floor.py").code == 0
    text = (folder / "floor.py").read_text()
    namespace: dict[str, Any] = {}
    exec(compile(text, "floor.py", "exec"), namespace)  # noqa: S102  (what was just written)
    assert namespace["TEXT"] == run("policy", "compile", "--edge").out
    assert max(map(len, text.splitlines())) <= 120


def test_python_is_for_the_edge_alone(folder: Path) -> None:
    toml(folder)
    ran = run("policy", "compile", "--python")
    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence.startswith("--python writes the document of a Worker")
    assert run("policy", "compile", "--edge").sentence.startswith("principals (aig.toml [principals]): are none")


def test_lint_looks_at_the_edge_too(folder: Path) -> None:
    edge(folder)
    assert run("policy", "lint", "--on", "2026-11-21").code == 0
    toml(folder, f'{POLICY}\n[principals.acme]\ntenant = "t"\ntokens = ["{TOKEN}"]\nclasses = ["*"]\n')
    ran = run("policy", "lint", "--json")
    assert ran.code == 2
    (one,) = [one for one in ran.data["findings"] if one["check"] == "edge"]
    assert (one["severity"], one["where"], one["fix"]) == (
        *("error", "aig.toml [principals.acme]", "Make one with: aig policy token"),
    )
    assert TOKEN not in ran.out


# --- simulate ---------------------------------------------------------------------------------------


MESSAGES = [{"role": "user", "content": "x" * 4000}]
PLAIN = {"model": "small", "messages": MESSAGES}
ALIAS = {"model": "aig/summary", "messages": MESSAGES, "max_completion_tokens": 50}
DEARER = POLICY.replace('"cheapest"', '"fixed"\ntargets = ["fireworks/large"]').replace("max_output_tokens = 100, ", "")


def simulate(folder: Path, lines: Sequence[object], *words: str) -> Ran:
    (folder / "x.jsonl").write_text("\n".join(json.dumps(one) for one in lines), "utf-8")
    return run("policy", "simulate", "x.jsonl", "--provider", "fireworks", *words)


def test_one_policy(folder: Path) -> None:
    toml(folder)
    ran = simulate(folder, [PLAIN, ALIAS], "--json")
    assert ran.code == 0
    told = ran.data
    assert (told["requests"], told["changed"], told["b"]) == (2, None, None)
    assert told["a"]["classes"] == {"none": 1, "summary": 1}
    assert told["a"]["models"] == {"fireworks/small": 2}
    plain, alias = told["lines"]
    assert (plain["number"], plain["asked"], plain["a"]["route_class"]) == (1, "small", None)
    assert (alias["asked"], alias["a"]["route_class"], alias["a"]["model"]) == (
        *("aig/summary", "summary", "fireworks/small"),
    )
    # 1000 tokens at $1 a million, and 500 or 50 at $2.
    assert plain["a"]["estimated_nanodollars"] == 1_000_000 + 1_000_000
    assert alias["a"]["estimated_nanodollars"] == 1_000_000 + 100_000
    assert (told["a"]["estimated_nanodollars"], told["a"]["unknown"]) == (3_100_000, 0)
    assert "about    $0.0031" in simulate(folder, [PLAIN, ALIAS]).out


def test_the_cap_of_a_class_is_in_the_estimate(folder: Path) -> None:
    toml(folder)
    body = {name: value for name, value in ALIAS.items() if name != "max_completion_tokens"}
    (one,) = simulate(folder, [body], "--json").data["lines"]
    assert one["a"]["estimated_nanodollars"] == 1_000_000 + 200_000


def test_two_policies(folder: Path) -> None:
    toml(folder)
    toml(folder, DEARER, "b.toml")
    ran = simulate(folder, [PLAIN, ALIAS, ALIAS], "--against", "b.toml", "--json")
    told = ran.data
    assert told["changed"] == sum(one["changed"] for one in told["lines"]) == 2
    assert [one["changed"] for one in told["lines"]] == [False, True, True]
    assert [one["b"]["model"] for one in told["lines"]] == ["fireworks/small", "fireworks/large", "fireworks/large"]
    assert told["b"]["estimated_nanodollars"] > told["a"]["estimated_nanodollars"]
    text = simulate(folder, [PLAIN, ALIAS, ALIAS], "--against", "b.toml").out
    assert text.startswith("3 requests: 2 would get another class or model.\n")
    assert "fireworks/small -> fireworks/large" in text
    same = simulate(folder, [PLAIN], "--against", "aig.toml", "--json").data
    assert (same["changed"], same["a"], same["lines"][0]["changed"]) == (0, same["b"], False)


def test_another_cost_alone_is_no_change(folder: Path) -> None:
    toml(folder)
    toml(folder, POLICY.replace("max_output_tokens = 100", "max_output_tokens = 200"), "b.toml")
    body = {name: value for name, value in ALIAS.items() if name != "max_completion_tokens"}
    told = simulate(folder, [body], "--against", "b.toml", "--json").data
    assert told["changed"] == 0
    assert told["b"]["estimated_nanodollars"] - told["a"]["estimated_nanodollars"] == 200_000


def test_captures_and_the_usual_class(folder: Path) -> None:
    toml(folder)
    url = "https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/prod/baseten/chat/completions"
    captures = [
        {"provider": "fireworks", "body": PLAIN, "tenant": "t", "headers": {"Authorization": "Bearer S3cr3t"}},
        {"url": url, "body": {"model": "mid", "messages": MESSAGES}},
        {"body": PLAIN, "headers": {"x-aig-route-class": "plain"}},
        ALIAS,
    ]
    ran = simulate(folder, captures, "--route-class", "split", "--json")
    assert [one["a"]["route_class"] for one in ran.data["lines"]] == ["split", "split", "plain", "summary"]
    assert "S3cr3t" not in ran.out
    told = simulate(folder, captures[1:2], "--json").data["lines"][0]["a"]
    assert (told["route_class"], told["model"], told["estimated_nanodollars"]) == (
        *(None, "baseten/mid", 2_000_000 + 2_000_000),
    )


def test_what_would_be_refused_and_what_nobody_can_price(folder: Path) -> None:
    toml(folder)
    unpriced = {"model": "mute", "messages": MESSAGES}
    ran = simulate(folder, [{"model": "aig/nope", "messages": MESSAGES}, unpriced, PLAIN], "--json")
    assert ran.code == 1
    told = ran.data
    assert (told["a"]["refused"], told["a"]["unknown"], told["a"]["estimated_nanodollars"]) == (1, 1, 2_000_000)
    assert "no class 'nope'" in told["lines"][0]["a"]["refused"]
    text = simulate(folder, [{"model": "aig/nope", "messages": MESSAGES}, unpriced]).out
    assert "$0.00, and 1 of unknown cost" in text
    toml(folder, POLICY.replace("[classes.plain]", "[classes.nope]"), "b.toml")
    told = simulate(folder, [{"model": "aig/nope", "messages": MESSAGES}], "--against", "b.toml", "--json").data
    assert (told["changed"], told["lines"][0]["b"]["route_class"]) == (1, "nope")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.jsonl holds no request"),
        ("\n\n", "x.jsonl holds no request"),
        ("{}\nnonsense", "x.jsonl:1 has the shape of no request"),
        ("nonsense", "x.jsonl:1 is not JSON"),
        ('[{"a": 1}]', "x.jsonl:1 holds a list"),
    ],
)
def test_lines_that_are_no_requests(folder: Path, text: str, said: str) -> None:
    toml(folder)
    (folder / "x.jsonl").write_text(text)
    ran = run("policy", "simulate", "x.jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence.startswith(said)


def test_the_environment_is_left_out(folder: Path) -> None:
    toml(folder)
    (folder / "x.jsonl").write_text(json.dumps({"model": "aig/split", "messages": MESSAGES}))
    env = {"AIG_MODEL__SPLIT__FIREWORKS": "large"}
    words = ("policy", "simulate", "x.jsonl", "--provider", "fireworks", "--json")
    assert run(*words, env=env).out == run(*words).out
