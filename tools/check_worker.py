"""Check what a deployment of the Worker would upload, without one: ``make worker-check``. One line for each check.

    python tools/check_worker.py            everything; the first time it installs wrangler (the harness, about 400 MB)
    python tools/check_worker.py --quick    what needs neither Node nor a copy: the manifest, and that it compiles

Nothing is sent, and nobody has to be logged in. Where there is no npm, the last three checks are skipped and say so.
Exit codes: 0 as it should be, 1 it is not, 2 a wrong option.
"""

from __future__ import annotations

import py_compile
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]  # what installs wrangler is the tests' own: one way to do it

from tests.worker.workerd import HARNESS, MODULES, NoNpmError, Tools, environment, install, tools, vendor  # noqa: E402
from vendor_core import UNUSED  # noqa: E402

LARGEST = 190.0
"""The most KiB that an upload may have, compressed: core, Worker and SDK. Cloudflare takes 3 MB at the least."""

WORKER = ROOT / "worker"
MANIFEST = WORKER / "python_modules.sha256"
_WRANGLER = HARNESS / "node_modules" / "wrangler" / "bin" / "wrangler.js"
_STAMP = HARNESS / "node_modules" / ".lock.sha256"
_WRITTEN_BY_WRANGLER = frozenset({"README.md"})  # beside the bundle; it is not uploaded
_SHOWN = 5


class WrongError(Exception):
    """One check says no; the message says why."""

    def __init__(self, check: str, said: str) -> None:
        super().__init__(said)
        self.check = check


@dataclass(frozen=True, slots=True)
class Packed:
    """What wrangler would upload: the files, and their size compressed, in KiB."""

    files: frozenset[str]
    size: float


# --- What needs neither Node nor a copy ---


def manifest() -> str:
    """The manifest is the core's, and so is a copy that is there."""
    command = [sys.executable, str(ROOT / "tools" / "vendor_core.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if ran.returncode:
        raise WrongError("manifest", ran.stderr.strip())
    return f"{MANIFEST.relative_to(ROOT)} is that of the core"


def compiled() -> str:
    """Wrangler notices no syntax error: Python does."""
    modules = sources()
    compile_all(modules)
    return f"{len(modules)} modules"


def sources() -> list[Path]:
    """Every module of a deployment: the Worker's, the core's (a copy is no other), and the SDK's once it is there."""
    core = [ROOT / "src" / name for name in vendored()]
    sdk = [path for path in MODULES.rglob("*.py") if path.relative_to(MODULES).parts[0] != "aig_client"]
    return [*sorted(WORKER.glob("*.py")), *core, *sorted(sdk)]


def compile_all(modules: Iterable[Path]) -> None:
    """Compile, and leave nothing beside the source: what lies there could be uploaded.

    Raises:
        WrongError: one of them is no Python.
    """
    with tempfile.TemporaryDirectory() as folder:
        for module in modules:
            try:
                py_compile.compile(str(module), cfile=str(Path(folder) / "compiled"), doraise=True)
            except (py_compile.PyCompileError, OSError) as error:
                raise WrongError("compiled", str(error).strip()) from None


def vendored() -> list[str]:
    """The paths that the manifest names, under ``python_modules``."""
    return [line.split("  ", 1)[1] for line in MANIFEST.read_text("utf-8").splitlines()]


# --- What wrangler makes of it ---


def dry_run(found: Tools, folder: Path) -> Packed:
    """Let wrangler pack everything into a folder, as it would upload it.

    Raises:
        WrongError: it would not deploy.
    """
    command = [found.node, str(_WRANGLER), "deploy", "--dry-run", "--outdir", str(folder)]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment(found), text=True, capture_output=True, timeout=120, check=False
    )
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip()[-2000:]
        raise WrongError("dry run", f"wrangler ended with {ran.returncode}: {said}")
    size = re.search(r"gzip: ([\d.]+) KiB", ran.stdout)
    if size is None:
        raise WrongError("dry run", "wrangler does not say how large the upload is")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return Packed(frozenset(files - _WRITTEN_BY_WRANGLER), float(size[1]))


def expected() -> frozenset[str]:
    """What is to be uploaded: the Worker's modules, the core by its manifest, the SDK by its own list of files."""
    own = {path.name for path in WORKER.glob("*.py")}
    return frozenset(own | {f"python_modules/{name}" for name in (*vendored(), *_installed())})


def _installed() -> Iterator[str]:
    for record in MODULES.glob("*.dist-info/RECORD"):
        for line in record.read_text("utf-8").splitlines():
            name = line.rsplit(",", 2)[0]
            if name not in UNUSED:
                yield name


def files_of(packed: Packed, wanted: frozenset[str]) -> str:
    """Exactly these files are uploaded, and none of a kind that never should be.

    Raises:
        WrongError: there are others, or some are missing.
    """
    differing = [
        *(f"{name} is missing" for name in sorted(wanted - packed.files)),
        *(f"{name} should not be there" for name in sorted(packed.files - wanted)),
        *(f"{name} is nobody's to upload" for name in sorted(packed.files & wanted) if _is_unwanted(name)),
    ]
    if differing:
        more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise WrongError("files", "; ".join(differing[:_SHOWN]) + more)
    return f"{len(packed.files)} files, as listed"


def _is_unwanted(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".pyc" or bool({"tests", "__pycache__"} & set(path.parts))


def size_of(packed: Packed) -> str:
    """The upload is not too large.

    Raises:
        WrongError: it is.
    """
    said = f"{packed.size:g} KiB compressed, of {LARGEST:g} at the most"
    if packed.size > LARGEST:
        raise WrongError("size", said)
    return said


# --- All of it ---


def _uploading(say: Callable[[str, str], None]) -> None:
    try:
        found = tools()
    except NoNpmError:
        say("dry run", "SKIPPED, and with it files and size: there is no npm on this machine")
        return
    if not _STAMP.is_file():
        say("harness", "is installed first, about 400 MB, once")
    install(found)
    vendor()
    with tempfile.TemporaryDirectory() as folder:
        packed = dry_run(found, Path(folder))
    say("dry run", "wrangler would deploy it")
    say("files", files_of(packed, expected()))
    say("size", size_of(packed))


def _say(check: str, said: str) -> None:
    print(f"{check:9} {said}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Every check, until one fails."""
    if list(arguments) not in ([], ["--quick"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        _say("manifest", manifest())
        _say("compiled", compiled())
        if not arguments:
            _uploading(_say)
    except WrongError as error:
        _say(error.check, f"FAILED: {error}")
        return 1
    except (RuntimeError, subprocess.SubprocessError) as error:
        _say("dry run", f"FAILED: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
