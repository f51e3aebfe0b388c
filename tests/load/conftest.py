from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .served import Served, served


@pytest.fixture(scope="module")
def dev() -> Iterator[Served]:
    """One with the bounds that everybody gets."""
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One whose cache and log are full after one wave of 2 000, so that what grows later is a leak."""
    file: Path = tmp_path_factory.mktemp("load") / "small.toml"
    file.write_text("[emulator]\ncache_entries = 1400\nlog_entries = 200\n", "utf-8")
    with served("--scenario", str(file)) as running:
        yield running
