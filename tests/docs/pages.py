"""The Markdown pages of this project, taken apart: fenced blocks, tables, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

_FENCE = re.compile(r"(`{3,})\s*(.*?)\s*")
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"#{1,6} (.+)")


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its first line of text, counted from one."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def where(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def pages() -> list[Path]:
    return [README, *sorted(DOCS.rglob("*.md"))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    fence, info, start = "", "", 0
    lines = page.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        opened = _FENCE.fullmatch(line)
        if opened and not fence:
            fence, info, start = opened[1], opened[2], number + 1
        elif opened and opened[1] == fence and not opened[2]:
            found.append(Block(page, start, info, "\n".join(lines[start - 1 : number - 1]) + "\n"))
            fence = ""
    assert not fence, f"{name_of(page)}:{start}: the block is never closed"
    return found


def all_blocks(info: str) -> list[Block]:
    return [block for page in pages() for block in blocks(page) if block.info == info]


def prose(page: Path) -> str:
    """A page without its fenced blocks and inline code."""
    text = page.read_text("utf-8")
    for block in blocks(page):
        text = text.replace(block.text, "")
    return _CODE.sub("", text)


def links(page: Path) -> list[str]:
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The fragments that a page's headings answer to, spelled the way code hosts do."""
    found: set[str] = set()
    text = page.read_text("utf-8")
    for block in blocks(page):
        text = text.replace(block.text, "")
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            plain = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(plain.replace(" ", "-"))
    return found


def table(page: Path, heading: str) -> list[dict[str, str]]:
    """The first table below a heading, as rows of column title to cell; backticks around a whole cell are dropped."""
    lines = page.read_text("utf-8").splitlines()
    start = lines.index(heading) + 1
    rows: list[list[str]] = []
    for line in lines[start:]:
        if line.startswith("|"):
            cells = line.strip().strip("|").split("|")
            rows.append([_bare(cell) for cell in cells])
        elif rows or line.startswith("#"):
            break
    assert len(rows) > 2, f"{name_of(page)} has no table below {heading!r}"
    titles = rows[0]
    return [dict(zip(titles, row, strict=True)) for row in rows[2:]]


def _bare(cell: str) -> str:
    text = cell.strip()
    inner = text[1:-1]
    return inner if text.startswith("`") and text.endswith("`") and "`" not in inner else text
