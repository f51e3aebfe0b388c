"""`aig key diff A B`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .running import run, write

PROMPT = "You are the help desk of Acme. It is {}. Answer in one sentence."
MONDAY: dict[str, Any] = {
    "model": "gpt-4.1-mini",
    "temperature": 0,
    "messages": [
        {"role": "system", "content": PROMPT.format("2026-11-23T09:14:02Z")},
        {"role": "user", "content": "How do I reset my password?"},
    ],
}
TUESDAY: dict[str, Any] = {
    **MONDAY,
    "temperature": 0.2,
    "messages": [{"role": "system", "content": PROMPT.format("2026-11-24T10:31:40Z")}, MONDAY["messages"][1]],
}


@pytest.fixture
def files(folder: Path) -> tuple[str, str]:
    return write(folder, "monday.json", MONDAY), write(folder, "tuesday.json", TUESDAY)


def test_what_people_see(files: tuple[str, str]) -> None:
    ran = run("key", "diff", *files)
    assert ran.code == 1
    assert (
        ran.out
        == """\
The keys differ in 2 places: 1 volatile, 1 of content.

/messages/0/content  volatile: a time (ISO 8601)
    At character 38, after 43 of 119 characters of the prompt: everything behind it misses the
    provider's prompt cache too.
    Leave it out or round it to the day; if it must stay, put it at the end of the last message.

/temperature  changed: another number
"""
    )
    assert ran.err == ""


def test_what_programs_see(files: tuple[str, str]) -> None:
    data = run("key", "diff", *files, "--json").data
    assert data["same"] is False
    time, number = data["differences"]
    assert (time["pointer"], time["how"], time["nature"], time["kind"]) == (
        *("/messages/0/content", "changed", "volatile", "time"),
    )
    assert (time["offset"], time["prompt_offset"], time["prompt_length"], time["near_front"]) == (37, 43, 119, False)
    assert time["culprits"] == [{"kind": "time", "what": "a time (ISO 8601)", "offset": 37}]
    assert (number["kind"], number["a"], number["b"], number["advice"]) == ("number", "a number", "a number", None)
    assert data["a"]["key"] is data["b"]["key"] is None


def test_the_same(files: tuple[str, str], folder: Path) -> None:
    one, _ = files
    other = write(folder, "other.json", {"user": "u", **dict(reversed(MONDAY.items())), "temperature": 0.0})
    ran = run("key", "diff", one, other)
    assert (ran.code, ran.out) == (0, "The two requests have the same key.\n")
    assert run("key", "diff", one, other, "--json").data["same"] is True


def test_keys_are_there_when_a_tenant_is(files: tuple[str, str]) -> None:
    ran = run("key", "diff", *files, "--tenant", "acme")
    assert ran.err == (
        "assumed from the body's shape: openai /chat/completions (--provider, --endpoint or --url say otherwise)\n"
    )
    for name in files:
        key = run("key", name, "--tenant", "acme").out.strip()
        assert f"{key}  {name}\n" in ran.out


def test_no_value_is_shown_unless_asked_for(files: tuple[str, str]) -> None:
    for more in ([], ["--json"]):
        ran = run("key", "diff", *files, *more)
        for secret in ("help desk", "password", "2026-11-2", "0.2"):
            assert secret not in ran.out + ran.err
    ran = run("key", "diff", *files, "--show-values")
    assert '- "me. It is 2026-11-23T09:14:02Z. Answer in one sentence."\n' in ran.out
    assert "+ 0.2\n" in ran.out
    assert "password" not in ran.out


def test_shown_values_are_cut(folder: Path) -> None:
    one = write(folder, "a.json", {**MONDAY, "messages": [{"content": "x" * 500}]})
    two = write(folder, "b.json", {**MONDAY, "messages": [{"content": "y" * 500}]})
    (row,) = run("key", "diff", one, two, "--show-values", "--json").data["differences"]
    assert len(row["value_a"]) == len(row["value_b"]) == 60


def test_what_is_outside_the_body(folder: Path) -> None:
    url = "https://gateway.ai.cloudflare.com/v1/" + "0" * 32 + "/g/{}/chat/completions"
    one = write(folder, "a.json", {"url": url.format("openai"), "body": MONDAY, "tenant": "acme"})
    two = write(folder, "b.json", {"url": url.format("groq"), "body": MONDAY, "tenant": "globex"})
    ran = run("key", "diff", one, two)
    assert ran.code == 1
    assert "Outside the body: tenant, provider\n" in ran.out
    assert run("key", "diff", one, two, "--json").data["components"] == ["tenant", "provider"]
    assert "acme" not in ran.out


def test_another_model_is_said_once(folder: Path, files: tuple[str, str]) -> None:
    data = run("key", "diff", files[0], write(folder, "m.json", {**MONDAY, "model": "gpt-4.1"}), "--json").data
    assert data["components"] == []
    assert [row["pointer"] for row in data["differences"]] == ["/model"]


def test_many_differences_are_counted(folder: Path) -> None:
    one, two = (
        write(folder, f"{name}.json", {**MONDAY, "metadata": {f"m{n}": f"{name}{n}x" for n in range(40)}})
        for name in "ab"
    )
    ran = run("key", "diff", one, two)
    assert ran.out.endswith("\nand 10 more: --json has all of them\n")
    assert len(run("key", "diff", one, two, "--json").data["differences"]) == 40


def test_a_name_in_a_body_cannot_move_the_cursor(folder: Path) -> None:
    one, two = (
        write(folder, f"{n}.json", {**MONDAY, "metadata": {"a\x1b[2J\u202e": f"{n} of them"}}) for n in range(2)
    )
    out = run("key", "diff", one, two).out
    assert "/metadata/a\\x1b[2J\\u202e" in out
    assert "\x1b" not in out


def test_a_wide_pointer_is_not_cut(folder: Path) -> None:
    name = "n" * 300
    one, two = (write(folder, f"{n}.json", {**MONDAY, "metadata": {name: {"x": n}}}) for n in range(2))
    assert f"/metadata/{name}/x" in run("key", "diff", one, two).out
    assert json.loads(run("key", "diff", one, two, "--json").out)["differences"][0]["pointer"].endswith("/x")
