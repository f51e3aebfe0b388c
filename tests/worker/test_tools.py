"""Which Node runs the harness, and what is said where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import workerd
from .workerd import NoNpmError, Tools, install, tools


def program(folder: Path, name: str, says: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {says}\n", "ascii")
    file.chmod(0o755)
    return str(file)


def machine(monkeypatch: pytest.MonkeyPatch, folder: Path, *, wheel: bool) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), "/bin")))
    monkeypatch.setattr("shutil.which", lambda name: str(folder / name) if (folder / name).exists() else None)
    if not wheel:
        monkeypatch.setattr(workerd, "find_spec", lambda _name: None)


def test_a_machines_own_node_is_taken_if_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node, npm = program(tmp_path, "node", "v22.12.0"), program(tmp_path, "npm", "11")
    machine(monkeypatch, tmp_path, wheel=False)
    assert tools() == Tools(node, (npm,))


@pytest.mark.parametrize("version", ["v20.20.2", "v22.11.9", "v9.99.0"])
def test_an_older_one_gives_way_to_the_wheels(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = program(tmp_path, "node", version)
    program(tmp_path, "npm", "11")
    machine(monkeypatch, tmp_path, wheel=True)
    found = tools()
    assert found.node != node
    assert found.npm[0] == found.node
    machine(monkeypatch, tmp_path, wheel=False)
    with pytest.raises(RuntimeError, match=r"22\.12"):
        tools()


def test_a_machine_without_npm_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, tmp_path, wheel=False)
    with pytest.raises(NoNpmError, match="npm"):
        tools()


def test_the_harness_is_installed_once_for_each_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = program(tmp_path / "bin", "npm", "$@ >> asked")
    monkeypatch.setattr(workerd, "HARNESS", tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package-lock.json").write_text("{}", "ascii")
    for _ in range(2):
        install(Tools("/bin/false", (npm,)))
    (tmp_path / "package-lock.json").write_text("{ }", "ascii")
    install(Tools("/bin/false", (npm,)))
    asked = (tmp_path / "asked").read_text("ascii").splitlines()
    assert len(asked) == 2
    assert all("--ignore-scripts" in line for line in asked)


def test_an_install_that_changes_the_lock_or_fails_is_no_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workerd, "HARNESS", tmp_path)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package-lock.json").write_text("{}", "ascii")
    changing = program(tmp_path / "bin", "changing", "changed > package-lock.json")
    with pytest.raises(RuntimeError, match="does not match"):
        install(Tools("/bin/false", (changing,)))
    failing = program(tmp_path / "bin", "failing", "no such registry >&2; exit 1")
    with pytest.raises(RuntimeError, match="no such registry"):
        install(Tools("/bin/false", (failing,)))
    assert not (tmp_path / "node_modules" / ".lock.sha256").exists()
