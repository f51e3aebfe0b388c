"""The pages hold together: links lead somewhere, pages are short, and nothing names where they were written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import DOCS, README, anchors, links, name_of, pages

_ELSEWHERE = {"127.0.0.1", "diataxis.fr"}
"""The hosts that a page may name, fictitious ones included."""

_ENDINGS = (".example", ".example.com", ".cloudflare.com")

_PATH = re.compile(r"(?<![\w.{}/-])/(?:work|home|root|tmp|Users|mnt|var|usr)/")
_ADDRESS = re.compile(r"(?:https?|wss?)://(?:[^/\s@`'\"]*@)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
# One long table, and one recipe that is read as a whole.
_LONG = {"docs/reference/emulator-conformance.md", "docs/adr/0003-key-recipe.md"}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        target, _, fragment = link.partition("#")
        if "://" in target:
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{link} leads nowhere"
        if fragment:
            assert fragment in anchors(there), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_is_short_and_has_one_title(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) < 120 or name_of(page) in _LONG


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_names_no_machine_and_no_unknown_host(page: Path) -> None:
    text = re.sub(r"\\u[0-9a-f]{4}", ".", page.read_text("utf-8"))
    assert not _PATH.search(text)
    for host in _ADDRESS.findall(text):
        assert host in _ELSEWHERE or host.endswith(_ENDINGS), host


def test_every_page_is_reached_from_the_index() -> None:
    reached = {(page.parent / link.partition("#")[0]).resolve() for page in _indexes() for link in links(page)}
    assert set(DOCS.rglob("*.md")) - {DOCS / "index.md"} <= reached
    assert (DOCS / "index.md") in {(README.parent / link).resolve() for link in links(README)}


def _indexes() -> tuple[Path, ...]:
    return DOCS / "index.md", DOCS / "adr" / "README.md"


def test_every_decision_is_listed() -> None:
    listed = {link for link in links(DOCS / "adr" / "README.md") if link[0].isdigit()}
    assert listed == {page.name for page in (DOCS / "adr").glob("[0-9]*.md")}
