"""Serve the Worker on this machine, in workerd, with the local AI Gateway behind it; until Ctrl-C.

    python tools/serve_worker.py                    one principal, a fresh token, a line for every request
    python tools/serve_worker.py --exit-after 60    stop by itself
    python tools/serve_worker.py --json             the first line is one JSON object: url, token, gateway

Node 22.12 or newer and npm are needed; the first run installs the harness (about 400 MB, by ``tests/worker/harness``'s
lock). Nothing leaves this machine afterwards: the gateway is the emulator, and KV, counters and events are workerd's
own, in memory. Exit codes: 0 stopped, 1 could not start, 2 a wrong option.
"""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # what installs and starts the harness is the tests' own: one way to do it

from tests.worker.workerd import WRANGLER, NoNpmError, Running, install, serve, tools, vendor  # noqa: E402

from aig_client.apps.cli._dev_log import RequestLog  # noqa: E402
from aig_client.apps.emulator import EmulatorConfig, RunningEmulator, serve_in_thread  # noqa: E402
from aig_client.core.path._edge_document import digest_of_text, signature_of  # noqa: E402
from aig_client.core.path._principal import stored_token  # noqa: E402
from aig_client.schema import compile_policy  # noqa: E402

PROVIDERS = frozenset({"openai", "anthropic", "google-ai-studio"})
CLASSES = {"cached": {"cache": {"strategy": "response", "ttl": 600}, "targets": ["openai/gpt-5-mini"]}}
_DAY = 24 * 3600
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Served:
    """The Worker, the token that opens it, and the gateway behind it."""

    worker: Running
    token: str
    gateway: RunningEmulator


class Stopped(Exception):  # noqa: N818  (it is no error)
    """Somebody has asked us to end."""


def document(token: str) -> str:
    """An edge document with one principal, ``demo``, who may use every class."""
    stored = stored_token(token, secrets.token_hex(8))
    principal = {"tenant": "demo", "tokens": [stored], "classes": ["*"]}
    whole = {"edge": "aig-edge/1", "policy": compile_policy({"classes": CLASSES}), "principals": {"demo": principal}}
    return json.dumps(whole)


def publish(worker: Running, version: int, text: str, key: str) -> None:
    """Put a document into the Worker's KV, signed; the pointer last, so that it never points at nothing."""
    digest = digest_of_text(text.encode())
    signed = signature_of(version, digest, key.encode())
    worker.put("POLICY", f"edge/{version}", text)
    worker.put("POLICY", "current", json.dumps({"version": version, "digest": digest, "signature": signed}))


@contextmanager
def serving(seconds: float = _DAY) -> Generator[Served]:
    """Serve both for the length of the block.

    Raises:
        NoNpmError: there is no npm.
        RuntimeError: Node is too old, or the harness cannot be installed or started.
    """
    found = tools()
    install(found)
    vendor()
    token, gateway_token, policy_key = (secrets.token_urlsafe(24) for _ in range(3))
    config = EmulatorConfig(auth_tokens=frozenset({gateway_token}), stored_keys=PROVIDERS)
    with tempfile.TemporaryDirectory(prefix="aig-worker-") as folder, serve_in_thread(config) as gateway:
        variables = {
            "ACCOUNT_ID": gateway.account,
            "GATEWAY_ID": gateway.gateway,
            "GATEWAY_ORIGIN": gateway.origin,
            "GATEWAY_TOKEN": gateway_token,
            "KEY_SECRET": secrets.token_hex(16),
            "POLICY_KEY": policy_key,
        }
        log = Path(folder) / "log"
        with serve(found, WRANGLER, log, vars=variables, seconds=int(min(seconds, _DAY)) + 30) as worker:
            publish(worker, 1, document(token), policy_key)
            yield Served(worker, token, gateway)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal, or for so many seconds."""
    parser = argparse.ArgumentParser(
        prog="python tools/serve_worker.py", description="Serve the Worker on this machine."
    )
    parser.add_argument("--exit-after", type=float, default=_DAY, metavar="SECONDS", help="stop by itself")
    parser.add_argument("--json", action="store_true", help="one JSON object per line, the first when it is ready")
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if not options.json:
        print("Starting the Worker in workerd (the first run installs it: about 400 MB) ...", flush=True)
    try:
        with serving(options.exit_after) as served:
            _tell(served, as_json=options.json)
            _follow(served, time.monotonic() + options.exit_after, as_json=options.json)
    except Stopped:
        pass
    except (NoNpmError, RuntimeError, OSError) as error:
        print(f"The Worker could not be started: {error}", file=sys.stderr)
        return 1
    return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once: a second Ctrl-C must not cut short what ends the processes.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _tell(served: Served, *, as_json: bool) -> None:
    url, token = served.worker.url, served.token
    if as_json:
        print(json.dumps({"event": "ready", "url": url, "token": token, "gateway": served.gateway.gateway_url}))
    else:
        print(f"{url}  in front of {served.gateway.gateway_url}")
        print(f"  token        {token}")
        print(f"  aig-client   GatewayClient(edge={url!r}, token=...)")
        print(f"  openai       export OPENAI_BASE_URL={url}/openai OPENAI_API_KEY={token}")
        print(f"  curl         curl -i {url}/c/cached/openai/chat/completions \\")
        print(f"                 -H 'authorization: Bearer {token}' -H 'content-type: application/json' \\")
        print("""                 -d '{"messages": [{"role": "user", "content": "Hello"}]}'""")
        print("Requests that reach the gateway, and what the Worker says; Ctrl-C stops.")
    sys.stdout.flush()


def _follow(served: Served, until: float, *, as_json: bool) -> None:
    """Print requests at the gateway as they come, and what workerd has to say. Refusals never get as far."""
    log, last, told = RequestLog(as_json=as_json), None, 0
    while time.monotonic() < until:
        time.sleep(max(0.0, min(_LOOK, until - time.monotonic())))
        entries = served.gateway.log
        known = next((at for at in range(len(entries), 0, -1) if entries[at - 1] is last), 0)
        for entry in entries[known:]:
            log.add(entry)
            last = entry
        log.flush()
        said = served.worker.log.read_bytes()
        if len(said) > told:
            sys.stderr.write(said[told:].decode("utf-8", "replace"))
            told = len(said)
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
