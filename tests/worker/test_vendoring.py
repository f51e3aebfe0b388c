"""``tools/vendor_core.py``: what a deployment runs is what ``src`` says, and a difference is found."""

from __future__ import annotations

import hashlib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from .workerd import ROOT


@pytest.fixture
def tool(tmp_path: Path) -> Any:
    """The tool over a small project of its own."""
    spec = spec_from_file_location("vendor_core", ROOT / "tools" / "vendor_core.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("__init__.py", "_version.py", "core/__init__.py", "core/facts/_prices.py", "http/_client.py"):
        file = tmp_path / "src" / "aig_client" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"NAME = {name!r}\n", "utf-8")
    (tmp_path / "worker").mkdir()
    module.ROOT, module.SOURCE, module.MODULES = tmp_path, tmp_path / "src", tmp_path / "python_modules"
    module.MANIFEST = tmp_path / "worker" / "python_modules.sha256"
    module.install_sdk = lambda _target: None
    return module


def test_the_core_and_the_facade_are_copied_and_nothing_else(tool: Any, tmp_path: Path) -> None:
    assert tool.main([]) == 0
    package = tool.MODULES / "aig_client"
    copied = {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*.py")}
    assert set(copied) == {"__init__.py", "_version.py", "core/__init__.py", "core/facts/_prices.py"}
    assert all((tool.SOURCE / "aig_client" / name).read_bytes() == content for name, content in copied.items())
    lines = tool.MANIFEST.read_text("utf-8").splitlines()
    assert lines == sorted(lines, key=lambda line: line.split()[1])
    for line in lines:
        digest, path = line.split("  ")
        assert hashlib.sha256((tool.MODULES / path).read_bytes()).hexdigest() == digest
    assert len(lines) == len(copied)
    assert tool.main(["--check"]) == 0


def test_a_module_that_the_core_no_longer_has_goes_away(tool: Any) -> None:
    assert tool.main([]) == 0
    (tool.SOURCE / "aig_client" / "core" / "facts" / "_prices.py").unlink()
    assert tool.main(["--check"]) == 1
    assert tool.main([]) == 0
    assert not (tool.MODULES / "aig_client" / "core" / "facts" / "_prices.py").exists()


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("src/aig_client/core/__init__.py", "worker/python_modules.sha256"),
        ("src/aig_client/core/_new.py", "worker/python_modules.sha256"),
        ("python_modules/aig_client/core/__init__.py", "python_modules/aig_client/core/__init__.py"),
        ("python_modules/aig_client/core/_old.py", "python_modules/aig_client/core/_old.py"),
    ],
)
def test_the_check_fails_and_names_what_differs(
    name: str, named: str, tool: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main([]) == 0
    (tool.ROOT / name).write_text("NAME = 'another'\n", "utf-8")
    assert tool.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert named in said
    assert "python tools/vendor_core.py" in said


def test_a_checkout_without_copies_is_checked_by_its_manifest_alone(tool: Any) -> None:
    tool.MANIFEST.write_text(tool.manifest(tool.vendored(tool.SOURCE)), "utf-8")
    assert tool.main(["--check"]) == 0


def test_copying_alone_leaves_the_manifest(tool: Any) -> None:
    tool.MANIFEST.write_text("as committed\n", "utf-8")
    assert tool.main(["--copy"]) == 0
    assert tool.MANIFEST.read_text("utf-8") == "as committed\n"
    assert (tool.MODULES / "aig_client" / "_version.py").is_file()


def test_what_it_does_not_know_is_refused(tool: Any) -> None:
    assert tool.main(["--force"]) == 2
