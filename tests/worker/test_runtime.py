"""The pieces of the runtime that the Worker stands on, each proved on real workerd."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import CONFORMANCE, SMOKE, assert_quiet
from .upstream import Upstream, upstream
from .workerd import ROOT, WRANGLER, NoNpmError, Running, Tools, serve

EVENTS = [f"data: {number}\n\n".encode() for number in range(5)]


@pytest.fixture
async def client(smoke: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=smoke.url, timeout=20, trust_env=False) as made:
        yield made


@pytest.fixture
async def source() -> AsyncIterator[Upstream]:
    async with upstream() as one:
        yield one


async def test_the_projects_worker_answers(worker: Running) -> None:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        answer = await client.get(f"{worker.url}/healthz")
    said = answer.json()
    assert (answer.status_code, said["ok"]) == (503, False), "no secret is set here"
    assert said["problem"].startswith("POLICY_KEY is not set")
    assert re.fullmatch(r"3\.14\.\d+", said["python"])


async def test_the_worker_runs_python_314_on_the_vendored_core(client: httpx.AsyncClient) -> None:
    said = (await client.get("/about")).json()
    assert said["python"].startswith("3.14.")
    assert said["platform"] == "emscripten"
    assert said["path"][-2:] == ["/session/metadata/python_modules", "/session/metadata"]
    assert "aig_client.core" in said["modules"]
    assert not [name for name in said["modules"] if name.startswith(("aig_client.http", "aig_client.schema"))]


async def test_what_production_refuses_at_import_is_refused_here(client: httpx.AsyncClient) -> None:
    said = (await client.get("/about")).json()
    assert said["import"] == {
        "os.urandom": "OSError",
        "random.random": "RuntimeError",
        "random.choice": "RuntimeError",
        "time.time": True,
    }
    assert said["now"]["os.urandom"] == 8
    assert 0 < said["now"]["random.random"] < 1
    assert said["now"]["time.time"] > 1_700_000_000


async def test_variables_are_those_of_the_configuration_and_of_the_test(client: httpx.AsyncClient) -> None:
    assert (await client.get("/about")).json()["vars"] == ["from the test", "from the configuration"]


async def test_what_the_worker_prints_is_in_its_log(smoke: Running, client: httpx.AsyncClient) -> None:
    await client.get("/about")
    assert "about was asked for" in smoke.log.read_text("utf-8")


async def test_a_durable_objects_alarm_rings(client: httpx.AsyncClient) -> None:
    add: dict[str, str | int] = {"object": "clock", "name": "rung", "amount": 0}
    assert (await client.get("/alarm", params={"object": "clock"})).status_code == 204
    for _ in range(500):
        if (rung := (await client.get("/add", params=add)).json()) != 0:
            assert rung == 1
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the alarm did not ring")


async def test_run_sync_waits_inside_a_plain_function(client: httpx.AsyncClient) -> None:
    assert (await client.get("/waits")).text == "waited"


async def test_random_numbers_are_not_the_same_in_every_isolate(harness: Tools, client: httpx.AsyncClient) -> None:
    first = (await client.get("/about")).json()["now"]["random.random"]
    second = (await client.get("/about")).json()["now"]["random.random"]
    assert first != second


async def test_a_durable_object_counts_two_hundred_at_once(client: httpx.AsyncClient) -> None:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=client.base_url, timeout=60, trust_env=False, limits=limits) as many:
        answers = await asyncio.gather(
            *(many.get("/add", params={"object": "tenant", "name": "spent", "amount": 3}) for _ in range(200))
        )
    assert sorted(answer.json() for answer in answers) == [3 * number for number in range(1, 201)]


async def test_one_durable_object_does_not_see_another(client: httpx.AsyncClient) -> None:
    for name in ("one", "two"):
        answer = await client.get("/add", params={"object": name, "name": "spent", "amount": 7})
        assert answer.json() == 7


async def test_kv_gives_back_what_was_put(client: httpx.AsyncClient) -> None:
    assert (await client.get("/kv", params={"key": "policy"})).status_code == 404
    assert (await client.put("/kv", params={"key": "policy"}, content='{"é": 1}')).status_code == 201
    assert (await client.get("/kv", params={"key": "policy"})).json() == {"é": 1}


async def test_a_rate_limit_limits_per_key(client: httpx.AsyncClient) -> None:
    said = [(await client.get("/limit", params={"key": "a"})).json() for _ in range(6)]
    assert said == [True] * 5 + [False]
    assert (await client.get("/limit", params={"key": "b"})).json() is True


async def test_a_data_point_can_be_written(client: httpx.AsyncClient) -> None:
    assert (await client.get("/point")).status_code == 204


async def test_what_is_sent_to_a_queue_is_delivered(client: httpx.AsyncClient) -> None:
    assert (await client.get("/send", params={"key": "queued"})).status_code == 204
    assert json.loads(await in_kv(client, "queued")) == ["events", {"key": "queued", "spent": 1.5, "model": None}]


def test_what_fails_under_wait_until_is_in_the_log(harness: Tools, tmp_path: Path) -> None:
    log = tmp_path / "log"
    extra = {"tests/worker/conformance": str(CONFORMANCE)}
    with serve(harness, SMOKE, log, extra=extra) as own:
        answer = httpx.get(f"{own.url}/fails", params={"why": "nobody saw this"}, timeout=20, trust_env=False)
        assert answer.status_code == 204
        until = time.monotonic() + 10
        while "nobody saw this" not in log.read_text("utf-8") and time.monotonic() < until:
            time.sleep(0.02)
    assert "nobody saw this" in log.read_text("utf-8")
    with pytest.raises(AssertionError):
        assert_quiet(log)


async def test_an_assertion_that_is_nested_without_end_leaves_the_isolate_alive(client: httpx.AsyncClient) -> None:
    """It comes from anybody, before a signature is looked at; in CPython ``json.loads`` would save us by itself."""
    deep = base64.urlsafe_b64encode(b"[" * 10_000 + b"]" * 10_000).decode().rstrip("=")
    answer = await client.get("/assertion", headers={"cf-access-jwt-assertion": f"{deep}.e30.AA"})
    assert (answer.status_code, answer.text) == (200, "None")
    assert (await client.get("/healthz")).text == "ok\n"


@pytest.mark.parametrize("route", ["/pass", "/metered"])
async def test_a_stream_passes_unbuffered(route: str, client: httpx.AsyncClient, source: Upstream) -> None:
    """Each event is sent only after the one before it has arrived: whoever buffers, waits for ever."""
    async with client.stream("GET", route, params={"to": source.url, "key": "unbuffered"}) as answer:
        pieces = answer.aiter_bytes()
        for event in EVENTS:
            source.outbox.put_nowait(event)
            assert await asyncio.wait_for(anext(pieces), 10) == event
        source.outbox.put_nowait(b"")
        assert [piece async for piece in pieces] == []


async def test_wait_until_outlives_a_streamed_answer(client: httpx.AsyncClient, source: Upstream) -> None:
    for event in (*EVENTS, b""):
        source.outbox.put_nowait(event)
    answer = await client.get("/metered", params={"to": source.url, "key": "metered"})
    assert answer.content == b"".join(EVENTS)
    counted = await in_kv(client, "metered")
    assert json.loads(counted) == [len(answer.content), hashlib.sha256(answer.content).hexdigest()]


async def test_a_client_that_goes_away_ends_the_upstream(client: httpx.AsyncClient, source: Upstream) -> None:
    """workerd notices when it has something to write: an upstream that is silent is left at its next event."""
    source.outbox.put_nowait(EVENTS[0])
    async with client.stream("GET", "/pass", params={"to": source.url}) as answer:
        assert await anext(answer.aiter_bytes()) == EVENTS[0]
        assert not source.abandoned.is_set()
    async with asyncio.timeout(10):
        while not source.abandoned.is_set():
            source.outbox.put_nowait(EVENTS[1])
            await asyncio.sleep(0.02)


async def test_a_metered_stream_is_read_to_its_end_though_the_client_goes_away(
    client: httpx.AsyncClient, source: Upstream
) -> None:
    source.outbox.put_nowait(EVENTS[0])
    async with client.stream("GET", "/metered", params={"to": source.url, "key": "left"}) as answer:
        assert await anext(answer.aiter_bytes()) == EVENTS[0]
    for event in (*EVENTS[1:], b""):
        source.outbox.put_nowait(event)
    assert json.loads(await in_kv(client, "left"))[0] == len(b"".join(EVENTS))
    assert not source.abandoned.is_set()


async def in_kv(client: httpx.AsyncClient, key: str) -> str:
    """What a Worker writes after its answer; nothing tells a client when."""
    for _ in range(500):
        answer = await client.get("/kv", params={"key": key})
        if answer.status_code == 200:
            return answer.text
        await asyncio.sleep(0.02)
    raise AssertionError(f"nothing was written to {key!r}")


def test_the_harness_ends_with_whoever_started_it(harness: Tools, tmp_path: Path) -> None:
    with serve(harness, WRANGLER, tmp_path / "log") as running:
        assert httpx.get(f"{running.url}/healthz", timeout=20, trust_env=False).status_code == 503
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}/healthz", timeout=5, trust_env=False)


# --- What a deployment would upload: tools/check_worker.py ---


@pytest.fixture(scope="module")
def check() -> Any:
    spec = spec_from_file_location("check_worker", ROOT / "tools" / "check_worker.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    sys.modules["check_worker"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_wrangler_packs_the_core_and_nothing_of_the_tests(harness: Tools, check: Any, tmp_path: Path) -> None:
    packed = check.dry_run(harness, tmp_path)
    assert {"entry.py", "ledger.py", "python_modules/workers/__init__.py"} < packed.files
    assert "python_modules/aig_client/core/path/_edge.py" in packed.files
    check.files_of(packed, check.expected())
    check.size_of(packed)


def test_what_wrangler_would_not_deploy_is_said(harness: Tools, check: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "wrangler.toml").write_text('name = "x"\nmain = "entry.py"\n', "utf-8")
    (tmp_path / "entry.py").write_text("", "utf-8")
    monkeypatch.setattr(check, "ROOT", tmp_path)
    with pytest.raises(check.WrongError, match=r"wrangler ended with 1: .*python_workers"):
        check.dry_run(harness, tmp_path / "out")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"entry.py", "tests/a.py", "old.py"}, "new.py is missing; old.py should not be there; tests/a.py is nobody's"),
        ({"entry.py", "new.py", "tests/a.py"}, "tests/a.py is nobody's to upload"),
        ({f"{number}.py" for number in range(9)}, "and 7 more"),
    ],
)
def test_another_list_of_files_is_told(check: Any, files: set[str], said: str) -> None:
    wanted = frozenset({"entry.py", "new.py", "tests/a.py"})
    with pytest.raises(check.WrongError) as caught:
        check.files_of(check.Packed(frozenset(files), 1.0), wanted)
    assert (caught.value.check, said in str(caught.value)) == ("files", True)


def test_an_upload_that_is_too_large_is_told(check: Any) -> None:
    assert check.size_of(check.Packed(frozenset(), check.LARGEST))
    with pytest.raises(check.WrongError, match="KiB compressed"):
        check.size_of(check.Packed(frozenset(), check.LARGEST + 0.01))


def test_a_module_that_is_no_python_is_told_and_nothing_is_left_beside_it(check: Any, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "bad.py").write_text("x = = 1\n", "utf-8")
    with pytest.raises(check.WrongError, match=r"bad\.py"):
        check.compile_all(sorted(tmp_path.glob("*.py")))
    assert {path.name for path in tmp_path.iterdir()} == {"good.py", "bad.py"}
    assert {path.name for path in check.sources()} >= {"entry.py", "_edge.py", "_ledger.py", "_version.py"}


def test_a_machine_without_npm_says_that_the_dry_run_is_skipped(
    check: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none() -> Tools:
        raise NoNpmError

    monkeypatch.setattr(check, "tools", none)
    monkeypatch.setattr(check, "manifest", lambda: "as it should be")
    assert check.main([]) == 0
    told = capsys.readouterr().out
    assert re.findall(r"^(\w+(?: \w+)?) {2,}", told, re.MULTILINE) == ["manifest", "compiled", "dry run"]
    assert "SKIPPED" in told
    monkeypatch.setattr(check, "WORKER", check.ROOT / "tests" / "worker" / "nowhere")
    monkeypatch.setattr(check, "vendored", lambda: ["aig_client/none.py"])
    assert check.main(["--quick"]) == 1
    assert "compiled  FAILED" in capsys.readouterr().out
    assert check.main(["--force"]) == 2
