from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .workerd import ROOT, WRANGLER, NoNpmError, Running, Tools, install, serve, tools, vendor

SMOKE = ROOT / "tests" / "worker" / "smoke" / "wrangler.toml"
CONFORMANCE = ROOT / "tests" / "worker" / "conformance"


@pytest.fixture(scope="session")
def harness() -> Tools:
    """Node with the harness installed, and ``python_modules`` as they would be deployed."""
    try:
        found = tools()
    except NoNpmError as error:
        pytest.skip(str(error))
    install(found)
    vendor()
    return found


@pytest.fixture(scope="session")
def smoke(harness: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The tests' own Worker, with one binding of each kind."""
    log = tmp_path_factory.mktemp("smoke") / "log"
    extra = {"tests/worker/conformance": str(CONFORMANCE)}
    with serve(harness, SMOKE, log, extra=extra, vars={"GREETING": "from the test"}) as running:
        yield running
    assert_quiet(log)


@pytest.fixture(scope="session")
def worker(harness: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The project's Worker, as ``wrangler.toml`` describes it."""
    log = tmp_path_factory.mktemp("worker") / "log"
    with serve(harness, WRANGLER, log) as running:
        yield running
    assert_quiet(log)


def assert_quiet(log: Path) -> None:
    """Python reports on stderr what nobody awaited or caught; no test sees it in an answer."""
    complaints = [line for line in log.read_text("utf-8").splitlines() if not line.startswith("log: ")]
    assert complaints == []
