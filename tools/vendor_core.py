"""Lay out ``python_modules/``, from which wrangler uploads what the Worker imports: our façade and core, and the SDK.

    python tools/vendor_core.py            copy and install, and write the manifest
    python tools/vendor_core.py --copy     copy and install only
    python tools/vendor_core.py --check    fail if the manifest, or a copy that is there, is not what would be written

The copies are byte for byte those of ``src``; ``python_modules/`` stays out of git. What is committed is the manifest,
``worker/python_modules.sha256``: which code a deployment of this commit runs shows in its diff, and can be verified
where it lies: ``cd python_modules && sha256sum -c ../worker/python_modules.sha256``. The SDK is a dependency, pinned by
version and digest in ``worker/requirements.in``.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
MODULES = ROOT / "python_modules"
MANIFEST = ROOT / "worker" / "python_modules.sha256"
REQUIREMENTS = ROOT / "worker" / "requirements.in"
PACKAGE = "aig_client"
UNUSED = ("asgi.py", "workers/asgi.py", "workers/wsgi.py")
"""What of the SDK the Worker has no use for: adapters for web frameworks, a tenth of the SDK's share of an upload."""
AGAIN = "Run 'python tools/vendor_core.py'."


def vendored(root: Path) -> dict[str, bytes]:
    """Path and content of what belongs to the Worker, under a folder that holds the package."""
    package = root / PACKAGE
    files = [package / "__init__.py", package / "_version.py", *(package / "core").rglob("*.py")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(files)}


def manifest(files: dict[str, bytes]) -> str:
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items()))


def copy(files: dict[str, bytes], target: Path) -> None:
    """Replace the package under ``target``; a module that the core no longer has goes away."""
    shutil.rmtree(target / PACKAGE, ignore_errors=True)
    for path, content in files.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def install_sdk(target: Path) -> None:
    """Install what ``worker/requirements.in`` pins, unless it is there, and leave out what nothing imports."""
    pinned = re.findall(r"^([\w.-]+)==([\w.]+)", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
    if not all((target / f"{name.replace('-', '_')}-{version}.dist-info").is_dir() for name, version in pinned):
        _install_anew(target)
    for name in UNUSED:
        (target / name).unlink(missing_ok=True)


def _install_anew(target: Path) -> None:
    with tempfile.TemporaryDirectory() as fresh:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes", "--target", fresh]
        subprocess.run([*pip, *options, "-r", str(REQUIREMENTS)], check=True)
        kept = target / PACKAGE
        for path in target.glob("*"):
            if path.is_file():
                path.unlink()
            elif path != kept:
                shutil.rmtree(path)
        shutil.copytree(fresh, target, dirs_exist_ok=True)


def stale(expected: dict[str, bytes]) -> str | None:
    """What is not as it would be written, or None."""
    if not MANIFEST.is_file() or MANIFEST.read_text("utf-8") != manifest(expected):
        return f"{MANIFEST.relative_to(ROOT)} is not the manifest of the core as it stands"
    copied = MODULES / PACKAGE
    if copied.is_dir():
        there = {path.relative_to(MODULES).as_posix(): path.read_bytes() for path in copied.rglob("*.py")}
        differing = sorted(path for path in there.keys() | expected.keys() if there.get(path) != expected.get(path))
        if differing:
            return f"python_modules/{differing[0]} is not the one of src ({len(differing)} files differ)"
    return None


def main(arguments: list[str]) -> int:
    files = vendored(SOURCE)
    if arguments == ["--check"]:
        problem = stale(files)
        if problem:
            print(f"{problem}. {AGAIN}", file=sys.stderr)
        return 1 if problem else 0
    if arguments not in ([], ["--copy"]):
        print(__doc__, file=sys.stderr)
        return 2
    MODULES.mkdir(exist_ok=True)
    install_sdk(MODULES)
    copy(files, MODULES)
    if not arguments:
        MANIFEST.write_text(manifest(files), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
