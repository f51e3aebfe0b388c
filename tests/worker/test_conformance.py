"""What the core makes of every vector is the same in CPython and inside the Worker, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from . import conformance
from .workerd import Running

V1 = Path(__file__).parent.parent / "vectors" / "v1"
FILES = sorted(V1.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_both_runtimes_say_the_same(file: Path, smoke: Running) -> None:
    text = file.read_text("utf-8")
    here = conformance.run(file.stem, text).encode()
    answer = httpx.post(
        f"{smoke.url}/conformance", params={"name": file.stem}, content=text.encode(), timeout=60, trust_env=False
    )
    assert answer.status_code == 200, answer.text[-3000:]
    assert answer.content.splitlines() == here.splitlines()
    assert answer.content == here


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_case_of_every_section_is_run(file: Path) -> None:
    document = json.loads(file.read_text("utf-8"))
    listed = {name for name, value in document.items() if isinstance(value, list)}
    missing = listed - set(conformance.sections(file.stem))
    assert not missing, f"{file.name} has sections without a row in RUNNERS: {sorted(missing)}"
    ran = [json.loads(line)[:3] for line in conformance.run(file.stem, file.read_text("utf-8")).splitlines()]
    assert len(ran) == sum(len(document[section]) for section in listed)
