"""`aig policy show`, `lint`, `compile` and `diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aig_client import ConfigurationError
from aig_client.core import policy_from_document
from aig_client.core.facts._builtin_classes import BUILTIN_CLASSES
from aig_client.schema import load_policy

from .policies import POLICY, toml
from .running import Ran, run, write

DAY = "2026-11-21"
OVERRIDE = {"AIG_MODEL__SPLIT__FIREWORKS": "large"}


# --- show -------------------------------------------------------------------------------------------


def test_without_a_file_the_built_in_classes_are_shown() -> None:
    ran = run("policy", "show")
    assert ran.code == 0
    for name in BUILTIN_CLASSES:
        assert f"\n{name} " in ran.out
    data = run("policy", "show", "--json").data
    assert (data["source"], data["route_class"]) == ("built-in", None)
    assert [one["name"] for one in data["classes"]] == sorted(BUILTIN_CLASSES)
    assert {one["origin"] for one in data["classes"]} == {"built-in"}


def test_every_class_says_where_it_comes_from(folder: Path) -> None:
    toml(folder)
    data = run("policy", "show", "--json").data
    origins = {one["name"]: one["origin"] for one in data["classes"]}
    assert (origins["summary"], origins["split"], origins["vision"]) == ("changed", "own", "built-in")
    assert (data["providers"], data["epoch"], data["models"]) == (["fireworks", "baseten"], "7", 4)
    assert data["digest"] == load_policy("aig.toml", environ={}).digest


def test_one_class_in_full(folder: Path) -> None:
    toml(folder)
    lines = run("policy", "show", "summary").out.splitlines()
    assert lines[0] == "summary"
    shown = {line.split()[0]: line.split()[1:] for line in lines[3:]}
    assert shown["strategy"] == ["cheapest", "built-in:", "score"]
    assert shown["limits.max_output_tokens"] == ["100", "built-in:", "none"]
    assert shown["tools"] == ["strip"]
    (one,) = run("policy", "show", "summary", "--json").data["classes"]
    assert one["settings"]["limits"]["deadline"] == 20
    split = run("policy", "show", "split", "--json").data["classes"][0]["settings"]
    assert [target["model"] for target in split["targets"]] == ["small", "large"]


def test_the_environments_overrides_are_shown_with_their_source(folder: Path) -> None:
    toml(folder)
    (one,) = run("policy", "show", "split", "--json", env=OVERRIDE).data["classes"]
    assert one["overrides"] == [
        {
            "provider": "fireworks",
            "model": "large",
            "forced": False,
            "source": "environment AIG_MODEL__SPLIT__FIREWORKS",
        }
    ]
    assert (
        "fireworks  large  environment AIG_MODEL__SPLIT__FIREWORKS" in run("policy", "show", "split", env=OVERRIDE).out
    )


def test_an_unknown_class(folder: Path) -> None:
    toml(folder)
    ran = run("policy", "show", "spilt")
    assert ran.code == 2
    assert ran.sentence.startswith("route_class: the policy has no class 'spilt'. Did you mean 'split'?")


# --- compile ----------------------------------------------------------------------------------------


def test_what_is_compiled_is_the_policy(folder: Path) -> None:
    toml(folder)
    ran = run("policy", "compile")
    assert (ran.code, ran.err) == (0, "")
    assert policy_from_document(json.loads(ran.out)) == load_policy("aig.toml", environ={})
    assert json.loads(ran.out) == load_policy("aig.toml", environ={}).as_document()
    assert run("policy", "compile", "aig.toml").out == ran.out
    assert run("policy", "compile", "-o", "out.json").out == ""
    assert (folder / "out.json").read_text("utf-8") == ran.out
    assert sorted(file.name for file in folder.iterdir()) == ["aig.toml", "out.json"]


def test_the_environment_is_in_it_only_when_asked_for(folder: Path) -> None:
    toml(folder)
    assert json.loads(run("policy", "compile", env=OVERRIDE).out)["overrides"] == {}
    asked = json.loads(run("policy", "compile", "--with-environment", env=OVERRIDE).out)["overrides"]
    assert asked["split"]["fireworks"]["model"] == "large"


def test_a_secret_of_the_environment_is_not_in_it(folder: Path) -> None:
    toml(folder)
    env = {**OVERRIDE, "CF_AIG_TOKEN": "S3cr3tS3cr3tS3cr3t"}
    assert "S3cr3t" not in run("policy", "compile", "--with-environment", env=env).out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "There is no aig.toml in this folder: name the file, or go where it is."),
        (("p.json",), 2, "p.json is compiled already: give the aig.toml that it was made of."),
        (("-",), 2, "A policy is read from a file: give its name instead of -."),
        (("nope.toml",), 2, "config (nope.toml): cannot be read (No such file or directory)"),
        (("ok.toml", "-o", "no/where.json"), 1, "no/where.json cannot be written (No such file or directory): choose "),
    ],
)
def test_what_cannot_be_compiled(folder: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    toml(folder, name="ok.toml")
    ran = run("policy", "compile", *words)
    assert (ran.code, ran.out) == (code, "")
    assert ran.sentence.startswith(sentence)


def test_a_failed_write_leaves_the_old_file(folder: Path) -> None:
    toml(folder, "[classes.summary]\ntols = 1\n")
    (folder / "policy.json").write_text("old")
    assert run("policy", "compile", "-o", "policy.json").code == 2
    assert (folder / "policy.json").read_text() == "old"


# --- lint -------------------------------------------------------------------------------------------


NOBODY = (
    "class summary has no model for even the simplest request: context window is 8000 tokens, 999999999 are"
    " required (2); context window is 16000 tokens, 999999999 are required (1); context window is 300000"
    " tokens, 999999999 are required (1)"
)


def lint(folder: Path, text: str, *words: str) -> Ran:
    return run("policy", "lint", toml(folder, text), "--json", "--on", DAY, *words)


def said(ran: Ran, severity: str = "warning") -> list[str]:
    return [one["what"] for one in ran.data["findings"] if one["severity"] == severity]


def test_nothing_to_do(folder: Path) -> None:
    ran = run("policy", "lint", toml(folder), "--on", DAY)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "ok  policy  aig.toml loads: 12 classes\n\nNothing to do.\n"
    assert lint(folder, POLICY).data["worst"] == "ok"


@pytest.mark.parametrize(
    ("changed", "what", "where"),
    [
        (
            POLICY.replace('source = "made up"', 'retired_on = "2026-12-01"'),
            "class split: fireworks/small retires on 2026-12-01, in 10 days",
            "classes.split.targets[0]",
        ),
        (
            POLICY.replace('source = "made up"', 'retired_on = "2026-11-21"'),
            "class split: fireworks/small is retired since 2026-11-21, and is passed over",
            "classes.split.targets[0]",
        ),
        (
            POLICY.replace('source = "made up"', 'deprecated_on = "2026-11-20"\nretired_on = "2027-06-01"'),
            "class split: fireworks/small is deprecated since 2026-11-20, and retires on 2027-06-01",
            "classes.split.targets[0]",
        ),
        (
            POLICY.replace('tools = "strip"', 'tools = "strip"\nstrategy = "cheapest"'),
            "class plain takes the cheapest, and the price of fireworks/mute is unknown: it comes last",
            "classes.plain.targets[0]",
        ),
        (
            POLICY.replace("fallbacks = 1", "fallbacks = 4"),
            "class summary may try 4 further models, and there are only 3",
            "classes.summary.fallbacks",
        ),
        (
            POLICY.replace('"baseten"]', '"baseten", "parallel"]'),
            "no class can ever use parallel: no model there is good for any",
            "policy.providers[2]",
        ),
        (
            POLICY.replace("fallbacks = 1", 'cache = {strategy = "response", ttl = 60, scope = "shared"}'),
            "class summary shares cached answers between all callers",
            "classes.summary.cache.scope",
        ),
        (
            POLICY + '[overrides.summary]\nbaseten = "forced:huge"\n',
            "class summary takes baseten/huge at baseten, forced: nobody checks that it can",
            "aig.toml [overrides.summary]",
        ),
        (
            POLICY.replace("fallbacks = 1", "requirements = {context = 999999999}"),
            NOBODY,
            "classes.summary",
        ),
    ],
)
def test_a_warning(folder: Path, changed: str, what: str, where: str) -> None:
    assert changed != POLICY
    ran = lint(folder, changed)
    assert ran.code == 1
    (one,) = [one for one in ran.data["findings"] if one["severity"] == "warning"]
    assert (one["what"], one["where"]) == (what, where)
    assert one["fix"]


def test_a_required_price_that_is_unknown(folder: Path) -> None:
    ran = lint(folder, POLICY.replace('tools = "strip"', 'tools = "strip"\nrequire_price = true'))
    assert "class plain requires a price, and that of fireworks/mute is unknown: it is never chosen" in said(ran)


def test_sixty_days_are_soon_and_one_more_is_not(folder: Path) -> None:
    text = POLICY.replace('source = "made up"', 'retired_on = "2027-01-20"')
    assert lint(folder, text).code == 1  # in 60 days
    assert run("policy", "lint", "aig.toml", "--on", "2026-11-20").code == 0  # in 61
    assert run("policy", "lint", "aig.toml", "--on", "2027-01-19").out.count("in 1 day\n") == 1


def test_what_is_worth_knowing_is_no_warning(folder: Path) -> None:
    text = POLICY.replace('model = "small", weight = 1', 'model = "small", weight = 0')
    ran = lint(folder, text + '[overrides.summary]\nbaseten = "mid"\n')
    assert ran.code == 0
    assert said(ran, "info") == [
        "class split: fireworks/small has weight 0 and takes no traffic",
        "class summary takes baseten/mid at baseten",
    ]


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("[classes.summary]\ntols = 1\n", "tols is no field that we know", "aig.toml [classes.summary]"),
        ("[polcy]\n", "polcy is no table we know", "aig.toml"),
        ("[policy\n", "config is not TOML", "aig.toml"),
        (
            POLICY.replace("weight = 1", "weight = 0"),
            "targets has no weight above 0, so nothing could be chosen",
            "aig.toml [classes.split]",
        ),
    ],
)
def test_an_error(folder: Path, text: str, what: str, where: str) -> None:
    ran = lint(folder, text)
    assert ran.code == 2
    (one,) = ran.data["findings"]
    assert (one["severity"], one["where"]) == ("error", where)
    assert one["what"].startswith(what)
    assert ran.data["digest"] is None
    assert run("policy", "lint").out.endswith("\n1 error.\n")


def test_lint_needs_a_file_and_a_day() -> None:
    assert run("policy", "lint").sentence.startswith("There is no aig.toml in this folder")
    assert run("policy", "lint", "x.toml", "--on", "tomorrow").sentence == (
        "--on tomorrow is no day: write it as 2027-01-31."
    )


def test_a_compiled_policy_is_checked_too(folder: Path) -> None:
    toml(folder, POLICY.replace("fallbacks = 1", "fallbacks = 4"))
    run("policy", "compile", "-o", "p.json")
    ran = run("policy", "lint", "p.json", "--json", "--on", DAY)
    assert said(ran) == ["class summary may try 4 further models, and there are only 3"]
    broken: dict[str, Any] = {**json.loads((folder / "p.json").read_text()), "epoch": "other"}
    ran = run("policy", "lint", write(folder, "q.json", broken), "--json")
    assert said(ran, "error") == ["/digest is not that of the content"]


def test_a_built_in_class_without_a_model_is_no_warning_until_somebody_wrote_it(folder: Path) -> None:
    text = POLICY.replace('input_modalities = ["text", "image"]\n', "")
    ran = lint(folder, text)
    assert ran.code == 0
    assert [one.partition(":")[0] for one in said(ran, "info")] == [
        "class vision has no model for even the simplest request"
    ]
    assert lint(folder, text + "[classes.vision]\nfallbacks = 1\n").code == 1


# --- diff -------------------------------------------------------------------------------------------


def changes(folder: Path, text: str) -> list[tuple[Any, ...]]:
    toml(folder)
    toml(folder, text, "b.toml")
    ran = run("policy", "diff", "aig.toml", "b.toml", "--json")
    assert ran.code == (1 if ran.data["changes"] else 0)
    assert ran.data["same"] == (not ran.data["changes"])
    return [(one["part"], one["name"], one["field"], one["how"], one["a"], one["b"]) for one in ran.data["changes"]]


def test_a_policy_and_what_it_compiles_to_are_the_same(folder: Path) -> None:
    toml(folder)
    run("policy", "compile", "-o", "p.json")
    ran = run("policy", "diff", "aig.toml", "p.json")
    assert ran.code == 0
    assert ran.out.startswith("The two policies decide alike.\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POLICY, []),
        (POLICY.replace('epoch = "7"', 'epoch = "8"'), [("policy", "epoch", None, "changed", "7", "8")]),
        (
            POLICY.replace('"cheapest"', '"fastest"'),
            [("classes", "summary", "strategy", "changed", "cheapest", "fastest")],
        ),
        (
            POLICY.replace("temperature = 0.5", "temperature = 0.7"),
            [("classes", "summary", "limits.max_temperature", "changed", 0.5, 0.7)],
        ),
        (
            POLICY.replace("context_window = 16000", "context_window = 32000"),
            [("models", "baseten/mid", "context_window", "changed", 16000, 32000)],
        ),
        (
            POLICY.replace("context_window = 16000\n", ""),
            [("models", "baseten/mid", "context_window", "removed", 16000, None)],
        ),
        (
            POLICY + '[overrides.split]\nfireworks = "large"\n',
            [
                (
                    *("overrides", "split", None, "added", None),
                    {"fireworks": {"model": "large", "forced": False, "source": "aig.toml [overrides.split]"}},
                )
            ],
        ),
    ],
)
def test_a_change(folder: Path, text: str, expected: list[tuple[Any, ...]]) -> None:
    assert changes(folder, text) == expected


def test_classes_and_targets_come_and_go(folder: Path) -> None:
    found = changes(
        folder, POLICY.replace("[classes.plain]", "[classes.quiet]").replace('model = "small"', 'model = "mute"')
    )
    assert [one[:4] for one in found] == [
        ("classes", "plain", None, "removed"),
        ("classes", "quiet", None, "added"),
        ("classes", "split", "targets", "changed"),
    ]
    ran = run("policy", "diff", "aig.toml", "b.toml")
    assert ran.out.startswith("They differ in 3 classes.\n")
    shown = " ".join(ran.out.split())
    assert "changed split.targets fireworks/small, fireworks/large -> fireworks/mute, fireworks/large" in shown


def test_who_said_an_override_is_no_difference(folder: Path) -> None:
    toml(folder, POLICY + '[overrides.split]\nfireworks = "large"\n', "said.toml")
    toml(folder)
    run("policy", "compile", "-o", "p.json", "--with-environment", env=OVERRIDE)
    assert run("policy", "diff", "said.toml", "p.json").code == 0


def test_the_environment_takes_no_part_in_lint_and_diff(folder: Path) -> None:
    toml(folder)
    bad = {"AIG_MODEL__NOBODY__FIREWORKS": "x"}
    assert run("policy", "lint", "--on", DAY, env=bad).code == 0
    assert run("policy", "diff", "aig.toml", "aig.toml", env=bad).code == 0
    with pytest.raises(ConfigurationError):
        load_policy("aig.toml", environ=bad)
