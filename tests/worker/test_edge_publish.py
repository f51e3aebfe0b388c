"""From `aig.toml` to a Worker that decides by it, and back: pushed into the local gateway's KV, and read from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudflare import Cloudflare

from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread

from ..cli.running import run
from .conftest import assert_quiet
from .edges import GATEWAY_TOKEN, POLICY_KEY, variables
from .workerd import WRANGLER, Running, Tools, serve

FRESH = "0.1"
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


@dataclass
class Account:
    """The emulator as Cloudflare's API, a Worker behind it, and the file that is published."""

    emulator: RunningEmulator
    worker: Running
    folder: Path
    namespace: str
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "CLOUDFLARE_BASE_URL": f"{self.emulator.origin}/client/v4",
            "CLOUDFLARE_API_TOKEN": GATEWAY_TOKEN,
            "CLOUDFLARE_ACCOUNT_ID": self.emulator.account,
            "AIG_POLICY_KEY": POLICY_KEY,
        }

    def sdk(self) -> Cloudflare:
        return Cloudflare(api_token=GATEWAY_TOKEN, base_url=self.environ["CLOUDFLARE_BASE_URL"], max_retries=0)

    def token(self, name: str) -> str:
        """A principal's token, which `aig policy token` has made."""
        if name not in self.tokens:
            made = run("policy", "token", name, "--json").data
            self.tokens[name] = made["token"], made["stored"]
        return self.tokens[name][0]

    def write(self, *principals: str, epoch: int = 1) -> None:
        tables = [
            '[policy]\nproviders = ["openai"]',
            '[classes.cached]\ntargets = ["openai/gpt-5-mini"]\ncache = {strategy = "response", ttl = 600}',
            f'[edge]\nepoch = "{epoch}"',
        ]
        for name in principals:
            self.token(name)
            tables.append(
                f'[principals.{name}]\ntenant = "{name}"\ntokens = ["{self.tokens[name][1]}"]\nclasses = ["*"]'
            )
        (self.folder / "aig.toml").write_text("\n".join(tables), "utf-8")

    def push(self, *words: str) -> int:
        """Publish, let KV's copies be renewed, and wait for the Worker to have read them. The version."""
        ran = run("policy", "push", "--namespace-id", self.namespace, "--json", *words, env=self.environ)
        assert (ran.code, ran.err) == (0, "")
        api = self.sdk().kv.namespaces
        place: Any = {"account_id": self.emulator.account, "namespace_id": self.namespace}
        for key in sorted(
            (one.name for one in api.keys.list(**place)), reverse=True
        ):  # what is pointed at, then who points
            self.worker.put("POLICY", key, api.values.get(key, **place).read().decode())
        version: int = ran.data["version"]
        said: Any = None
        for _ in range(200):
            said = httpx.get(f"{self.worker.url}/healthz", trust_env=False, timeout=20).json()
            if said["policy"] == {"version": version, "digest": ran.data["digest"]}:
                assert said["ok"]
                return version
            time.sleep(0.05)
        raise AssertionError(f"version {version} was not taken: {said}")

    def ask(self, name: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token(name)}"}
        url = f"{self.worker.url}/c/cached/openai/chat/completions"
        return httpx.post(url, json=HELLO, headers=headers, trust_env=False, timeout=20)


@pytest.fixture
def account(harness: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.chdir(tmp_path)
    config = EmulatorConfig(auth_tokens=frozenset({GATEWAY_TOKEN}), stored_keys=frozenset({"openai"}))
    with serve_in_thread(config) as emulator:
        with serve(
            harness, WRANGLER, tmp_path / "log", vars=variables(emulator, POLICY_FRESH_SECONDS=FRESH)
        ) as running:
            one = Account(emulator, running, tmp_path, "")
            made = one.sdk().kv.namespaces.create(account_id=emulator.account, title="policy")
            assert made is not None
            one.namespace = made.id
            yield one
        assert_quiet(tmp_path / "log")


def test_a_token_that_is_revoked_opens_nothing_until_the_policy_is_rolled_back(account: Account) -> None:
    account.write("acme", "globex")
    assert account.push() == 1
    statuses = [account.ask("acme").headers["cf-aig-cache-status"] for _ in range(2)]
    assert statuses == ["MISS", "HIT"]
    assert account.ask("globex").headers["cf-aig-cache-status"] == "MISS"

    account.write("globex", epoch=2)
    assert account.push() == 2
    before = len(account.emulator.log)
    replayed = account.ask("acme")
    assert (replayed.status_code, replayed.headers["x-aig-refused"]) == (401, "unauthenticated")
    assert len(account.emulator.log) == before
    assert account.ask("globex").headers["cf-aig-cache-status"] == "MISS", "another epoch: nothing of before is found"

    assert account.push("--rollback") == 1
    assert account.ask("acme").headers["cf-aig-cache-status"] == "HIT"
    assert account.push("--rollback") == 2
    assert account.ask("acme").status_code == 401
